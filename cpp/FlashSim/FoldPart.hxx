// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDPART
#define FLASHSIM_FOLDPART

#include "FlashSim/EventKey.hxx"
#include "FlashSim/FoldTable.hxx"

#include <RtypesCore.h>

#include <vector>

namespace FlashSim {

/// What is known of a fold beside its cells.
struct Fold {
   EventKey fEvent;
   Long64_t fFolds = 0;      ///< N
   Long64_t fRecoEvents = 0; ///< seen so far
   double fTotal = 0;        ///< sum_i w_ji over the fills that count in the statistics
};

/// A fold, or some of its RECO events and what these have filled.
struct FoldPart {
   Fold fFold;
   std::vector<CellWeights> fWeights;

   /// Whether no RECO event is missing, and none was dropped.
   bool IsComplete() const { return fFold.fRecoEvents == fFold.fFolds; }

   /// Takes in more RECO events of the same GEN event.
   void Add(const FoldPart &other);
};

} // namespace FlashSim

#endif
