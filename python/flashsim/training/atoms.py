"""Operations for values that carry probability of their own: whole numbers, spikes, absent quantities.

A continuous flow cannot place probability on a single value. These operations spread such a value over an interval
with fresh random numbers, and the inverse maps the whole interval back to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .graph import GraphBuilder
from .operation import Array, Operation, Row, fitted

__all__ = ["Dequantise", "Present", "Spike"]

_BELOW_ONE = 1 - 2**-10


@dataclass
class Dequantise(Operation):
    """The k-th allowed value becomes a random number in [k, k + 1); the inverse takes the floor.

    Uniform numbers suit a variable with many values, whose probabilities change little from one to the next. For a few
    values of very different probability ``width`` keeps them apart: a network smooths the steps of a density, which
    would carry rows from a frequent value to a rare neighbour.

    Args:
        values: allowed values in ascending order; by default every whole number between the smallest and the largest
            value of the training data.
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
            self.allowed = tuple(float(value) for value in range(int(values.min()), int(values.max()) + 1))

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        allowed = np.asarray(self.allowed)
        index = np.clip(np.searchsorted(allowed, values), 0, len(allowed) - 1)
        unknown = np.unique(values[allowed[index] != values])
        if len(unknown):
            raise ValueError(f"values {unknown[:5].tolist()} are not among the allowed {list(self.allowed)}")
        if not self.width:
            return index + generator.random(len(values))
        return index + np.clip(0.5 + self.width * generator.standard_normal(len(values)), 0.0, _BELOW_ONE)

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        index = np.clip(np.floor(values), 0, len(self.allowed) - 1).astype(np.int64)
        return np.asarray(self.allowed, dtype=values.dtype)[index]

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        last = len(self.allowed) - 1
        limited = graph.node("Clip", graph.node("Floor", values), graph.constant(0.0), graph.constant(float(last)))
        steps = np.diff(self.allowed)
        if np.all(steps == steps[0]):
            scaled = limited if steps[0] == 1 else graph.node("Mul", limited, graph.constant(steps[0]))
            return graph.node("Add", scaled, graph.constant(self.allowed[0])) if self.allowed[0] else scaled
        return graph.gather(self.allowed, limited)


@dataclass
class Spike(Operation):
    """A value taken by many rows exactly, at one end of a continuous variable, moved to an interval beyond that end.

    Rows at ``value`` become uniform numbers in (value - extent, value) if it is the lowest, in (value, value + extent)
    if it is the highest value of the variable; the inverse sends everything beyond ``value`` back to it.

    Args:
        value: the spike, in units of the variable.
        extent: length of the interval; its fraction of the range matters only without `Gaussianise` after it.
    """

    value: float
    extent: float = 1.0
    highest: bool = fitted(False)
    name: ClassVar[str] = "spike"
    for_context: ClassVar[bool] = False

    def fit(self, values: Array, row: Row[Array]) -> None:
        below, above = values.min() < self.value, values.max() > self.value
        if below and above:
            raise ValueError(f"value = {self.value} is not at an end of the range {values.min()} … {values.max()}")
        self.highest = bool(below)

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        distance = self.extent * generator.random(len(values))
        return np.where(values == self.value, self.value + (distance if self.highest else -distance), values)

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return np.minimum(values, self.value) if self.highest else np.maximum(values, self.value)

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        return graph.node("Min" if self.highest else "Max", values, graph.constant(self.value))


@dataclass
class Present(Operation):
    """A quantity that exists only where another target variable is above zero, and is ``absent`` elsewhere.

    Rows without it take the value of a random row with it, so that the network sees one continuous distribution; the
    inverse overwrites them. The two variables therefore never contradict each other.

    Args:
        of: the other target variable.
        absent: value of the rows without it.
    """

    of: str
    absent: float = 0.0
    name: ClassVar[str] = "present"
    for_context: ClassVar[bool] = False

    def target_references(self) -> tuple[str, ...]:
        return (self.of,)

    def fit(self, values: Array, row: Row[Array]) -> None:
        exists = row.target[self.of] > 0
        if not exists.any():
            raise ValueError(f"no training row has {self.of!r} above zero")
        wrong = int(np.count_nonzero(values[~exists] != self.absent))
        if wrong:
            raise ValueError(f"{wrong} rows have {self.of!r} = 0 and a value other than absent = {self.absent}")

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        exists = row.target[self.of] > 0
        stand_in = generator.integers(np.count_nonzero(exists), size=len(values))
        return np.where(exists, values, values[exists][stand_in]) if exists.any() else values

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return np.where(row.target[self.of] > 0, values, np.asarray(self.absent, dtype=values.dtype))

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        exists = graph.node("Greater", row.target[self.of], graph.constant(0.0))
        return graph.node("Where", exists, values, graph.constant(self.absent))
