// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTH
#define FLASHSIM_OVERSAMPLEDTH

#include "FlashSim/FoldAccumulator.hxx"
#include "FlashSim/FoldSums.hxx"

#include <TArrayD.h>
#include <TBuffer.h>
#include <TCollection.h>
#include <TH1.h>
#include <TString.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace FlashSim {

/// \brief What makes a ROOT histogram an oversampled one: errors that know which fills share a GEN event.
/// \tparam BASE the ROOT histogram, such as TH1D
///
/// Filled by RDataFrame actions (see BookOversampledTH1D()), not by hand. With A_jb the weight that GEN event j brings
/// to bin b, averaged over its N_j folds (FoldAccumulator has the formulas):
///
/// | what | is |
/// | --- | --- |
/// | `GetBinContent(b)` | sum_j A_jb |
/// | `GetBinError(b)` | sqrt(sum_j A_jb^2), right for correlated folds; `GetSumw2()` is its square |
/// | `GetBinErrorNaive(b)` | what TH1::Fill would claim, too small |
/// | `GetBinErrorForFolds(b, n)`, `GetBinErrorLimit(b)` | what it would be with n folds, with infinitely many |
/// | `GetEntries()` | number of fills |
/// | `GetNGenEvents()` | number of GEN events that filled |
/// | `GetMean()`, `GetStdDev()` | from the values, weighted with w / N_j |
/// | `GetEffectiveEntries()` | (sum of weights)^2 / its variance, the correlations between bins included |
///
/// The effective entries are the number of GEN events if all have weight 1 and fill with all their folds, so that
/// `GetMeanError()`, which divides by their root, is conservative.
///
/// Under- and overflow are bins like the others. As for all histograms, the statistics leave them out unless
/// `SetStatOverflows` says otherwise, and NaN counts as overflow; where ROOT computes the statistics from the bins (an
/// axis range is set, ResetStats()) it takes bins as independent.
///
/// **Fold information** is what lies beyond contents and errors. It follows Scale, Normalize, Add and Merge of
/// oversampled histograms, Reset, copies, and files. Anything else that changes contents or errors (SetBinContent,
/// Fill, Multiply, Divide, Add of another kind of histogram, an array written to directly, ...) loses it:
/// HasFoldInformation() is false from then on, and what depends on it throws.
///
/// **Bin-to-bin covariance** is not held: Rebin, SetBins of a filled histogram, GetCumulative and IntegralAndError over
/// several bins would need it, and throw. Fits and tests see correct errors of the bins, but take bins as independent.
///
/// *Threads*: as TH1.
///
/// Source: arXiv:2402.13684, root-project/root #16740.
template <typename BASE>
class OversampledTH : public BASE {
   static_assert(std::is_base_of_v<TH1, BASE>, "oversampled histograms derive from ROOT's");

public:
   using Statistics_t = std::array<Double_t, TH1::kNstat>;

   using BASE::Add;
   using BASE::Merge;
   using BASE::Normalize;

   OversampledTH() { MakeSums(); }
   template <typename... Binning>
   OversampledTH(const char *name, const char *title, Binning... binning) : BASE(name, title, binning...)
   {
      MakeSums();
   }
   OversampledTH(const OversampledTH &other) : BASE(other), fFoldSums(other.fFoldSums) {}
   OversampledTH &operator=(const OversampledTH &other);

   /// Whether contents and errors are still those that the fold information belongs to. Looks at all bins.
   bool HasFoldInformation() const { return fFoldSums.Belong(*this); }

   /// Number of GEN events that filled the histogram at least once, in any cell.
   /// \throws std::logic_error without fold information
   ULong64_t GetNGenEvents() const;

   /// \name Variances and errors beyond GetBinError()
   /// All throw std::logic_error if the bin has lost its fold information.
   /// \{

