"""Pictures of the effect of oversampling on a histogram's errors, with matplotlib."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.mathtext import MathTextParser

from ..style import BLUE, ERROR_LABEL, FOLD_SIZE_LABEL, NAIVE, ORANGE, ticks_of_decades
from .conversion import correlation as correlation_matrix
from .conversion import to_numpy
from .fold_size import OptimalFoldSize, optimal_fold_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["correlation", "fold_size"]

_GEN_EVENTS, _BUDGET, _OPTIMUM = BLUE, ORANGE, "black"


def correlation(histogram: Any, *, axes: Axes | None = None) -> Figure:
    """Draws the correlation matrix of a histogram's bins.

    In one dimension both axes are the histogram's own. In two or three, bins are numbered from 0 in the order of
    ``h.values().ravel()``, the last axis fastest. Bins without error stay white.

    Parameters
    ----------
    histogram
        Booked with ``covariance=True``.
    axes
        Axes to draw on; by default, those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        Shown by notebooks and ``matplotlib.pyplot.show()``, written by its ``savefig``.

    Raises
    ------
    RuntimeError
        If the histogram does not hold its covariance.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("x", ";x [GeV];events", 2, 0, 30), "x", fold_size=10, covariance=True)
    >>> figure = flashsim.plot.correlation(h)
    >>> figure.axes[0].get_xlabel()
    'x [GeV]'
    """
    matrix = correlation_matrix(histogram)
    if axes is None:
        axes = plt.subplots(figsize=(7.4, 5.8), layout="constrained")[1]
    if histogram.GetDimension() == 1:
        edges, label = to_numpy(histogram)[1], _to_mathtext(histogram.GetXaxis().GetTitle())
    else:
        last = "xyz"[histogram.GetDimension() - 1]
        edges, label = np.arange(len(matrix) + 1) - 0.5, f"bin number ({last} runs fastest)"
    mesh = axes.pcolormesh(edges, edges, matrix, cmap="RdBu_r", vmin=-1, vmax=1, rasterized=len(matrix) > 100)
    axes.set(xlabel=label, ylabel=label, aspect="equal")
    figure: Any = axes.figure
    figure.colorbar(mesh, ax=axes, label="correlation of bin contents")
    return figure


def fold_size(
    histogram: Any,
    t_gen: float,
    t_sim: float,
    *,
    bins: Any = None,
    max_fold_size: int | None = None,
    gen_events: int | None = None,
) -> Figure:
    """Draws the relative error against the fold size and against the CPU time, with the optimal fold size.

    The relative error is the root of the mean over bins of the squared relative errors, predicted from the histogram
    for other fold sizes than its own. To the left, against the fold size: for the histogram's number of GEN events, and
    for a fixed CPU time, that of these GEN events with a fold size of 1. To the right, against the CPU time: the gain
    from a larger fold size for these GEN events, and that from more GEN events.

    Parameters
    ----------
    histogram, t_gen, t_sim, bins
        As for `flashsim.optimal_fold_size`, with the same errors; times in seconds.
    max_fold_size
        End of the axis; by default, three times the optimum, at least 20.
    gen_events
        Number of GEN events that were generated to fill the histogram, selected or not. CPU times are then in hours,
        and relative otherwise.

    Returns
    -------
    matplotlib.figure.Figure
        Shown by notebooks and ``matplotlib.pyplot.show()``, written by its ``savefig``.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("x", "", 2, 0, 30), "x", fold_size=10)
    >>> figure = flashsim.plot.fold_size(h, t_gen=0.9, t_sim=0.01)
    >>> [panel.get_xlabel() for panel in figure.axes]
    ['fold size (RECO events per GEN event)', 'CPU time / CPU time of fold size 1']
    """
    best = optimal_fold_size(histogram, t_gen, t_sim, bins=bins)
    last = max(20, 3 * best.fold_size) if max_fold_size is None else max_fold_size
    if last < 2:
        message = f"max_fold_size is {max_fold_size}, expected at least 2: a curve needs two points."
        raise ValueError(message)
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.4), sharey=True, layout="constrained")
    title = _to_mathtext(histogram.GetTitle()) or histogram.GetName()
    figure.suptitle(f"{title}: GEN event {t_gen:.3g} s, RECO event {t_sim:.3g} s")
    _draw_against_fold_size(left, best, last)
    _draw_against_time(right, best, last, gen_events)
    return figure


def _draw_against_fold_size(axes: Axes, best: OptimalFoldSize, last: int) -> None:
    n = np.geomspace(1, last, 200)
    variance = best.variance
    axes.plot(n, _percent(variance(n)), color=_GEN_EVENTS, linewidth=2, label="fixed number of GEN events")
    axes.plot(
        n,
        _percent(variance(1) * best.cpu_time(n)),
        color=_BUDGET,
        linewidth=2,
        label="fixed CPU time (fewer GEN events)",
    )
    axes.axhline(_percent(variance.limit), color=_GEN_EVENTS, linestyle="--", label="limit of an infinite fold size")
    axes.plot(
        n,
        _percent(variance.naive(n)),
        color=NAIVE,
        linestyle=":",
        linewidth=2,
        label="naive: RECO events as independent",
    )
    axes.plot(
        best.fold_size,
        _percent(variance(1) * best.cpu_time(best.fold_size)),
        "*",
        markersize=15,
        color=_OPTIMUM,
        label=f"optimum: fold size {best.fold_size}",
        zorder=5,
    )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel=FOLD_SIZE_LABEL,
        ylabel=ERROR_LABEL,
    )
    _finish(axes)


def _draw_against_time(axes: Axes, best: OptimalFoldSize, last: int, gen_events: int | None) -> None:
    variance, once = best.variance, best.t_gen + best.t_sim
    unit = 1 / once if gen_events is None else gen_events / 3600
    n = np.geomspace(1, last, 200)

    def time(fold_size: Any) -> Any:
        return (best.t_gen + fold_size * best.t_sim) * unit

    axes.plot(
        time(n), _percent(variance(n)), color=_GEN_EVENTS, linewidth=2, label="these GEN events, larger fold size"
    )
    times = np.array([time(1), max(time(last), 10 * time(1))])
    for number, colour, style in ((1, "grey", "--"), (best.fold_size, _OPTIMUM, "-")):
        errors = _percent(variance(number) * time(number) / times)
        axes.plot(
            times, errors, color=colour, linestyle=style, linewidth=1.2, label=f"fold size {number}, more GEN events"
        )
    marked = np.array([m * 10**k for k in range(7) for m in (1, 2, 5) if m * 10**k <= last])
    axes.plot(time(marked), _percent(variance(marked)), "o", color=_GEN_EVENTS, markersize=5)
    for number in marked:
        axes.annotate(str(number), (time(number), _percent(variance(number))), (3, 5), textcoords="offset points")
    axes.plot(time(best.fold_size), _percent(variance(best.fold_size)), "*", markersize=15, color=_OPTIMUM, zorder=5)
    axes.set(
        xscale="log",
        xlabel="CPU time / CPU time of fold size 1" if gen_events is None else "CPU time [h]",
    )
    axes.set_title(f"CPU time for the same error: optimum {1 / best.gain:.2g} of fold size 1", fontsize="medium")
    _finish(axes)


def _finish(axes: Axes) -> None:
    for axis, digits in ((axes.xaxis, (1, 2, 5)), (axes.yaxis, (1, 2, 3, 5, 7))):
        ticks_of_decades(axis, digits)
    axes.grid(which="both", alpha=0.2)
    axes.legend(frameon=False)


def _percent(variance: Any) -> Any:
    return 100 * np.sqrt(variance)


def _to_mathtext(title: str) -> str:
    """Translates a title from ROOT's notation (``p_{T}``, ``#eta``) to matplotlib's; unchanged if that fails."""
    words = re.split(r" (?![^{]*\})", title)
    text = " ".join(f"${word.replace('#', chr(92))}$" if re.search(r"[_^#]", word) else word for word in words)
    try:
        MathTextParser("path").parse(text)
    except ValueError:
        return title
    return text
