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

/// The loop manager's own range is private and has a setter only, but must be known to be restored. An explicit instantiation may
/// name private members ([temp.spec.general]); a ROOT that renames them stops the compilation here.
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

constexpr std::uint64_t kNoEnd = std::numeric_limits<Long64_t>::max();

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
      fUserRange = {static_cast<std::uint64_t>(loopManager.*GetMember(BeginEntryTag{})),
                    static_cast<std::uint64_t>(loopManager.*GetMember(EndEntryTag{}))};
      // Needs: [begin, end) of every cluster, as global entry numbers over all files (ROOT::Internal::RDF).
      for (const auto &cluster : ROOT::Internal::RDF::GetDatasetGlobalClusterBoundaries(node)) {
         if (cluster.second > fUserRange.first && cluster.first < fUserRange.second)
            fClusterEnds.push_back(std::min<std::uint64_t>(cluster.second, fUserRange.second));
      }
      std::sort(fClusterEnds.begin(), fClusterEnds.end());
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
      throw std::runtime_error("FlashSim: FlashSim cannot run on the result of FlashSim, whose entries are RECO events. Give all "
                               "flows at once: df.FlashSim(['jets.onnx', 'muons.onnx'], folds=...).");
   case ESourceKind::kOther:
      // Such a source ignores ranges: all of it is one chunk.
      fFullRange = fUserRange = {0, kNoEnd};
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
   if (fUserRange.first == 0 && fUserRange.second == kNoEnd)
      globalRange.reset();
   else
      globalRange = {fUserRange.first, fUserRange.second};
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

TTree *GetTree(const ROOT::RDF::RNode &node)
{
   auto *source = dynamic_cast<ROOT::Internal::RDF::RTTreeDS *>(NodeAccess::GetLoopManager(node).GetDataSource());
   return source == nullptr ? nullptr : source->GetTree();
}

EntryNumbering::EntryNumbering(const ROOT::RDF::RNode &node)
{
   auto *chain = dynamic_cast<TChain *>(GetTree(node));
   if (chain == nullptr || GetNSlots(node) == 1)
      return;
   chain->GetEntries(); // opens every file once, so that the offsets are known
   const auto *files = chain->GetListOfFiles();
   const auto *offsets = chain->GetTreeOffset();
   for (int i = 0; i < files->GetEntriesFast(); ++i) {
      const auto inserted =
         fFileOffsets.emplace(files->At(i)->GetTitle(), static_cast<std::uint64_t>(offsets[i])).second;
      if (!inserted) {
         throw std::runtime_error("FlashSim: the dataset holds the file '" + std::string(files->At(i)->GetTitle()) +
                                  "' twice. With several threads its events cannot be told apart; give each file once.");
      }
   }
   if (fFileOffsets.size() == 1)
      fFileOffsets.clear();
}

std::uint64_t EntryNumbering::GetOffset(TTreeReader &reader) const
{
   if (fFileOffsets.empty())
      return 0;
   // A task reads a chain of one file, with entry numbers of that file; or, with friends, the whole chain.
   const auto *chain = dynamic_cast<TChain *>(reader.GetTree());
   if (chain == nullptr || chain->GetNtrees() > 1)
      return 0;
   const std::string file = chain->GetListOfFiles()->At(0)->GetTitle();
   const auto offset = fFileOffsets.find(file);
   if (offset == fFileOffsets.end())
      throw std::runtime_error("FlashSim: ROOT reads the file '" + file + "', which is not among the dataset's files.");
   return offset->second;
}

} // namespace FlashSim::RootInternals
