// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_CELLMAP
#define FLASHSIM_CELLMAP

#include <RtypesCore.h>

#include <cstddef>
#include <vector>

class TAxis;

namespace FlashSim {

/// \brief Map from the cells of a histogram to those of another: for rebinning, slices and projections.
///
/// Cells are numbered as TH1::GetBin does. A map is made from one for each axis, since cells are regular.
class CellMap {
public:
   static constexpr Int_t kDropped = -1;

   /// For each bin of an axis, underflow first, the bin that it goes into, or kDropped.
   using AxisMap_t = std::vector<Int_t>;

   /// Bins of `from` go into the bins of `to` that hold their centres, underflow into underflow, overflow into
   /// overflow.
   static AxisMap_t Rebin(const TAxis &from, const TAxis &to);

   /// Bins from `first` to `last` are summed, the others dropped.
   static AxisMap_t Sum(const TAxis &from, Int_t first, Int_t last);

   /// Bins from `first` to `last` become bins 1, 2, ..., those below go into underflow, those above into overflow.
   static AxisMap_t Slice(const TAxis &from, Int_t first, Int_t last);

   /// \param[in] axisMaps one for each axis of the old histogram
   /// \param[in] strides distance between neighbours along these axes in the new histogram; 0 for a summed axis
   /// \param[in] nTargets cells of the new histogram
   CellMap(const std::vector<AxisMap_t> &axisMaps, const std::vector<Int_t> &strides, std::size_t nTargets);

   std::size_t GetNSources() const { return fTargets.size(); }
   std::size_t GetNTargets() const { return fNTargets; }

   /// The new cell, or kDropped.
   Int_t operator[](std::size_t cell) const { return fTargets[cell]; }

private:
   std::vector<Int_t> fTargets;
   std::size_t fNTargets;
};

} // namespace FlashSim

#endif
