// Part of FlashSim for RDataFrame.
#include "FlashSim/Simulate.hxx"

#include "BlockSampler.hxx"
#include "ContextColumns.hxx"

#include "FlashSim/FoldSource.hxx"

#include <set>
#include <stdexcept>

namespace FlashSim {
namespace {

ROOT::RDF::RNode DefineRecoColumns(ROOT::RDF::RNode node, const std::shared_ptr<BlockSampler> &sampler,
                                   const RecoColumnNames &names)
{
   node = node.DefineSlotEntry(names.fCount,
                               [sampler](unsigned int slot, ULong64_t) { return sampler->GetNObjects(slot); });
   const auto &targets = sampler->GetContract().fTarget;
   for (std::size_t target = 0; target < targets.size(); ++target) {
      node = WithValueType(targets[target].fType, [&](auto zero) -> ROOT::RDF::RNode {
         using T = decltype(zero);
         return node.DefineSlotEntry(names.fTargets[target], [sampler, target](unsigned int slot, ULong64_t) {
            return sampler->template GetTarget<T>(slot, target);
         });
      });
   }
   return node.DefineSlotEntry(names.fSourceIndex,
                               [sampler](unsigned int slot, ULong64_t) { return sampler->GetSourceIndex(slot); });
}

} // namespace

ROOT::RDF::RNode Simulate(ROOT::RDF::RNode node, const std::vector<std::shared_ptr<const Flow>> &flows,
                          const SimulateOptions &options)
{
   if (flows.empty())
      throw std::runtime_error("FlashSim: no flow was given.");
   FoldSourceOptions foldOptions;
   foldOptions.fFolds = options.fFolds;
   foldOptions.fChunkSize = options.fChunkSize;
   foldOptions.fFirstEntries = options.fFirstEntries;
   if (options.fBlockSize > 0)
      foldOptions.fBlockSize = options.fBlockSize;

   auto context = ResolveContext(std::move(node), flows, options.fContext);
   auto source = std::make_unique<FoldSource>(context.fNode, foldOptions);
   const auto store = source->GetStore();
   auto folds = MakeFolds(std::move(source));
   ROOT::RDF::RNode result = folds;
   std::set<std::string> collections;
   for (std::size_t i = 0; i < flows.size(); ++i) {
      const auto &contract = flows[i]->GetContract();
      if (!collections.insert(contract.fCollection).second) {
         throw std::runtime_error("FlashSim: two of the flows make the collection '" + contract.fCollection +
                                  "'; give one flow for each collection.");
      }
      const RecoColumnNames names(contract, options.fPrefix);
      CheckNamesAreFree(result, names, contract.fName);
      auto sampler =
          std::make_shared<BlockSampler>(store, flows[i], context.fColumns[i], options.fSeed, options.fSteps);
      sampler->SetNSlots(folds.GetNSlots());
      result = DefineRecoColumns(result, sampler, names);
   }
   return result;
}

ROOT::RDF::RNode Simulate(ROOT::RDF::RNode node, const std::string &flow, const SimulateOptions &options)
{
   return Simulate(std::move(node), {std::make_shared<const Flow>(flow)}, options);
}

} // namespace FlashSim
