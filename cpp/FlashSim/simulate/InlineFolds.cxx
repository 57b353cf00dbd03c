// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/InlineFolds.hxx"

#include "FlashSim/lookahead/RootInternals.hxx"
#include "FlashSim/simulate/detail/ContextColumns.hxx"
#include "FlashSim/simulate/detail/ContextRows.hxx"
#include "FlashSim/simulate/detail/OptionsOfFlows.hxx"
#include "FlashSim/simulate/detail/RecoColumns.hxx"
#include "FlashSim/simulate/detail/SampleObjects.hxx"

#include "FlashSim/Simulate.hxx"
#include "FlashSim/lookahead/IdentityColumns.hxx"

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
   if (HasFolds(node))
      return "FlashSim::PackIdentity(genEvent)";
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

InlineFolds::InlineFolds(std::shared_ptr<const Flow> flow, std::vector<std::string> contextNames, int foldSize,
                         std::uint64_t seed, int steps, EOutOfRange outOfRange)
   : fFoldSize(static_cast<std::size_t>(foldSize)), fSeed(seed), fSteps(flow->GetSteps(steps))
{
   if (foldSize < 1)
      throw std::runtime_error("FlashSim: the fold size is " + std::to_string(foldSize) + ": at least 1 is needed.");
   const auto &contract = flow->GetContract();
   if (contextNames.size() != contract.fContext.size()) {
      throw std::runtime_error("FlashSim: flow '" + contract.fName + "' takes " +
                               std::to_string(contract.fContext.size()) + " context columns, " +
                               std::to_string(contextNames.size()) + " were given.");
   }
   // A Define has no notice of the end of the event loop.
   fRanges = std::make_shared<const DeclaredRanges>(std::move(flow), outOfRange, std::move(contextNames),
                                                    DeclaredRanges::EAnnounce::kAtOnce);
}

InlineSample InlineFolds::Sample(const InlineContext &context, const EventIdentity &identity,
                                 std::size_t firstFoldIndex) const
{
   ContextRows rows;
   rows.AppendFold(*fRanges, context, 0, identity, firstFoldIndex, fFoldSize);
   auto objects = std::make_shared<ObjectTable>();
   SampleObjects(*fRanges, rows, fSeed, fSteps, *objects);
   return InlineSample(std::move(objects));
}

ROOT::RDF::RNode DefineFolds(ROOT::RDF::RNode node, std::shared_ptr<const Flow> flow, const SimulateOptions &options)
{
   if (options.fReplace) {
      throw std::runtime_error("FlashSim: DefineFolds adds columns to an entry and hides none; give a prefix to have "
                               "both collections, or use FlashSim, which can replace one.");
   }
   const FlowList flows{flow};
   CheckFlows(flows);
   const auto own = ResolveOptions(flows, options);
   const auto &contract = flow->GetContract();
   const RecoColumnNames names(contract, own[0].fPrefix);
   CheckNamesAreFree(node, names, contract.fName);
   auto context = ResolveContext(ReserveNoise(std::move(node), flows, options.fSeed), flows, own, options.fOutOfRange);
   const auto rows = HiddenColumn("rows of " + names.fCollection);
   const auto identity = HiddenColumn("identity of " + names.fCollection);
   const auto hidden = HiddenColumn("sample of " + names.fCollection);
   const InlineFolds sampler(flow, context.fLabels[0], options.fFoldSize, options.fSeed, own[0].fSteps,
                             options.fOutOfRange);
   const auto check = std::make_shared<RootInternals::ColumnTypeCheck>(context.fNode);
   if (options.fCheckFiles)
      CheckIdentity(context.fNode, check->FindPartialColumns(GetIdentityColumnsOfFiles(context.fNode)));
   auto result = context.fNode.Define(rows, "FlashSim::PackContext(" + JoinArguments(context.fColumns[0]) + ")")
                     .Define(identity, IdentityExpression(context.fNode, options));
   // RECO events of one GEN event have one identity: their fold index tells their random numbers apart.
   const auto first = HiddenColumn("first fold index of " + names.fCollection);
   const auto foldSize = std::to_string(options.fFoldSize);
   result = HasFolds(result) ? result.Define(first, "static_cast<ULong64_t>(foldIndex) * " + foldSize)
                             : result.Define(first, [] { return ULong64_t{0}; });
   result = result.DefineSlot(hidden,
                              [sampler, check](unsigned int slot, const InlineContext &context,
                                               const EventIdentity &event, ULong64_t firstFoldIndex) {
                                 check->Check(slot);
                                 return sampler.Sample(context, event, firstFoldIndex);
                              },
                              {rows, identity, first});
   const bool isOfEvents = contract.fLevel == EModelLevel::kEvent;
   for (std::size_t target = 0; target < contract.fTarget.size(); ++target) {
      result = WithValueType(contract.fTarget[target].fType, [&](auto zero) -> ROOT::RDF::RNode {
         using T = decltype(zero);
         if (isOfEvents) {
            return result.Define(names.fTargets[target],
                                 [target](const InlineSample &sample) { return sample.GetValues<T>(target); },
                                 {hidden});
         }
         return result.Define(names.fTargets[target],
                              [target](const InlineSample &sample) { return sample.GetTarget<T>(target); }, {hidden});
      });
   }
   if (isOfEvents)
      return result;
   return result
       .Define(names.fCount, [](const InlineSample &sample) { return static_cast<int>(sample.GetNObjects()); },
               {hidden})
       .Define(names.fSourceIndex, [](const InlineSample &sample) { return sample.GetSourceIndex(); }, {hidden});
}

} // namespace FlashSim
