// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_SHA256
#define FLASHSIM_SHA256

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace FlashSim {

/// \brief The SHA-256 hash of bytes that come in pieces (FIPS 180-4).
///
/// ~~~{.cpp}
/// Sha256 hash;
/// hash.Add("abc");
/// hash.Finish(); // "ba7816bf..."
/// ~~~
class Sha256 {
public:
   void Add(std::string_view bytes);

   /// The hash in 64 hexadecimal digits. Nothing may be added afterwards.
   std::string Finish();

private:
   void AddBlock(const unsigned char *block);

   std::array<std::uint32_t, 8> fState{0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                       0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
   std::array<unsigned char, 64> fPending{};
   std::size_t fNPending = 0;
   std::uint64_t fSize = 0;
};

} // namespace FlashSim

#endif
