// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/SampleColumns.hxx"

#include <algorithm>
#include <numeric>

namespace FlashSim {

void SampleColumns::Fill(const DeclaredRanges &ranges, const std::vector<float> &context,
                         const std::vector<NoiseRow> &rows, const std::vector<std::size_t> &eventSizes,
                         std::uint64_t seed, int steps)
{
   const auto &flow = ranges.GetFlow();
   fSample.resize(rows.size() * flow.GetContract().fTarget.size());
   flow.Sample(rows.size(), context.data(), rows.data(), seed, steps, fSample.data());
   ranges.CheckSample(rows, fSample.data());
   Sort(flow.GetContract(), eventSizes, rows);
   Convert(flow.GetContract());
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

void SampleColumns::Convert(const FlowContract &contract)
{
   const auto &targets = contract.fTarget;
   fColumns.resize(targets.size());
   for (std::size_t target = 0; target < targets.size(); ++target) {
      WithValueType(targets[target].fType, [&](auto zero) {
         using T = decltype(zero);
         fColumns[target].resize(fOrder.size() * sizeof(T));
         auto *column = reinterpret_cast<T *>(fColumns[target].data());
         // Every value fits: the limits of a target are those of its type too.
         for (std::size_t i = 0; i < fOrder.size(); ++i)
            column[i] = static_cast<T>(fSample[fOrder[i] * targets.size() + target]);
      });
   }
}

} // namespace FlashSim
