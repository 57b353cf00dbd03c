// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/DeclaredRanges.hxx"

#include <TError.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <stdexcept>

namespace FlashSim {
namespace {

constexpr double kPi = 3.14159265358979323846;

/// Part of a range's width beyond its ends that is taken for rounding.
constexpr double kRoundingOfRange = 1e-6;

/// How far beside an integer a flow may leave what is to become one.
constexpr float kRoundingOfInteger = 1e-3f;

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

/// As ::Warning. That one becomes a warning of Python's where there is one, which many scripts ignore, and which must
/// not be made when Python is at its end.
void Warn(const std::string &message)
{
   ::DefaultErrorHandler(kWarning, false, "FlashSim", message.c_str());
}

std::string Write(double value)
{
   char text[32];
   std::snprintf(text, sizeof text, "%.9g", value);
   return text;
}

/// "0 ... 7000 GeV", "integers from -21 to 21 (int16)"
std::string Describe(const FlowVariable &variable)
{
   if (IsIntegral(variable.fType)) {
      return "integers from " + Write(variable.fMin) + " to " + Write(variable.fMax) + " (" + GetName(variable.fType) +
             ")";
   }
   return Write(variable.fMin) + " ... " + Write(variable.fMax) + (variable.fUnit.empty() ? "" : " " + variable.fUnit);
}

/// A likely cause of a value outside of the range, where there is one.
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

DeclaredRanges::DeclaredRanges(std::shared_ptr<const Flow> flow, EOutOfRange outOfRange,
                               std::vector<std::string> contextColumns, EAnnounce announce)
   : fFlow(std::move(flow)), fOutOfRange(outOfRange), fAnnounce(announce), fContextColumns(std::move(contextColumns))
{
   for (const auto &variable : fFlow->GetContract().fContext)
      fContext.emplace_back(variable);
   for (const auto &variable : fFlow->GetContract().fTarget)
      fTarget.emplace_back(variable);
}

DeclaredRanges::~DeclaredRanges()
{
   Report();
}

float DeclaredRanges::ReplaceContext(std::size_t variable, float value, const std::string &where,
                                     const std::string &object) const
{
   const auto &contract = fFlow->GetContract();
   const auto &declared = contract.fContext[variable];
   std::string what = "in " + where + ", context variable '" + declared.fName + "'";
   if (!object.empty())
      what += " of " + object;
   if (variable < fContextColumns.size())
      what += " (column '" + fContextColumns[variable] + "')";
   what += " is " + Write(value);
   if (!std::isfinite(value)) {
      throw std::runtime_error("FlashSim: " + what + "; flow '" + contract.fName +
                               "' needs finite numbers. Filter such events upstream, or redefine the column.");
   }
   what += "; flow '" + contract.fName + "' takes " + Describe(declared) + "." + GuessCause(declared, value);
   if (fOutOfRange == EOutOfRange::kError) {
      throw std::runtime_error("FlashSim: " + what +
                               " Redefine the column, filter such events upstream, or have such values clipped and "
                               "counted: out_of_range=\"clip\" (in C++ EOutOfRange::kClip).");
   }
   Count("context ", declared, what);
   return fContext[variable].Clip(value);
}

float DeclaredRanges::ReplaceTarget(std::size_t target, float value, const NoiseRow &row) const
{
   const auto &limits = fTarget[target];
   if (limits.fIsInteger) {
      const float nearest = std::nearbyint(value);
      if (std::abs(value - nearest) <= kRoundingOfInteger && limits.Contain(nearest))
         return nearest;
   }
   const auto &contract = fFlow->GetContract();
   const auto &declared = contract.fTarget[target];
   const std::string what = "flow '" + contract.fName + "' (" + fFlow->GetPath() + ") gave " + Write(value) +
                            " for target '" + declared.fName + "' of object " + std::to_string(row.fObject) + " of " +
                            row.fEvent.AsString() + ", fold index " + std::to_string(row.fFoldIndex) +
                            ", but declares " + Describe(declared) + ".";
   if (fOutOfRange == EOutOfRange::kError) {
      throw std::runtime_error("FlashSim: " + what +
                               " The flow must clip (and round) its sample or declare another range. Until it does, "
                               "have such values clipped and counted: out_of_range=\"clip\" (in C++ "
                               "EOutOfRange::kClip).");
   }
   Count("target ", declared, what);
   return limits.Clip(value);
}

void DeclaredRanges::CheckSample(const std::vector<NoiseRow> &rows, float *sample) const
{
   const auto width = fTarget.size();
   for (std::size_t row = 0; row < rows.size(); ++row) {
      for (std::size_t target = 0; target < width; ++target) {
         float &value = sample[row * width + target];
         if (!fTarget[target].Contain(value))
            value = ReplaceTarget(target, value, rows[row]);
      }
   }
}

void DeclaredRanges::Count(const char *kind, const FlowVariable &variable, const std::string &what) const
{
   const auto key = kind + variable.fName;
   fFlow->GetClipCounts().Add(key);
   if (fCounts.Add(key) == 1 && fAnnounce == EAnnounce::kAtOnce)
      Warn(what + " It is clipped, and so will be other values of this variable.");
}

void DeclaredRanges::Report() const noexcept
{
   try {
      std::string list;
      for (const auto &[variable, count] : fCounts.Take())
         list += (list.empty() ? "" : ", ") + variable + " " + std::to_string(count);
      if (!list.empty()) {
         Warn("flow '" + fFlow->GetContract().fName + "': values outside of what it declares were clipped: " + list +
              ".");
      }
   } catch (const std::exception &error) {
      std::fprintf(stderr, "FlashSim: clipped values could not be reported: %s\n", error.what());
   }
}

namespace {

/// Keys of the noise of rows, from the four numbers that each row has, or from its place.
std::vector<NoiseRow> MakeNoiseRows(std::size_t n, const std::uint64_t *eventKeys, std::size_t nKeys)
{
   struct Key {
      std::uint64_t fRun, fLuminosityBlock, fEvent, fObject;
   };
   constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
   std::vector<NoiseRow> rows(n);
   for (std::size_t i = 0; i < n; ++i) {
      if (nKeys == 0) {
         rows[i].fEvent = {i, 0, 0, true};
         continue;
      }
      const auto *numbers = eventKeys + 4 * i;
      const Key key{numbers[0], numbers[1], numbers[2], numbers[3]};
      if (key.fRun > kLargest || key.fLuminosityBlock > kLargest || key.fObject > kLargest)
         throw std::runtime_error("FlashSim: row " + std::to_string(i) +
                                  " of the event keys: run, luminosity block and object must fit 32 bits.");
      rows[i].fEvent = {key.fEvent, static_cast<std::uint32_t>(key.fRun),
                        static_cast<std::uint32_t>(key.fLuminosityBlock), false};
      rows[i].fObject = static_cast<std::uint32_t>(key.fObject);
   }
   return rows;
}

} // namespace

void SampleFolds(const std::shared_ptr<const Flow> &flow, std::size_t n, const float *context,
                 const std::uint64_t *eventKeys, std::size_t nKeys, int foldSize, std::uint64_t seed, int steps,
                 float *sample, EOutOfRange outOfRange)
{
   const DeclaredRanges ranges(flow, outOfRange);
   const auto width = flow->GetContract().fContext.size();
   std::vector<float> checked(context, context + n * width);
   for (std::size_t i = 0; i < checked.size(); ++i) {
      if (!ranges.GetContextLimits(i % width).Contain(checked[i]))
         checked[i] = ranges.ReplaceContext(i % width, checked[i], "row " + std::to_string(i / width), "");
   }
   const auto rows = MakeNoiseRows(n, eventKeys, nKeys);
   flow->SampleFolds(n, checked.data(), rows.data(), foldSize, seed, steps, sample);
   std::vector<NoiseRow> fold;
   for (std::size_t i = 0; i < n; ++i) {
      fold.assign(static_cast<std::size_t>(foldSize), rows[i]);
      for (std::size_t index = 0; index < fold.size(); ++index)
         fold[index].fFoldIndex = static_cast<std::uint32_t>(index);
      ranges.CheckSample(fold, sample + i * fold.size() * flow->GetContract().fTarget.size());
   }
}

} // namespace FlashSim
