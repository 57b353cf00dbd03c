// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTH1.hxx"

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

TH1 *OversampledTH1D::Rebin(Int_t ngroup, const char *newname, const Double_t *xbins)
{
   if (xbins)
      RequireEdges(ngroup, xbins);
   return RebinWith("Rebin", ngroup != 1 || xbins, [&] { return TH1D::Rebin(ngroup, newname, xbins); });
}

OversampledTH1F::OversampledTH1F() = default;

OversampledTH1F::OversampledTH1F(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup)
   : OversampledTH<TH1F>(name, title, nbinsx, xlow, xup)
{
}

OversampledTH1F::OversampledTH1F(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins)
   : OversampledTH<TH1F>(name, title, nbinsx, xbins)
{
}

OversampledTH1F::OversampledTH1F(const OversampledTH1F &) = default;
OversampledTH1F &OversampledTH1F::operator=(const OversampledTH1F &) = default;
OversampledTH1F::~OversampledTH1F() = default;

TH1 *OversampledTH1F::Rebin(Int_t ngroup, const char *newname, const Double_t *xbins)
{
   if (xbins)
      RequireEdges(ngroup, xbins);
   return RebinWith("Rebin", ngroup != 1 || xbins, [&] { return TH1F::Rebin(ngroup, newname, xbins); });
}

} // namespace FlashSim
