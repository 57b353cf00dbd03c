// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/detail/RowCheck.hxx"

#include "FlashSim/flow/NoiseDraws.hxx"
#include "FlashSim/interrupts/Interruption.hxx"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

namespace FlashSim {
namespace {

constexpr std::size_t kRows = 16;

/// Sizes of batches, beside those of one row. Vector instructions take 4, 8 or 16 numbers at once; the remainders of
/// these sizes are computed by other instructions.
constexpr std::array<std::size_t, 2> kOddSizes{13, 7};

/// Largest relative difference that rounding, amplified by the network, can explain.
constexpr double kLastBits = 1e-4;

struct Rows {
   std::vector<float> fNoise;
   std::vector<float> fContext;
};

/// A value inside the variable's range, the same at every call.
float ChooseValue(const FlowVariable &variable, std::size_t row, std::size_t column)
{
   constexpr double kGoldenRatio = 0.6180339887498949, kSilverRatio = 0.4142135623730951;
   const double fraction =
       std::fmod(static_cast<double>(row + 1) * kGoldenRatio + static_cast<double>(column + 1) * kSilverRatio, 1.);
   double value = variable.fMin + fraction * (variable.fMax - variable.fMin);
   if (IsIntegral(variable.fType))
      value = std::round(value);
   const auto rounded = static_cast<float>(value);
   return std::isfinite(rounded) ? rounded : 0.f;
}

Rows MakeRows(const FlowContract &contract, std::size_t n, const float *context, std::size_t nOfUser)
{
   Rows rows;
   const auto width = contract.fContext.size();
   for (std::size_t row = 0; row < kRows; ++row) {
      for (std::size_t column = 0; column < width; ++column) {
         rows.fContext.push_back(row < nOfUser ? context[row * n / nOfUser * width + column]
                                               : ChooseValue(contract.fContext[column], row, column));
      }
      NoiseRow key;
      key.fEvent.fEvent = row;
      const auto noise = GaussianNoise(contract.fNoiseDimension, 0, 0, key);
      rows.fNoise.insert(rows.fNoise.end(), noise.begin(), noise.end());
   }
   return rows;
}

std::string AsString(float value)
{
   std::array<char, 32> text;
   std::snprintf(text.data(), text.size(), "%.9g", static_cast<double>(value));
   return text.data();
}

class Comparison {
public:
   Comparison(const std::string &model, const std::vector<std::string> &outputs, const RowEvaluation &evaluate,
              const Rows &rows)
      : fModel(model), fOutputs(outputs), fEvaluate(evaluate), fRows(rows), fWidth(outputs.size()),
        fWhole(Evaluate(0, kRows))
   {
      for (std::size_t column = 0; column < fWidth; ++column) {
         double squares = 0;
         for (std::size_t row = 0; row < kRows; ++row) {
            const double value = fWhole[row * fWidth + column];
            squares += std::isfinite(value) ? value * value : 0;
         }
         fScales.push_back(std::sqrt(squares / kRows));
      }
   }

   RowCheck Run()
   {
      RowCheck check;
      for (const auto size : kOddSizes)
         Compare(size / 2, size, check);
      for (std::size_t row = 0; row < kRows; ++row)
         Compare(row, 1, check);
      return check;
   }

private:
   /// `size` rows from `first` on, in a circle.
   std::vector<float> Evaluate(std::size_t first, std::size_t size) const
   {
      const auto gather = [&](const std::vector<float> &table) {
         const auto width = table.size() / kRows;
         std::vector<float> gathered;
         for (std::size_t i = first; i < first + size; ++i) {
            const auto begin = table.begin() + static_cast<std::ptrdiff_t>(i % kRows * width);
            gathered.insert(gathered.end(), begin, begin + static_cast<std::ptrdiff_t>(width));
         }
         return gathered;
      };
      std::vector<float> sample(size * fWidth);
      fEvaluate(size, gather(fRows.fNoise).data(), gather(fRows.fContext).data(), sample.data());
      return sample;
   }

   void Compare(std::size_t first, std::size_t size, RowCheck &check) const
   {
      const auto sample = Evaluate(first, size);
      for (std::size_t i = 0; i < size * fWidth; ++i) {
         const auto row = (first + i / fWidth) % kRows;
         const auto column = i % fWidth;
         const float before = fWhole[row * fWidth + column];
         const float now = sample[i];
         if (std::memcmp(&before, &now, sizeof(now)) == 0 || (std::isnan(before) && std::isnan(now)))
            continue;
         const std::string found = "its " + fOutputs[column] + " is " + AsString(before) + " in a batch of " +
                                   std::to_string(kRows) + " objects and " + AsString(now) + " in one of " +
                                   std::to_string(size);
         const double largest = std::max({std::abs(double{before}), std::abs(double{now}), fScales[column]});
         if (!(std::abs(double{before} - double{now}) <= kLastBits * largest))
            Fail(found);
         check = {ERowIndependence::kLastBits, found};
      }
   }

   [[noreturn]] void Fail(const std::string &found) const
   {
      const auto again = Evaluate(0, kRows);
      const std::string what = "FlashSim: " + fModel + " ";
      if (std::memcmp(again.data(), fWhole.data(), again.size() * sizeof(float)) != 0) {
         throw std::runtime_error(what + "draws random numbers of its own: the same noise and context give another "
                                         "result at each call. A model takes random numbers from the input 'noise' "
                                         "alone; export it in evaluation mode, without operators that draw.");
      }
      throw std::runtime_error(
          what + "mixes the objects of a batch: for the same noise and context, " + found +
          ". Its output for an object must depend on the object's own noise and context alone, else RECO events change "
          "with threads and blocks. Look in the graph for operators that reduce, count or sort along axis 0 "
          "(ReduceMean, CumSum, TopK, BatchNormalization in training mode, an If on data), and export it without "
          "them.");
   }

   const std::string &fModel;
   const std::vector<std::string> &fOutputs;
   const RowEvaluation &fEvaluate;
   const Rows &fRows;
   std::size_t fWidth;
   std::vector<float> fWhole;
   std::vector<double> fScales; ///< root mean square of each output
};

} // namespace

RowCheck CheckRows(const FlowContract &contract, const std::string &model, const std::vector<std::string> &outputs,
                   const RowEvaluation &evaluate, std::size_t n, const float *context)
{
   auto rows = MakeRows(contract, n, context, n > 0 ? kRows / 2 : 0);
   std::unique_ptr<Comparison> comparison;
   try {
      comparison = std::make_unique<Comparison>(model, outputs, evaluate, rows);
   } catch (const Interrupted &) {
      throw;
   } catch (const std::runtime_error &) {
      // A value that the range allows need not exist, such as a flavour between two others.
      if (n == 0)
         throw;
      rows = MakeRows(contract, n, context, kRows);
      comparison = std::make_unique<Comparison>(model, outputs, evaluate, rows);
   }
   return comparison->Run();
}

} // namespace FlashSim
