"""Elementary operations: scales, limits, categories, angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...flows.graph import GraphBuilder
from .operation import Array, Operation, Row, fitted

__all__ = ["Absolute", "Angle", "OneHot", "Saturate", "Standardise"]


@dataclass
class Absolute(Operation):
    """|x|, for codes whose sign has no meaning for the detector."""

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

    def fit(self, values: Array, row: Row[Array]) -> None:
        unseen = [category for category in self._named if not np.any(values == category)]
        if unseen:
            raise ValueError(
                f"no row has the value {' or '.join(f'{category:g}' for category in unseen)}: remove it from the "
                f"categories, it then counts as other = {self.other:g}"
            )

    def features(self) -> int:
        return len(self.categories)

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        hot = np.empty((len(values), self.features()))
        hot[:, -1] = 1.0
        for column, category in enumerate(self._named):
            hot[:, column] = values == category
            hot[:, -1] -= hot[:, column]
        return hot

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        equal = graph.node("Equal", values, graph.constant([self._named]))
        named = graph.node("Cast", equal, to=1)
        total = graph.node("ReduceSum", named, graph.constant([1], np.int64), keepdims=1)
        return graph.concatenate([named, graph.node("Sub", graph.constant(1.0), total)])


@dataclass
class Angle(Operation):
    """Cosine and sine of an angle: the network input has no jump where the circle closes.

    For context variables. A target angle is generated relative to its GEN angle with `Difference` and its ``period``:
    one column, whose result is on the circle for any output of the network. Two coordinates would leave the circle.

    Args:
        period: length of the circle in the unit of the variable.
    """

    period: float = 2 * np.pi
    name: ClassVar[str] = "angle"
    for_target: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.period < np.inf:
            raise ValueError(f"period = {self.period} is not a number above 0")

    def features(self) -> int:
        return 2

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        phase = values * (2 * np.pi / self.period)
        return np.stack([np.cos(phase), np.sin(phase)], axis=1)

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        phase = graph.node("Mul", values, graph.constant(2 * np.pi / self.period))
        return graph.concatenate([graph.column_function(function, phase) for function in ("Cos", "Sin")])


@dataclass
class Standardise(Operation):
    """(x - mean) / deviation of the training data."""

    mean: float = fitted(0.0)
    deviation: float = fitted(1.0)
    name: ClassVar[str] = "standardise"

    def fit(self, values: Array, row: Row[Array]) -> None:
        self.mean, self.deviation = float(values.mean()), float(values.std())
        if not self.deviation > 0:
            raise ValueError(f"every training value is {self.mean}: leave the constant variable out")

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
    """Limits values to the range of the training data: no extrapolation."""

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
