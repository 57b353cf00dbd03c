// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTH1
#define FLASHSIM_OVERSAMPLEDTH1

#include "FlashSim/OversampledTH.hxx"

#include <ROOT/RDF/HistoModels.hxx>
#include <TH1.h>

#include <memory>

namespace FlashSim {

/// \brief A TH1D whose errors are right when several RECO events were made from each GEN event. See OversampledTH.
///
/// ~~~{.cpp}
/// auto h = FlashSim::BookOversampledTH1D(simulated, {"mjj", ";m_{jj} [GeV]", 50, 0., 250.}, "mjj", "genWeight");
/// h->Draw("E");
/// std::cout << h->GetBinError(20) << " instead of " << h->GetBinErrorNaive(20) << "\n";
/// ~~~
class OversampledTH1D : public OversampledTH<TH1D> {
public:
   static constexpr unsigned int kDimension = 1;

   OversampledTH1D();
   OversampledTH1D(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup);
   OversampledTH1D(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins);
   OversampledTH1D(const OversampledTH1D &other);
   OversampledTH1D &operator=(const OversampledTH1D &other);
   ~OversampledTH1D() override;

   /// \brief An empty histogram that belongs to no directory.
   /// \throws std::invalid_argument if the model has no axis limits, which cannot be found from the first fills
   static std::shared_ptr<OversampledTH1D> Make(const ROOT::RDF::TH1DModel &model);

   using TH1D::SetBins;
   /// \throws std::logic_error if the number of bins of a filled histogram would change
   void SetBins(Int_t nx, Double_t xmin, Double_t xmax) override;
   /// \throws std::logic_error if the number of bins of a filled histogram would change
   void SetBins(Int_t nx, const Double_t *xBins) override;

   ClassDefOverride(OversampledTH1D, 1);
};

} // namespace FlashSim

#endif
