// Part of FlashSim for RDataFrame.
#include "FlashSim/simulate/ObjectTable.hxx"

#include <algorithm>
#include <numeric>

namespace FlashSim {

void ObjectTable::Fill(const FlowContract &contract, const std::vector<float> &sample,
                       const std::vector<NoiseRow> &rows, const std::vector<std::size_t> &offsets)
{
   fOffsets = offsets;
   Sort(contract, sample);
   fSourceIndex.resize(fOrder.size());
   for (std::size_t i = 0; i < fOrder.size(); ++i)
      fSourceIndex[i] = static_cast<short>(rows[fOrder[i]].fObject);
   Convert(contract, sample);
}

void ObjectTable::Sort(const FlowContract &contract, const std::vector<float> &sample)
{
   fOrder.resize(fOffsets.back());
   std::iota(fOrder.begin(), fOrder.end(), std::size_t{0});
   if (contract.fSortBy.empty())
      return;
   const auto width = contract.fTarget.size();
   const float *key = sample.data() + contract.FindTarget(contract.fSortBy);
   const auto at = [this](std::size_t row) { return fOrder.begin() + static_cast<std::ptrdiff_t>(row); };
   for (std::size_t event = 0; event < GetNRecoEvents(); ++event) {
      std::stable_sort(at(fOffsets[event]), at(fOffsets[event + 1]),
                       [key, width](std::size_t a, std::size_t b) { return key[a * width] > key[b * width]; });
   }
}

void ObjectTable::Convert(const FlowContract &contract, const std::vector<float> &sample)
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
            column[i] = static_cast<T>(sample[fOrder[i] * targets.size() + target]);
      });
   }
}

} // namespace FlashSim
