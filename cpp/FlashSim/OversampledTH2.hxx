// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTH2
#define FLASHSIM_OVERSAMPLEDTH2

#include "FlashSim/OversampledTH.hxx"
#include "FlashSim/histograms/OversampledTHOperators.hxx"

#include <ROOT/RDF/HistoModels.hxx>
#include <TH2.h>

class TProfile;

namespace FlashSim {

/// \brief A TH2D whose errors are right when several RECO events were made from each GEN event. See OversampledTH.
///
/// ~~~{.cpp}
/// FlashSim::FoldOptions options;
/// options.fCovariance = true; // for projections and rebinning
/// const ROOT::RDF::TH2DModel model("h", ";p_{T};#eta", 20, 0., 200., 10, -2.5, 2.5);
/// auto h = FlashSim::BookOversampledTH2D(simulated, model, "pt", "eta", "", options);
/// TH1D *pt = h->ProjectionX(); // an OversampledTH1D
/// ~~~
class OversampledTH2D : public OversampledTH<TH2D> {
public:
   static constexpr unsigned int kDimension = 2;
   using Model_t = ROOT::RDF::TH2DModel;

   OversampledTH2D();
   OversampledTH2D(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup, Int_t nbinsy,
                   Double_t ylow, Double_t yup);
   OversampledTH2D(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                   Double_t ylow, Double_t yup);
   OversampledTH2D(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup, Int_t nbinsy,
                   const Double_t *ybins);
   OversampledTH2D(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                   const Double_t *ybins);
   OversampledTH2D(const OversampledTH2D &other);
   OversampledTH2D &operator=(const OversampledTH2D &other);
   ~OversampledTH2D() override;

   /// \brief As TH2::Rebin2D(), which RebinX and RebinY call. \return a histogram of this class
   /// \throws std::logic_error without covariance
   TH2 *Rebin2D(Int_t nxgroup = 2, Int_t nygroup = 2, const char *newname = "") override;

protected:
   TH1D *DoProjection(bool onX, const char *name, Int_t firstbin, Int_t lastbin, Option_t *option) const override;
   [[noreturn]] TProfile *DoProfile(bool onX, const char *name, Int_t firstbin, Int_t lastbin,
                                    Option_t *option) const override;

   ClassDefOverride(OversampledTH2D, 1);
};

/// The same with contents in single precision.
class OversampledTH2F : public OversampledTH<TH2F> {
public:
   static constexpr unsigned int kDimension = 2;
   using Model_t = ROOT::RDF::TH2DModel;

   OversampledTH2F();
   OversampledTH2F(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup, Int_t nbinsy,
                   Double_t ylow, Double_t yup);
   OversampledTH2F(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                   Double_t ylow, Double_t yup);
   OversampledTH2F(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup, Int_t nbinsy,
                   const Double_t *ybins);
   OversampledTH2F(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                   const Double_t *ybins);
   OversampledTH2F(const OversampledTH2F &other);
   OversampledTH2F &operator=(const OversampledTH2F &other);
   ~OversampledTH2F() override;

   /// \brief As TH2::Rebin2D(), which RebinX and RebinY call. \return a histogram of this class
   /// \throws std::logic_error without covariance
   TH2 *Rebin2D(Int_t nxgroup = 2, Int_t nygroup = 2, const char *newname = "") override;

protected:
   TH1D *DoProjection(bool onX, const char *name, Int_t firstbin, Int_t lastbin, Option_t *option) const override;
   [[noreturn]] TProfile *DoProfile(bool onX, const char *name, Int_t firstbin, Int_t lastbin,
                                    Option_t *option) const override;

   ClassDefOverride(OversampledTH2F, 1);
};

} // namespace FlashSim

#endif
