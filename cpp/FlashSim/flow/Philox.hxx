// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_PHILOX
#define FLASHSIM_PHILOX

#include <array>
#include <cstdint>

namespace FlashSim {

/// \brief Philox4x64-10, a counter-based random number generator.
///
/// A pure function from a 256-bit counter and a 128-bit key to 256 random bits. There is no state: any thread may draw
/// the numbers of any event in any order, and gets the same ones.
///
/// Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11,
/// doi:10.1145/2063384.2063405. The words equal those of `numpy.random.Philox`, which counts up before it draws: its
/// first block is the one of `counter + 1`.
///
/// ~~~{.cpp}
/// const std::array<std::uint64_t, 4> words = FlashSim::Philox4x64({1, 0, 0, 0}, {42, 7});
/// ~~~
inline std::array<std::uint64_t, 4> Philox4x64(std::array<std::uint64_t, 4> counter, std::array<std::uint64_t, 2> key)
{
   constexpr std::uint64_t kMultiplier0 = 0xD2E7470EE14C6C93;
   constexpr std::uint64_t kMultiplier1 = 0xCA5A826395121157;
   constexpr std::uint64_t kWeyl0 = 0x9E3779B97F4A7C15; // golden ratio
   constexpr std::uint64_t kWeyl1 = 0xBB67AE8584CAA73B; // sqrt(3) - 1
   constexpr int kRounds = 10;

   __extension__ using Product = unsigned __int128;
   for (int round = 0; round < kRounds; ++round) {
      const Product product0 = static_cast<Product>(kMultiplier0) * counter[0];
      const Product product1 = static_cast<Product>(kMultiplier1) * counter[2];
      counter = {static_cast<std::uint64_t>(product1 >> 64) ^ counter[1] ^ key[0], static_cast<std::uint64_t>(product1),
                 static_cast<std::uint64_t>(product0 >> 64) ^ counter[3] ^ key[1],
                 static_cast<std::uint64_t>(product0)};
      key[0] += kWeyl0;
      key[1] += kWeyl1;
   }
   return counter;
}

} // namespace FlashSim

#endif
