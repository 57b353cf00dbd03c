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
/// FoldSource, with the same functions. A comment in RootInternals.cxx says what each needs of ROOT;
/// tests/lookahead/test_root_internals.py fails when a new ROOT changes it. The other such uses are base classes of
/// ROOT's public extension points: `Detail::RDF::RColumnReaderBase` (RDataSource) and `Detail::RDF::RActionImpl`
/// (RInterface::Book).
namespace FlashSim::RootInternals {

enum class ESourceKind {
   kTree,   ///< TTree or TChain
   kNTuple, ///< RNTuple
   kEmpty,  ///< RDataFrame(n)
   kFolds,  ///< the result of another look-ahead, which has no entry ranges
   kOther   ///< a data source that ignores entry ranges (CSV, Arrow, SQLite, numpy arrays, ...)
};

ESourceKind GetSourceKind(const ROOT::RDF::RNode &node);

/// Identity of a graph: its loop manager.
using Graph = const void *;

/// Entries [first, second) of the dataset; second is the dataset's size or the end of the range the user gave.
using EntryRange = std::pair<std::uint64_t, std::uint64_t>;

/// The files of a TChain in its order, each with the global number of its first entry.
using FileOffsets = std::vector<std::pair<std::string, std::uint64_t>>;

/// A branch of a chain whose type differs between the first file and another one.
struct TypeChange {
   std::string fBranch;
   std::string fFile, fType;
   std::string fFirstFile, fFirstType;
};

/// Clusters, offsets and columns of the files of a dataset.
struct FileLayout {
   std::vector<std::uint64_t> fClusterEnds; ///< global entry numbers, ascending
   FileOffsets fFileOffsets;                ///< empty unless the source is a TChain
   std::vector<TypeChange> fTypeChanges;
   std::vector<PartialColumn> fPartialColumns; ///< of the requested columns
};

/// \brief Restricts the event loops of a graph to one range after the other, and restores the user's range.
class EntryRangeControl {
public:
   /// Reads the range in force (of a dataset spec, of a distributed task, or none) and the cluster boundaries within
   /// it. Opens all files.
   /// \param[in] node of the graph
   /// \param[in] columns to check in all files
   explicit EntryRangeControl(const ROOT::RDF::RNode &node, const std::vector<std::string> &columns = {});

   /// The range that the user's own event loops cover.
   EntryRange GetFullRange() const { return fFullRange; }

   /// Ends of the clusters within the full range, ascending; the last is the end of the range.
   const std::vector<std::uint64_t> &GetClusterEnds() const { return fClusterEnds; }

   /// Empty unless the source is a TChain.
   const FileOffsets &GetFileOffsets() const { return fFileOffsets; }

   /// Those of the checked columns that only some files of a chain have.
   const std::vector<PartialColumn> &GetPartialColumns() const { return fPartialColumns; }

   /// The first file of a TChain or RNTuple; empty for other sources.
   const std::string &GetFirstFile() const { return fFirstFile; }

   const ROOT::RDF::RNode &GetNode() const { return fNode; }

   /// \brief A sample of a restricted event loop, with the entries of its whole file, as in a loop over the whole
   /// dataset.
   ///
   /// ROOT gives the part of the dataset that the restricted loop reads, by its global entry numbers, and names a sample
   /// of an empty source after it. Samples stay as they are if the user has given a range, too.
   ROOT::RDF::RSampleInfo GetWholeSample(const ROOT::RDF::RSampleInfo &sample) const;

   /// \brief To be called in a task of the slot: only then the graph knows its branches.
   /// \throws std::runtime_error naming branch, files and types if one of these branches has different types in different
   /// files of a chain: TTreeReader (ROOT 6.40) then reads garbage from all files but the first
   void CheckColumnTypes(unsigned int slot) const;

   /// The next event loop covers these entries only.
   void Restrict(EntryRange range);

   /// The next event loop covers the user's range again. Never throws.
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
/// The files, if there are several, are opened once, at the first call of either method. After the first Check() of
/// each slot, the cost is a comparison.
class ColumnTypeCheck {
public:
   explicit ColumnTypeCheck(const ROOT::RDF::RNode &node);

   /// \brief Those of the columns that only some files of a chain have. Not to be called in event loops.
   std::vector<PartialColumn> FindPartialColumns(const std::vector<std::string> &columns);

