"""Consecutive events of a file as flat arrays, checked branch by branch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from .queries import Column
from .rows import DatasetError

__all__ = ["Chunk", "Objects"]

Array = npt.NDArray[Any]


class Objects:
    """The objects of one collection in a chunk, event by event.

    Attributes
    ----------
    branch
        A branch with one number per object.
    sizes
        Number of objects per event.
    event
        Number of each object's event in the chunk.
    """

    def __init__(self, branch: str, sizes: Array) -> None:
        self.branch = branch
        self.sizes = sizes
        self.event = np.repeat(np.arange(len(sizes)), sizes)
        self._starts = np.cumsum(sizes) - sizes

    def __len__(self) -> int:
        return len(self.event)

    def positions(self, event: Array, index: Array) -> Array:
        """Positions among all objects of the chunk, from event and number within the event."""
        return self._starts[event] + index


class Chunk:
    """Some events of a file.

    Parameters
    ----------
    events
        The branches, as uproot reads them.
    path
        The file, for errors.
    first
        Entry of the first event, for errors.
    """

    def __init__(self, events: ak.Array, path: str, first: int) -> None:
        self.path = path
        self.first = first
        self._events = events
        self._read: dict[str, tuple[Array, Array | None]] = {}

    def __len__(self) -> int:
        return len(self._events)

    def head(self, events: int) -> Chunk:
        """The first events."""
        return Chunk(self._events[:events], self.path, self.first)

    def is_per_event(self, branch: str) -> bool:
        """Whether a branch has one number per event instead of a list."""
        return self._flat(branch)[1] is None

    def objects(self, branches: Iterable[str]) -> Objects:
        """The common objects of the branches.

        Raises
        ------
        DatasetError
            If a branch has no list per event, or two branches have lists of different lengths.
        """
        first = ""
        sizes: Array | None = None
        for branch in branches:
            here = self._flat(branch)[1]
            if here is None:
                raise self._wrong(branch, "expected a list of numbers per event")
            if sizes is None:
                first, sizes = branch, here
            elif not np.array_equal(sizes, here):
                entry = self.first + int(np.flatnonzero(sizes != here)[0])
                raise DatasetError(
                    f"{self.path}: branches {first!r} and {branch!r} differ in their number of objects, first in entry "
                    f"{entry}. Name branches of one collection"
                )
        if sizes is None:
            raise ValueError("no branches")
        return Objects(first, sizes)

    def source(self, columns: Iterable[Column]) -> Objects:
        """The objects of a context.

        Raises
        ------
        DatasetError
            As `objects`, or if there is no such branch.
        """
        branches = [column.branch for column in columns]
        lists = [branch for branch in branches if not self.is_per_event(branch)]
        if not lists:
            raise DatasetError(
                f"{self.path}: no branch of the context ({', '.join(branches)}) has a list per event. Name one that "
                "has a number for each GEN object"
            )
        return self.objects(lists)

    def index(self, branch: str) -> Array:
        """Whole numbers of a branch with a list per event."""
        values = self._flat(branch)[0]
        if values.dtype.kind not in "iu":
            raise self._wrong(branch, "expected whole numbers: indices of GEN partners")
        return values.astype(np.int64)

    def take(self, branch: str, event: Array, positions: Array) -> Array:
        """Values of objects at these positions, or of their events if the branch has one number per event."""
        values, sizes = self._flat(branch)
        return values[event] if sizes is None else values[positions]

    def check_per_event(self, columns: Iterable[Column]) -> None:
        """Raises DatasetError if a column does not have one number per event."""
        for column in columns:
            if not self.is_per_event(column.branch):
                raise self._wrong(column.branch, "expected one number per event. Name a branch of the event")

    def _flat(self, branch: str) -> tuple[Array, Array | None]:
        """Numbers of a branch, and their count per event if the branch has lists."""
        if branch not in self._read:
            values = self._events[branch]
            has_lists = values.ndim == 2
            try:
                sizes = ak.to_numpy(ak.num(values)) if has_lists else None
                numbers = ak.to_numpy(ak.flatten(values) if has_lists else values)
            except ValueError:  # neither numbers nor lists of numbers
                numbers, sizes = np.empty((0, 0)), None
            if numbers.ndim != 1 or numbers.dtype.kind not in "biuf":
                raise self._wrong(branch, "expected one number or one list of numbers per event")
            if isinstance(numbers, np.ma.MaskedArray) or isinstance(sizes, np.ma.MaskedArray):
                raise self._wrong(branch, "expected no missing numbers")
            self._read[branch] = numbers, sizes
        return self._read[branch]

    def _wrong(self, branch: str, expected: str) -> DatasetError:
        last = self.first + len(self) - 1
        kind = self._events[branch].type.content
        return DatasetError(f"{self.path}: branch {branch!r} is {kind} in entries {self.first} to {last}, {expected}")
