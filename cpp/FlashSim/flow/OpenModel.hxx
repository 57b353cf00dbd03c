// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OPENMODEL
#define FLASHSIM_OPENMODEL

#include "FlashSim/Flow.hxx"
#include "FlashSim/ProbabilityModel.hxx"

#include <memory>
#include <string>

/// \file
/// Shared models, for Python, where `const` in a smart pointer's type is awkward to write.
namespace FlashSim {

std::shared_ptr<const Flow> OpenFlow(const std::string &path);
std::shared_ptr<const ProbabilityModel> OpenProbabilityModel(const std::string &path);

/// \brief The contract of a model of any kind, read without opening it for evaluation.
/// \throws std::runtime_error as the constructor of Flow
FlowContract ReadContract(const std::string &path);

} // namespace FlashSim

#endif
