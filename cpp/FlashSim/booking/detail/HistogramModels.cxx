// Part of FlashSim for RDataFrame.
#include "FlashSim/booking/detail/HistogramModels.hxx"

#include "FlashSim/folds/PairSums.hxx"
#include "FlashSim/histograms/ForEachOversampledTH.hxx"

#include <TAxis.h>
#include <TDirectory.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace FlashSim {
namespace {

void CheckUniform(const AxisModel &axis, const std::string &action)
{
   if (axis.fNBins < 1 || !(axis.fLow < axis.fHigh) || !std::isfinite(axis.fHigh - axis.fLow))
      throw std::invalid_argument(action + " was asked for with " + std::to_string(axis.fNBins) + " bins from " +
                                  std::to_string(axis.fLow) + " to " + std::to_string(axis.fHigh) + " in " +
                                  axis.fName +
                                  ". Expected at least one bin and axis limits, as in (\"name\", \"title\", 50, 0., "
                                  "250.); limits cannot be found from the first fills.");
}

void CheckEdges(const AxisModel &axis, const std::string &action)
{
   const auto isMisplaced = [](double low, double high) { return !(low < high) || !std::isfinite(high - low); };
   const auto &edges = axis.fEdges;
   const auto misplaced = std::adjacent_find(edges.begin(), edges.end(), isMisplaced);
   if (misplaced != edges.end())
      throw std::invalid_argument(action + " was asked for with the bin edge " + std::to_string(*std::next(misplaced)) +
                                  " after " + std::to_string(*misplaced) + " in " + axis.fName +
                                  ". Expected each edge above the one before.");
   if (edges.size() < 2)
      throw std::invalid_argument(action + " was asked for with one bin edge in " + axis.fName +
                                  ". Expected at least two.");
}

std::size_t CheckCells(const std::vector<AxisModel> &axes, const std::string &action, bool withCovariance)
{
   double nCells = 1;
   for (const auto &axis : axes)
      nCells *= axis.fEdges.empty() ? axis.fNBins + 2. : static_cast<double>(axis.fEdges.size()) + 1;
   if (nCells > std::numeric_limits<Int_t>::max())
      throw std::invalid_argument(action + " was asked for with " + std::to_string(nCells) +
                                  " bins, more than ROOT can number. Expected fewer on each axis.");
   if (withCovariance && nCells > static_cast<double>(PairSums::kMaxCells))
      throw std::invalid_argument(
          action + " was asked for with " + std::to_string(static_cast<Long64_t>(nCells)) +
          " bins, under- and overflow included, and their covariance, a matrix of " +
          std::to_string(static_cast<Long64_t>(nCells * nCells * 12 / 1e6)) + " MB in each thread. Expected at most " +
          std::to_string(PairSums::kMaxCells) +
          " bins with covariance: take fewer, or fill a histogram without covariance for each projection and binning.");
   return static_cast<std::size_t>(nCells);
}

} // namespace

std::vector<AxisModel> GetAxes(const ROOT::RDF::TH1DModel &model)
{
   return {{"x", model.fNbinsX, model.fXLow, model.fXUp, model.fBinXEdges}};
}

std::vector<AxisModel> GetAxes(const ROOT::RDF::TH2DModel &model)
{
   return {{"x", model.fNbinsX, model.fXLow, model.fXUp, model.fBinXEdges},
           {"y", model.fNbinsY, model.fYLow, model.fYUp, model.fBinYEdges}};
}

std::vector<AxisModel> GetAxes(const ROOT::RDF::TH3DModel &model)
{
   return {{"x", model.fNbinsX, model.fXLow, model.fXUp, model.fBinXEdges},
           {"y", model.fNbinsY, model.fYLow, model.fYUp, model.fBinYEdges},
           {"z", model.fNbinsZ, model.fZLow, model.fZUp, model.fBinZEdges}};
}

template <typename Histogram>
std::shared_ptr<Histogram> MakeHistogram(const typename Histogram::Model_t &model, const std::string &action,
                                         bool withCovariance)
{
   const auto axes = GetAxes(model);
   for (const auto &axis : axes) {
      if (axis.fEdges.empty())
         CheckUniform(axis, action);
      else
         CheckEdges(axis, action);
   }
   const auto nCells = static_cast<Int_t>(CheckCells(axes, action, withCovariance));

   const TDirectory::TContext inNoDirectory(nullptr);
   auto histogram = std::make_shared<Histogram>();
   histogram->SetNameTitle(model.fName, model.fTitle);
   const std::vector<TAxis *> rootAxes{histogram->GetXaxis(), histogram->GetYaxis(), histogram->GetZaxis()};
   for (std::size_t i = 0; i < axes.size(); ++i) {
      const auto &edges = axes[i].fEdges;
      if (edges.empty())
         rootAxes[i]->Set(axes[i].fNBins, axes[i].fLow, axes[i].fHigh);
      else
         rootAxes[i]->Set(static_cast<Int_t>(edges.size()) - 1, edges.data());
   }
   histogram->SetBinsLength(nCells);
   histogram->Reset();
   histogram->SetDirectory(nullptr);
   return histogram;
}

#define FLASHSIM_INSTANTIATE(DIMENSION, PRECISION)                                                                     \
   template std::shared_ptr<OversampledTH##DIMENSION##PRECISION> MakeHistogram(                                        \
       const ROOT::RDF::TH##DIMENSION##DModel &, const std::string &, bool);
FLASHSIM_FOR_EACH_OVERSAMPLEDTH(FLASHSIM_INSTANTIATE)
#undef FLASHSIM_INSTANTIATE

} // namespace FlashSim
