// Part of FlashSim for RDataFrame.
#include "FlashSim/folds/FoldPart.hxx"

namespace FlashSim {

void FoldPart::Add(const FoldPart &other)
{
   FoldTable all;
   all.Add(fWeights);
   all.Add(other.fWeights);
   fWeights = all.Take();
   fFold.fRecoEvents += other.fFold.fRecoEvents;
   fFold.fTotal += other.fFold.fTotal;
}

} // namespace FlashSim
