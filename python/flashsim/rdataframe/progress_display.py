"""Displays of progress: a terminal, a notebook, or the log of a batch job."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

__all__ = ["Display", "Line", "make_display"]

_LOG_PERIOD = 10.0  # seconds between two lines of a log
_CELLS = 24  # of a bar in a notebook


@dataclass(frozen=True)
class Line:
    """State of one event loop."""

    description: str
    text: str
    """Progress in numbers."""
    fraction: float | None
    """Finished fraction of the dataset, None if not known."""
    is_finished: bool = False


class Display(Protocol):
    """Shows lines until it is stopped."""

    def update(self, lines: Sequence[Line]) -> None:
        """Shows these lines, the same ones in the same order each time; more may follow."""

    def stop(self) -> None:
        """Ends the display; the last lines stay."""


def make_display() -> Display:
    """The display for this output: bars in a terminal or notebook, else lines on standard error every ten seconds."""
    console = Console(stderr=True)
    if console.is_jupyter:
        return _Notebook()
    return _Terminal(console) if console.is_terminal else _Log()


class _Terminal:
    def __init__(self, console: Console) -> None:
        text = TextColumn("{task.fields[text]}", markup=False)
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), text)
        self._bars = Progress(*columns, console=console, auto_refresh=False)
        self._tasks: list[TaskID] = []
        self._bars.start()

    def update(self, lines: Sequence[Line]) -> None:
        for line in lines[len(self._tasks) :]:
            self._tasks.append(self._bars.add_task(line.description, total=None, text=""))
        for task, line in zip(self._tasks, lines, strict=True):
            fraction = 1.0 if line.is_finished else line.fraction
            total = None if fraction is None else 1.0
            self._bars.update(task, total=total, completed=fraction, text=line.text)
        self._bars.refresh()

    def stop(self) -> None:
        self._bars.stop()


class _Notebook:
    """A text that is replaced; no widgets are needed."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown = ""

    def update(self, lines: Sequence[Line]) -> None:
        from IPython.display import display

        text = "\n".join(f"{line.description} {self._bar(line)} {line.text}" for line in lines)
        if text == self._shown:
            return
        content = {"text/plain": text}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)
        self._shown = text

    @staticmethod
    def _bar(line: Line) -> str:
        fraction = 1.0 if line.is_finished else line.fraction
        if fraction is None:
            return ""
        full = round(_CELLS * fraction)
        return f"|{'█' * full}{' ' * (_CELLS - full)}|"

    def stop(self) -> None:
        pass


class _Log:
    def __init__(self) -> None:
        self._next = time.monotonic() + _LOG_PERIOD
        self._ended = 0

    def update(self, lines: Sequence[Line]) -> None:
        is_time = time.monotonic() >= self._next
        if is_time:
            self._next = time.monotonic() + _LOG_PERIOD
        ended = sum(line.is_finished for line in lines)
        for line in lines:
            if is_time or (line.is_finished and ended > self._ended):
                percent = "" if line.fraction is None or line.is_finished else f" {line.fraction:.0%},"
                print(f"{line.description}:{percent} {line.text}", file=sys.stderr, flush=True)
        self._ended = ended

    def stop(self) -> None:
        pass
