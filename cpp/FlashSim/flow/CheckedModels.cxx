// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/CheckedModels.hxx"

#include "FlashSim/flow/DeclaredRanges.hxx"

#include <limits>
#include <stdexcept>
#include <vector>

namespace FlashSim {
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
   const auto checked = ranges.CheckContext(n, context);
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

void EvaluateChecked(const std::shared_ptr<const ProbabilityModel> &model, std::size_t n, const float *context,
                     float *probabilities, EOutOfRange outOfRange)
{
   const ContextRanges ranges(model, outOfRange);
   model->Evaluate(n, ranges.CheckContext(n, context).data(), probabilities);
}

} // namespace FlashSim
