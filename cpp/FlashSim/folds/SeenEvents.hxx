// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_SEENEVENTS
#define FLASHSIM_SEENEVENTS

#include "FlashSim/folds/EventKey.hxx"

#include <RtypesCore.h>

#include <cstddef>
#include <limits>
#include <vector>

namespace FlashSim {

/// \brief Notices GEN events that appear again after others, in memory that does not grow with the number of events.
///
/// Remembers a sample of the GEN events that are added: up to 16 384 of those that lack RECO events, which
/// may have been cut in two, and up to 4096 of the others. Which ones depends on their numbers alone, not on order or
/// thread. If M events of G come again, all are missed with the probability (1 - 16384 / G)^M: rows in random order are
/// always noticed, and so is any event in datasets of up to 16 384 GEN events, or if nothing but folds that were cut is
/// incomplete; a few events among millions may be missed.
///
/// What is remembered is a hash of 64 bits, which for an event of one number is unique. With several numbers, one event
/// is mistaken for another with a probability of 1e-15 for each GEN event.
///
/// Costs a hash for each GEN event and up to 320 kB.
class SeenEvents {
public:
   /// Adds an event. \return whether it was remembered from earlier
   bool Add(const EventKey &event, bool isComplete);

   bool IsRemembered(const EventKey &event) const { return IsRemembered(GetHash(event)); }

   /// Adds what the other one remembers. \return whether both remember one of the events
   bool Merge(const SeenEvents &other);

   /// The events with the smallest hashes; a hash table.
   class Sample {
   public:
      Sample() = default; // for ROOT's I/O
      explicit Sample(std::size_t maxSize) : fMaxSize(maxSize) {}

      bool Contains(ULong64_t hash) const;
      void Add(ULong64_t hash);

      template <typename Use>
      void ForEach(Use use) const
      {
         for (const auto hash : fTable) {
            if (hash != kNone)
               use(hash);
         }
      }

   private:
      static constexpr ULong64_t kNone = 0; ///< marks a free place

      std::size_t FindPlace(ULong64_t hash) const;
      void Rebuild(std::size_t tableSize);

      std::size_t fMaxSize = 0;
      std::size_t fSize = 0;
      ULong64_t fLargest = std::numeric_limits<ULong64_t>::max(); ///< hashes up to this one are kept
      std::vector<ULong64_t> fTable;                              ///< at most half full; its size is a power of 2
   };

private:
   static ULong64_t GetHash(const EventKey &event)
   {
      const ULong64_t hash = EventKey::Hash{}(event);
      return hash == 0 ? 1 : hash; // 0 marks free places
   }
   bool IsRemembered(ULong64_t hash) const { return fIncomplete.Contains(hash) || fComplete.Contains(hash); }

   Sample fIncomplete{16384};
   Sample fComplete{4096};
};

} // namespace FlashSim

#endif
