"""Rows of GEN and RECO objects, read from ROOT files chunk by chunk, for any number of queries at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import awkward as ak
import uproot

from .answers import answer
from .chunk import Chunk
from .queries import Efficiency, Matched, PerEvent, Query, Unmatched
from .rows import CountedRows, DatasetError, GenObjects, Pairs, check_dropped_fraction
from .store import Layout, PairArrays, PairStore

__all__ = ["read_pairs", "read_queries"]

_RESULTS: dict[type[Query], type[Pairs] | type[CountedRows]] = {
    Matched: Pairs,
    Efficiency: GenObjects,
    Unmatched: Pairs,
    PerEvent: CountedRows,
}


def read_pairs(
    files: Iterable[str | Path],
    columns: Matched,
    *,
    maximum_dropped_fraction: float = 0.01,
    chunk: str = "50 MB",
    rows: int | None = None,
    store: str | Path | None = None,
) -> Pairs:
    """Read ``source[index]`` and the RECO object of every row: `read_queries` for one query.

    Rows without a GEN partner and rows with a value that is not finite or outside its range are left out and counted.

    Parameters
    ----------
    files, maximum_dropped_fraction, chunk, rows
        As for `read_queries`, with the same errors.
    columns
        The branches.
    store
        Folder for memory-mapped arrays; by default they are in memory.

    Examples
    --------
    >>> columns = columns_of_flow(flashsim.Flow("jets").metadata)  # doctest: +SKIP
    >>> pairs = read_pairs(["ttbar.root"], columns, rows=100_000)  # doctest: +SKIP
    >>> pairs.context.shape  # doctest: +SKIP
    (100003, 6)
    """
    (pairs,) = read_queries(
        files,
        [columns],
        maximum_dropped_fraction=maximum_dropped_fraction,
        chunk=chunk,
        rows=rows,
        stores=[store],
    )
    return cast(Pairs, pairs)


def read_queries(
    files: Iterable[str | Path],
    queries: Sequence[Query],
    *,
    maximum_dropped_fraction: float = 0.01,
    chunk: str = "50 MB",
    rows: int | None = None,
    stores: Sequence[str | Path | None] | None = None,
) -> list[Pairs | CountedRows]:
    """Read the rows of several queries in one pass over the files: only the branches named, chunk by chunk.

    The result of a query does not depend on the others. Rows with a value that is not finite or outside its range are
    left out and counted.

    Parameters
    ----------
    files
        ROOT files.
    queries
        The queries, all of one tree: `Matched`, `Efficiency`, `Unmatched`, `PerEvent`.
    maximum_dropped_fraction
        Largest fraction of unusable rows of each query.
    chunk
        Memory for one piece of the branches of all queries, as for uproot's ``step_size``.
    rows
        Stop each query at the end of the event that completes this many usable rows; by default read everything.
    stores
        For each query a folder for memory-mapped arrays, so that only one chunk is ever in memory, or None for arrays
        in memory, the default. Arrays already in a folder are used again if they were made from the same files (name,
        size, time of the last change) and query, and rewritten otherwise; files are read for the latter queries only.

    Returns
    -------
    list
        For each query in order: `Pairs`, `GenObjects`, `Pairs` or `CountedRows`.

    Raises
    ------
    DatasetError
        If a file cannot be read, has no such tree, lacks branches or has branches of another shape; if an index points
        past its collection; if a query is left without rows, or loses more than ``maximum_dropped_fraction`` of them.
    ValueError
        If the queries are of several trees, the numbers of folders and queries differ, or a folder is given twice.

    Examples
    --------
    >>> import flashsim
    >>> from flashsim.pairs import Column, Efficiency, Match, PerEvent
    >>> jets = Efficiency((Column("pt", "GenJet_pt", 0, 3000),), index="Jet_genJetIdx")
    >>> fakes = PerEvent((Column("met", "GenMET_pt", 0, 3000),), (Match("Jet_genJetIdx", "GenJet_pt"),))
    >>> gen, events = read_queries([flashsim.data.path("ttbar.root")], [jets, fakes])
    >>> len(events), len(gen), int(gen.reconstructed.sum())
    (5000, 31498, 31498)
    """
    paths = [files] if isinstance(files, str | Path) else list(files)
    folders = [None] * len(queries) if stores is None else list(stores)
    _check(queries, folders)
    summaries: list[dict[str, Any] | None] = [None] * len(queries)
    readings: dict[int, _Reading] = {}
    for number, (query, folder) in enumerate(zip(queries, folders, strict=True)):
        layout = _layout(query)
        if folder is None:
            readings[number] = _Reading(query, rows, PairArrays(layout))
            continue
        arrays = PairStore(folder, layout, _origin(paths, query, rows))
        summaries[number] = arrays.load()
        if summaries[number] is None:
            readings[number] = _Reading(query, rows, arrays)
    try:
        _read(paths, list(readings.values()), chunk)
        for number, reading in readings.items():
            summaries[number] = reading.finish()
    finally:
        for reading in readings.values():
            reading.discard()
    results = [_RESULTS[type(query)](**cast(dict[str, Any], s)) for query, s in zip(queries, summaries, strict=True)]
    for query, result in zip(queries, results, strict=True):
        check_dropped_fraction(result, query.branches, maximum_dropped_fraction)
    return results


class _Reading:
    """One query while files are read, with its rows so far."""

    def __init__(self, query: Query, rows: int | None, arrays: PairArrays | PairStore) -> None:
        self.query = query
        self._rows = rows
        self._arrays = arrays
        self._files: list[str] = []
        self._events = self._usable = 0
        self._dropped: Counter[str] = Counter()
        self._objects: Counter[str] = Counter()
        self._is_per_event: dict[str, bool] = {}

    @property
    def is_done(self) -> bool:
        """Whether the query has all of its rows."""
        return self._rows is not None and self._usable >= self._rows

    def open(self, path: str | Path) -> None:
        """Begin a file."""
        self._files.append(Path(path).name)

    def add(self, chunk: Chunk) -> None:
        """Add the rows of a chunk."""
        self._check_kinds(chunk)
        found = answer(self.query, chunk)
        if self._rows is not None and self._usable + len(found.event) >= self._rows:
            chunk = chunk.head(int(found.event[self._rows - self._usable - 1]) + 1)
            found = answer(self.query, chunk)
        self._arrays.append(found.context, found.value, self._events + found.event)
        self._dropped.update(found.dropped)
        self._objects.update(found.objects)
        self._events += len(chunk)
        self._usable += len(found.event)

    def _check_kinds(self, chunk: Chunk) -> None:
        """Raises DatasetError if a branch has lists in one file and one number per event in another."""
        for branch in self.query.branches:
            here = chunk.is_per_event(branch)
            if self._is_per_event.setdefault(branch, here) != here:
                kinds = ["a list", "one number"]
                raise DatasetError(
                    f"{chunk.path}: branch {branch!r} has {kinds[here]} per event, and {kinds[not here]} in earlier "
                    "files. Read files of one kind"
                )

    def finish(self) -> dict[str, Any]:
        """Arrays and numbers by name."""
        summary = {"files": self._files, "events": self._events}
        return self._arrays.finish({**summary, "dropped": dict(self._dropped), "objects": dict(self._objects)})

    def discard(self) -> None:
        """Remove unfinished arrays."""
        self._arrays.discard()


def _check(queries: Sequence[Query], folders: Sequence[str | Path | None]) -> None:
    for query in queries:
        if type(query) not in _RESULTS:
            known = ", ".join(kind.__name__ for kind in _RESULTS)
            raise TypeError(f"{query!r} is not a query: expected one of {known}")
    trees = sorted({query.tree for query in queries})
    if len(trees) > 1:
        raise ValueError(f"queries of the trees {', '.join(trees)}: read one tree at a time")
    if len(folders) != len(queries):
        raise ValueError(f"{len(folders)} stores for {len(queries)} queries: give a folder or None for each")
    named = [Path(folder).resolve() for folder in folders if folder is not None]
    for folder in named:
        if named.count(folder) > 1:
            raise ValueError(f"the store {folder} is named for two queries: give each a folder of its own")


def _layout(query: Query) -> Layout:
    """Arrays of the query's rows, in the order in which they are added."""
    width = (len(query.context),)
    if isinstance(query, Matched | Unmatched):
        return {"context": ("float32", width), "target": ("float32", (len(query.target),)), "event": ("int64", ())}
    return {"context": ("float32", width), "number": ("int32", ()), "event": ("int64", ())}


