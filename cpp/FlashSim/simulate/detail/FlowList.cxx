// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/detail/FlowList.hxx"

#include "FlashSim/lookahead/RootInternals.hxx"
#include "FlashSim/simulate/detail/ContextColumns.hxx"

#include "FlashSim/lookahead/FoldSource.hxx"

#include <map>
#include <stdexcept>

namespace FlashSim {
namespace {

const char *const kOneNameOneNoise = ": a flow's name keys its random numbers, so that both would draw the same. Give "
                                     "one of them another name: the field `name` of its metadata, in a recipe `name` "
                                     "of [flow]";

/// Whether the column is defined on the node, or was on the node of an earlier stage.
bool HasBeenDefined(ROOT::RDF::RNode node, const std::string &column)
{
   if (node.HasColumn(column))
      return true;
   const auto *earlier = FoldSource::GetUpstream(RootInternals::GetDataSource(node));
   return earlier != nullptr && HasBeenDefined(*earlier, column);
}

} // namespace

std::string ListNames(const FlowList &flows)
{
   std::string names;
   for (const auto &flow : flows)
      names += (names.empty() ? "'" : ", '") + flow->GetContract().fName + "'";
   return names;
}

void CheckFlows(const FlowList &flows)
{
   if (flows.empty())
      throw std::runtime_error("FlashSim: no flow was given.");
   std::map<std::string, const Flow *> names;
   for (const auto &flow : flows) {
      const auto &name = flow->GetContract().fName;
      if (const auto [known, isNew] = names.emplace(name, flow.get()); !isNew) {
         throw std::runtime_error("FlashSim: two of the flows have the name '" + name + "' (" +
                                  known->second->GetPath() + ", " + flow->GetPath() + ")" + kOneNameOneNoise + ".");
      }
   }
}

void CheckCollections(const FlowList &flows, const std::vector<FlowOptions> &own, bool replace)
{
   std::map<std::string, std::string> makers;
   for (std::size_t i = 0; i < flows.size(); ++i) {
      const auto &contract = flows[i]->GetContract();
      const auto collection = own[i].fPrefix + contract.fCollection;
      if (const auto [maker, isNew] = makers.emplace(collection, contract.fName); !isNew) {
         throw std::runtime_error("FlashSim: two of the flows make the collection '" + collection + "' ('" +
                                  maker->second + "' and '" + contract.fName +
                                  "'); give one flow for each collection, or one of them a prefix, as in prefix={'" +
                                  contract.fName + "': 'Other'} (in C++ fFlows[\"" + contract.fName + "\"].fPrefix).");
      }
   }
   if (!replace)
      return;
   for (const auto &flow : flows) {
      const auto &contract = flow->GetContract();
      const auto maker = makers.find(contract.fSource);
      if (maker != makers.end() && maker->second != contract.fName) {
         throw std::runtime_error("FlashSim: flow '" + contract.fName + "' takes its context from '" +
                                  contract.fSource + "', which flow '" + maker->second +
                                  "' is to replace; it would get the old one. Use a prefix instead.");
      }
   }
}

ROOT::RDF::RNode ReserveNoise(ROOT::RDF::RNode node, const FlowList &flows, std::uint64_t seed)
{
   for (const auto &flow : flows) {
      const auto &contract = flow->GetContract();
      const auto noise = "noise " + std::to_string(seed) + " " + contract.fName;
      const auto drawn = HiddenColumn(noise);
      const auto drawnByThis = HiddenColumn(noise + " for " + contract.fSource + " to " + contract.fCollection);
      if (HasBeenDefined(node, drawnByThis))
         continue; // the same numbers for the same flow: wanted, to compare contexts or steps
      if (HasBeenDefined(node, drawn)) {
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
