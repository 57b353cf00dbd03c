// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_HISTOGRAMMODELS
#define FLASHSIM_HISTOGRAMMODELS

#include "FlashSim/OversampledTH1.hxx"
#include "FlashSim/OversampledTH2.hxx"
#include "FlashSim/OversampledTH3.hxx"

#include <ROOT/RDF/HistoModels.hxx>

#include <memory>
#include <string>
#include <vector>

namespace FlashSim {

/// One axis of a histogram model.
struct AxisModel {
   const char *fName;
   int fNBins;
   double fLow, fHigh;
   const std::vector<double> &fEdges; ///< if not empty, the others are ignored
};

std::vector<AxisModel> GetAxes(const ROOT::RDF::TH1DModel &model);
std::vector<AxisModel> GetAxes(const ROOT::RDF::TH2DModel &model);
std::vector<AxisModel> GetAxes(const ROOT::RDF::TH3DModel &model);

/// \brief An empty histogram that belongs to no directory.
/// \param[in] model name, title and axes
/// \param[in] action names the histogram in errors
/// \param[in] withCovariance whether its covariance is going to be kept
/// \throws std::invalid_argument if an axis has no bins, no limits (which cannot be found from the first fills), or
/// edges that do not ascend; or if there are too many bins
template <typename Histogram>
std::shared_ptr<Histogram> MakeHistogram(const typename Histogram::Model_t &model, const std::string &action,
                                         bool withCovariance);

} // namespace FlashSim

#endif
