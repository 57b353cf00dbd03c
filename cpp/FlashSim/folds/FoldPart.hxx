// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDPART
#define FLASHSIM_FOLDPART

#include "FlashSim/folds/EventKey.hxx"
#include "FlashSim/folds/FoldTable.hxx"

#include <RtypesCore.h>

#include <vector>

namespace FlashSim {

/// What is known of a fold beside its cells.
struct Fold {
   EventKey fEvent;
   Long64_t fFoldSize = 0;   ///< N
   Long64_t fRecoEvents = 0; ///< seen so far
   double fTotal = 0;        ///< sum_i w_ji over the fills that count in the statistics
   bool fIsGroup = false;    ///< whether it is that of a group of GEN events, however many these are

   /// Whether there are more RECO events than can be.
   bool HasTooMany() const { return !fIsGroup && fRecoEvents > fFoldSize; }

   /// Whether all RECO events are known to have been seen, and none was dropped.
   bool IsComplete() const { return !fIsGroup && fRecoEvents == fFoldSize; }
};

/// A fold, or some of its RECO events and what these have filled. Of a group of GEN events, each RECO event has cells
/// of its own, fold index * nCells + cell, as another GEN event of the group may have more of it.
struct FoldPart {
   Fold fFold;
   std::vector<CellWeights> fWeights;

   /// Takes in more RECO events of the same GEN event.
   void Add(const FoldPart &other);
};

} // namespace FlashSim

#endif
