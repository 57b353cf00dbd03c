// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/DeclaredRanges.hxx"

#include <cmath>
#include <stdexcept>
#include <utility>

namespace FlashSim {
namespace {

/// Largest distance from an integer at which a sample is rounded to it.
constexpr float kRoundingOfInteger = 1e-3f;

} // namespace

DeclaredRanges::DeclaredRanges(std::shared_ptr<const Flow> flow, EOutOfRange outOfRange,
                               std::vector<std::string> contextColumns, EAnnounce announce)
   : ContextRanges(flow, outOfRange, std::move(contextColumns), announce), fFlow(std::move(flow))
{
   for (const auto &variable : GetContract().fTarget)
      fTarget.emplace_back(variable);
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
   const std::string what = "flow '" + contract.fName + "' (" + fFlow->GetPath() + ") gave " + FormatNumber(value) +
                            " for target '" + declared.fName + "' of object " + std::to_string(row.fObject) + " of " +
                            row.fEvent.AsString() + ", fold index " + std::to_string(row.fFoldIndex) +
                            ", but declares " + DescribeRange(declared) + ".";
   if (GetOutOfRange() == EOutOfRange::kError) {
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

} // namespace FlashSim
