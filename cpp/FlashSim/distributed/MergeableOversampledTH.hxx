// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_MERGEABLEOVERSAMPLEDTH
#define FLASHSIM_MERGEABLEOVERSAMPLEDTH

#include "FlashSim/folds/OpenFolds.hxx"

#include <ROOT/RDF/RMergeableValue.hxx>
#include <TH1.h>
#include <TList.h>

#include <array>
#include <cstddef>
#include <utility>

namespace FlashSim {

/// \brief An oversampled histogram of a part of a dataset, as distributed RDataFrame sends it between processes.
/// \tparam Histogram such as OversampledTH1D
///
/// Merging joins the folds that the partition has cut: the result is that of one event loop over the whole dataset, to
/// rounding. Parts may be merged in any order. \throws std::runtime_error as OpenFolds::Merge()
template <typename Histogram>
class MergeableOversampledTH final : public ROOT::Detail::RDF::RMergeableValue<Histogram> {
   using Base_t = ROOT::Detail::RDF::RMergeableValue<Histogram>;
   using Statistics_t = std::array<Double_t, TH1::kNstat>;

   void Merge(const Base_t &other) final
   {
      // Python calls this again if it throws: an exception must leave the object unchanged.
      const auto &part = dynamic_cast<const MergeableOversampledTH &>(other);
      OpenFolds openFolds = fOpenFolds;
      const auto pieces = openFolds.Merge(part.fOpenFolds);
      TList histograms;
      histograms.Add(const_cast<Histogram *>(&part.fValue)); // TH1::Merge() only reads it
      this->fValue.Merge(&histograms);
      this->fValue.JoinFolds(pieces);
      fOpenFolds = std::move(openFolds);
      AddStatistics(part.fStatistics, pieces);
   }

   void AddStatistics(const Statistics_t &others, const OpenFolds::Pairs_t &pieces)
   {
      for (std::size_t i = 0; i < others.size(); ++i)
         fStatistics[i] += others[i];
      for (const auto &[piece, rest] : pieces) {
         const auto foldSize = static_cast<Double_t>(piece.fFold.fFoldSize);
         fStatistics[1] += 2 * piece.fFold.fTotal * rest.fFold.fTotal / (foldSize * foldSize);
      }
      const Double_t entries = this->fValue.GetEntries();
      this->fValue.PutStats(fStatistics.data());
      this->fValue.SetEntries(entries);
   }

   OpenFolds fOpenFolds;
   Statistics_t fStatistics{}; ///< TH1 replaces them where the sum of weights is 0

public:
   MergeableOversampledTH() = default;
   MergeableOversampledTH(const Histogram &histogram, OpenFolds openFolds, const Statistics_t &statistics)
      : Base_t(histogram), fOpenFolds(std::move(openFolds)), fStatistics(statistics)
   {
   }
};

} // namespace FlashSim

#endif
