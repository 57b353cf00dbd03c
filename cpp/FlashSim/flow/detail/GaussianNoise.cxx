// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/detail/GaussianNoise.hxx"

#include "FlashSim/flow/Philox.hxx"

#include <array>
#include <cmath>
#include <stdexcept>

namespace FlashSim {
namespace {

/// Natural logarithm of a positive, normal number, from the series of artanh; relative error below 1e-15.
double PortableLog(double x)
{
   constexpr double kLn2 = 0.693147180559945309417;
   constexpr double kSqrtHalf = 0.707106781186547524401;
   int exponent = 0;
   double mantissa = std::frexp(x, &exponent);
   if (mantissa < kSqrtHalf) {
      mantissa *= 2;
      --exponent;
   }
   const double s = (mantissa - 1) / (mantissa + 1);
   const double s2 = s * s;
   double series = 0;
   for (int k = 23; k >= 1; k -= 2)
      series = series * s2 + 1. / k;
   return exponent * kLn2 + 2 * s * series;
}

template <std::size_t Size>
double Polynomial(const double (&coefficients)[Size], double x)
{
   double value = coefficients[Size - 1];
   for (std::size_t i = Size - 1; i-- > 0;)
      value = value * x + coefficients[i];
   return value;
}

// clang-format off
constexpr double kCentreNumerator[] = {
   3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
   4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
constexpr double kCentreDenominator[] = {
   1., 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
   2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3};
constexpr double kTailNumerator[] = {
   1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
   1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr double kTailDenominator[] = {
   1., 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
   1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9};
constexpr double kFarTailNumerator[] = {
   6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
   2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr double kFarTailDenominator[] = {
   1., 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
   7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15};
// clang-format on

/// Mixes the bits of a key: neighbouring seeds and flows get unrelated keys (the finaliser of SplitMix64: Steele, Lea,
/// Flood, OOPSLA 2014, doi:10.1145/2660193.2660195). Invertible, hence free of collisions.
std::uint64_t Mix(std::uint64_t x)
{
   x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
   x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
   return x ^ (x >> 31);
}

/// First bits of the parts of the counter's last word; see FillUniformNoise().
constexpr int kAttemptBit = 1;
constexpr int kPurposeBit = 32;
constexpr int kCopyBit = 40;
constexpr int kSourceBit = 52;
static_assert(kMaxNoiseCopies == 1u << (kSourceBit - kCopyBit) && kMaxNoiseSources == 1u << (64 - kSourceBit));

/// The random words of one object, four at a time.
class NoiseWords {
public:
   NoiseWords(std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row, std::uint32_t attempt)
      : fKey{Mix(seed + Mix(flowKey)), row.fEvent.fEvent},
        fCounter{0, static_cast<std::uint64_t>(row.fFoldIndex) << 32 | row.fObject,
                 static_cast<std::uint64_t>(row.fEvent.fRun) << 32 | row.fEvent.fLuminosityBlock,
                 (row.fEvent.fIsEntryNumber ? 1 : 0) | static_cast<std::uint64_t>(attempt) << kAttemptBit |
                     static_cast<std::uint64_t>(row.fPurpose) << kPurposeBit |
                     static_cast<std::uint64_t>(row.fCopy) << kCopyBit |
                     static_cast<std::uint64_t>(row.fSource) << kSourceBit}
   {
      if (attempt >= 1u << (kPurposeBit - kAttemptBit) || row.fCopy >= kMaxNoiseCopies ||
          row.fSource >= kMaxNoiseSources)
         throw std::logic_error("FlashSim: attempt, copy or source of an object is too large for the noise's key.");
   }

   /// \brief Calls `take` with the number of each draw and the draw, from the uniform distribution on (0, 1).
   template <typename Function>
   void Draw(std::size_t count, Function take)
   {
      constexpr double kUnit = 1.0 / 9007199254740992.0; // 2^-53
      for (std::size_t draw = 0; draw < count; draw += 4, ++fCounter[0]) {
         const auto words = Philox4x64(fCounter, fKey);
         for (std::size_t i = 0; i < 4 && draw + i < count; ++i) {
            // Half a unit away from 0 and from 1, where the quantile is infinite.
            take(draw + i, (static_cast<double>(words[i] >> 11) + 0.5) * kUnit);
         }
      }
   }

private:
   std::array<std::uint64_t, 2> fKey;
   std::array<std::uint64_t, 4> fCounter;
};

} // namespace

double NormalQuantile(double p)
{
   const double q = p - 0.5;
   if (std::fabs(q) <= 0.425) {
      const double r = 0.180625 - q * q;
      return q * Polynomial(kCentreNumerator, r) / Polynomial(kCentreDenominator, r);
   }
   const double tail = q < 0 ? p : 1 - p;
   const double r = std::sqrt(-PortableLog(tail));
   const double value = r <= 5 ? Polynomial(kTailNumerator, r - 1.6) / Polynomial(kTailDenominator, r - 1.6)
                               : Polynomial(kFarTailNumerator, r - 5) / Polynomial(kFarTailDenominator, r - 5);
   return q < 0 ? -value : value;
}

void FillGaussianNoise(float *noise, std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row,
                       std::uint32_t attempt)
{
   NoiseWords(seed, flowKey, row, attempt).Draw(count, [noise](std::size_t draw, double uniform) {
      noise[draw] = static_cast<float>(NormalQuantile(uniform));
   });
}

void FillUniformNoise(double *draws, std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row,
                      std::uint32_t attempt)
{
   NoiseWords(seed, flowKey, row, attempt).Draw(count, [draws](std::size_t draw, double uniform) {
      draws[draw] = uniform;
   });
}

} // namespace FlashSim
