// Part of FlashSim for RDataFrame.
//
// Part of the classes OversampledTH1D and OversampledTH1F, which include it in their bodies. A common base class
// template would add a base class to the files.

public:
static constexpr unsigned int kDimension = 1;
using Model_t = ROOT::RDF::TH1DModel;

/// \brief As TH1::Rebin(). \return a histogram of this class
/// \throws std::logic_error without covariance, std::invalid_argument if `xbins` cut bins
TH1 *Rebin(Int_t ngroup = 2, const char *newname = "", const Double_t *xbins = nullptr) override
{
   if (xbins)
      RequireEdges(ngroup, xbins);
   return RebinWith("Rebin", ngroup != 1 || xbins, [&] { return Base_t::Rebin(ngroup, newname, xbins); });
}
