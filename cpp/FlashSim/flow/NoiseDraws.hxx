// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_NOISEDRAWS
#define FLASHSIM_NOISEDRAWS

#include "FlashSim/events/EventIdentity.hxx"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace FlashSim {

/// \file
/// Random numbers of one object, for tests and for other samplers: the same for the same arguments, on any machine.

/// \brief The standard normal draws of one object, as Flow::Sample uses them: count floats.
/// \param[in] seed the user's seed, \param[in] flowKey as Flow::GetNoiseKey() gives it
/// \throws std::logic_error if copy or source of the row is 4096 or more
std::vector<float> GaussianNoise(std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row);

/// Draws from the uniform distribution on (0, 1) of one object: count numbers. Those of GaussianNoise() are their
/// quantiles.
std::vector<double> UniformNoise(std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row);

} // namespace FlashSim

#endif
