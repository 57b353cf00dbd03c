// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTEFFICIENCY
#define FLASHSIM_OVERSAMPLEDTEFFICIENCY

#include "FlashSim/FoldOptions.hxx"
#include "FlashSim/OversampledTH2.hxx"
#include "FlashSim/OversampledTH3.hxx"
#include "FlashSim/histograms/FoldSums.hxx"

#include <ROOT/RDF/HistoModels.hxx>
#include <ROOT/RDF/RInterface.hxx>
#include <ROOT/RResultPtr.hxx>
#include <TGraphAsymmErrors.h>
#include <TMatrixDSym.h>

#include <memory>
#include <string>

class TH1;

namespace FlashSim {

/// \brief An efficiency whose errors are right when several RECO events were made from each GEN event.
///
/// Passed and failed entries come from the same GEN events, so that both must be filled at once:
/// BookOversampledTEfficiency() books one histogram of the values and of whether they passed, with covariance. With
/// P_jb and T_jb the passed and the total weight of GEN event j in bin b, averaged over its RECO events:
///
/// | method | value |
/// | --- | --- |
/// | `GetEfficiency(b)` | e_b = sum_j P_jb / sum_j T_jb; NaN where the total is 0 |
/// | `GetEfficiencyError(b)` | sqrt(sum_j (P_jb - e_b T_jb)^2) / sum_j T_jb |
/// | `GetEfficiencyCovariance(b, c)` | sum_j (P_jb - e_b T_jb) (P_jc - e_c T_jc) / (sum_j T_jb sum_j T_jc) |
/// | `GetEfficiencyErrorNaive(b)` | the error if all RECO events were independent |
/// | `GetEfficiencyErrorForFoldSize(b, n)` | the error with a fold size of n |
/// | `GetEfficiencyErrorLimit(b)` | the error for N -> infinity |
///
/// Errors are those of the linear approximation, good for many GEN events. It gives 0 where all or none passed. There
/// GetEfficiencyErrorLow() and GetEfficiencyErrorUp(), which graphs show, give the one-sided Clopper-Pearson bound for
/// (sum_j T_jb)^2 / sum_j T_jb^2 trials, the effective number of GEN events. Weights of both signs may give
/// efficiencies outside of 0 to 1.
///
/// Bins are numbered as by `GetBin` of a histogram of the values, under- and overflow included. To make bins coarser,
/// rebin the histogram that was booked. Files hold this histogram, too: use its Write() and ReadOversampledTH().
///
/// ~~~{.cpp}
/// auto filled = FlashSim::BookOversampledTEfficiency(
///    node, {"eff", ";p_{T} [GeV];b tag efficiency", 20, 0., 200.}, "pt", "isTagged", "genWeight");
/// const FlashSim::OversampledTEfficiency efficiency(*filled);
/// efficiency.Draw();
/// std::cout << efficiency.GetEfficiency(7) << " +- " << efficiency.GetEfficiencyError(7) << "\n";
/// ~~~
///
/// *Threads*: as TH1.
class OversampledTEfficiency {
public:
   /// \param[in] filled values, and on the last axis two bins: failed, passed
   /// \throws std::logic_error without covariance; std::invalid_argument if the last axis has other bins, or some fills
   /// are neither failed nor passed
   explicit OversampledTEfficiency(const OversampledTH2D &filled);
   explicit OversampledTEfficiency(const OversampledTH3D &filled);
   OversampledTEfficiency(const OversampledTEfficiency &other);
   OversampledTEfficiency &operator=(const OversampledTEfficiency &other);
   ~OversampledTEfficiency();

   const char *GetName() const;
   const char *GetTitle() const;
   Int_t GetDimension() const;

   /// \name Efficiencies and their errors
   /// Bins beyond the last one throw std::out_of_range.
   /// \{
   Double_t GetEfficiency(Int_t bin) const;
   Double_t GetEfficiencyError(Int_t bin) const;
   Double_t GetEfficiencyErrorLow(Int_t bin) const;
   Double_t GetEfficiencyErrorUp(Int_t bin) const;
   Double_t GetEfficiencyErrorNaive(Int_t bin) const;
   Double_t GetEfficiencyErrorLimit(Int_t bin) const;
   /// \throws std::invalid_argument if `foldSize` is below 1
   Double_t GetEfficiencyErrorForFoldSize(Int_t bin, Int_t foldSize) const;
   Double_t GetEfficiencyCovariance(Int_t bin1, Int_t bin2) const;
   /// Of all bins in the order of their numbers, with under- and overflow if `withFlow`.
   TMatrixDSym GetCovarianceMatrix(bool withFlow = false) const;
   /// \}

   /// Sum of weights of passed entries.
   Double_t GetPassed(Int_t bin) const;
   /// Sum of weights of all entries.
   Double_t GetTotal(Int_t bin) const;

   /// A TH1D or TH2D of efficiencies and their errors, without the correlations between bins.
   std::unique_ptr<TH1> MakeTH() const;

   /// \brief Efficiencies of bins with a total, with the errors of GetEfficiencyErrorLow() and Up().
   /// \throws std::logic_error in two dimensions
   TGraphAsymmErrors MakeGraph() const;

   /// Draws a graph ("AP" by default), or in two dimensions a TH2D ("colz"), which the pad owns.
   void Draw(Option_t *option = "") const;

   /// Axes and names: a histogram of the values without contents.
   const TH1 &GetBins() const { return *fBins; }

private:
   OversampledTEfficiency(const TH1 &filled, const FoldSums &sums, std::unique_ptr<TH1> bins);

   /// Derivatives of a bin's efficiency by the contents of two cells of the filled histogram.
   struct Gradient {
      std::size_t fFailed, fPassed; ///< cells
      Double_t fByFailed, fByPassed;
   };
   Gradient GetGradient(Int_t bin) const;
   std::size_t GetCell(Int_t bin, std::size_t layer) const;
   template <typename Covariance>
   Double_t Propagate(Int_t bin1, Int_t bin2, Covariance covariance) const;
   Double_t GetBound(Int_t bin) const;

   FoldSums fSums;
   std::unique_ptr<TH1> fBins;
};

/// \brief Books the histogram of an OversampledTEfficiency.
/// \param[in] node any node of a computation graph
/// \param[in] model name, title and binning of the values; the title's last part names the efficiency
/// \param[in] value column of values
/// \param[in] passed column of bool, or of numbers 0 and 1; an RVec if the value is one
/// \param[in] weight column of weights, or empty for weights of 1
/// \param[in] options columns of the folds; the covariance is always kept
/// \return a histogram of failed and passed entries in the first and second bin of its last axis. Lazy
/// \throws as BookOversampled()
ROOT::RDF::RResultPtr<OversampledTH2D>
BookOversampledTEfficiency(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model, const std::string &value,
                           const std::string &passed, const std::string &weight = "", const FoldOptions &options = {});

/// The same in bins of two columns.
ROOT::RDF::RResultPtr<OversampledTH3D>
BookOversampledTEfficiency(ROOT::RDF::RNode node, const ROOT::RDF::TH2DModel &model, const std::string &x,
                           const std::string &y, const std::string &passed, const std::string &weight = "",
                           const FoldOptions &options = {});

/// \cond
namespace Booking {
/// Adds the axis of failed and passed entries.
ROOT::RDF::TH2DModel AddPassedAxis(const ROOT::RDF::TH1DModel &model);
ROOT::RDF::TH3DModel AddPassedAxis(const ROOT::RDF::TH2DModel &model);
} // namespace Booking
/// \endcond

} // namespace FlashSim

#endif
