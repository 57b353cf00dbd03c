"""Pairs of a GEN object and the RECO object made from it, read from ROOT files chunk by chunk."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
import uproot

from .columns import Column, PairColumns, columns_of_flow
from .store import PairArrays, PairStore

__all__ = ["Column", "DatasetError", "PairColumns", "Pairs", "columns_of_flow", "read_pairs"]

Array = npt.NDArray[Any]

_ROWS_AT_ONCE = 65536
_NO_PARTNER = " (no GEN partner)"


class DatasetError(ValueError):
    """A file of pairs that cannot be used; the message names the file, the column and what is wrong."""


@dataclass
class Pairs:
    """Matched rows in physical units.

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

    context: Array
    target: Array
    files: list[str] = field(default_factory=list)
    events: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    event: Array = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        if not len(self.event):
            self.event = np.arange(len(self.context), dtype=np.int64)
        if not len(self.context) == len(self.target) == len(self.event):
            raise ValueError(
                f"{len(self.context)} rows of context, {len(self.target)} of target and {len(self.event)} event numbers"
            )

    def __len__(self) -> int:
        return len(self.context)

    def head(self, rows: int) -> Pairs:
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
        events = int(self.event[rows - 1]) + 1
        return Pairs(self.context[:rows], self.target[:rows], self.files, events, self.dropped, event=self.event[:rows])

    def checksum(self) -> str:
        """SHA-256 of the rows and their events, to recognise the same data later."""
        digest = hashlib.sha256()
        for array in (self.context, self.target, self.event):
            for start in range(0, len(array), _ROWS_AT_ONCE):
                digest.update(array[start : start + _ROWS_AT_ONCE].tobytes())
        return digest.hexdigest()


def read_pairs(
    files: Iterable[str | Path],
    columns: PairColumns,
    *,
    maximum_dropped_fraction: float = 0.01,
    chunk: str = "50 MB",
    rows: int | None = None,
    store: str | Path | None = None,
) -> Pairs:
    """Read ``source[index]`` and the RECO object of every row: only the branches named, chunk by chunk.

    Rows without a GEN partner and rows with a value that is not finite or outside its range are left out and counted.

    Parameters
    ----------
    files
        ROOT files.
    columns
        The branches.
    maximum_dropped_fraction
        How many of the rows with a GEN partner may be unusable.
    chunk
        Memory for one piece of the branches, as uproot understands it.
    rows
        Stop at the end of the event that completes this many usable rows; by default read everything.
    store
        Folder for memory-mapped arrays, so that only one chunk is ever in memory. What it holds already is used again
        if it was made from the same files (name, size, time of the last change) and columns, and rewritten if not. By
        default the arrays are in memory.

    Raises
    ------
    DatasetError
        If a file cannot be read, has no such tree, lacks branches or has branches of another shape; if an index points
        past its collection; if no row is left or more than ``maximum_dropped_fraction`` would be dropped.

    Examples
    --------
    >>> columns = columns_of_flow(flashsim.Flow("jets").metadata)  # doctest: +SKIP
    >>> pairs = read_pairs(["ttbar.root"], columns, rows=100_000)  # doctest: +SKIP
    >>> pairs.context.shape  # doctest: +SKIP
    (100003, 6)
    """
    paths = [files] if isinstance(files, str | Path) else list(files)
    widths = (len(columns.context), len(columns.target))
    if store is None:
        pairs = Pairs(**_read(paths, columns, chunk, rows, PairArrays(widths)))
    else:
        arrays = PairStore(store, widths, _origin(paths, columns, rows))
        held = arrays.load()
        if held is None:
            try:
                held = _read(paths, columns, chunk, rows, arrays)
            finally:
                arrays.discard()
        pairs = Pairs(**held)
    _refuse_if_poor(pairs, maximum_dropped_fraction)
    return pairs


def _origin(paths: Sequence[str | Path], columns: PairColumns, rows: int | None) -> dict[str, Any]:
    files = []
    for path in paths:
        try:
            status = Path(path).stat()
        except OSError as error:
            raise DatasetError(f"{path}: cannot be opened as a ROOT file: {error}") from error
        files.append([Path(path).name, status.st_size, status.st_mtime_ns])
    return {"files": files, "columns": asdict(columns), "rows": rows}


def _read(
    paths: Sequence[str | Path], columns: PairColumns, chunk: str, rows: int | None, arrays: PairArrays | PairStore
) -> dict[str, Any]:
    names: list[str] = []
    events = usable = 0
    dropped: Counter[str] = Counter()
    for path in paths:
        if rows is not None and usable >= rows:
            break
        names.append(Path(path).name)
        first = 0  # entry of the chunk in its file
        for piece in _chunks(path, columns, chunk):
            context, target, event, lost = _matched(piece, columns, f"{path}", first)
            if rows is not None and usable + len(event) >= rows:
                piece = piece[: event[rows - usable - 1] + 1]
                context, target, event, lost = _matched(piece, columns, f"{path}", first)
            arrays.append(context, target, events + event)
            dropped.update(lost)
            first += len(piece)
            events += len(piece)
            usable += len(event)
            if rows is not None and usable >= rows:
                break
    return arrays.finish({"files": names, "events": events, "dropped": dict(dropped)})


