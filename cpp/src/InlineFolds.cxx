// Part of FlashSim for RDataFrame.
#include "FlashSim/InlineFolds.hxx"

#include "ContextColumns.hxx"
#include "ContextRows.hxx"
#include "RootInternals.hxx"

#include "FlashSim/FoldSource.hxx"
#include "FlashSim/Simulate.hxx"

#include <stdexcept>

namespace FlashSim {
namespace {

std::string JoinArguments(const std::vector<std::string> &columns)
{
   std::string joined;
   for (const auto &column : columns)
      joined += (joined.empty() ? "" : ", ") + column;
   return joined;
}

std::string IdentityExpression(ROOT::RDF::RNode &node, const SimulateOptions &options)
{
   if (node.HasColumn("run") && node.HasColumn("luminosityBlock") && node.HasColumn("event"))
      return "FlashSim::PackIdentity(run, luminosityBlock, event)";
   if (RootInternals::GetNSlots(node) > 1) {
      throw std::runtime_error(
          "FlashSim: DefineFolds needs the columns run, luminosityBlock and event while ROOT runs several "
          "threads, because entries have no lasting number then. Define them, use FlashSim instead, "
          "or switch ROOT::EnableImplicitMT() off.");
   }
   if (options.fFirstEntries.size() > 1) {
      throw std::runtime_error(
          "FlashSim: DefineFolds needs the columns run, luminosityBlock and event in a distributed "
          "run over several files, because a task numbers the entries of its own files only. "
          "Define them, or use FlashSim instead.");
   }
   return "FlashSim::PackIdentity(rdfentry_)";
}

} // namespace

InlineFolds::InlineFolds(std::shared_ptr<const Flow> flow, std::vector<std::string> contextNames, int folds,
                         std::uint64_t seed, int steps)
   : fFlow(std::move(flow)), fContextNames(std::move(contextNames)), fFolds(static_cast<std::size_t>(folds)),
     fSeed(seed), fSteps(fFlow->GetSteps(steps))
{
   if (folds < 1)
      throw std::runtime_error("FlashSim: folds = " + std::to_string(folds) + ": at least 1 is needed.");
   if (fContextNames.size() != fFlow->GetContract().fContext.size()) {
      throw std::runtime_error("FlashSim: flow '" + fFlow->GetContract().fName + "' takes " +
                               std::to_string(fFlow->GetContract().fContext.size()) + " context columns, " +
                               std::to_string(fContextNames.size()) + " were given.");
   }
}

InlineSample InlineFolds::operator()(const InlineContext &context, const EventIdentity &identity) const
{
   std::vector<float> rowsOfEvent;
   const auto nObjects = AppendContextRows(
       *fFlow, fContextNames, context.GetColumns(), [&identity] { return identity.AsString(); }, rowsOfEvent);
   RecoRows rows;
   rows.AppendFolds(identity, fFolds, nObjects, rowsOfEvent);
   auto columns = std::make_shared<SampleColumns>();
   columns->Fill(*fFlow, rows.fContext, rows.fNoise, rows.fEventSizes, fSeed, fSteps);
   return {std::move(columns), fFolds, nObjects};
}

ROOT::RDF::RNode DefineFolds(ROOT::RDF::RNode node, std::shared_ptr<const Flow> flow, const SimulateOptions &options)
{
   const auto &contract = flow->GetContract();
   const RecoColumnNames names(contract, options.fPrefix);
   CheckNamesAreFree(node, names, contract.fName);
   auto context = ResolveContext(std::move(node), {flow}, options.fContext);
   const auto &columns = context.fColumns[0];
   const std::string hidden = kHiddenColumnPrefix + options.fPrefix + contract.fCollection;
   auto result = context.fNode.Define(hidden + "_rows", "FlashSim::PackContext(" + JoinArguments(columns) + ")")
                     .Define(hidden + "_identity", IdentityExpression(context.fNode, options));
   result = result.DefineSlot(
       hidden,
       [folds = InlineFolds(flow, columns, options.fFolds, options.fSeed, options.fSteps),
        check = std::make_shared<RootInternals::ColumnTypeCheck>(result)](
           unsigned int slot, const InlineContext &rows, const EventIdentity &identity) {
          check->Check(slot);
          return folds(rows, identity);
       },
       {hidden + "_rows", hidden + "_identity"});
   result = result.Define(names.fCount,
                          [](const InlineSample &sample) { return static_cast<int>(sample.GetNObjects()); }, {hidden});
   for (std::size_t target = 0; target < contract.fTarget.size(); ++target) {
      result = WithValueType(contract.fTarget[target].fType, [&](auto zero) -> ROOT::RDF::RNode {
         using T = decltype(zero);
         return result.Define(names.fTargets[target],
                              [target](const InlineSample &sample) { return sample.GetTarget<T>(target); }, {hidden});
      });
   }
   return result.Define(names.fSourceIndex, [](const InlineSample &sample) { return sample.GetSourceIndex(); },
                        {hidden});
}

} // namespace FlashSim
