// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_INTERRUPTION
#define FLASHSIM_INTERRUPTION

#include <stdexcept>

namespace FlashSim {

/// \file
/// Ctrl-C during an event loop.
///
/// Python hears SIGINT between two of its own instructions, which an event loop has none of: without help it would end
/// first. While an InterruptionGuard lives, the signal is noted here, and the loops of this library look for it: at each
/// entry, every few thousand upstream entries, and between the batches of a flow. They end with an Interrupted, which
/// the Python package turns into KeyboardInterrupt.

/// What a loop that was interrupted throws. Its message begins with kInterruptedMessage.
class Interrupted : public std::runtime_error {
public:
   Interrupted();
};

constexpr const char *kInterruptedMessage = "FlashSim: interrupted by Ctrl-C";

/// \brief Says whether guards hear SIGINT from now on. By default they do not.
///
/// ROOT ignores SIGINT while it writes to a file; it does so no longer while a guard that hears the signal lives.
///
/// Meant for hosts that note the signal and act on it later, such as Python, whose handler is called as well. A program
/// that leaves SIGINT to the system ends at once, and one that ignores it goes on: guards change neither.
void HearInterrupts(bool isWanted);

/// \brief Hears SIGINT as long as it lives, if HearInterrupts() says so.
///
/// May be nested, and live in several threads: the first notes whose handler it replaces and forgets earlier signals,
/// the last puts that handler back.
class InterruptionGuard {
public:
   /// \throws Interrupted if Python has noted a signal that it has not acted on yet
   InterruptionGuard();
   ~InterruptionGuard();
   InterruptionGuard(const InterruptionGuard &) = delete;
   InterruptionGuard &operator=(const InterruptionGuard &) = delete;
};

/// Whether SIGINT has come since the first of the guards that live. False without one. Costs one relaxed load.
bool IsInterrupted() noexcept;

/// \throws Interrupted if IsInterrupted()
inline void ThrowIfInterrupted()
{
   if (IsInterrupted())
      throw Interrupted();
}

/// \brief What else is to happen at a signal: set once, before the first guard.
/// \param[in] onInterruption called by the signal handler, hence restricted to what a handler may do (signal-safety(7))
/// \param[in] onStart called when the first guard begins
void SetInterruptionCallbacks(void (*onInterruption)(), void (*onStart)());

} // namespace FlashSim

#endif
