// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTH1
#define FLASHSIM_OVERSAMPLEDTH1

#include "FlashSim/OversampledTH.hxx"
#include "FlashSim/histograms/OversampledTHOperators.hxx"

#include <ROOT/RDF/HistoModels.hxx>
#include <TH1.h>

namespace FlashSim {

/// \brief A TH1D whose errors are right when several RECO events were made from each GEN event. See OversampledTH.
///
/// ~~~{.cpp}
/// auto h = FlashSim::BookOversampledTH1D(simulated, {"mjj", ";m_{jj} [GeV]", 50, 0., 250.}, "mjj", "genWeight");
/// h->Draw("E");
/// std::cout << h->GetBinError(20) << " instead of " << h->GetBinErrorNaive(20) << "\n";
/// ~~~
class OversampledTH1D final : public OversampledTH<TH1D> {
public:
   using OversampledTH::OversampledTH;
#include "FlashSim/histograms/OversampledTH1Methods.ixx"
   ClassDefOverride(OversampledTH1D, 1);
};

/// The same with contents in single precision.
class OversampledTH1F final : public OversampledTH<TH1F> {
public:
   using OversampledTH::OversampledTH;
#include "FlashSim/histograms/OversampledTH1Methods.ixx"
   ClassDefOverride(OversampledTH1F, 1);
};

} // namespace FlashSim

#endif
