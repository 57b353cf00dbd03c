"""A picture of the trials of `optimize_steps`."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from .optimise import OptimalSteps

__all__ = ["plot_optimal_steps"]


def plot_optimal_steps(found: OptimalSteps, path: str | Path) -> None:
    """Draws the result of the classifier and the deviation from the converged samples against the evaluations of the
    network.

    Parameters
    ----------
    found
        To draw.
    path
        Picture to write; its suffix gives the format.
    """
    figure = Figure(figsize=(7, 6.5), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    for solver in dict.fromkeys(trial.candidate.solver for trial in found.trials):
        trials = [trial for trial in found.trials if trial.candidate.solver == solver]
        costs = [trial.candidate.evaluations for trial in trials]
        above.errorbar(
            costs, [trial.c2st for trial in trials], [trial.c2st_error for trial in trials], fmt="o", label=solver
        )
        below.plot(costs, [trial.rms_deviation for trial in trials], "o", label=solver)
    if found.best is not None:
        above.plot(
            found.best.candidate.evaluations, found.best.confirmation, "k*", markersize=10, label="best, confirmed"
        )
    above.axhline(found.tolerance, color="gray", linestyle="--", label=f"tolerance {found.tolerance:g}")
    above.set_yscale("symlog", linthresh=found.tolerance)
    above.set_ylim(-found.tolerance, 0.8)
    above.set_ylabel("c2st, 0.5 − P")
    above.set_title(
        f"flow '{found.flow}' against dopri5 ({found.reference_evaluations:.0f} evaluations), {found.rows} rows each"
    )
    above.legend(loc="lower left")
    below.set_yscale("log")
    below.set_ylabel("rms deviation / standard deviation")
    below.set_xlabel("network evaluations per sample")
    below.xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(path, dpi=120)
