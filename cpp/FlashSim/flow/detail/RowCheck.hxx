// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ROWCHECK
#define FLASHSIM_ROWCHECK

#include "FlashSim/Flow.hxx"

#include <cstddef>
#include <functional>
#include <string>

namespace FlashSim {

/// What CheckRows() found.
struct RowCheck {
   ERowIndependence fResult = ERowIndependence::kSameBits;
   std::string fNote; ///< of kLastBits: which target differs, and how
};

/// Evaluates a flow: number of rows, noise [n, D], context [n, C], sample [n, T].
using RowEvaluation = std::function<void(std::size_t, const float *, const float *, float *)>;

/// \brief Compares the samples of a few rows in batches of several sizes, at several places in them.
///
/// Half of the rows have contexts of the user's, the others contexts inside the contract's ranges; if the flow refuses
/// these, all are of the user's. The noise is always the same.
/// \param[in] contract of the flow
/// \param[in] path of the flow, for messages
/// \param[in] evaluate the flow
/// \param[in] n number of the user's rows, may be 0
/// \param[in] context float[n, C], the user's
/// \throws std::runtime_error naming flow and target if the sample of a row depends on other rows, or on chance
RowCheck CheckRows(const FlowContract &contract, const std::string &path, const RowEvaluation &evaluate, std::size_t n,
                   const float *context);

} // namespace FlashSim

#endif
