// Part of FlashSim for RDataFrame.
#include "FlashSim/folds/OpenFolds.hxx"

namespace FlashSim {

void OpenFolds::Add(FoldPart &&part)
{
   if (!part.fFoldIndex.IsComplete())
      fParts.push_back(std::move(part));
   else
      fClosed.Add(part.fFoldIndex.fEvent, true);
}

OpenFolds::Pairs_t OpenFolds::Merge(const OpenFolds &other)
{
   if (fLabels.fAction.empty())
      fLabels = other.fLabels; // nothing was filled here
   if (fClosed.Merge(other.fClosed))
      fLabels.ThrowReappears("a GEN event"); // of which only a hash was remembered
   Pairs_t pairs;
   std::vector<FoldPart> merged;
   merged.reserve(fParts.size() + other.fParts.size());
   auto mine = fParts.begin();
   auto theirs = other.fParts.begin();
   while (mine != fParts.end() || theirs != other.fParts.end()) {
      if (theirs == other.fParts.end() || (mine != fParts.end() && mine->fFoldIndex.fEvent < theirs->fFoldIndex.fEvent)) {
         merged.push_back(std::move(*mine++));
         continue;
      }
      if (mine == fParts.end() || theirs->fFoldIndex.fEvent < mine->fFoldIndex.fEvent) {
         merged.push_back(*theirs++);
         continue;
      }
      const Fold &fold = mine->fFoldIndex;
      if (fold.fFoldSize != theirs->fFoldIndex.fFoldSize)
         fLabels.ThrowFoldSizesDiffer(fold.fEvent, fold.fFoldSize, theirs->fFoldIndex.fFoldSize);
      pairs.emplace_back(*mine, *theirs);
      mine->Add(*theirs++);
      if (fold.HasTooMany())
         fLabels.ThrowTooManyRecoEvents(fold.fEvent, fold.fFoldSize);
      merged.push_back(std::move(*mine++));
   }
   fParts.clear();
   for (auto &part : merged) {
      if (fClosed.IsRemembered(part.fFoldIndex.fEvent))
         fLabels.ThrowReappears(fLabels.Describe(part.fFoldIndex.fEvent));
      Add(std::move(part));
   }
   return pairs;
}

} // namespace FlashSim
