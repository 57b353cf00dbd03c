"""Produce a file of generated events: in parallel, reproducible and resumable."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..._machine import available_cores
from ..gen.events import PYTHIA_SEEDS, require_extras
from ..gen.processes import find_process
from .part_folder import PartFolder
from .parts import Part, Settings
from .workers import Task, simulate

__all__ = ["BLOCK_EVENTS", "PART_BLOCKS", "Production", "generate"]

BLOCK_EVENTS = 250
"""Events that share a seed. It is a constant because the content of a file depends on it."""

PART_BLOCKS = 20
"""Blocks in a part, about a minute's work of one core. An interrupted production keeps whole parts."""

_DEFAULT_EVENTS = 1000
_SPECIAL_TO_ROOT = "?#$|"


@dataclass(frozen=True)
class Production:
    """Result of `generate`.

    Parameters
    ----------
    path
        The file.
    process
        Name of the process.
    events
        Number of events.
    jets
        Number of generated jets.
    sum_of_weights
        Sum of ``genWeight``.
    resumed_events
        Events out of these that an earlier, interrupted call had made.
    seconds
        Time that this call took.
    """

    path: Path
    process: str
    events: int
    jets: int
    sum_of_weights: float
    resumed_events: int
    seconds: float

    def __fspath__(self) -> str:
        return str(self.path)


class _Display:
    """Progress of a production, on standard error; a context manager."""

    def __init__(self, settings: Settings, shown: bool) -> None:
        self._settings = settings
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[details]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not shown,
        )

    def __enter__(self) -> _Display:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def say(self, message: str) -> None:
        if not self._bar.disable:
            self._bar.console.print(message, soft_wrap=True, markup=False, highlight=False)

    def begin(self, events: int, jets: int) -> None:
        """Start with the existing parts; the rate counts new events only."""
        self._first, self._started = events, time.monotonic()
        settings = self._settings
        by_events = settings.jets is None
        self._line = self._bar.add_task(
            f"{settings.process.name} {'events' if by_events else 'jets'}",
            total=settings.events if by_events else settings.jets,
            completed=events if by_events else jets,
            details="",
        )

    def show(self, events: int, jets: int) -> None:
        rate = (events - self._first) / max(time.monotonic() - self._started, 1e-9)
        wanted = self._settings.jets
        self._bar.update(
            self._line,
            completed=events if wanted is None else min(jets, wanted),
            details=f"{f'{jets} jets' if wanted is None else f'{events} events'}, {rate:.0f} events/s",
        )


def _tasks(settings: Settings, parts: Iterable[int]) -> Iterator[Task]:
    for part in parts:
        size = settings.most_events(part)
        for index, start in enumerate(range(0, size, settings.block_events)):
            yield Task(
                settings.process,
                settings.seed,
                block=part * settings.part_blocks + index,
                first_event=part * settings.part_events + start + 1,
                events=min(settings.block_events, size - start),
            )


def _make(folder: PartFolder, parts: Sequence[int], jobs: int, display: _Display, wanted: int | None = None) -> None:
    """Make parts in their order, and stop after the block that completes a number of jets."""
    settings = folder.settings
    with closing(simulate(_tasks(settings, parts), jobs)) as blocks:
        for number in parts:
            events, weights = 0, 0.0
            jets_of_blocks: list[int] = []
            enough = False
            with folder.writer(number) as writer:
                for block in itertools.islice(blocks, settings.blocks(number)):
                    writer.write(block)
                    events += block.events
                    weights += float(block.columns["genWeight"].sum(dtype="float64"))
                    jets_of_blocks.append(int(block.columns["nGenJet"].sum()))
                    jets = folder.jets + sum(jets_of_blocks)
                    display.show(folder.events + events, jets)
                    enough = wanted is not None and jets >= wanted
                    if enough:
                        break
            folder.parts[number] = Part(events, tuple(jets_of_blocks), weights)
            if enough:
                return


def _make_missing(folder: PartFolder, end: int, jobs: int, display: _Display) -> None:
    """Make the missing ones of the first parts."""
    parts = [number for number in range(end) if number not in folder.parts]
    if parts:
        _make(folder, parts, min(jobs, sum(map(folder.settings.blocks, parts))), display)


