// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTHBINS
#define FLASHSIM_OVERSAMPLEDTHBINS

#include "FlashSim/OversampledTH.hxx"
#include "FlashSim/histograms/CellMap.hxx"

#include <TDirectory.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

/// \file
/// The methods of OversampledTH that change or join bins. Only for OversampledTH.cxx, which instantiates them.

namespace FlashSim {
namespace {

std::vector<const TAxis *> GetAxes(const TH1 &histogram)
{
   std::vector<const TAxis *> axes{histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis()};
   axes.resize(static_cast<std::size_t>(histogram.GetDimension()));
   return axes;
}

/// Distance between the cells of neighbouring bins, along each axis.
std::vector<Int_t> GetStrides(const TH1 &histogram)
{
   std::vector<Int_t> strides{1};
   for (const auto *axis : GetAxes(histogram))
      strides.push_back(strides.back() * (axis->GetNbins() + 2));
   return strides;
}

} // namespace

template <typename BASE>
OversampledTH<BASE>::Binning::Binning(const TH1 &histogram)
{
   for (const auto *axis : GetAxes(histogram))
      fAxes.push_back(*axis);
}

template <typename BASE>
template <typename Set>
void OversampledTH<BASE>::SetBinsWith(Int_t nCells, Set setBins)
{
   bool isEmpty = true;
   for (Int_t cell = 0; isEmpty && cell < this->GetNcells(); ++cell)
      isEmpty = this->RetrieveBinContent(cell) == 0 && this->GetBinErrorSqUnchecked(cell) == 0;
   if (!isEmpty && !fIsRebinning && nCells != this->GetNcells())
      ThrowNeedsCovariance("SetBins with another number of bins", "Reset() the histogram first, or use Rebin.");
   setBins();
   if (isEmpty)
      ResetSums();
}

template <typename BASE>
void OversampledTH<BASE>::SetBins(Int_t nx, Double_t xmin, Double_t xmax)
{
   SetBinsWith(nx + 2, [&] { BASE::SetBins(nx, xmin, xmax); });
}

template <typename BASE>
void OversampledTH<BASE>::SetBins(Int_t nx, const Double_t *xBins)
{
   SetBinsWith(nx + 2, [&] { BASE::SetBins(nx, xBins); });
}

template <typename BASE>
void OversampledTH<BASE>::SetBins(Int_t nx, Double_t xmin, Double_t xmax, Int_t ny, Double_t ymin, Double_t ymax)
{
   SetBinsWith((nx + 2) * (ny + 2), [&] { BASE::SetBins(nx, xmin, xmax, ny, ymin, ymax); });
}

template <typename BASE>
void OversampledTH<BASE>::SetBins(Int_t nx, const Double_t *xBins, Int_t ny, const Double_t *yBins)
{
   SetBinsWith((nx + 2) * (ny + 2), [&] { BASE::SetBins(nx, xBins, ny, yBins); });
}

template <typename BASE>
void OversampledTH<BASE>::SetBins(Int_t nx, Double_t xmin, Double_t xmax, Int_t ny, Double_t ymin, Double_t ymax,
                                  Int_t nz, Double_t zmin, Double_t zmax)
{
   SetBinsWith((nx + 2) * (ny + 2) * (nz + 2), [&] { BASE::SetBins(nx, xmin, xmax, ny, ymin, ymax, nz, zmin, zmax); });
}

template <typename BASE>
void OversampledTH<BASE>::SetBins(Int_t nx, const Double_t *xBins, Int_t ny, const Double_t *yBins, Int_t nz,
                                  const Double_t *zBins)
{
   SetBinsWith((nx + 2) * (ny + 2) * (nz + 2), [&] { BASE::SetBins(nx, xBins, ny, yBins, nz, zBins); });
}

template <typename BASE>
OversampledTH<BASE> *OversampledTH<BASE>::GetSlice(const char *name, const std::vector<Int_t> &bins) const
{
   const auto axes = GetAxes(*this);
   const auto isRange = [&](std::size_t axis) {
      const Int_t first = bins[2 * axis], last = bins[2 * axis + 1];
      return 1 <= first && first <= last && last <= axes[axis]->GetNbins();
   };
   bool areRanges = bins.size() == 2 * axes.size();
   for (std::size_t axis = 0; areRanges && axis < axes.size(); ++axis)
      areRanges = isRange(axis);
   if (!areRanges)
      throw std::invalid_argument(Describe() +
                                  ": GetSlice takes the first and the last bin on each axis, {firstx, lastx, ...}, "
                                  "from 1 to the number of bins of the axis.");

   const FoldSums &sums = GetFoldSums("GetSlice");
   const TDirectory::TContext inNoDirectory(nullptr);
   std::unique_ptr<OversampledTH> slice(static_cast<OversampledTH *>(this->Clone(name)));
   const std::vector<TAxis *> newAxes{slice->GetXaxis(), slice->GetYaxis(), slice->GetZaxis()};
   std::vector<CellMap::AxisMap_t> maps;
   Int_t nCells = 1;
   for (std::size_t i = 0; i < axes.size(); ++i) {
      const TAxis &axis = *axes[i];
      const Int_t first = bins[2 * i], last = bins[2 * i + 1];
      const Int_t nBins = last - first + 1;
      maps.push_back(CellMap::Slice(axis, first, last));
      if (axis.IsVariableBinSize())
         newAxes[i]->Set(nBins, axis.GetXbins()->GetArray() + first - 1);
      else
         newAxes[i]->Set(nBins, axis.GetBinLowEdge(first), axis.GetBinUpEdge(last));
      newAxes[i]->SetRange(0, 0);
      nCells *= nBins + 2;
   }
   const CellMap map(maps, GetStrides(*slice), static_cast<std::size_t>(nCells));
   RequireCovariance("GetSlice", &map);
   slice->SetBinsLength(nCells);
   slice->fSumw2.Set(nCells);
   slice->SetFromSums(sums.Regroup(map));
   slice->ResetStats();
   slice->SetFromSums(slice->fFoldSums);
   return slice.release();
}

template <typename BASE>
TH1 *OversampledTH<BASE>::GetCumulative(Bool_t forward, const char *suffix) const
{
   if (this->GetDimension() > 1)
      ThrowNotSupported("GetCumulative of more than one axis", "Fill a histogram for each threshold.");
   const FoldSums &sums = GetFoldSums("GetCumulative");
   RequireCovariance("GetCumulative");
   auto *cumulative = static_cast<OversampledTH *>(this->Clone((std::string(this->GetName()) + suffix).c_str()));
   auto cells = GetBins(false);
   if (!forward)
      std::reverse(cells.begin(), cells.end());
   cumulative->SetFromSums(sums.Cumulate(std::vector<std::size_t>(cells.begin(), cells.end())));
   cumulative->ResetStats(); // of the bins, as in TH1::GetCumulative
   cumulative->SetFromSums(cumulative->fFoldSums);
   return cumulative;
}

template <typename BASE>
void OversampledTH<BASE>::SetFromSums(const FoldSums &sums)
{
   for (Int_t cell = 0; cell < this->GetNcells(); ++cell) {
      this->UpdateBinContent(cell, sums.GetContents()[static_cast<std::size_t>(cell)]);
      this->fSumw2.fArray[cell] = sums.GetVariances()[static_cast<std::size_t>(cell)];
   }
   fFoldSums = sums;
   fFoldSums.Seal(*this);
   CorrectStatistics();
}

template <typename BASE>
void OversampledTH<BASE>::CorrectStatistics()
{
   if (!fFoldSums.HasCovariance())
      return;
   Statistics_t statistics{};
   this->GetStats(statistics.data());
   auto &variance = statistics[Statistics::kTotalVariance];
   variance = 0;
   const auto bins = GetBins(AreOverflowsInStatistics());
   for (const auto a : bins) {
      for (const auto b : bins)
         variance += fFoldSums.GetCovariance(static_cast<std::size_t>(a), static_cast<std::size_t>(b));
   }
   const Double_t entries = this->GetEntries();
   this->PutStats(statistics.data());
   this->SetEntries(entries);
}

template <typename BASE>
void OversampledTH<BASE>::SetRebinned(const char *method, const Binning &before, const FoldSums &sums, TH1 &rebinned)
{
   auto &target = dynamic_cast<OversampledTH &>(rebinned);
   target.fIsRebinning = false;
   std::vector<CellMap::AxisMap_t> maps;
   const auto axes = GetAxes(target);
   for (std::size_t i = 0; i < axes.size(); ++i)
      maps.push_back(CellMap::Rebin(before.fAxes[i], *axes[i]));
   const auto regrouped = sums.Regroup(CellMap(maps, GetStrides(target), static_cast<std::size_t>(target.GetNcells())));
   if (!regrouped.AreContentsOf(target))
      throw std::logic_error(Describe() + ": " + method + " of this ROOT joins bins in an unknown way.");
   target.SetFromSums(regrouped);
}

template <typename BASE>
void OversampledTH<BASE>::RequireEdges(Int_t nBins, const Double_t *edges) const
{
   const TAxis &axis = *this->GetXaxis();
   for (Int_t i = 0; i <= nBins; ++i) {
      if (edges[i] < axis.GetXmin() || edges[i] > axis.GetXmax())
         continue;
      const Int_t bin = axis.FindFixBin(edges[i]);
      const Double_t below = std::abs(edges[i] - axis.GetBinLowEdge(bin));
      const Double_t above = std::abs(edges[i] - axis.GetBinUpEdge(bin));
      if (std::min(below, above) > 1e-9 * axis.GetBinWidth(bin))
         throw std::invalid_argument(Describe() + ": Rebin cannot cut a bin at " + std::to_string(edges[i]) +
                                     ". Expected edges that are edges of its bins.");
   }
}

} // namespace FlashSim

#endif
