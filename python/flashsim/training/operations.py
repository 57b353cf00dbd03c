"""Elementary operations: relations to the context, logarithms, scales, limits, categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .graph import GraphBuilder
from .operation import Array, Operation, Row, fitted

__all__ = ["Absolute", "Difference", "Log", "Logit", "OneHot", "Ratio", "Saturate", "Share", "Standardise"]


@dataclass
class Absolute(Operation):
    """|x|, for signed codes whose sign means nothing to the detector."""

    name: ClassVar[str] = "absolute"
    for_target: ClassVar[bool] = False

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        return np.abs(values)

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        return graph.node("Abs", values)


@dataclass
class OneHot(Operation):
    """One column per category; a value that is no category counts as ``other``.

    Args:
        categories: values that the variable takes.
        other: the category that stands for every value not listed.
    """

    categories: list[float]
    other: float
    name: ClassVar[str] = "one_hot"
    for_target: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.other not in self.categories:
            raise ValueError(f"other = {self.other} is not among the categories {self.categories}")
        self._named = [category for category in self.categories if category != self.other]

    def features(self) -> int:
        return len(self.categories)

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        named = (values[:, None] == np.asarray(self._named)).astype(np.float64)
        return np.concatenate([named, 1.0 - named.sum(axis=1, keepdims=True)], axis=1)

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        equal = graph.node("Equal", values, graph.constant([self._named]))
        named = graph.node("Cast", equal, to=1)
        total = graph.node("ReduceSum", named, graph.constant([1], np.int64), keepdims=1)
        return graph.concatenate([named, graph.node("Sub", graph.constant(1.0), total)])


@dataclass
class Difference(Operation):
    """x - context, optionally on a circle.

    Args:
        to: context variable to subtract.
        period: length of the circle, 2π for an azimuth: results lie in [-period/2, period/2] both ways. 0: no circle.
    """

    to: str
    period: float = 0.0
    name: ClassVar[str] = "difference"
    for_context: ClassVar[bool] = False

    def context_reference(self) -> str | None:
        return self.to

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        return self._wrap(values - row.context[self.to])

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return self._wrap(values + row.context[self.to])

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        total = graph.node("Add", values, row.context[self.to])
        if not self.period:
            return total
        turns = graph.node("Round", graph.node("Mul", total, graph.constant(1.0 / self.period)))
        return graph.node("Sub", total, graph.node("Mul", turns, graph.constant(self.period)))

    def _wrap(self, values: Array) -> Array:
        if not self.period:
            return values
        return values - np.rint(values * (1.0 / self.period)) * self.period


@dataclass
class Ratio(Operation):
    """(x + offset) / (context + offset).

    Args:
        to: context variable to divide by.
        offset: keeps the ratio finite where the context may be zero, in the unit of the variable.
    """

    to: str
    offset: float = 0.0
    name: ClassVar[str] = "ratio"
    for_context: ClassVar[bool] = False

    def context_reference(self) -> str | None:
        return self.to

    def fit(self, values: Array, row: Row[Array]) -> None:
        if not np.all(row.context[self.to] + self.offset > 0):
            raise ValueError(f"context {self.to!r} + offset {self.offset} must be positive: give a larger offset")

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        return (values + self.offset) / (row.context[self.to] + self.offset)

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return values * (row.context[self.to] + self.offset) - self.offset

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        if not self.offset:
            return graph.node("Mul", values, row.context[self.to])
        offset = graph.constant(self.offset)
        return graph.node("Sub", graph.node("Mul", values, graph.node("Add", row.context[self.to], offset)), offset)


@dataclass
class Share(Operation):
    """x / (total - sum of other target variables): what x takes of the rest that the others leave of a total.

    Chained from variable to variable, it keeps the sum of parts at or below the total whatever the network returns.

    Args:
        after: target variables that are subtracted first.
        total: what all of them share, in their unit.
        smallest: lower limit of the rest, which keeps the quotient finite.
    """

    after: list[str]
    total: float = 1.0
    smallest: float = 1e-4
    name: ClassVar[str] = "share"
    for_context: ClassVar[bool] = False

    def target_references(self) -> tuple[str, ...]:
        return tuple(self.after)

    def fit(self, values: Array, row: Row[Array]) -> None:
        above = float(np.mean(values > 1.01 * self._rest(row)))
        if above > 0.001:
            others = " + ".join(self.after)
            raise ValueError(f"{100 * above:.2g} % of the rows exceed what {others} leave of a total of {self.total}")

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        return np.minimum(values / self._rest(row), 1.0)

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return values * self._rest(row)

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        rest = graph.constant(self.total)
        for other in self.after:
            rest = graph.node("Sub", rest, row.target[other])
        return graph.node("Mul", values, graph.node("Max", rest, graph.constant(self.smallest)))

    def _rest(self, row: Row[Array]) -> Array:
        rest = np.full_like(row.target[self.after[0]], self.total)
        for other in self.after:
            rest = rest - row.target[other]
        return np.maximum(rest, self.smallest)


@dataclass
class Log(Operation):
    """log(x + offset); the offset, in the unit of the variable, keeps it finite at zero."""

    offset: float = 0.0
    name: ClassVar[str] = "log"

    def fit(self, values: Array, row: Row[Array]) -> None:
        if not np.all(values + self.offset > 0):
            raise ValueError(
                f"the smallest value {values.min()} has no logarithm: give an offset above {-values.min()}"
            )

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        return np.log(values + self.offset)

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return np.exp(values) - self.offset

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        shifted = graph.node("Add", values, graph.constant(self.offset)) if self.offset else values
        return graph.column_function("Log", shifted)

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        result = graph.column_function("Exp", values)
        return graph.node("Sub", result, graph.constant(self.offset)) if self.offset else result


@dataclass
class Logit(Operation):
    """log(p / (1 - p)) of p = epsilon + (1 - 2 epsilon) x, for x in [0, 1]."""

    epsilon: float = 1e-6
    name: ClassVar[str] = "logit"

    def __post_init__(self) -> None:
        if not 0 < self.epsilon < 0.5:
            raise ValueError(f"epsilon = {self.epsilon} is not in (0, 0.5)")

    def fit(self, values: Array, row: Row[Array]) -> None:
        if values.min() < 0 or values.max() > 1:
            raise ValueError(f"values reach from {values.min()} to {values.max()}, a logit needs them in [0, 1]")

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        probability = self.epsilon + (1 - 2 * self.epsilon) * values
        return np.log(probability) - np.log1p(-probability)

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return (1 / (1 + np.exp(-values)) - self.epsilon) * (1 / (1 - 2 * self.epsilon))

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        scaled = graph.node("Mul", values, graph.constant(1 - 2 * self.epsilon))
        probability = graph.node("Add", scaled, graph.constant(self.epsilon))
        opposite = graph.node("Sub", graph.constant(1.0), probability)
        return graph.column_function("Log", graph.node("Div", probability, opposite))

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        probability = graph.column_function("Sigmoid", values)
        shifted = graph.node("Sub", probability, graph.constant(self.epsilon))
        return graph.node("Mul", shifted, graph.constant(1 / (1 - 2 * self.epsilon)))


@dataclass
class Standardise(Operation):
    """(x - mean) / deviation of the training data."""

    mean: float = fitted(0.0)
    deviation: float = fitted(1.0)
    name: ClassVar[str] = "standardise"

    def fit(self, values: Array, row: Row[Array]) -> None:
        self.mean, self.deviation = float(values.mean()), float(values.std())
        if not self.deviation > 0:
            raise ValueError(f"every training value is {self.mean}: a constant variable carries nothing, leave it out")

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        return (values - self.mean) * (1 / self.deviation)

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return values * self.deviation + self.mean

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        centred = graph.node("Sub", values, graph.constant(self.mean))
        return graph.node("Mul", centred, graph.constant(1 / self.deviation))

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        scaled = graph.node("Mul", values, graph.constant(self.deviation))
        return graph.node("Add", scaled, graph.constant(self.mean))


@dataclass
class Saturate(Operation):
    """Limits values to the range of the training data, so that nothing is extrapolated."""

    low: float = fitted(-np.inf)
    high: float = fitted(np.inf)
    name: ClassVar[str] = "saturate"

    def fit(self, values: Array, row: Row[Array]) -> None:
        self.low, self.high = float(values.min()), float(values.max())

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        return np.clip(values, self.low, self.high)

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return np.clip(values, self.low, self.high)

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        return graph.node("Clip", values, graph.constant(self.low), graph.constant(self.high))

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        return self.emit_forward(graph, values, row)