def _make_jets(folder: PartFolder, wanted: int, jobs: int, display: _Display) -> None:
    """Make parts until there are enough jets."""
    full = folder.settings.part_events
    last = max(folder.parts, default=0)
    for number in [number for number, part in folder.parts.items() if number < last and part.events < full]:
        del folder.parts[number]
    _make_missing(folder, last, jobs, display)
    # Keep full parts, and a last part that ends with the block that completes the jets.
    jets, right = 0, True
    for number in sorted(folder.parts):
        part = folder.parts[number]
        before, jets = jets + sum(part.jets[:-1]), jets + sum(part.jets)
        right = right and (before < wanted <= jets or (part.events == full and jets < wanted))
        if not right:
            del folder.parts[number]
    missing = wanted - folder.jets
    if missing > 0:
        blocks = -(-missing // folder.settings.block_events)  # or fewer: an event has a jet or more, on average
        _make(folder, range(len(folder.parts), sys.maxsize), min(jobs, blocks), display, wanted)


def _checked_output(output: str | os.PathLike[str]) -> Path:
    path = Path(output)
    special = [character for character in _SPECIAL_TO_ROOT if character in str(path)]
    if special:
        raise ValueError(f"output {path}: {special[0]!r} is special in ROOT's file names; choose another name")
    if path.is_dir():
        raise IsADirectoryError(f"output {path} is a directory; expected the name of a file")
    directory = path.parent
    if not directory.is_dir():
        raise FileNotFoundError(f"output {path}: the directory {directory} does not exist")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(f"output {path}: the directory {directory} is not writable")
    return path


def generate(
    output: str | os.PathLike[str],
    process: str = "ttbar",
    events: int | None = None,
    seed: int = 1,
    jobs: int | None = None,
    progress: bool = True,
    *,
    jets: int | None = None,
    resume: bool = True,
) -> Production:
    """Generate events with Pythia 8, add pseudo-reconstructed jets, and write a NanoAOD-like file.

    Proton-proton collisions at 13 TeV; jets by FastJet's anti-kt 0.4, see `flashsim.generation.gen.jets.cluster`;
    reconstructed jets by `flashsim.generation.detector.jets.respond`; branches in
    `flashsim.generation.columns.BRANCHES`. Kinematic variables, fractions and scores keep 13 bits of their mantissa.

    An interrupted or killed production loses at most the last part of 5000 events: finished parts stay in the folder
    ``<output>.parts`` until all of them make the output. The same call checks them and continues. The file is the same,
    byte for byte (unless the process has read files of another ROOT before: it then stores their descriptions of
    classes).

    Parameters
    ----------
    output
        File to write; an existing one is replaced, at the end.
    process
        One of ``ttbar``, ``qcd``, ``zjets``, ``diboson``.
    events
        Number of events, at least 1; by default 1000.
    seed
        1 to 900000000. The same process, seed, and events or jets give the same file for any number of jobs, as long as
        the versions of flashsim, Pythia, FastJet, NumPy and ROOT are the same.
    jobs
        Worker processes, by default one for each core that this process may use. With 1 the work is done here.
        Scripts that use more need the usual ``if __name__ == "__main__":`` guard of `multiprocessing`.
    progress
        Whether to show resumed parts, a progress bar and the rate on standard error.
    jets
        Instead of `events`: blocks of 250 events are made up to this number of generated jets or more.
    resume
        Whether to continue from the parts of an interrupted production, if any. False: start over.

    Returns
    -------
    Production
        Summary of the written file; it can be used as a path.

    Raises
    ------
    ImportError
        If pythia8mc, fastjet or awkward are not installed.
    ValueError
        If the process is unknown, `events`, `jets`, `seed` or `jobs` are out of range, the output has one of ``?#$|``
        in its name, or the folder holds the parts of a production with other settings.
    OSError
        If the output cannot be written, or another process is producing it.
    RuntimeError
        If Pythia fails, or a worker process dies.

    Examples
    --------
    >>> made = generate("ttbar.root", "ttbar", events=100, seed=7, jobs=1, progress=False)  # doctest: +SKIP
    >>> made.events  # doctest: +SKIP
    100
    >>> generate("million.root", "ttbar", jets=1_000_000).jets  # doctest: +SKIP
    1000567
    """
    chosen = find_process(process)
    if events is not None and jets is not None:
        raise ValueError(f"events is {events} and jets is {jets}, expected one of them")
    if jets is None:
        events = _DEFAULT_EVENTS if events is None else events
    for name, number in (("events", events), ("jets", jets), ("jobs", jobs)):
        if number is not None and number < 1:
            raise ValueError(f"{name} is {number}, expected at least 1")
    if not 1 <= seed <= PYTHIA_SEEDS:
        raise ValueError(f"seed is {seed}, expected 1 to {PYTHIA_SEEDS}")
    path = _checked_output(output)
    require_extras()

    started = time.monotonic()
    settings = Settings(chosen, seed, events, jets, BLOCK_EVENTS, PART_BLOCKS)
    with PartFolder(path, settings, resume) as folder, _Display(settings, progress) as display:
        for complaint in folder.find():
            display.say(f"made anew: {complaint}")
        resumed = folder.events
        if folder.parts:
            display.say(f"resumed: {len(folder.parts)} parts with {resumed} events, {folder.jets} jets")
        display.begin(resumed, folder.jets)
        if jets is not None:
            _make_jets(folder, jets, jobs or available_cores(), display)
        elif events is not None:
            _make_missing(folder, -(-events // settings.part_events), jobs or available_cores(), display)
        folder.make_output()
        weights, seconds = folder.sum_of_weights, time.monotonic() - started
        return Production(path, process, folder.events, folder.jets, weights, resumed, seconds)
