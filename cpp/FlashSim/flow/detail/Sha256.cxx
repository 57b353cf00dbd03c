// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/detail/Sha256.hxx"

#include <algorithm>
#include <cstring>

namespace FlashSim {
namespace {

constexpr std::array<std::uint32_t, 64> kRoundConstants{
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

std::uint32_t Rotate(std::uint32_t value, int bits)
{
   return value >> bits | value << (32 - bits);
}

std::uint32_t ReadBigEndian(const unsigned char *bytes)
{
   return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

} // namespace

void Sha256::Add(std::string_view bytes)
{
   fSize += bytes.size();
   if (fNPending > 0) {
      const auto size = std::min(bytes.size(), fPending.size() - fNPending);
      std::memcpy(fPending.data() + fNPending, bytes.data(), size);
      fNPending += size;
      bytes.remove_prefix(size);
      if (fNPending < fPending.size())
         return;
      AddBlock(fPending.data());
      fNPending = 0;
   }
   for (; bytes.size() >= fPending.size(); bytes.remove_prefix(fPending.size()))
      AddBlock(reinterpret_cast<const unsigned char *>(bytes.data()));
   std::copy(bytes.begin(), bytes.end(), fPending.begin());
   fNPending = bytes.size();
}

std::string Sha256::Finish()
{
   const auto bits = fSize * 8;
   std::string padding(1, '\x80');
   while ((fNPending + padding.size()) % fPending.size() != fPending.size() - sizeof(bits))
      padding.push_back('\0');
   for (int shift = 56; shift >= 0; shift -= 8)
      padding.push_back(static_cast<char>(bits >> shift & 0xFF));
   Add(padding);
   std::string digits;
   for (const auto word : fState) {
      for (int shift = 28; shift >= 0; shift -= 4)
         digits.push_back("0123456789abcdef"[word >> shift & 0xF]);
   }
   return digits;
}

void Sha256::AddBlock(const unsigned char *block)
{
   std::array<std::uint32_t, 64> words;
   for (std::size_t i = 0; i < 16; ++i)
      words[i] = ReadBigEndian(block + 4 * i);
   for (std::size_t i = 16; i < 64; ++i) {
      const auto early = Rotate(words[i - 15], 7) ^ Rotate(words[i - 15], 18) ^ words[i - 15] >> 3;
      const auto late = Rotate(words[i - 2], 17) ^ Rotate(words[i - 2], 19) ^ words[i - 2] >> 10;
      words[i] = words[i - 16] + early + words[i - 7] + late;
   }
   auto [a, b, c, d, e, f, g, h] = fState;
   for (std::size_t i = 0; i < 64; ++i) {
      const auto choice = (e & f) ^ (~e & g);
      const auto majority = (a & b) ^ (a & c) ^ (b & c);
      const auto first = h + (Rotate(e, 6) ^ Rotate(e, 11) ^ Rotate(e, 25)) + choice + kRoundConstants[i] + words[i];
      const auto second = (Rotate(a, 2) ^ Rotate(a, 13) ^ Rotate(a, 22)) + majority;
      h = g;
      g = f;
      f = e;
      e = d + first;
      d = c;
      c = b;
      b = a;
      a = first + second;
   }
   const std::array<std::uint32_t, 8> mixed{a, b, c, d, e, f, g, h};
   for (std::size_t i = 0; i < mixed.size(); ++i)
      fState[i] += mixed[i];
}

} // namespace FlashSim
