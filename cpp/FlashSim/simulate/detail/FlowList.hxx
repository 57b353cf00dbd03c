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

/// "'jets', 'taus'"
std::string ListNames(const FlowList &flows);

/// \throws std::runtime_error if there are no flows, if two have one name, or if one makes events instead of objects
void CheckFlows(const FlowList &flows);

/// \brief Checks that these flows, no two of one name, can add their collections to one dataframe.
/// \param[in] own the options of each flow, as ResolveOptions() gives them
/// \param[in] replace whether collections of the dataframe are hidden by those of the same name
/// \throws std::runtime_error if two flows make one collection, or if one would take its context from a collection that
/// another one replaces
void CheckCollections(const FlowList &flows, const std::vector<FlowOptions> &own, bool replace);

/// \brief Records on the node that these flows draw random numbers with this seed.
/// \throws std::runtime_error if another flow of the same name has done so: it would draw the same
ROOT::RDF::RNode ReserveNoise(ROOT::RDF::RNode node, const FlowList &flows, std::uint64_t seed);

} // namespace FlashSim

#endif
