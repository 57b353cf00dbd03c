// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTH.hxx"

#include "FlashSim/folds/FoldAccumulator.hxx"
#include "FlashSim/histograms/ForEachOversampledTH.hxx"
#include "FlashSim/histograms/detail/OversampledTHBins.hxx"
#include "FlashSim/histograms/detail/OversampledTHCovariance.hxx"
#include "FlashSim/histograms/detail/StoredFolds.hxx"

#include <TArrayD.h>
#include <TBuffer.h>
#include <TCollection.h>
#include <TDirectory.h>
#include <TString.h>

#include <limits>
#include <stdexcept>

namespace FlashSim {

template <typename BASE>
FoldSums OversampledTH<BASE>::MakeSums(bool withCovariance)
{
   if (this->GetSumw2N() != this->GetNcells())
      this->Sumw2();
   return FoldSums(static_cast<std::size_t>(this->GetNcells()), withCovariance);
}

template <typename BASE>
void OversampledTH<BASE>::ResetSums()
{
   const bool hasCellsOfBefore = fFoldSums.GetNCells() == static_cast<std::size_t>(this->GetNcells());
   fFoldSums = MakeSums(fFoldSums.HasCovariance() && hasCellsOfBefore);
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
Double_t OversampledTH<BASE>::GetBinVarianceForFoldSize(Int_t bin, Int_t foldSize) const
{
   if (foldSize < 1)
      throw std::invalid_argument(Describe() + ": GetBinErrorForFoldSize takes a fold size of at least 1, not " +
                                  std::to_string(foldSize) + ".");
   const auto cell = GetCell(bin, "GetBinErrorForFoldSize");
   return fFoldSums.GetLimitVariance(cell) + fFoldSums.GetFoldVariance(cell) / foldSize;
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
   if (histogram == this) // the same GEN events
      return Add(this, this, 1 + c1, 0);
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
      if (c1 < 0)
         CorrectStatistics();
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
   if (first && first == second && c2 > 0) // the same GEN events, which TH1::Add would take as independent
      return Add(h1, h1, c1 + c2, 0);
   FoldSums sums;
   if (first && second) {
      RequireSameAxes(*first, "add");
      RequireSameAxes(*second, "add");
   }
   if (isKnown) {
      sums = first->fFoldSums;
      if (first == second && c2 < 0) { // then TH1::Add divides by the widths of the bins
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
         if (first != second)
            sums.Add(second->fFoldSums, c2);
      }
   }

   const Bool_t isAdded = BASE::Add(h1, h2, c1, c2);
   if (isAdded && isKnown) {
      fFoldSums = sums;
      fFoldSums.Seal(*this);
      if (c1 < 0 || c2 < 0)
         CorrectStatistics();
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
Bool_t OversampledTH<BASE>::Divide(const TH1 *histogram)
{
   RequireIndependence("Divide", this, histogram);
   return BASE::Divide(histogram);
}

template <typename BASE>
Bool_t OversampledTH<BASE>::Divide(const TH1 *h1, const TH1 *h2, Double_t c1, Double_t c2, Option_t *option)
{
   RequireIndependence("Divide", h1, h2);
   if (TString(option).Contains("b", TString::kIgnoreCase) && (IsOversampled(h1) || IsOversampled(h2)))
      RequireIndependence("Divide with binomial errors", this, this);
   return BASE::Divide(h1, h2, c1, c2, option);
}

template <typename BASE>
Bool_t OversampledTH<BASE>::Multiply(const TH1 *histogram)
{
   RequireIndependence("Multiply", this, histogram);
   return BASE::Multiply(histogram);
}

template <typename BASE>
Bool_t OversampledTH<BASE>::Multiply(const TH1 *h1, const TH1 *h2, Double_t c1, Double_t c2, Option_t *option)
{
   RequireIndependence("Multiply", h1, h2);
   return BASE::Multiply(h1, h2, c1, c2, option);
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
   ResetSums();
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
Int_t OversampledTH<BASE>::Write(const char *name, Int_t option, Int_t bufsize)
{
   return static_cast<const OversampledTH &>(*this).Write(name, option, bufsize);
}

template <typename BASE>
Int_t OversampledTH<BASE>::Write(const char *name, Int_t option, Int_t bufsize) const
{
   const std::string key = name && *name ? name : this->GetName();
   return StoredFolds::Write(MakeTH(), HasFoldInformation() ? &fFoldSums : nullptr, key, option, bufsize);
}

template <typename BASE>
void OversampledTH<BASE>::SetFoldSums(const FoldSums &sums)
{
   fFoldSums = sums;
   fFoldSums.Seal(*this);
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
void OversampledTH<BASE>::JoinFolds(const OpenFolds::Pairs_t &pieces)
{
   if (pieces.empty() || !HasFoldInformation())
      return;
   for (const auto &[piece, rest] : pieces) {
      for (const auto &[cell, growth] : fFoldSums.Join(piece, rest))
         this->fSumw2.fArray[cell] += growth;
   }
   fFoldSums.Seal(*this);
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
std::size_t OversampledTH<BASE>::GetCell(Int_t bin, const char *method) const
{
   const Int_t cell = bin < 0 ? 0 : bin >= this->GetNcells() ? this->GetNcells() - 1 : bin; // as TH1::GetBinError
   if (!fFoldSums.Matches(*this, cell))
      ThrowNoFoldInformation(method);
   return static_cast<std::size_t>(cell);
}

template <typename BASE>
bool OversampledTH<BASE>::CanAdd(const TH1 &other) const
{
   return other.GetNormFactor() == 0 && !(this->TestBit(TH1::kIsAverage) && other.TestBit(TH1::kIsAverage)) &&
          AreLabelsThoseOf(other);
}

template <typename BASE>
bool OversampledTH<BASE>::AreLabelsThoseOf(const TH1 &other) const
{
   // TH1::CheckConsistency takes the same labels in another order as the same.
   const auto others = GetAxes(other);
   const auto axes = GetAxes(*this);
   for (std::size_t i = 0; i < axes.size(); ++i) {
      if (!axes[i]->GetLabels() && !others[i]->GetLabels())
         continue;
      for (Int_t bin = 1; bin <= axes[i]->GetNbins(); ++bin) {
         if (std::string(axes[i]->GetBinLabel(bin)) != others[i]->GetBinLabel(bin))
            return false;
      }
   }
   return true;
}

template <typename BASE>
void OversampledTH<BASE>::RequireSameAxes(const TH1 &other, const char *action) const
{
   if ((TH1::CheckConsistency(this, &other) & ~TH1::kDifferentLabels) != TH1::kFullyConsistent)
      throw std::invalid_argument(Describe() + ": cannot " + action + " '" + other.GetName() +
                                  "', whose axes differ. Expected the same bins.");
}

template <typename BASE>
void OversampledTH<BASE>::RequireIndependence(const char *method, const TH1 *first, const TH1 *second) const
{
   if (IsOversampled(first) && IsOversampled(second))
      throw std::logic_error(
          Describe() + ": " + method +
          " of two oversampled histograms is not supported: if the same GEN events have filled both, "
          "their correlation is unknown. For an efficiency, book both at once with "
          "OversampledEfficiency1D (FlashSim::BookOversampledTEfficiency in C++). If their GEN "
          "events are different ones, use MakeTH() of one of them.");
}

template <typename BASE>
std::string OversampledTH<BASE>::Describe() const
{
   const std::string name = this->ClassName();
   return "FlashSim: " + name.substr(name.rfind(':') + 1) + " '" + this->GetName() + "'";
}

template <typename BASE>
void OversampledTH<BASE>::ThrowNeedsCovariance(const char *method, const char *remedy) const
{
   throw std::logic_error(Describe() + ": " + method +
                          " needs the correlations of bins, since RECO events made from the same GEN event fill "
                          "several of them, and the histogram does not hold their covariance. " +
                          remedy);
}

template <typename BASE>
void OversampledTH<BASE>::ThrowNotSupported(const char *method, const char *remedy) const
{
   throw std::logic_error(Describe() + ": " + method +
                          " is not supported: its errors would neglect that bins are correlated. " + remedy);
}

template <typename BASE>
void OversampledTH<BASE>::ThrowNoFoldInformation(const char *method) const
{
   throw std::logic_error(
       Describe() + ": " + method +
       " is not known. Contents or errors were changed without the fold information (SetBinContent, Fill, Multiply, "
       "Divide, hadd with a plain histogram, ...): call it before, or on a Clone. Or the event loop that was to fill "
       "the histogram failed.");
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

#define FLASHSIM_INSTANTIATE(DIMENSION, PRECISION) template class OversampledTH<TH##DIMENSION##PRECISION>;
FLASHSIM_FOR_EACH_OVERSAMPLEDTH(FLASHSIM_INSTANTIATE)
#undef FLASHSIM_INSTANTIATE

} // namespace FlashSim
