// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTH3.hxx"

#include "FlashSim/histograms/detail/Projection.hxx"

#include <TDirectory.h>
#include <TH1.h>
#include <TH2.h>

#include <array>
#include <memory>
#include <string>

namespace FlashSim {
namespace {

/// Which of the histogram's axes this is, or a copy of: 0, 1 or 2.
std::size_t GetNumber(const TH1 &histogram, const TAxis &axis)
{
   const std::array<const TAxis *, 3> axes{histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis()};
   for (std::size_t i = 0; i < axes.size(); ++i) {
      if (std::string(axes[i]->GetName()) == axis.GetName())
         return i;
   }
   throw std::logic_error(std::string("FlashSim: '") + axis.GetName() + "' is no axis of '" + histogram.GetName() +
                          "'.");
}

/// Bins in the axis's range; where there is none, all of them, with or without under- and overflow.
CellMap::AxisMap_t SumRange(const TAxis &axis, bool useUnderflow, bool useOverflow)
{
   if (axis.TestBit(TAxis::kAxisRange))
      return CellMap::Sum(axis, axis.GetFirst(), axis.GetLast());
   return CellMap::Sum(axis, useUnderflow ? 0 : 1, axis.GetNbins() + (useOverflow ? 1 : 0));
}

std::vector<CellMap::AxisMap_t> SumRanges(const TH1 &histogram, bool useUnderflow, bool useOverflow)
{
   std::vector<CellMap::AxisMap_t> maps;
   for (const auto *axis : {histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis()})
      maps.push_back(SumRange(*axis, useUnderflow, useOverflow));
   return maps;
}

/// `axis1` and `axis2` are copies of the histogram's axes with other ranges, or nullptr.
CellMap ProjectOn1(const TH1 &histogram, const TH1 &projection, const TAxis &kept, const TAxis *axis1,
                   const TAxis *axis2, bool useUnderflow, bool useOverflow)
{
   auto maps = SumRanges(histogram, useUnderflow, useOverflow);
   for (const auto *summed : {axis1, axis2}) {
      if (summed)
         maps[GetNumber(histogram, *summed)] = SumRange(*summed, useUnderflow, useOverflow);
   }
   std::vector<Int_t> strides(3, 0);
   maps[GetNumber(histogram, kept)] = Projection::Keep(kept, *projection.GetXaxis());
   strides[GetNumber(histogram, kept)] = 1;
   return CellMap(maps, strides, static_cast<std::size_t>(projection.GetNcells()));
}

/// The first axis that TH3 names becomes the second of the projection.
CellMap ProjectOn2(const TH1 &histogram, const TH1 &projection, const TAxis &first, const TAxis &second,
                   bool useUnderflow, bool useOverflow)
{
   auto maps = SumRanges(histogram, useUnderflow, useOverflow);
   std::vector<Int_t> strides(3, 0);
   maps[GetNumber(histogram, first)] = Projection::Keep(first, *projection.GetYaxis());
   strides[GetNumber(histogram, first)] = projection.GetNbinsX() + 2;
   maps[GetNumber(histogram, second)] = Projection::Keep(second, *projection.GetXaxis());
   strides[GetNumber(histogram, second)] = 1;
   return CellMap(maps, strides, static_cast<std::size_t>(projection.GetNcells()));
}

/// Replaces a histogram by what `rebin` makes of it: TH3::Rebin3D in place gives wrong under- and overflow (ROOT 6.40).
template <typename Histogram, typename Rebin>
TH3 *ReplaceBy(Histogram &histogram, Rebin rebin)
{
   const std::string name = histogram.GetName();
   TDirectory *const directory = histogram.GetDirectory();
   const TDirectory::TContext inNoDirectory(nullptr);
   const std::unique_ptr<TH3> rebinned(rebin("FlashSim_rebinned_aside"));
   if (!rebinned)
      return nullptr;
   histogram.SetDirectory(nullptr);
   rebinned->Copy(histogram);
   histogram.SetName(name.c_str());
   histogram.SetDirectory(directory);
   return &histogram;
}

} // namespace

OversampledTH3D::OversampledTH3D() = default;

OversampledTH3D::OversampledTH3D(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup,
                                 Int_t nbinsy, Double_t ylow, Double_t yup, Int_t nbinsz, Double_t zlow, Double_t zup)
   : OversampledTH<TH3D>(name, title, nbinsx, xlow, xup, nbinsy, ylow, yup, nbinsz, zlow, zup)
{
}

OversampledTH3D::OversampledTH3D(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                                 const Double_t *ybins, Int_t nbinsz, const Double_t *zbins)
   : OversampledTH<TH3D>(name, title, nbinsx, xbins, nbinsy, ybins, nbinsz, zbins)
{
}

OversampledTH3D::OversampledTH3D(const OversampledTH3D &) = default;
OversampledTH3D &OversampledTH3D::operator=(const OversampledTH3D &) = default;
OversampledTH3D::~OversampledTH3D() = default;

TH3 *OversampledTH3D::Rebin3D(Int_t nxgroup, Int_t nygroup, Int_t nzgroup, const char *newname)
{
   if (!newname || !*newname)
      return ReplaceBy(*this, [&](const char *aside) { return Rebin3D(nxgroup, nygroup, nzgroup, aside); });
   return RebinWith("Rebin3D", nxgroup != 1 || nygroup != 1 || nzgroup != 1,
                    [&] { return TH3D::Rebin3D(nxgroup, nygroup, nzgroup, newname); });
}

TH1D *OversampledTH3D::DoProject1D(const char *name, const char *title, const TAxis *projAxis, const TAxis *axis1,
                                   const TAxis *axis2, bool computeErrors, bool originalRange, bool useUF, bool useOF,
                                   bool useWidth) const
{
   const auto plain = Projection::MakeAside([&](const char *aside) {
      return TH3D::DoProject1D(aside, title, projAxis, axis1, axis2, computeErrors, originalRange, useUF, useOF,
                               useWidth);
   });
   return Projection::Make<OversampledTH1D>(*this, "a projection", name, *plain,
                                            ProjectOn1(*this, *plain, *projAxis, axis1, axis2, useUF, useOF));
}

TH2D *OversampledTH3D::DoProject2D(const char *name, const char *title, const TAxis *projX, const TAxis *projY,
                                   bool computeErrors, bool originalRange, bool useUF, bool useOF, bool useWidth) const
{
   const auto plain = Projection::MakeAside([&](const char *aside) {
      return TH3D::DoProject2D(aside, title, projX, projY, computeErrors, originalRange, useUF, useOF, useWidth);
   });
   return Projection::Make<OversampledTH2D>(*this, "a projection", name, *plain,
                                            ProjectOn2(*this, *plain, *projX, *projY, useUF, useOF));
}

TProfile2D *OversampledTH3D::DoProjectProfile2D(const char *, const char *, const TAxis *, const TAxis *, bool, bool,
                                                bool, bool) const
{
   ThrowNotSupported("Project3DProfile", "Take the means of slices (ProjectionZ and the like).");
}

OversampledTH3F::OversampledTH3F() = default;

OversampledTH3F::OversampledTH3F(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup,
                                 Int_t nbinsy, Double_t ylow, Double_t yup, Int_t nbinsz, Double_t zlow, Double_t zup)
   : OversampledTH<TH3F>(name, title, nbinsx, xlow, xup, nbinsy, ylow, yup, nbinsz, zlow, zup)
{
}

OversampledTH3F::OversampledTH3F(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                                 const Double_t *ybins, Int_t nbinsz, const Double_t *zbins)
   : OversampledTH<TH3F>(name, title, nbinsx, xbins, nbinsy, ybins, nbinsz, zbins)
{
}

OversampledTH3F::OversampledTH3F(const OversampledTH3F &) = default;
OversampledTH3F &OversampledTH3F::operator=(const OversampledTH3F &) = default;
OversampledTH3F::~OversampledTH3F() = default;

TH3 *OversampledTH3F::Rebin3D(Int_t nxgroup, Int_t nygroup, Int_t nzgroup, const char *newname)
{
   if (!newname || !*newname)
      return ReplaceBy(*this, [&](const char *aside) { return Rebin3D(nxgroup, nygroup, nzgroup, aside); });
   return RebinWith("Rebin3D", nxgroup != 1 || nygroup != 1 || nzgroup != 1,
                    [&] { return TH3F::Rebin3D(nxgroup, nygroup, nzgroup, newname); });
}

TH1D *OversampledTH3F::DoProject1D(const char *name, const char *title, const TAxis *projAxis, const TAxis *axis1,
                                   const TAxis *axis2, bool computeErrors, bool originalRange, bool useUF, bool useOF,
                                   bool useWidth) const
{
   const auto plain = Projection::MakeAside([&](const char *aside) {
      return TH3F::DoProject1D(aside, title, projAxis, axis1, axis2, computeErrors, originalRange, useUF, useOF,
                               useWidth);
   });
   return Projection::Make<OversampledTH1D>(*this, "a projection", name, *plain,
                                            ProjectOn1(*this, *plain, *projAxis, axis1, axis2, useUF, useOF));
}

TH2D *OversampledTH3F::DoProject2D(const char *name, const char *title, const TAxis *projX, const TAxis *projY,
                                   bool computeErrors, bool originalRange, bool useUF, bool useOF, bool useWidth) const
{
   const auto plain = Projection::MakeAside([&](const char *aside) {
      return TH3F::DoProject2D(aside, title, projX, projY, computeErrors, originalRange, useUF, useOF, useWidth);
   });
   return Projection::Make<OversampledTH2D>(*this, "a projection", name, *plain,
                                            ProjectOn2(*this, *plain, *projX, *projY, useUF, useOF));
}

TProfile2D *OversampledTH3F::DoProjectProfile2D(const char *, const char *, const TAxis *, const TAxis *, bool, bool,
                                                bool, bool) const
{
   ThrowNotSupported("Project3DProfile", "Take the means of slices (ProjectionZ and the like).");
}

} // namespace FlashSim
