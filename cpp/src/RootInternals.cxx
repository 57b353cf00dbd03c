// Part of FlashSim for RDataFrame.
#include "RootInternals.hxx"

#include <ROOT/RDF/RActionBase.hxx>
#include <ROOT/RDF/RLoopManager.hxx>
#include <ROOT/RDFHelpers.hxx>
#include <ROOT/RNTupleDS.hxx>
#include <ROOT/RTTreeDS.hxx>

#include <TChain.h>
#include <TChainElement.h>
#include <TFile.h>
#include <TObjArray.h>
#include <TTree.h>
#include <TTreeReader.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>

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

/// A data source keeps the range once set, even when the loop manager has none any more; it must be taken out by hand.
struct SourceAccess : ROOT::RDF::RDataSource {
   static std::optional<std::pair<ULong64_t, ULong64_t>> &GetGlobalEntryRange(ROOT::RDF::RDataSource &source)
   {
      return source.*&SourceAccess::fGlobalEntryRange;
   }
};

/// The loop manager's own range is private and has a setter only, but must be known to be restored. An explicit
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

/// Which files an RNTuple source reads; ROOT tells its friends only.
struct FileNamesTag {
   using Type = std::vector<std::string> ROOT::RDF::RNTupleDS::*;
   friend Type GetMember(FileNamesTag);
};
template struct PrivateMember<FileNamesTag, &ROOT::RDF::RNTupleDS::fFileNames>;

/// The TTree or TChain that the graph reads.
TTree &GetTree(const ROOT::RDF::RNode &node)
{
   return *dynamic_cast<ROOT::Internal::RDF::RTTreeDS &>(*NodeAccess::GetLoopManager(node).GetDataSource()).GetTree();
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

/// Where the clusters of a TTree or TChain end and where its files begin, as global entry numbers. ROOT's own
/// GetDatasetGlobalClusterBoundaries() looks for one tree name in all files, and throws for the chains that an
/// RDatasetSpec makes.
void ReadTreeLayout(TTree &tree, std::vector<std::uint64_t> &clusterEnds, FileOffsets &fileOffsets)
{
   auto *chain = dynamic_cast<TChain *>(&tree);
   if (chain == nullptr) {
      AppendClusterEnds(tree, clusterEnds);
      return;
   }
   for (const auto *element : *chain->GetListOfFiles()) {
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
      fileOffsets.emplace_back(path, clusterEnds.empty() ? 0 : clusterEnds.back());
      AppendClusterEnds(*treeOfFile, clusterEnds);
   }
}

std::vector<std::uint64_t> GetNTupleClusterEnds(const ROOT::RDF::RNode &node)
{
   // Needs: [begin, end) of every cluster, as global entry numbers over all files (ROOT::Internal::RDF).
   std::vector<std::uint64_t> ends;
   for (const auto &cluster : ROOT::Internal::RDF::GetDatasetGlobalClusterBoundaries(node))
      ends.push_back(cluster.second);
   std::sort(ends.begin(), ends.end());
   return ends;
}

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

EntryRangeControl::EntryRangeControl(const ROOT::RDF::RNode &node) : fNode(node), fKind(GetSourceKind(node))
{
   const auto &loopManager = NodeAccess::GetLoopManager(node);
   switch (fKind) {
   case ESourceKind::kTree:
   case ESourceKind::kNTuple: {
      fUserRange = GetLoopManagerRange(loopManager);
      std::vector<std::uint64_t> ends;
      if (fKind == ESourceKind::kTree) {
         ReadTreeLayout(GetTree(node), ends, fFileOffsets);
         fFirstFile = fFileOffsets.empty() ? "" : fFileOffsets.front().first;
      } else {
         ends = GetNTupleClusterEnds(node);
         const auto &source = dynamic_cast<const ROOT::RDF::RNTupleDS &>(*loopManager.GetDataSource());
         const auto &files = source.*GetMember(FileNamesTag{});
         fFirstFile = files.empty() ? "" : files.front();
      }
      for (const auto end : ends) {
         if (end > fUserRange.first && (fClusterEnds.empty() || fClusterEnds.back() < fUserRange.second))
            fClusterEnds.push_back(std::min(end, fUserRange.second));
      }
      fFullRange = {fUserRange.first, fClusterEnds.empty() ? fUserRange.first : fClusterEnds.back()};
      break;
   }
   case ESourceKind::kEmpty: {
      const auto &range = loopManager.*GetMember(EmptyRangeTag{});
      fFullRange = fUserRange = {range.first, range.second};
      fClusterEnds.push_back(range.second);
      break;
   }
   case ESourceKind::kFolds:
      throw std::runtime_error(
          "FlashSim: FlashSim cannot run on the result of FlashSim, whose entries are RECO events. Give all "
          "flows at once: df.FlashSim(['jets.onnx', 'muons.onnx'], folds=...).");
   case ESourceKind::kOther:
      // Such a source ignores ranges: all of it is one chunk.
      fFullRange = fUserRange = kWhole;
      fClusterEnds.push_back(kNoEnd);
   }
}

void EntryRangeControl::Restrict(EntryRange range)
{
   if (fKind == ESourceKind::kOther || range == fFullRange)
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

bool HasPendingActions(const ROOT::RDF::RNode &node)
{
   const auto actions = NodeAccess::GetLoopManager(node).GetAllActions();
   return std::any_of(actions.begin(), actions.end(), [](const auto *action) { return !action->HasRun(); });
}

void RunPendingActions(const ROOT::RDF::RNode &node)
{
   ROOT::Internal::RDF::TriggerRun(node);
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
   // SaveGraph is public, its text is not: a node labelled "Range" is what RRange draws itself as.
   return ROOT::RDF::SaveGraph(node).find("label=\"Range\"") != std::string::npos;
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

const ROOT::RDF::RDataSource *GetSource(const ROOT::RDF::RNode &node)
{
   return NodeAccess::GetLoopManager(node).GetDataSource();
}

std::string GetSourceColumn(const ROOT::RDF::RNode &node, const std::string &column)
{
   // Needs: the column register tells defined columns from those of the data source, and follows aliases of aliases.
   const auto &columns = NodeAccess::GetColumnRegister(node);
   const std::string name(columns.ResolveAlias(column));
   const bool isMade = columns.IsDefine(name) || !columns.GetVariationDeps(name).empty();
   return isMade ? "" : name;
}

} // namespace FlashSim::RootInternals
