// Part of FlashSim for RDataFrame.
#include "FlashSim/folds/FoldLabels.hxx"

#include <stdexcept>

namespace FlashSim {

std::string FoldLabels::Describe(const EventKey &event) const
{
   const auto &columns = fEventColumns;
   if (columns.empty())
      return "a GEN event";
   const auto describeNumber = [&](std::size_t i) {
      const auto number = event.fNumbers[i];
      const bool isSigned = i < fAreSigned.size() && fAreSigned[i];
      return isSigned ? std::to_string(static_cast<Long64_t>(number)) : std::to_string(number);
   };
   const std::string kind = fAreGroups ? "the group of GEN events " : "GEN event ";
   if (columns.size() == 1)
      return kind + describeNumber(0) + " (column '" + columns.front() + "')";
   std::string description = kind + "(";
   for (std::size_t i = 0; i < columns.size(); ++i)
      description += (i == 0 ? "" : ", ") + columns[i] + " " + describeNumber(i);
   return description + ")";
}

void FoldLabels::ThrowFoldSizeBelowOne(const EventKey &event, Long64_t foldSize) const
{
   throw std::runtime_error(fAction + ": " + Describe(event) + " has a fold size of " + std::to_string(foldSize) +
                            " (" + fFoldSize +
                            "). Expected the number of RECO events simulated from it, selected or not, which is at "
                            "least 1.");
}

void FoldLabels::ThrowFoldSizesDiffer(const EventKey &event, Long64_t foldSize, Long64_t otherFoldSize) const
{
   throw std::runtime_error(
       fAction + ": " + Describe(event) + " has a fold size of " + std::to_string(foldSize) +
       " in one RECO event and of " + std::to_string(otherFoldSize) + " in another (" + fFoldSize + "). " +
       (fAreGroups ? "Expected the same fold size for all GEN events of a group, and that of each of "
                     "them, not their sum."
                   : "The fold size belongs to the GEN event: give a column that is constant "
                     "within it, and check that GEN events are numbered uniquely."));
}

void FoldLabels::ThrowTooManyRecoEvents(const EventKey &event, Long64_t foldSize) const
{
   throw std::runtime_error(fAction + ": " + Describe(event) + " has more RECO events than its fold size of " +
                            std::to_string(foldSize) + " (" + fFoldSize +
                            "). Check that GEN events are numbered uniquely in the whole dataset (by several columns, "
                            "if need be), and that the fold size is that of the simulation. If several GEN "
                            "events share a number because they are correlated (an NLO generator's event and its "
                            "counter-events), give these columns as group instead of event (fGroup in C++).");
}

void FoldLabels::ThrowNoSuchFoldIndex(const EventKey &event, Long64_t foldSize, Long64_t foldIndex) const
{
   throw std::runtime_error(fAction + ": " + Describe(event) + " has a fold size of " + std::to_string(foldSize) +
                            " (" + fFoldSize + ") and a RECO event of fold index " + std::to_string(foldIndex) +
                            " (column '" + fFoldIndex +
                            "'). Expected the position of the RECO event among those of its GEN event, from 0 to " +
                            std::to_string(foldSize - 1) + ".");
}

void FoldLabels::ThrowReappears(const std::string &event) const
{
   throw std::runtime_error(fAction + ": " + event +
                            " appears again after other GEN events. Expected all RECO events of a GEN event one after "
                            "the other, and GEN events numbered uniquely, by several columns if need be. If they are, "
                            "and the entries are not in order (a multi-threaded Snapshot does not keep it), book with "
                            "contiguous=False (fContiguous in C++).");
}

} // namespace FlashSim
