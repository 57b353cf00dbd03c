// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/ObjectTable.hxx"

#include <algorithm>
#include <numeric>
#include <utility>

namespace FlashSim {

ObjectTable::ObjectTable(const FlowContract &contract, const std::vector<float> &sample,
                         const std::vector<NoiseRow> &rows, std::vector<std::size_t> offsets)
   : fOffsets(std::move(offsets))
{
   const auto order = Sort(contract, sample);
   fSourceIndex.reserve(order.size());
   for (const auto row : order)
      fSourceIndex.push_back(static_cast<short>(rows[row].fObject));
   Convert(contract, sample, order);
}

ObjectTable::Order ObjectTable::Sort(const FlowContract &contract, const std::vector<float> &sample) const
{
   Order order(fOffsets.back());
   std::iota(order.begin(), order.end(), std::size_t{0});
   if (contract.fSortBy.empty())
      return order;
   const auto width = contract.fTarget.size();
   const float *key = sample.data() + contract.FindTarget(contract.fSortBy);
   const auto at = [&order](std::size_t row) { return order.begin() + static_cast<std::ptrdiff_t>(row); };
   for (std::size_t event = 0; event < GetNRecoEvents(); ++event) {
      std::stable_sort(at(fOffsets[event]), at(fOffsets[event + 1]),
                       [key, width](std::size_t a, std::size_t b) { return key[a * width] > key[b * width]; });
   }
   return order;
}

void ObjectTable::Convert(const FlowContract &contract, const std::vector<float> &sample, const Order &order)
{
   const auto &targets = contract.fTarget;
   fColumns.resize(targets.size());
   for (std::size_t target = 0; target < targets.size(); ++target) {
      WithValueType(targets[target].fType, [&](auto zero) {
         using T = decltype(zero);
         fColumns[target].resize(order.size() * sizeof(T));
         auto *column = reinterpret_cast<T *>(fColumns[target].data());
         // Every value fits: the limits of a target are those of its type too.
         for (std::size_t i = 0; i < order.size(); ++i)
            column[i] = static_cast<T>(sample[order[i] * targets.size() + target]);
      });
   }
}

} // namespace FlashSim