   /// \brief Sum over fills of (w / N_j)^2: the variance if all RECO events were independent.
   Double_t GetBinVarianceNaive(Int_t bin) const;
   /// Root of GetBinVarianceNaive().
   Double_t GetBinErrorNaive(Int_t bin) const { return std::sqrt(GetBinVarianceNaive(bin)); }

   /// \brief Estimate of the variance for N -> infinity: what the number of GEN events imposes.
   ///
   /// Unbiased, hence negative at times, where it is small or weights have both signs. NaN in a bin that a GEN event
   /// with N = 1 filled: one fold does not tell how folds differ.
   Double_t GetBinVarianceLimit(Int_t bin) const;
   /// Root of GetBinVarianceLimit(), or 0 if that is negative.
   Double_t GetBinErrorLimit(Int_t bin) const { return Root(GetBinVarianceLimit(bin)); }

   /// \brief Estimate of the variance if the same GEN events had `folds` folds each: V(N -> infinity) + D / folds.
   /// \param[in] bin number of the cell
   /// \param[in] folds at least 1
   /// \throws std::invalid_argument if `folds` is below 1
   ///
   /// Equals the variance itself if `folds` is the N of all GEN events. NaN as GetBinVarianceLimit().
   Double_t GetBinVarianceForFolds(Int_t bin, Int_t folds) const;
   /// Root of GetBinVarianceForFolds(), or 0 if that is negative.
   Double_t GetBinErrorForFolds(Int_t bin, Int_t folds) const { return Root(GetBinVarianceForFolds(bin, folds)); }
   /// \}

   /// \brief Divides by the sum of weights of all GEN events of the sample, selected or not: contents become fractions.
   /// \throws std::invalid_argument if `sumOfWeights` is 0 or not finite
   void Normalize(Double_t sumOfWeights);

   /// \brief Adds another histogram, taken as independent.
   /// \throws std::invalid_argument if it is oversampled and has other axes
   Bool_t Add(const TH1 *histogram, Double_t c1 = 1) override;
   Bool_t Add(const TH1 *h1, const TH1 *h2, Double_t c1 = 1, Double_t c2 = 1) override;

   /// \brief Adds histograms filled from other GEN events, as `hadd` does.
   /// \throws std::invalid_argument if one is not oversampled or has other axes
   Long64_t Merge(TCollection *list) override;

   void Copy(TObject &copy) const override;
   void Reset(Option_t *option = "") override;
   void Scale(Double_t c1 = 1, Option_t *option = "") override;

   [[noreturn]] TH1 *Rebin(Int_t ngroup = 2, const char *newname = "", const Double_t *xbins = nullptr) override;
   [[noreturn]] TH1 *GetCumulative(Bool_t forward = kTRUE, const char *suffix = "_cumulative") const;

   /// Whether under- and overflow count in mean, standard deviation and the like (see TH1::SetStatOverflows).
   bool AreOverflowsInStatistics() const { return this->GetStatOverflowsBehaviour(); }

   /// \brief Replaces contents, errors, fold information and statistics. For actions that fill.
   /// \param[in] accumulator sums of all cells
   /// \param[in] statistics as TH1::PutStats() takes them
   /// \param[in] entries number of fills
   void SetFromFolds(const FoldAccumulator &accumulator, Statistics_t statistics, Double_t entries);

   /// Makes all contents, errors and statistics NaN. For actions that fail where they cannot throw.
   void Invalidate();

protected:
   Double_t DoIntegral(Int_t ix1, Int_t ix2, Int_t iy1, Int_t iy2, Int_t iz1, Int_t iz2, Double_t &err, Option_t *opt,
                       Bool_t doerr = kFALSE) const override;

   /// \brief Calls `setBins`, which makes the histogram one of `nCells` cells.
   /// \throws std::logic_error if the number of cells changes and there are contents
   template <typename SetBins>
   void SetBinsOfEmpty(Int_t nCells, SetBins setBins);

private:
   /// Fold information of a histogram without contents.
   void MakeSums();

   static Double_t Root(Double_t variance) { return variance < 0 ? 0. : std::sqrt(variance); }

