// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_GAUSSIANNOISE
#define FLASHSIM_GAUSSIANNOISE

#include "FlashSim/Flow.hxx"

#include <cstddef>
#include <cstdint>

namespace FlashSim {

/// \brief The standard normal number below which a fraction `p` of all lie, 0 < p < 1.
///
/// Wichura's algorithm AS 241 (PPND16, Applied Statistics 37 (1988) 477), good to about 1e-16. It uses only additions,
/// multiplications, divisions, square roots and a logarithm of our own, each with one correct result in IEEE 754: the
/// noise of an event is the same on every machine, which libm's functions would not promise.
double NormalQuantile(double p);

/// \brief Fills `noise[0..count)` with the standard normal draws of one simulated object.
///
/// \param[in] seed the user's seed
/// \param[in] flowKey distinguishes flows that run on the same event (Flow::GetNoiseKey())
/// \param[in] row whose noise it is
/// \param[in] attempt 0, or how often this object was drawn before and gave no usable sample
///
/// Philox key: (seed mixed with flowKey, event). Counter: (draw / 4, fold index and object, run and luminosity block,
/// attempt and kind of identity).
void FillGaussianNoise(float *noise, std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row,
                       std::uint32_t attempt);

} // namespace FlashSim

#endif
