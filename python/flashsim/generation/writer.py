"""Write blocks of events to a NanoAOD-like TTree."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import BRANCHES, Block

__all__ = ["CLUSTER_EVENTS", "EventWriter"]

CLUSTER_EVENTS = 500
"""Events per cluster of the tree, the smallest part that a multi-threaded reader hands to a thread."""

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
        If the file cannot be made or closed.
    """

    def __init__(self, path: Path, title: str) -> None:
        self.path = path
        self.temporary = path.with_name(f".flashsim-{os.getpid()}-{id(self):x}.part")
        self.title = title
        self._buffers: dict[str, NDArray[Any]] = {}

    def __enter__(self) -> EventWriter:
        import ROOT

        context = ROOT.TDirectory.TContext()  # the user's current directory comes back when this one is destroyed
        # The temporary name does not end in ".root", so its type is said; and no date, identifier or path is stored,
        # so that the same events make the same file, byte for byte.
        options = "filetype=root&reproducible=events.root"
        self._file = ROOT.TFile.Open(f"{self.temporary}?{options}", "RECREATE", "", _LZMA_LEVEL)
        if not self._file or self._file.IsZombie():
            raise OSError(f"cannot create {self.temporary}")
        self._tree = ROOT.TTree("Events", self.title)
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
                raise OSError(f"cannot write to {self.temporary}: is the disk full?")

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
            if error is None and self._file.WriteTObject(self._tree, "Events") <= 0:
                raise OSError(f"cannot write to {self.temporary}: is the disk full?")
            self._file.Close()
            if error is None:
                self.temporary.replace(self.path)
        finally:
            self.temporary.unlink(missing_ok=True)
