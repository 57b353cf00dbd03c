// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ROOTINTERNALS
#define FLASHSIM_ROOTINTERNALS

#include "FlashSim/lookahead/IdentityColumns.hxx"

#include <ROOT/RDF/RCutFlowReport.hxx>
#include <ROOT/RDF/RSampleInfo.hxx>
#include <ROOT/RDataFrame.hxx>
#include <ROOT/RResultHandle.hxx>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

class TTreeReader;

/// \file
/// Every use of ROOT's `Internal` and `Detail` namespaces that looking ahead needs, in one place.
///
/// RDataFrame's own distributed mode re-runs a booked graph over one range of entries after the other; so does
/// FoldSource, with the same functions. What each needs of ROOT stands beside it in RootInternals.cxx;
/// tests/test_root_internals.py fails when a new ROOT changes it. The other such uses are the base classes that ROOT's
/// public extension points demand: `Detail::RDF::RColumnReaderBase` (RDataSource) and `Detail::RDF::RActionImpl`
/// (RInterface::Book).
namespace FlashSim::RootInternals {

enum class ESourceKind {
   kTree,   ///< TTree or TChain
   kNTuple, ///< RNTuple
   kEmpty,  ///< RDataFrame(n)
   kFolds,  ///< the result of another look-ahead
   kOther   ///< a data source that takes no notice of entry ranges (CSV, Arrow, SQLite, numpy arrays, ...)
};

ESourceKind GetSourceKind(const ROOT::RDF::RNode &node);

/// Names a graph: its loop manager.
using Graph = const void *;

/// Entries [first, second) of the dataset; second is the dataset's size or the end of the range the user gave.
using EntryRange = std::pair<std::uint64_t, std::uint64_t>;

/// The files of a TChain in its order, each with the global number of its first entry.
using FileOffsets = std::vector<std::pair<std::string, std::uint64_t>>;

/// A branch of a chain that has another type in one of the files than in the first.
struct TypeChange {
   std::string fBranch;
   std::string fFile, fType;
   std::string fFirstFile, fFirstType;
};

/// What the files of a dataset tell.
struct FileLayout {
   std::vector<std::uint64_t> fClusterEnds; ///< global entry numbers, ascending
   FileOffsets fFileOffsets;                ///< empty unless the source is a TChain
   std::vector<TypeChange> fTypeChanges;
   std::vector<PartialColumn> fPartialColumns; ///< of those that were to be looked for
};

/// \brief Restricts the event loops of a graph to one range after the other, and restores what was set before.
class EntryRangeControl {
public:
   /// Reads the range in force (of a dataset spec, of a distributed task, or none) and the cluster boundaries within
   /// it. Opens all files.
   /// \param[in] node of the graph
   /// \param[in] columns to look for in all files
   explicit EntryRangeControl(const ROOT::RDF::RNode &node, const std::vector<std::string> &columns = {});

   /// The range that the user's own event loops cover.
   EntryRange GetFullRange() const { return fFullRange; }

   /// Ends of the clusters within the full range, ascending; the last is the end of the range.
   const std::vector<std::uint64_t> &GetClusterEnds() const { return fClusterEnds; }

   /// Empty unless the source is a TChain.
   const FileOffsets &GetFileOffsets() const { return fFileOffsets; }

   /// Those of the columns to look for that some files of a chain have, and others lack.
   const std::vector<PartialColumn> &GetPartialColumns() const { return fPartialColumns; }

   /// The first file of a TChain or RNTuple; empty for other sources.
   const std::string &GetFirstFile() const { return fFirstFile; }

   const ROOT::RDF::RNode &GetNode() const { return fNode; }

   /// \brief A sample of a restricted event loop, as the loop over the whole dataset has it: all entries of its file.
   ///
   /// ROOT gives the part of the dataset that the restricted loop reads, by its global entry numbers, and names a sample
   /// of an empty source after it. Samples stay as they are if the user has given a range, too.
   ROOT::RDF::RSampleInfo GetWholeSample(const ROOT::RDF::RSampleInfo &sample) const;

