// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_EVENTS_EVENTIDENTITY
#define FLASHSIM_EVENTS_EVENTIDENTITY

#include <cstdint>
#include <string>

namespace FlashSim {

/// \brief Identity of a GEN event, whatever file, thread or order it is read in.
///
/// (run, luminosity block, event) where the dataset has these columns; otherwise the global entry number, kept in
/// fEvent.
struct EventIdentity {
   std::uint64_t fEvent = 0;
   std::uint32_t fRun = 0;
   std::uint32_t fLuminosityBlock = 0;
   bool fIsEntryNumber = false;

   /// "run 1, luminosityBlock 2, event 3" or "entry 3"
   std::string AsString() const;
};

/// Key of the noise of one object: GEN event, fold index, number of the object.
struct NoiseRow {
   EventIdentity fEvent;
   std::uint32_t fFoldIndex = 0;
   std::uint32_t fObject = 0;
};

} // namespace FlashSim

#endif
