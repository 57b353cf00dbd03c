// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTEfficiency.hxx"

#include "FlashSim/BookOversampledTH.hxx"

#include <TAxis.h>
#include <TDirectory.h>
#include <TEfficiency.h>
#include <TH1.h>
#include <TH2.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

namespace FlashSim {
namespace {

enum EBin { kUnderflow, kFailed, kPassed, kOverflow }; // of the last axis
constexpr Double_t kOneSigma = 0.682689492137085897;

void CopyAxis(const TAxis &from, TAxis &to)
{
   from.Copy(to);
   to.SetRange(0, 0);
}

std::unique_ptr<TH1> CloneAside(const TH1 &histogram)
{
   const TDirectory::TContext inNoDirectory(nullptr);
   std::unique_ptr<TH1> clone(static_cast<TH1 *>(histogram.Clone()));
   clone->SetDirectory(nullptr);
   return clone;
}

std::unique_ptr<TH1> MakeBins(const OversampledTH2D &filled)
{
   const TDirectory::TContext inNoDirectory(nullptr);
   auto bins = std::make_unique<TH1D>(filled.GetName(), filled.GetTitle(), filled.GetNbinsX(), 0, 1);
   CopyAxis(*filled.GetXaxis(), *bins->GetXaxis());
   bins->GetYaxis()->SetTitle(filled.GetYaxis()->GetTitle());
   return bins;
}

std::unique_ptr<TH1> MakeBins(const OversampledTH3D &filled)
{
   const TDirectory::TContext inNoDirectory(nullptr);
   auto bins =
       std::make_unique<TH2D>(filled.GetName(), filled.GetTitle(), filled.GetNbinsX(), 0, 1, filled.GetNbinsY(), 0, 1);
   CopyAxis(*filled.GetXaxis(), *bins->GetXaxis());
   CopyAxis(*filled.GetYaxis(), *bins->GetYaxis());
   bins->GetZaxis()->SetTitle(filled.GetZaxis()->GetTitle());
   return bins;
}

template <typename Histogram>
const FoldSums &RequireSums(const Histogram &filled, const TAxis &passed)
{
   const std::string name = std::string("FlashSim: OversampledTEfficiency of '") + filled.GetName() + "'";
   if (passed.GetNbins() != 2)
      throw std::invalid_argument(name + ": the last axis has " + std::to_string(passed.GetNbins()) +
                                  " bins. Expected two: failed and passed.");
   filled.RequireCovariance("an efficiency");
   return filled.GetFoldSums();
}

/// A model with the name, the title and the first axis of a smaller one.
template <typename Model, typename Smaller>
Model StartModel(const Smaller &smaller)
{
   Model model;
   model.fName = smaller.fName;
   model.fTitle = smaller.fTitle;
   model.fNbinsX = smaller.fNbinsX;
   model.fXLow = smaller.fXLow;
   model.fXUp = smaller.fXUp;
   model.fBinXEdges = smaller.fBinXEdges;
   return model;
}

} // namespace

OversampledTEfficiency::OversampledTEfficiency(const OversampledTH2D &filled)
   : OversampledTEfficiency(filled, RequireSums(filled, *filled.GetYaxis()), MakeBins(filled))
{
}

OversampledTEfficiency::OversampledTEfficiency(const OversampledTH3D &filled)
   : OversampledTEfficiency(filled, RequireSums(filled, *filled.GetZaxis()), MakeBins(filled))
{
}

OversampledTEfficiency::OversampledTEfficiency(const TH1 &filled, const FoldSums &sums, std::unique_ptr<TH1> bins)
   : fSums(sums), fBins(std::move(bins))
{
   if (!*fBins->GetYaxis()->GetTitle() && GetDimension() == 1)
      fBins->GetYaxis()->SetTitle("efficiency");
   const auto nBins = static_cast<std::size_t>(fBins->GetNcells());
   for (std::size_t bin = 0; bin < nBins; ++bin) {
      for (const std::size_t layer : {kUnderflow, kOverflow}) {
         if (fSums.GetContents()[bin + layer * nBins] != 0 || fSums.GetVariances()[bin + layer * nBins] != 0)
            throw std::invalid_argument(std::string("FlashSim: OversampledTEfficiency of '") + filled.GetName() +
                                        "': some fills neither passed nor failed. Expected a column of "
                                        "bool, or of 0 and 1.");
      }
   }
}

OversampledTEfficiency::OversampledTEfficiency(const OversampledTEfficiency &other)
   : fSums(other.fSums), fBins(CloneAside(*other.fBins))
{
}

OversampledTEfficiency &OversampledTEfficiency::operator=(const OversampledTEfficiency &other)
{
   if (this != &other) {
      fSums = other.fSums;
      fBins = CloneAside(*other.fBins);
   }
   return *this;
}

OversampledTEfficiency::~OversampledTEfficiency() = default;

const char *OversampledTEfficiency::GetName() const
{
   return fBins->GetName();
}

const char *OversampledTEfficiency::GetTitle() const
{
   return fBins->GetTitle();
}

Int_t OversampledTEfficiency::GetDimension() const
{
   return fBins->GetDimension();
}

std::size_t OversampledTEfficiency::GetCell(Int_t bin, std::size_t layer) const
{
   if (bin < 0 || bin >= fBins->GetNcells())
      throw std::out_of_range(std::string("FlashSim: OversampledTEfficiency '") + GetName() + "' has no bin " +
                              std::to_string(bin) + ". Expected 0 to " + std::to_string(fBins->GetNcells() - 1) + ".");
   return static_cast<std::size_t>(bin) + layer * static_cast<std::size_t>(fBins->GetNcells());
}

Double_t OversampledTEfficiency::GetPassed(Int_t bin) const
{
   return fSums.GetContents()[GetCell(bin, kPassed)];
}

Double_t OversampledTEfficiency::GetTotal(Int_t bin) const
{
   return fSums.GetContents()[GetCell(bin, kFailed)] + GetPassed(bin);
}

Double_t OversampledTEfficiency::GetEfficiency(Int_t bin) const
{
   const Double_t total = GetTotal(bin);
   return total == 0 ? std::numeric_limits<Double_t>::quiet_NaN() : GetPassed(bin) / total;
}

OversampledTEfficiency::Gradient OversampledTEfficiency::GetGradient(Int_t bin) const
{
   const Double_t efficiency = GetEfficiency(bin);
   const Double_t total = GetTotal(bin);
   return {GetCell(bin, kFailed), GetCell(bin, kPassed), -efficiency / total, (1 - efficiency) / total};
}

template <typename Covariance>
Double_t OversampledTEfficiency::Propagate(Int_t bin1, Int_t bin2, Covariance covariance) const
{
   const auto a = GetGradient(bin1);
   const auto b = GetGradient(bin2);
   // A cell with the factor 0 may have an unknown covariance (NaN).
   const auto term = [&](std::size_t cell1, Double_t by1, std::size_t cell2, Double_t by2) {
      return by1 == 0 || by2 == 0 ? 0. : by1 * by2 * covariance(cell1, cell2);
   };
   return term(a.fPassed, a.fByPassed, b.fPassed, b.fByPassed) + term(a.fPassed, a.fByPassed, b.fFailed, b.fByFailed) +
          term(a.fFailed, a.fByFailed, b.fPassed, b.fByPassed) + term(a.fFailed, a.fByFailed, b.fFailed, b.fByFailed);
}

Double_t OversampledTEfficiency::GetEfficiencyCovariance(Int_t bin1, Int_t bin2) const
{
   return Propagate(bin1, bin2, [&](std::size_t a, std::size_t b) { return fSums.GetCovariance(a, b); });
}

Double_t OversampledTEfficiency::GetEfficiencyError(Int_t bin) const
{
   const Double_t variance = GetEfficiencyCovariance(bin, bin);
   return variance < 0 ? 0. : std::sqrt(variance); // rounding, where nearly all or nearly none passed
}

Double_t OversampledTEfficiency::GetEfficiencyErrorNaive(Int_t bin) const
{
   return std::sqrt(
       Propagate(bin, bin, [&](std::size_t a, std::size_t b) { return a == b ? fSums.GetNaiveVariance(a) : 0.; }));
}

Double_t OversampledTEfficiency::GetEfficiencyErrorLimit(Int_t bin) const
{
   const Double_t variance =
       Propagate(bin, bin, [&](std::size_t a, std::size_t b) { return fSums.GetLimitCovariance(a, b); });
   return variance < 0 ? 0. : std::sqrt(variance);
}

Double_t OversampledTEfficiency::GetEfficiencyErrorForFoldSize(Int_t bin, Int_t foldSize) const
{
   if (foldSize < 1)
      throw std::invalid_argument(std::string("FlashSim: OversampledTEfficiency '") + GetName() +
                                  "': GetEfficiencyErrorForFoldSize takes a fold size of at least 1, not " +
                                  std::to_string(foldSize) + ".");
   const Double_t variance = Propagate(bin, bin, [&](std::size_t a, std::size_t b) {
      return fSums.GetLimitCovariance(a, b) + fSums.GetFoldCovariance(a, b) / foldSize;
   });
   return variance < 0 ? 0. : std::sqrt(variance);
}

Double_t OversampledTEfficiency::GetBound(Int_t bin) const
{
   const auto efficiency = GetEfficiency(bin);
   const auto cell = GetCell(bin, efficiency == 0 ? kFailed : kPassed); // all of the total
   const Double_t trials = GetTotal(bin) * GetTotal(bin) / fSums.GetVariances()[cell];
   return TEfficiency::ClopperPearson(trials, efficiency * trials, kOneSigma, efficiency == 0);
}

Double_t OversampledTEfficiency::GetEfficiencyErrorLow(Int_t bin) const
{
   return GetEfficiency(bin) == 1 ? 1 - GetBound(bin) : GetEfficiency(bin) == 0 ? 0. : GetEfficiencyError(bin);
}

Double_t OversampledTEfficiency::GetEfficiencyErrorUp(Int_t bin) const
{
   return GetEfficiency(bin) == 0 ? GetBound(bin) : GetEfficiency(bin) == 1 ? 0. : GetEfficiencyError(bin);
}

TMatrixDSym OversampledTEfficiency::GetCovarianceMatrix(bool withFlow) const
{
   std::vector<Int_t> bins;
   for (Int_t bin = 0; bin < fBins->GetNcells(); ++bin) {
      if (withFlow || (!fBins->IsBinUnderflow(bin) && !fBins->IsBinOverflow(bin)))
         bins.push_back(bin);
   }
   const auto nBins = static_cast<Int_t>(bins.size());
   TMatrixDSym matrix(nBins);
   for (Int_t i = 0; i < nBins; ++i) {
      for (Int_t k = 0; k <= i; ++k)
         matrix(i, k) = matrix(k, i) =
             GetEfficiencyCovariance(bins[static_cast<std::size_t>(i)], bins[static_cast<std::size_t>(k)]);
   }
   return matrix;
}

std::unique_ptr<TH1> OversampledTEfficiency::MakeTH() const
{
   auto histogram = CloneAside(*fBins);
   histogram->SetStats(false); // a sum of efficiencies has no meaning
   for (Int_t bin = 0; bin < histogram->GetNcells(); ++bin) {
      if (GetTotal(bin) == 0)
         continue;
      histogram->SetBinContent(bin, GetEfficiency(bin));
      histogram->SetBinError(bin, GetEfficiencyError(bin));
   }
   return histogram;
}

TGraphAsymmErrors OversampledTEfficiency::MakeGraph() const
{
   if (GetDimension() > 1)
      throw std::logic_error(std::string("FlashSim: OversampledTEfficiency '") + GetName() +
                             "' has two dimensions, and no graph. Use MakeTH().");
   TGraphAsymmErrors graph;
   const auto &axis = *fBins->GetXaxis();
   for (Int_t bin = 1; bin <= axis.GetNbins(); ++bin) {
      if (GetTotal(bin) == 0)
         continue;
      const Int_t point = graph.GetN();
      const Double_t half = axis.GetBinWidth(bin) / 2;
      graph.SetPoint(point, axis.GetBinCenter(bin), GetEfficiency(bin));
      graph.SetPointError(point, half, half, GetEfficiencyErrorLow(bin), GetEfficiencyErrorUp(bin));
   }
   graph.SetName(GetName());
   graph.SetTitle((std::string(GetTitle()) + ";" + axis.GetTitle() + ";" + fBins->GetYaxis()->GetTitle()).c_str());
   graph.GetXaxis()->SetLimits(axis.GetXmin(), axis.GetXmax());
   return graph;
}

void OversampledTEfficiency::Draw(Option_t *option) const
{
   TObject *drawn = nullptr;
   if (GetDimension() == 1)
      drawn = new TGraphAsymmErrors(MakeGraph());
   else
      drawn = MakeTH().release();
   drawn->SetBit(kCanDelete);
   drawn->Draw(*option ? option : GetDimension() == 1 ? "AP" : "colz");
}

ROOT::RDF::TH2DModel Booking::AddPassedAxis(const ROOT::RDF::TH1DModel &model)
{
   auto filled = StartModel<ROOT::RDF::TH2DModel>(model);
   filled.fNbinsY = 2;
   filled.fYLow = -0.5;
   filled.fYUp = 1.5;
   return filled;
}

ROOT::RDF::TH3DModel Booking::AddPassedAxis(const ROOT::RDF::TH2DModel &model)
{
   auto filled = StartModel<ROOT::RDF::TH3DModel>(model);
   filled.fNbinsY = model.fNbinsY;
   filled.fYLow = model.fYLow;
   filled.fYUp = model.fYUp;
   filled.fBinYEdges = model.fBinYEdges;
   filled.fNbinsZ = 2;
   filled.fZLow = -0.5;
   filled.fZUp = 1.5;
   return filled;
}

ROOT::RDF::RResultPtr<OversampledTH2D> BookOversampledTEfficiency(ROOT::RDF::RNode node,
                                                                  const ROOT::RDF::TH1DModel &model,
                                                                  const std::string &value, const std::string &passed,
                                                                  const std::string &weight, const FoldOptions &options)
{
   auto withCovariance = options;
   withCovariance.fCovariance = true;
   return BookOversampled<OversampledTH2D>(std::move(node), Booking::AddPassedAxis(model), {value, passed}, weight,
                                           withCovariance);
}

ROOT::RDF::RResultPtr<OversampledTH3D> BookOversampledTEfficiency(ROOT::RDF::RNode node,
                                                                  const ROOT::RDF::TH2DModel &model,
                                                                  const std::string &x, const std::string &y,
                                                                  const std::string &passed, const std::string &weight,
                                                                  const FoldOptions &options)
{
   auto withCovariance = options;
   withCovariance.fCovariance = true;
   return BookOversampled<OversampledTH3D>(std::move(node), Booking::AddPassedAxis(model), {x, y, passed}, weight,
                                           withCovariance);
}

} // namespace FlashSim
