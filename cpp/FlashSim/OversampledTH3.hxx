// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTH3
#define FLASHSIM_OVERSAMPLEDTH3

#include "FlashSim/OversampledTH.hxx"
#include "FlashSim/histograms/OversampledTHOperators.hxx"

#include <ROOT/RDF/HistoModels.hxx>
#include <TH3.h>

#include <functional>
#include <string>

class TProfile2D;

namespace FlashSim {

/// \cond
namespace Projection {
/// \brief One axis of an OversampledTH3D or OversampledTH3F.
/// \param[in] kept axis of the histogram that is kept
/// \param[in] axis1 copy of another axis with another range, or nullptr; `axis2` likewise
/// \param[in] useUnderflow whether underflow counts where a summed axis has no range; `useOverflow` likewise
/// \param[in] project ROOT's own projection, called with the name of the result
template <typename Histogram>
TH1D *OnAxis(const Histogram &histogram, const std::string &name, const TAxis &kept, const TAxis *axis1,
             const TAxis *axis2, bool useUnderflow, bool useOverflow,
             const std::function<TH1D *(const char *)> &project);

/// Two of its axes: `first`, the first that TH3::Project3D() names, becomes the second of the projection.
template <typename Histogram>
TH2D *OnPlane(const Histogram &histogram, const std::string &name, const TAxis &first, const TAxis &second,
              bool useUnderflow, bool useOverflow, const std::function<TH2D *(const char *)> &project);
} // namespace Projection

namespace Rebinning {
/// Replaces a histogram by the result of `rebin`: TH3::Rebin3D in place gives wrong under- and overflow (ROOT 6.40).
TH3 *ReplaceBy(TH3 &histogram, const std::function<TH3 *(const char *)> &rebin);
} // namespace Rebinning
/// \endcond

/// \brief A TH3D whose errors are right when several RECO events were made from each GEN event. See OversampledTH.
class OversampledTH3D final : public OversampledTH<TH3D> {
public:
   using OversampledTH::OversampledTH;
#include "FlashSim/histograms/OversampledTH3Methods.ixx"
   ClassDefOverride(OversampledTH3D, 1);
};

/// The same with contents in single precision.
class OversampledTH3F final : public OversampledTH<TH3F> {
public:
   using OversampledTH::OversampledTH;
#include "FlashSim/histograms/OversampledTH3Methods.ixx"
   ClassDefOverride(OversampledTH3F, 1);
};

} // namespace FlashSim

#endif