   std::string Describe() const { return "FlashSim: " + std::string(this->ClassName()) + " '" + this->GetName() + "'"; }
   std::size_t GetCell(Int_t bin, const char *method) const;
   bool CanAdd(const TH1 &other) const;
   void RequireSameAxes(const TH1 &other) const;
   [[noreturn]] void ThrowNeedsCovariance(const char *method, const char *remedy) const;
   [[noreturn]] void ThrowNoFoldInformation(const char *method) const;

   FoldSums fFoldSums; ///< fold information

   ClassDefOverride(OversampledTH, 1);
};

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
   if (this->GetSumw2N() == 0)
      this->Sumw2();
   fFoldSums = FoldSums(static_cast<std::size_t>(this->GetNcells()));
   fFoldSums.Seal(*this);
}

template <typename BASE>
ULong64_t OversampledTH<BASE>::GetNGenEvents() const
{
   if (!HasFoldInformation())
      ThrowNoFoldInformation("GetNGenEvents");
   return fFoldSums.GetNGenEvents();
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
      RequireSameAxes(*other);
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
      RequireSameAxes(*first);
      RequireSameAxes(*second);
   }
   if (isKnown) {
      sums = first->fFoldSums;
      if (first == second && c2 < 0) { // how TH1::Add is asked to divide by the bins' widths
         for (Int_t cell = 0; cell < this->GetNcells(); ++cell) {
            Int_t binX = 0, binY = 0, binZ = 0;
            first->GetBinXYZ(cell, binX, binY, binZ);
            const Double_t width = first->GetXaxis()->GetBinWidth(binX) * first->GetYaxis()->GetBinWidth(binY) *
                                   first->GetZaxis()->GetBinWidth(binZ);
            sums.Scale(static_cast<std::size_t>(cell), c1 / width);
         }
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
      RequireSameAxes(*other);
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
   if (auto *other = dynamic_cast<OversampledTH *>(&copy))
      other->fFoldSums = fFoldSums;
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
TH1 *OversampledTH<BASE>::Rebin(Int_t, const char *, const Double_t *)
{
   ThrowNeedsCovariance("Rebin", "Fill a histogram with the wider bins.");
}

template <typename BASE>
TH1 *OversampledTH<BASE>::GetCumulative(Bool_t, const char *) const
{
   ThrowNeedsCovariance("GetCumulative", "Fill a histogram for each threshold.");
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
   const bool isOneBin =
       ix1 == ix2 && (this->GetDimension() < 2 || iy1 == iy2) && (this->GetDimension() < 3 || iz1 == iz2);
   if (doerr && !isOneBin)
      ThrowNeedsCovariance("IntegralAndError over several bins", "Fill a histogram with one bin for this range.");
   return BASE::DoIntegral(ix1, ix2, iy1, iy2, iz1, iz2, err, opt, doerr);
}

template <typename BASE>
template <typename SetBins>
void OversampledTH<BASE>::SetBinsOfEmpty(Int_t nCells, SetBins setBins)
{
   if (nCells == this->GetNcells()) {
      setBins();
      return;
   }
   for (Int_t cell = 0; cell < this->GetNcells(); ++cell) {
      if (this->RetrieveBinContent(cell) != 0 || this->GetBinErrorSqUnchecked(cell) != 0)
         ThrowNeedsCovariance("SetBins with another number of bins", "Reset() the histogram first, or fill another.");
   }
   setBins();
   MakeSums();
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
void OversampledTH<BASE>::RequireSameAxes(const TH1 &other) const
{
   if ((TH1::CheckConsistency(this, &other) & ~TH1::kDifferentLabels) != TH1::kFullyConsistent)
      throw std::invalid_argument(Describe() + ": cannot add '" + other.GetName() +
                                  "', whose axes differ. Expected the same bins.");
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

#ifndef __CLING__ // where ClassDef defines one that does nothing
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
#endif

} // namespace FlashSim

#endif
