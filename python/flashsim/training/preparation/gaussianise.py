"""A monotone map of a variable to the standard normal distribution through its empirical quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np

from ...flows.graph import GraphBuilder
from .operation import Array, Operation, Row, fitted

__all__ = ["Gaussianise"]

_LARGEST_ATOM = 0.02


@dataclass
class Gaussianise(Operation):
    """z = Φ⁻¹(F(x)) with the distribution function F of the training data, linear between knots equidistant in z.

    The knots span the smallest to the largest training value, at z = ±Φ⁻¹(1 - 1/(2 n)) for n rows; beyond them the
    map is flat, so this operation also saturates. Knots equidistant in z make the inverse a table look-up.

    Args:
        knots: number of knots.

    Raises:
        ValueError: from `fit`, if a single value holds more than 2 % of the rows: it needs `Dequantise` or `Spike`
            before this operation.

    Example:
        >>> import numpy as np
        >>> from flashsim.training.preparation.operation import Row
        >>> x = np.random.default_rng(1).exponential(size=10_000)
        >>> operation = Gaussianise(knots=64)
        >>> operation.fit(x, Row({}))
        >>> z = operation.forward(x, Row({}), np.random.default_rng(2))
        >>> bool(abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01)
        True
    """

    knots: int = 256
    limit: float = fitted(0.0)
    quantiles: tuple[float, ...] = fitted(())
    name: ClassVar[str] = "gaussianise"

    def __post_init__(self) -> None:
        if self.knots < 3:
            raise ValueError(f"knots = {self.knots} must be 3 or more")

    def fit(self, values: Array, row: Row[Array]) -> None:
        ordered = np.sort(values)
        jumps = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1], [True]]))
        largest = int(np.argmax(np.diff(jumps)))
        share = (jumps[largest + 1] - jumps[largest]) / len(ordered)
        if share > _LARGEST_ATOM:
            raise ValueError(
                f"{100 * share:.1f} % of the rows have exactly the value {ordered[jumps[largest]]}: "
                "put 'spike', 'dequantise' or 'present' before 'gaussianise'"
            )
        normal = NormalDist()
        self.limit = normal.inv_cdf(1 - 0.5 / len(ordered))
        levels = [normal.cdf(z) for z in self._grid()]
        quantiles = np.quantile(ordered, levels, method="hazen")
        quantiles[0], quantiles[-1] = ordered[0], ordered[-1]
        self.quantiles = tuple(_strictly_increasing(quantiles).tolist())

    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        return np.interp(values, self.quantiles, self._grid())

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        start, slope = self._table()
        position = np.clip((values + self.limit) * self._per_knot(), 0, self.knots - 1)
        index = np.fmax(position, 0).astype(np.int64)  # not a number stays so in the product
        rise = position - index.astype(values.dtype)
        return start.astype(values.dtype)[index] + slope.astype(values.dtype)[index] * rise

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        quantiles, grid = np.asarray(self.quantiles), self._grid()
        limited = graph.node("Clip", values, graph.constant(quantiles[0]), graph.constant(quantiles[-1]))
        above = graph.node("GreaterOrEqual", limited, graph.constant([quantiles[1:-1]]))
        counted = graph.node("ReduceSum", graph.node("Cast", above, to=1), graph.constant([1], np.int64), keepdims=1)
        offset = graph.node("Sub", limited, graph.gather(quantiles[:-1], counted))
        rise = graph.node("Mul", offset, graph.gather(np.diff(grid) / np.diff(quantiles), counted))
        return graph.node("Add", graph.gather(grid[:-1], counted), rise)

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        start, slope = self._table()
        shifted = graph.node("Add", values, graph.constant(self.limit))
        scaled = graph.node("Mul", shifted, graph.constant(self._per_knot()))
        position = graph.node("Clip", scaled, graph.constant(0.0), graph.constant(float(self.knots - 1)))
        floor = graph.node("Floor", position)
        rise = graph.node("Mul", graph.gather(slope, floor), graph.node("Sub", position, floor))
        return graph.node("Add", graph.gather(start, floor), rise)

    def _grid(self) -> Array:
        return np.linspace(-self.limit, self.limit, self.knots)

    def _per_knot(self) -> float:
        return (self.knots - 1) / (2 * self.limit)

    def _table(self) -> tuple[Array, Array]:
        quantiles = np.asarray(self.quantiles)
        return quantiles, np.append(np.diff(quantiles), 0.0)


def _strictly_increasing(values: Array) -> Array:
    """Separate equal neighbours by the smallest distance that float32 resolves."""
    spacing = 4 * np.finfo(np.float32).eps * max(float(np.abs(values).max()), 1e-6)
    result = values.copy()
    for index in range(1, len(result)):
        result[index] = max(result[index], result[index - 1] + spacing)
    return result
