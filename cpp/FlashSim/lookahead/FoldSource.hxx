// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDSOURCE
#define FLASHSIM_FOLDSOURCE

#include "FlashSim/lookahead/LookAheadPosition.hxx"

#include <ROOT/RDF/RCutFlowReport.hxx>
#include <ROOT/RDF/RSampleInfo.hxx>
#include <ROOT/RDataFrame.hxx>
#include <ROOT/RDataSource.hxx>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

namespace FlashSim {

class FoldStore;

/// How FoldSource cuts its input.
struct FoldSourceOptions {
   int fFoldSize = 1; ///< RECO events per GEN event, at least 1
   std::uint64_t fChunkSize =
       0; ///< entries of the upstream dataset collected at a time; 0: chosen, whole clusters where it can be
   std::size_t fBlockSize = 1024; ///< rows in one block and task, of the network that has most of them
   /// Number of the first entry of each file, if the node reads some files of a larger dataset (in a distributed run):
   /// entries are then numbered as in all of it. Unlike the others, this one counts: `genEvent`, and the random numbers
   /// of datasets without run, luminosityBlock and event.
   std::map<std::string, std::uint64_t> fFirstEntries;
   std::set<std::string> fHiddenColumns;   ///< columns of the node that are not to be seen in the result
   std::function<void()> fAtEnd = nullptr; ///< called at the end of each event loop, unless an error ends it
};

/// \brief A data source that presents each event of any RDataFrame graph N times: the look-ahead that lets flows run in
/// batches.
///
/// The upstream graph (any Define, Filter, ...; on TTree, TChain, RNTuple or an empty source) is run over one chunk of
/// entries after the other, once for each GEN event. What the downstream graph asks for is kept in memory for one
/// chunk, cut into blocks of GEN events that are processed in parallel. Every entry carries, beside all upstream
/// columns:
///
/// | column | type | meaning |
/// | --- | --- | --- |
/// | `foldIndex` | `int` | 0 ... N-1 |
/// | `genEvent` | `ULong64_t` | number of the GEN event's entry in the upstream dataset: unique, ascending |
/// | `foldSize` | `int` | N, the fold size |
///
/// The entries of one GEN event follow each other, and never straddle two tasks.
///
/// *Laziness*: nothing is read before the event loop of the resulting dataframe starts. Actions that are booked on the
/// upstream graph and have not run by then are run first, over the whole dataset.
///
/// *Samples*: DefinePerSample, and whatever else asks for the sample of an entry, finds that of the GEN event, with its
/// name and metadata. Its numbers of entries count RECO events.
///
/// *Report* and *GetFilterNames* of the dataframe that MakeFolds() makes, and of all nodes behind it, tell the filters
/// between the upstream dataset and the node first, in GEN events, each counted once: those that the event loop has
/// looked ahead at, which are all unless a Range ends it early. Filters behind are told in RECO events. (The cumulative
/// efficiency that RCutFlowReport::Print() shows is N times too high there: it divides by the first filter's events.)
///
/// *Threads*: as RDataFrame's own sources; two dataframes made from the same upstream graph must not run at the same
/// time, nor the upstream graph itself: FlashSim::RunGraphs() sees to it. A callback may ask for results of the upstream
/// graph, or of another dataframe made from it; what would run a graph twice at the same time throws.
///
/// *Limits*: an upstream `Vary` does not cross (asking for a varied column is an error: vary the result). An upstream
/// `Range`, and a source that takes no notice of entry ranges (CSV, Arrow, ...), make the whole dataset one chunk.
///
/// See root-project/root #16739. Users rather call FlashSim::Simulate, which adds the RECO columns.
///
/// ~~~{.cpp}
/// ROOT::RDataFrame gen("Events", "gen.root");
/// auto folds = FlashSim::MakeFolds(gen.Filter("nGenJet >= 2"), {10});
/// std::cout << *folds.Count() << "\n"; // ten times the number of events with two GEN jets
/// ~~~
class FoldSource final : public ROOT::RDF::RDataSource {
public:
   /// \param[in] node where the GEN events come from
   /// \param[in] options how to cut
   /// \throws std::runtime_error for a fold size < 1, or if upstream columns have the names foldIndex, genEvent or
   /// foldSize
   FoldSource(ROOT::RDF::RNode node, const FoldSourceOptions &options);
   ~FoldSource() final;

