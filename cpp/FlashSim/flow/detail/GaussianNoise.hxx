// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_GAUSSIANNOISE
#define FLASHSIM_GAUSSIANNOISE

#include "FlashSim/events/EventIdentity.hxx"

#include <cstddef>
#include <cstdint>

namespace FlashSim {

/// \brief The quantile of the standard normal distribution at `p`, 0 < p < 1.
///
/// Wichura's algorithm AS 241 (PPND16, Applied Statistics 37 (1988) 477), good to about 1e-16. It uses only additions,
/// multiplications, divisions, square roots and a logarithm of our own, each with one correct result in IEEE 754: the
/// noise of an event is the same on every machine, which libm's functions do not guarantee.
double NormalQuantile(double p);

/// \brief Fills `noise[0..count)` with the standard normal draws of one simulated object.
///
/// \param[in] seed the user's seed
/// \param[in] flowKey distinguishes flows that run on the same event (Flow::GetNoiseKey())
/// \param[in] row key of the object's noise
/// \param[in] attempt number of earlier draws of this object, none of which gave a usable sample
///
/// Each draw is NormalQuantile() of the draw of FillUniformNoise() with the same arguments.
void FillGaussianNoise(float *noise, std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row,
                       std::uint32_t attempt);

/// \brief Fills `draws[0..count)` with numbers from the uniform distribution on (0, 1); neither end is ever drawn.
///
/// The parameters are those of FillGaussianNoise(). Four draws are one call of Philox4x64(), whose key and counter are
///
/// | word | bits | holds |
/// | --- | --- | --- |
/// | key 0 | 0-63 | seed and flowKey, mixed |
/// | key 1 | 0-63 | event |
/// | counter 0 | 0-63 | number of the draw / 4 |
/// | counter 1 | 0-31, 32-63 | object, fold index |
/// | counter 2 | 0-31, 32-63 | luminosity block, run |
/// | counter 3 | 0 | whether the event is an entry number |
/// | counter 3 | 1-31 | attempt |
/// | counter 3 | 32-39, 40-51, 52-63 | purpose, copy, source |
///
/// \throws std::logic_error if attempt, copy or source does not fit into its bits
void FillUniformNoise(double *draws, std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row,
                      std::uint32_t attempt);

} // namespace FlashSim

#endif
