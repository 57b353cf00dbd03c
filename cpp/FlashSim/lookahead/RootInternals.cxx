// Part of FlashSim for RDataFrame.
#include "FlashSim/lookahead/RootInternals.hxx"

#include <ROOT/RDF/GraphNode.hxx>
#include <ROOT/RDF/RActionBase.hxx>
#include <ROOT/RDF/RLoopManager.hxx>
#include <ROOT/RNTupleDS.hxx>
#include <ROOT/RNTupleDescriptor.hxx>
#include <ROOT/RNTupleReader.hxx>
#include <ROOT/RTTreeDS.hxx>

#include <TChain.h>
#include <TChainElement.h>
#include <TFile.h>
#include <TFriendElement.h>
#include <TLeaf.h>
#include <TObjArray.h>
#include <TROOT.h>
#include <TTree.h>
#include <TTreeReader.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <unordered_map>

namespace FlashSim::RootInternals {
namespace {

using ROOT::Detail::RDF::RLoopManager;

/// RInterfaceBase keeps the loop manager and the column register in protected members and offers no accessor to others.
struct NodeAccess : ROOT::RDF::RInterfaceBase {
   static RLoopManager &GetLoopManager(const ROOT::RDF::RNode &node) { return *(node.*&NodeAccess::fLoopManager); }
   static const ROOT::Internal::RDF::RColumnRegister &GetColumnRegister(const ROOT::RDF::RNode &node)
   {
      return node.*&NodeAccess::fColRegister;
   }
};

/// Number of nodes and actions of the graph's head: counted at the start of each event loop, zero after it.
struct ChildrenAccess : ROOT::Detail::RDF::RNodeBase {
   static unsigned int GetNChildren(const RLoopManager &loopManager)
   {
      return loopManager.*&ChildrenAccess::fNChildren;
   }
};

/// A data source keeps the range once set, even when the loop manager has none any more; it must be taken out by hand.
struct SourceAccess : ROOT::RDF::RDataSource {
   static std::optional<std::pair<ULong64_t, ULong64_t>> &GetGlobalEntryRange(ROOT::RDF::RDataSource &source)
   {
      return source.*&SourceAccess::fGlobalEntryRange;
   }
};

/// The loop manager's own range is private and has a setter only; to restore it, it must be read. An explicit
/// instantiation may name private members ([temp.spec.general]); a ROOT that renames them stops the compilation here.
template <typename Tag, typename Tag::Type Member>
struct PrivateMember {
   friend typename Tag::Type GetMember(Tag) { return Member; }
};
struct BeginEntryTag {
   using Type = Long64_t RLoopManager::*;
   friend Type GetMember(BeginEntryTag);
};
struct EndEntryTag {
   using Type = Long64_t RLoopManager::*;
   friend Type GetMember(EndEntryTag);
};
struct EmptyRangeTag {
   using Type = std::pair<ULong64_t, ULong64_t> RLoopManager::*;
   friend Type GetMember(EmptyRangeTag);
};
template struct PrivateMember<BeginEntryTag, &RLoopManager::fBeginEntry>;
template struct PrivateMember<EndEntryTag, &RLoopManager::fEndEntry>;
template struct PrivateMember<EmptyRangeTag, &RLoopManager::fEmptyEntryRange>;

/// What an event loop goes through at every entry; the end of an event loop empties both.
struct BookedActionsTag {
   using Type = std::vector<ROOT::Internal::RDF::RActionBase *> RLoopManager::*;
   friend Type GetMember(BookedActionsTag);
};
struct CallbacksTag {
   using Type = std::vector<ROOT::Internal::RDF::RCallback> RLoopManager::*;
   friend Type GetMember(CallbacksTag);
};
struct RunActionsTag {
   using Type = std::vector<ROOT::Internal::RDF::RActionBase *> RLoopManager::*;
   friend Type GetMember(RunActionsTag);
};
template struct PrivateMember<BookedActionsTag, &RLoopManager::fBookedActions>;
template struct PrivateMember<RunActionsTag, &RLoopManager::fRunActions>;
template struct PrivateMember<CallbacksTag, &RLoopManager::fCallbacksEveryNEvents>;

/// ROOT::RDF::RunGraphs gives all its graphs the same stack of slots, which lives until it returns.
struct SlotStackTag {
   using Type = std::weak_ptr<ROOT::Internal::RSlotStack> RLoopManager::*;
   friend Type GetMember(SlotStackTag);
};
template struct PrivateMember<SlotStackTag, &RLoopManager::fSlotStack>;

/// Readers of the dataset's columns, slot by slot, under "column:type". For a TTree the readers themselves come and go
/// with the task; the keys stay.
struct ReadersTag {
   using Type = std::vector<std::unordered_map<std::string, std::unique_ptr<ROOT::Detail::RDF::RColumnReaderBase>>>
       RLoopManager::*;
   friend Type GetMember(ReadersTag);
};
template struct PrivateMember<ReadersTag, &RLoopManager::fDatasetColumnReaders>;

/// The graph of a result; ROOT gives access to RunGraphs only.
struct GraphOfResultTag {
   using Type = RLoopManager *ROOT::RDF::RResultHandle::*;
   friend Type GetMember(GraphOfResultTag);
};
template struct PrivateMember<GraphOfResultTag, &ROOT::RDF::RResultHandle::fLoopManager>;

/// Files of an RNTuple source; ROOT gives access to friends only.
struct FileNamesTag {
   using Type = std::vector<std::string> ROOT::RDF::RNTupleDS::*;
   friend Type GetMember(FileNamesTag);
};
template struct PrivateMember<FileNamesTag, &ROOT::RDF::RNTupleDS::fFileNames>;

/// And the name of the RNTuple in them.
struct NTupleNameTag {
   using Type = std::string ROOT::RDF::RNTupleDS::*;
   friend Type GetMember(NTupleNameTag);
};
template struct PrivateMember<NTupleNameTag, &ROOT::RDF::RNTupleDS::fNTupleName>;

/// The graph node that an RNode stands for.
struct NodeItselfTag {
   using Type = std::shared_ptr<ROOT::Detail::RDF::RNodeBase> ROOT::RDF::RNode::*;
   friend Type GetMember(NodeItselfTag);
};
template struct PrivateMember<NodeItselfTag, &ROOT::RDF::RNode::fProxiedPtr>;

/// The cuts of a report, which only ROOT's filters can write.
struct CutInfosTag {
   using Type = std::vector<ROOT::RDF::TCutInfo> ROOT::RDF::RCutFlowReport::*;
   friend Type GetMember(CutInfosTag);
};
struct PassTag {
   using Type = ULong64_t ROOT::RDF::TCutInfo::*;
   friend Type GetMember(PassTag);
};
struct AllTag {
   using Type = ULong64_t ROOT::RDF::TCutInfo::*;
   friend Type GetMember(AllTag);
};
template struct PrivateMember<CutInfosTag, &ROOT::RDF::RCutFlowReport::fCutInfos>;
template struct PrivateMember<PassTag, &ROOT::RDF::TCutInfo::fPass>;
template struct PrivateMember<AllTag, &ROOT::RDF::TCutInfo::fAll>;

/// Source of a sample's metadata, which ROOT gives through RSampleInfo only.
struct SampleTag {
   using Type = const ROOT::RDF::Experimental::RSample *ROOT::RDF::RSampleInfo::*;
   friend Type GetMember(SampleTag);
};
template struct PrivateMember<SampleTag, &ROOT::RDF::RSampleInfo::fSample>;

/// The TTree or TChain that a data source reads; a null pointer for other sources.
TTree *GetTree(ROOT::RDF::RDataSource *source)
{
   auto *trees = dynamic_cast<ROOT::Internal::RDF::RTTreeDS *>(source);
   return trees != nullptr ? trees->GetTree() : nullptr;
}

constexpr std::uint64_t kNoEnd = std::numeric_limits<Long64_t>::max();
constexpr EntryRange kWhole{0, kNoEnd};

EntryRange GetLoopManagerRange(const RLoopManager &loopManager)
{
   return {static_cast<std::uint64_t>(loopManager.*GetMember(BeginEntryTag{})),
           static_cast<std::uint64_t>(loopManager.*GetMember(EndEntryTag{}))};
}

void AppendClusterEnds(TTree &tree, std::vector<std::uint64_t> &ends)
{
   const auto first = ends.empty() ? 0 : ends.back();
   const auto nEntries = tree.GetEntries();
   auto cluster = tree.GetClusterIterator(0);
   while (cluster.Next() < nEntries)
      ends.push_back(first + static_cast<std::uint64_t>(std::min(cluster.GetNextEntry(), nEntries)));
}

using LeafTypes = std::map<std::string, std::string>;

/// The types of a tree's leaves, under the name of their branch, with that of the leaf if there are several.
LeafTypes GetLeafTypes(TTree &tree)
{
   LeafTypes types;
   for (const auto *object : *tree.GetListOfLeaves()) {
      const auto &leaf = dynamic_cast<const TLeaf &>(*object);
      const std::string branch = leaf.GetBranch()->GetName();
      const bool isOnly = leaf.GetBranch()->GetListOfLeaves()->GetEntriesFast() <= 1;
      types[isOnly ? branch : branch + "." + leaf.GetName()] = leaf.GetTypeName();
   }
   return types;
}

/// Columns that are in some files of a chain, and not in others.
class PartialColumns {
public:
   explicit PartialColumns(const std::vector<std::string> &columns)
   {
      for (const auto &column : columns)
         fColumns.push_back({column, "", ""});
   }

