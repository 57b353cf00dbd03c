"""Operations that relate a target variable to others: to its GEN value, to the rest of a total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...flows.graph import GraphBuilder
from .operation import Array, Operation, Row

__all__ = ["Difference", "Ratio", "Share"]


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
    """x / (total - sum of other target variables): the fraction of the rest that the others leave of a total.

    Chained from variable to variable, it keeps the sum of parts at or below the total, for any output of the network.

    Args:
        after: target variables that are subtracted first.
        total: upper limit of their sum, in their unit.
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
