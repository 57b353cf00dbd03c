// Part of FlashSim for RDataFrame.
#include "FlashSim/events/EventIdentity.hxx"

namespace FlashSim {

std::string EventIdentity::AsString() const
{
   if (fIsEntryNumber)
      return "entry " + std::to_string(fEvent);
   return "run " + std::to_string(fRun) + ", luminosityBlock " + std::to_string(fLuminosityBlock) + ", event " +
          std::to_string(fEvent);
}

} // namespace FlashSim
