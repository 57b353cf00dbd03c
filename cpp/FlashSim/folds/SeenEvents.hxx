// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_SEENEVENTS
#define FLASHSIM_SEENEVENTS

#include "FlashSim/folds/EventKey.hxx"

#include <RtypesCore.h>

#include <cstddef>
#include <limits>
#include <vector>

namespace FlashSim {

/// \brief Finds GEN events that appear again after others, in memory that does not grow with the number of events.
///
/// Keeps a sample of the added GEN events: up to 16 384 incomplete ones, which may have been cut in two, and up to 4096
/// others. The choice depends on their numbers alone, not on order or thread. If M of G events come again, all are
/// missed with the probability (1 - 16384 / G)^M. Rows in random order are always found, and so is any event in
/// datasets of up to 16 384 GEN events, or if only cut folds are incomplete; a few events among millions may be missed.
///
/// The sample holds hashes of 64 bits. The hash of an event with one number is unique. With several numbers, one event
/// is taken for another with a probability of 1e-15 for each GEN event.
///
/// Costs a hash for each GEN event and up to 320 kB.
class SeenEvents {
public:
   /// Adds an event. \return whether it was in the sample
   bool Add(const EventKey &event, bool isComplete);

   bool IsRemembered(const EventKey &event) const { return IsRemembered(GetHash(event)); }

   /// Adds the sample of the other one. \return whether both hold one of the events
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
