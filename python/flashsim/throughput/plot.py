"""A picture of a production's errors and costs against the fold size."""

from __future__ import annotations

import os

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from .plan import FOLD_SIZES, ProductionPlan

__all__ = ["plot_plan"]

_CORRECT, _NAIVE, _GENERATOR, _SIMULATION, _OPTIMUM = "#e76300", "#832db6", "#94a4a2", "#3f90da", "black"


def plot_plan(plan: ProductionPlan, path: str | os.PathLike[str]) -> None:
    """Draws relative errors, and what generator and simulation take of the budget, against the fold size.

    Parameters
    ----------
    plan
        To draw.
    path
        Picture to write, of a type that Matplotlib knows by its suffix.

    Raises
    ------
    ValueError
        If Matplotlib does not know the suffix.
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
        color=_NAIVE,
        linestyle=":",
        linewidth=2,
        label="naive: RECO events independent",
    )
    label = f"optimum: fold size {best.fold_size}, {100 * best.error:.3g} %"
    above.plot(best.fold_size, 100 * best.error, "*", color=_OPTIMUM, markersize=15, label=label, zorder=5)
    above.set(xscale="log", yscale="log", ylabel="relative error, root mean square of bins [%]")
    above.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)))
    above.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    above.yaxis.set_minor_formatter(NullFormatter())
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
    below.set(
        xlim=(1, last), ylim=(0, plan.core_hours), xlabel="fold size (RECO events per GEN event)", ylabel="core-hours"
    )
    below.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    below.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    below.xaxis.set_minor_formatter(NullFormatter())
    below.legend(loc="lower left")
    figure.savefig(path, dpi=120)