   /// RECO events per GEN event.
   int GetFoldSize() const { return fOptions.fFoldSize; }

   /// The chunk at hand, for functors that work on whole blocks.
   std::shared_ptr<FoldStore> GetStore() const { return fStore; }

   /// How far the event loop is.
   const LookAheadPosition &GetPosition() const { return fPosition; }

   void SetNSlots(unsigned int nSlots) final;
   const std::vector<std::string> &GetColumnNames() const final { return fColumnNames; }
   bool HasColumn(std::string_view column) const final;
   std::string GetTypeName(std::string_view column) const final;
   std::unique_ptr<ROOT::Detail::RDF::RColumnReaderBase> GetColumnReaders(unsigned int slot, std::string_view column,
                                                                          const std::type_info &type) final;
   std::size_t GetNFiles() const final;
   void Initialize() final;
   void InitSlot(unsigned int slot, ULong64_t firstEntry) final;
   std::vector<std::pair<ULong64_t, ULong64_t>> GetEntryRanges() final;
   bool SetEntry(unsigned int slot, ULong64_t entry) final;
   void Finalize() final;
   std::string GetLabel() final { return "FlashSim::FoldSource"; }

   /// The node that a source looks ahead on, or a null pointer for sources of other classes.
   static const ROOT::RDF::RNode *GetUpstream(const ROOT::RDF::RDataSource *source);

protected:
   ROOT::RDF::RSampleInfo
   CreateSampleInfo(unsigned int slot,
                    const std::unordered_map<std::string, ROOT::RDF::Experimental::RSample *> &samples) const final;
   Record_t GetColumnReadersImpl(std::string_view, const std::type_info &) final { return {}; }
   std::string AsString() final { return "FlashSim look-ahead"; }
   void RunFinalChecks(bool) const final;

private:
   class EventLoop; // what lasts from Initialize() to Finalize()
   struct alignas(64) Slot {
      ULong64_t fFirstEntry = 0; ///< of the range at hand
   };
   friend ROOT::RDF::RNode MakeFolds(std::unique_ptr<FoldSource> source);

   std::unique_ptr<ROOT::Detail::RDF::RColumnReaderBase> MakeReader(unsigned int slot, std::string_view column,
                                                                    const std::type_info &type);

   ROOT::RDF::RNode fNode;
   FoldSourceOptions fOptions;
   std::shared_ptr<FoldStore> fStore;
   std::string fRefusal; ///< why a column that was asked for cannot be read
   std::vector<std::string> fColumnNames;
   mutable std::map<std::string, std::string, std::less<>> fTypeNames;
   std::shared_ptr<ROOT::RDF::RCutFlowReport> fCuts; ///< upstream, of the last event loop so far
   std::unique_ptr<EventLoop> fLoop;
   std::atomic<bool> fIsLost{false}; ///< whether another event loop was started inside of the one that runs
   std::shared_ptr<void> fSetAside;  ///< what the latter is in then
   std::vector<Slot> fSlots;
   std::size_t fNextBlock = 0;      ///< of the chunk, to be handed out
   std::size_t fSampleOfRanges = 0; ///< number of the sample of the first range handed out last
   const void *fOwner = nullptr;    ///< names the graph that this source belongs to
   LookAheadPosition fPosition;
};

/// The dataframe that reads `source`.
ROOT::RDF::RNode MakeFolds(std::unique_ptr<FoldSource> source);

/// \brief A dataframe with N entries for each event of `node`. See FoldSource.
ROOT::RDF::RNode MakeFolds(ROOT::RDF::RNode node, const FoldSourceOptions &options);

/// RECO events per GEN event of a node whose data come from a FoldSource; 0 of others.
int GetFoldSize(const ROOT::RDF::RNode &node);

/// Whether `column` is the `genEvent` of a FoldSource, whose folds never straddle two tasks: not a column of the same
/// name that was defined, redefined or varied, nor one that was read from a file.
bool IsGenEventOfFoldSource(const ROOT::RDF::RNode &node, const std::string &column);

} // namespace FlashSim

#endif
