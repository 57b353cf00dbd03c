// Part of FlashSim for RDataFrame.
#include "FlashSim/Simulate.hxx"

#include "FlashSim/simulate/detail/BlockSampler.hxx"
#include "FlashSim/simulate/detail/ContextColumns.hxx"
#include "FlashSim/simulate/detail/FlowList.hxx"
#include "FlashSim/simulate/detail/OptionsOfFlows.hxx"
#include "FlashSim/simulate/detail/RecoColumns.hxx"

#include "FlashSim/lookahead/FoldSource.hxx"

#include <memory>
#include <vector>

namespace FlashSim {
namespace {

ROOT::RDF::RNode DefineRecoColumns(ROOT::RDF::RNode node, const std::shared_ptr<BlockSampler> &sampler,
                                   const RecoColumnNames &names)
{
   const bool isOfEvents = sampler->GetContract().fLevel == EModelLevel::kEvent;
   if (!isOfEvents)
      node = node.DefineSlotEntry(names.fCount,
                                  [sampler](unsigned int slot, ULong64_t) { return sampler->GetNObjects(slot); });
   const auto &targets = sampler->GetContract().fTarget;
   for (std::size_t target = 0; target < targets.size(); ++target) {
      node = WithValueType(targets[target].fType, [&](auto zero) -> ROOT::RDF::RNode {
         using T = decltype(zero);
         if (isOfEvents) {
            return node.DefineSlotEntry(names.fTargets[target], [sampler, target](unsigned int slot, ULong64_t) {
               return sampler->template GetValue<T>(slot, target);
            });
         }
         return node.DefineSlotEntry(names.fTargets[target], [sampler, target](unsigned int slot, ULong64_t) {
            return sampler->template GetTarget<T>(slot, target);
         });
      });
   }
   if (isOfEvents)
      return node;
   return node.DefineSlotEntry(names.fSourceIndex,
                               [sampler](unsigned int slot, ULong64_t) { return sampler->GetSourceIndex(slot); });
}

} // namespace

ROOT::RDF::RNode Simulate(ROOT::RDF::RNode node, const std::vector<std::shared_ptr<const Flow>> &flows,
                          const SimulateOptions &options)
{
   CheckFlows(flows);
   const auto own = ResolveOptions(flows, options);
   CheckCollections(flows, own, options.fReplace);
   FoldSourceOptions foldOptions;
   foldOptions.fFoldSize = options.fFoldSize;
   foldOptions.fChunkSize = options.fChunkSize;
   foldOptions.fFirstEntries = options.fFirstEntries;
   if (options.fBlockSize > 0)
      foldOptions.fBlockSize = options.fBlockSize;

   auto context = ResolveContext(ReserveNoise(std::move(node), flows, options.fSeed), flows, own, options.fOutOfRange);
   std::vector<RecoColumnNames> names;
   std::vector<std::shared_ptr<const DeclaredRanges>> ranges;
   for (std::size_t i = 0; i < flows.size(); ++i) {
      names.emplace_back(flows[i]->GetContract(), own[i].fPrefix);
      ranges.push_back(std::make_shared<const DeclaredRanges>(flows[i], options.fOutOfRange, context.fLabels[i]));
      if (!options.fReplace)
         continue;
      for (const auto &column : FindColumnsOfCollection(context.fNode, names.back().fCollection))
         foldOptions.fHiddenColumns.insert(column);
   }
   foldOptions.fAtEnd = [ranges] {
      for (const auto &ofFlow : ranges)
         ofFlow->Report();
   };

   auto source = std::make_unique<FoldSource>(context.fNode, foldOptions);
   const auto store = source->GetStore();
   auto folds = MakeFolds(std::move(source));
   auto result = folds;
   for (std::size_t i = 0; i < flows.size(); ++i) {
      CheckNamesAreFree(result, names[i], flows[i]->GetContract().fName);
      auto sampler =
          std::make_shared<BlockSampler>(store, ranges[i], context.fColumns[i], options.fSeed, own[i].fSteps);
      sampler->SetNSlots(folds.GetNSlots());
      result = DefineRecoColumns(result, sampler, names[i]);
   }
   return result;
}

ROOT::RDF::RNode Simulate(ROOT::RDF::RNode node, const std::string &flow, const SimulateOptions &options)
{
   return Simulate(std::move(node), {std::make_shared<const Flow>(flow)}, options);
}

} // namespace FlashSim
