// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/detail/OptionsOfFlows.hxx"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace FlashSim {
namespace {

bool HasVariable(const FlowContract &contract, const std::string &name)
{
   return std::any_of(contract.fContext.begin(), contract.fContext.end(),
                      [&name](const auto &variable) { return variable.fName == name; });
}

std::string ListVariables(const FlowContract &contract)
{
   std::string list;
   for (const auto &variable : contract.fContext)
      list += (list.empty() ? "" : ", ") + variable.fName;
   return list;
}

/// \throws std::runtime_error if the variable has an expression already
void SetContext(FlowOptions &own, const FlowContract &contract, const std::string &variable,
                const std::string &expression)
{
   if (!own.fContext.emplace(variable, expression).second) {
      throw std::runtime_error("FlashSim: context has the keys '" + variable + "' and '" + contract.fName + "." +
                               variable + "', which are the same variable; give one.");
   }
}

/// Adds an entry of SimulateOptions::fContext to the options of its flow.
void SetContextOfAll(std::vector<FlowOptions> &own, const FlowList &flows, const std::string &key,
                     const std::string &expression)
{
   std::string choices, known;
   std::vector<std::size_t> takers;
   for (std::size_t i = 0; i < flows.size(); ++i) {
      const auto &contract = flows[i]->GetContract();
      const auto start = contract.fName + ".";
      if (key.compare(0, start.size(), start) == 0 && HasVariable(contract, key.substr(start.size()))) {
         SetContext(own[i], contract, key.substr(start.size()), expression);
         return;
      }
      known += (known.empty() ? "" : ", ") + ListVariables(contract);
      if (!HasVariable(contract, key))
         continue;
      takers.push_back(i);
      choices += (choices.empty() ? "'" : ", '") + start + key + "'";
   }
   if (takers.empty()) {
      throw std::runtime_error("FlashSim: context has the key '" + key + "', which is no context variable; there are " +
                               known + ".");
   }
   if (takers.size() > 1) {
      throw std::runtime_error("FlashSim: context has the key '" + key +
                               "', which is a variable of several flows; say of which: " + choices + ".");
   }
   SetContext(own[takers.front()], flows[takers.front()]->GetContract(), key, expression);
}

void CheckOwn(const FlowOptions &own, const FlowContract &contract)
{
   if (own.fSteps < 0) {
      throw std::runtime_error("FlashSim: steps = " + std::to_string(own.fSteps) + " for flow '" + contract.fName +
                               "': at least 1 is needed (0: the flow's default).");
   }
   for (const auto &entry : own.fContext) {
      if (!HasVariable(contract, entry.first)) {
         throw std::runtime_error("FlashSim: the context of flow '" + contract.fName + "' has the key '" + entry.first +
                                  "', which is no context variable; there are " + ListVariables(contract) + ".");
      }
   }
}

void ThrowOnTwoWays(const std::string &what)
{
   throw std::runtime_error("FlashSim: " + what + " for all flows and for single ones; give them in one way.");
}

} // namespace

std::vector<FlowOptions> ResolveOptions(const FlowList &flows, const SimulateOptions &options)
{
   auto given = options.fFlows;
   std::vector<FlowOptions> result;
   bool takesSteps = false;
   for (const auto &flow : flows) {
      const auto &name = flow->GetContract().fName;
      const bool isOneShot = !flow->GetContract().fDefaultSteps.has_value();
      auto own = given[name];
      given.erase(name);
      CheckOwn(own, flow->GetContract());
      if (own.fSteps != 0 && options.fSteps != 0)
         ThrowOnTwoWays("steps are given");
      if (!own.fPrefix.empty() && !options.fPrefix.empty())
         ThrowOnTwoWays("prefixes are given");
      if (own.fPrefix.empty())
         own.fPrefix = options.fPrefix;
      if (own.fSteps == 0 && !(isOneShot && flows.size() > 1))
         own.fSteps = options.fSteps;
      own.fSteps = flow->GetSteps(own.fSteps);
      takesSteps = takesSteps || !isOneShot;
      result.push_back(std::move(own));
   }
   if (!given.empty()) {
      throw std::runtime_error("FlashSim: options are given for a flow '" + given.begin()->first +
                               "', which is not there; the flows are " + ListNames(flows) + ".");
   }
   if (options.fSteps != 0 && !takesSteps) {
      throw std::runtime_error("FlashSim: steps = " + std::to_string(options.fSteps) + ", but all of the flows " +
                               ListNames(flows) + " sample in one shot; do not give steps.");
   }
   for (const auto &[key, expression] : options.fContext)
      SetContextOfAll(result, flows, key, expression);
   return result;
}

} // namespace FlashSim
