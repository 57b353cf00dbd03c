// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_CLIPCOUNTS
#define FLASHSIM_CLIPCOUNTS

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace FlashSim {

/// Number of clipped values of each variable. Several threads may count at once.
class ClipCounts {
public:
   using Counts_t = std::map<std::string, std::uint64_t>;

   /// \param[in] variable such as "context pt" \return the count of this variable so far
   std::uint64_t Add(const std::string &variable)
   {
      const std::lock_guard<std::mutex> lock(fMutex);
      return ++fCounts[variable];
   }
   Counts_t Get() const
   {
      const std::lock_guard<std::mutex> lock(fMutex);
      return fCounts;
   }
   /// The counts, which restart at 0.
   Counts_t Take()
   {
      const std::lock_guard<std::mutex> lock(fMutex);
      Counts_t counts;
      counts.swap(fCounts);
      return counts;
   }

private:
   mutable std::mutex fMutex; //!
   Counts_t fCounts;
};

} // namespace FlashSim

#endif
