// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_MERGEABLEOVERSAMPLEDTH
#define FLASHSIM_MERGEABLEOVERSAMPLEDTH

#include "FlashSim/OpenFolds.hxx"

#include <ROOT/RDF/RMergeableValue.hxx>
#include <TList.h>

#include <utility>

namespace FlashSim {

/// \brief An oversampled histogram of a part of a dataset, as distributed RDataFrame sends it between processes.
/// \tparam Histogram such as OversampledTH1D
///
/// Merging joins the folds that the cut between the parts has divided: the result is that of one event loop over all
/// of the dataset, to rounding. Parts may be merged in any order. \throws std::runtime_error as OpenFolds::Merge()
template <typename Histogram>
class MergeableOversampledTH final : public ROOT::Detail::RDF::RMergeableValue<Histogram> {
   using Base_t = ROOT::Detail::RDF::RMergeableValue<Histogram>;

   void Merge(const Base_t &other) final
   {
      const auto &part = dynamic_cast<const MergeableOversampledTH &>(other);
      const auto pieces = fOpenFolds.Merge(part.fOpenFolds);
      TList histograms;
      histograms.Add(const_cast<Histogram *>(&part.fValue)); // which TH1::Merge() only reads
      this->fValue.Merge(&histograms);
      this->fValue.JoinFolds(pieces);
   }

   OpenFolds fOpenFolds;

public:
   MergeableOversampledTH() = default;
   MergeableOversampledTH(const Histogram &histogram, OpenFolds openFolds)
      : Base_t(histogram), fOpenFolds(std::move(openFolds))
   {
   }
};

} // namespace FlashSim

#endif
