// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_INTERRUPTION
#define FLASHSIM_INTERRUPTION

#include <stdexcept>

namespace FlashSim {

/// \file
/// Ctrl-C during an event loop.
///
/// Python handles SIGINT between two of its own instructions: without help, an event loop would end first. While an
/// InterruptionGuard lives, the signal is recorded here, and the loops of this library check for it: at each entry,
/// every few thousand upstream entries, and between the batches of a flow. They end with an Interrupted, which the
/// Python package turns into KeyboardInterrupt.

/// Exception of a loop that was interrupted. Its message begins with kInterruptedMessage.
class Interrupted : public std::runtime_error {
public:
   Interrupted();
};

constexpr const char *kInterruptedMessage = "FlashSim: interrupted by Ctrl-C";

/// \brief Sets whether guards catch SIGINT from now on. By default they do not.
///
/// ROOT ignores SIGINT while it writes to a file, except while a guard that catches the signal lives.
///
/// For hosts that record the signal and react later, such as Python, whose handler is called as well. Guards change
/// neither a program that leaves SIGINT to the system, which ends it at once, nor one that ignores it.
void HearInterrupts(bool isWanted);

/// \brief Catches SIGINT as long as it lives, if HearInterrupts() has asked for it.
///
/// May be nested, and live in several threads: the first one replaces the handler and drops earlier signals, the last
/// one restores the handler.
class InterruptionGuard {
public:
   /// \throws Interrupted if Python has recorded a signal and not yet reacted to it
   InterruptionGuard();
   ~InterruptionGuard();
   InterruptionGuard(const InterruptionGuard &) = delete;
   InterruptionGuard &operator=(const InterruptionGuard &) = delete;
};

/// Whether SIGINT has come since the first of the living guards. False without one. Costs one relaxed load.
bool IsInterrupted() noexcept;

/// \throws Interrupted if IsInterrupted()
inline void ThrowIfInterrupted()
{
   if (IsInterrupted())
      throw Interrupted();
}

/// \brief Further callbacks for a signal: set once, before the first guard.
/// \param[in] onInterruption called by the signal handler, hence restricted as handlers are (signal-safety(7))
/// \param[in] onStart called when the first guard begins
void SetInterruptionCallbacks(void (*onInterruption)(), void (*onStart)());

} // namespace FlashSim

#endif
