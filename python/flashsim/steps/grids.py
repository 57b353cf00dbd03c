"""Grids of times that a solver's steps may follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["UNIFORM", "fitted_grid", "grids"]

Array = npt.NDArray[Any]

UNIFORM = (0.0, 1.0)

_EXPONENTS = (1.5, 2.0)
_DIGITS = 6


def grids(steps: int, jerk: Array) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Names and times of the grids worth trying for a number of steps.

    These are equal steps; steps to t = 1 - (1 - s)^p after a fraction s of the steps, "late p", which become shorter
    towards the data; and those of `fitted_grid`.

    Args:
        steps: number of steps.
        jerk: as for `fitted_grid`.

    Example:
        >>> for name, grid in grids(2, np.array([1.0, 1.0, 8.0, 8.0])):
        ...     print(name, grid)
        uniform (0.0, 1.0)
        late 1.5 (0.0, 0.646447, 1.0)
        late 2 (0.0, 0.75, 1.0)
        fitted (0.0, 0.625, 1.0)
    """
    yield "uniform", UNIFORM
    if steps > 1:
        fractions = np.linspace(0, 1, steps + 1)
        for exponent in _EXPONENTS:
            yield f"late {exponent:g}", _rounded(1 - (1 - fractions) ** exponent)
        yield "fitted", fitted_grid(steps, jerk)


def fitted_grid(steps: int, jerk: Array) -> tuple[float, ...]:
    """Times at which a method of second order makes the same error in every step.

    The error of a step of length h is proportional to h³ |d³x/dt³|: step lengths are proportional to the inverse cube
    root of the jerk.

    Args:
        steps: number of steps.
        jerk: |d³x/dt³| of the trajectories, on average, in equal intervals of the time from 0 to 1; all above 0.
    """
    passed = np.concatenate([[0.0], np.cumsum(np.cbrt(jerk))])
    return _rounded(np.interp(np.linspace(0, passed[-1], steps + 1), passed, np.linspace(0, 1, len(passed))))


def _rounded(times: Array) -> tuple[float, ...]:
    return tuple(float(time) for time in np.round(times, _DIGITS))
