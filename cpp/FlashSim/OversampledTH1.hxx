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
class OversampledTH1D : public OversampledTH<TH1D> {
public:
   static constexpr unsigned int kDimension = 1;
   using Model_t = ROOT::RDF::TH1DModel;

   OversampledTH1D();
   OversampledTH1D(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup);
   OversampledTH1D(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins);
   OversampledTH1D(const OversampledTH1D &other);
   OversampledTH1D &operator=(const OversampledTH1D &other);
   ~OversampledTH1D() override;

   /// \brief As TH1::Rebin(). \return a histogram of this class
   /// \throws std::logic_error without covariance, std::invalid_argument if `xbins` cut bins
   TH1 *Rebin(Int_t ngroup = 2, const char *newname = "", const Double_t *xbins = nullptr) override;

   ClassDefOverride(OversampledTH1D, 1);
};

/// The same with contents in single precision.
class OversampledTH1F : public OversampledTH<TH1F> {
public:
   static constexpr unsigned int kDimension = 1;
   using Model_t = ROOT::RDF::TH1DModel;

   OversampledTH1F();
   OversampledTH1F(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup);
   OversampledTH1F(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins);
   OversampledTH1F(const OversampledTH1F &other);
   OversampledTH1F &operator=(const OversampledTH1F &other);
   ~OversampledTH1F() override;

   /// \brief As TH1::Rebin(). \return a histogram of this class
   /// \throws std::logic_error without covariance, std::invalid_argument if `xbins` cut bins
   TH1 *Rebin(Int_t ngroup = 2, const char *newname = "", const Double_t *xbins = nullptr) override;

   ClassDefOverride(OversampledTH1F, 1);
};

} // namespace FlashSim

#endif
