// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FINDFLOW
#define FLASHSIM_FINDFLOW

#include <string>

namespace FlashSim {

/// \brief Path of the flow (or other model) `name`: a file, or the name of a shipped flow, with or without ".onnx".
///
/// Shipped flows are looked for in the folder that the environment variable FLASHSIM_DATA names, then where the
/// library's installation has put them.
/// \throws std::runtime_error if there is neither
std::string FindFlow(const std::string &name);

} // namespace FlashSim

#endif
