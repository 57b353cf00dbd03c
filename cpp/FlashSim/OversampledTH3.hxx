// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OVERSAMPLEDTH3
#define FLASHSIM_OVERSAMPLEDTH3

#include "FlashSim/OversampledTH.hxx"
#include "FlashSim/histograms/OversampledTHOperators.hxx"

#include <ROOT/RDF/HistoModels.hxx>
#include <TH3.h>

class TProfile2D;

namespace FlashSim {

/// \brief A TH3D whose errors are right when several RECO events were made from each GEN event. See OversampledTH.
class OversampledTH3D : public OversampledTH<TH3D> {
public:
   static constexpr unsigned int kDimension = 3;
   using Model_t = ROOT::RDF::TH3DModel;

   OversampledTH3D();
   OversampledTH3D(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup, Int_t nbinsy,
                   Double_t ylow, Double_t yup, Int_t nbinsz, Double_t zlow, Double_t zup);
   OversampledTH3D(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                   const Double_t *ybins, Int_t nbinsz, const Double_t *zbins);
   OversampledTH3D(const OversampledTH3D &other);
   OversampledTH3D &operator=(const OversampledTH3D &other);
   ~OversampledTH3D() override;

   /// \brief As TH3::Rebin3D(), which RebinX, RebinY and RebinZ call. \return a histogram of this class
   /// \throws std::logic_error without covariance
   TH3 *Rebin3D(Int_t nxgroup = 2, Int_t nygroup = 2, Int_t nzgroup = 2, const char *newname = "") override;

protected:
   using TH3D::DoProject1D;
   using TH3D::DoProject2D;
   TH1D *DoProject1D(const char *name, const char *title, const TAxis *projAxis, const TAxis *axis1, const TAxis *axis2,
                     bool computeErrors, bool originalRange, bool useUF, bool useOF, bool useWidth) const override;
   TH2D *DoProject2D(const char *name, const char *title, const TAxis *projX, const TAxis *projY, bool computeErrors,
                     bool originalRange, bool useUF, bool useOF, bool useWidth) const override;
   [[noreturn]] TProfile2D *DoProjectProfile2D(const char *name, const char *title, const TAxis *projX,
                                               const TAxis *projY, bool originalRange, bool useUF, bool useOF,
                                               bool useWidth) const override;

   ClassDefOverride(OversampledTH3D, 1);
};

/// The same with contents in single precision.
class OversampledTH3F : public OversampledTH<TH3F> {
public:
   static constexpr unsigned int kDimension = 3;
   using Model_t = ROOT::RDF::TH3DModel;

   OversampledTH3F();
   OversampledTH3F(const char *name, const char *title, Int_t nbinsx, Double_t xlow, Double_t xup, Int_t nbinsy,
                   Double_t ylow, Double_t yup, Int_t nbinsz, Double_t zlow, Double_t zup);
   OversampledTH3F(const char *name, const char *title, Int_t nbinsx, const Double_t *xbins, Int_t nbinsy,
                   const Double_t *ybins, Int_t nbinsz, const Double_t *zbins);
   OversampledTH3F(const OversampledTH3F &other);
   OversampledTH3F &operator=(const OversampledTH3F &other);
   ~OversampledTH3F() override;

   /// \brief As TH3::Rebin3D(), which RebinX, RebinY and RebinZ call. \return a histogram of this class
   /// \throws std::logic_error without covariance
   TH3 *Rebin3D(Int_t nxgroup = 2, Int_t nygroup = 2, Int_t nzgroup = 2, const char *newname = "") override;

protected:
   using TH3F::DoProject1D;
   using TH3F::DoProject2D;
   TH1D *DoProject1D(const char *name, const char *title, const TAxis *projAxis, const TAxis *axis1, const TAxis *axis2,
                     bool computeErrors, bool originalRange, bool useUF, bool useOF, bool useWidth) const override;
   TH2D *DoProject2D(const char *name, const char *title, const TAxis *projX, const TAxis *projY, bool computeErrors,
                     bool originalRange, bool useUF, bool useOF, bool useWidth) const override;
   [[noreturn]] TProfile2D *DoProjectProfile2D(const char *name, const char *title, const TAxis *projX,
                                               const TAxis *projY, bool originalRange, bool useUF, bool useOF,
                                               bool useWidth) const override;

   ClassDefOverride(OversampledTH3F, 1);
};

} // namespace FlashSim

#endif
