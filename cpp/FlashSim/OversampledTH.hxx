// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTH
#define FLASHSIM_OVERSAMPLEDTH

#include "FlashSim/Chi2.hxx"
#include "FlashSim/folds/OpenFolds.hxx"
#include "FlashSim/histograms/FoldSums.hxx"
#include "FlashSim/histograms/Statistics.hxx"

#include <TAxis.h>
#include <TH1.h>
#include <TH2.h>
#include <TH3.h>
#include <TMatrixDSym.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

class TBuffer;
class TCollection;

namespace FlashSim {

class CellMap;
class FoldAccumulator;

/// \brief A ROOT histogram whose errors are right when several fills share a GEN event.
/// \tparam BASE the ROOT histogram: TH1D, TH1F, TH2D, TH2F, TH3D or TH3F
///
/// Filled by RDataFrame actions (see BookOversampled()), not by hand. With A_jb the weight that GEN event j brings
/// to bin b, averaged over its N_j RECO events (FoldAccumulator has the formulas):
///
/// | method | value |
/// | --- | --- |
/// | `GetBinContent(b)` | sum_j A_jb |
/// | `GetBinError(b)` | sqrt(sum_j A_jb^2), right for correlated RECO events; `GetSumw2()` is its square |
/// | `GetBinErrorNaive(b)` | the error that TH1::Fill would give, too small |
/// | `GetBinErrorForFoldSize(b, n)` | the error with a fold size of n |
/// | `GetBinErrorLimit(b)` | the error for N -> infinity |
/// | `GetBinCovariance(b, c)` | sum_j A_jb A_jc, if booked with covariance |
/// | `GetEntries()` | number of fills |
/// | `GetNGenEvents()` | number of GEN events that filled |
/// | `GetMean()`, `GetStdDev()` | from the values, weighted with w / N_j |
/// | `GetEffectiveEntries()` | (sum of weights)^2 / its variance, the correlations between bins included |
///
/// The effective entries are the number of GEN events if all have weight 1 and fill with all their RECO events, so that
/// `GetMeanError()`, which divides by their root, is conservative.
///
/// Bins are numbered as by `GetBin(ix, iy, iz)`. Under- and overflow are bins like the others. As for all histograms,
/// the statistics leave them out unless `SetStatOverflows` says otherwise, and NaN counts as overflow; where ROOT
/// computes the statistics from the bins (an axis range is set, ResetStats()) it takes bins as independent. TH1F and
/// the like hold contents as float; all else is double.
///
/// **Fold information** is all the sums beyond contents and errors. It follows Scale, Normalize, Add and Merge of
/// oversampled histograms, Reset, copies, and files. Anything else that changes contents or errors (SetBinContent,
/// Fill, Multiply, Divide, Add of another kind of histogram or other labels, an array written to, ...) loses it:
/// HasFoldInformation() is false from then on, and the methods that need it throw std::logic_error.
///
/// **Covariance.** The same GEN event fills several bins, which are therefore correlated. If the histogram was booked
/// with covariance (FoldOptions::fCovariance), all methods that join bins give right contents, errors, fold
/// information and covariance: Rebin, RebinX ..., Rebin2D, Rebin3D, ProjectionX ..., Project3D, GetSlice(),
/// GetCumulative (of one axis), IntegralAndError. Projections are oversampled histograms, returned as TH1D or TH2D.
/// Without covariance, these throw std::logic_error, unless no two filled bins become one. Profiles throw. Fits use
/// correct errors of the bins, but take bins as independent: use Chi2WithCovariance(), or few wide bins.
///
/// **Operators** keep class, fold information and covariance: `2 * h`, `h / 3`, `-h`, `h1 + h2`, `h1 - h2`, `h1 += h2`.
/// Sums take the two as independent: histograms of the same GEN events are not, fill one histogram with both instead.
/// Products and quotients of two oversampled histograms throw. For efficiencies there is OversampledTEfficiency:
/// `TEfficiency(passed, total)` and a plain TH1's `Divide(passed, total, 1, 1, "B")` take fills as independent, and C++
/// cannot forbid these calls.
///
/// *Files*: Write() writes a plain TH1D (...) with all contents and errors, beside it a folder of plain histograms with
/// the fold information. Any ROOT, `hadd` and uproot read and sum them rightly; ReadOversampledTH() puts them together
/// again. `file.Get<TH1D>("h")` is a plain TH1D, which rebins and integrates as if bins were independent. WriteTH()
/// writes the plain TH1D alone. TDirectory::WriteObject(), collections and canvases store an object of this class: only
/// a ROOT that finds this library can read or add it, others may crash, since ROOT cannot emulate a class derived from
/// TH1.
///
/// *Threads*: as TH1.
///
/// Source: arXiv:2402.13684, root-project/root #16740.
template <typename BASE>
class OversampledTH : public BASE {
   static_assert(std::is_base_of_v<TH1, BASE>, "oversampled histograms derive from ROOT's");

public:
   /// The ROOT histogram that this one is.
   using Base_t = BASE;

