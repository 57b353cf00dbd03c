// Part of FlashSim for RDataFrame.
#include "FlashSim/folds/SeenEvents.hxx"

#include <utility>

namespace FlashSim {
namespace {

constexpr std::size_t kFirstTableSize = 64;

}

bool SeenEvents::Add(const EventKey &event, bool isComplete)
{
   const auto hash = GetHash(event);
   if (IsRemembered(hash))
      return true;
   (isComplete ? fComplete : fIncomplete).Add(hash);
   return false;
}

bool SeenEvents::Merge(const SeenEvents &other)
{
   bool isAnyInBoth = false;
   const auto look = [&](ULong64_t hash) { isAnyInBoth = isAnyInBoth || IsRemembered(hash); };
   other.fIncomplete.ForEach(look);
   other.fComplete.ForEach(look);
   other.fIncomplete.ForEach([this](ULong64_t hash) { fIncomplete.Add(hash); });
   other.fComplete.ForEach([this](ULong64_t hash) { fComplete.Add(hash); });
   return isAnyInBoth;
}

bool SeenEvents::Sample::Contains(ULong64_t hash) const
{
   return hash <= fLargest && !fTable.empty() && fTable[FindPlace(hash)] == hash;
}

void SeenEvents::Sample::Add(ULong64_t hash)
{
   if (hash > fLargest)
      return;
   if (2 * (fSize + 1) > fTable.size())
      Rebuild(fTable.empty() ? kFirstTableSize : 2 * fTable.size());
   ULong64_t &place = fTable[FindPlace(hash)];
   if (place == hash)
      return;
   place = hash;
   ++fSize;
   while (fSize > fMaxSize) {
      fLargest /= 2;
      Rebuild(fTable.size());
   }
}

std::size_t SeenEvents::Sample::FindPlace(ULong64_t hash) const
{
   // The low bits: the high ones are alike in a sample of small hashes.
   const std::size_t mask = fTable.size() - 1;
   std::size_t place = hash & mask;
   while (fTable[place] != kNone && fTable[place] != hash)
      place = (place + 1) & mask;
   return place;
}

void SeenEvents::Sample::Rebuild(std::size_t tableSize)
{
   const auto old = std::exchange(fTable, std::vector<ULong64_t>(tableSize, kNone));
   fSize = 0;
   for (const auto hash : old) {
      if (hash == kNone || hash > fLargest)
         continue;
      fTable[FindPlace(hash)] = hash;
      ++fSize;
   }
}

} // namespace FlashSim
