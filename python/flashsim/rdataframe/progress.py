"""Progress of an event loop: ``flashsim.progress(node)``."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from .._library import cpp, root
from .progress_display import Line, make_display

__all__ = ["progress", "run_watched", "waiting"]

_PERIOD = 0.1  # seconds between two readings of the counters

Node = TypeVar("Node")


def progress(node: Node, description: str = "", *, total: int | None = None) -> Node:
    """Shows the progress of a dataframe's next event loop: ``flashsim.progress(sim)``, then ``h.Draw()``.

    It shows events, their rate and the remaining time; behind ``FlashSim``, both GEN and RECO events. In a terminal and
    in a notebook this is a bar, elsewhere (a batch job) a line every ten seconds on standard error. Ctrl-C, or the
    button of the notebook, ends the event loop with KeyboardInterrupt; the dataframe can be used again.

    Parameters
    ----------
    node
        Any node of a local dataframe, behind ``FlashSim`` or not. Several dataframes may be watched at a time.
    description
        Text before the bar; by default "GEN → RECO" behind ``FlashSim``, else "events".
    total
        Entries that the loop will process; by default those of the dataset, of which an upstream ``Range`` may leave
        fewer.

    Returns
    -------
    RDataFrame
        The node itself.

    Raises
    ------
    TypeError
        On a distributed node, of which Dask and Spark show the progress themselves.

    Notes
    -----
    One event loop is watched, as by ROOT's ``AddProgressBar``: the next one that Python starts by a result of the
    dataframe, ``RunGraphs``, ``Snapshot`` or ``AsNumpy``. It runs in a thread of its own without Python's lock, and
    ROOT is made safe for threads (``ROOT.EnableThreadSafety()``). Works with and without implicit multi-threading.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> df = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(20)
    >>> sim = flashsim.progress(df.FlashSim("jets", fold_size=5, prefix="Flash"))
    >>> sim.Count().GetValue()
    100
    """
    if type(node).__module__.startswith("ROOT._distrdf"):
        message = "flashsim.progress watches event loops of this process; Dask and Spark show the progress of tasks."
        raise TypeError(message)
    waiting.append(_Watch(node, description, total))
    return node


def run_watched(results: Iterable[Any]) -> int:
    """Runs the event loops of results, or of maps of variations, and shows those that are watched.

    Returns the number of event loops. Raises their C++ exceptions, and KeyboardInterrupt.
    """
    handles = root().std.vector[root().RDF.RResultHandle]()
    for result in results:
        handle = root().RDF.RResultHandle(result)
        if not handle.IsReady():
            handles.push_back(handle)
    if handles.empty():
        return 0
    watches = waiting[:]
    waiting.clear()
    has_failed = True
    try:
        number = _run_and_show(lambda: _run_graphs()(handles), watches)
        has_failed = False
        return number
    finally:
        for watch in watches:
            if not watch.is_over(has_failed):
                watch.count_anew()
                waiting.append(watch)
        # After an error they would stay booked, as long as its traceback is kept.
        handles.clear()
        del results, result, handle


class _Watch:
    """One dataframe: its counter, and the start time."""

    def __init__(self, node: Any, description: str, total: int | None) -> None:
        self._node = root().RDF.AsRNode(node)
        self._is_behind_flash_sim = cpp().GetFoldSize(self._node) > 0
        self._description = description or ("GEN → RECO" if self._is_behind_flash_sim else "events")
        self._total = total
        self._counter: Any = None
        self.count_anew()

    def count_anew(self) -> None:
        """Prepares the next event loop, also after a failed one or one of another dataframe."""
        if self._counter is None or self._counter.HasEnded():
            self._counter = cpp().LoopProgress(self._node)
        self._last_without: float | None = None
        self._start: float | None = None
        self._end: float | None = None

    def find_total(self) -> None:
        self._counter.FindTotal()

    def stop(self) -> None:
        self._counter.Stop()

    def is_over(self, has_failed: bool) -> bool:
        """Whether the dataframe's event loop has run to its end; if `has_failed`, an event loop has failed."""
        return bool(self._counter.HasEnded()) and (not has_failed or self._numbers()[1] == self._numbers()[2])

    def _numbers(self) -> tuple[int, int, int]:
        """Events of the loop, finished entries and entries of the dataset, 0 if not known."""
        counter = self._counter
        events, done, total = int(counter.GetNEvents()), int(counter.GetNDone()), int(counter.GetNTotal())
        return (events, done, total) if self._total is None else (events, events, self._total)

    def look(self, now: float, is_over: bool = False) -> Line | None:
        """The line at `now`, in seconds; None before the first event."""
        events, done, total = self._numbers()
        if events == 0 and not is_over:
            self._last_without = now
            return None
        self._start = self._start or self._last_without or now
        if is_over:
            now = self._end = self._end or now
        fraction = min(done / total, 1.0) if total else None
        seconds = now - self._start
        parts = []
        if self._is_behind_flash_sim and self._total is None:
            parts.append(f"{done:,}/{total:,} GEN".replace(",", " "))
        parts.append(_count(events, "RECO events" if self._is_behind_flash_sim else "events"))
        if seconds > 0:
            parts.append(_rate(events / seconds))
        if is_over:
            parts.append(f"in {_duration(seconds)}")
        elif fraction and seconds > 1:
            parts.append(f"{_duration(seconds * (1 - fraction) / fraction)} left")
        return Line(self._description, ", ".join(parts), fraction, is_over)


waiting: list[_Watch] = []
"""Dataframes whose next event loop is to be shown."""


def _run_and_show(loop: Callable[[], int], watches: Sequence[_Watch]) -> int:
    ended = threading.Event()
    errors: list[BaseException] = []
    numbers: list[int] = []

    def work() -> None:
        try:
            for watch in watches:
                watch.find_total()
            numbers.append(int(loop()))
        except BaseException as error:  # raised again in the thread that waits
            errors.append(error)
        finally:
            ended.set()

    for watch in watches:
        watch.is_over(True)  # compiles what is called while the loop runs
    display = make_display()
    thread = threading.Thread(target=work, name="event loop")
    thread.start()
    shown: list[_Watch] = []
    try:
        is_last = False
        while not is_last:
            is_last = ended.wait(_PERIOD)
            now, has_failed = time.monotonic(), not is_last or bool(errors)
            overs = [watch.is_over(has_failed) for watch in watches]
            lines = {w: line for w, over in zip(watches, overs, strict=True) if (line := w.look(now, over)) is not None}
            shown.extend(watch for watch in lines if watch not in shown)
            if shown:
                display.update([lines[watch] for watch in shown])
    except BaseException:
        for watch in watches:
            watch.stop()
        raise
    finally:
        thread.join()
        display.stop()
    if errors:
        raise errors[0].with_traceback(None)
    return numbers[0]


@cache
def _run_graphs() -> Any:
    # The loop compiles in one thread while this one reads the counters.
    root().EnableThreadSafety()
    run_graphs = root().FlashSim.RunGraphs
    run_graphs.__release_gil__ = True
    return run_graphs


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}".replace(",", " ")


def _rate(per_second: float) -> str:
    return f"{per_second:,.0f}/s".replace(",", " ") if per_second >= 10 else f"{per_second:.1f}/s"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
