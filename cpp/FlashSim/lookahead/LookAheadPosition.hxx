// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_LOOKAHEADPOSITION
#define FLASHSIM_LOOKAHEADPOSITION

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace FlashSim {

/// \brief Position of a look-ahead in its dataset of GEN events.
///
/// *Threads*: the event loop sets it between two chunks. Any thread may read it at any time, and may mix numbers of two
/// chunks: good enough for a progress bar.
class LookAheadPosition {
   std::atomic<std::uint64_t> fDone{0};           // GEN events before the chunk
   std::atomic<std::uint64_t> fInChunk{0};        // GEN events of the chunk, dropped ones included
   std::atomic<std::uint64_t> fTotal{0};          // GEN events of the dataset
   std::atomic<std::uint64_t> fFirstRecoEvent{0}; // RECO events before the chunk
   std::atomic<std::uint64_t> fNRecoEvents{0};    // RECO events of the chunk

public:
   /// \param[in] done GEN events before the chunk
   /// \param[in] inChunk GEN events of the chunk, dropped ones included
   /// \param[in] total GEN events of the dataset
   /// \param[in] firstRecoEvent RECO events before the chunk
   /// \param[in] nRecoEvents RECO events of the chunk
   void Set(std::uint64_t done, std::uint64_t inChunk, std::uint64_t total, std::uint64_t firstRecoEvent,
            std::uint64_t nRecoEvents)
   {
      fDone = done;
      fInChunk = inChunk;
      fTotal = total;
      fFirstRecoEvent = firstRecoEvent;
      fNRecoEvents = nRecoEvents;
   }

   /// The GEN events of an earlier stage at its chunk, with the RECO events of a later stage.
   void SetBehind(const LookAheadPosition &earlier, std::uint64_t firstRecoEvent, std::uint64_t nRecoEvents)
   {
      Set(earlier.fDone, earlier.fInChunk, earlier.fTotal, firstRecoEvent, nRecoEvents);
   }

   std::uint64_t GetTotal() const { return fTotal; }

   /// GEN events with all RECO events done, estimated from the number of finished RECO events, in any order.
   std::uint64_t GetDone(std::uint64_t recoEvents) const
   {
      const std::uint64_t inChunk = fNRecoEvents;
      const std::uint64_t first = fFirstRecoEvent;
      if (inChunk == 0)
         return fDone;
      const auto ofChunk = recoEvents > first ? std::min(recoEvents - first, inChunk) : 0;
      return fDone + static_cast<std::uint64_t>(static_cast<double>(fInChunk) * static_cast<double>(ofChunk) /
                                                static_cast<double>(inChunk));
   }
};

} // namespace FlashSim

#endif