def _origin(paths: Sequence[str | Path], query: Query, rows: int | None) -> dict[str, Any]:
    files = []
    for path in paths:
        try:
            status = Path(path).stat()
        except OSError as error:
            raise DatasetError(f"{path}: cannot be opened as a ROOT file: {error}") from error
        files.append([Path(path).name, status.st_size, status.st_mtime_ns])
    return {"files": files, "kind": type(query).__name__, "query": asdict(query), "rows": rows}


def _read(paths: Sequence[str | Path], readings: Sequence[_Reading], size: str) -> None:
    for path in paths:
        wanting = [reading for reading in readings if not reading.is_done]
        if not wanting:
            break
        for reading in wanting:
            reading.open(path)
        tree = wanting[0].query.tree
        branches = list(dict.fromkeys(branch for reading in wanting for branch in reading.query.branches))
        first = 0  # entry of the chunk in its file
        for piece in _pieces(path, tree, branches, size):
            chunk = Chunk(piece, f"{path}", first)
            for reading in wanting:
                if not reading.is_done:
                    reading.add(chunk)
            first += len(piece)
            if all(reading.is_done for reading in wanting):
                break


def _pieces(path: str | Path, tree: str, branches: Sequence[str], size: str) -> Iterator[ak.Array]:
    try:
        opened = uproot.open(str(path))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be opened as a ROOT file: {error}") from error
    try:
        with opened:
            yield from _tree(opened, path, tree, branches).iterate(branches, step_size=size, library="ak")
    except DatasetError:
        raise
    except Exception as error:  # any error of uproot, a decompressor or numpy on damaged bytes
        raise DatasetError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error


def _tree(opened: uproot.ReadOnlyDirectory, path: str | Path, name: str, branches: Sequence[str]) -> Any:
    if name not in opened:
        known = ", ".join(opened.keys(cycle=False)) or "nothing"
        raise DatasetError(f"{path}: no tree {name!r}; the file holds {known}")
    tree = opened[name]
    present = set(tree.keys())
    missing = [branch for branch in branches if branch not in present]
    if missing:
        raise DatasetError(f"{path}: {name!r} has no branch {', '.join(map(repr, missing))}")
    return tree
