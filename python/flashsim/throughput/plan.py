"""Errors of a histogram against the fold size, for a given budget."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import translated
from .._library import root
from ..histograms.fold_size import OptimalFoldSize, optimal_fold_size
from ..root_file import stored
from .cost import check_at_least_zero, check_positive

__all__ = ["FOLD_SIZES", "Choice", "ProductionPlan", "plan_production", "read_oversampled"]

FOLD_SIZES = (1, 2, 5, 10, 20, 50, 100)
"""Fold sizes that a plan compares with the optimum."""

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Choice:
    """Events, hours and errors that a budget gives with a fold size. All are arrays if `fold_size` is.

    Attributes
    ----------
    fold_size
        RECO events per GEN event.
    gen_events, reco_events
        Numbers that the budget pays for; not rounded.
    generator_hours, simulation_hours
        Core-hours to generate and to simulate; their sum is the budget.
    error
        Relative statistical error of the histogram: root mean square over its bins.
    naive_error
        The same for independent RECO events, as ``TH1::Fill`` assumes them.
    """

    fold_size: Any
    gen_events: Any
    reco_events: Any
    generator_hours: Any
    simulation_hours: Any
    error: Any
    naive_error: Any


@dataclass(frozen=True)
class ProductionPlan:
    """Fold sizes against errors at a fixed budget. Made by `plan_production`.

    Attributes
    ----------
    core_hours
        The budget.
    gen_events
        GEN events of the sample from which the histogram was made.
    best
        The optimum, the same for any budget, with the given times.
    """

    core_hours: float
    gen_events: int
    best: OptimalFoldSize

    def choose(self, fold_size: Any) -> Choice:
        """Events, hours and errors with a fold size, a number or an array."""
        seconds = self.best.t_gen + fold_size * self.best.t_sim
        gen_events = self.core_hours * _SECONDS_PER_HOUR / seconds
        generator_hours = gen_events * self.best.t_gen / _SECONDS_PER_HOUR
        # The relative variance falls as one over the number of GEN events.
        scale = self.gen_events / gen_events
        return Choice(
            fold_size,
            gen_events,
            fold_size * gen_events,
            generator_hours,
            self.core_hours - generator_hours,
            np.sqrt(self.best.variance(fold_size) * scale),
            np.sqrt(self.best.variance.naive(fold_size) * scale),
        )

    def choices(self) -> list[Choice]:
        """For the fold sizes in `FOLD_SIZES` and the optimum, ascending."""
        return [self.choose(fold_size) for fold_size in sorted({*FOLD_SIZES, self.best.fold_size})]


def plan_production(
    histogram: Any,
    core_hours: float,
    generator_seconds: float,
    simulation_seconds: float,
    *,
    gen_events: int | None = None,
    bins: Any = None,
) -> ProductionPlan:
    r"""Predicts a histogram's errors in a production that takes `core_hours`, against the fold size.

    With a fold size of n the budget T pays for :math:`M = T / (t_{gen} + n t_{sim})` GEN events. The histogram at
    hand, made from :math:`M_0` GEN events, has the relative variance :math:`v_\infty + d/n` with a fold size of n, on
    average over bins; the production has :math:`(v_\infty + d/n) M_0 / M`. docs/statistics.md derives this.

    Parameters
    ----------
    histogram
        Oversampled histogram of any dimension, filled with a fold size of at least 2. A small sample will do.
    core_hours
        The budget, to generate and simulate.
    generator_seconds
        Core-seconds to generate a GEN event; 0 for GEN events that exist.
    simulation_seconds
        Core-seconds to simulate a RECO event, analysis included.
    gen_events
        GEN events of the sample that the histogram was made from, selected or not. By default those that filled the
        histogram: right if each GEN event did, otherwise the errors are too small.
    bins
        Which bins count, as for `flashsim.optimal_fold_size`.

    Raises
    ------
    ValueError
        If a number makes no sense, or as `flashsim.optimal_fold_size`: bins are empty or were filled with a fold size
        of 1.
    RuntimeError
        If the histogram has lost its fold information.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> from flashsim.throughput.plan import plan_production
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("x", "", 2, 0, 30), "x", fold_size=10)
    >>> plan = plan_production(h, core_hours=1, generator_seconds=0.9, simulation_seconds=0.01)
    >>> choice = plan.choose(plan.best.fold_size)
    >>> choice.fold_size, round(choice.gen_events), round(float(choice.error), 4)
    (9, 3636, 0.0208)
    """
    check_positive("core_hours", core_hours)
    check_at_least_zero("generator_seconds", generator_seconds)
    check_positive("simulation_seconds", simulation_seconds)
    best = optimal_fold_size(histogram, generator_seconds, simulation_seconds, bins=bins)
    with translated():
        filled = int(histogram.GetNGenEvents())
    if gen_events is None:
        gen_events = filled
    elif gen_events < filled:
        message = (
            f"gen_events is {gen_events}, but {filled} GEN events filled histogram {histogram.GetName()!r}. Expected "
            "the GEN events of the whole sample, selected or not."
        )
        raise ValueError(message)
    return ProductionPlan(core_hours, gen_events, best)


def read_oversampled(place: str | os.PathLike[str]) -> Any:
    """Reads an oversampled histogram that ``Write()`` has written.

    Parameters
    ----------
    place
        ``"FILE:NAME"``, as in ``"histograms.root:mass"`` or ``"histograms.root:folder/mass"``.

    Returns
    -------
    FlashSim::OversampledTH1D or the like
        In no directory.

    Raises
    ------
    FileNotFoundError, OSError
        If there is no such file, or it is not a ROOT file.
    ValueError
        If the file has no object of that name, or it is not an oversampled histogram.
    """
    file, _, name = os.fspath(place).rpartition(":")
    if not (file and name):
        raise ValueError(f"{place}: expected FILE:NAME, a ROOT file and the name of a histogram in it.")
    with stored(file, name) as histogram:
        if not hasattr(histogram, "GetFoldSums"):
            message = (
                f"{file}: {name!r} is a {type(histogram).__name__}, expected an oversampled histogram with its fold "
                "information. Book it with OversampledTH1D (2D, 3D), and write it with Write() rather than WriteTH()."
            )
            raise ValueError(message)
        histogram.SetDirectory(root().nullptr)
        root().SetOwnership(histogram, True)
    return histogram
