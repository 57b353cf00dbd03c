// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/detail/FlowList.hxx"

#include "FlashSim/simulate/detail/ContextColumns.hxx"

#include <map>
#include <stdexcept>

namespace FlashSim {
namespace {

std::string ListNames(const FlowList &flows)
{
   std::string names;
   for (const auto &flow : flows)
      names += (names.empty() ? "'" : ", '") + flow->GetContract().fName + "'";
   return names;
}

const char *const kOneNameOneNoise = ": a flow's name keys its random numbers, so that both would draw the same. Give "
                                     "one of them another name: the field "
                                     "`name` of its metadata, in a recipe `name` of [flow]";

} // namespace

void CheckFlows(const FlowList &flows, const SimulateOptions &options)
{
   if (flows.empty())
      throw std::runtime_error("FlashSim: no flow was given.");
   std::map<std::string, const Flow *> collections, names;
   for (const auto &flow : flows) {
      const auto &contract = flow->GetContract();
      if (!collections.emplace(contract.fCollection, flow.get()).second) {
         throw std::runtime_error("FlashSim: two of the flows make the collection '" + contract.fCollection +
                                  "'; give one flow for each collection.");
      }
      if (const auto [known, isNew] = names.emplace(contract.fName, flow.get()); !isNew) {
         throw std::runtime_error("FlashSim: two of the flows have the name '" + contract.fName + "' (" +
                                  known->second->GetPath() + ", " + flow->GetPath() + ")" + kOneNameOneNoise + ".");
      }
   }
   if (!options.fReplace)
      return;
   for (const auto &flow : flows) {
      for (const auto &other : flows) {
         const auto collection = options.fPrefix + other->GetContract().fCollection;
         if (other != flow && flow->GetContract().fSource == collection) {
            throw std::runtime_error("FlashSim: flow '" + flow->GetContract().fName + "' takes its context from '" +
                                     collection + "', which flow '" + other->GetContract().fName +
                                     "' is to replace; it would be given the old one. Use a prefix instead.");
         }
      }
   }
}

std::vector<int> ResolveSteps(const FlowList &flows, const SimulateOptions &options)
{
   if (options.fSteps != 0 && !options.fStepsOf.empty())
      throw std::runtime_error("FlashSim: steps are given for all flows and for single ones; give them in one way.");
   auto stepsOf = options.fStepsOf;
   std::vector<int> steps;
   bool isTaken = false;
   for (const auto &flow : flows) {
      const bool isOneShot = !flow->GetContract().fDefaultSteps.has_value();
      const auto own = stepsOf.find(flow->GetContract().fName);
      int given = isOneShot && flows.size() > 1 ? 0 : options.fSteps;
      if (own != stepsOf.end()) {
         given = own->second;
         stepsOf.erase(own);
         if (given < 1) {
            throw std::runtime_error("FlashSim: steps = " + std::to_string(given) + " for flow '" +
                                     flow->GetContract().fName + "': at least 1 is needed.");
         }
      }
      steps.push_back(flow->GetSteps(given));
      isTaken = isTaken || !isOneShot;
   }
   if (!stepsOf.empty()) {
      throw std::runtime_error("FlashSim: steps are given for a flow '" + stepsOf.begin()->first +
                               "', which is not there; the flows are " + ListNames(flows) + ".");
   }
   if (options.fSteps != 0 && !isTaken) {
      throw std::runtime_error("FlashSim: steps = " + std::to_string(options.fSteps) + ", but all of the flows " +
                               ListNames(flows) + " sample in one shot; do not give steps.");
   }
   return steps;
}

ROOT::RDF::RNode ReserveNoise(ROOT::RDF::RNode node, const FlowList &flows, std::uint64_t seed)
{
   for (const auto &flow : flows) {
      const auto &contract = flow->GetContract();
      const auto noise = "noise " + std::to_string(seed) + " " + contract.fName;
      const auto drawn = HiddenColumn(noise);
      const auto drawnByThis = HiddenColumn(noise + " for " + contract.fSource + " to " + contract.fCollection);
      if (node.HasColumn(drawnByThis))
         continue; // the same numbers for the same flow: wanted, to compare contexts or steps
      if (node.HasColumn(drawn)) {
         throw std::runtime_error("FlashSim: another flow with the name '" + contract.fName +
                                  "' was given to this dataframe with the same seed" + kOneNameOneNoise +
                                  ", or give another seed.");
      }
      const auto isDrawn = [] { return true; };
      node = node.Define(drawn, isDrawn).Define(drawnByThis, isDrawn);
   }
   return node;
}

} // namespace FlashSim
