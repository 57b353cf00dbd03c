// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/ValueLimits.hxx"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <utility>

namespace FlashSim {
namespace {

constexpr double kPi = 3.14159265358979323846;

/// Part of a range's width beyond its ends that is taken for rounding.
constexpr double kRoundingOfRange = 1e-6;

/// The float next to `value`, at most as far from 0 as the largest.
float ToFloat(double value)
{
   constexpr double kLargest = std::numeric_limits<float>::max();
   return static_cast<float>(std::clamp(value, -kLargest, kLargest));
}

/// Smallest and largest value of a type that floats can hold.
std::pair<double, double> GetTypeLimits(EValueType type)
{
   return WithValueType(type, [](auto zero) -> std::pair<double, double> {
      using Limits = std::numeric_limits<decltype(zero)>;
      if constexpr (!Limits::is_integer) {
         constexpr double kLargest = std::numeric_limits<float>::max();
         return {-kLargest, kLargest};
      }
      const double power = std::ldexp(1., Limits::digits);
      // The largest integers of many digits would round up as floats.
      const bool isExact = Limits::digits <= std::numeric_limits<float>::digits;
      return {Limits::is_signed ? -power : 0., isExact ? power - 1 : std::nextafter(static_cast<float>(power), 0.f)};
   });
}

} // namespace

ValueLimits::ValueLimits(const FlowVariable &variable) : fIsInteger(IsIntegral(variable.fType))
{
   const auto [typeFrom, typeTo] = GetTypeLimits(variable.fType);
   const double from = std::max(variable.fMin, typeFrom);
   const double to = std::min(variable.fMax, typeTo);
   if (fIsInteger) {
      fLowest = fAcceptedFrom = ToFloat(std::ceil(from));
      fLargest = fAcceptedTo = ToFloat(std::floor(to));
      return;
   }
   constexpr double kFloatRounding = 4 * static_cast<double>(std::numeric_limits<float>::epsilon());
   const double ofRange = kRoundingOfRange * (to - from);
   fLowest = ToFloat(from);
   fLargest = ToFloat(to);
   fAcceptedFrom = ToFloat(from - std::max(ofRange, kFloatRounding * std::abs(from)));
   fAcceptedTo = ToFloat(to + std::max(ofRange, kFloatRounding * std::abs(to)));
}

float ValueLimits::Clip(float value) const noexcept
{
   if (fIsInteger)
      value = std::nearbyint(value);
   return value < fLowest ? fLowest : value > fLargest ? fLargest : value;
}

std::string DescribeRange(const FlowVariable &variable)
{
   if (IsIntegral(variable.fType)) {
      return "integers from " + FormatNumber(variable.fMin) + " to " + FormatNumber(variable.fMax) + " (" +
             GetName(variable.fType) + ")";
   }
   return FormatNumber(variable.fMin) + " ... " + FormatNumber(variable.fMax) +
          (variable.fUnit.empty() ? "" : " " + variable.fUnit);
}

std::string GuessCause(const FlowVariable &variable, double value)
{
   constexpr double kMeVPerGeV = 1000;
   if (variable.fUnit == "GeV" && value > variable.fMax && value / kMeVPerGeV <= variable.fMax)
      return " Is it in MeV?";
   const bool isAngle =
       variable.fUnit == "rad" && std::abs(variable.fMin + kPi) < 1e-3 && std::abs(variable.fMax - kPi) < 1e-3;
   if (isAngle && value > 0 && value < 2 * kPi + 1e-3)
      return " Does it run from 0 to 2 pi?";
   if (isAngle && std::abs(value) <= 360)
      return " Is it in degrees?";
   if (IsIntegral(variable.fType) && !ValueLimits::IsInteger(static_cast<float>(value)))
      return " It is no integer.";
   return "";
}

std::string FormatNumber(double value)
{
   char text[32];
   std::snprintf(text, sizeof text, "%.9g", value);
   return text;
}

} // namespace FlashSim
