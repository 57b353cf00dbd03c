// Part of FlashSim for RDataFrame.
#include "FlashSim/histograms/FoldSums.hxx"

#include "FlashSim/folds/FoldAccumulator.hxx"
#include "FlashSim/folds/FoldPart.hxx"
#include "FlashSim/folds/PairSums.hxx"
#include "FlashSim/histograms/CellMap.hxx"

#include <TArrayD.h>
#include <TH1.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace FlashSim {
namespace {

using Sums_t = std::vector<Double_t>;

bool IsSame(Double_t a, Double_t b)
{
   return a == b || (std::isnan(a) && std::isnan(b));
}

void AddScaled(Sums_t &sums, const Sums_t &others, Double_t factor)
{
   for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i] += factor * others[i];
}

void ScaleCells(Sums_t &sums, const Sums_t &factors)
{
   for (std::size_t cell = 0; cell < sums.size(); ++cell)
      sums[cell] *= factors[cell] * factors[cell];
}

void ScalePairs(Sums_t &sums, const Sums_t &factors)
{
   auto sum = sums.begin();
   for (std::size_t row = 0; sum != sums.end(); ++row) {
      for (std::size_t column = row; column < factors.size(); ++column)
         *sum++ *= factors[row] * factors[column];
   }
}

Sums_t RegroupCells(const Sums_t &sums, const CellMap &map)
{
   Sums_t regrouped(map.GetNTargets());
   for (std::size_t cell = 0; cell < sums.size(); ++cell) {
      if (map[cell] != CellMap::kDropped)
         regrouped[static_cast<std::size_t>(map[cell])] += sums[cell];
   }
   return regrouped;
}

/// The variances are on the diagonal. An element beside it that moves to the diagonal counts twice.
Sums_t RegroupPairs(const Sums_t &sums, const CellMap &map)
{
   const auto nTargets = map.GetNTargets();
   Sums_t regrouped(nTargets * (nTargets + 1) / 2);
   auto sum = sums.begin();
   for (std::size_t row = 0; row < map.GetNSources(); ++row) {
      for (std::size_t column = row; column < map.GetNSources(); ++column, ++sum) {
         if (map[row] == CellMap::kDropped || map[column] == CellMap::kDropped)
            continue;
         const auto a = static_cast<std::size_t>(map[row]);
         const auto b = static_cast<std::size_t>(map[column]);
         regrouped[PairSums::GetPlace(nTargets, a, b)] += a == b && row != column ? 2 * *sum : *sum;
      }
   }
   return regrouped;
}

Sums_t GetDiagonal(const Sums_t &sums, std::size_t nCells)
{
   Sums_t diagonal(nCells);
   for (std::size_t cell = 0; cell < nCells; ++cell)
      diagonal[cell] = sums[PairSums::GetPlace(nCells, cell, cell)];
   return diagonal;
}

Sums_t CumulateCells(const Sums_t &sums, const std::vector<std::size_t> &cells)
{
   Sums_t cumulated(sums.size());
   Double_t total = 0;
   for (const auto cell : cells)
      cumulated[cell] = total += sums[cell];
   return cumulated;
}

/// K_ab = sum of C_cd for c up to a and d up to b, row by row from the row before.
Sums_t CumulatePairs(const Sums_t &sums, std::size_t nCells, const std::vector<std::size_t> &cells)
{
   Sums_t cumulated(sums.size());
   Sums_t rowBefore(cells.size());
   for (const auto row : cells) {
      Double_t ofRow = 0;
      for (std::size_t i = 0; i < cells.size(); ++i) {
         ofRow += sums[PairSums::GetPlace(nCells, row, cells[i])];
         rowBefore[i] += ofRow;
         cumulated[PairSums::GetPlace(nCells, row, cells[i])] = rowBefore[i];
      }
   }
   return cumulated;
}

} // namespace

FoldSums::FoldSums(std::size_t nCells, bool withCovariance)
   : fNaiveVariance(nCells), fLimitVariance(nCells), fFoldVariance(nCells), fContents(nCells), fVariances(nCells)
{
   if (withCovariance) {
      for (auto *sums : {&fCovariance, &fLimitCovariance, &fFoldCovariance})
         sums->resize(nCells * (nCells + 1) / 2);
   }
}

std::size_t FoldSums::GetPlace(std::size_t a, std::size_t b) const
{
   return PairSums::GetPlace(GetNCells(), a, b);
}

