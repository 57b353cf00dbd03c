// Part of FlashSim for RDataFrame.
#include "FlashSim/interrupts/detail/InterruptibleWrites.hxx"

#include <TUnixSystem.h>

#include <atomic>
#include <cstring>
#include <typeinfo>

namespace FlashSim {
namespace {

std::atomic<bool (*)()> gIsHeard{nullptr};

} // namespace

/// ROOT's interface to the system, except that SIGINT is not ignored while guards catch it.
class InterruptibleSystem final : public TUnixSystem {
public:
   void IgnoreSignal(ESignals signal, Bool_t ignore) override;
};
static_assert(sizeof(InterruptibleSystem) == sizeof(TUnixSystem), "it takes the place of a TUnixSystem");

void InterruptibleSystem::IgnoreSignal(ESignals signal, Bool_t ignore)
{
   // The end of ignoring is always passed on: its beginning may lie before. Without a beginning it has no effect.
   if (signal == kSigInterrupt && ignore && gIsHeard.load()())
      return;
   TUnixSystem::IgnoreSignal(signal, ignore);
}

/// The table of virtual functions of InterruptibleSystem, by the name that the C++ ABI gives it
/// (https://itanium-cxx-abi.github.io/cxx-abi/abi.html, 2.5 and 5.1.4). No object can be made to copy it from: ROOT
/// allows one TSystem. The address in objects is that of the third entry.
extern "C" const void *const kInterruptibleSystemTable[] __asm__("_ZTVN8FlashSim19InterruptibleSystemE");

void WriteInterruptibly(bool (*isHeard)())
{
   gIsHeard.store(isHeard);
   if (gSystem == nullptr)
      return;
   TSystem &system = *gSystem;
   if (typeid(system) != typeid(TUnixSystem))
      return; // another one, or replaced before
   const void *table = kInterruptibleSystemTable + 2;
   std::memcpy(static_cast<void *>(gSystem), &table, sizeof(table));
}

} // namespace FlashSim
