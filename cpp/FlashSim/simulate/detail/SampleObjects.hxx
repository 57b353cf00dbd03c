// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_SAMPLEOBJECTS
#define FLASHSIM_SAMPLEOBJECTS

#include "FlashSim/simulate/ObjectTable.hxx"
#include "FlashSim/simulate/detail/ContextRows.hxx"

#include "FlashSim/flow/DeclaredRanges.hxx"

#include <cstdint>

namespace FlashSim {

/// \brief Simulates the objects of RECO events from the rows of their context; for look-ahead and inline mode alike.
///
/// May be called from several threads, each with objects of its own.
/// \param[in] ranges the flow that samples, and the treatment of samples that its contract does not allow
/// \param[in] seed as in Flow::Sample()
/// \param[in] steps as in Flow::Sample()
/// \param[out] objects replaced; its memory is used again
/// \throws std::runtime_error if a sample is not in the range of its target
void SampleObjects(const DeclaredRanges &ranges, const ContextRows &rows, std::uint64_t seed, int steps,
                   ObjectTable &objects);

} // namespace FlashSim

#endif
