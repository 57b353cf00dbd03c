"""Produce a file of generated events, in parallel and reproducibly."""

from __future__ import annotations

import multiprocessing
import multiprocessing.context
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .columns import Block, simulate_block
from .events import PYTHIA_SEEDS, require_extras
from .processes import Process, find_process
from .writer import EventWriter

__all__ = ["BLOCK_EVENTS", "Production", "generate"]

BLOCK_EVENTS = 250
"""Events that share a seed. It is a constant because the content of a file depends on it."""


@dataclass(frozen=True)
class Production:
    """What `generate` made.

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
    seconds
        Time that it took.
    """

    path: Path
    process: str
    events: int
    jets: int
    sum_of_weights: float
    seconds: float

    def __fspath__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class _Task:
    process: Process
    seed: int
    block: int
    first_event: int
    events: int


def _run(task: _Task) -> Block:
    return simulate_block(task.process, task.seed, task.block, task.first_event, task.events)


def _ignore_interrupt() -> None:
    # Ctrl-C reaches every process of the terminal; the parent alone deals with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _spawning() -> Iterator[multiprocessing.context.SpawnContext]:
    """Fresh interpreters: a fork would copy ROOT's and FastJet's state and locks.

    ROOT's wheel warns whenever it is imported. The caller has seen that, so the children, who inherit the interpreter's
    warning options, are told not to repeat it through the progress bar.
    """
    quiet = "ignore::UserWarning:ROOT"
    sys.warnoptions.append(quiet)
    try:
        yield multiprocessing.get_context("spawn")
    finally:
        sys.warnoptions.remove(quiet)


def _cores() -> int:
    # The affinity is what a batch system grants; it is not known on every platform.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tasks(process: Process, events: int, seed: int) -> Iterator[_Task]:
    for block, start in enumerate(range(0, events, BLOCK_EVENTS)):
        yield _Task(process, seed, block, start + 1, min(BLOCK_EVENTS, events - start))


def _blocks(process: Process, events: int, seed: int, jobs: int) -> Iterator[Block]:
    """Blocks in order, whatever the order they are finished in."""
    tasks = _tasks(process, events, seed)
    if jobs == 1:
        yield from map(_run, tasks)
        return
    others = set(multiprocessing.active_children())
    with _spawning() as context, ProcessPoolExecutor(jobs, mp_context=context, initializer=_ignore_interrupt) as pool:
        running: deque[Future[Block]] = deque()
        try:
            for task in tasks:
                running.append(pool.submit(_run, task))
                # A few blocks ahead keep every worker busy, and memory small however long the production.
                if len(running) > 2 * jobs:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        except BrokenProcessPool as error:
            raise RuntimeError(
                "a worker process died; was the script started without an `if __name__ == '__main__'` guard,"
                " or did memory run out?"
            ) from error
        except BaseException:
            # Nobody wants the blocks that were begun, and without this the pool would wait for them.
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise


def _checked_output(output: str | os.PathLike[str]) -> Path:
    path = Path(output)
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
    events: int = 1000,
    seed: int = 1,
    jobs: int | None = None,
    progress: bool = True,
) -> Production:
    """Generate events with Pythia 8, add pseudo-reconstructed jets, and write a NanoAOD-like file.

    Proton-proton collisions at 13 TeV; jets by FastJet's anti-kt 0.4, see `flashsim.generation.jets.cluster`;
    reconstructed jets by `flashsim.generation.response.respond`; branches in `flashsim.generation.columns.BRANCHES`.
    Kinematic variables, fractions and scores keep 13 bits of their mantissa.

    Parameters
    ----------
    output
        File to write; an existing one is replaced, but only when all events are there.
    process
        One of ``ttbar``, ``qcd``, ``zjets``, ``diboson``.
    events
        Number of events, at least 1.
    seed
        1 to 900000000. The same process, events and seed give the same content for any number of jobs.
    jobs
        Worker processes, by default one for each core that this process may use. With 1 the work is done here.
        Scripts that use more need the usual ``if __name__ == "__main__":`` guard of `multiprocessing`.
    progress
        Whether to show a progress bar on standard error.

    Returns
    -------
    Production
        Summary of what was written; it can be used as a path.

    Raises
    ------
    ImportError
        If pythia8mc, fastjet or awkward are not installed.
    ValueError
        If the process is unknown, or `events`, `seed` or `jobs` are out of range.
    OSError
        If the output cannot be written.
    RuntimeError
        If Pythia fails, or a worker process dies.

    Examples
    --------
    >>> made = generate("ttbar.root", "ttbar", events=100, seed=7, jobs=1, progress=False)  # doctest: +SKIP
    >>> made.events  # doctest: +SKIP
    100
    """
    chosen = find_process(process)
    if events < 1:
        raise ValueError(f"events is {events}, expected at least 1")
    if not 1 <= seed <= PYTHIA_SEEDS:
        raise ValueError(f"seed is {seed}, expected 1 to {PYTHIA_SEEDS}")
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs is {jobs}, expected at least 1")
    path = _checked_output(output)
    require_extras()
    workers = min(jobs or _cores(), -(-events // BLOCK_EVENTS))

    started = time.monotonic()
    jets, weights = 0, 0.0
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not progress,
    )
    with bar, EventWriter(path, f"{chosen.title}; 13 TeV; seed {seed}") as writer:
        line = bar.add_task(process, total=events, rate="")
        done = 0
        for block in _blocks(chosen, events, seed, workers):
            writer.write(block)
            done += block.events
            jets += int(block.columns["nGenJet"].sum())
            weights += float(block.columns["genWeight"].sum(dtype="float64"))
            bar.update(line, completed=done, rate=f"{done / (time.monotonic() - started):.0f} events/s")
    return Production(path, process, events, jets, weights, time.monotonic() - started)
