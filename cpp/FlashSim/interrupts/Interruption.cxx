// Part of FlashSim for RDataFrame.
#include "FlashSim/interrupts/Interruption.hxx"

#include "FlashSim/interrupts/detail/InterruptibleWrites.hxx"

#include <atomic>
#include <csignal>
#include <dlfcn.h>
#include <mutex>
#include <string>

namespace FlashSim {
namespace {

std::atomic<bool> gIsInterrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may use no lock");

std::atomic<void (*)()> gOnInterruption{nullptr};
std::atomic<bool> gIsWanted{false};

/// Living guards, and the handler that they have replaced. The signal handler reads it; it is written only while our
/// handler is not in place.
struct State {
   std::mutex fMutex;
   std::atomic<bool> fIsInstalled{false};
   unsigned int fNGuards = 0;
   struct sigaction fPrevious = {};
   void (*fOnStart)() = nullptr;
};

State &GetState()
{
   static State state;
   return state;
}

void HandleSignal(int signal, siginfo_t *info, void *context)
{
   gIsInterrupted.store(true, std::memory_order_relaxed);
   if (auto *callback = gOnInterruption.load())
      callback();
   const auto &previous = GetState().fPrevious;
   if ((previous.sa_flags & SA_SIGINFO) != 0)
      previous.sa_sigaction(signal, info, context);
   else
      previous.sa_handler(signal);
}

bool IsHandledByHost(const struct sigaction &action)
{
   return (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

bool IsOurs(const struct sigaction &action)
{
   return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == HandleSignal;
}

/// \brief Whether Python has recorded a signal and not yet reacted to it, and raises an exception for it now.
///
/// No guard lives while results are compiled, ahead of the event loop. A signal of that time is found here, through
/// Python's own functions. The library does not link to them: a C++ program has none.
bool HasPythonPending()
{
   using Function = int (*)();
   static const auto holdsLock = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, "PyGILState_Check"));
   static const auto checkSignals = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, "PyErr_CheckSignals"));
   static const auto clear = reinterpret_cast<void (*)()>(dlsym(RTLD_DEFAULT, "PyErr_Clear"));
   if (holdsLock == nullptr || checkSignals == nullptr || clear == nullptr || holdsLock() == 0 || checkSignals() == 0)
      return false;
   clear(); // Interrupted is thrown in its place
   return true;
}

} // namespace

Interrupted::Interrupted() : std::runtime_error(std::string(kInterruptedMessage) + ".") {}

void HearInterrupts(bool isWanted)
{
   if (isWanted)
      WriteInterruptibly([] { return GetState().fIsInstalled.load(); });
   gIsWanted.store(isWanted);
}

void SetInterruptionCallbacks(void (*onInterruption)(), void (*onStart)())
{
   auto &state = GetState();
   const std::lock_guard<std::mutex> lock(state.fMutex);
   gOnInterruption.store(onInterruption);
   state.fOnStart = onStart;
}

InterruptionGuard::InterruptionGuard()
{
   if (gIsWanted && HasPythonPending())
      throw Interrupted();
   auto &state = GetState();
   const std::lock_guard<std::mutex> lock(state.fMutex);
   if (++state.fNGuards > 1)
      return;
   gIsInterrupted.store(false);
   if (state.fOnStart != nullptr)
      state.fOnStart();
   struct sigaction current = {};
   if (!gIsWanted || sigaction(SIGINT, nullptr, &current) != 0 || !IsHandledByHost(current))
      return;
   // Code that replaced our handler while a guard lived may have restored it after the guard's end.
   if (!IsOurs(current))
      state.fPrevious = current;
   struct sigaction action = {};
   action.sa_sigaction = HandleSignal;
   action.sa_flags = SA_SIGINFO | (state.fPrevious.sa_flags & (SA_RESTART | SA_ONSTACK));
   action.sa_mask = state.fPrevious.sa_mask;
   state.fIsInstalled = sigaction(SIGINT, &action, nullptr) == 0;
}

InterruptionGuard::~InterruptionGuard()
{
   auto &state = GetState();
   const std::lock_guard<std::mutex> lock(state.fMutex);
   if (--state.fNGuards > 0)
      return;
   if (state.fIsInstalled) {
      // A handler that other code has installed meanwhile stays.
      struct sigaction current = {};
      if (sigaction(SIGINT, nullptr, &current) == 0 && IsOurs(current))
         sigaction(SIGINT, &state.fPrevious, nullptr);
      state.fIsInstalled = false;
   }
   gIsInterrupted.store(false);
}

bool IsInterrupted() noexcept
{
   return gIsInterrupted.load(std::memory_order_relaxed);
}

} // namespace FlashSim