   using BASE::Add;
   using BASE::Divide;
   using BASE::Merge;
   using BASE::Multiply;
   using BASE::Normalize;
   using BASE::SetBins;

   /// ROOT's constructors. A histogram made of a vector or a matrix has no fold information.
   using BASE::BASE;

   /// Whether the fold information still belongs to contents and errors. Reads all bins.
   bool HasFoldInformation() const { return fFoldSums.Matches(*this); }

   /// GEN events that filled the histogram; for a slice or projection, the histogram that it was made from.
   ULong64_t GetNGenEvents() const { return GetFoldSums("GetNGenEvents").GetNGenEvents(); }

   /// The fold information in arrays over all bins.
   const FoldSums &GetFoldSums() const { return GetFoldSums("GetFoldSums"); }

   /// \name Variances and errors beyond GetBinError()
   /// All throw std::logic_error if the bin has lost its fold information.
   /// \{

   /// \brief Sum over fills of (w / N_j)^2: the variance if all RECO events were independent.
   Double_t GetBinVarianceNaive(Int_t bin) const;
   /// Root of GetBinVarianceNaive().
   Double_t GetBinErrorNaive(Int_t bin) const { return std::sqrt(GetBinVarianceNaive(bin)); }

   /// \brief Estimate of the variance for N -> infinity: the part that the number of GEN events sets.
   ///
   /// Unbiased. If weights differ in sign within a GEN event, it is negative at times. NaN in a bin that a GEN event
   /// with N = 1 filled: one RECO event does not tell how RECO events differ.
   Double_t GetBinVarianceLimit(Int_t bin) const;
   /// Root of GetBinVarianceLimit(), or 0 if that is negative.
   Double_t GetBinErrorLimit(Int_t bin) const { return Root(GetBinVarianceLimit(bin)); }

   /// \brief Estimate of the variance if the same GEN events had this fold size: V(N -> infinity) + D / foldSize.
   /// \param[in] bin number of the cell
   /// \param[in] foldSize at least 1
   /// \throws std::invalid_argument if `foldSize` is below 1
   ///
   /// Equals the variance itself if `foldSize` is the N of all GEN events. NaN as GetBinVarianceLimit().
   Double_t GetBinVarianceForFoldSize(Int_t bin, Int_t foldSize) const;
   /// Root of GetBinVarianceForFoldSize(), or 0 if that is negative.
   Double_t GetBinErrorForFoldSize(Int_t bin, Int_t foldSize) const
   {
      return Root(GetBinVarianceForFoldSize(bin, foldSize));
   }
   /// \}

   /// \name Covariance
   /// All but HasCovariance() throw std::logic_error if the covariance is not held or was lost.
   /// \{

   /// Whether the covariance of the bins is held. Reads all bins.
   bool HasCovariance() const { return fFoldSums.HasCovariance() && HasFoldInformation(); }

   /// sum_j A_jb A_jc of two bins: the squared error if they are the same.
   Double_t GetBinCovariance(Int_t bin1, Int_t bin2) const;

   /// The covariance over the product of the errors; NaN if one of them is 0.
   Double_t GetBinCorrelation(Int_t bin1, Int_t bin2) const;

   /// The covariance of all bins in the order of their numbers (x fastest), with under- and overflow if `withFlow`.
   TMatrixDSym GetCovarianceMatrix(bool withFlow = false) const;

   /// The correlation of these bins. Elements of bins with no error are NaN.
   TMatrixDSym GetCorrelationMatrix(bool withFlow = false) const;

   /// \brief Compares contents with those of an independent histogram, the covariance of both taken into account.
   /// \param[in] other with the same bins: oversampled with covariance, or a plain one, whose bins count as independent
   /// \param[in] withFlow whether under- and overflow are compared too
   /// \throws std::invalid_argument if the axes differ
   ///
   /// chi2 = d C^-1 d, with d the difference and C the sum of the covariances (Chi2Result has the details). C is
   /// estimated, well if there are many more GEN events than bins.
   Chi2Result Chi2WithCovariance(const TH1 &other, bool withFlow = false) const;
   /// \}

