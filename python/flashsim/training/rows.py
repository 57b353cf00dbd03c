"""Shuffled batches of prepared rows from pairs that may be larger than the memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from ..pairs import Pairs
from .preparation.operation import Array
from .preparation.preprocessing import Preprocessing

__all__ = ["TrainingRows"]

_BLOCKS_PER_WINDOW = 64


class TrainingRows:
    """Batches of network inputs for a training, in a new order at every pass.

    Blocks of neighbouring rows are visited in random order; the blocks of one window are read, shuffled row by row,
    prepared and cut into batches. Memory is one window for any size of the data; pairs that fit into one window are
    shuffled completely.

    Args:
        pairs: rows in physical units, in memory or memory-mapped.
        validation_fraction: fraction of events to hold out, as a whole, each with this probability, by a hash of
        ``seed`` and its number; at least one.
        seed: of the hash, of the sample for `fit`, and of the atoms of the validation rows.
        window: rows in memory at a time.

    Raises:
        ValueError: fewer than two events, or none left for training.

    Example:
        >>> import numpy as np
        >>> from flashsim.training import Pairs
        >>> gen = np.random.default_rng(1).uniform(20, 100, (1000, 1)).astype(np.float32)
        >>> rows = TrainingRows(Pairs(gen, gen), validation_fraction=0.1, seed=1)
        >>> rows.training + rows.validation
        1000
    """

    def __init__(self, pairs: Pairs, validation_fraction: float, seed: int, window: int = 262144) -> None:
        self._pairs, self._seed = pairs, seed
        block = max(1, window // _BLOCKS_PER_WINDOW)
        self._blocks = [slice(start, min(start + block, len(pairs))) for start in range(0, len(pairs), block)]
        self._windows = max(1, -(-len(pairs) // window))
        lowest = min((int(self._hashes(block).min()) for block in self._blocks), default=0)
        self._held_out_below = min(max(round(validation_fraction * 2.0**64), lowest + 1), 2**64 - 1)
        self.validation = sum(int(np.count_nonzero(self._held_out(block))) for block in self._blocks)
        self.training = len(pairs) - self.validation
        if not self.training or not self.validation:
            raise ValueError(
                f"{len(pairs)} pairs are of too few events: some are for training, others are held out for validation"
            )

    def fit(self, preprocessing: Preprocessing, limit: int = 1_000_000) -> None:
        """Fit the preparation on the training rows, or on a seeded random choice of about ``limit`` of them."""
        generator = np.random.default_rng(self._seed)
        share = limit / self.training
        chosen = []
        for block in self._blocks:
            rows = block.start + np.flatnonzero(~self._held_out(block))
            chosen.append(rows if share >= 1 else rows[generator.random(len(rows)) < share])
        context, target = self._gather(chosen)
        preprocessing.fit(context, target, generator)

    def batches(
        self, preprocessing: Preprocessing, size: int, generator: np.random.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass over the training rows in random order, atoms spread anew.

        Args:
            preprocessing: fitted.
            size: rows per batch; the last one may be smaller.
            generator: for the order and the atoms.

        Yields:
            Context [size, `context_features`] and target [size, T], prepared, float32.
        """
        order = generator.permutation(len(self._blocks))
        windows = (
            generator.permutation(np.concatenate([self._rows(self._blocks[number], False) for number in numbers]))
            for numbers in np.array_split(order, min(self._windows, len(order)))
        )
        return self._encoded(windows, preprocessing, size, generator)

    def validation_batches(self, preprocessing: Preprocessing, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The rows held out: always in the same order, with the same atoms."""
        windows = (
            np.concatenate([self._rows(self._blocks[number], True) for number in numbers])
            for numbers in np.array_split(np.arange(len(self._blocks)), min(self._windows, len(self._blocks)))
        )
        return self._encoded(windows, preprocessing, size, np.random.default_rng(self._seed))

    def _encoded(
        self, windows: Iterable[Array], preprocessing: Preprocessing, size: int, generator: np.random.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        left_over: list[Tensor] = []
        for rows in windows:
            context, target = self._gather([rows])
            prepared = [torch.from_numpy(part) for part in preprocessing.encode(context, target, generator)]
            if left_over:
                prepared = [torch.cat(parts) for parts in zip(left_over, prepared, strict=True)]
            whole = len(prepared[0]) // size * size
            for start in range(0, whole, size):
                yield prepared[0][start : start + size], prepared[1][start : start + size]
            left_over = [part[whole:].clone() for part in prepared]
        if left_over and len(left_over[0]):
            yield left_over[0], left_over[1]

    def _gather(self, chosen: list[Array]) -> tuple[Array, Array]:
        rows = np.concatenate(chosen)
        order = np.argsort(rows, kind="stable")  # neighbours in a file are read together
        context, target = (
            np.empty((len(rows), array.shape[1]), np.float32) for array in (self._pairs.context, self._pairs.target)
        )
        context[order], target[order] = self._pairs.context[rows[order]], self._pairs.target[rows[order]]
        return context, target

    def _rows(self, block: slice, held_out: bool) -> Array:
        return block.start + np.flatnonzero(self._held_out(block) == held_out)

    def _held_out(self, block: slice) -> Array:
        return self._hashes(block) < self._held_out_below

    def _hashes(self, block: slice) -> Array:
        """SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) of the rows' events."""
        state = self._pairs.event[block].astype(np.uint64) + np.uint64(self._seed * 0xD1342543DE82EF95 % 2**64)
        state = state * np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return state ^ (state >> np.uint64(31))