void FoldSums::Set(const FoldAccumulator &accumulator)
{
   const auto &pairs = accumulator.GetPairSums();
   *this = FoldSums(accumulator.GetNCells(), pairs.IsHeld());
   for (std::size_t cell = 0; cell < GetNCells(); ++cell) {
      const auto &sums = accumulator.GetSums(cell);
      fNaiveVariance[cell] = sums.fNaiveVariance;
      fLimitVariance[cell] = sums.fLimitVariance;
      fFoldVariance[cell] = sums.fFoldVariance;
   }
   for (std::size_t i = 0; i < fCovariance.size(); ++i) {
      const auto &sums = pairs.GetAll()[i];
      fCovariance[i] = sums.fCovariance;
      fLimitCovariance[i] = sums.fLimitCovariance;
      fFoldCovariance[i] = sums.fFoldCovariance;
   }
   for (std::size_t cell = 0; HasCovariance() && cell < GetNCells(); ++cell) {
      const auto place = PairSums::GetPlace(GetNCells(), cell, cell);
      fCovariance[place] = accumulator.GetSums(cell).fVariance;
      fLimitCovariance[place] = fLimitVariance[cell];
      fFoldCovariance[place] = fFoldVariance[cell];
   }
   fNGenEvents = accumulator.GetNGenEvents();
}

void FoldSums::Add(const FoldSums &other, Double_t factor)
{
   const Double_t factor2 = factor * factor;
   AddScaled(fNaiveVariance, other.fNaiveVariance, factor2);
   AddScaled(fLimitVariance, other.fLimitVariance, factor2);
   AddScaled(fFoldVariance, other.fFoldVariance, factor2);
   if (IsEmpty() && other.HasCovariance() && !HasCovariance()) {
      fCovariance = fLimitCovariance = fFoldCovariance = Sums_t(other.fCovariance.size());
   }
   if (HasCovariance() && other.HasCovariance()) {
      AddScaled(fCovariance, other.fCovariance, factor2);
      AddScaled(fLimitCovariance, other.fLimitCovariance, factor2);
      AddScaled(fFoldCovariance, other.fFoldCovariance, factor2);
   } else if (!other.IsEmpty()) {
      for (auto *sums : {&fCovariance, &fLimitCovariance, &fFoldCovariance})
         sums->clear();
   }
   fNGenEvents += other.fNGenEvents;
}

std::vector<std::pair<std::size_t, Double_t>> FoldSums::Join(const FoldPart &piece, const FoldPart &rest)
{
   // (a + b)^2 instead of a^2 + b^2. Pieces have different RECO events: R and the naive variance stay. In a group, a
   // RECO event may belong to several GEN events, and counts in the cells of all (FoldPart): then R grows, too.
   const auto foldSize = static_cast<Double_t>(piece.fFold.fFoldSize);
   const Double_t inversePairs =
       piece.fFold.fFoldSize > 1 ? 1. / (foldSize * (foldSize - 1)) : std::numeric_limits<Double_t>::quiet_NaN();
   std::vector<std::pair<std::size_t, Double_t>> growths;
   for (const auto &mine : piece.fWeights) {
      for (const auto &theirs : rest.fWeights) {
         if (mine.IsNothing() || theirs.IsNothing())
            continue;
         const auto myCell = mine.fCell % GetNCells();
         const auto theirCell = theirs.fCell % GetNCells();
         const bool isSameRecoEvent = piece.fFold.fIsGroup && mine.fCell / GetNCells() == theirs.fCell / GetNCells();
         const bool isSameCell = myCell == theirCell;
         const Double_t product = (isSameCell ? 2 : 1) * mine.fSum * theirs.fSum;
         const Double_t ofLimit = (isSameRecoEvent ? 0. : product) * inversePairs;
         const Double_t ofFolds = (isSameRecoEvent ? foldSize - 1 : -1.) * product * inversePairs;
         if (isSameCell) {
            growths.emplace_back(myCell, product / (foldSize * foldSize));
            fLimitVariance[myCell] += ofLimit;
            fFoldVariance[myCell] += ofFolds;
         }
         if (HasCovariance()) {
            const auto place = PairSums::GetPlace(GetNCells(), myCell, theirCell);
            fCovariance[place] += product / (foldSize * foldSize);
            fLimitCovariance[place] += ofLimit;
            fFoldCovariance[place] += ofFolds;
         }
      }
   }
   if (!piece.fWeights.empty() && !rest.fWeights.empty())
      --fNGenEvents;
   return growths;
}

void FoldSums::Scale(Double_t factor)
{
   Scale(Sums_t(GetNCells(), factor));
}

void FoldSums::Scale(const Sums_t &factors)
{
   ScaleCells(fNaiveVariance, factors);
   ScaleCells(fLimitVariance, factors);
   ScaleCells(fFoldVariance, factors);
   ScalePairs(fCovariance, factors);
   ScalePairs(fLimitCovariance, factors);
   ScalePairs(fFoldCovariance, factors);
}

