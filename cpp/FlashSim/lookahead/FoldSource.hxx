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

/// Chunks, blocks and columns of a FoldSource.
struct FoldSourceOptions {
   int fFoldSize = 1; ///< RECO events per GEN event, at least 1
   std::uint64_t fChunkSize =
       0; ///< entries of the upstream dataset collected at a time; 0: chosen, whole clusters where it can be
   std::size_t fBlockSize = 1024; ///< rows in one block and task, of the network that has most of them
   /// Number of the first entry of each file, if the node reads some files of a larger dataset (in a distributed run):
   /// entries are then numbered as in the whole dataset. This option changes results: `genEvent`, and the random
   /// numbers of datasets without run, luminosityBlock and event.
   std::map<std::string, std::uint64_t> fFirstEntries;
   std::set<std::string> fHiddenColumns;   ///< columns of the node that the result does not have
   std::function<void()> fAtEnd = nullptr; ///< called at the end of each event loop, unless an error ends it
};

/// \brief A data source with N entries for each event of any RDataFrame graph: the look-ahead for batches of flows.
///
/// The upstream graph (any Define, Filter, ...; on TTree, TChain, RNTuple or an empty source) is run over one chunk of
/// entries after the other, once for each GEN event. The columns that the downstream graph reads are kept in memory for
/// one chunk, cut into blocks of GEN events that are processed in parallel. Every entry has, beside all upstream
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
/// *Samples*: DefinePerSample, and all other users of the sample of an entry, get that of the GEN event, with its name
/// and metadata. Its numbers of entries count RECO events.
///
/// *Report* and *GetFilterNames* of the dataframe that MakeFolds() makes, and of all nodes behind it, list the filters
/// between the upstream dataset and the node first. These count GEN events, each once: those that the event loop has
/// read, that is all unless a Range ends it early. Filters behind count RECO events. (RCutFlowReport::Print() shows a
/// cumulative efficiency there that is N times too high: it divides by the first filter's events.)
///
/// *Threads*: as RDataFrame's own sources. Two dataframes made from the same upstream graph must not run at the same
/// time, nor the upstream graph itself: FlashSim::RunGraphs() takes care of this. A callback may ask for results of the
/// upstream graph, or of another dataframe made from it. A request that would run a graph twice at the same time
/// throws.
///
/// *Stages*: where the upstream node has the columns `foldIndex`, `genEvent` and `foldSize`, as the result of another
/// look-ahead or a file of it, its entries are RECO events. Each becomes one entry, the fold size must be 1, and these
/// columns are carried through. The earlier look-ahead is stepped: one of its chunks is one chunk here, so that memory
/// does not grow with the dataset.
///
/// *Limits*: a column that is varied upstream is an error (vary the result). An upstream `Range`, and a source that
/// ignores entry ranges (CSV, Arrow, ...), make the whole dataset one chunk.
///
/// See root-project/root #16739. Users call FlashSim::Simulate instead, which adds the RECO columns.
///
/// ~~~{.cpp}
/// ROOT::RDataFrame gen("Events", "gen.root");
/// auto folds = FlashSim::MakeFolds(gen.Filter("nGenJet >= 2"), {10});
/// std::cout << *folds.Count() << "\n"; // ten times the number of events with two GEN jets
/// ~~~
class FoldSource final : public ROOT::RDF::RDataSource {
public:
   /// \param[in] node source of the GEN events
   /// \param[in] options chunks, blocks and columns
   /// \throws std::runtime_error for a fold size < 1, if the node has some of the columns foldIndex, genEvent and
   /// foldSize and lacks others, or if it has all of them and the fold size is not 1, one is not an integer, or one was
   /// redefined behind a look-ahead
   FoldSource(ROOT::RDF::RNode node, const FoldSourceOptions &options);
   ~FoldSource() final;

   /// RECO events of one upstream event: 1 in a later stage.
   int GetFoldSize() const { return fOptions.fFoldSize; }

   /// The current chunk, for functors that work on whole blocks.
   std::shared_ptr<FoldStore> GetStore() const { return fStore; }

   /// Progress of the event loop.
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

   /// The upstream node of a source, or a null pointer for sources of other classes.
   static const ROOT::RDF::RNode *GetUpstream(const ROOT::RDF::RDataSource *source);

protected:
   ROOT::RDF::RSampleInfo
   CreateSampleInfo(unsigned int slot,
                    const std::unordered_map<std::string, ROOT::RDF::Experimental::RSample *> &samples) const final;
   Record_t GetColumnReadersImpl(std::string_view, const std::type_info &) final { return {}; }
   std::string AsString() final { return "FlashSim look-ahead"; }
   void RunFinalChecks(bool) const final;

private:
   class EventLoop; // lives from Initialize() to Finalize()
   class Stepper;

   /// The source of a node's data if it is a FoldSource, else a null pointer.
   static FoldSource *GetSource(const ROOT::RDF::RNode &node);
   void CarryFolds();

   std::unique_ptr<EventLoop> StartLoop();
   std::unique_ptr<EventLoop> ContinueLoop(); ///< that of the last step

   /// Sets the numbers of all upstream cuts to 0.
   void StartCuts();

   struct alignas(64) Slot {
      ULong64_t fFirstEntry = 0; ///< of the current range
   };
   friend ROOT::RDF::RNode MakeFolds(std::unique_ptr<FoldSource> source);
   friend bool IsGenEventOfFoldSource(const ROOT::RDF::RNode &node, const std::string &column);

   std::unique_ptr<ROOT::Detail::RDF::RColumnReaderBase> MakeReader(unsigned int slot, std::string_view column,
                                                                    const std::type_info &type);

   ROOT::RDF::RNode fNode;
   FoldSourceOptions fOptions;
   std::shared_ptr<FoldStore> fStore;
   std::string fRefusal; ///< reason why a requested column cannot be read
   std::vector<std::string> fColumnNames;
   mutable std::map<std::string, std::string, std::less<>> fTypeNames;
   std::shared_ptr<ROOT::RDF::RCutFlowReport> fCuts; ///< upstream, of the last event loop so far
   std::unique_ptr<EventLoop> fLoop;
   Stepper *fStepper = nullptr;      ///< of a later stage, during a step
   bool fAreFoldsWhole = true;       ///< whether no task begins or ends within a fold
   std::atomic<bool> fIsLost{false}; ///< whether another event loop was started inside of the one that runs
   std::shared_ptr<void> fSetAside;  ///< the latter's state then
   std::vector<Slot> fSlots;
   std::size_t fNextBlock = 0;      ///< of the chunk, to be handed out
   std::size_t fSampleOfRanges = 0; ///< number of the sample of the first range handed out last
   const void *fOwner = nullptr;    ///< identity of the graph of this source
   LookAheadPosition fPosition;
};

/// The dataframe that reads `source`.
ROOT::RDF::RNode MakeFolds(std::unique_ptr<FoldSource> source);

/// \brief A dataframe with N entries for each event of `node`. See FoldSource.
ROOT::RDF::RNode MakeFolds(ROOT::RDF::RNode node, const FoldSourceOptions &options);

/// RECO events per GEN event of a node whose data come from a FoldSource, all of its stages together; 0 of others. Stages
/// in the dataset's files are not known.
int GetFoldSize(const ROOT::RDF::RNode &node);

/// Whether `column` is the `genEvent` of a FoldSource, whose folds never straddle two tasks: not a column of the same
/// name that was defined, redefined or varied, nor one that was read from a file.
bool IsGenEventOfFoldSource(const ROOT::RDF::RNode &node, const std::string &column);

} // namespace FlashSim

#endif