   /// \brief Divides by the sum of weights of all GEN events of the sample, selected or not: contents become fractions.
   /// \throws std::invalid_argument if `sumOfWeights` is 0 or not finite
   void Normalize(Double_t sumOfWeights);

   /// \brief Adds another histogram, taken as independent; exact if it is this one.
   /// \throws std::invalid_argument if it is oversampled and has other axes
   Bool_t Add(const TH1 *histogram, Double_t c1 = 1) override;
   Bool_t Add(const TH1 *h1, const TH1 *h2, Double_t c1 = 1, Double_t c2 = 1) override;

   /// \brief Adds histograms filled from other GEN events, as `hadd` does.
   /// \throws std::invalid_argument if one is not oversampled or has other axes
   ///
   /// The sum has the covariance if all filled ones have it.
   Long64_t Merge(TCollection *list) override;

   /// \name Products and quotients
   /// As TH1's, with a function or with an independent histogram that is not oversampled; fold information is lost.
   /// \throws std::logic_error if both are oversampled, since they may share GEN events, and for binomial errors
   /// (option "B"). An efficiency with right errors is OversampledTEfficiency.
   /// \{
   Bool_t Divide(const TH1 *histogram) override;
   Bool_t Divide(const TH1 *h1, const TH1 *h2, Double_t c1 = 1, Double_t c2 = 1, Option_t *option = "") override;
   Bool_t Multiply(const TH1 *histogram) override;
   Bool_t Multiply(const TH1 *h1, const TH1 *h2, Double_t c1 = 1, Double_t c2 = 1, Option_t *option = "") override;
   /// \}

   void Copy(TObject &copy) const override;
   void Reset(Option_t *option = "") override;
   void Scale(Double_t c1 = 1, Option_t *option = "") override;

   /// \name Bins
   /// As TH1::SetBins(). \throws std::logic_error if the number of bins of a filled histogram would change
   /// \{
   void SetBins(Int_t nx, Double_t xmin, Double_t xmax) override;
   void SetBins(Int_t nx, const Double_t *xBins) override;
   void SetBins(Int_t nx, Double_t xmin, Double_t xmax, Int_t ny, Double_t ymin, Double_t ymax) override;
   void SetBins(Int_t nx, const Double_t *xBins, Int_t ny, const Double_t *yBins) override;
   void SetBins(Int_t nx, Double_t xmin, Double_t xmax, Int_t ny, Double_t ymin, Double_t ymax, Int_t nz, Double_t zmin,
                Double_t zmax) override;
   void SetBins(Int_t nx, const Double_t *xBins, Int_t ny, const Double_t *yBins, Int_t nz,
                const Double_t *zBins) override;
   /// \}

   /// \brief The histogram of some bins; all others go into its under- and overflow, axis by axis.
   /// \param[in] name of the new histogram
   /// \param[in] bins first and last bin on each axis: {firstx, lastx, firsty, lasty, ...}, of 1 to the number of bins
   /// \return in no directory; to be deleted by the caller
   /// \throws std::invalid_argument if `bins` are not such ranges, std::logic_error without covariance
   OversampledTH *GetSlice(const char *name, const std::vector<Int_t> &bins) const;

   /// \brief As TH1::GetCumulative(): each bin becomes the sum of those up to it (or from it on).
   /// \throws std::logic_error without covariance, or if there is more than one axis
   TH1 *GetCumulative(Bool_t forward = kTRUE, const char *suffix = "_cumulative") const;

   /// A plain ROOT histogram with contents, errors, statistics and looks; in no directory.
   BASE MakeTH() const;

   /// Writes MakeTH() to the current directory, under the histogram's name unless given another. \return bytes written
   Int_t WriteTH(const char *name = nullptr) const;

   /// \brief Writes plain histograms to the current directory, for any ROOT, `hadd` and uproot: MakeTH() under the name
   /// of the histogram, and the fold information beside it in the folder `<name>_folds`. ReadOversampledTH() reads it.
   /// \return bytes written. \throws std::runtime_error if `<name>_folds` is there and is no folder
   /// \{
   Int_t Write(const char *name = nullptr, Int_t option = 0, Int_t bufsize = 0) override;
   Int_t Write(const char *name = nullptr, Int_t option = 0, Int_t bufsize = 0) const override;
   /// \}

   /// Whether under- and overflow count in mean, standard deviation and the like (see TH1::SetStatOverflows).
   bool AreOverflowsInStatistics() const { return this->GetStatOverflowsBehaviour(); }

