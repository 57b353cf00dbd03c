// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FLOWLIST
#define FLASHSIM_FLOWLIST

#include "FlashSim/Flow.hxx"
#include "FlashSim/Simulate.hxx"

#include <memory>
#include <string>
#include <vector>

namespace FlashSim {

using FlowList = std::vector<std::shared_ptr<const Flow>>;

/// \brief Whether these flows can simulate together.
/// \throws std::runtime_error if there are none, if two have one name or make one collection, or if one would take its
/// context from a collection that another one replaces
void CheckFlows(const FlowList &flows, const SimulateOptions &options);

/// \brief The steps of each flow, as Flow::Sample takes them.
/// \throws std::runtime_error if no flow takes the steps that are given
std::vector<int> ResolveSteps(const FlowList &flows, const SimulateOptions &options);

/// \brief Notes on the node that these flows draw random numbers of this seed.
/// \throws std::runtime_error if another flow of the same name has done so: it would draw the same
ROOT::RDF::RNode ReserveNoise(ROOT::RDF::RNode node, const FlowList &flows, std::uint64_t seed);

} // namespace FlashSim

#endif
