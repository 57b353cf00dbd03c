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

/// Number of the histogram's axis that has this axis's name: 0, 1 or 2.
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

/// Bins in the axis's range; without a range, all of them, with or without under- and overflow.
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

} // namespace

template <typename Histogram>
TH1D *Projection::OnAxis(const Histogram &histogram, const std::string &name, const TAxis &kept, const TAxis *axis1,
                         const TAxis *axis2, bool useUnderflow, bool useOverflow,
                         const std::function<TH1D *(const char *)> &project)
{
   const auto plain = MakeAside(project);
   auto maps = SumRanges(histogram, useUnderflow, useOverflow);
   for (const auto *summed : {axis1, axis2}) {
      if (summed)
         maps[GetNumber(histogram, *summed)] = SumRange(*summed, useUnderflow, useOverflow);
   }
   std::vector<Int_t> strides(3, 0);
   maps[GetNumber(histogram, kept)] = Keep(kept, *plain->GetXaxis());
   strides[GetNumber(histogram, kept)] = 1;
   const CellMap map(maps, strides, static_cast<std::size_t>(plain->GetNcells()));
   return Make<OversampledTH1D>(histogram, "a projection", name, *plain, map);
}

template <typename Histogram>
TH2D *Projection::OnPlane(const Histogram &histogram, const std::string &name, const TAxis &first, const TAxis &second,
                          bool useUnderflow, bool useOverflow, const std::function<TH2D *(const char *)> &project)
{
   const auto plain = MakeAside(project);
   auto maps = SumRanges(histogram, useUnderflow, useOverflow);
   std::vector<Int_t> strides(3, 0);
   maps[GetNumber(histogram, first)] = Keep(first, *plain->GetYaxis());
   strides[GetNumber(histogram, first)] = plain->GetNbinsX() + 2;
   maps[GetNumber(histogram, second)] = Keep(second, *plain->GetXaxis());
   strides[GetNumber(histogram, second)] = 1;
   const CellMap map(maps, strides, static_cast<std::size_t>(plain->GetNcells()));
   return Make<OversampledTH2D>(histogram, "a projection", name, *plain, map);
}

TH3 *Rebinning::ReplaceBy(TH3 &histogram, const std::function<TH3 *(const char *)> &rebin)
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

#define FLASHSIM_PROJECTIONS(HISTOGRAM)                                                                                \
   template TH1D *Projection::OnAxis(const HISTOGRAM &, const std::string &, const TAxis &, const TAxis *,             \
                                     const TAxis *, bool, bool, const std::function<TH1D *(const char *)> &);          \
   template TH2D *Projection::OnPlane(const HISTOGRAM &, const std::string &, const TAxis &, const TAxis &, bool,      \
                                      bool, const std::function<TH2D *(const char *)> &);
FLASHSIM_PROJECTIONS(OversampledTH3D)
FLASHSIM_PROJECTIONS(OversampledTH3F)
#undef FLASHSIM_PROJECTIONS

} // namespace FlashSim
