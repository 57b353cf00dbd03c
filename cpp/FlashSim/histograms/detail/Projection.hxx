// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_PROJECTION
#define FLASHSIM_PROJECTION

#include "FlashSim/OversampledTH1.hxx"
#include "FlashSim/OversampledTH2.hxx"
#include "FlashSim/histograms/CellMap.hxx"

#include <TAxis.h>
#include <TDirectory.h>
#include <TH1.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/// Oversampled histograms from ROOT's projections, which set axes, statistics and looks.
namespace FlashSim::Projection {

/// Calls ROOT's projection, and makes the caller the only owner of the result, whatever its name.
template <typename Project>
auto MakeAside(Project project)
{
   const TDirectory::TContext inNoDirectory(nullptr);
   auto *plain = project("FlashSim_projection_aside");
   using Plain_t = std::remove_pointer_t<decltype(plain)>;
   if (!plain)
      throw std::runtime_error("FlashSim: ROOT did not make the projection, see its message.");
   plain->SetDirectory(nullptr);
   return std::unique_ptr<Plain_t>(plain);
}

/// Bins of an axis that is kept. If it has a range, those outside are dropped, under- and overflow too.
inline CellMap::AxisMap_t Keep(const TAxis &from, const TAxis &to)
{
   auto map = CellMap::Rebin(from, to);
   if (from.TestBit(TAxis::kAxisRange)) {
      for (Int_t bin = 0; bin <= from.GetNbins() + 1; ++bin) {
         if (bin < from.GetFirst() || bin > from.GetLast())
            map[static_cast<std::size_t>(bin)] = CellMap::kDropped;
      }
   }
   return map;
}

/// \brief The projection with all its fold information.
/// \tparam Projected class of the projection
/// \param[in] histogram that is projected
/// \param[in] method named in errors
/// \param[in] name of the projection. As ROOT does, one of this name and class in the current directory is replaced
/// \param[in] plain ROOT's projection
/// \param[in] map from the cells of the histogram to those of the projection
template <typename Projected, typename Histogram>
Projected *Make(const Histogram &histogram, const char *method, const std::string &name,
                const typename Projected::Base_t &plain, const CellMap &map)
{
   histogram.RequireCovariance(method, &map);
   const auto sums = histogram.GetFoldSums().Regroup(map);
   if (!sums.AreContentsOf(plain))
      throw std::logic_error("FlashSim: '" + std::string(histogram.GetName()) + "': " + method +
                             " with these options joins bins in a way that is not supported. Expected axis ranges, "
                             "and the options \"e\", \"o\", \"d\", \"NUF\" and \"NOF\" only.");
   TDirectory *const directory = TH1::AddDirectoryStatus() ? gDirectory : static_cast<TDirectory *>(nullptr);
   Projected *projected = nullptr;
   if (directory)
      projected = dynamic_cast<Projected *>(directory->GetList()->FindObject(name.c_str()));
   const TDirectory::TContext inNoDirectory(nullptr);
   if (!projected)
      projected = new Projected();
   projected->SetDirectory(nullptr);
   plain.Copy(*projected);
   projected->SetName(name.c_str());
   projected->SetFromSums(sums);
   projected->SetDirectory(directory);
   return projected;
}

} // namespace FlashSim::Projection

#endif
