"""Bins of a variable, and counts in them."""

from __future__ import annotations

import numpy as np

from ...flows.flow import Variable
from .style import Array

__all__ = ["bin_edges", "context_edges", "density", "is_integer", "is_skewed"]


def is_integer(variable: Variable) -> bool:
    """Whether the variable counts."""
    return not variable.dtype.startswith(("float", "double"))


def bin_edges(values: Array, variable: Variable, bins: int = 40) -> Array:
    """Edges for a histogram: unit bins around whole numbers, else equal bins over all but 0.1 % of the rows.

    Parameters
    ----------
    values
        [n], of the target.
    bins
        Of a continuous variable. Whole numbers that spread wider than twice this are joined.
    """
    if is_integer(variable):
        low = np.floor(np.quantile(values, 0.0002, method="lower"))
        high = np.floor(np.quantile(values, 0.9998, method="higher"))
        step = max(1.0, np.ceil((high - low + 1) / (2 * bins)))
        return np.arange(low - 0.5, high + step, step)
    low, high = (float(limit) for limit in np.quantile(values, [0.0005, 0.9995]))
    if high <= low:
        width = max(1.0, abs(low)) * 0.5
        return np.linspace(low - width, high + width, bins + 1)
    if variable.range == (0.0, 1.0):
        low, high = 0.0, min(1.0, high)
    return np.linspace(low, high, bins + 1)


def density(values: Array, edges: Array) -> tuple[Array, Array]:
    """Share of the rows per unit in each bin, and its binomial standard deviation."""
    share = np.histogram(values, edges)[0] / len(values)
    widths = np.diff(edges)
    return share / widths, np.sqrt(share * (1 - share) / len(values)) / widths


def is_skewed(values: Array) -> bool:
    """Whether the tail of a positive variable needs a logarithmic axis."""
    low, middle, high = np.quantile(values, [0.001, 0.5, 0.995])
    return bool(low > 0 and high / middle > 4)


def context_edges(values: Array) -> Array:
    """Edges of the bins of profiles: equally many rows per bin, finer at the ends."""
    steps = np.concatenate([[0.0005, 0.03], np.linspace(0.08, 0.92, 12), [0.97, 0.99, 0.9995]])
    return np.unique(np.quantile(values, steps))
