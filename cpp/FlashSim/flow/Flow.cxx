// Part of FlashSim for RDataFrame.
#include "FlashSim/Flow.hxx"

#include "FlashSim/flow/detail/GaussianNoise.hxx"
#include "FlashSim/flow/detail/Model.hxx"

#include "FlashSim/interrupts/Interruption.hxx"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace FlashSim {
namespace {

/// Number of redraws of an object before the flow counts as broken.
constexpr std::uint32_t kMaxRedraws = 10;

/// As for the metadata field default_steps.
constexpr int kMostSteps = 1000000;

bool IsFinite(const float *values, std::size_t count)
{
   return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

} // namespace

Flow::Flow(const std::string &path) : OpenedModel(path)
{
   if (GetContract().fKind != EModelKind::kFlow) {
      throw std::runtime_error("FlashSim: " + GetModel().Describe() +
                               " gives probabilities and no samples; a flow is needed here. Open it as "
                               "FlashSim::ProbabilityModel (in Python flashsim.ProbabilityModel).");
   }
}

int Flow::GetSteps(int steps) const
{
   const auto fail = [&](const std::string &problem) {
      throw std::runtime_error("FlashSim: steps = " + std::to_string(steps) + " for flow '" + GetPath() +
                               "': " + problem + ".");
   };
   if (steps < 0)
      fail("at least 1 is needed (0: the flow's default)");
   if (steps > kMostSteps)
      fail(std::to_string(kMostSteps) + " is the most");
   if (!GetModel().TakesSteps() && steps > 0)
      throw std::runtime_error("FlashSim: flow '" + GetPath() + "' samples in one shot; do not give steps.");
   return steps > 0 ? steps : GetContract().fDefaultSteps.value_or(0);
}

void Flow::RunBatch(std::size_t n, const float *context, const NoiseRow *rows, std::uint64_t seed, int steps,
                    std::uint32_t attempt, std::vector<float> &noise, float *sample) const
{
   const auto width = GetContract().fNoiseDimension;
   const auto key = GetNoiseKey();
   noise.resize(n * width);
   for (std::size_t i = 0; i < n; ++i)
      FillGaussianNoise(noise.data() + i * width, width, seed, key, rows[i], attempt);
   GetModel().Run(n, noise.data(), context, steps, sample);
}

void Flow::Redraw(std::size_t n, const float *context, const NoiseRow *rows, std::uint64_t seed, int steps,
                  float *sample) const
{
   const auto contextWidth = GetContract().fContext.size();
   const auto sampleWidth = GetContract().fTarget.size();
   std::vector<float> noise;
   for (std::size_t i = 0; i < n; ++i) {
      float *row = sample + i * sampleWidth;
      for (std::uint32_t attempt = 1; !IsFinite(row, sampleWidth); ++attempt) {
         if (attempt > kMaxRedraws) {
            throw std::runtime_error("FlashSim: flow '" + GetPath() + "' gave NaN or infinity " +
                                     std::to_string(attempt) + " times for object " + std::to_string(rows[i].fObject) +
                                     " of " + rows[i].fEvent.AsString() + ", fold index " +
                                     std::to_string(rows[i].fFoldIndex) +
                                     "; its context may lie far outside of the training sample.");
         }
         ++fNRedrawn;
         RunBatch(1, context + i * contextWidth, rows + i, seed, steps, attempt, noise, row);
      }
   }
}

void Flow::Sample(std::size_t n, const float *context, const NoiseRow *rows, std::uint64_t seed, int steps,
                  float *sample) const
{
   const InterruptionGuard interruption;
   steps = GetSteps(steps);
   if (n > 0)
      CheckRows(std::min(n, kMicroBatch), context);
   std::vector<float> noise;
   for (std::size_t first = 0; first < n; first += kMicroBatch) {
      ThrowIfInterrupted();
      const auto size = std::min(kMicroBatch, n - first);
      const float *batchContext = context + first * GetContract().fContext.size();
      float *batchSample = sample + first * GetContract().fTarget.size();
      RunBatch(size, batchContext, rows + first, seed, steps, 0, noise, batchSample);
      if (!IsFinite(batchSample, size * GetContract().fTarget.size()))
         Redraw(size, batchContext, rows + first, seed, steps, batchSample);
   }
}

void Flow::SampleFolds(std::size_t n, const float *context, const NoiseRow *rows, int foldSize, std::uint64_t seed,
                       int steps, float *sample) const
{
   if (foldSize < 1)
      throw std::runtime_error("FlashSim: the fold size is " + std::to_string(foldSize) + ": at least 1 is needed.");
   const InterruptionGuard interruption;
   const auto width = GetContract().fContext.size();
   const auto size = static_cast<std::size_t>(foldSize);
   std::vector<NoiseRow> batchRows;
   std::vector<float> batchContext;
   for (std::size_t first = 0, step = std::max<std::size_t>(1, 4 * kMicroBatch / size); first < n; first += step) {
      const auto last = std::min(n, first + step);
      batchRows.clear();
      batchContext.clear();
      for (std::size_t i = first; i < last; ++i) {
         const float *row = context + i * width;
         if (!IsFinite(row, width))
            throw std::runtime_error("FlashSim: row " + std::to_string(i) + " of the context holds NaN or infinity.");
         NoiseRow noiseRow = rows[i];
         for (noiseRow.fFoldIndex = 0; noiseRow.fFoldIndex < size; ++noiseRow.fFoldIndex) {
            batchRows.push_back(noiseRow);
            batchContext.insert(batchContext.end(), row, row + width);
         }
      }
      Sample(batchRows.size(), batchContext.data(), batchRows.data(), seed, steps,
             sample + first * size * GetContract().fTarget.size());
   }
}

} // namespace FlashSim
