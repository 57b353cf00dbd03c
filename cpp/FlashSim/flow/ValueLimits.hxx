// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_VALUELIMITS
#define FLASHSIM_VALUELIMITS

#include "FlashSim/FlowContract.hxx"

#include <cmath>
#include <string>

namespace FlashSim {

/// \brief The values that a variable of a model may have, as floats.
///
/// Ranges, except those of integers, are extended by a millionth of their width, for rounding: float's pi lies outside
/// of -3.14159265 ... 3.14159265, and computed masses are sometimes slightly below 0.
struct ValueLimits {
   explicit ValueLimits(const FlowVariable &variable);

   /// False for NaN and infinity, too.
   bool Contain(float value) const noexcept
   {
      return value >= fAcceptedFrom && value <= fAcceptedTo && (!fIsInteger || IsInteger(value));
   }
   static bool IsInteger(float value) noexcept
   {
      constexpr float kAllAreIntegers = 8388608.f; // 2^23
      return std::abs(value) >= kAllAreIntegers || value == static_cast<float>(static_cast<int>(value));
   }
   /// The nearest value that is allowed; `value` is finite.
   float Clip(float value) const noexcept;

   float fLowest, fLargest; ///< of the range and of the type
   float fAcceptedFrom, fAcceptedTo;
   bool fIsInteger;
};

/// "0 ... 7000 GeV", "integers from -21 to 21 (int16)"
std::string DescribeRange(const FlowVariable &variable);

/// A likely cause of a value outside of the range, as a sentence; empty if none is known.
std::string GuessCause(const FlowVariable &variable, double value);

/// A number with the digits of a float.
std::string FormatNumber(double value);

} // namespace FlashSim

#endif
