// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_EVENTS_EVENTIDENTITY
#define FLASHSIM_EVENTS_EVENTIDENTITY

#include <cstdint>
#include <string>

namespace FlashSim {

/// \brief Identity of a GEN event, the same in any file, thread and order.
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

/// Purpose of random numbers: each has numbers of its own. The values are part of every RECO event.
enum class ENoisePurpose : std::uint8_t {
   kFlow = 0,         ///< the noise of a flow
   kEfficiency = 1,   ///< whether an object is reconstructed
   kMultiplicity = 2, ///< how many objects appear
   kDuplicates = 3    ///< how often an object is reconstructed
};

/// \brief Key of the random numbers of one object: GEN event, fold index, number of the object, and purpose.
///
/// Beside it, the seed and a key for the flow or model (Flow::GetNoiseKey()) choose the numbers. A source, copy or
/// purpose of 0, the default, leaves the numbers as they are without it.
struct NoiseRow {
   EventIdentity fEvent;
   std::uint32_t fFoldIndex = 0;
   std::uint32_t fObject = 0;
   std::uint16_t fSource = 0; ///< of the collection's sources, where several share a model; below kMaxNoiseSources
   std::uint16_t fCopy = 0;   ///< 0 for an object, 1, 2, ... for its duplicates; below kMaxNoiseCopies
   ENoisePurpose fPurpose = ENoisePurpose::kFlow;
};

constexpr std::uint32_t kMaxNoiseSources = 4096;
constexpr std::uint32_t kMaxNoiseCopies = 4096;

} // namespace FlashSim

#endif
