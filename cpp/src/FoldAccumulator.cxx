// Part of FlashSim for RDataFrame.
#include "FlashSim/FoldAccumulator.hxx"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace FlashSim {
namespace {

constexpr std::size_t kFirstTableSize = 16;

}

FoldAccumulator::Sums &FoldAccumulator::Sums::operator+=(const Sums &other)
{
   fContent += other.fContent;
   fVariance += other.fVariance;
   fNaiveVariance += other.fNaiveVariance;
   fLimitVariance += other.fLimitVariance;
   fFoldVariance += other.fFoldVariance;
   return *this;
}

FoldAccumulator::FoldAccumulator(std::size_t nCells, bool foldsStraddleTasks, FoldLabels labels)
   : fLabels(std::move(labels)), fFoldsStraddleTasks(foldsStraddleTasks), fSums(nCells), fTable(kFirstTableSize),
     fPlaceMask(kFirstTableSize - 1)
{
}

void FoldAccumulator::StartTask()
{
   // In one thread RDataFrame starts a task for each batch of ranges of a data source, and ends only the last.
   EndTask();
   fIsFirstFold = true;
}

void FoldAccumulator::EndTask() noexcept
{
   if (!fInFold)
      return;
   if (fFoldsStraddleTasks)
      KeepAside();
   else
      AddFoldToSums();
   fInFold = false;
}

void FoldAccumulator::StartNextFold(ULong64_t event, Long64_t folds)
{
   EndFold();
   StartFold(event, folds);
}

void FoldAccumulator::StartGenEvent(Long64_t folds)
{
   StartNextFold(0, folds);
}

void FoldAccumulator::EndRecoEvent()
{
   if (fRecoCells.size() > kFewCells)
      std::sort(fRecoCells.begin(), fRecoCells.end(),
                [](const RecoCell &a, const RecoCell &b) { return a.fCell < b.fCell; });
   for (auto filled = fRecoCells.begin(); filled != fRecoCells.end();) {
      const auto cell = filled->fCell;
      Weights &weights = GetWeights(cell);
      double sum = 0;
      for (; filled != fRecoCells.end() && filled->fCell == cell; ++filled) {
         sum += filled->fWeight;
         weights.fFillSum2 += filled->fFillWeight2;
      }
      weights.fSum += sum;
      weights.fRecoSum2 += sum * sum;
   }
   fRecoCells.clear();
}

void FoldAccumulator::StartFold(ULong64_t event, Long64_t folds)
{
   fFold = Fold{};
   fFold.fEvent = event;
   fFold.fFolds = folds;
   if (folds < 1)
      ThrowFoldsBelowOne(folds);
   fInverseFolds = 1. / static_cast<double>(folds);
   fInFold = true;
}

void FoldAccumulator::EndFold()
{
   if (!fInFold)
      return;
   if (fFoldsStraddleTasks && fIsFirstFold)
      KeepAside();
   else
      AddFoldToSums();
   fIsFirstFold = false;
   fInFold = false;
}

FoldAccumulator::Weights &FoldAccumulator::Insert(std::size_t cell, std::size_t place)
{
   if (2 * (fPlaces.size() + 1) > fTable.size()) {
      std::vector<Weights> weights;
      TakeWeights([&](const Weights &taken) { weights.push_back(taken); });
      fTable.assign(2 * fTable.size(), Weights{});
      fPlaceMask = fTable.size() - 1;
      for (const auto &kept : weights)
         GetWeights(kept.fCell) = kept;
      return GetWeights(cell);
   }
   fPlaces.push_back(place);
   fTable[place].fCell = cell;
   return fTable[place];
}

