"""Pulls of all bins of all marginal distributions."""

from __future__ import annotations

import numpy as np
import scipy.stats

from ...style import new_figure
from ..halves import halves
from ..samples import Samples
from .binning import bin_edges
from .style import FLOW, TARGET, Array, Picture, styled, to_png

__all__ = ["bin_pulls", "draw_pulls"]

_LEAST_COUNTS = 20
_REACH = 5.0


def bin_pulls(first: Array, second: Array, edges: Array) -> Array:
    """Difference of the shares of two samples in each bin, in standard deviations.

    Parameters
    ----------
    first, second
        [n] and [m].
    edges
        Of the bins. Bins with fewer than 20 rows of both together are left out.

    Examples
    --------
    >>> bin_pulls(np.repeat([0.5, 1.5], [60, 40]), np.repeat([0.5, 1.5], [50, 50]), np.array([0, 1, 2])).round(2)
    array([ 1.43, -1.43])
    """
    counts = [np.histogram(values, edges)[0] for values in (first, second)]
    totals = [len(first), len(second)]
    shares = [count / total for count, total in zip(counts, totals, strict=True)]
    variance = np.sum([share * (1 - share) / total for share, total in zip(shares, totals, strict=True)], axis=0)
    kept = (counts[0] + counts[1] >= _LEAST_COUNTS) & (variance > 0)
    return (shares[0] - shares[1])[kept] / np.sqrt(variance[kept])


def draw_pulls(samples: Samples, seed: int) -> list[Picture]:
    """One picture; none if no variable has bins to compare."""
    first, second = halves(samples.event, np.random.default_rng([seed, 0]))
    pulls: dict[str, Array] = {}
    for name, rows in (("flow", samples.flow[first]), ("target", samples.target[first])):
        pulls[name] = np.concatenate(
            [
                bin_pulls(
                    rows[:, index], samples.target[second, index], bin_edges(samples.target[second, index], variable)
                )
                for index, variable in enumerate(samples.target_variables)
            ]
        )
    if not len(pulls["flow"]):
        return []
    with styled():
        figure = new_figure(8.6, 4.6)
        axes = figure.subplots()
        edges = np.linspace(-_REACH, _REACH, 41)
        for name, colour, text in (("target", TARGET, "target, other half"), ("flow", FLOW, "flow")):
            found = pulls[name]
            summary = (
                f"{text}: mean {found.mean():.2f} ± {found.std() / np.sqrt(len(found)):.2f}, width {found.std():.2f}, "
                rf"$\chi^2$/bins = {np.sum(found**2):.0f}/{len(found)}"
            )
            shown = np.histogram(np.clip(found, -_REACH, _REACH * 0.9999), edges)[0]
            axes.stairs(shown, edges, color=colour, fill=name == "target", alpha=0.35 if name == "target" else 1)
            axes.stairs(shown, edges, color=colour, linewidth=1.5, label=summary)
        grid = np.linspace(-_REACH, _REACH, 301)
        axes.plot(
            grid,
            len(pulls["flow"]) * np.diff(edges)[0] * scipy.stats.norm.pdf(grid),
            color="black",
            linewidth=1.2,
            linestyle="--",
            label="unit Gaussian",
        )
        axes.set(xlabel=r"pull = (sample $-$ target) / $\sigma$", ylabel="bins", xlim=(-_REACH, _REACH))
        axes.set_ylim(0, 1.5 * axes.get_ylim()[1])
        axes.legend(frameon=False, loc="upper left")
        png = to_png(figure)
    caption = (
        "Pulls (sample − target)/σ over all bins of all marginal distributions above that hold at least "
        f"{_LEAST_COUNTS} rows, σ being the statistical error of the difference. For a perfect flow they follow the "
        "unit Gaussian, and their mean of squares χ²/bins is 1. The filled histogram is the same for the target "
        "itself, one half against the other: what an ideal flow would look like in these data. Pulls beyond ±5 are "
        "in the outermost bins. With enough rows every imperfect flow has wide pulls: the ratios above say whether "
        "that matters."
    )
    return [Picture("Pulls", caption, png)]
