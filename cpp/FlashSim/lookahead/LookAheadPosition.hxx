// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_LOOKAHEADPOSITION
#define FLASHSIM_LOOKAHEADPOSITION

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace FlashSim {

/// \brief Where a look-ahead stands in its dataset of GEN events.
///
/// *Threads*: the event loop sets it, between two chunks; any thread may read at any time, and may then see the chunk
/// before with a number of the one after, which is good enough for a progress bar.
class LookAheadPosition {
   std::atomic<std::uint64_t> fDone{0};      // GEN events before the chunk
   std::atomic<std::uint64_t> fInChunk{0};   // GEN events of the chunk, dropped ones included
   std::atomic<std::uint64_t> fTotal{0};     // GEN events of the dataset
   std::atomic<std::uint64_t> fFirstFold{0}; // RECO events before the chunk
   std::atomic<std::uint64_t> fNFolds{0};    // RECO events of the chunk

public:
   /// \param[in] done,inChunk,total entries of the upstream dataset before the chunk, in it, and in all
   /// \param[in] firstFold,foldSize entries of the downstream one before the chunk and in it
   void Set(std::uint64_t done, std::uint64_t inChunk, std::uint64_t total, std::uint64_t firstFold,
            std::uint64_t foldSize)
   {
      fDone = done;
      fInChunk = inChunk;
      fTotal = total;
      fFirstFold = firstFold;
      fNFolds = foldSize;
   }

   std::uint64_t GetTotal() const { return fTotal; }

   /// GEN events whose RECO events are done, if so many RECO events are, in whatever order.
   std::uint64_t GetDone(std::uint64_t recoEvents) const
   {
      const std::uint64_t folds = fNFolds;
      const std::uint64_t first = fFirstFold;
      if (folds == 0)
         return fDone;
      const auto ofChunk = recoEvents > first ? std::min(recoEvents - first, folds) : 0;
      return fDone + static_cast<std::uint64_t>(static_cast<double>(fInChunk) * static_cast<double>(ofChunk) /
                                                static_cast<double>(folds));
   }
};

} // namespace FlashSim

#endif
