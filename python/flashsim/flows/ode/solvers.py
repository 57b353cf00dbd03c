"""Explicit Runge-Kutta solvers, as tables that the sampler in torch and the exported graph both read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["SOLVERS", "Solver", "time_at"]


@dataclass(frozen=True)
class Solver:
    """Butcher tableau of an explicit Runge-Kutta method for dx/dt = v(x, t).

    A step of length h evaluates k_i = v(x + h Σ_j couplings[i][j] k_j, t + h nodes[i]) and ends at
    x + h Σ_i weights[i] k_i.

    Args:
        name: its name in recipes and metadata.
        nodes: one time per stage, as a fraction of the step.
        couplings: per stage, the weights of the stages before it.
        weights: weights of the stages in the step.
    """

    name: str
    nodes: tuple[float, ...]
    couplings: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]

    @property
    def evaluations_per_step(self) -> int:
        """Network evaluations in one step, that is the cost of a step."""
        return len(self.nodes)


SOLVERS = {
    solver.name: solver
    for solver in (
        Solver("euler", nodes=(0.0,), couplings=((),), weights=(1.0,)),
        Solver("midpoint", nodes=(0.0, 0.5), couplings=((), (0.5,)), weights=(0.0, 1.0)),
        Solver("heun", nodes=(0.0, 1.0), couplings=((), (1.0,)), weights=(0.5, 0.5)),
        Solver(
            "rk4",
            nodes=(0.0, 0.5, 0.5, 1.0),
            couplings=((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)),
            weights=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
        ),
    )
}


def time_at(fraction: float, grid: Sequence[float]) -> float:
    """The time after a fraction of the steps: ``grid`` holds times at equal fractions and is linear in between.

    If the number of steps is that of the grid's intervals, steps end exactly at its times. Other numbers of steps keep
    its shape.

    >>> time_at(0.25, [0.0, 1.0]), time_at(0.25, [0.0, 0.8, 1.0])
    (0.25, 0.4)
    """
    position = fraction * (len(grid) - 1)
    index = min(int(position), len(grid) - 2)
    return grid[index] + (position - index) * (grid[index + 1] - grid[index])
