// Part of FlashSim for RDataFrame.
#include "FlashSim/histograms/CellMap.hxx"

#include <TAxis.h>

#include <algorithm>

namespace FlashSim {

CellMap::AxisMap_t CellMap::Rebin(const TAxis &from, const TAxis &to)
{
   const Int_t overflow = from.GetNbins() + 1;
   AxisMap_t bins(static_cast<std::size_t>(overflow) + 1);
   for (Int_t bin = 1; bin < overflow; ++bin)
      bins[static_cast<std::size_t>(bin)] = to.FindFixBin(from.GetBinCenter(bin));
   bins.front() = 0;
   bins.back() = to.GetNbins() + 1;
   return bins;
}

CellMap::AxisMap_t CellMap::Sum(const TAxis &from, Int_t first, Int_t last)
{
   AxisMap_t bins(static_cast<std::size_t>(from.GetNbins()) + 2, kDropped);
   for (Int_t bin = std::max(first, 0); bin <= std::min(last, from.GetNbins() + 1); ++bin)
      bins[static_cast<std::size_t>(bin)] = 0;
   return bins;
}

CellMap::AxisMap_t CellMap::Slice(const TAxis &from, Int_t first, Int_t last)
{
   AxisMap_t bins(static_cast<std::size_t>(from.GetNbins()) + 2);
   for (Int_t bin = 0; bin <= from.GetNbins() + 1; ++bin)
      bins[static_cast<std::size_t>(bin)] = std::clamp(bin - first + 1, 0, last - first + 2);
   return bins;
}

CellMap::CellMap(const std::vector<AxisMap_t> &axisMaps, const std::vector<Int_t> &strides, std::size_t nTargets)
   : fTargets{0}, fNTargets(nTargets)
{
   for (std::size_t axis = 0; axis < axisMaps.size(); ++axis) {
      std::vector<Int_t> targets;
      targets.reserve(fTargets.size() * axisMaps[axis].size());
      for (const auto bin : axisMaps[axis]) {
         for (const auto target : fTargets)
            targets.push_back(bin == kDropped || target == kDropped ? kDropped : target + bin * strides[axis]);
      }
      fTargets = std::move(targets);
   }
}

} // namespace FlashSim
