"""Random halves of the rows that share no event."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["halves"]

Array = npt.NDArray[Any]


def halves(event: Array, generator: np.random.Generator) -> tuple[Array, Array]:
    """Splits rows at random into two halves of the same size, with all rows of an event in the same half.

    Events are shuffled; the first half takes them until it has half of the rows. The few rows by which the
    other half is larger or smaller are left out.

    Parameters
    ----------
    event
        [n], number of the event of each row.
    generator
        Of the random order.

    Returns
    -------
    tuple
        Indices of the rows of both halves, ascending: two arrays of the same length.

    Examples
    --------
    >>> first, second = halves(np.array([0, 0, 1, 1, 2, 2, 3, 3]), np.random.default_rng(1))
    >>> len(first), len(second), len(set(first) | set(second))
    (4, 4, 8)
    """
    names, rows_of, counts = np.unique(event, return_inverse=True, return_counts=True)
    order = generator.permutation(len(names))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    in_first = np.cumsum(counts[order]) <= len(event) / 2
    chosen = in_first[place[rows_of]]
    first, second = np.flatnonzero(chosen), np.flatnonzero(~chosen)
    size = min(len(first), len(second))
    return first[:size], second[:size]