   template <typename Predicate>
   void AppendFile(const std::string &path, Predicate &&hasColumn)
   {
      for (auto &column : fColumns) {
         auto &file = hasColumn(column.fColumn) ? column.fFileWith : column.fFileWithout;
         if (file.empty())
            file = path;
      }
   }

   void AppendTo(std::vector<PartialColumn> &partial) const
   {
      std::copy_if(fColumns.begin(), fColumns.end(), std::back_inserter(partial),
                   [](const auto &column) { return !column.fFileWith.empty() && !column.fFileWithout.empty(); });
   }

   /// The columns that are not in all files.
   std::vector<std::string> GetMissing() const
   {
      std::vector<std::string> missing;
      for (const auto &column : fColumns) {
         if (!column.fFileWithout.empty())
            missing.push_back(column.fColumn);
      }
      return missing;
   }

private:
   std::vector<PartialColumn> fColumns;
};

/// Properties of the files of a chain: ends of their clusters, their first entries, branches of several types.
struct ChainLayout {
   std::vector<std::uint64_t> &fClusterEnds;
   FileOffsets &fFileOffsets;
   std::vector<TypeChange> &fTypeChanges;
   PartialColumns &fPartialColumns;
   LeafTypes fFirstTypes{};

   void AppendFile(const std::string &path, TTree &tree)
   {
      fFileOffsets.emplace_back(path, fClusterEnds.empty() ? 0 : fClusterEnds.back());
      AppendClusterEnds(tree, fClusterEnds);
      auto types = GetLeafTypes(tree);
      fPartialColumns.AppendFile(path, [&types](const auto &column) { return types.count(column) > 0; });
      if (fFileOffsets.size() == 1) {
         fFirstTypes = std::move(types);
         return;
      }
      for (const auto &[branch, type] : types) {
         const auto first = fFirstTypes.find(branch);
         if (first != fFirstTypes.end() && first->second != type)
            fTypeChanges.push_back({branch, path, type, fFileOffsets.front().first, first->second});
      }
   }
};

/// Calls `use` with the path and the tree of each file of a chain.
template <typename Function>
void ForEachFile(const TChain &chain, Function &&use)
{
   for (const auto *element : *chain.GetListOfFiles()) {
      const std::string path = element->GetTitle();
      const TDirectory::TContext keepDirectory;
      const std::unique_ptr<TFile> file(TFile::Open(path.c_str(), "READ_WITHOUT_GLOBALREGISTRATION"));
      if (!file || file->IsZombie())
         throw std::runtime_error("FlashSim: the dataset's file '" + path + "' cannot be opened.");
      auto *treeOfFile = file->Get<TTree>(element->GetName());
      if (treeOfFile == nullptr) {
         throw std::runtime_error("FlashSim: the dataset's file '" + path + "' has no tree '" + element->GetName() +
                                  "'.");
      }
      use(path, *treeOfFile);
   }
}

/// Names of columns as the friend `name` has them, which the whole dataset knows by this prefix, too.
std::vector<std::string> WithoutPrefix(std::vector<std::string> columns, const std::string &name)
{
   for (auto &column : columns) {
      if (column.rfind(name + ".", 0) == 0)
         column.erase(0, name.size() + 1);
   }
   return columns;
}

/// Ends of the clusters of a TTree or TChain and first entries of its files, as global entry numbers; branches whose
/// type differs between files; and those of `columns` that are not in all files, friends included. ROOT's own
/// GetDatasetGlobalClusterBoundaries() looks for one tree name in all files, and throws for the chains that an
/// RDatasetSpec makes.
FileLayout ReadTreeLayout(TTree &tree, const std::vector<std::string> &columns)
{
   FileLayout layout;
   const auto readChain = [&layout](const TChain &chain, PartialColumns &partial,
                                    std::vector<std::uint64_t> &clusterEnds, FileOffsets &fileOffsets) {
      ChainLayout ofChain{clusterEnds, fileOffsets, layout.fTypeChanges, partial};
      ForEachFile(chain, [&ofChain](const std::string &path, TTree &file) { ofChain.AppendFile(path, file); });
      partial.AppendTo(layout.fPartialColumns);
   };
   PartialColumns ownColumns(columns);
   if (const auto *chain = dynamic_cast<TChain *>(&tree)) {
      readChain(*chain, ownColumns, layout.fClusterEnds, layout.fFileOffsets);
   } else {
      AppendClusterEnds(tree, layout.fClusterEnds);
      ownColumns.AppendFile(tree.GetName(),
                            [types = GetLeafTypes(tree)](const auto &column) { return types.count(column) > 0; });
   }
   if (tree.GetListOfFriends() == nullptr)
      return layout;
   // The dataset's own columns come before those of friends.
   const auto columnsOfFriends = ownColumns.GetMissing();
   for (auto *element : *tree.GetListOfFriends()) {
      const auto *chain = dynamic_cast<TChain *>(dynamic_cast<TFriendElement &>(*element).GetTree());
      if (chain == nullptr)
         continue;
      std::vector<std::uint64_t> clusterEnds;
      FileOffsets offsets;
      PartialColumns ofFriend(WithoutPrefix(columnsOfFriends, element->GetName()));
      readChain(*chain, ofFriend, clusterEnds, offsets);
   }
   return layout;
}

/// The same for RNTuples, whose files and types do not matter. ROOT throws for one that cannot be opened.
FileLayout ReadNTupleLayout(const ROOT::RDF::RNTupleDS &source, const std::vector<std::string> &columns)
{
   FileLayout layout;
   PartialColumns partial(columns);
   std::uint64_t first = 0;
   for (const auto &path : source.*GetMember(FileNamesTag{})) {
      const auto reader = ROOT::RNTupleReader::Open(source.*GetMember(NTupleNameTag{}), path);
      const auto &descriptor = reader->GetDescriptor();
      for (const auto &cluster : descriptor.GetClusterIterable())
         layout.fClusterEnds.push_back(first + cluster.GetFirstEntryIndex() + cluster.GetNEntries());
      first += descriptor.GetNEntries();
      partial.AppendFile(path, [&descriptor](const auto &column) {
         return descriptor.FindFieldId(column) != ROOT::kInvalidDescriptorId;
      });
   }
   std::sort(layout.fClusterEnds.begin(), layout.fClusterEnds.end());
   partial.AppendTo(layout.fPartialColumns);
   return layout;
}

/// Whether files of a dataset, or of one of its friends, can differ.
bool HasSeveralFiles(ROOT::RDF::RDataSource *source)
{
   if (const auto *ntuples = dynamic_cast<const ROOT::RDF::RNTupleDS *>(source))
      return (ntuples->*GetMember(FileNamesTag{})).size() > 1;
   const auto *tree = GetTree(source);
   const auto isLong = [](const TTree *candidate) {
      const auto *chain = dynamic_cast<const TChain *>(candidate);
      return chain != nullptr && chain->GetListOfFiles()->GetEntriesFast() > 1;
   };
   if (tree == nullptr || isLong(tree) || tree->GetListOfFriends() == nullptr)
      return isLong(tree);
   for (auto *element : *tree->GetListOfFriends()) {
      if (isLong(dynamic_cast<TFriendElement &>(*element).GetTree()))
         return true;
   }
   return false;
}

/// Throws if `readers` read one of the branches. A reader of an earlier event loop leaves its key.
template <typename Readers>
void ThrowIfRead(const std::vector<TypeChange> &changes, const Readers &readers)
{
   const auto endsWith = [](const std::string &text, const std::string &end) {
      return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
   };
   for (const auto &change : changes) {
      for (const auto &reader : readers) {
         // A column of a friend is read as friend.column.
         const auto column = reader.first.substr(0, reader.first.rfind(':'));
         if (!reader.second || (column != change.fBranch && !endsWith(column, "." + change.fBranch)))
            continue;
         throw std::runtime_error(
             "FlashSim: column '" + column + "' has type '" + change.fFirstType + "' in the file '" +
             change.fFirstFile + "' and '" + change.fType + "' in '" + change.fFile +
             "'; ROOT reads all files of a chain with the type of the first, and gets wrong numbers. "
             "Make a dataframe for each kind of file, and add the histograms.");
      }
   }
}

/// \brief A head behind filters of another graph.
///
/// Has no state that an event loop changes: counts of children and stops are passed on to the head, as if the nodes
/// behind were its own.
class HeadBehindCuts final : public ROOT::Detail::RDF::RNodeBase, public std::enable_shared_from_this<HeadBehindCuts> {
public:
   HeadBehindCuts(std::shared_ptr<RNodeBase> head, ROOT::RDF::RNode upstream,
                  std::shared_ptr<const ROOT::RDF::RCutFlowReport> cuts)
      : RNodeBase({}, head->GetLoopManagerUnchecked()), fHead(std::move(head)), fUpstream(std::move(upstream)),
        fCuts(std::move(cuts))
   {
   }

