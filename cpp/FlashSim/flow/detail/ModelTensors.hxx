// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_MODELTENSORS
#define FLASHSIM_MODELTENSORS

#include "FlashSim/FlowContract.hxx"
#include "FlashSim/flow/detail/OnnxSession.hxx"

#include <string>

namespace FlashSim {

/// \brief Checks the input and output tensors of a graph against its contract.
/// \throws std::runtime_error naming the tensor, its type or shape, and the expectation
void CheckTensors(const OnnxSession &session, const FlowContract &contract, const std::string &path);

} // namespace FlashSim

#endif