void FoldAccumulator::AddFoldToSums()
{
   if (fPlaces.empty())
      return;

   const auto folds = static_cast<double>(fFold.fFolds);
   const double inverse2 = 1. / (folds * folds);
   const double inversePairs = fFold.fFolds > 1 ? 1. / (folds * (folds - 1)) : std::numeric_limits<double>::quiet_NaN();
   TakeWeights([&](const Weights &weights) {
      if (weights.fSum == 0 && weights.fFillSum2 == 0)
         return; // weights of 0 add nothing, not even the NaN of N = 1
      const double sum2 = weights.fSum * weights.fSum;
      Sums &sums = fSums[weights.fCell];
      sums.fContent += weights.fSum / folds;
      sums.fVariance += sum2 * inverse2;
      sums.fNaiveVariance += weights.fFillSum2 * inverse2;
      sums.fLimitVariance += (sum2 - weights.fRecoSum2) * inversePairs;
      sums.fFoldVariance += (folds * weights.fRecoSum2 - sum2) * inversePairs;
   });
   fTotal += fFold.fTotal / folds;
   fTotalVariance += fFold.fTotal * fFold.fTotal * inverse2;
   ++fNGenEvents;
}

void FoldAccumulator::KeepAside()
{
   Part part;
   part.fFold = fFold;
   part.fWeights.reserve(fPlaces.size());
   TakeWeights([&](const Weights &weights) { part.fWeights.push_back(weights); });
   fParts.push_back(std::move(part));
}

void FoldAccumulator::Merge(const FoldAccumulator &other)
{
   for (std::size_t cell = 0; cell < fSums.size(); ++cell)
      fSums[cell] += other.fSums[cell];
   fParts.insert(fParts.end(), other.fParts.begin(), other.fParts.end());
   fTotal += other.fTotal;
   fTotalVariance += other.fTotalVariance;
   fNGenEvents += other.fNGenEvents;
}

void FoldAccumulator::Finish()
{
   std::stable_sort(fParts.begin(), fParts.end(),
                    [](const Part &a, const Part &b) { return a.fFold.fEvent < b.fFold.fEvent; });
   for (const auto &part : fParts) {
      if (!fInFold || part.fFold.fEvent != fFold.fEvent) {
         if (fInFold)
            AddFoldToSums();
         StartFold(part.fFold.fEvent, part.fFold.fFolds);
      } else if (part.fFold.fFolds != fFold.fFolds) {
         ThrowFoldsDiffer(part.fFold.fFolds);
      }
      fFold.fRecoEvents += part.fFold.fRecoEvents;
      if (fFold.fRecoEvents > fFold.fFolds)
         ThrowTooManyRecoEvents();
      fFold.fTotal += part.fFold.fTotal;
      for (const auto &kept : part.fWeights) {
         Weights &weights = GetWeights(kept.fCell);
         weights.fSum += kept.fSum;
         weights.fRecoSum2 += kept.fRecoSum2;
         weights.fFillSum2 += kept.fFillSum2;
      }
   }
   if (fInFold)
      AddFoldToSums();
   fInFold = false;
   fParts.clear();
}

std::string FoldAccumulator::DescribeEvent() const
{
   if (fLabels.fEvent.empty())
      return "a GEN event";
   return "GEN event " + std::to_string(fFold.fEvent) + " (" + fLabels.fEvent + ")";
}

void FoldAccumulator::ThrowFoldsBelowOne(Long64_t folds) const
{
   throw std::runtime_error(fLabels.fAction + ": " + DescribeEvent() + " has " + std::to_string(folds) + " folds (" +
                            fLabels.fFolds +
                            "). Expected the number of RECO events simulated from it, selected or not, which is at "
                            "least 1.");
}

void FoldAccumulator::ThrowFoldsDiffer(Long64_t folds) const
{
   throw std::runtime_error(fLabels.fAction + ": " + DescribeEvent() + " has " + std::to_string(fFold.fFolds) +
                            " folds in one RECO event and " + std::to_string(folds) + " in another (" + fLabels.fFolds +
                            "). The number of folds belongs to the GEN event: give a column that is constant within "
                            "it, and check that GEN events are numbered uniquely.");
}

void FoldAccumulator::ThrowTooManyRecoEvents() const
{
   throw std::runtime_error(fLabels.fAction + ": " + DescribeEvent() + " has more RECO events than its " +
                            std::to_string(fFold.fFolds) + " folds (" + fLabels.fFolds +
                            "). Check that GEN events are numbered uniquely in the whole dataset, and that the number "
                            "of folds is that of the simulation.");
}

} // namespace FlashSim
