"""The compared rows: context, target, and the flow's samples for the same context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..flows.flow import Flow, Variable

__all__ = ["Samples", "simulate"]

Array = npt.NDArray[Any]

_ROWS_AT_ONCE = 16384


@dataclass(frozen=True, eq=False)
class Samples:
    """Target and flow rows of the same contexts, in physical units.

    Attributes
    ----------
    context
        [n, C].
    target, flow
        [n, T], row i of both for row i of the context.
    event
        [n], number of the event of each row.
    context_variables, target_variables
        Names, units and ranges of the columns.
    """

    context: Array
    target: Array
    flow: Array
    event: Array
    context_variables: tuple[Variable, ...]
    target_variables: tuple[Variable, ...]

    def __len__(self) -> int:
        return len(self.context)

    def context_column(self, name: str) -> Array:
        """A context variable [n], by name."""
        return self.context[:, [variable.name for variable in self.context_variables].index(name)]

    def target_column(self, name: str) -> int:
        """Column of a target variable, by name."""
        return [variable.name for variable in self.target_variables].index(name)


def simulate(
    flow: Flow,
    context: Array,
    seed: int = 1,
    steps: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Array:
    """Samples a flow once for every row of a context, piece by piece, to limit the memory.

    Samples out of the flow's declared ranges are clipped and counted, as ``out_of_range="clip"`` does (`Flow.clipped`).
    Row i counts as event i with one object: the noise does not depend on the size of the pieces.

    Parameters
    ----------
    context
        [n, C], physical units.
    seed, steps
        As for `flashsim.Flow.sample`.
    progress
        Called with the number of finished rows.

    Returns
    -------
    numpy.ndarray
        float32 [n, T], physical units.

    Raises
    ------
    ValueError, RuntimeError
        As `flashsim.Flow.sample`.
    """
    result = np.empty((len(context), len(flow.target)), dtype=np.float32)
    for start in range(0, len(context), _ROWS_AT_ONCE):
        rows = np.asarray(context[start : start + _ROWS_AT_ONCE])
        keys = np.zeros((len(rows), 4), dtype=np.uint64)
        keys[:, 2] = np.arange(start, start + len(rows), dtype=np.uint64)
        result[start : start + len(rows)] = flow.sample(
            rows, seed=seed, steps=steps, event_keys=keys, out_of_range="clip"
        )[:, 0]
        if progress is not None:
            progress(start + len(rows))
    return result
