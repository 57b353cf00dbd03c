"""A progress bar for RDataFrame's event loops."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .._errors import translated
from .._library import root

__all__ = ["event_loop_bar", "run_event_loop"]

_PERIOD = 0.1  # seconds between two looks at the counter

# The event loop counts in C++, and Python looks at the counter from another thread: a Python callback would need the
# interpreter's lock in every slot.
_CODE = r"""
#include <ROOT/RResultPtr.hxx>
#include <atomic>
#include <memory>
#include <stdexcept>

namespace FlashSimProgress {

class EventLoop {
   struct State {
      std::atomic<ULong64_t> fDone{0};
      std::atomic<bool> fIsStopped{false};
   };
   ROOT::RDF::RResultPtr<ULong64_t> fCount;
   // The dataframe keeps the callback, and may outlive this object.
   std::shared_ptr<State> fState = std::make_shared<State>();

public:
   explicit EventLoop(const ROOT::RDF::RResultPtr<ULong64_t> &count) : fCount(count)
   {
      constexpr unsigned int interval = 32;
      fCount.OnPartialResultSlot(interval, [state = fState](unsigned int, ULong64_t &) {
         state->fDone += interval;
         if (state->fIsStopped)
            throw std::runtime_error("FlashSim: the event loop was stopped.");
      });
   }
   void Run() { fCount.GetValue(); }
   void Stop() { fState->fIsStopped = true; }
   ULong64_t GetDone() const { return fState->fDone; }
};

} // namespace FlashSimProgress
"""


def event_loop_bar(hidden: bool = False) -> Progress:
    """A progress bar on standard error, to be used in a `with` statement."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=hidden,
    )


def run_event_loop(count: Any, bar: Progress, description: str, total: int | None = None) -> int:
    """Runs the event loop of a dataframe while a bar shows how far it is. Ctrl-C stops the loop.

    Parameters
    ----------
    count
        What ``Count()`` of the dataframe has returned; everything booked on the same dataframe is filled with it.
    bar
        Where to draw, started.
    description
        What to say before the bar.
    total
        Entries that will be counted, if known.

    Returns
    -------
    int
        Entries that were counted.

    Raises
    ------
    RuntimeError
        If the event loop fails, with the message of FlashSim.
    """
    line = bar.add_task(description, total=total)
    loop = _event_loop_class()(count)
    finished = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with translated():
                loop.Run()
        except BaseException as error:  # handed to the thread that waits
            errors.append(error)
        finally:
            finished.set()

    thread = threading.Thread(target=run, name="event loop")
    thread.start()
    try:
        while not finished.wait(_PERIOD):
            bar.update(line, completed=int(loop.GetDone()))
    except BaseException:
        loop.Stop()
        raise
    finally:
        thread.join()
    if errors:
        raise errors[0]
    entries = int(count.GetValue())
    bar.update(line, total=entries, completed=entries)
    return entries


@cache
def _event_loop_class() -> Any:
    # The loop compiles in one thread while this one asks how far it is, which may compile too.
    root().EnableThreadSafety()
    root().gInterpreter.Declare(_CODE)
    klass = root().FlashSimProgress.EventLoop
    klass.Run.__release_gil__ = True
    return klass
