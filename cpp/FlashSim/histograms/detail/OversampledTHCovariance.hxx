// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTHCOVARIANCE
#define FLASHSIM_OVERSAMPLEDTHCOVARIANCE

#include "FlashSim/OversampledTH.hxx"
#include "FlashSim/histograms/ForEachOversampledTH.hxx"

#include <TString.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

/// \file
/// The methods of OversampledTH that use the covariance of bins. Only for OversampledTH.cxx, which instantiates them.

namespace FlashSim {
namespace {

constexpr const char *kBookWithCovariance = "Book it with covariance=True (fCovariance in C++), or fill another one.";

/// Calls `use` with the histogram if it is oversampled, of any class. \return whether it is
template <typename Use>
bool UseIfOversampled(const TH1 *histogram, Use use)
{
   const auto tryClass = [&](const auto *oversampled) {
      if (oversampled)
         use(*oversampled);
      return oversampled != nullptr;
   };
#define FLASHSIM_TRY(DIMENSION, PRECISION)                                                                             \
   || tryClass(dynamic_cast<const OversampledTH<TH##DIMENSION##PRECISION> *>(histogram))
   return false FLASHSIM_FOR_EACH_OVERSAMPLEDTH(FLASHSIM_TRY);
#undef FLASHSIM_TRY
}

bool IsOversampled(const TH1 *histogram)
{
   return UseIfOversampled(histogram, [](const auto &) {});
}

} // namespace

template <typename BASE>
Double_t OversampledTH<BASE>::GetBinCovariance(Int_t bin1, Int_t bin2) const
{
   const auto cell1 = GetCell(bin1, "GetBinCovariance"); // these check the two bins, not all of them
   const auto cell2 = GetCell(bin2, "GetBinCovariance");
   if (cell1 == cell2)
      return this->fSumw2.fArray[cell1];
   if (!fFoldSums.HasCovariance())
      ThrowNeedsCovariance("GetBinCovariance", kBookWithCovariance);
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
         matrix(i, k) = i == k && product > 0 ? 1. : matrix(i, k) / product;
      }
   }
   return matrix;
}

template <typename BASE>
Chi2Result OversampledTH<BASE>::Chi2WithCovariance(const TH1 &other, bool withFlow) const
{
   RequireSameAxes(other, "compare with");
   if (!AreLabelsThoseOf(other))
      throw std::invalid_argument(Describe() + ": cannot compare with '" + other.GetName() +
                                  "', whose bins have other labels. Expected the same labels in the same order.");
   auto covariance = GetCovarianceMatrix(withFlow);
   const auto bins = GetBins(withFlow);
   if (!UseIfOversampled(&other, [&](const auto &known) { covariance += known.GetCovarianceMatrix(withFlow); })) {
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

   std::vector<std::pair<std::size_t, Double_t>> cells; // and their factors
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
void OversampledTH<BASE>::RequireCovariance(const char *method, const CellMap *map) const
{
   const auto &sums = GetFoldSums(method);
   if (!sums.HasCovariance() && (!map || sums.AreFilledCellsJoined(*map)))
      ThrowNeedsCovariance(method, kBookWithCovariance);
}

} // namespace FlashSim

#endif
