"""The answer of one chunk of events to a query: usable rows, and the number of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from .chunk import Chunk, Objects
from .queries import Column, Efficiency, Match, Matched, PerEvent, Query, Unmatched
from .rows import DatasetError, reason_of_partner

__all__ = ["Answer", "answer"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Answer:
    """Rows of a chunk.

    Attributes
    ----------
    context
        float32 [n, C].
    value
        The second array of the query: target or number.
    event
        Number of the row's event in the chunk.
    dropped, objects
        As in `flashsim.pairs.Pairs`.
    """

    context: Array
    value: Array
    event: Array
    dropped: Counter[str]
    objects: Counter[str]


@singledispatch
def answer(query: Query, chunk: Chunk) -> Answer:
    """Rows of a chunk for a query; raises DatasetError if the chunk cannot be used."""
    raise TypeError(f"{query!r} is not a query")


@answer.register
def _(query: Matched, chunk: Chunk) -> Answer:
    gen = chunk.source(query.context)
    reco = chunk.objects([query.index, *(column.branch for column in query.target)])
    index, earlier = _partners(chunk, reco, (*query.earlier, Match(query.index, gen.branch)))
    rows = np.flatnonzero(index >= 0)
    event = reco.event[rows]
    dropped = Counter(_lost_to(query.earlier, earlier))
    objects = _count(index, gen, _partners_per_object(reco, gen, index), earlier)
    if objects["unmatched"]:
        dropped[reason_of_partner(f"{query.index} below 0", "no")] = objects["unmatched"]
    context, fine = _values(chunk, query.context, event, gen.positions(event, index[rows]), dropped)
    target, fine_too = _values(chunk, query.target, event, rows, dropped)
    keep = fine & fine_too
    return Answer(context[keep], target[keep], event[keep], dropped, objects)


@answer.register
def _(query: Efficiency, chunk: Chunk) -> Answer:
    gen = chunk.source(query.context)
    reco = chunk.objects([query.index])
    index, earlier = _partners(chunk, reco, (*query.earlier, Match(query.index, gen.branch)))
    number = _partners_per_object(reco, gen, index)
    dropped: Counter[str] = Counter()
    context, keep = _values(chunk, query.context, gen.event, np.arange(len(gen)), dropped)
    objects = _count(index, gen, number, earlier)
    return Answer(context[keep], number[keep].astype(np.int32), gen.event[keep], dropped, objects)


@answer.register
def _(query: Unmatched, chunk: Chunk) -> Answer:
    chunk.check_per_event(query.context)
    reco, has_partner, objects = _partners_in_any(chunk, query.matches, [column.branch for column in query.target])
    rows = np.flatnonzero(~has_partner)
    event = reco.event[rows]
    dropped: Counter[str] = Counter()
    if matched := len(reco) - len(rows):
        indices = " or ".join(match.index for match in query.matches)
        dropped[reason_of_partner(f"{indices} 0 or above", "has a")] = matched
    context, fine = _values(chunk, query.context, event, event, dropped)
    target, fine_too = _values(chunk, query.target, event, rows, dropped)
    keep = fine & fine_too
    return Answer(context[keep], target[keep], event[keep], dropped, objects)


@answer.register
def _(query: PerEvent, chunk: Chunk) -> Answer:
    chunk.check_per_event(query.context)
    reco, has_partner, objects = _partners_in_any(chunk, query.matches, [])
    number = np.bincount(reco.event[~has_partner], minlength=len(chunk))
    event = np.arange(len(chunk))
    dropped: Counter[str] = Counter()
    context, keep = _values(chunk, query.context, event, event, dropped)
    return Answer(context[keep], number[keep].astype(np.int32), event[keep], dropped, objects)


def _partners(chunk: Chunk, reco: Objects, matches: tuple[Match, ...]) -> tuple[Array, dict[str, int]]:
    """Indices into the last source, -1 for RECO objects of an earlier one; numbers of RECO objects of earlier ones."""
    taken = np.zeros(len(reco), dtype=bool)
    numbers: dict[str, int] = {}
    index = np.empty(0, np.int64)
    for position, match in enumerate(matches):
        index = _index(chunk, reco, match)
        index[taken] = -1
        if position < len(matches) - 1:
            numbers[match.index] = int(np.count_nonzero(index >= 0))
            taken |= index >= 0
    return index, numbers


def _partners_in_any(
    chunk: Chunk, matches: tuple[Match, ...], others: Iterable[str]
) -> tuple[Objects, Array, Counter[str]]:
    """RECO objects, a mask of those with a partner in any source, and the numbers summed over the sources."""
    if not matches:
        raise ValueError("a query of unmatched objects names no match: give the index and the source of one or more")
    reco = chunk.objects([matches[0].index, *others])
    has_partner = np.zeros(len(reco), dtype=bool)
    objects: Counter[str] = Counter()
    for last, match in enumerate(matches):
        gen = chunk.objects([match.source])
        index, _ = _partners(chunk, reco, matches[: last + 1])
        objects.update(_count(index, gen, _partners_per_object(reco, gen, index), {}))
        has_partner |= index >= 0
    objects["reco"], objects["unmatched"] = len(reco), int(np.count_nonzero(~has_partner))
    return reco, has_partner, objects


def _index(chunk: Chunk, reco: Objects, match: Match) -> Array:
    """The index of each RECO object, checked."""
    sizes = chunk.objects([match.source]).sizes
    chunk.objects([reco.branch, match.index])
    index = chunk.index(match.index)
    beyond = np.flatnonzero(index >= sizes[reco.event])
    if len(beyond):
        event = int(reco.event[beyond[0]])
        raise DatasetError(
            f"{chunk.path}: {match.index} = {index[reco.event == event].tolist()} in an event with {sizes[event]} "
            f"objects (entry {chunk.first + event}, counted by {match.source}). Name the collection that the index "
            "points into, or correct the file"
        )
    return index


def _partners_per_object(reco: Objects, gen: Objects, index: Array) -> Array:
    """Number of RECO objects of each GEN object."""
    matched = index >= 0
    return np.bincount(gen.positions(reco.event[matched], index[matched]), minlength=len(gen))


def _count(index: Array, gen: Objects, number: Array, earlier: dict[str, int]) -> Counter[str]:
    matched, taken = int(np.count_nonzero(index >= 0)), sum(earlier.values())
    reconstructed = int(np.count_nonzero(number))
    return Counter(
        gen=len(gen),
        reconstructed=reconstructed,
        reco=len(index),
        duplicates=matched - reconstructed,
        earlier=taken,
        unmatched=len(index) - matched - taken,
    )


def _lost_to(matches: tuple[Match, ...], numbers: dict[str, int]) -> dict[str, int]:
    return {
        reason_of_partner(f"{match.index} 0 or above", "another"): numbers[match.index]
        for match in matches
        if numbers[match.index]
    }


def _values(
    chunk: Chunk, columns: tuple[Column, ...], event: Array, positions: Array, dropped: Counter[str]
) -> tuple[Array, Array]:
    """Values of the columns, and a mask of usable rows; the others are counted by reason."""
    rows = np.empty((len(event), len(columns)), np.float32)
    keep = np.ones(len(event), dtype=bool)
    for number, column in enumerate(columns):
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, and is dropped
            rows[:, number] = chunk.take(column.branch, event, positions)
        keep &= _usable(rows[:, number], column, dropped)
    return rows, keep


def _usable(values: Array, column: Column, dropped: Counter[str]) -> Array:
    finite = np.isfinite(values)
    inside = (values >= np.float32(column.low)) & (values <= np.float32(column.high))
    for reason, wrong in (
        (f"{column.branch} not finite", ~finite),
        (f"{column.branch} outside [{column.low:g}, {column.high:g}]", finite & ~inside),
    ):
        if count := int(np.count_nonzero(wrong)):
            dropped[reason] += count
    return inside
