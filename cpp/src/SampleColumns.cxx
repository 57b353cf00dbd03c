// Part of FlashSim for RDataFrame.
#include "FlashSim/SampleColumns.hxx"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <type_traits>

namespace FlashSim {

void SampleColumns::Fill(const Flow &flow, const std::vector<float> &context, const std::vector<NoiseRow> &rows,
                         const std::vector<std::size_t> &eventSizes, std::uint64_t seed, int steps)
{
   fSample.resize(rows.size() * flow.GetContract().fTarget.size());
   flow.Sample(rows.size(), context.data(), rows.data(), seed, steps, fSample.data());
   Sort(flow.GetContract(), eventSizes, rows);
   Convert(flow, rows);
}

void SampleColumns::Sort(const FlowContract &contract, const std::vector<std::size_t> &eventSizes,
                         const std::vector<NoiseRow> &rows)
{
   fOrder.resize(rows.size());
   std::iota(fOrder.begin(), fOrder.end(), std::size_t{0});
   if (!contract.fSortBy.empty()) {
      const auto width = contract.fTarget.size();
      const float *key = fSample.data() + contract.FindTarget(contract.fSortBy);
      auto first = fOrder.begin();
      for (const auto size : eventSizes) {
         std::stable_sort(first, first + static_cast<std::ptrdiff_t>(size),
                          [key, width](std::size_t a, std::size_t b) { return key[a * width] > key[b * width]; });
         first += static_cast<std::ptrdiff_t>(size);
      }
   }
   fSourceIndex.resize(rows.size());
   for (std::size_t i = 0; i < rows.size(); ++i)
      fSourceIndex[i] = static_cast<short>(rows[fOrder[i]].fObject);
}

void SampleColumns::Convert(const Flow &flow, const std::vector<NoiseRow> &rows)
{
   const auto &targets = flow.GetContract().fTarget;
   fColumns.resize(targets.size());
   for (std::size_t target = 0; target < targets.size(); ++target) {
      WithValueType(targets[target].fType, [&](auto zero) {
         using T = decltype(zero);
         fColumns[target].resize(rows.size() * sizeof(T));
         auto *column = reinterpret_cast<T *>(fColumns[target].data());
         for (std::size_t i = 0; i < rows.size(); ++i) {
            const float value = fSample[fOrder[i] * targets.size() + target];
            if constexpr (std::is_integral_v<T>) {
               // The largest 64-bit integers round up as floats, hence the open end.
               const bool fits = value >= static_cast<float>(std::numeric_limits<T>::lowest()) &&
                                 (value <= static_cast<float>(std::numeric_limits<T>::max())) &&
                                 (sizeof(T) < 8 || value < static_cast<float>(std::numeric_limits<T>::max()));
               if (!fits) {
                  const auto &row = rows[fOrder[i]];
                  throw std::runtime_error("FlashSim: flow '" + flow.GetPath() + "' gave " + std::to_string(value) +
                                           " for '" + targets[target].fName + "' of object " +
                                           std::to_string(row.fObject) + " of " + row.fEvent.AsString() +
                                           ", which does not fit its type " + GetName(targets[target].fType) +
                                           "; the flow must clip it.");
               }
            }
            column[i] = static_cast<T>(value);
         }
      });
   }
}

} // namespace FlashSim