   /// \brief To be called in a task of the slot, since only then the graph tells which branches it reads.
   /// \throws std::runtime_error naming branch, files and types if one of these branches has different types in different
   /// files of a chain: TTreeReader (ROOT 6.40) then reads garbage from all files but the first
   void CheckColumnTypes(unsigned int slot) const;

   /// The next event loop covers these entries only.
   void Restrict(EntryRange range);

   /// The next event loop covers what it would have covered before. Never throws.
   void Restore();

private:
   ROOT::RDF::RNode fNode;
   ESourceKind fKind;
   EntryRange fFullRange{0, 0};
   EntryRange fUserRange{0, 0}; ///< as ROOT holds it
   std::vector<std::uint64_t> fClusterEnds;
   FileOffsets fFileOffsets;
   std::vector<TypeChange> fTypeChanges;
   std::vector<PartialColumn> fPartialColumns;
   std::string fFirstFile;
   std::map<std::string, std::uint64_t> fNEntries; ///< of the files of a TChain
   bool fIsRestricted = false;
};

/// \brief EntryRangeControl::CheckColumnTypes() for functors of the graph itself, which are called in its event loop.
///
/// The files, if there are several, are opened once, at the first call of either method. No cost but a comparison after
/// the first Check() of each slot.
class ColumnTypeCheck {
public:
   explicit ColumnTypeCheck(const ROOT::RDF::RNode &node);

   /// \brief Those of the columns that some files of a chain have, and others lack. Not to be called in event loops.
   std::vector<PartialColumn> FindPartialColumns(const std::vector<std::string> &columns);

   /// \throws std::runtime_error as EntryRangeControl::CheckColumnTypes(), for what the slot reads
   void Check(unsigned int slot)
   {
      if (fHasSeveralFiles && fIsSlotChecked[slot] == 0)
         CheckNewSlot(slot);
   }

private:
   void CheckNewSlot(unsigned int slot);

   Graph fGraph; ///< outlives its functors
   bool fHasSeveralFiles;
   std::vector<char> fIsSlotChecked;
   std::once_flag fOnce;
   std::vector<TypeChange> fTypeChanges;
};

/// \brief Gives the range that an RNTuple source has been given to the loop manager, which sets it before each loop.
///
/// A task of a distributed run gives the range to the source alone, which forgets it in the course of its first event
/// loop (ROOT 6.40: only the last file is left of it).
void KeepRange(const ROOT::RDF::RNode &node);

/// \brief Whether actions were booked on the graph that have not run yet.
///
/// Compiles what waits for it first: an action whose column types only the interpreter knows is unknown to the graph
/// until then.
bool HasPendingActions(const ROOT::RDF::RNode &node);

/// Runs what is booked on the graph.
void RunPendingActions(const ROOT::RDF::RNode &node);

/// The next event loop of the graph calls `function` in each slot, whenever that has seen so many entries. It may throw.
void OnEntries(const ROOT::RDF::RNode &node, std::uint64_t everyNEntries, std::function<void()> function);

Graph GetGraph(const ROOT::RDF::RNode &node);
Graph GetGraph(const ROOT::RDF::RResultHandle &result);

/// What the graph reads; a null pointer for RDataFrame(n).
const ROOT::RDF::RDataSource *GetDataSource(Graph graph);

/// Whether ROOT::RDF::RunGraphs runs the graph, at the same time as others.
bool RunsBesideOthers(Graph graph);

/// \brief Whether an event loop of the graph runs, in any thread.
///
/// Also if one could not start, since an action threw, and the graph has not been run since with other actions.
bool IsRunning(const ROOT::RDF::RNode &node);

/// \brief Takes what a running event loop of the graph works on out of ROOT's reach, as long as the pointer lives.
///
/// For an event loop that was started inside another one of the same graph, and is going to be refused: at its end ROOT
/// would finalize the actions and destroy the callbacks that the outer loop is in.
std::shared_ptr<void> SetRunningAside(Graph graph);

/// \brief Has the results of an event loop that cannot start wait for the next one.
///
/// To be called by the data source's Initialize() before it throws: ROOT takes them for filled else.
void Postpone(Graph graph);

/// Has the event loop that starts fill what was postponed, too. To be called by the data source's Initialize().
void ResumePostponed(Graph graph);

/// Number of processing slots of the graph's event loop.
unsigned int GetNSlots(const ROOT::RDF::RNode &node);

/// Names of the systematic variations that `column` depends on.
std::vector<std::string> GetVariations(const ROOT::RDF::RNode &node, const std::string &column);

/// Whether a `Range` stands between the node and its data.
bool HasRange(const ROOT::RDF::RNode &node);

/// A sample each of whose entries has become `factor` entries. Name and metadata stay as they are.
ROOT::RDF::RSampleInfo Multiply(const ROOT::RDF::RSampleInfo &sample, std::uint64_t factor);

/// \brief Gives each entry its number in the whole dataset, in multi-threaded event loops too.
///
/// `rdfentry_` is that number for RNTuple, for empty sources and in one thread. With several threads on a TTree it
/// counts entries in the order in which tasks happen to start (root-project/root #12190); the number is then put
/// together from the file that the task reads and the entry within it.
class EntryNumbering {
public:
   /// \param[in] control of the graph
   /// \param[in] firstEntries empty, or the number of the first entry of each file of the dataset of which the graph
   /// reads some consecutive files
   /// \throws std::runtime_error if these do not have the graph's first file, or if several threads read a file twice
   EntryNumbering(const EntryRangeControl &control, const std::map<std::string, std::uint64_t> &firstEntries);

