// Part of FlashSim for RDataFrame.
//
// Part of the classes OversampledTH2D and OversampledTH2F, which include it in their bodies. A common base class
// template would add a base class to the files.

public:
static constexpr unsigned int kDimension = 2;
using Model_t = ROOT::RDF::TH2DModel;

/// \brief As TH2::Rebin2D(), which RebinX and RebinY call. \return a histogram of this class
/// \throws std::logic_error without covariance
TH2 *Rebin2D(Int_t nxgroup = 2, Int_t nygroup = 2, const char *newname = "") override
{
   return RebinWith("Rebin2D", nxgroup != 1 || nygroup != 1,
                    [&] { return Base_t::Rebin2D(nxgroup, nygroup, newname); });
}

protected:
/// For ProjectionX and ProjectionY.
TH1D *DoProjection(bool onX, const char *name, Int_t firstbin, Int_t lastbin, Option_t *option) const override
{
   return Projection::OnAxis(*this, onX, name, firstbin, lastbin, option, [&](const char *aside) {
      return Base_t::DoProjection(onX, aside, firstbin, lastbin, option);
   });
}

/// Throws std::logic_error.
[[noreturn]] TProfile *DoProfile(bool onX, const char *, Int_t, Int_t, Option_t *) const override
{
   ThrowNotSupported(onX ? "ProfileX" : "ProfileY", "Take the means of slices (ProjectionY and the like).");
}
