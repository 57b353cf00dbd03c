// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDPART
#define FLASHSIM_FOLDPART

#include "FlashSim/folds/EventKey.hxx"
#include "FlashSim/folds/FoldTable.hxx"

#include <RtypesCore.h>

#include <vector>

namespace FlashSim {

/// A fold without its cells.
struct Fold {
   EventKey fEvent;
   Long64_t fFoldSize = 0;   ///< N
   Long64_t fRecoEvents = 0; ///< seen so far
   double fTotal = 0;        ///< sum_i w_ji over the fills that count in the statistics
   bool fIsGroup = false;    ///< whether it belongs to a group of GEN events, of any number

   /// Whether there are more RECO events than N.
   bool HasTooMany() const { return !fIsGroup && fRecoEvents > fFoldSize; }

   /// Whether all N RECO events are present.
   bool IsComplete() const { return !fIsGroup && fRecoEvents == fFoldSize; }
};

/// A fold, or some of its RECO events, and their fills. In a group of GEN events, each fold index has cells of its own,
/// fold index * nCells + cell: another GEN event of the group may add to them.
struct FoldPart {
   Fold fFold;
   std::vector<CellWeights> fWeights;

   /// Adds more RECO events of the same GEN event.
   void Add(const FoldPart &other);
};

} // namespace FlashSim

#endif
