// Part of FlashSim for RDataFrame.
#include "FlashSim/FoldSums.hxx"

#include "FlashSim/FoldAccumulator.hxx"

#include <TArrayD.h>
#include <TH1.h>

#include <cmath>

namespace FlashSim {
namespace {

bool IsSame(Double_t a, Double_t b)
{
   return a == b || (std::isnan(a) && std::isnan(b));
}

void AddScaled(std::vector<Double_t> &sums, const std::vector<Double_t> &others, Double_t factor)
{
   for (std::size_t cell = 0; cell < sums.size(); ++cell)
      sums[cell] += factor * others[cell];
}

} // namespace

FoldSums::FoldSums(std::size_t nCells) : fNaiveVariance(nCells), fLimitVariance(nCells), fFoldVariance(nCells) {}

void FoldSums::Set(const FoldAccumulator &accumulator)
{
   *this = FoldSums(accumulator.GetNCells());
   for (std::size_t cell = 0; cell < GetNCells(); ++cell) {
      const auto &sums = accumulator.GetSums(cell);
      fNaiveVariance[cell] = sums.fNaiveVariance;
      fLimitVariance[cell] = sums.fLimitVariance;
      fFoldVariance[cell] = sums.fFoldVariance;
   }
   fNGenEvents = accumulator.GetNGenEvents();
}

void FoldSums::Add(const FoldSums &other, Double_t factor)
{
   AddScaled(fNaiveVariance, other.fNaiveVariance, factor * factor);
   AddScaled(fLimitVariance, other.fLimitVariance, factor * factor);
   AddScaled(fFoldVariance, other.fFoldVariance, factor * factor);
   fNGenEvents += other.fNGenEvents;
}

void FoldSums::Scale(Double_t factor)
{
   for (std::size_t cell = 0; cell < GetNCells(); ++cell)
      Scale(cell, factor);
}

void FoldSums::Scale(std::size_t cell, Double_t factor)
{
   fNaiveVariance[cell] *= factor * factor;
   fLimitVariance[cell] *= factor * factor;
   fFoldVariance[cell] *= factor * factor;
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

bool FoldSums::Belong(const TH1 &histogram) const
{
   for (Int_t cell = 0; cell < histogram.GetNcells(); ++cell) {
      if (!Belong(histogram, cell))
         return false;
   }
   return true;
}

bool FoldSums::Belong(const TH1 &histogram, Int_t cell) const
{
   const auto nCells = static_cast<std::size_t>(histogram.GetNcells());
   const auto index = static_cast<std::size_t>(cell);
   return GetNCells() == nCells && fContents.size() == nCells && histogram.GetSumw2N() == histogram.GetNcells() &&
          IsSame(fContents[index], histogram.GetBinContent(cell)) &&
          IsSame(fVariances[index], histogram.GetSumw2()->GetArray()[cell]);
}

} // namespace FlashSim
