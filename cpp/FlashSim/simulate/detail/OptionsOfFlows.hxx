// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OPTIONSOFFLOWS
#define FLASHSIM_OPTIONSOFFLOWS

#include "FlashSim/Simulate.hxx"
#include "FlashSim/simulate/detail/FlowList.hxx"

#include <vector>

namespace FlashSim {

/// \brief The options of each flow: its own, or else those for all flows.
///
/// In the result fSteps is as Flow::Sample takes it, and the keys of fContext are variables of the flow.
/// \throws std::runtime_error naming the option that fits no flow, fits several, or is given twice
std::vector<FlowOptions> ResolveOptions(const FlowList &flows, const SimulateOptions &options);

} // namespace FlashSim

#endif
