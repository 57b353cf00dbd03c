"""Results of queries: rows as arrays in physical units, and their origin."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

__all__ = ["CountedRows", "DatasetError", "GenObjects", "Pairs", "check_dropped_fraction", "reason_of_partner"]

Array = npt.NDArray[Any]

_ROWS_AT_ONCE = 65536
_PARTNER = " GEN partner)"


class DatasetError(ValueError):
    """A file of pairs that cannot be used; the message names the file, the column and the fault."""


class _Rows:
    """Common methods of all kinds of rows; `ARRAYS` are the attributes with one element per row, ``event`` the last."""

    ARRAYS: ClassVar[tuple[str, ...]]
    context: Array
    event: Array

    def __post_init__(self) -> None:
        if not len(self.event):
            self.event = np.arange(len(self.context), dtype=np.int64)
        lengths = [len(getattr(self, name)) for name in self.ARRAYS]
        if len(set(lengths)) > 1:
            first, second, _ = self.ARRAYS
            message = f"{lengths[0]} rows of {first}, {lengths[1]} of {second} and {lengths[2]} event numbers"
            raise ValueError(message)

    def __len__(self) -> int:
        return len(self.context)

    def head(self, rows: int) -> Self:
        """The first ``rows`` rows, or all if there are fewer, as views; ``dropped`` stays that of the whole.

        Raises
        ------
        ValueError
            If ``rows`` is not above 0.
        """
        if rows < 1:
            raise ValueError(f"rows = {rows}, expected 1 or more")
        if rows >= len(self):
            return self
        changes: dict[str, Any] = {name: getattr(self, name)[:rows] for name in self.ARRAYS}
        return replace(self, **changes, events=int(self.event[rows - 1]) + 1)  # type: ignore[type-var]

    def checksum(self) -> str:
        """SHA-256 of the rows and their events, to identify the same data later."""
        digest = hashlib.sha256()
        for name in self.ARRAYS:
            array = getattr(self, name)
            for start in range(0, len(array), _ROWS_AT_ONCE):
                digest.update(array[start : start + _ROWS_AT_ONCE].tobytes())
        return digest.hexdigest()


@dataclass
class Pairs(_Rows):
    """Rows of a context and a target.

    Attributes
    ----------
    context
        float32 [n, C], variables in the order of the columns; may be memory-mapped, as may the other arrays.
    target
        float32 [n, T], likewise.
    files
        Names of the files read.
    events
        Number of events read.
    dropped
        Rows left out, by reason.
    event
        int64 [n], number of the row's event in the order read; rows of one event are neighbours. By default every row
        is an event of its own.
    objects
        Numbers of objects in the events read, dropped rows included, for one source of GEN objects or for all sources
        of the query: "gen" = "reconstructed" + those without RECO object; "reco" = "reconstructed" (the first RECO
        objects of their partners) + "duplicates" (the further ones) + "earlier" (with a partner in an earlier source) +
        "unmatched".

    Raises
    ------
    ValueError
        If the arrays do not have the same number of rows.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = Pairs(np.ones((3, 1), np.float32), np.ones((3, 2), np.float32))
    >>> len(pairs), pairs.event.tolist()
    (3, [0, 1, 2])
    """

    ARRAYS: ClassVar = ("context", "target", "event")

    context: Array
    target: Array
    files: list[str] = field(default_factory=list)
    events: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    event: Array = field(default_factory=lambda: np.empty(0, np.int64))
    objects: dict[str, int] = field(default_factory=dict)


@dataclass
class CountedRows(_Rows):
    """Rows of a context and a number of RECO objects; all but ``number`` as in `Pairs`.

    Attributes
    ----------
    number
        int32 [n], number of RECO objects: of the GEN object, or without GEN partner in the event.
    context, files, events, dropped, event, objects
        As in `Pairs`.

    Raises
    ------
    ValueError
        If the arrays do not have the same number of rows.
    """

    ARRAYS: ClassVar = ("context", "number", "event")

    context: Array
    number: Array
    files: list[str] = field(default_factory=list)
    events: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    event: Array = field(default_factory=lambda: np.empty(0, np.int64))
    objects: dict[str, int] = field(default_factory=dict)


@dataclass
class GenObjects(CountedRows):
    """All GEN objects of a source: ``number`` counts the RECO objects of each, above 1 with duplicates.

    Examples
    --------
    >>> import numpy as np
    >>> jets = GenObjects(np.ones((3, 1), np.float32), np.array([1, 0, 2], np.int32))
    >>> jets.reconstructed.tolist()
    [True, False, True]
    """

    @property
    def reconstructed(self) -> Array:
        """bool [n]: whether the GEN object has a RECO object."""
        return self.number > 0


def reason_of_partner(condition: str, partner: str) -> str:
    """A key of ``dropped`` for rows outside of the query: no fault of the files."""
    return f"{condition} ({partner}{_PARTNER}"


def check_dropped_fraction(rows: Pairs | CountedRows, branches: Sequence[str], maximum: float) -> None:
    """Raises DatasetError if no row is left, or more than a fraction of the query's rows is unusable."""
    lost = sum(count for reason, count in rows.dropped.items() if not reason.endswith(_PARTNER))
    reasons = "; ".join(f"{reason}: {count} rows" for reason, count in rows.dropped.items())
    if not len(rows):
        raise DatasetError(
            f"no usable row in {', '.join(rows.files) or 'an empty list of files'} ({reasons or 'no rows'}), read from "
            f"{', '.join(branches)}"
        )
    if lost > maximum * (len(rows) + lost):
        raise DatasetError(
            f"{lost} of {len(rows) + lost} rows are unusable, more than maximum_dropped_fraction = {maximum}: "
            f"{reasons}. Correct the files or the declared ranges"
        )
