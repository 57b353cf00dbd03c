"""Simulate blocks of events in several processes."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

from ..._library import WITHOUT_ROOT
from ..columns import Block, simulate_block
from ..gen.processes import Process

__all__ = ["Task", "simulate"]


@dataclass(frozen=True)
class Task:
    """One block to be simulated, see `flashsim.generation.columns.simulate_block`."""

    process: Process
    seed: int
    block: int
    first_event: int
    events: int


def simulate(tasks: Iterable[Task], jobs: int) -> Generator[Block, None, None]:
    """Blocks in the order of their tasks, not of their completion.

    A few blocks per worker are under way or wait to be fetched: memory stays small, and no worker waits if the caller
    takes less time for a block than all workers together. Closing the iterator ends the workers.

    Parameters
    ----------
    tasks
        Blocks to simulate; may be endless.
    jobs
        Number of worker processes. With 1 the work is done in this process.

    Raises
    ------
    RuntimeError
        If Pythia fails, or a worker process dies.
    """
    if jobs == 1:
        yield from map(_run, tasks)
        return
    others = set(multiprocessing.active_children())
    # Fresh interpreters, since a fork would copy the state and locks of ROOT and FastJet.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_prepare_worker) as pool:
        running: deque[Future[Block]] = deque()
        try:
            for task in tasks:
                with _without_root():  # which starts processes as they are needed
                    running.append(pool.submit(_run, task))
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
            # The unfinished blocks are not needed; without this the pool would wait for them.
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise


def _run(task: Task) -> Block:
    return simulate_block(task.process, task.seed, task.block, task.first_event, task.events)


def _prepare_worker() -> None:
    # Ctrl-C reaches every process of the terminal; the parent alone deals with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # After a kill of the parent, the workers would wait for their next task for ever.
    threading.Thread(target=_leave_with_parent, name="parent", daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


@contextmanager
def _without_root() -> Iterator[None]:
    """Processes that start meanwhile do not load ROOT when they import this package: they need none."""
    before = os.environ.get(WITHOUT_ROOT)
    os.environ[WITHOUT_ROOT] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[WITHOUT_ROOT]
        else:
            os.environ[WITHOUT_ROOT] = before
