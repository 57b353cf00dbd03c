// Part of FlashSim for RDataFrame.
#include "FlashSim/ProbabilityModel.hxx"

#include "FlashSim/flow/ValueLimits.hxx"
#include "FlashSim/flow/detail/Model.hxx"
#include "FlashSim/interrupts/Interruption.hxx"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace FlashSim {
namespace {

/// Rounding of a sum of probabilities in single precision, with a margin.
constexpr double kRoundingOfSum = 1e-4;

} // namespace

ProbabilityModel::ProbabilityModel(const std::string &path) : OpenedModel(path)
{
   if (GetContract().fKind == EModelKind::kFlow) {
      throw std::runtime_error("FlashSim: " + GetModel().Describe() +
                               " samples targets and gives no probabilities. Open it as FlashSim::Flow (in Python "
                               "flashsim.Flow).");
   }
}

std::size_t ProbabilityModel::GetWidth() const
{
   return GetModel().GetOutputWidth();
}

void ProbabilityModel::Evaluate(std::size_t n, const float *context, float *probabilities) const
{
   const InterruptionGuard interruption;
   if (n > 0)
      CheckRows(std::min(n, kMicroBatch), context);
   const auto contextWidth = GetContract().fContext.size();
   for (std::size_t first = 0; first < n; first += kMicroBatch) {
      ThrowIfInterrupted();
      const auto size = std::min(kMicroBatch, n - first);
      const float *batchContext = context + first * contextWidth;
      float *batch = probabilities + first * GetWidth();
      GetModel().Run(size, nullptr, batchContext, 0, batch);
      Check(size, first, batchContext, batch);
   }
}

void ProbabilityModel::Check(std::size_t n, std::size_t first, const float *context, const float *probabilities) const
{
   const auto &contract = GetContract();
   for (std::size_t row = 0; row < n; ++row) {
      const float *begin = probabilities + row * GetWidth();
      const float *end = begin + GetWidth();
      const float *wrong = std::find_if_not(begin, end, [](float p) { return p >= 0 && p <= 1; }); // NaN is not
      double sum = 0;
      for (const float *p = begin; p < end; ++p)
         sum += static_cast<double>(*p);
      const bool addsUp = contract.fKind == EModelKind::kEfficiency || std::abs(sum - 1) <= kRoundingOfSum;
      if (wrong == end && addsUp)
         continue;
      std::string what = "FlashSim: " + GetModel().Describe() + " gave ";
      if (wrong != end)
         what += FormatNumber(static_cast<double>(*wrong)) + " as a probability, which must be from 0 to 1, ";
      else
         what += "probabilities that add up to " + FormatNumber(sum) + " instead of 1 ";
      what += "for row " + std::to_string(first + row) + " of the context (";
      for (std::size_t i = 0; i < contract.fContext.size(); ++i) {
         what += (i == 0 ? "" : ", ") + contract.fContext[i].fName + " = " +
                 FormatNumber(static_cast<double>(context[row * contract.fContext.size() + i]));
      }
      throw std::runtime_error(what + "). Its context may be NaN or lie far outside of the training sample, "
                                      "or the graph lacks a sigmoid or softmax at its end.");
   }
}

} // namespace FlashSim
