"""A picture of a production's errors and costs against the fold size."""

from __future__ import annotations

import os

import numpy as np
from matplotlib.figure import Figure

from ..style import BLUE, ERROR_LABEL, FOLD_SIZE_LABEL, GREY, NAIVE, ORANGE, ticks_of_decades
from .plan import FOLD_SIZES, ProductionPlan

__all__ = ["plot_plan"]

_CORRECT, _GENERATOR, _SIMULATION, _OPTIMUM = ORANGE, GREY, BLUE, "black"


def plot_plan(plan: ProductionPlan, path: str | os.PathLike[str]) -> None:
    """Draws relative errors, and the shares of generator and simulation in the budget, against the fold size.

    Parameters
    ----------
    plan
        To draw.
    path
        Picture to write; its suffix gives the format.

    Raises
    ------
    ValueError
        If Matplotlib has no such format.
    OSError
        If the picture cannot be written.
    """
    figure = Figure(figsize=(7, 7), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    last = max(*FOLD_SIZES, 3 * plan.best.fold_size)
    curve = plan.choose(np.geomspace(1, last, 300))
    best = plan.choose(plan.best.fold_size)
    points = plan.choose(np.array(FOLD_SIZES))

    above.plot(curve.fold_size, 100 * curve.error, color=_CORRECT, linewidth=2, label="correct")
    above.plot(points.fold_size, 100 * points.error, "o", color=_CORRECT, markersize=5)
    above.plot(
        curve.fold_size,
        100 * curve.naive_error,
        color=NAIVE,
        linestyle=":",
        linewidth=2,
        label="naive: RECO events independent",
    )
    label = f"optimum: fold size {best.fold_size}, {100 * best.error:.3g} %"
    above.plot(best.fold_size, 100 * best.error, "*", color=_OPTIMUM, markersize=15, label=label, zorder=5)
    above.set(xscale="log", yscale="log", ylabel=ERROR_LABEL)
    ticks_of_decades(above.yaxis, (1, 2, 3, 5, 7))
    above.grid(which="major", alpha=0.2)
    above.legend(title=f"{plan.core_hours:g} core-hours", frameon=False)

    below.stackplot(
        curve.fold_size,
        curve.generator_hours,
        curve.simulation_hours,
        labels=[
            f"generator, {plan.best.t_gen:.3g} s per GEN event",
            f"simulation, {plan.best.t_sim:.3g} s per RECO event",
        ],
        colors=[_GENERATOR, _SIMULATION],
        alpha=0.7,
    )
    below.axvline(best.fold_size, color=_OPTIMUM, linestyle="--", linewidth=1)
    below.set(xlim=(1, last), ylim=(0, plan.core_hours), xlabel=FOLD_SIZE_LABEL, ylabel="core-hours")
    ticks_of_decades(below.xaxis, (1, 2, 5))
    below.legend(loc="lower left")
    figure.savefig(path, dpi=120)
