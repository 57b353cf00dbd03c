"""Correlations of target variables: matrices and two-dimensional contours."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.ndimage import gaussian_filter

from ...flows.flow import Variable
from ...style import SHADES_OF_BLUE, new_figure
from ..samples import Samples
from .binning import is_integer, is_skewed
from .style import FLOW, Array, Picture, label, logarithmic_axis, styled, to_png

__all__ = ["contour_levels", "correlation_matrix", "draw_contours", "draw_correlations"]

_CONTENTS = (0.4, 0.68, 0.95)
_BINS, _SMOOTHING = 50, 1.5
_MOST_NUMBERS = 18  # variables up to which the matrices carry numbers


def correlation_matrix(rows: Array) -> Array:
    """Correlation coefficients [T, T] of the columns; NaN for a constant column."""
    centred = rows - rows.mean(axis=0, dtype=np.float64)
    covariance = centred.T @ centred / len(rows)
    deviations = np.sqrt(np.diag(covariance))
    deviations[deviations == 0] = np.nan
    return covariance / np.outer(deviations, deviations)


def contour_levels(density: Array, contents: tuple[float, ...] = _CONTENTS) -> Array:
    """Heights, ascending, above which a histogram holds these shares of its sum."""
    heights = np.sort(density.ravel())[::-1]
    held = np.cumsum(heights) / heights.sum()
    return np.unique([heights[np.searchsorted(held, share)] for share in contents])


def draw_correlations(samples: Samples) -> list[Picture]:
    """The matrices of target and flow, and their difference; none for fewer than two variables."""
    names = [variable.name for variable in samples.target_variables]
    if len(names) < 2:
        return []
    target, flow = correlation_matrix(samples.target), correlation_matrix(samples.flow)
    difference = flow - target
    largest = max(0.01, float(np.nanmax(np.abs(difference), initial=0.0)))
    with styled():
        size = max(3.6, 0.36 * len(names) + 1.0)
        figure = new_figure(3 * size + 2, size)
        panels = figure.subplots(1, 3)
        figure.subplots_adjust(left=0.08, bottom=0.2, wspace=0.42)
        for axes, matrix, title, limit in (
            (panels[0], target, "target", 1.0),
            (panels[1], flow, "flow", 1.0),
            (panels[2], difference, "flow − target", largest),
        ):
            _matrix(figure, axes, matrix, names, title, limit)
        png = to_png(figure)
    first, second = np.unravel_index(int(np.nanargmax(np.abs(difference))), difference.shape)
    error = _correlation_error(target[first, second], len(samples))
    caption = (
        "Linear correlation coefficients of the target variables (in percent), in the target and in the flow, and "
        f"their difference on a finer scale of colours. The largest difference is {difference[first, second]:+.3f} ± "
        f"{error:.3f}, between {names[first]} and {names[second]}; the error is statistical, for Gaussian variables. "
        "A constant variable has none (grey)."
    )
    return [Picture("Correlations", caption, png)]


def _correlation_error(correlation: float, rows: int) -> float:
    return float((1 - correlation**2) * np.sqrt(2 / rows))


def _matrix(figure: Any, axes: Any, matrix: Array, names: list[str], title: str, limit: float) -> None:
    axes.set_facecolor("0.8")
    image = axes.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
    axes.set_title(title)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.minorticks_off()
    axes.tick_params(length=0, labelsize=10)
    if len(names) <= _MOST_NUMBERS:
        for row, column in np.argwhere(np.isfinite(matrix)):
            value = matrix[row, column]
            text = f"{100 * value:.0f}" if limit == 1.0 else f"{100 * value:.1f}"
            colour = "white" if abs(value) > 0.6 * limit else "black"
            axes.text(
                column,
                row,
                text.replace("-0", "0") if float(text) == 0 else text,
                color=colour,
                fontsize=7,
                ha="center",
                va="center",
            )
    figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)


def draw_contours(samples: Samples, most: int = 8) -> list[Picture]:
    """Contours of the pairs of continuous variables that are most correlated, or most wrongly correlated."""
    variables = enumerate(samples.target_variables)
    continuous = [index for index, variable in variables if _is_spread(samples.target[:, index], variable)]
    pairs = list(combinations(continuous, 2))
    if not pairs:
        return []
    target, flow = correlation_matrix(samples.target), correlation_matrix(samples.flow)
    by_size = sorted(pairs, key=lambda pair: -abs(target[pair]))
    by_difference = sorted(pairs, key=lambda pair: -abs(flow[pair] - target[pair]))
    chosen = list(dict.fromkeys([*by_size[: most // 2], *by_difference]))[:most]
    columns = min(4, len(chosen))
    rows = -(-len(chosen) // columns)
    with styled():
        figure = new_figure(4.2 * columns, 3.9 * rows)
        panels = figure.subplots(rows, columns, squeeze=False)
        figure.subplots_adjust(wspace=0.34, hspace=0.32)
        for axes, (first, second) in zip(panels.flat, chosen, strict=False):
            _contours(axes, samples, first, second, target[first, second], flow[first, second])
        for axes in panels.flat[len(chosen) :]:
            axes.set_axis_off()
        figure.legend(
            handles=[Patch(facecolor=SHADES_OF_BLUE[-1], label="target"), Line2D([], [], color=FLOW, label="flow")],
            frameon=False,
            loc="lower center",
            bbox_to_anchor=(0.5, 0.91),
            ncols=2,
        )
        png = to_png(figure)
    caption = (
        "Two-dimensional distributions of target (filled) and flow (lines): regions that hold 40, 68 and 95 % "
        f"of the rows. Shown are the {min(len(pairs), most // 2)} most correlated pairs of continuous variables, "
        "then those whose correlation ρ differs most. Both histograms are smoothed alike, by 3 % of the axis; lines "
        "should follow the edges of the filled regions."
    )
    return [Picture("Pairs of variables", caption, png)]


def _is_spread(values: Array, variable: Variable) -> bool:
    """Whether contours make sense: not for counters, nor if a third of the rows have the same value."""
    if is_integer(variable):
        return False
    return bool(np.unique(values, return_counts=True)[1].max() < len(values) / 3)


def _contours(axes: Any, samples: Samples, first: int, second: int, wanted: float, found: float) -> None:
    edges, logarithmic = [], []
    for index in (first, second):
        values = samples.target[:, index]
        low, high = np.quantile(values, [0.002, 0.99])
        logarithmic.append(is_skewed(values) and samples.target_variables[index].range != (0.0, 1.0))
        edges.append(np.geomspace(low, high, _BINS + 1) if logarithmic[-1] else np.linspace(low, high, _BINS + 1))
    centres = [
        np.sqrt(edge[1:] * edge[:-1]) if is_log else 0.5 * (edge[1:] + edge[:-1])
        for edge, is_log in zip(edges, logarithmic, strict=True)
    ]
    densities = [
        gaussian_filter(np.histogram2d(rows[:, first], rows[:, second], bins=edges)[0], _SMOOTHING, mode="nearest").T
        for rows in (samples.target, samples.flow)
    ]
    levels = [contour_levels(density) for density in densities]
    colours = SHADES_OF_BLUE[-len(levels[0]) :]
    axes.contourf(*centres, densities[0], levels=[*levels[0], densities[0].max() * 1.001], colors=colours)
    axes.contour(*centres, densities[1], levels=levels[1], colors=FLOW, linewidths=1.1)
    if logarithmic[0]:
        logarithmic_axis(axes.xaxis, edges[0])
    if logarithmic[1]:
        logarithmic_axis(axes.yaxis, edges[1])
    axes.set_xlabel(label(samples.target_variables[first]))
    axes.set_ylabel(label(samples.target_variables[second]))
    axes.set_title(rf"$\rho$: target {wanted:+.3f}, flow {found:+.3f}", fontsize=11)
