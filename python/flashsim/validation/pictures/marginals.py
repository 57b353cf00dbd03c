"""Distributions of the target variables, flow against target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...flows.flow import Variable
from ...style import new_figure
from ..halves import halves
from ..samples import Samples
from .binning import bin_edges, density
from .style import FLOW, TARGET, Array, Picture, label, points, styled, to_png

__all__ = ["draw_marginals"]

_COLUMNS, _ROWS = 4, 4
_CAPTION = (
    "Distribution of each target variable: the target (filled) and the flow (points), below their ratio. The rows "
    "are split into two halves that share no event: the flow has the GEN contexts of one, the target is the other, "
    "so that the points and the band of the ratio (statistical error of the target) are independent. Both are "
    "divided by the number of rows, not scaled to each other. The least and the largest 0.05 % of a continuous "
    "variable lie outside the axes; points outside the ratio's axis are drawn as triangles at its edge. Variables "
    "that count have bins around whole numbers. Look for: a slope or a wave of the ratio (shape), a single bin off "
    "(a spike or an edge that the flow smears out)."
)


def draw_marginals(samples: Samples, seed: int) -> list[Picture]:
    """One picture for every sixteen target variables."""
    first, second = halves(samples.event, np.random.default_rng([seed, 0]))
    pages = range(0, len(samples.target_variables), _COLUMNS * _ROWS)
    pictures = []
    for start in pages:
        variables = samples.target_variables[start : start + _COLUMNS * _ROWS]
        columns = slice(start, start + len(variables))
        title = "Marginal distributions" + (f" ({start // (_COLUMNS * _ROWS) + 1})" if len(pages) > 1 else "")
        png = _draw(samples.target[second, columns], samples.flow[first, columns], variables)
        pictures.append(Picture(title, _CAPTION, png))
    return pictures


def _draw(target: Array, flow: Array, variables: Sequence[Variable]) -> bytes:
    columns = min(_COLUMNS, len(variables))
    rows = -(-len(variables) // columns)
    with styled():
        figure = new_figure(4.1 * columns, 3.9 * rows)
        outer = figure.add_gridspec(rows, columns, wspace=0.34, hspace=0.3)
        for index, variable in enumerate(variables):
            cell = outer[divmod(index, columns)].subgridspec(2, 1, height_ratios=(3, 1.1), hspace=0.07)
            upper = figure.add_subplot(cell[0])
            lower = figure.add_subplot(cell[1], sharex=upper)
            _marginal(upper, lower, target[:, index], flow[:, index], variable)
            if index == 0:
                upper.legend(frameon=False)
        return to_png(figure)


def _marginal(upper: Any, lower: Any, target: Array, flow: Array, variable: Variable) -> None:
    edges = bin_edges(target, variable)
    wanted, wanted_error = density(target, edges)
    found, found_error = density(flow, edges)
    centres = 0.5 * (edges[1:] + edges[:-1])
    upper.stairs(wanted, edges, color=TARGET, fill=True, alpha=0.3)
    upper.stairs(wanted, edges, color=TARGET, linewidth=1.3, label="target")
    points(upper, centres, found, found_error, label="flow")
    filled = wanted > 0
    positive = wanted[filled]
    if positive.max() > 30 * (positive.min() if len(positive) < 10 else np.median(positive)):
        upper.set_yscale("log")
        upper.set_ylim(positive.min() * 0.3, positive.max() * 6)
    else:
        upper.set_ylim(0, 1.4 * max(wanted.max(), found.max()))
    ratio, error = found[filled] / wanted[filled], found_error[filled] / wanted[filled]
    _ratio(lower, edges, filled, wanted_error[filled] / wanted[filled], ratio, error)
    upper.set_xlim(edges[0], edges[-1])
    lower.set_xlabel(label(variable))
    lower.set_ylabel("flow / target", fontsize=10, loc="center")
    upper.set_ylabel(f"density{f' [1/{variable.unit}]' if variable.unit else ''}", fontsize=11)
    upper.tick_params(labelbottom=False)


def _ratio(axes: Any, edges: Array, filled: Array, target_error: Array, ratio: Array, error: Array) -> None:
    # A wider axis where well-measured bins are further off.
    measured = np.abs(ratio - 1)[(error < 0.1) & (target_error < 0.1)]
    reach = 0.25 if not len(measured) or measured.max() < 0.22 else 0.55
    centres, widths = 0.5 * (edges[1:] + edges[:-1])[filled], np.diff(edges)[filled]
    axes.bar(centres, 2 * target_error, widths, bottom=1 - target_error, color=TARGET, alpha=0.3, linewidth=0)
    inside = np.abs(ratio - 1) <= reach
    points(axes, centres[inside], ratio[inside], error[inside])
    for beyond, edge, marker in ((ratio > 1 + reach, 0.94, "^"), (ratio < 1 - reach, -0.94, "v")):
        axes.plot(centres[beyond], np.full(beyond.sum(), 1 + edge * reach), marker, markersize=3.5, color=FLOW)
    axes.axhline(1, color="black", linewidth=0.7)
    tick = 0.2 if reach < 0.5 else 0.5
    axes.set(ylim=(1 - reach, 1 + reach), yticks=(1 - tick, 1, 1 + tick))
