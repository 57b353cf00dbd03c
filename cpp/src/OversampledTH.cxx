// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTH.hxx"

#include "FlashSim/CellMap.hxx"
#include "FlashSim/FoldAccumulator.hxx"

#include <TArrayD.h>
#include <TBuffer.h>
#include <TCollection.h>
#include <TDirectory.h>
#include <TString.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <stdexcept>

namespace FlashSim {
namespace {

std::vector<const TAxis *> GetAxes(const TH1 &histogram)
{
   std::vector<const TAxis *> axes{histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis()};
   axes.resize(static_cast<std::size_t>(histogram.GetDimension()));
   return axes;
}

/// How far apart the cells of neighbouring bins are, along each axis.
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
OversampledTH<BASE> &OversampledTH<BASE>::operator=(const OversampledTH &other)
{
   if (this != &other) {
      BASE::operator=(other);
      fFoldSums = other.fFoldSums;
   }
   return *this;
}

template <typename BASE>
void OversampledTH<BASE>::MakeSums()
{
   if (this->GetSumw2N() != this->GetNcells())
      this->Sumw2();
   fFoldSums = FoldSums(static_cast<std::size_t>(this->GetNcells()));
   fFoldSums.Seal(*this);
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
      MakeSums();
}

template <typename BASE>
const FoldSums &OversampledTH<BASE>::GetFoldSums(const char *method) const
{
   if (!HasFoldInformation())
      ThrowNoFoldInformation(method);
   return fFoldSums;
}

template <typename BASE>
Double_t OversampledTH<BASE>::GetBinVarianceNaive(Int_t bin) const
{
   return fFoldSums.GetNaiveVariance(GetCell(bin, "GetBinErrorNaive"));
}

template <typename BASE>
Double_t OversampledTH<BASE>::GetBinVarianceLimit(Int_t bin) const
{
   return fFoldSums.GetLimitVariance(GetCell(bin, "GetBinErrorLimit"));
}

template <typename BASE>
Double_t OversampledTH<BASE>::GetBinVarianceForFolds(Int_t bin, Int_t folds) const
{
   if (folds < 1)
      throw std::invalid_argument(Describe() + ": GetBinErrorForFolds takes a number of folds of at least 1, not " +
                                  std::to_string(folds) + ".");
   const auto cell = GetCell(bin, "GetBinErrorForFolds");
   return fFoldSums.GetLimitVariance(cell) + fFoldSums.GetFoldVariance(cell) / folds;
}

template <typename BASE>
Double_t OversampledTH<BASE>::GetBinCovariance(Int_t bin1, Int_t bin2) const
{
   const auto cell1 = GetCell(bin1, "GetBinCovariance");
   const auto cell2 = GetCell(bin2, "GetBinCovariance");
   if (cell1 == cell2)
      return this->fSumw2.fArray[cell1];
   if (!fFoldSums.HasCovariance())
      ThrowNeedsCovariance("GetBinCovariance", "");
   return fFoldSums.GetCovariance(cell1, cell2);
}

template <typename BASE>
Double_t OversampledTH<BASE>::GetBinCorrelation(Int_t bin1, Int_t bin2) const
{
   const Double_t covariance = GetBinCovariance(bin1, bin2);
   return covariance / std::sqrt(GetBinCovariance(bin1, bin1) * GetBinCovariance(bin2, bin2));
}

template <typename BASE>
TMatrixDSym OversampledTH<BASE>::GetCovarianceMatrix(bool withFlow) const
{
   RequireCovariance("GetCovarianceMatrix");
   const auto bins = GetBins(withFlow);
   const auto nBins = static_cast<Int_t>(bins.size());
   TMatrixDSym matrix(nBins);
   for (Int_t i = 0; i < nBins; ++i) {
      for (Int_t k = 0; k <= i; ++k) {
         const auto a = static_cast<std::size_t>(bins[static_cast<std::size_t>(i)]);
         const auto b = static_cast<std::size_t>(bins[static_cast<std::size_t>(k)]);
         matrix(i, k) = matrix(k, i) = i == k ? this->fSumw2.fArray[a] : fFoldSums.GetCovariance(a, b);
      }
   }
   return matrix;
}

template <typename BASE>
TMatrixDSym OversampledTH<BASE>::GetCorrelationMatrix(bool withFlow) const
{
   auto matrix = GetCovarianceMatrix(withFlow);
   std::vector<Double_t> errors;
   for (Int_t i = 0; i < matrix.GetNrows(); ++i)
      errors.push_back(std::sqrt(matrix(i, i)));
   for (Int_t i = 0; i < matrix.GetNrows(); ++i) {
      for (Int_t k = 0; k < matrix.GetNrows(); ++k) {
         const Double_t product = errors[static_cast<std::size_t>(i)] * errors[static_cast<std::size_t>(k)];
         matrix(i, k) = i == k ? 1. : product > 0 ? matrix(i, k) / product : 0.;
      }
   }
   return matrix;
}

template <typename BASE>
Chi2Result OversampledTH<BASE>::Chi2WithCovariance(const TH1 &other, bool withFlow) const
{
   RequireSameAxes(other, "compare with");
   auto covariance = GetCovarianceMatrix(withFlow);
   const auto bins = GetBins(withFlow);
   if (const auto *oversampled = dynamic_cast<const OversampledTH *>(&other)) {
      covariance += oversampled->GetCovarianceMatrix(withFlow);
   } else {
      for (std::size_t i = 0; i < bins.size(); ++i) {
         const Double_t error = other.GetBinError(bins[i]);
         covariance(static_cast<Int_t>(i), static_cast<Int_t>(i)) += error * error;
      }
   }
   std::vector<Double_t> difference;
   for (const auto bin : bins)
      difference.push_back(this->GetBinContent(bin) - other.GetBinContent(bin));
   return GetChi2(difference, covariance);
}

template <typename BASE>
void OversampledTH<BASE>::Normalize(Double_t sumOfWeights)
{
   if (sumOfWeights == 0 || !std::isfinite(sumOfWeights))
      throw std::invalid_argument(Describe() + ": cannot normalize to a sum of weights of " +
                                  std::to_string(sumOfWeights) +
                                  ". Expected the sum over all GEN events of the sample, selected or not.");
   this->Scale(1. / sumOfWeights);
}

template <typename BASE>
Bool_t OversampledTH<BASE>::Add(const TH1 *histogram, Double_t c1)
{
   const auto *other = dynamic_cast<const OversampledTH *>(histogram);
   if (other)
      RequireSameAxes(*other, "add");
   const bool isKnown = other && CanAdd(*other) && HasFoldInformation() && other->HasFoldInformation();
   FoldSums sums = fFoldSums;
   if (isKnown)
      sums.Add(other->fFoldSums, c1);

   const Bool_t isAdded = BASE::Add(histogram, c1);
   if (isAdded && isKnown) {
      fFoldSums = sums;
      fFoldSums.Seal(*this);
   }
   return isAdded;
}

template <typename BASE>
Bool_t OversampledTH<BASE>::Add(const TH1 *h1, const TH1 *h2, Double_t c1, Double_t c2)
{
   const auto *first = dynamic_cast<const OversampledTH *>(h1);
   const auto *second = dynamic_cast<const OversampledTH *>(h2);
   const bool isKnown = first && second && CanAdd(*first) && CanAdd(*second) && first->HasFoldInformation() &&
                        second->HasFoldInformation();
   FoldSums sums;
   if (first && second) {
      RequireSameAxes(*first, "add");
      RequireSameAxes(*second, "add");
   }
   if (isKnown) {
      sums = first->fFoldSums;
      if (first == second && c2 < 0) { // how TH1::Add is asked to divide by the bins' widths
         std::vector<Double_t> factors;
         for (Int_t cell = 0; cell < this->GetNcells(); ++cell) {
            Int_t binX = 0, binY = 0, binZ = 0;
            first->GetBinXYZ(cell, binX, binY, binZ);
            const Double_t width = first->GetXaxis()->GetBinWidth(binX) * first->GetYaxis()->GetBinWidth(binY) *
                                   first->GetZaxis()->GetBinWidth(binZ);
            factors.push_back(c1 / width);
         }
         sums.Scale(factors);
      } else {
         sums.Scale(c1);
         sums.Add(second->fFoldSums, c2);
      }
   }

   const Bool_t isAdded = BASE::Add(h1, h2, c1, c2);
   if (isAdded && isKnown) {
      fFoldSums = sums;
      fFoldSums.Seal(*this);
   }
   return isAdded;
}

template <typename BASE>
Long64_t OversampledTH<BASE>::Merge(TCollection *list)
{
   if (!list)
      return 0;

   bool isKnown = HasFoldInformation();
   FoldSums sums = fFoldSums;
   for (const auto *object : *list) {
      const auto *other = dynamic_cast<const OversampledTH *>(object);
      if (!other)
         throw std::invalid_argument(Describe() + ": cannot merge with '" + object->GetName() + "', a " +
                                     object->ClassName() + ". Expected histograms of class " + this->ClassName() +
                                     " only.");
      RequireSameAxes(*other, "add");
      isKnown = isKnown && CanAdd(*other) && other->HasFoldInformation();
      if (isKnown)
         sums.Add(other->fFoldSums);
   }

   const Long64_t nEntries = BASE::Merge(list);
   if (nEntries >= 0 && isKnown) {
      fFoldSums = sums;
      fFoldSums.Seal(*this);
   }
   return nEntries;
}

template <typename BASE>
void OversampledTH<BASE>::Copy(TObject &copy) const
{
   BASE::Copy(copy);
   if (auto *other = dynamic_cast<OversampledTH *>(&copy)) {
      other->fFoldSums = fFoldSums;
      other->fIsRebinning = fIsRebinning; // ROOT rebins a clone
   }
}

template <typename BASE>
void OversampledTH<BASE>::Reset(Option_t *option)
{
   BASE::Reset(option);
   MakeSums();
}

template <typename BASE>
void OversampledTH<BASE>::Scale(Double_t c1, Option_t *option)
{
   const bool isKnown = HasFoldInformation();
   BASE::Scale(c1, option);
   TString options(option);
   options.ToLower();
   if (isKnown && !options.Contains("width")) { // TH1::Scale leaves the width to Add()
      fFoldSums.Scale(c1);
      fFoldSums.Seal(*this);
   }
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
      ThrowNeedsCovariance("GetCumulative of more than one axis", "Fill a histogram for each threshold.");
   const FoldSums &sums = GetFoldSums("GetCumulative");
   RequireCovariance("GetCumulative");
   auto *cumulative = static_cast<OversampledTH *>(this->Clone((std::string(this->GetName()) + suffix).c_str()));
   auto cells = GetBins(false);
   if (!forward)
      std::reverse(cells.begin(), cells.end());
   cumulative->SetFromSums(sums.Cumulate(std::vector<std::size_t>(cells.begin(), cells.end())));
   return cumulative;
}

template <typename BASE>
BASE OversampledTH<BASE>::MakeTH() const
{
   const TDirectory::TContext inNoDirectory(nullptr);
   BASE plain;
   BASE::Copy(plain);
   plain.SetDirectory(nullptr);
   return plain;
}

template <typename BASE>
Int_t OversampledTH<BASE>::WriteTH(const char *name) const
{
   return MakeTH().Write(name);
}

template <typename BASE>
void OversampledTH<BASE>::SetFromFolds(const FoldAccumulator &accumulator, Statistics_t statistics, Double_t entries)
{
   const auto nCells = static_cast<std::size_t>(this->GetNcells());
   if (accumulator.GetNCells() != nCells)
      throw std::invalid_argument(Describe() + " has " + std::to_string(nCells) +
                                  " cells and cannot take the sums of " + std::to_string(accumulator.GetNCells()) +
                                  ".");
   Reset();
   for (std::size_t cell = 0; cell < nCells; ++cell) {
      const auto &sums = accumulator.GetSums(cell);
      this->UpdateBinContent(static_cast<Int_t>(cell), sums.fContent);
      this->fSumw2.fArray[cell] = sums.fVariance;
   }
   this->PutStats(statistics.data());
   this->SetEntries(entries);
   fFoldSums.Set(accumulator);
   fFoldSums.Seal(*this);
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
   if (!fFoldSums.HasCovariance())
      return;
   // Where ROOT has computed the statistics from bins, it took them as independent.
   Statistics_t statistics{};
   this->GetStats(statistics.data());
   statistics[1] = 0;
   const auto bins = GetBins(AreOverflowsInStatistics());
   for (const auto a : bins) {
      for (const auto b : bins)
         statistics[1] += fFoldSums.GetCovariance(static_cast<std::size_t>(a), static_cast<std::size_t>(b));
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
void OversampledTH<BASE>::Invalidate()
{
   constexpr Double_t nan = std::numeric_limits<Double_t>::quiet_NaN();
   Reset();
   for (Int_t cell = 0; cell < this->GetNcells(); ++cell)
      this->UpdateBinContent(cell, nan);
   this->fSumw2.Reset(nan);
   Statistics_t statistics;
   statistics.fill(nan);
   this->PutStats(statistics.data());
   fFoldSums = FoldSums();
}

template <typename BASE>
Double_t OversampledTH<BASE>::DoIntegral(Int_t ix1, Int_t ix2, Int_t iy1, Int_t iy2, Int_t iz1, Int_t iz2,
                                         Double_t &err, Option_t *opt, Bool_t doerr) const
{
   const Double_t integral = BASE::DoIntegral(ix1, ix2, iy1, iy2, iz1, iz2, err, opt, doerr);
   if (!doerr)
      return integral;

   // Ranges as TH1::DoIntegral takes them.
   const auto toRange = [](const TAxis &axis, Int_t first, Int_t last) {
      const Int_t overflow = axis.GetNbins() + 1;
      return std::array<Int_t, 2>{std::max(first, 0), last > overflow || last < first ? overflow : last};
   };
   const std::array<Int_t, 2> none{0, 0};
   const auto x = toRange(*this->GetXaxis(), ix1, ix2);
   const auto y = this->GetDimension() > 1 ? toRange(*this->GetYaxis(), iy1, iy2) : none;
   const auto z = this->GetDimension() > 2 ? toRange(*this->GetZaxis(), iz1, iz2) : none;
   TString option(opt);
   option.ToLower();
   const bool isTimesWidth = option.Contains("width");

   std::vector<std::pair<std::size_t, Double_t>> cells; // and what each is multiplied with
   for (Int_t binZ = z[0]; binZ <= z[1]; ++binZ) {
      for (Int_t binY = y[0]; binY <= y[1]; ++binY) {
         for (Int_t binX = x[0]; binX <= x[1]; ++binX) {
            Double_t width = 1;
            if (isTimesWidth) {
               width = this->GetXaxis()->GetBinWidth(binX);
               if (this->GetDimension() > 1)
                  width *= this->GetYaxis()->GetBinWidth(binY);
               if (this->GetDimension() > 2)
                  width *= this->GetZaxis()->GetBinWidth(binZ);
            }
            cells.emplace_back(static_cast<std::size_t>(this->GetBin(binX, binY, binZ)), width);
         }
      }
   }
   if (cells.size() == 1)
      return integral; // of which ROOT knows the error
   RequireCovariance("IntegralAndError over several bins");
   Double_t variance = 0;
   for (const auto &[a, widthA] : cells) {
      for (const auto &[b, widthB] : cells)
         variance += widthA * widthB * fFoldSums.GetCovariance(a, b);
   }
   err = Root(variance);
   return integral;
}

template <typename BASE>
std::vector<Int_t> OversampledTH<BASE>::GetBins(bool withFlow) const
{
   std::vector<Int_t> bins;
   for (Int_t bin = 0; bin < this->GetNcells(); ++bin) {
      if (withFlow || (!this->IsBinUnderflow(bin) && !this->IsBinOverflow(bin)))
         bins.push_back(bin);
   }
   return bins;
}

template <typename BASE>
std::size_t OversampledTH<BASE>::GetCell(Int_t bin, const char *method) const
{
   const Int_t cell = bin < 0 ? 0 : bin >= this->GetNcells() ? this->GetNcells() - 1 : bin; // as TH1::GetBinError
   if (!fFoldSums.Belong(*this, cell))
      ThrowNoFoldInformation(method);
   return static_cast<std::size_t>(cell);
}

template <typename BASE>
bool OversampledTH<BASE>::CanAdd(const TH1 &other) const
{
   return other.GetNormFactor() == 0 && !(this->TestBit(TH1::kIsAverage) && other.TestBit(TH1::kIsAverage));
}

template <typename BASE>
void OversampledTH<BASE>::RequireSameAxes(const TH1 &other, const char *action) const
{
   if ((TH1::CheckConsistency(this, &other) & ~TH1::kDifferentLabels) != TH1::kFullyConsistent)
      throw std::invalid_argument(Describe() + ": cannot " + action + " '" + other.GetName() +
                                  "', whose axes differ. Expected the same bins.");
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

template <typename BASE>
void OversampledTH<BASE>::RequireCovariance(const char *method, const CellMap *map) const
{
   const auto &sums = GetFoldSums(method);
   if (!sums.HasCovariance() && (!map || sums.AreFilledCellsJoined(*map)))
      ThrowNeedsCovariance(method,
                           "Fill another histogram, or book this one with covariance=True (fCovariance in C++).");
}

template <typename BASE>
void OversampledTH<BASE>::ThrowNeedsCovariance(const char *method, const char *remedy) const
{
   throw std::logic_error(
       Describe() + ": " + method +
       " would give wrong errors. Bins are correlated, since RECO events made from the same GEN event "
       "fill several of them, and the histogram does not hold their covariance. " +
       remedy);
}

template <typename BASE>
void OversampledTH<BASE>::ThrowNoFoldInformation(const char *method) const
{
   throw std::logic_error(Describe() + ": " + method +
                          " is not known. Contents or errors were changed by something that does not know about folds "
                          "(SetBinContent, Fill, Multiply, Divide, ...): ask before that, or ask a Clone. Or the event "
                          "loop that was to fill the histogram failed.");
}

template <typename BASE>
void OversampledTH<BASE>::Streamer(TBuffer &buffer)
{
   if (buffer.IsReading()) {
      buffer.ReadClassBuffer(OversampledTH::Class(), this);
      fFoldSums.Seal(*this);
   } else {
      if (!HasFoldInformation())
         fFoldSums = FoldSums(); // so that it is not taken for valid when read back
      buffer.WriteClassBuffer(OversampledTH::Class(), this);
   }
}

template class OversampledTH<TH1D>;
template class OversampledTH<TH1F>;
template class OversampledTH<TH2D>;
template class OversampledTH<TH2F>;
template class OversampledTH<TH3D>;
template class OversampledTH<TH3F>;

} // namespace FlashSim