   bool CheckFilters(unsigned int, Long64_t) final { return true; } // as a head's
   void Report(ROOT::RDF::RCutFlowReport &report) const final
   {
      PartialReport(report);
      fHead->Report(report);
   }
   void PartialReport(ROOT::RDF::RCutFlowReport &report) const final
   {
      auto &cuts = report.*GetMember(CutInfosTag{});
      cuts.insert(cuts.end(), fCuts->begin(), fCuts->end());
   }
   void IncrChildrenCount() final { fHead->IncrChildrenCount(); }
   void StopProcessing() final { fHead->StopProcessing(); }
   void AddFilterName(std::vector<std::string> &filters) final
   {
      (fUpstream.*GetMember(NodeItselfTag{}))->AddFilterName(filters);
      fHead->AddFilterName(filters);
   }
   std::shared_ptr<ROOT::Internal::RDF::GraphDrawing::GraphNode>
   GetGraph(std::unordered_map<void *, std::shared_ptr<ROOT::Internal::RDF::GraphDrawing::GraphNode>> &visited) final
   {
      return fHead->GetGraph(visited);
   }
   /// ROOT asks when it clones a report, for the "variation" nominal.
   std::shared_ptr<RNodeBase> GetVariedFilter(const std::string &) final { return shared_from_this(); }

private:
   std::shared_ptr<RNodeBase> fHead;
   ROOT::RDF::RNode fUpstream;
   std::shared_ptr<const ROOT::RDF::RCutFlowReport> fCuts;
};

/// Nodes can be given to an RInterface by a protected constructor.
struct NodeMaker : ROOT::RDF::RNode {
   NodeMaker(const std::shared_ptr<ROOT::Detail::RDF::RNodeBase> &node, const ROOT::RDF::RNode &of)
      : ROOT::RDF::RNode(node, NodeAccess::GetLoopManager(of), NodeAccess::GetColumnRegister(of))
   {
   }
};

} // namespace

ESourceKind GetSourceKind(const ROOT::RDF::RNode &node)
{
   auto *source = NodeAccess::GetLoopManager(node).GetDataSource();
   if (source == nullptr)
      return ESourceKind::kEmpty;
   const std::string label = source->GetLabel();
   if (label == "TTreeDS")
      return ESourceKind::kTree;
   if (label == "RNTupleDS")
      return ESourceKind::kNTuple;
   return label == "FlashSim::FoldSource" ? ESourceKind::kFolds : ESourceKind::kOther;
}

EntryRangeControl::EntryRangeControl(const ROOT::RDF::RNode &node, const std::vector<std::string> &columns)
   : fNode(node), fKind(GetSourceKind(node))
{
   const auto &loopManager = NodeAccess::GetLoopManager(node);
   switch (fKind) {
   case ESourceKind::kTree:
   case ESourceKind::kNTuple: {
      fUserRange = GetLoopManagerRange(loopManager);
      FileLayout layout;
      if (fKind == ESourceKind::kTree) {
         layout = ReadTreeLayout(*GetTree(loopManager.GetDataSource()), columns);
         fFileOffsets = std::move(layout.fFileOffsets);
         fTypeChanges = std::move(layout.fTypeChanges);
         fFirstFile = fFileOffsets.empty() ? "" : fFileOffsets.front().first;
      } else {
         const auto &source = dynamic_cast<const ROOT::RDF::RNTupleDS &>(*loopManager.GetDataSource());
         layout = ReadNTupleLayout(source, columns);
         const auto &files = source.*GetMember(FileNamesTag{});
         fFirstFile = files.empty() ? "" : files.front();
      }
      fPartialColumns = std::move(layout.fPartialColumns);
      for (const auto end : layout.fClusterEnds) {
         if (end > fUserRange.first && (fClusterEnds.empty() || fClusterEnds.back() < fUserRange.second))
            fClusterEnds.push_back(std::min(end, fUserRange.second));
      }
      fFullRange = {fUserRange.first, fClusterEnds.empty() ? fUserRange.first : fClusterEnds.back()};
      for (std::size_t i = 0; i < fFileOffsets.size(); ++i) {
         const auto &[file, first] = fFileOffsets[i];
         fNEntries[file] = (i + 1 < fFileOffsets.size() ? fFileOffsets[i + 1].second : fFullRange.second) - first;
      }
      break;
   }
   case ESourceKind::kEmpty: {
      const auto &range = loopManager.*GetMember(EmptyRangeTag{});
      fFullRange = fUserRange = {range.first, range.second};
      fClusterEnds.push_back(range.second);
      break;
   }
   case ESourceKind::kFolds:
   case ESourceKind::kOther:
      // Such a source ignores ranges.
      fFullRange = fUserRange = kWhole;
      fClusterEnds.push_back(kNoEnd);
   }
}

ROOT::RDF::RSampleInfo EntryRangeControl::GetWholeSample(const ROOT::RDF::RSampleInfo &sample) const
{
   const auto *source = sample.*GetMember(SampleTag{});
   if (fKind == ESourceKind::kEmpty) {
      const auto [begin, end] = fFullRange;
      return {"Empty source, range: {" + std::to_string(begin) + ", " + std::to_string(end) + "}", fFullRange, source,
              end - begin};
   }
   if (fUserRange != kWhole)
      return sample;
   auto nEntries = sample.NEntriesTotal();
   if (fKind == ESourceKind::kTree) {
      // Its name is that of the file, then a slash and the name of the tree, which may have slashes of its own.
      const auto &name = sample.AsString();
      auto found = fNEntries.end();
      for (auto slash = name.rfind('/'); slash != std::string::npos && slash > 0 && found == fNEntries.end();
           slash = name.rfind('/', slash - 1))
         found = fNEntries.find(name.substr(0, slash));
      nEntries = found != fNEntries.end() ? found->second : fFullRange.second; // a tree in memory
   }
   return {sample.AsString(), {0, nEntries}, source, nEntries};
}

void EntryRangeControl::CheckColumnTypes(unsigned int slot) const
{
   if (!fTypeChanges.empty())
      ThrowIfRead(fTypeChanges, (NodeAccess::GetLoopManager(fNode).*GetMember(ReadersTag{}))[slot]);
}

void EntryRangeControl::Restrict(EntryRange range)
{
   if (fKind == ESourceKind::kFolds || fKind == ESourceKind::kOther || range == fFullRange)
      return;
   fIsRestricted = true;
   if (fKind == ESourceKind::kEmpty) {
      ROOT::Internal::RDF::ChangeEmptyEntryRange(fNode, {range.first, range.second});
   } else {
      ROOT::Internal::RDF::ChangeBeginAndEndEntries(fNode, static_cast<Long64_t>(range.first),
                                                    static_cast<Long64_t>(range.second));
   }
}

void EntryRangeControl::Restore()
{
   if (!fIsRestricted)
      return;
   fIsRestricted = false;
   if (fKind == ESourceKind::kEmpty) {
      ROOT::Internal::RDF::ChangeEmptyEntryRange(fNode, {fUserRange.first, fUserRange.second});
      return;
   }
   ROOT::Internal::RDF::ChangeBeginAndEndEntries(fNode, static_cast<Long64_t>(fUserRange.first),
                                                 static_cast<Long64_t>(fUserRange.second));
   auto &globalRange = SourceAccess::GetGlobalEntryRange(*NodeAccess::GetLoopManager(fNode).GetDataSource());
   if (fUserRange == kWhole)
      globalRange.reset();
   else
      globalRange = {fUserRange.first, fUserRange.second};
}

ColumnTypeCheck::ColumnTypeCheck(const ROOT::RDF::RNode &node)
   : fGraph(&NodeAccess::GetLoopManager(node)),
     fHasSeveralFiles(HasSeveralFiles(NodeAccess::GetLoopManager(node).GetDataSource())),
     fIsSlotChecked(GetNSlots(node))
{
}

std::vector<PartialColumn> ColumnTypeCheck::FindPartialColumns(const std::vector<std::string> &columns)
{
   if (!fHasSeveralFiles || columns.empty())
      return {};
   auto *source = static_cast<const RLoopManager *>(fGraph)->GetDataSource();
   auto *tree = GetTree(source);
   auto layout = tree != nullptr ? ReadTreeLayout(*tree, columns)
                                 : ReadNTupleLayout(dynamic_cast<const ROOT::RDF::RNTupleDS &>(*source), columns);
   std::call_once(fOnce, [&] { fTypeChanges = std::move(layout.fTypeChanges); });
   return std::move(layout.fPartialColumns);
}

void ColumnTypeCheck::CheckNewSlot(unsigned int slot)
{
   const auto &loopManager = *static_cast<const RLoopManager *>(fGraph);
   std::call_once(fOnce, [this, &loopManager] {
      if (auto *tree = GetTree(loopManager.GetDataSource()))
         fTypeChanges = ReadTreeLayout(*tree, {}).fTypeChanges;
   });
   // Only the slot's own readers: those of other slots may be under construction.
   ThrowIfRead(fTypeChanges, (loopManager.*GetMember(ReadersTag{}))[slot]);
   fIsSlotChecked[slot] = 1;
}

void KeepRange(const ROOT::RDF::RNode &node)
{
   const auto &loopManager = NodeAccess::GetLoopManager(node);
   if (GetSourceKind(node) != ESourceKind::kNTuple || GetLoopManagerRange(loopManager) != kWhole)
      return;
   if (const auto range = SourceAccess::GetGlobalEntryRange(*loopManager.GetDataSource())) {
      ROOT::Internal::RDF::ChangeBeginAndEndEntries(node, static_cast<Long64_t>(range->first),
                                                    static_cast<Long64_t>(range->second));
   }
}

void Compile(const ROOT::RDF::RNode &node)
{
   NodeAccess::GetLoopManager(node).Jit();
}

bool HasPendingActions(const ROOT::RDF::RNode &node)
{
   auto &loopManager = NodeAccess::GetLoopManager(node);
   // Needs: Jit() registers the actions that wait for compilation (ROOT 6.40 keeps them in RLoopManager::fJitHelperCalls,
   // where they are hidden); each event loop begins with it.
   loopManager.Jit();
   const auto actions = loopManager.GetAllActions();
   return std::any_of(actions.begin(), actions.end(), [](const auto *action) { return !action->HasRun(); });
}

void RunPendingActions(const ROOT::RDF::RNode &node)
{
   ROOT::Internal::RDF::TriggerRun(node);
}

Graph GetGraph(const ROOT::RDF::RNode &node)
{
   return &NodeAccess::GetLoopManager(node);
}

Graph GetGraph(const ROOT::RDF::RResultHandle &result)
{
   return result.*GetMember(GraphOfResultTag{});
}

const ROOT::RDF::RDataSource *GetDataSource(Graph graph)
{
   return static_cast<const RLoopManager *>(graph)->GetDataSource();
}

ROOT::RDF::RDataSource *GetDataSource(const ROOT::RDF::RNode &node)
{
   return NodeAccess::GetLoopManager(node).GetDataSource();
}

bool RunsBesideOthers(Graph graph)
{
   return ROOT::IsImplicitMTEnabled() &&
          !(static_cast<const RLoopManager *>(graph)->*GetMember(SlotStackTag{})).expired();
}

bool IsRunning(const ROOT::RDF::RNode &node)
{
   const auto &loopManager = NodeAccess::GetLoopManager(node);
   if (ChildrenAccess::GetNChildren(loopManager) == 0)
      return false;
   // Needs: an action has run when the event loop has ended. An event loop that could not start leaves its count.
   const auto &actions = loopManager.*GetMember(BookedActionsTag{});
   return std::any_of(actions.begin(), actions.end(), [](const auto *action) { return !action->HasRun(); });
}

std::shared_ptr<void> SetRunningAside(Graph graph)
{
   struct Aside {
      RLoopManager &fLoopManager;
      std::vector<ROOT::Internal::RDF::RActionBase *> fActions{};
      std::vector<ROOT::Internal::RDF::RCallback> fCallbacks{};
      explicit Aside(RLoopManager &loopManager) : fLoopManager(loopManager) { Swap(); }
      ~Aside() { Swap(); }
      Aside(const Aside &) = delete;
      Aside &operator=(const Aside &) = delete;
      void Swap()
      {
         // Needs: a loop over the elements of a vector continues if they move to another vector.
         (fLoopManager.*GetMember(BookedActionsTag{})).swap(fActions);
         (fLoopManager.*GetMember(CallbacksTag{})).swap(fCallbacks);
      }
   };
   return std::make_shared<Aside>(*static_cast<RLoopManager *>(const_cast<void *>(graph)));
}

void Postpone(Graph graph)
{
   // Needs: a deleted action leaves the list of run actions, too; only its end shows that it has run.
   auto &loopManager = *static_cast<RLoopManager *>(const_cast<void *>(graph));
   auto &booked = loopManager.*GetMember(BookedActionsTag{});
   auto &run = loopManager.*GetMember(RunActionsTag{});
   run.insert(run.end(), booked.begin(), booked.end());
   booked.clear();
}

void ResumePostponed(Graph graph)
{
   auto &loopManager = *static_cast<RLoopManager *>(const_cast<void *>(graph));
   auto &run = loopManager.*GetMember(RunActionsTag{});
   const auto firstPostponed =
       std::stable_partition(run.begin(), run.end(), [](const auto *action) { return action->HasRun(); });
   const std::vector<ROOT::Internal::RDF::RActionBase *> postponed(firstPostponed, run.end());
   run.erase(firstPostponed, run.end());
   auto &booked = loopManager.*GetMember(BookedActionsTag{});
   booked.insert(booked.end(), postponed.begin(), postponed.end());
   for (auto *action : postponed) { // as RLoopManager::InitNodes does
      action->TriggerChildrenCount();
      action->Initialize();
   }
}

unsigned int GetNSlots(const ROOT::RDF::RNode &node)
{
   return NodeAccess::GetLoopManager(node).GetNSlots();
}

std::vector<std::string> GetVariations(const ROOT::RDF::RNode &node, const std::string &column)
{
   return NodeAccess::GetColumnRegister(node).GetVariationDeps(column);
}

bool HasRange(const ROOT::RDF::RNode &node)
{
   // Needs: nodes draw themselves, filters that are not compiled yet excepted, and only a Range has the shape of a
   // diamond. Names do not help: a Filter may have any name.
   NodeAccess::GetLoopManager(node).Jit();
   std::unordered_map<void *, std::shared_ptr<ROOT::Internal::RDF::GraphDrawing::GraphNode>> visited;
   const auto graph = (node.*GetMember(NodeItselfTag{}))->GetGraph(visited);
   for (const auto *drawn = graph.get(); drawn != nullptr; drawn = drawn->GetPrevNode()) {
      if (drawn->GetShape() == "diamond")
         return true;
   }
   return false;
}

void OnEntries(const ROOT::RDF::RNode &node, std::uint64_t everyNEntries, std::function<void()> function)
{
   // Needs: the loop manager drops its callbacks at the end of the event loop.
   NodeAccess::GetLoopManager(node).RegisterCallback(everyNEntries,
                                                     [function = std::move(function)](unsigned int) { function(); });
}

ROOT::RDF::RSampleInfo Multiply(const ROOT::RDF::RSampleInfo &sample, std::uint64_t factor)
{
   const auto [begin, end] = sample.EntryRange();
   return {sample.AsString(),
           {begin * factor, end * factor},
           sample.*GetMember(SampleTag{}),
           sample.NEntriesTotal() * factor};
}

EntryNumbering::EntryNumbering(const EntryRangeControl &control,
                               const std::map<std::string, std::uint64_t> &firstEntries)
{
   if (!firstEntries.empty()) {
      const auto found = firstEntries.find(control.GetFirstFile());
      if (found == firstEntries.end()) {
         throw std::runtime_error("FlashSim: the file '" + control.GetFirstFile() +
                                  "' is not among the files of the dataset whose first entries are known.");
      }
      fFirstEntry = found->second;
   }
   const auto &files = control.GetFileOffsets();
   if (files.size() <= 1 || GetNSlots(control.GetNode()) == 1)
      return;
   for (const auto &file : files) {
      if (!fFileOffsets.insert(file).second) {
         throw std::runtime_error(
             "FlashSim: the dataset holds the file '" + file.first +
             "' twice. With several threads its events cannot be told apart; give each file once.");
      }
   }
}

std::uint64_t EntryNumbering::GetOffset(TTreeReader *reader) const
{
   if (fFileOffsets.empty() || reader == nullptr)
      return fFirstEntry;
   // A task reads a chain of one file, with entry numbers of that file; or, with friends, the whole chain.
   const auto *chain = dynamic_cast<TChain *>(reader->GetTree());
   if (chain == nullptr || chain->GetNtrees() > 1)
      return fFirstEntry;
   const std::string file = chain->GetListOfFiles()->At(0)->GetTitle();
   const auto offset = fFileOffsets.find(file);
   if (offset == fFileOffsets.end())
      throw std::runtime_error("FlashSim: ROOT reads the file '" + file + "', which is not among the dataset's files.");
   return fFirstEntry + offset->second;
}

std::string GetSourceColumn(const ROOT::RDF::RNode &node, const std::string &column)
{
   // Needs: the column register tells defined columns from those of the data source, and follows aliases of aliases.
   const auto &columns = NodeAccess::GetColumnRegister(node);
   const std::string name(columns.ResolveAlias(column));
   const bool isMade = columns.IsDefine(name) || !columns.GetVariationDeps(name).empty();
   return isMade ? "" : name;
}

ROOT::RDF::RCutFlowReport GetCuts(const ROOT::RDF::RNode &node)
{
   // Needs: a filter counts what the last event loop has passed and rejected, from 0, and PartialReport() goes up to
   // the head, which adds nothing.
   ROOT::RDF::RCutFlowReport cuts;
   (node.*GetMember(NodeItselfTag{}))->PartialReport(cuts);
   return cuts;
}

void FillReport(const ROOT::RDF::RNode &node, ROOT::RDF::RCutFlowReport &report)
{
   (node.*GetMember(NodeItselfTag{}))->Report(report);
}

ROOT::RDF::RNode GetVariedNode(const ROOT::RDF::RNode &node, const std::string &variation)
{
   // Needs: a filter makes, and owns, the filter of each variation that it depends on. Other variations must not be
   // requested.
   const auto &filter = node.*GetMember(NodeItselfTag{});
   const auto &variations = filter->GetVariations();
   if (std::find(variations.begin(), variations.end(), variation) == variations.end())
      return node;
   return NodeMaker(filter->GetVariedFilter(variation), node);
}

void ClearCuts(ROOT::RDF::RCutFlowReport &cuts)
{
   for (auto &cut : cuts.*GetMember(CutInfosTag{}))
      cut.*GetMember(PassTag{}) = cut.*GetMember(AllTag{}) = 0;
}

void AddCuts(ROOT::RDF::RCutFlowReport &sum, const ROOT::RDF::RCutFlowReport &part)
{
   auto &cuts = sum.*GetMember(CutInfosTag{});
   const auto haveSameName = [](const auto &a, const auto &b) { return a.GetName() == b.GetName(); };
   if (!std::equal(cuts.begin(), cuts.end(), part.begin(), part.end(), haveSameName)) {
      const auto join = [](const auto &report) {
         std::string names;
         for (const auto &cut : report)
            names += (names.empty() ? "'" : ", '") + cut.GetName() + "'";
         return names.empty() ? "no cut" : names;
      };
      throw std::runtime_error("FlashSim: the reports of two parts of a dataset tell different cuts, " + join(sum) +
                               " and " + join(part) + ", and cannot be added.");
   }
   auto cut = cuts.begin();
   for (const auto &ofPart : part) {
      *cut.*GetMember(PassTag{}) += ofPart.GetPass();
      *cut.*GetMember(AllTag{}) += ofPart.GetAll();
      ++cut;
   }
}

ROOT::RDF::RNode PutBehindCuts(const ROOT::RDF::RNode &head, const ROOT::RDF::RNode &upstream,
                               std::shared_ptr<const ROOT::RDF::RCutFlowReport> cuts)
{
   return NodeMaker(std::make_shared<HeadBehindCuts>(head.*GetMember(NodeItselfTag{}), upstream, std::move(cuts)),
                    head);
}

} // namespace FlashSim::RootInternals
