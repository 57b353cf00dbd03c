// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTH2
#define FLASHSIM_OVERSAMPLEDTH2

#include "FlashSim/OversampledTH.hxx"
#include "FlashSim/histograms/OversampledTHOperators.hxx"

#include <ROOT/RDF/HistoModels.hxx>
#include <TH2.h>

#include <functional>
#include <string>

class TProfile;

namespace FlashSim {

/// \cond
namespace Projection {
/// \brief As TH2::ProjectionX() or ProjectionY(), with these parameters, of an OversampledTH2D or OversampledTH2F.
/// \param[in] project ROOT's own projection, called with the name of the result
template <typename Histogram>
TH1D *OnAxis(const Histogram &histogram, bool onX, const std::string &name, Int_t first, Int_t last, const char *option,
             const std::function<TH1D *(const char *)> &project);
} // namespace Projection
/// \endcond

/// \brief A TH2D whose errors are right when several RECO events were made from each GEN event. See OversampledTH.
///
/// ~~~{.cpp}
/// FlashSim::FoldOptions options;
/// options.fCovariance = true; // for projections and rebinning
/// const ROOT::RDF::TH2DModel model("h", ";p_{T};#eta", 20, 0., 200., 10, -2.5, 2.5);
/// auto h = FlashSim::BookOversampledTH2D(simulated, model, "pt", "eta", "", options);
/// TH1D *pt = h->ProjectionX(); // an OversampledTH1D
/// ~~~
class OversampledTH2D final : public OversampledTH<TH2D> {
public:
   using OversampledTH::OversampledTH;
#include "FlashSim/histograms/OversampledTH2Methods.ixx"
   ClassDefOverride(OversampledTH2D, 1);
};

/// The same with contents in single precision.
class OversampledTH2F final : public OversampledTH<TH2F> {
public:
   using OversampledTH::OversampledTH;
#include "FlashSim/histograms/OversampledTH2Methods.ixx"
   ClassDefOverride(OversampledTH2F, 1);
};

} // namespace FlashSim

#endif
