"""Operations for discrete values with a finite probability: whole numbers, spikes, absent quantities.

A continuous flow cannot place probability on a single value. These operations spread such a value over an interval
with fresh random numbers, and the inverse maps the whole interval back to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...flows.graph import GraphBuilder
from .operation import Array, Operation, Row, fitted

__all__ = ["Dequantise", "Present", "Spike"]

_STAND_INS = 1024


@dataclass
class Dequantise(Operation):
    """The k-th allowed value becomes a random number in (k, k + 1); the inverse takes the floor.

    Uniform numbers suit a variable with many values, whose probabilities change little from one to the next. For a few
    values of very different probability ``width`` keeps them apart: a network smooths the steps of a density, which
    would move rows from a frequent value to a rare neighbour. A margin at both ends of the interval keeps float32
    arithmetic from rounding into the neighbour.

    Args:
        values: allowed values in ascending order, any other is an error; by default every whole number between the
            smallest and the largest value seen by `fit`, to which values outside are moved.
        width: standard deviation of normal numbers around k + 1/2, cut at the ends of the interval; 0: uniform.
    """

    values: list[float] | None = None
    width: float = 0.0
    allowed: tuple[float, ...] = fitted(())
    name: ClassVar[str] = "dequantise"
    for_context: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.values is not None:
            if len(self.values) < 2 or sorted(set(self.values)) != list(self.values):
                raise ValueError(f"values = {self.values} must be two or more numbers in ascending order")
            self.allowed = tuple(self.values)
        if not 0 <= self.width <= 0.25:
            raise ValueError(f"width = {self.width} is not in [0, 0.25]")

    def fit(self, values: Array, row: Row[Array]) -> None:
        if self.values is None:
            first, last = np.rint(values.min()), np.rint(values.max())
            if last - first >= 2**16:
                raise ValueError(f"whole numbers from {first:g} to {last:g} are too many: treat them as continuous")
            self.allowed = tuple(np.arange(first, last + 1).tolist())
        self._index(values)

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        margin = min(0.25, max(2**-8, len(self.allowed) * 2**-20))
        if self.width:
            place = np.clip(0.5 + self.width * generator.standard_normal(len(values)), margin, 1 - margin)
        else:
            place = margin + (1 - 2 * margin) * generator.random(len(values))
        return self._index(values) + place

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        limited = np.clip(np.floor(values), 0, len(self.allowed) - 1)
        chosen = np.asarray(self.allowed, dtype=values.dtype)[np.fmax(limited, 0).astype(np.int64)]
        return np.where(np.isnan(limited), limited, chosen)

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        last = len(self.allowed) - 1
        limited = graph.node("Clip", graph.node("Floor", values), graph.constant(0.0), graph.constant(float(last)))
        steps = np.diff(self.allowed)
        if np.all(steps == 1):
            return graph.node("Add", limited, graph.constant(self.allowed[0])) if self.allowed[0] else limited
        keeps_nan = graph.node("Sub", limited, limited)
        return graph.node("Add", graph.gather(self.allowed, limited), keeps_nan)

    def _index(self, values: Array) -> Array:
        """Positions of ``values`` among the allowed ones, compared in float32, the precision of the files."""
        allowed = np.asarray(self.allowed)
        if self.values is None:
            known = np.rint(values)
            index = np.clip(known - allowed[0], 0, len(allowed) - 1)
            expected = "whole numbers"
        else:
            nearest = np.searchsorted((allowed[1:] + allowed[:-1]) / 2, values)
            known, index = allowed[nearest], nearest.astype(np.float64)
            expected = f"among the allowed {self.values}"
        wrong = values.astype(np.float32) != known.astype(np.float32)
        if count := int(np.count_nonzero(wrong)):
            raise ValueError(
                f"{count} rows have values {np.unique(values[wrong])[:5].tolist()}, which are not {expected}"
            )
        return index


@dataclass
class Spike(Operation):
    """A value taken by many rows exactly, anywhere inside or outside the range of an otherwise continuous variable.

    The line is cut at ``value``. The gap between the nearest other training values below and above it becomes an
    interval of length ``extent``; these rows become uniform numbers in its inner nine tenths. Values above move up by
    the added length, values below stay; if there are none below, values above stay. The inverse returns ``value`` from
    the interval and other values never between their own nearest to ``value``. Of several spikes declare the highest
    first.

    Args:
        value: the spike, in units of the variable.
        extent: length of the interval; by default the standard deviation of the other values. It matters only without
            `Gaussianise` after it.
    """

    value: float
    extent: float | None = None
    below: float | None = fitted(None)
    above: float | None = fitted(None)
    name: ClassVar[str] = "spike"
    for_context: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.extent is not None and not 0 < self.extent < np.inf:
            raise ValueError(f"extent = {self.extent} is not a number above 0")

    def fit(self, values: Array, row: Row[Array]) -> None:
        atom = self._is_atom(values)
        others = values[~atom]
        if not atom.any():
            raise ValueError(f"no row has value = {self.value}; values reach from {values.min()} to {values.max()}")
        if not len(others) or others.min() == others.max():
            raise ValueError(f"all rows have value = {self.value} or one other: 'dequantise' takes such a variable")
        lower, upper = others[others < self.value], others[others > self.value]
        self.below = float(lower.max()) if len(lower) else None
        self.above = float(upper.min()) if len(upper) else None
        if self.extent is None:
            self.extent = float(others.std())

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        start, extent, shift = self._interval()
        atom = self._is_atom(values)
        higher = values > self.value
        lower = values if self.below is None else np.minimum(values, self.below)
        upper = values if self.above is None else np.maximum(values, self.above)
        others = np.where(higher, upper + shift, lower)
        return np.where(atom, start + extent * (0.05 + 0.9 * generator.random(len(values))), others)

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        start, extent, shift = (values.dtype.type(number) for number in self._interval())
        result = np.full_like(values, np.float32(self.value))
        if self.above is not None:
            upper = np.maximum(values - shift, values.dtype.type(self.above))
            result = np.where(values <= start + extent * values.dtype.type(0.975), result, upper)
        if self.below is not None:
            lower = np.minimum(values, values.dtype.type(self.below))
            result = np.where(values >= start + extent * values.dtype.type(0.025), result, lower)
        return result

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        start, extent, shift = self._interval()
        result = graph.constant(self.value)
        if self.above is not None:
            upper = graph.node("Max", graph.node("Sub", values, graph.constant(shift)), graph.constant(self.above))
            inside = graph.node("LessOrEqual", values, graph.constant(start + 0.975 * extent))
            result = graph.node("Where", inside, result, upper)
        if self.below is not None:
            lower = graph.node("Min", values, graph.constant(self.below))
            inside = graph.node("GreaterOrEqual", values, graph.constant(start + 0.025 * extent))
            result = graph.node("Where", inside, result, lower)
        return result

    def _is_atom(self, values: Array) -> Array:
        return values.astype(np.float32) == np.float32(self.value)

    def _interval(self) -> tuple[float, float, float]:
        """Start and length of the interval of the spike, and how far values above it move."""
        assert self.extent is not None
        if self.below is not None:
            start = self.below
        else:
            assert self.above is not None
            start = self.above - self.extent
        return start, self.extent, 0.0 if self.above is None else start + self.extent - self.above


@dataclass
class Present(Operation):
    """A quantity that exists only where another target variable is above zero, and is ``absent`` elsewhere.

    Rows without it take the value of a random training row with it: the network learns one continuous distribution. The
    inverse overwrites them. So the two variables never contradict each other.

    Args:
        of: the other target variable.
        absent: value of the rows without it.
    """

    of: str
    absent: float = 0.0
    stand_ins: tuple[float, ...] = fitted(())
    name: ClassVar[str] = "present"
    for_context: ClassVar[bool] = False

    def target_references(self) -> tuple[str, ...]:
        return (self.of,)

    def fit(self, values: Array, row: Row[Array]) -> None:
        exists = row.target[self.of] > 0
        if not exists.any():
            raise ValueError(f"no training row has {self.of!r} above zero")
        wrong = int(np.count_nonzero(values[~exists].astype(np.float32) != np.float32(self.absent)))
        if wrong:
            raise ValueError(f"{wrong} rows have {self.of!r} = 0 and a value other than absent = {self.absent}")
        present = np.sort(values[exists])
        middles = (np.arange(_STAND_INS) + 0.5) / _STAND_INS
        self.stand_ins = tuple(present[(middles * len(present)).astype(np.int64)].tolist())

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        stand_in = np.asarray(self.stand_ins)[generator.integers(_STAND_INS, size=len(values))]
        return np.where(row.target[self.of] > 0, values, stand_in)

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return np.where(row.target[self.of] > 0, values, np.asarray(self.absent, dtype=values.dtype))

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        exists = graph.node("Greater", row.target[self.of], graph.constant(0.0))
        return graph.node("Where", exists, values, graph.constant(self.absent))
