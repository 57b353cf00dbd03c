// Part of FlashSim for RDataFrame.
#include "FlashSim/Flow.hxx"

#include "FlashSim/flow/detail/FlowFile.hxx"
#include "FlashSim/flow/detail/GaussianNoise.hxx"
#include "FlashSim/flow/detail/OnnxSession.hxx"
#include "FlashSim/flow/detail/RowCheck.hxx"

#include "FlashSim/interrupts/Interruption.hxx"

#include <TError.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>

namespace FlashSim {
namespace {

/// Rows per call of ONNX Runtime: enough to amortise the call, few enough for the activations to stay in the cache
/// (benchmarks/sampling.py scans it).
constexpr std::size_t kMicroBatch = 256;

/// How often an object is drawn again before the flow is called broken.
constexpr std::uint32_t kMaxRedraws = 10;

/// As for the metadata field default_steps.
constexpr int kMostSteps = 1000000;

/// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv).
std::uint64_t Hash(const std::string &text)
{
   std::uint64_t hash = 0xCBF29CE484222325;
   for (const unsigned char c : text)
      hash = (hash ^ c) * 0x100000001B3;
   return hash;
}

bool IsFinite(const float *values, std::size_t count)
{
   return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

void CheckTensor(const std::string &path, const TensorDescription &tensor, int type,
                 const std::vector<std::int64_t> &expected, const std::string &shapeText)
{
   const std::string what = "FlashSim: flow '" + path + "' breaks its contract: tensor '" + tensor.fName + "' ";
   if (tensor.fElementType != type) {
      throw std::runtime_error(what + "must hold " + GetElementTypeName(type) + ", but holds " +
                               GetElementTypeName(tensor.fElementType) + ".");
   }
   bool fits = tensor.fDimensions.size() == expected.size();
   for (std::size_t i = 0; fits && i < expected.size(); ++i)
      fits = tensor.fDimensions[i] < 0 || expected[i] < 0 || tensor.fDimensions[i] == expected[i];
   // A fixed number of rows would refuse the micro-batches.
   fits = fits && (expected.empty() || tensor.fDimensions[0] < 0);
   if (fits)
      return;
   std::string found;
   for (const auto dimension : tensor.fDimensions)
      found += (found.empty() ? "" : ", ") + (dimension < 0 ? std::string("n") : std::to_string(dimension));
   throw std::runtime_error(what + "has shape [" + found + "], but the metadata ask for " + shapeText + ".");
}

/// Whether the process meets this path for the first time.
bool IsNew(const std::string &path)
{
   static std::mutex mutex;
   static std::set<std::string> known;
   const std::lock_guard<std::mutex> lock(mutex);
   return known.insert(path).second;
}

} // namespace

std::vector<float> GaussianNoise(std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row)
{
   std::vector<float> noise(count);
   FillGaussianNoise(noise.data(), count, seed, flowKey, row, 0);
   return noise;
}

std::vector<double> UniformNoise(std::size_t count, std::uint64_t seed, std::uint64_t flowKey, const NoiseRow &row)
{
   std::vector<double> draws(count);
   FillUniformNoise(draws.data(), count, seed, flowKey, row, 0);
   return draws;
}

std::shared_ptr<const Flow> OpenFlow(const std::string &path)
{
   return std::make_shared<const Flow>(path);
}

Flow::Flow(const std::string &path) : fPath(FindFlow(path))
{
   auto file = FlowFile::Read(fPath);
   fContract = FlowContract::FromJson(file.GetMetadata("flashsim"), fPath);
   file.Verify(fContract.fChecksum);
   fSession = std::make_unique<OnnxSession>(file);
   fDataFiles = std::move(file.fDataFiles);
   fNoiseKey = Hash(fContract.fName);
   CheckTensors();
   fTakesSteps = fSession->GetInputs().size() == 3;
}

Flow::~Flow() = default;

void Flow::SetOnnxRuntimeLibrary(const std::string &path)
{
   FlashSim::SetOnnxRuntimeLibrary(path);
}

std::string Flow::GetOnnxRuntimeVersion()
{
   return FlashSim::GetOnnxRuntimeVersion();
}

void Flow::CheckTensors() const
{
   const auto fail = [this](const std::string &problem) {
      throw std::runtime_error("FlashSim: flow '" + fPath + "' breaks its contract: " + problem + ".");
   };
   const auto width = [](std::size_t n) { return static_cast<std::int64_t>(n); };
   const auto noiseWidth = fContract.fNoiseDimension;
   const auto contextWidth = fContract.fContext.size();
   const auto sampleWidth = fContract.fTarget.size();
   const auto find = [&](const std::vector<TensorDescription> &tensors, const std::string &name) -> const auto * {
      const auto found =
          std::find_if(tensors.begin(), tensors.end(), [&name](const auto &tensor) { return tensor.fName == name; });
      return found == tensors.end() ? nullptr : &*found;
   };
   const auto shape = [](const char *letter, std::size_t n) {
      return "[n, " + std::to_string(n) + "] (" + letter + " = " + std::to_string(n) + ")";
   };
   const auto *noise = find(fSession->GetInputs(), "noise");
   const auto *context = find(fSession->GetInputs(), "context");
   const auto *steps = find(fSession->GetInputs(), "steps");
   const auto *sample = find(fSession->GetOutputs(), "sample");
   if (noise == nullptr || context == nullptr || fSession->GetInputs().size() != (steps != nullptr ? 3 : 2))
      fail("its inputs must be 'noise', 'context' and, for an ODE solver, 'steps'");
   if (sample == nullptr || fSession->GetOutputs().size() != 1)
      fail("it must have one output, 'sample'");
   CheckTensor(fPath, *noise, Ort::kFloat, {-1, width(noiseWidth)}, shape("noise_dimension", noiseWidth));
   CheckTensor(fPath, *context, Ort::kFloat, {-1, width(contextWidth)}, shape("context variables", contextWidth));
   CheckTensor(fPath, *sample, Ort::kFloat, {-1, width(sampleWidth)}, shape("target variables", sampleWidth));
   if (steps != nullptr)
      CheckTensor(fPath, *steps, Ort::kInt64, {}, "[] (a scalar)");
   if ((steps != nullptr) != fContract.fDefaultSteps.has_value())
      fail("the input 'steps' and the metadata field 'default_steps' go together");
}

int Flow::GetSteps(int steps) const
{
   if (steps < 0)
      throw std::runtime_error("FlashSim: steps = " + std::to_string(steps) + " for flow '" + fPath +
                               "': at least 1 is needed (0: the flow's default).");
   if (steps > kMostSteps) {
      throw std::runtime_error("FlashSim: steps = " + std::to_string(steps) + " for flow '" + fPath +
                               "': " + std::to_string(kMostSteps) + " is the most.");
   }
   if (!fTakesSteps && steps > 0)
      throw std::runtime_error("FlashSim: flow '" + fPath + "' samples in one shot; do not give steps.");
   return steps > 0 ? steps : fContract.fDefaultSteps.value_or(0);
}

void Flow::RunBatch(std::size_t n, const float *context, const NoiseRow *rows, std::uint64_t seed, int steps,
                    std::uint32_t attempt, std::vector<float> &noise, float *sample) const
{
   const auto width = fContract.fNoiseDimension;
   noise.resize(n * width);
   for (std::size_t i = 0; i < n; ++i)
      FillGaussianNoise(noise.data() + i * width, width, seed, fNoiseKey, rows[i], attempt);
   fSession->Run(static_cast<std::int64_t>(n), noise.data(), static_cast<std::int64_t>(width), context,
                 static_cast<std::int64_t>(fContract.fContext.size()), fTakesSteps ? steps : -1, sample,
                 static_cast<std::int64_t>(fContract.fTarget.size()));
}

void Flow::Redraw(std::size_t n, const float *context, const NoiseRow *rows, std::uint64_t seed, int steps,
                  float *sample) const
{
   const auto contextWidth = fContract.fContext.size();
   const auto sampleWidth = fContract.fTarget.size();
   std::vector<float> noise;
   for (std::size_t i = 0; i < n; ++i) {
      float *row = sample + i * sampleWidth;
      for (std::uint32_t attempt = 1; !IsFinite(row, sampleWidth); ++attempt) {
         if (attempt > kMaxRedraws) {
            throw std::runtime_error("FlashSim: flow '" + fPath + "' gave NaN or infinity " + std::to_string(attempt) +
                                     " times for object " + std::to_string(rows[i].fObject) + " of " +
                                     rows[i].fEvent.AsString() + ", fold index " + std::to_string(rows[i].fFoldIndex) +
                                     "; its context may lie far outside of what the flow was trained on.");
         }
         ++fNRedrawn;
         RunBatch(1, context + i * contextWidth, rows + i, seed, steps, attempt, noise, row);
      }
   }
}

ERowIndependence Flow::CheckRows(std::size_t n, const float *context) const
{
   const InterruptionGuard interruption;
   const std::lock_guard<std::mutex> lock(fRowCheckMutex);
   if (const auto known = fRowIndependence.load(); known != ERowIndependence::kUnknown)
      return known;
   constexpr int kFewSteps = 2; // what mixes rows does so in the first steps
   const auto steps = std::min(GetSteps(0), kFewSteps);
   const auto width = [](std::size_t columns) { return static_cast<std::int64_t>(columns); };
   const auto evaluate = [&](std::size_t nRows, const float *noise, const float *rows, float *sample) {
      fSession->Run(width(nRows), noise, width(fContract.fNoiseDimension), rows, width(fContract.fContext.size()),
                    fTakesSteps ? steps : -1, sample, width(fContract.fTarget.size()));
   };
   const auto check = FlashSim::CheckRows(fContract, fPath, evaluate, n, context);
   if (check.fResult == ERowIndependence::kLastBits && IsNew(fPath)) {
      ::Info("FlashSim",
             "flow '%s' (%s): the last bits of a sample depend on the size of the batch: %s. RECO events "
             "repeat within float's precision, not bit for bit, when blocks or threads change.",
             fContract.fName.c_str(), fPath.c_str(), check.fNote.c_str());
   }
   fRowIndependence = check.fResult;
   return check.fResult;
}

void Flow::Sample(std::size_t n, const float *context, const NoiseRow *rows, std::uint64_t seed, int steps,
                  float *sample) const
{
   const InterruptionGuard interruption;
   steps = GetSteps(steps);
   if (n > 0 && fRowIndependence.load() == ERowIndependence::kUnknown)
      CheckRows(std::min(n, kMicroBatch), context);
   std::vector<float> noise;
   for (std::size_t first = 0; first < n; first += kMicroBatch) {
      ThrowIfInterrupted();
      const auto size = std::min(kMicroBatch, n - first);
      const float *batchContext = context + first * fContract.fContext.size();
      float *batchSample = sample + first * fContract.fTarget.size();
      RunBatch(size, batchContext, rows + first, seed, steps, 0, noise, batchSample);
      if (!IsFinite(batchSample, size * fContract.fTarget.size()))
         Redraw(size, batchContext, rows + first, seed, steps, batchSample);
   }
}

void Flow::SampleFolds(std::size_t n, const float *context, const std::uint64_t *eventKeys, int foldSize,
                       std::uint64_t seed, int steps, float *sample) const
{
   if (foldSize < 1)
      throw std::runtime_error("FlashSim: the fold size is " + std::to_string(foldSize) + ": at least 1 is needed.");
   const InterruptionGuard interruption;
   const auto width = fContract.fContext.size();
   std::vector<NoiseRow> rows(static_cast<std::size_t>(foldSize));
   std::vector<NoiseRow> batchRows;
   std::vector<float> batchContext;
   for (std::size_t first = 0, step = std::max<std::size_t>(1, 4 * kMicroBatch / rows.size()); first < n;
        first += step) {
      const auto last = std::min(n, first + step);
      batchRows.clear();
      batchContext.clear();
      for (std::size_t i = first; i < last; ++i) {
         const float *row = context + i * width;
         if (!IsFinite(row, width))
            throw std::runtime_error("FlashSim: row " + std::to_string(i) + " of the context holds NaN or infinity.");
         NoiseRow noiseRow;
         if (eventKeys != nullptr) {
            const std::uint64_t *key = eventKeys + 4 * i;
            constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
            if (key[0] > kLargest || key[1] > kLargest || key[3] > kLargest)
               throw std::runtime_error("FlashSim: row " + std::to_string(i) +
                                        " of the event keys: run, luminosity block and object must fit 32 bits.");
            noiseRow.fEvent = {key[2], static_cast<std::uint32_t>(key[0]), static_cast<std::uint32_t>(key[1]), false};
            noiseRow.fObject = static_cast<std::uint32_t>(key[3]);
         } else {
            noiseRow.fEvent.fEvent = i;
            noiseRow.fEvent.fIsEntryNumber = true;
         }
         for (noiseRow.fFoldIndex = 0; noiseRow.fFoldIndex < rows.size(); ++noiseRow.fFoldIndex) {
            batchRows.push_back(noiseRow);
            batchContext.insert(batchContext.end(), row, row + width);
         }
      }
      Sample(batchRows.size(), batchContext.data(), batchRows.data(), seed, steps,
             sample + first * rows.size() * fContract.fTarget.size());
   }
}

} // namespace FlashSim
