// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_STATISTICS
#define FLASHSIM_STATISTICS

#include <RtypesCore.h>
#include <TH1.h>

#include <array>
#include <cstddef>

namespace FlashSim {

/// Sums over fills in the order of TH1::GetStats(), weighted with w / N.
using Statistics_t = std::array<Double_t, TH1::kNstat>;

/// Places in Statistics_t.
namespace Statistics {
constexpr std::size_t kTotal = 0;         ///< sum of weights
constexpr std::size_t kTotalVariance = 1; ///< its variance
constexpr std::size_t kMoments = 2;       ///< first of the sums of x, x^2; y, y^2, xy; z, z^2, xz, yz
} // namespace Statistics

} // namespace FlashSim

#endif
