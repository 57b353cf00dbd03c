// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_CHECKEDMODELS
#define FLASHSIM_CHECKEDMODELS

#include "FlashSim/Flow.hxx"
#include "FlashSim/ProbabilityModel.hxx"
#include "FlashSim/flow/ContextRanges.hxx"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace FlashSim {

/// \brief Flow::SampleFolds on a shared flow, with context and sample checked; called by `flashsim.Flow.sample`.
///
/// Prints the number of clipped values. \param[in] nKeys 0 stands for no event keys
/// \throws std::runtime_error naming variable, value and row
void SampleFolds(const std::shared_ptr<const Flow> &flow, std::size_t n, const float *context,
                 const std::uint64_t *eventKeys, std::size_t nKeys, int foldSize, std::uint64_t seed, int steps,
                 float *sample, EOutOfRange outOfRange);

/// \brief ProbabilityModel::Evaluate on a shared model, with the context checked; called by
/// `flashsim.ProbabilityModel.evaluate`.
///
/// Prints the number of clipped values.
/// \throws std::runtime_error naming variable, value and row
void EvaluateChecked(const std::shared_ptr<const ProbabilityModel> &model, std::size_t n, const float *context,
                     float *probabilities, EOutOfRange outOfRange);

} // namespace FlashSim

#endif
