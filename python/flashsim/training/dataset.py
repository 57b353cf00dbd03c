"""Pairs of a GEN object and the RECO object made from it, read from ROOT files in chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from .config import FlowConfig, VariableConfig
from .operation import Array

__all__ = ["DatasetError", "Pairs", "read_pairs"]


class DatasetError(ValueError):
    """A training file that cannot be used; the message names the file, the column and what is wrong."""


@dataclass
class Pairs:
    """Matched rows in physical units.

    Attributes:
        context: float32 [n, C], variables in the order of the recipe.
        target: float32 [n, T], likewise.
        files: names of the files read.
        events: events read.
        dropped: rows left out, by reason.
    """

    context: Array
    target: Array
    files: list[str] = field(default_factory=list)
    events: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.context)

    def checksum(self) -> str:
        """SHA-256 of the rows, to recognise the same training data later."""
        return hashlib.sha256(self.context.tobytes() + self.target.tobytes()).hexdigest()


def read_pairs(files: Iterable[str | Path], config: FlowConfig) -> Pairs:
    """Read ``source[index]`` and the RECO object of every row, only the declared branches, chunk by chunk.

    Rows without a GEN partner and rows with a value that is not finite or outside the declared range are dropped and
    counted.

    Args:
        files: ROOT files (TTree or RNTuple named as in ``[dataset] tree``).
        config: recipe that names the branches.

    Raises:
        DatasetError: a file has no such tree or lacks branches; an index points past its collection; no row is left,
            or more than ``maximum_dropped_fraction`` of the rows would be dropped.
    """
    context_branches = [variable.branch or f"{config.source}_{variable.name}" for variable in config.context]
    target_branches = [variable.branch or f"{config.collection}_{variable.name}" for variable in config.target]
    wanted = list(dict.fromkeys([config.dataset.index, *context_branches, *target_branches]))
    contexts, targets = (
        [np.empty((0, len(context_branches)), np.float32)],
        [np.empty((0, len(target_branches)), np.float32)],
    )
    names: list[str] = []
    events = 0
    dropped: dict[str, int] = {}
    for file in files:
        names.append(Path(file).name)
        for chunk in _chunks(file, config.dataset.tree, wanted, config.dataset.chunk):
            events += len(chunk)
            context, target = _pair(chunk, config, context_branches, target_branches, str(file), dropped)
            keep = np.ones(len(context), dtype=bool)
            keep &= _usable(context, config.context, context_branches, dropped)
            keep &= _usable(target, config.target, target_branches, dropped)
            contexts.append(context[keep])
            targets.append(target[keep])
    pairs = Pairs(np.concatenate(contexts), np.concatenate(targets), names, events, dropped)
    _refuse_if_poor(pairs, config)
    return pairs


def _chunks(file: str | Path, tree: str, wanted: Sequence[str], size: str) -> Iterable[ak.Array]:
    try:
        opened = uproot.open(str(file))
    except (FileNotFoundError, OSError, ValueError) as error:
        raise DatasetError(f"{file}: cannot be opened as a ROOT file: {error}") from error
    with opened:
        if tree not in opened:
            known = ", ".join(opened.keys(cycle=False)) or "nothing"
            raise DatasetError(f"{file}: no tree {tree!r}; the file holds {known}")
        events = opened[tree]
        present = set(events.keys())
        missing = [branch for branch in wanted if branch not in present]
        if missing:
            raise DatasetError(f"{file}: {tree!r} has no branch {', '.join(map(repr, missing))}")
        yield from events.iterate(list(wanted), step_size=size, library="ak")


def _pair(
    chunk: ak.Array,
    config: FlowConfig,
    context_branches: Sequence[str],
    target_branches: Sequence[str],
    file: str,
    dropped: dict[str, int],
) -> tuple[Array, Array]:
    index = ak.values_astype(chunk[config.dataset.index], np.int64)
    beyond = index >= ak.num(chunk[context_branches[0]])
    if ak.any(beyond):
        event = int(ak.argmax(ak.any(beyond, axis=1), axis=None))
        raise DatasetError(
            f"{file}: {config.dataset.index} = {ak.to_list(index[event])} in an event with "
            f"{ak.num(chunk[context_branches[0]])[event]} objects in {config.source}"
        )
    matched = index >= 0
    lost = int(ak.sum(~matched))
    if lost:
        reason = f"{config.dataset.index} below 0 (no GEN partner)"
        dropped[reason] = dropped.get(reason, 0) + lost
    index = index[matched]
    context = [ak.to_numpy(ak.flatten(chunk[branch][index])) for branch in context_branches]
    target = [ak.to_numpy(ak.flatten(chunk[branch][matched])) for branch in target_branches]
    return np.stack(context, axis=1).astype(np.float32), np.stack(target, axis=1).astype(np.float32)


def _usable(
    rows: Array, variables: Sequence[VariableConfig], branches: Sequence[str], dropped: dict[str, int]
) -> Array:
    keep = np.ones(len(rows), dtype=bool)
    for column, variable, branch in zip(rows.T, variables, branches, strict=True):
        finite = np.isfinite(column)
        low, high = np.float32(variable.range[0]), np.float32(variable.range[1])
        inside = (column >= low) & (column <= high)
        for reason, wrong in (
            (f"{branch} not finite", ~finite),
            (f"{branch} outside [{variable.range[0]:g}, {variable.range[1]:g}]", finite & ~inside),
        ):
            if wrong.any():
                dropped[reason] = dropped.get(reason, 0) + int(wrong.sum())
        keep &= inside
    return keep


def _refuse_if_poor(pairs: Pairs, config: FlowConfig) -> None:
    lost = sum(count for reason, count in pairs.dropped.items() if "no GEN partner" not in reason)
    reasons = "; ".join(f"{reason}: {count} rows" for reason, count in pairs.dropped.items())
    if not len(pairs):
        raise DatasetError(
            f"no usable row in {', '.join(pairs.files) or 'an empty list of files'} ({reasons or 'no rows'})"
        )
    if lost > config.dataset.maximum_dropped_fraction * (len(pairs) + lost):
        raise DatasetError(
            f"{lost} of {len(pairs) + lost} rows are unusable, more than maximum_dropped_fraction = "
            f"{config.dataset.maximum_dropped_fraction}: {reasons}. Correct the files or the declared ranges"
        )