def _chunks(path: str | Path, columns: PairColumns, size: str) -> Iterator[ak.Array]:
    try:
        opened = uproot.open(str(path))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be opened as a ROOT file: {error}") from error
    try:
        with opened:
            yield from _tree(opened, path, columns).iterate(columns.branches, step_size=size, library="ak")
    except DatasetError:
        raise
    except Exception as error:  # whatever uproot, a decompressor or numpy says of damaged bytes
        raise DatasetError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error


def _tree(opened: uproot.ReadOnlyDirectory, path: str | Path, columns: PairColumns) -> Any:
    if columns.tree not in opened:
        known = ", ".join(opened.keys(cycle=False)) or "nothing"
        raise DatasetError(f"{path}: no tree {columns.tree!r}; the file holds {known}")
    tree = opened[columns.tree]
    present = set(tree.keys())
    missing = [branch for branch in columns.branches if branch not in present]
    if missing:
        raise DatasetError(f"{path}: {columns.tree!r} has no branch {', '.join(map(repr, missing))}")
    return tree


def _matched(chunk: ak.Array, columns: PairColumns, path: str, first: int) -> tuple[Array, Array, Array, Counter[str]]:
    """Usable rows of a chunk, the number of their event in the chunk, and how many rows were lost for which reason."""
    lost: Counter[str] = Counter()
    objects = _counts(chunk, [columns.index, *(column.branch for column in columns.target)], path)
    sources = _counts(chunk, [column.branch for column in columns.context], path)
    index = ak.values_astype(chunk[columns.index], np.int64)
    beyond = index >= sources
    if ak.any(beyond):
        event = int(np.argmax(ak.to_numpy(ak.any(beyond, axis=1))))
        raise DatasetError(
            f"{path}: {columns.index} = {ak.to_list(index[event])} in an event with {sources[event]} objects "
            f"(entry {first + event}, counted by {columns.context[0].branch})"
        )
    partner = index >= 0
    event = np.repeat(np.arange(len(chunk)), objects)[ak.to_numpy(ak.flatten(partner))]
    if unmatched := int(objects.sum()) - len(event):
        lost[f"{columns.index} below 0{_NO_PARTNER}"] = unmatched
    index = index[partner]
    keep = np.ones(len(event), dtype=bool)
    context, target = (np.empty((len(event), len(kind)), np.float32) for kind in (columns.context, columns.target))
    for rows, kind, chosen in ((context, columns.context, index), (target, columns.target, partner)):
        for position, column in enumerate(kind):
            with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, and is dropped as such
                rows[:, position] = ak.to_numpy(ak.flatten(chunk[column.branch][chosen]))
            keep &= _usable(rows[:, position], column, lost)
    return context[keep], target[keep], event[keep], lost


def _counts(chunk: ak.Array, branches: Sequence[str], path: str) -> Array:
    """Number of objects per event, the same for all ``branches``."""
    counts: Array | None = None
    for branch in branches:
        values = chunk[branch]
        if values.ndim != 2 or ak.to_numpy(ak.flatten(values)).dtype.kind not in "biuf":
            raise DatasetError(f"{path}: branch {branch!r} is {values.type}, expected a list of numbers per event")
        here = ak.to_numpy(ak.num(values))
        if counts is None:
            counts = here
        elif not np.array_equal(counts, here):
            raise DatasetError(f"{path}: branches {branches[0]!r} and {branch!r} differ in their number of objects")
    return np.zeros(len(chunk), np.int64) if counts is None else counts


def _usable(values: Array, column: Column, lost: Counter[str]) -> Array:
    finite = np.isfinite(values)
    inside = (values >= np.float32(column.low)) & (values <= np.float32(column.high))
    for reason, wrong in (
        (f"{column.branch} not finite", ~finite),
        (f"{column.branch} outside [{column.low:g}, {column.high:g}]", finite & ~inside),
    ):
        if count := int(np.count_nonzero(wrong)):
            lost[reason] += count
    return inside


def _refuse_if_poor(pairs: Pairs, maximum_dropped_fraction: float) -> None:
    lost = sum(count for reason, count in pairs.dropped.items() if not reason.endswith(_NO_PARTNER))
    reasons = "; ".join(f"{reason}: {count} rows" for reason, count in pairs.dropped.items())
    if not len(pairs):
        raise DatasetError(
            f"no usable row in {', '.join(pairs.files) or 'an empty list of files'} ({reasons or 'no rows'})"
        )
    if lost > maximum_dropped_fraction * (len(pairs) + lost):
        raise DatasetError(
            f"{lost} of {len(pairs) + lost} rows are unusable, more than maximum_dropped_fraction = "
            f"{maximum_dropped_fraction}: {reasons}. Correct the files or the declared ranges"
        )
