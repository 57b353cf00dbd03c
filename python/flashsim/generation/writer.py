"""Write blocks of events to a NanoAOD-like TTree, and join such files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import BRANCHES, Block

__all__ = ["CLUSTER_EVENTS", "TEMPORARY_PREFIX", "TREE", "EventWriter", "merge"]

CLUSTER_EVENTS = 500
"""Events per cluster of the tree, the smallest part for a thread of a reader."""

TREE = "Events"
"""Name of the tree."""

TEMPORARY_PREFIX = ".flashsim-"
"""Prefix of the names of incomplete files."""

_LEAF_CODE = {
    "uint8": "b",
    "int16": "S",
    "uint16": "s",
    "int32": "I",
    "uint32": "i",
    "uint64": "l",
    "float32": "F",
}
_FIRST_CAPACITY = 256
_LZMA_LEVEL = 208  # ROOT's code: algorithm 2 (LZMA), level 8


def _temporary(directory: Path) -> Path:
    return directory / f"{TEMPORARY_PREFIX}{os.getpid()}.part"


def _create(path: Path) -> Any:
    import ROOT

    # The temporary name does not end in ".root", so the type is explicit. No date, identifier or path is stored: the
    # same events make the same file, byte for byte.
    file = ROOT.TFile.Open(f"{path}?filetype=root&reproducible=events.root", "RECREATE", "", _LZMA_LEVEL)
    if not file or file.IsZombie():
        raise OSError(f"cannot create {path}")
    return file


def _complete(file: Any, tree: Any) -> None:
    written = file.WriteTObject(tree, TREE)
    file.Close()
    # Close() writes the list of keys, the last part, and reports no error.
    if written <= 0 or file.TestBit(file.kWriteError):
        raise _disk_full(file)


def _disk_full(file: Any) -> OSError:
    return OSError(f"cannot write to {Path(str(file.GetName())).parent}: is the disk full?")


class EventWriter:
    """Writes the tree `Events`, one block at a time; a context manager.

    The file appears under its name only when the context ends without an exception. Until then it has a temporary name
    in the same directory, which is removed if anything fails.

    Parameters
    ----------
    path
        File to make; an existing one is replaced.
    title
        Title of the tree.

    Raises
    ------
    OSError
        If the file cannot be made, written or closed.
    """

    def __init__(self, path: Path, title: str) -> None:
        self.path = path
        self.temporary = _temporary(path.parent)
        self.title = title
        self._buffers: dict[str, NDArray[Any]] = {}

    def __enter__(self) -> EventWriter:
        import ROOT

        context = ROOT.TDirectory.TContext()  # the user's current directory comes back when this one is destroyed
        self._file = _create(self.temporary)
        self._tree = ROOT.TTree(TREE, self.title)
        ROOT.SetOwnership(self._tree, False)  # the file deletes it when it is closed
        self._tree.SetDirectory(self._file)
        self._tree.SetAutoFlush(CLUSTER_EVENTS)
        self._tree.SetAutoSave(0)
        del context
        for branch in BRANCHES:
            size = _FIRST_CAPACITY if branch.counter else 1
            buffer = self._buffers[branch.name] = np.zeros(size, dtype=branch.dtype)
            length = f"[{branch.counter}]" if branch.counter else ""
            leaf = f"{branch.name}{length}/{_LEAF_CODE[branch.dtype]}"
            self._tree.Branch(branch.name, buffer, leaf).SetTitle(branch.title)
        return self

    def write(self, block: Block) -> None:
        """Append a block of events."""
        self._reserve(block)
        columns = [(self._buffers[branch.name], block.columns[branch.name], branch.counter) for branch in BRANCHES]
        offsets = {
            counter: np.concatenate(([0], np.cumsum(block.columns[counter], dtype=np.int64))).tolist()
            for counter in {branch.counter for branch in BRANCHES if branch.counter}
        }
        for event in range(block.events):
            for buffer, values, counter in columns:
                if counter:
                    start, stop = offsets[counter][event : event + 2]
                    buffer[: stop - start] = values[start:stop]
                else:
                    buffer[0] = values[event]
            if self._tree.Fill() < 0:
                raise _disk_full(self._file)

    def _reserve(self, block: Block) -> None:
        for branch in BRANCHES:
            if not branch.counter:
                continue
            needed = int(block.columns[branch.counter].max(initial=0))
            if needed > len(self._buffers[branch.name]):
                buffer = self._buffers[branch.name] = np.zeros(2 * needed, dtype=branch.dtype)
                self._tree.SetBranchAddress(branch.name, buffer)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                # Unfinished baskets would be stored inside the tree, and merging would copy the memory behind them.
                if self._tree.GetEntries() % CLUSTER_EVENTS and self._tree.FlushBaskets() < 0:
                    raise _disk_full(self._file)
                _complete(self._file, self._tree)
                self.temporary.replace(self.path)
            else:
                self._file.Close()
        finally:
            self.temporary.unlink(missing_ok=True)


def merge(parts: Iterable[Path], path: Path, directory: Path) -> None:
    """Join files of `EventWriter` into one, in their order.

    The compressed baskets are copied as they are, clusters included. This takes milliseconds per file, and memory for
    one basket and the table of all. The same parts make the same file, byte for byte.

    Parameters
    ----------
    parts
        Files to join, at least one.
    path
        File to make, which appears under its name only when it is complete; an existing one is replaced.
    directory
        Folder of the incomplete file, on the same file system as `path`.

    Raises
    ------
    OSError
        If a part cannot be read, or the file not be written.
    """
    import ROOT

    temporary = _temporary(directory)
    context = ROOT.TDirectory.TContext()
    try:
        merged = _create(temporary)
        try:
            tree = None
            for part in parts:
                file = ROOT.TFile.Open(str(part))
                source = file.Get(TREE)
                merged.cd()
                if tree is None:
                    tree = source.CloneTree(0)
                    ROOT.SetOwnership(tree, False)
                if tree.CopyEntries(source, -1, "fast") < 0 or merged.TestBit(merged.kWriteError):
                    raise _disk_full(merged)
                file.Close()
            _complete(merged, tree)
        finally:
            merged.Close()
        temporary.replace(path)
    finally:
        del context
        temporary.unlink(missing_ok=True)
