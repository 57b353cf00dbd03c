// Part of FlashSim for RDataFrame.
#include "FlashSim/OversampledTH2.hxx"

#include "FlashSim/histograms/detail/Projection.hxx"

#include <TString.h>

namespace FlashSim {

template <typename Histogram>
TH1D *Projection::OnAxis(const Histogram &histogram, bool onX, const std::string &name, Int_t first, Int_t last,
                         const char *option, const std::function<TH1D *(const char *)> &project)
{
   const char *method = onX ? "ProjectionX" : "ProjectionY";
   if (TString(option).Contains("["))
      histogram.ThrowNotSupported((std::string(method) + " with a graphical cut").c_str(),
                                  "Fill a histogram with the entries inside the cut.");
   const TAxis &kept = onX ? *histogram.GetXaxis() : *histogram.GetYaxis();
   const TAxis &summed = onX ? *histogram.GetYaxis() : *histogram.GetXaxis();
   const Int_t overflow = summed.GetNbins() + 1;
   if (last < first && summed.TestBit(TAxis::kAxisRange)) {
      first = summed.GetFirst();
      last = summed.GetLast();
   }
   const auto sum = CellMap::Sum(summed, first, last < 0 ? overflow : last);

   const auto plain = MakeAside(project);
   const auto keep = Keep(kept, *plain->GetXaxis());
   const CellMap map(onX ? std::vector<CellMap::AxisMap_t>{keep, sum} : std::vector<CellMap::AxisMap_t>{sum, keep},
                     onX ? std::vector<Int_t>{1, 0} : std::vector<Int_t>{0, 1},
                     static_cast<std::size_t>(plain->GetNcells()));
   const bool isDefaultName = name == (onX ? "_px" : "_py");
   return Make<OversampledTH1D>(histogram, method, isDefaultName ? histogram.GetName() + name : name, *plain, map);
}

template TH1D *Projection::OnAxis(const OversampledTH2D &, bool, const std::string &, Int_t, Int_t, const char *,
                                  const std::function<TH1D *(const char *)> &);
template TH1D *Projection::OnAxis(const OversampledTH2F &, bool, const std::string &, Int_t, Int_t, const char *,
                                  const std::function<TH1D *(const char *)> &);

} // namespace FlashSim
