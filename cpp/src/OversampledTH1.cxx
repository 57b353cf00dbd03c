// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTH1.hxx"

#include <TDirectory.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace FlashSim {

OversampledTH1D::OversampledTH1D() = default;

OversampledTH1D::OversampledTH1D(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup)
   : OversampledTH<TH1D>(name, title, nbinsx, xlow, xup)
{
}

OversampledTH1D::OversampledTH1D(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins)
   : OversampledTH<TH1D>(name, title, nbinsx, xbins)
{
}

OversampledTH1D::OversampledTH1D(const OversampledTH1D &) = default;
OversampledTH1D &OversampledTH1D::operator=(const OversampledTH1D &) = default;
OversampledTH1D::~OversampledTH1D() = default;

std::shared_ptr<OversampledTH1D> OversampledTH1D::Make(const ROOT::RDF::TH1DModel &model)
{
   const TDirectory::TContext inNoDirectory(nullptr);
   const auto &edges = model.fBinXEdges;
   const std::string name = "FlashSim: OversampledTH1D '" + std::string(model.fName.Data()) + "'";
   if (edges.empty()) {
      if (model.fNbinsX < 1 || !(model.fXLow < model.fXUp))
         throw std::invalid_argument(name + " was asked for with " + std::to_string(model.fNbinsX) + " bins from " +
                                     std::to_string(model.fXLow) + " to " + std::to_string(model.fXUp) +
                                     ". Expected at least one bin and axis limits, as in (\"name\", \"title\", 50, 0., "
                                     "250.); limits cannot be found from the first fills.");
      return std::make_shared<OversampledTH1D>(model.fName, model.fTitle, model.fNbinsX, model.fXLow, model.fXUp);
   }
   const auto isMisplaced = [](double low, double high) { return !(low < high); };
   const bool isAscending = std::adjacent_find(edges.begin(), edges.end(), isMisplaced) == edges.end();
   if (edges.size() < 2 || !isAscending)
      throw std::invalid_argument(name + " was asked for with " + std::to_string(edges.size()) +
                                  " bin edges. Expected at least two, each above the one before.");
   return std::make_shared<OversampledTH1D>(model.fName, model.fTitle, static_cast<Int_t>(edges.size()) - 1,
                                            edges.data());
}

void OversampledTH1D::SetBins(Int_t nx, Double_t xmin, Double_t xmax)
{
   SetBinsOfEmpty(nx + 2, [&] { TH1D::SetBins(nx, xmin, xmax); });
}

void OversampledTH1D::SetBins(Int_t nx, const Double_t *xBins)
{
   SetBinsOfEmpty(nx + 2, [&] { TH1D::SetBins(nx, xBins); });
}

} // namespace FlashSim
