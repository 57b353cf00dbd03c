// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FINDFLOW
#define FLASHSIM_FINDFLOW

#include <string>

namespace FlashSim {

/// \brief Path of the flow (or other model) `name`: a file, or the name of a shipped flow, with or without ".onnx".
///
/// Shipped flows are searched for in the folder of the environment variable FLASHSIM_DATA, then in the library's
/// installation.
/// \throws std::runtime_error if neither the file nor such a flow exists
std::string FindFlow(const std::string &name);

} // namespace FlashSim

#endif
