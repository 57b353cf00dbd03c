"""Functions that open a bounded interval or stretch a scale: logarithm, logit, inverse hyperbolic tangent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...flows.graph import GraphBuilder
from .operation import Array, Operation, Row

__all__ = ["Arctanh", "Log", "Logit"]


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
class Arctanh(Operation):
    """artanh(p) of p = (1 - epsilon) x / bound, for x in [-bound, bound].

    Args:
        bound: largest absolute value of the variable, in its unit.
        epsilon: keeps the ends finite.
    """

    bound: float = 1.0
    epsilon: float = 1e-6
    name: ClassVar[str] = "arctanh"

    def __post_init__(self) -> None:
        if not 0 < self.bound < np.inf:
            raise ValueError(f"bound = {self.bound} is not a number above 0")
        if not 0 < self.epsilon < 1:
            raise ValueError(f"epsilon = {self.epsilon} is not in (0, 1)")

    def fit(self, values: Array, row: Row[Array]) -> None:
        if np.abs(values).max() > self.bound:
            raise ValueError(
                f"values reach from {values.min()} to {values.max()}, bound = {self.bound} needs them in "
                f"[{-self.bound}, {self.bound}]"
            )

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        return np.arctanh(values * self._scale())

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        return np.tanh(values) * (1 / self._scale())

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        return graph.column_function("Atanh", graph.node("Mul", values, graph.constant(self._scale())))

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        return graph.node("Mul", graph.column_function("Tanh", values), graph.constant(1 / self._scale()))

    def _scale(self) -> float:
        return (1 - self.epsilon) / self.bound
