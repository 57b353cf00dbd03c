// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/NoiseDraws.hxx"

#include "FlashSim/flow/detail/GaussianNoise.hxx"

namespace FlashSim {

std::vector<float> GaussianNoise(std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row)
{
   std::vector<float> noise(count);
   FillGaussianNoise(noise.data(), count, seed, flowKey, row, 0);
   return noise;
}

std::vector<double> UniformNoise(std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row)
{
   std::vector<double> draws(count);
   FillUniformNoise(draws.data(), count, seed, flowKey, row, 0);
   return draws;
}

} // namespace FlashSim
