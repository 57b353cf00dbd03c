// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_FOLDLABELS
#define FLASHSIM_FOLDLABELS

#include "FlashSim/folds/EventKey.hxx"

#include <RtypesCore.h>

#include <string>
#include <vector>

namespace FlashSim {

/// Names for error messages, and the errors about folds.
struct FoldLabels {
   std::string fAction;                    ///< the filled histogram, as in `FlashSim: OversampledTH1D 'mjj'`
   std::vector<std::string> fEventColumns; ///< columns of the GEN event's numbers; none if events have none
   std::vector<bool> fAreSigned;           ///< whether these numbers may be negative
   std::string fFoldSize;                  ///< source of the fold size
   std::string fFoldIndex;                 ///< column of the fold index, with groups
   bool fAreGroups = false;                ///< whether an event is a group of GEN events

   /// Names a GEN event, or a group of them.
   std::string Describe(const EventKey &event) const;

   /// \name Errors
   /// All throw std::runtime_error.
   /// \{
   [[noreturn]] void ThrowFoldSizeBelowOne(const EventKey &event, Long64_t foldSize) const;
   [[noreturn]] void ThrowFoldSizesDiffer(const EventKey &event, Long64_t foldSize, Long64_t otherFoldSize) const;
   [[noreturn]] void ThrowTooManyRecoEvents(const EventKey &event, Long64_t foldSize) const;
   [[noreturn]] void ThrowNoSuchFoldIndex(const EventKey &event, Long64_t foldSize, Long64_t foldIndex) const;
   /// \param[in] event as Describe() names it
   [[noreturn]] void ThrowReappears(const std::string &event) const;
   /// \}
};

} // namespace FlashSim

#endif