   /// To be called at the start of a task. \param[in] reader what the task reads, if given \return the number of the
   /// first entry of what the reader reads, or of entry 0
   std::uint64_t GetOffset(TTreeReader *reader) const;

private:
   std::uint64_t fFirstEntry = 0;                     ///< of the first file
   std::map<std::string, std::uint64_t> fFileOffsets; ///< empty unless several threads read several files
};

/// \brief The column of the data source that `column` stands for on this node: itself, or what it is an Alias of.
/// \return empty if a Define or Redefine makes its values, or a Vary other values of it
std::string GetSourceColumn(const ROOT::RDF::RNode &node, const std::string &column);

/// \brief The named filters between the data and the node, with the numbers of the last event loop of the graph.
///
/// Of the data themselves there are none: a report on the head of a graph tells all filters of the graph instead.
/// To be called once the graph is compiled, as HasPendingActions() leaves it.
ROOT::RDF::RCutFlowReport GetCuts(const ROOT::RDF::RNode &node);

/// Adds what RInterface::Report() would tell of the node, at the end of an event loop.
void FillReport(const ROOT::RDF::RNode &node, ROOT::RDF::RCutFlowReport &report);

/// The node as it is for a systematic variation: itself, unless its filters depend on the variation.
ROOT::RDF::RNode GetVariedNode(const ROOT::RDF::RNode &node, const std::string &variation);

/// Sets the numbers of all cuts to 0.
void ClearCuts(ROOT::RDF::RCutFlowReport &cuts);

/// \brief Adds the numbers of one part of a dataset to those of others.
/// \throws std::runtime_error if the cuts are not the same ones
void AddCuts(ROOT::RDF::RCutFlowReport &sum, const ROOT::RDF::RCutFlowReport &part);

/// \brief The head of a graph as a node behind the filters of another graph: its reports, and those of all nodes behind
/// it, tell `cuts` first; the names of its filters begin with those of `upstream`.
/// \param[in] head of a graph
/// \param[in] upstream node of the other graph
/// \param[in] cuts read when a report is made, at the end of an event loop of the head's graph
ROOT::RDF::RNode PutBehindCuts(const ROOT::RDF::RNode &head, const ROOT::RDF::RNode &upstream,
                               std::shared_ptr<const ROOT::RDF::RCutFlowReport> cuts);

} // namespace FlashSim::RootInternals

#endif