   /// \throws std::runtime_error as EntryRangeControl::CheckColumnTypes(), for the slot's columns
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

/// \brief Passes the range of an RNTuple source to the loop manager, which sets it before each loop.
///
/// A task of a distributed run gives the range to the source alone. The source loses it in its first event loop (ROOT
/// 6.40: only the last file is left).
void KeepRange(const ROOT::RDF::RNode &node);

/// Compiles what has been booked on the graph as text.
void Compile(const ROOT::RDF::RNode &node);

/// \brief Whether actions were booked on the graph that have not run yet.
///
/// Compiles pending code first: until then the graph does not contain actions with column types that only the
/// interpreter knows.
bool HasPendingActions(const ROOT::RDF::RNode &node);

/// Runs the booked actions of the graph.
void RunPendingActions(const ROOT::RDF::RNode &node);

/// The next event loop of the graph calls `function` in each slot, once per this number of entries. It may throw.
void OnEntries(const ROOT::RDF::RNode &node, std::uint64_t everyNEntries, std::function<void()> function);

Graph GetGraph(const ROOT::RDF::RNode &node);
Graph GetGraph(const ROOT::RDF::RResultHandle &result);

/// Data source of the graph; a null pointer for RDataFrame(n).
const ROOT::RDF::RDataSource *GetDataSource(Graph graph);
ROOT::RDF::RDataSource *GetDataSource(const ROOT::RDF::RNode &node);

/// Whether ROOT::RDF::RunGraphs runs the graph, at the same time as others.
bool RunsBesideOthers(Graph graph);

/// \brief Whether an event loop of the graph runs, in any thread.
///
/// True also after an event loop that could not start because an action threw, until the graph has run with other
/// actions.
bool IsRunning(const ROOT::RDF::RNode &node);

/// \brief Hides the actions and callbacks of a running event loop from ROOT, during the lifetime of the pointer.
///
/// For an event loop that was started inside another one of the same graph and will be refused: at its end ROOT would
/// finalize the actions and destroy the callbacks of the outer loop.
std::shared_ptr<void> SetRunningAside(Graph graph);

/// \brief Postpones the results of an event loop that cannot start to the next one.
///
/// To be called by the data source's Initialize() before it throws: otherwise ROOT counts them as filled.
void Postpone(Graph graph);

/// Adds the postponed results to the event loop that starts. To be called by the data source's Initialize().
void ResumePostponed(Graph graph);

/// Number of processing slots of the graph's event loop.
unsigned int GetNSlots(const ROOT::RDF::RNode &node);

/// Names of the systematic variations that `column` depends on.
std::vector<std::string> GetVariations(const ROOT::RDF::RNode &node, const std::string &column);

/// Whether a `Range` stands between the node and its data.
bool HasRange(const ROOT::RDF::RNode &node);

/// A sample with `factor` entries for each original one. Name and metadata stay as they are.
ROOT::RDF::RSampleInfo Multiply(const ROOT::RDF::RSampleInfo &sample, std::uint64_t factor);

/// \brief Gives each entry its number in the whole dataset, in multi-threaded event loops too.
///
/// `rdfentry_` is that number for RNTuple, for empty sources and in one thread. With several threads on a TTree it
/// counts entries in the order in which tasks start (root-project/root #12190). The number is then computed from the
/// task's file and the entry within it.
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
/// Empty for the head of a graph, whose own report has all filters of the graph instead. To be called when the graph is
/// compiled, as after HasPendingActions().
ROOT::RDF::RCutFlowReport GetCuts(const ROOT::RDF::RNode &node);

/// Adds the numbers of the node's RInterface::Report(), at the end of an event loop.
void FillReport(const ROOT::RDF::RNode &node, ROOT::RDF::RCutFlowReport &report);

/// The node for a systematic variation: itself, unless its filters depend on the variation.
ROOT::RDF::RNode GetVariedNode(const ROOT::RDF::RNode &node, const std::string &variation);

/// Sets the numbers of all cuts to 0.
void ClearCuts(ROOT::RDF::RCutFlowReport &cuts);

/// \brief Adds the numbers of one part of a dataset to those of others.
/// \throws std::runtime_error if the cuts differ
void AddCuts(ROOT::RDF::RCutFlowReport &sum, const ROOT::RDF::RCutFlowReport &part);

/// \brief The head of a graph as a node behind the filters of another graph. Its reports, and those of all nodes behind
/// it, begin with `cuts`; the names of its filters begin with those of `upstream`.
/// \param[in] head of a graph
/// \param[in] upstream node of the other graph
/// \param[in] cuts read when a report is made, at the end of an event loop of the head's graph
ROOT::RDF::RNode PutBehindCuts(const ROOT::RDF::RNode &head, const ROOT::RDF::RNode &upstream,
                               std::shared_ptr<const ROOT::RDF::RCutFlowReport> cuts);

} // namespace FlashSim::RootInternals

#endif
