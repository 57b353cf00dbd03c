// Part of FlashSim for RDataFrame.
#include "FlashSim/folds/FoldAccumulator.hxx"

#include <algorithm>
#include <limits>
#include <utility>

namespace FlashSim {

FoldAccumulator::Sums &FoldAccumulator::Sums::operator+=(const Sums &other)
{
   fContent += other.fContent;
   fVariance += other.fVariance;
   fNaiveVariance += other.fNaiveVariance;
   fLimitVariance += other.fLimitVariance;
   fFoldVariance += other.fFoldVariance;
   return *this;
}

FoldAccumulator::FoldAccumulator(std::size_t nCells, EFoldOrder order, bool withCovariance, FoldLabels labels)
   : fLabels(std::move(labels)), fOrder(order), fSums(nCells), fPairs(withCovariance ? nCells : 0)
{
}

void FoldAccumulator::StartTask()
{
   // In one thread RDataFrame starts a task for each batch of ranges of a data source, and ends only the last.
   EndTask();
   fIsFirstFold = true;
}

void FoldAccumulator::EndTask()
{
   if (!fInFold)
      return;
   if (fOrder == EFoldOrder::kWhole)
      AddFoldToSums();
   else
      Park();
   fInFold = false;
}

void FoldAccumulator::StartNextFold(const EventKey &event, Long64_t foldSize)
{
   EndFold();
   if (MayBeParked()) {
      const auto parked = fParked.find(event);
      if (parked != fParked.end()) {
         Unpark(parked->second);
         fParked.erase(parked);
         return;
      }
   }
   StartFold(event, foldSize);
}

void FoldAccumulator::StartGenEvent(Long64_t foldSize)
{
   StartFold(EventKey{}, foldSize);
}

void FoldAccumulator::EndGenEvent()
{
   AddFoldToSums();
   fInFold = false;
}

void FoldAccumulator::EndRecoEvent()
{
   JoinRecoCells();
   for (const auto &filled : fRecoCells) {
      CellWeights &weights = fTable.Get(fFirstKey + filled.fCell);
      weights.fSum += filled.fWeight;
      weights.fRecoSum2 += filled.fWeight * filled.fWeight;
      weights.fFillSum2 += filled.fFillWeight2;
   }
   // Sums over RECO events need not wait for the end of the fold. N = 1 is left to AddPairsToSums().
   if (fPairs.IsHeld() && fFold.fFoldSize > 1 && !fFold.fIsGroup) {
      const auto foldSize = static_cast<double>(fFold.fFoldSize);
      for (std::size_t i = 0; i < fRecoCells.size(); ++i) {
         for (std::size_t k = 0; k < i; ++k) {
            const double product = fRecoCells[i].fWeight * fRecoCells[k].fWeight / (foldSize - 1);
            auto &sums = fPairs.Get(fRecoCells[i].fCell, fRecoCells[k].fCell);
            sums.fLimitCovariance -= product / foldSize;
            sums.fFoldCovariance += product;
         }
      }
   }
   fRecoCells.clear();
}

void FoldAccumulator::JoinRecoCells()
{
   if (fRecoCells.size() <= kFewCells)
      return;
   std::sort(fRecoCells.begin(), fRecoCells.end(),
             [](const RecoCell &a, const RecoCell &b) { return a.fCell < b.fCell; });
   auto joined = fRecoCells.begin();
   for (auto filled = std::next(joined); filled != fRecoCells.end(); ++filled) {
      if (filled->fCell == joined->fCell) {
         joined->fWeight += filled->fWeight;
         joined->fFillWeight2 += filled->fFillWeight2;
      } else {
         *++joined = *filled;
      }
   }
   fRecoCells.erase(std::next(joined), fRecoCells.end());
}

/// Joins the fills of the GEN events of a group into those of one GEN event, when the group is complete.
void FoldAccumulator::JoinGenEventsOfGroup()
{
   const auto nCells = fSums.size();
   const auto foldSize = static_cast<double>(fFold.fFoldSize);
   auto filled = fTable.Take();
   std::sort(filled.begin(), filled.end(), [](const auto &a, const auto &b) { return a.fCell < b.fCell; });
   for (auto first = filled.begin(); first != filled.end();) {
      const auto recoEvent = first->fCell / nCells;
      auto last = first;
      for (; last != filled.end() && last->fCell / nCells == recoEvent; ++last) {
         last->fCell %= nCells;
         last->fRecoSum2 = last->fSum * last->fSum;
         fTable.Get(last->fCell).Add(*last);
         for (auto other = first; fPairs.IsHeld() && other != last; ++other) {
            const double product = last->fSum * other->fSum / (foldSize - 1);
            auto &sums = fPairs.Get(last->fCell, other->fCell);
            sums.fLimitCovariance -= product / foldSize;
            sums.fFoldCovariance += product;
         }
      }
      first = last;
   }
}

void FoldAccumulator::StartFold(const EventKey &event, Long64_t foldSize)
{
   fFold = Fold{};
   fFold.fEvent = event;
   fFold.fFoldSize = foldSize;
   fFold.fIsGroup = fLabels.fAreGroups;
   if (foldSize < 1)
      fLabels.ThrowFoldSizeBelowOne(event, foldSize);
   fInverseFoldSize = 1. / static_cast<double>(foldSize);
   fInFold = true;
}

void FoldAccumulator::EndFold()
{
   if (!fInFold)
      return;
   if (MayBeParked()) {
      Park();
   } else {
      if (fOrder != EFoldOrder::kWhole && fAdded.Add(fFold.fEvent, fFold.IsComplete()))
         fLabels.ThrowReappears(DescribeEvent());
      AddFoldToSums();
   }
   fIsFirstFold = false;
   fInFold = false;
}

void FoldAccumulator::AddFoldToSums()
{
   if (fTable.IsEmpty())
      return;
   if (fFold.fIsGroup && fFold.fFoldSize > 1)
      JoinGenEventsOfGroup();

   const auto foldSize = static_cast<double>(fFold.fFoldSize);
   const double inverse2 = 1. / (foldSize * foldSize);
   const double inversePairs =
       fFold.fFoldSize > 1 ? 1. / (foldSize * (foldSize - 1)) : std::numeric_limits<double>::quiet_NaN();
   for (std::size_t i = 0; i < fTable.GetSize(); ++i) {
      const auto &weights = fTable[i];
      if (weights.IsNothing())
         continue; // adds nothing, not even the NaN of N = 1
      const double sum2 = weights.fSum * weights.fSum;
      Sums &sums = fSums[weights.fCell];
      sums.fContent += weights.fSum / foldSize;
      sums.fVariance += sum2 * inverse2;
      sums.fNaiveVariance += weights.fFillSum2 * inverse2;
      sums.fLimitVariance += (sum2 - weights.fRecoSum2) * inversePairs;
      sums.fFoldVariance += (foldSize * weights.fRecoSum2 - sum2) * inversePairs;
   }
   if (fPairs.IsHeld())
      AddPairsToSums();
   fTable.Clear();
   fTotal += fFold.fTotal / foldSize;
   fTotalVariance += fFold.fTotal * fFold.fTotal * inverse2;
   ++fNGenEvents;
}

void FoldAccumulator::AddPairsToSums()
{
   const auto foldSize = static_cast<double>(fFold.fFoldSize);
   const double inverse2 = 1. / (foldSize * foldSize);
   const double inversePairs =
       fFold.fFoldSize > 1 ? 1. / (foldSize * (foldSize - 1)) : std::numeric_limits<double>::quiet_NaN();
   for (std::size_t i = 0; i < fTable.GetSize(); ++i) {
      const auto &first = fTable[i];
      if (first.IsNothing())
         continue;
      for (std::size_t k = 0; k < i; ++k) {
         const auto &second = fTable[k];
         if (second.IsNothing())
            continue;
         const double product = first.fSum * second.fSum;
         auto &sums = fPairs.Get(first.fCell, second.fCell);
         sums.fCovariance += product * inverse2;
         sums.fLimitCovariance += product * inversePairs;
         sums.fFoldCovariance -= product * inversePairs;
      }
   }
}

void FoldAccumulator::Park()
{
   Join(ParkedFold{{fFold, fTable.Take()}});
}

void FoldAccumulator::Join(ParkedFold &&part)
{
   const auto [place, isNew] = fParked.try_emplace(part.fFold.fEvent);
   auto &parked = place->second;
   if (isNew) {
      parked = std::move(part);
      return;
   }
   parked.Add(part);
   if (part.fFold.fFoldSize != parked.fFold.fFoldSize)
      parked.fOtherFoldSize = part.fFold.fFoldSize;
}

void FoldAccumulator::Unpark(const ParkedFold &parked)
{
   fFold = parked.fFold;
   fTable.Add(parked.fWeights);
   fInverseFoldSize = 1. / static_cast<double>(fFold.fFoldSize);
   fInFold = true;
}

void FoldAccumulator::Merge(const FoldAccumulator &other)
{
   for (std::size_t cell = 0; cell < fSums.size(); ++cell)
      fSums[cell] += other.fSums[cell];
   fPairs.Merge(other.fPairs);
   for (const auto &[event, parked] : other.fParked)
      Join(ParkedFold(parked));
   fIsAnyAddedTwice = fAdded.Merge(other.fAdded) || fIsAnyAddedTwice;
   fTotal += other.fTotal;
   fTotalVariance += other.fTotalVariance;
   fNGenEvents += other.fNGenEvents;
}

OpenFolds FoldAccumulator::FinishPart()
{
   OpenFolds open(fLabels);
   FinishParked(&open);
   open.AddClosed(fAdded);
   return open;
}

void FoldAccumulator::FinishParked(OpenFolds *open)
{
   if (fIsAnyAddedTwice)
      fLabels.ThrowReappears("a GEN event"); // of which only a hash was remembered
   // In the order of their keys: the result does not depend on the order of a hash table.
   std::vector<const ParkedFold *> all;
   all.reserve(fParked.size());
   for (const auto &[event, parked] : fParked)
      all.push_back(&parked);
   std::sort(all.begin(), all.end(),
             [](const ParkedFold *a, const ParkedFold *b) { return a->fFold.fEvent < b->fFold.fEvent; });
   for (const auto *parked : all) {
      Unpark(*parked);
      if (parked->fOtherFoldSize != 0)
         fLabels.ThrowFoldSizesDiffer(fFold.fEvent, fFold.fFoldSize, parked->fOtherFoldSize);
      if (fFold.HasTooMany())
         fLabels.ThrowTooManyRecoEvents(fFold.fEvent, fFold.fFoldSize);
      if (fAdded.IsRemembered(fFold.fEvent))
         fLabels.ThrowReappears(DescribeEvent());
      AddFoldToSums();
      if (open)
         open->Add(FoldPart(*parked));
   }
   fInFold = false;
   fParked.clear();
}

} // namespace FlashSim
