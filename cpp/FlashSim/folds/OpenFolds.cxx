// Part of FlashSim for RDataFrame.
#include "FlashSim/folds/OpenFolds.hxx"

namespace FlashSim {

void OpenFolds::Add(FoldPart &&part)
{
   if (!part.fFold.IsComplete())
      fParts.push_back(std::move(part));
   else
      fClosed.Add(part.fFold.fEvent, true);
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
      if (theirs == other.fParts.end() || (mine != fParts.end() && mine->fFold.fEvent < theirs->fFold.fEvent)) {
         merged.push_back(std::move(*mine++));
         continue;
      }
      if (mine == fParts.end() || theirs->fFold.fEvent < mine->fFold.fEvent) {
         merged.push_back(*theirs++);
         continue;
      }
      const Fold &fold = mine->fFold;
      if (fold.fFoldSize != theirs->fFold.fFoldSize)
         fLabels.ThrowFoldSizesDiffer(fold.fEvent, fold.fFoldSize, theirs->fFold.fFoldSize);
      pairs.emplace_back(*mine, *theirs);
      mine->Add(*theirs++);
      if (fold.HasTooMany())
         fLabels.ThrowTooManyRecoEvents(fold.fEvent, fold.fFoldSize);
      merged.push_back(std::move(*mine++));
   }
   fParts.clear();
   for (auto &part : merged) {
      if (fClosed.IsRemembered(part.fFold.fEvent))
         fLabels.ThrowReappears(fLabels.Describe(part.fFold.fEvent));
      Add(std::move(part));
   }
   return pairs;
}

} // namespace FlashSim
