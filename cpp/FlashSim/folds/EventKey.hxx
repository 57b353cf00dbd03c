// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_EVENTKEY
#define FLASHSIM_EVENTKEY

#include <RtypesCore.h>

#include <array>
#include <cstddef>

namespace FlashSim {

/// \brief Identity of a GEN event: the numbers in its columns, one (`genEvent`) or several (run, luminosityBlock,
/// event).
///
/// Integers of any type fit, signed ones as their two's complement. Numbers that are not used are 0.
struct EventKey {
   static constexpr unsigned int kMaxNumbers = 4;

   std::array<ULong64_t, kMaxNumbers> fNumbers{};

   friend bool operator==(const EventKey &a, const EventKey &b)
   {
      ULong64_t difference = 0;
      for (unsigned int i = 0; i < kMaxNumbers; ++i)
         difference |= a.fNumbers[i] ^ b.fNumbers[i];
      return difference == 0;
   }
   friend bool operator!=(const EventKey &a, const EventKey &b) { return !(a == b); }
   friend bool operator<(const EventKey &a, const EventKey &b) { return a.fNumbers < b.fNumbers; }

   /// Spreads events evenly over all 64 bits, for any pattern of their numbers.
   struct Hash {
      std::size_t operator()(const EventKey &key) const
      {
         ULong64_t hash = 0;
         for (const auto number : key.fNumbers)
            hash = Mix(hash ^ number);
         return hash;
      }

   private:
      /// The finaliser of MurmurHash3 (A. Appleby, public domain): a bijection that any input bit changes throughout.
      static ULong64_t Mix(ULong64_t bits)
      {
         bits = (bits + 0x9E3779B97F4A7C15ULL);
         bits = (bits ^ (bits >> 33)) * 0xFF51AFD7ED558CCDULL;
         bits = (bits ^ (bits >> 33)) * 0xC4CEB9FE1A85EC53ULL;
         return bits ^ (bits >> 33);
      }
   };
};

} // namespace FlashSim

#endif
