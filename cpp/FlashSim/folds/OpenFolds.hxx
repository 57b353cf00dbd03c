// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OPENFOLDS
#define FLASHSIM_OPENFOLDS

#include "FlashSim/folds/FoldLabels.hxx"
#include "FlashSim/folds/FoldPart.hxx"
#include "FlashSim/folds/SeenEvents.hxx"

#include <utility>
#include <vector>

namespace FlashSim {

/// \brief The folds of one part of a dataset that may have more RECO events in another part.
///
/// Distributed RDataFrame fills the parts of a dataset separately, and may cut a fold in two. Each histogram takes its
/// piece as a separate GEN event: contents are right, variances too small. These pieces are kept here, with a sample of
/// the GEN events that are complete. The merge then corrects the variances (OversampledTH::JoinFolds()) and finds GEN
/// events that reappear.
class OpenFolds {
public:
   OpenFolds() = default;
   explicit OpenFolds(FoldLabels labels) : fLabels(std::move(labels)) {}

   /// Adds a fold at the edge of the part, or with RECO events anywhere in the dataset. \pre in the order of their GEN
   /// events
   void Add(FoldPart &&part);

   /// Adds complete GEN events.
   void AddClosed(const SeenEvents &events) { fClosed.Merge(events); }

   using Pairs_t = std::vector<std::pair<FoldPart, FoldPart>>;

   /// \brief Adds those of another part of the dataset.
   /// \return pairs of pieces that are one fold
   /// \throws std::runtime_error, naming the GEN event, if pieces do not agree on N or have more than N RECO events, or
   /// if there are more of a GEN event that was complete
   Pairs_t Merge(const OpenFolds &other);

private:
   FoldLabels fLabels;
   std::vector<FoldPart> fParts; ///< in the order of their GEN events
   SeenEvents fClosed;           ///< GEN events that are complete
};

} // namespace FlashSim

#endif
