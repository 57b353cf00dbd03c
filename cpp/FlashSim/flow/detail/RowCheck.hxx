// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ROWCHECK
#define FLASHSIM_ROWCHECK

#include "FlashSim/FlowContract.hxx"
#include "FlashSim/flow/RowIndependence.hxx"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace FlashSim {

/// Result of CheckRows().
struct RowCheck {
   ERowIndependence fResult = ERowIndependence::kSameBits;
   std::string fNote; ///< of kLastBits: which output differs, and how
};

/// Evaluates a model: number of rows, noise [n, D], context [n, C], output [n, T].
using RowEvaluation = std::function<void(std::size_t, const float *, const float *, float *)>;

/// \brief Compares a model's outputs for a few rows in batches of several sizes, at several positions in them.
///
/// Half of the rows have contexts of the user's, the others contexts inside the contract's ranges. If the model refuses
/// the latter, all are the user's. The noise is always the same.
/// \param[in] contract of the model
/// \param[in] model such as "flow 'jets' (/data/jets.onnx)", for messages
/// \param[in] outputs the columns of its output, such as "target 'pt'"
/// \param[in] evaluate the model
/// \param[in] n number of the user's rows, may be 0
/// \param[in] context float[n, C], the user's
/// \throws std::runtime_error naming model and output if it depends on other rows, or on chance
RowCheck CheckRows(const FlowContract &contract, const std::string &model, const std::vector<std::string> &outputs,
                   const RowEvaluation &evaluate, std::size_t n, const float *context);

} // namespace FlashSim

#endif
