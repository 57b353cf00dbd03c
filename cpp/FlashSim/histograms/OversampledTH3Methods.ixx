// Part of FlashSim for RDataFrame.
//
// Part of the classes OversampledTH3D and OversampledTH3F, which include it in their bodies. A common base class
// template would add a base class to the files.

public:
static constexpr unsigned int kDimension = 3;
using Model_t = ROOT::RDF::TH3DModel;

/// \brief As TH3::Rebin3D(), which RebinX, RebinY and RebinZ call. \return a histogram of this class
/// \throws std::logic_error without covariance
TH3 *Rebin3D(Int_t nxgroup = 2, Int_t nygroup = 2, Int_t nzgroup = 2, const char *newname = "") override
{
   if (!newname || !*newname)
      return Rebinning::ReplaceBy(*this, [&](const char *aside) { return Rebin3D(nxgroup, nygroup, nzgroup, aside); });
   return RebinWith("Rebin3D", nxgroup != 1 || nygroup != 1 || nzgroup != 1,
                    [&] { return Base_t::Rebin3D(nxgroup, nygroup, nzgroup, newname); });
}

protected:
using Base_t::DoProject1D;
using Base_t::DoProject2D;

/// For ProjectionX, ProjectionY, ProjectionZ and Project3D.
TH1D *DoProject1D(const char *name, const char *title, const TAxis *projAxis, const TAxis *axis1, const TAxis *axis2,
                  bool computeErrors, bool originalRange, bool useUF, bool useOF, bool useWidth) const override
{
   return Projection::OnAxis(*this, name, *projAxis, axis1, axis2, useUF, useOF, [&](const char *aside) {
      return Base_t::DoProject1D(aside, title, projAxis, axis1, axis2, computeErrors, originalRange, useUF, useOF,
                                 useWidth);
   });
}

/// For Project3D.
TH2D *DoProject2D(const char *name, const char *title, const TAxis *projX, const TAxis *projY, bool computeErrors,
                  bool originalRange, bool useUF, bool useOF, bool useWidth) const override
{
   return Projection::OnPlane(*this, name, *projX, *projY, useUF, useOF, [&](const char *aside) {
      return Base_t::DoProject2D(aside, title, projX, projY, computeErrors, originalRange, useUF, useOF, useWidth);
   });
}

/// Throws std::logic_error.
[[noreturn]] TProfile2D *DoProjectProfile2D(const char *, const char *, const TAxis *, const TAxis *, bool, bool, bool,
                                            bool) const override
{
   ThrowNotSupported("Project3DProfile", "Take the means of slices (ProjectionZ and the like).");
}
