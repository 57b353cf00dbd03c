// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTH2.hxx"

#include "FlashSim/histograms/detail/Projection.hxx"

#include <TH1.h>
#include <TString.h>

#include <memory>

namespace FlashSim {
namespace {

/// What TH2::ProjectionX and ProjectionY do, as an oversampled histogram. `project` is ROOT's own projection.
template <typename Histogram, typename Project>
TH1D *ProjectOnAxis(const Histogram &histogram, bool onX, const std::string &name, Int_t first, Int_t last,
                    const char *option, Project project)
{
   const char *method = onX ? "ProjectionX" : "ProjectionY";
   if (TString(option).Contains("["))
      histogram.ThrowNotSupported((std::string(method) + " with a graphical cut").c_str(),
                                  "Fill a histogram of what is inside the cut.");
   const TAxis &kept = onX ? *histogram.GetXaxis() : *histogram.GetYaxis();
   const TAxis &summed = onX ? *histogram.GetYaxis() : *histogram.GetXaxis();
   const Int_t overflow = summed.GetNbins() + 1;
   if (last < first && summed.TestBit(TAxis::kAxisRange)) {
      first = summed.GetFirst();
      last = summed.GetLast();
   }
   const auto sum = CellMap::Sum(summed, first, last < 0 ? overflow : last);

   const auto plain = Projection::MakeAside([&](const char *aside) { return project(aside); });
   const auto keep = Projection::Keep(kept, *plain->GetXaxis());
   const CellMap map(onX ? std::vector<CellMap::AxisMap_t>{keep, sum} : std::vector<CellMap::AxisMap_t>{sum, keep},
                     onX ? std::vector<Int_t>{1, 0} : std::vector<Int_t>{0, 1},
                     static_cast<std::size_t>(plain->GetNcells()));
   const bool isDefaultName = name == (onX ? "_px" : "_py");
   return Projection::Make<OversampledTH1D>(histogram, method, isDefaultName ? histogram.GetName() + name : name,
                                            *plain, map);
}

} // namespace

OversampledTH2D::OversampledTH2D() = default;

OversampledTH2D::OversampledTH2D(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup,
                                 Int_t nbinsy, Double_t ylow, Double_t yup)
   : OversampledTH<TH2D>(name, title, nbinsx, xlow, xup, nbinsy, ylow, yup)
{
}

OversampledTH2D::OversampledTH2D(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup,
                                 Int_t nbinsy, const Double_t *ybins)
   : OversampledTH<TH2D>(name, title, nbinsx, xlow, xup, nbinsy, ybins)
{
}

OversampledTH2D::OversampledTH2D(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                                 Double_t ylow, Double_t yup)
   : OversampledTH<TH2D>(name, title, nbinsx, xbins, nbinsy, ylow, yup)
{
}

OversampledTH2D::OversampledTH2D(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                                 const Double_t *ybins)
   : OversampledTH<TH2D>(name, title, nbinsx, xbins, nbinsy, ybins)
{
}

OversampledTH2D::OversampledTH2D(const OversampledTH2D &) = default;
OversampledTH2D &OversampledTH2D::operator=(const OversampledTH2D &) = default;
OversampledTH2D::~OversampledTH2D() = default;

TH2 *OversampledTH2D::Rebin2D(Int_t nxgroup, Int_t nygroup, const char *newname)
{
   return RebinWith("Rebin2D", nxgroup != 1 || nygroup != 1, [&] { return TH2D::Rebin2D(nxgroup, nygroup, newname); });
}

TH1D *OversampledTH2D::DoProjection(bool onX, const char *name, Int_t firstbin, Int_t lastbin, Option_t *option) const
{
   return ProjectOnAxis(*this, onX, name, firstbin, lastbin, option,
                        [&](const char *aside) { return TH2D::DoProjection(onX, aside, firstbin, lastbin, option); });
}

TProfile *OversampledTH2D::DoProfile(bool onX, const char *, Int_t, Int_t, Option_t *) const
{
   ThrowNotSupported(onX ? "ProfileX" : "ProfileY", "Take the means of slices (ProjectionY and the like).");
}

OversampledTH2F::OversampledTH2F() = default;

OversampledTH2F::OversampledTH2F(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup,
                                 Int_t nbinsy, Double_t ylow, Double_t yup)
   : OversampledTH<TH2F>(name, title, nbinsx, xlow, xup, nbinsy, ylow, yup)
{
}

OversampledTH2F::OversampledTH2F(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup,
                                 Int_t nbinsy, const Double_t *ybins)
   : OversampledTH<TH2F>(name, title, nbinsx, xlow, xup, nbinsy, ybins)
{
}

OversampledTH2F::OversampledTH2F(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                                 Double_t ylow, Double_t yup)
   : OversampledTH<TH2F>(name, title, nbinsx, xbins, nbinsy, ylow, yup)
{
}

OversampledTH2F::OversampledTH2F(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                                 const Double_t *ybins)
   : OversampledTH<TH2F>(name, title, nbinsx, xbins, nbinsy, ybins)
{
}

OversampledTH2F::OversampledTH2F(const OversampledTH2F &) = default;
OversampledTH2F &OversampledTH2F::operator=(const OversampledTH2F &) = default;
OversampledTH2F::~OversampledTH2F() = default;

TH2 *OversampledTH2F::Rebin2D(Int_t nxgroup, Int_t nygroup, const char *newname)
{
   return RebinWith("Rebin2D", nxgroup != 1 || nygroup != 1, [&] { return TH2F::Rebin2D(nxgroup, nygroup, newname); });
}

TH1D *OversampledTH2F::DoProjection(bool onX, const char *name, Int_t firstbin, Int_t lastbin, Option_t *option) const
{
   return ProjectOnAxis(*this, onX, name, firstbin, lastbin, option,
                        [&](const char *aside) { return TH2F::DoProjection(onX, aside, firstbin, lastbin, option); });
}

TProfile *OversampledTH2F::DoProfile(bool onX, const char *, Int_t, Int_t, Option_t *) const
{
   ThrowNotSupported(onX ? "ProfileX" : "ProfileY", "Take the means of slices (ProjectionY and the like).");
}

} // namespace FlashSim