   /// \brief Replaces contents, errors, fold information and statistics. For actions that fill.
   /// \param[in] accumulator sums of all cells
   /// \param[in] statistics as TH1::PutStats() takes them
   /// \param[in] entries number of fills
   void SetFromFolds(const FoldAccumulator &accumulator, Statistics_t statistics, Double_t entries);

   /// \brief Corrects variances and covariance after a Merge() with another part of the dataset, which takes two pieces
   /// of one fold for two GEN events. \pre fold information, and no Scale() since the event loops
   void JoinFolds(const OpenFolds::Pairs_t &pieces);

   /// \brief Replaces contents, errors and fold information by those of FoldSums::Regroup() and the like.
   /// \pre as many cells
   void SetFromSums(const FoldSums &sums);

   /// Declares that `sums` belong to the histogram's contents and errors. For readers of files.
   void SetFoldSums(const FoldSums &sums);

   /// Makes all contents, errors and statistics NaN. For actions that fail where they cannot throw.
   void Invalidate();

   /// Throws std::logic_error unless the covariance is held, or `map` joins no filled bins.
   void RequireCovariance(const char *method, const CellMap *map = nullptr) const;

   /// Throws std::logic_error: oversampled histograms have no `method`.
   [[noreturn]] void ThrowNotSupported(const char *method, const char *remedy) const;

protected:
   Double_t DoIntegral(Int_t ix1, Int_t ix2, Int_t iy1, Int_t iy2, Int_t iz1, Int_t iz2, Double_t &err, Option_t *opt,
                       Bool_t doerr = kFALSE) const override;

   /// \brief Calls `rebin`, ROOT's own method, and sets the fold information of its result.
   /// \param[in] method name, for errors
   /// \param[in] isJoining whether bins are joined
   /// \param[in] rebin returns a histogram of this class, this one or another, or nullptr
   template <typename Rebin>
   auto RebinWith(const char *method, bool isJoining, Rebin rebin)
   {
      const Binning before(*this);
      const FoldSums sums = GetFoldSums(method);
      if (isJoining)
         RequireCovariance(method);
      fIsRebinning = true;
      auto *rebinned = rebin();
      fIsRebinning = false;
      if (rebinned)
         SetRebinned(method, before, sums, *rebinned);
      return rebinned;
   }

   /// For 1D: the edges must be edges of existing bins. \throws std::invalid_argument
   void RequireEdges(Int_t nBins, const Double_t *edges) const;

   /// Throws std::logic_error: correlations between bins are neglected by `method`.
   [[noreturn]] void ThrowNeedsCovariance(const char *method, const char *remedy) const;

   /// `FlashSim: OversampledTH1D 'mjj'`
   std::string Describe() const;

private:
   /// The axes before an operation.
   struct Binning {
      explicit Binning(const TH1 &histogram);
      std::vector<TAxis> fAxes;
   };

   /// Makes the array of squared errors. \return fold information of a histogram without contents
   FoldSums MakeSums(bool withCovariance = false);
   /// Resets the fold information; HasCovariance() stays as it is.
   void ResetSums();

   template <typename Set>
   void SetBinsWith(Int_t nCells, Set setBins);
   void SetRebinned(const char *method, const Binning &before, const FoldSums &sums, TH1 &rebinned);

   static Double_t Root(Double_t variance) { return variance < 0 ? 0. : std::sqrt(variance); }

   /// Bins in range, or all of them.
   std::vector<Int_t> GetBins(bool withFlow) const;
   const FoldSums &GetFoldSums(const char *method) const;
   std::size_t GetCell(Int_t bin, const char *method) const;
   /// Whether ROOT adds the other histogram bin by bin. It adds bins with labels by label.
   bool CanAdd(const TH1 &other) const;
   bool AreLabelsThoseOf(const TH1 &other) const;

   /// Uses the covariance in statistics that ROOT has computed from bins taken as independent.
   void CorrectStatistics();
   void RequireSameAxes(const TH1 &other, const char *action) const;
   /// Throws std::logic_error if both operands are oversampled histograms.
   void RequireIndependence(const char *method, const TH1 *first, const TH1 *second) const;
   [[noreturn]] void ThrowNoFoldInformation(const char *method) const;

   FoldSums fFoldSums = MakeSums(); ///< fold information
   bool fIsRebinning = false;       ///<! while ROOT's own methods may change the number of bins

   ClassDefOverride(OversampledTH, 1);
};

} // namespace FlashSim

#endif