bool FoldSums::AreFilledCellsJoined(const CellMap &map) const
{
   std::vector<bool> isFilled(map.GetNTargets());
   for (std::size_t cell = 0; cell < GetNCells(); ++cell) {
      if (map[cell] == CellMap::kDropped || !IsFilled(cell))
         continue;
      const auto target = static_cast<std::size_t>(map[cell]);
      if (isFilled[target])
         return true;
      isFilled[target] = true;
   }
   return false;
}

FoldSums FoldSums::Regroup(const CellMap &map) const
{
   FoldSums regrouped;
   regrouped.fContents = RegroupCells(fContents, map);
   regrouped.fNaiveVariance = RegroupCells(fNaiveVariance, map);
   regrouped.fNGenEvents = fNGenEvents;
   if (HasCovariance()) {
      regrouped.fCovariance = RegroupPairs(fCovariance, map);
      regrouped.fLimitCovariance = RegroupPairs(fLimitCovariance, map);
      regrouped.fFoldCovariance = RegroupPairs(fFoldCovariance, map);
      regrouped.fVariances = GetDiagonal(regrouped.fCovariance, map.GetNTargets());
      regrouped.fLimitVariance = GetDiagonal(regrouped.fLimitCovariance, map.GetNTargets());
      regrouped.fFoldVariance = GetDiagonal(regrouped.fFoldCovariance, map.GetNTargets());
   } else {
      regrouped.fVariances = RegroupCells(fVariances, map);
      regrouped.fLimitVariance = RegroupCells(fLimitVariance, map);
      regrouped.fFoldVariance = RegroupCells(fFoldVariance, map);
   }
   return regrouped;
}

FoldSums FoldSums::Cumulate(const std::vector<std::size_t> &cells) const
{
   const auto nCells = GetNCells();
   FoldSums cumulated;
   cumulated.fContents = CumulateCells(fContents, cells);
   cumulated.fNaiveVariance = CumulateCells(fNaiveVariance, cells);
   cumulated.fCovariance = CumulatePairs(fCovariance, nCells, cells);
   cumulated.fLimitCovariance = CumulatePairs(fLimitCovariance, nCells, cells);
   cumulated.fFoldCovariance = CumulatePairs(fFoldCovariance, nCells, cells);
   cumulated.fVariances = GetDiagonal(cumulated.fCovariance, nCells);
   cumulated.fLimitVariance = GetDiagonal(cumulated.fLimitCovariance, nCells);
   cumulated.fFoldVariance = GetDiagonal(cumulated.fFoldCovariance, nCells);
   cumulated.fNGenEvents = fNGenEvents;
   return cumulated;
}

bool FoldSums::AreContentsOf(const TH1 &histogram) const
{
   constexpr Double_t kPrecision = 1e-5;
   Double_t scale = 0;
   for (const auto content : fContents)
      scale = std::max(scale, std::isfinite(content) ? std::abs(content) : 0.);
   for (std::size_t cell = 0; cell < fContents.size(); ++cell) {
      const Double_t content = histogram.GetBinContent(static_cast<Int_t>(cell));
      if (!IsSame(fContents[cell], content) && !(std::abs(fContents[cell] - content) <= kPrecision * scale))
         return false;
   }
   return fContents.size() == static_cast<std::size_t>(histogram.GetNcells());
}

void FoldSums::Seal(const TH1 &histogram)
{
   const auto nCells = static_cast<std::size_t>(histogram.GetNcells());
   fContents.resize(nCells);
   fVariances.assign(nCells, 0);
   for (std::size_t cell = 0; cell < nCells; ++cell)
      fContents[cell] = histogram.GetBinContent(static_cast<Int_t>(cell));
   if (histogram.GetSumw2N() == histogram.GetNcells())
      fVariances.assign(histogram.GetSumw2()->GetArray(), histogram.GetSumw2()->GetArray() + nCells);
}

bool FoldSums::Matches(const TH1 &histogram) const
{
   for (Int_t cell = 0; cell < histogram.GetNcells(); ++cell) {
      if (!Matches(histogram, cell))
         return false;
   }
   return true;
}

bool FoldSums::Matches(const TH1 &histogram, Int_t cell) const
{
   const auto nCells = static_cast<std::size_t>(histogram.GetNcells());
   const auto index = static_cast<std::size_t>(cell);
   return GetNCells() == nCells && fContents.size() == nCells && histogram.GetSumw2N() == histogram.GetNcells() &&
          IsSame(fContents[index], histogram.GetBinContent(cell)) &&
          IsSame(fVariances[index], histogram.GetSumw2()->GetArray()[cell]);
}

} // namespace FlashSim
