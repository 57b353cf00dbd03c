"""RECO against GEN: response, resolution and means of target variables against context variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator

from ...flows.flow import Variable
from ...style import new_figure
from ..samples import Samples
from .binning import context_edges, is_integer, is_skewed
from .style import Array, Picture, band, label, logarithmic_axis, points, styled, to_png

__all__ = ["draw_means", "draw_profiles", "half_width", "median", "response"]

_LEAST_ROWS = 50
_AGAINST = ("pt", "eta", "partonFlavour")
_MOST_CODES = 12
_ROWS_ON_A_PAGE = 6

Statistic = Callable[[Array], tuple[float, float]]


def response(target: Variable, gen: Variable, reco: Array, truth: Array) -> Array:
    """RECO over GEN for variables that are never negative, else RECO minus GEN, around the circle for angles in rad.

    Rows whose GEN value is zero have no ratio; they are NaN.
    """
    if target.unit == "rad":
        return np.remainder(reco - truth + np.pi, 2 * np.pi) - np.pi
    if min(target.range[0], gen.range[0]) < 0:
        return reco - truth
    return np.divide(reco, truth, out=np.full(len(reco), np.nan), where=truth > 0)


def median(values: Array) -> tuple[float, float]:
    """Median and its standard deviation, for a core as wide as that of a Gaussian."""
    low, middle, high = np.quantile(values, [0.16, 0.5, 0.84])
    return float(middle), float(1.2533 * 0.5 * (high - low) / np.sqrt(len(values)))


def half_width(values: Array) -> tuple[float, float]:
    """Half the width of the central 68 % and its standard deviation, for a core like that of a Gaussian."""
    low, high = np.quantile(values, [0.16, 0.84])
    width = 0.5 * (high - low)
    return float(width), float(0.964 * width / np.sqrt(len(values)))


def _mean(values: Array) -> tuple[float, float]:
    return float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64) / np.sqrt(len(values)))


@dataclass(frozen=True)
class _Axis:
    """The context variable of an axis of profiles: edges, contents and labels."""

    variable: Variable
    edges: Array
    rows: list[Array]
    codes: tuple[int, ...] = ()
    logarithmic: bool = False


def draw_profiles(samples: Samples) -> list[Picture]:
    """Response and resolution of the targets that share their name with a context variable; none if there are none."""
    shared = [
        (index, variable, gen)
        for index, variable in enumerate(samples.target_variables)
        for gen in samples.context_variables
        if gen.name == variable.name
    ]
    axes = _axes(samples)
    if not shared or not axes:
        return []
    measured = {}
    for index, variable, gen in shared:
        truth = samples.context_column(gen.name)
        measured[variable.name] = [
            response(variable, gen, rows[:, index], truth) for rows in (samples.target, samples.flow)
        ]
    names = {}
    for _, variable, gen in shared:
        ratio = variable.unit != "rad" and min(variable.range[0], gen.range[0]) >= 0
        unit = "" if ratio or not variable.unit else f" [{variable.unit}]"
        names[variable.name] = f"{variable.name} {'/' if ratio else '−'} GEN {variable.name}{unit}"
    shared_text = (
        "against GEN variables: target (line, band: statistical error) and flow (points), below their difference in "
        "standard deviations. Flow and target have the same GEN contexts. Bins in continuous GEN variables hold "
        "similar numbers of rows; the outermost 0.05 % are left out. "
    )
    return [
        Picture(
            "Response",
            f"Median of the response (RECO / GEN, or RECO − GEN) {shared_text}A flow that has learnt the marginal "
            "distributions but not their dependence on GEN fails here.",
            _draw(list(measured), names, measured, axes, median, "median of\n"),
        ),
        Picture(
            "Resolution",
            f"Half the width of the central 68 % of the response {shared_text}Points above the line: the flow smears "
            "too much.",
            _draw(list(measured), names, measured, axes, half_width, "68 % half width of\n"),
        ),
    ]


def draw_means(samples: Samples) -> list[Picture]:
    """Means of the targets that have no counterpart in the context; none if there are none."""
    context = {variable.name for variable in samples.context_variables}
    others = {
        variable.name: [rows[:, index] for rows in (samples.target, samples.flow)]
        for index, variable in enumerate(samples.target_variables)
        if variable.name not in context
    }
    axes = _axes(samples)
    if not others or not axes:
        return []
    names = {variable.name: label(variable) for variable in samples.target_variables}
    caption = (
        "Mean of the target variables without a GEN counterpart against GEN variables: target (line, band: statistical "
        "error) and flow (points), below their difference in standard deviations."
    )
    pages = [list(others)[start : start + _ROWS_ON_A_PAGE] for start in range(0, len(others), _ROWS_ON_A_PAGE)]
    return [
        Picture(
            "Means" + (f" ({number})" if len(pages) > 1 else ""),
            caption,
            _draw(page, names, others, axes, _mean, "mean "),
        )
        for number, page in enumerate(pages, 1)
    ]


def _axes(samples: Samples) -> list[_Axis]:
    wanted = [variable for name in _AGAINST for variable in samples.context_variables if variable.name == name]
    axes = [_axis(samples, variable) for variable in wanted or samples.context_variables[:2]]
    return [axis for axis in axes if len(axis.edges) > 1]


def _axis(samples: Samples, variable: Variable) -> _Axis:
    values = samples.context_column(variable.name)
    if is_integer(variable):
        codes, counts = np.unique(np.abs(values), return_counts=True)
        codes = codes[counts >= _LEAST_ROWS][:_MOST_CODES]
        rows = [np.flatnonzero(np.abs(values) == code) for code in codes]
        return _Axis(variable, np.arange(len(codes) + 1) - 0.5, rows, tuple(int(code) for code in codes))
    edges = context_edges(values)
    place = np.searchsorted(edges, values, side="right") - 1
    rows = [np.flatnonzero(place == index) for index in range(len(edges) - 1)]
    return _Axis(variable, edges, rows, logarithmic=is_skewed(values))


def _draw(
    variables: Sequence[str],
    names: dict[str, str],
    measured: dict[str, list[Array]],
    axes: Sequence[_Axis],
    statistic: Statistic,
    what: str,
) -> bytes:
    with styled():
        figure = new_figure(5.0 * len(axes), 3.3 * len(variables))
        outer = figure.add_gridspec(len(variables), len(axes), wspace=0.3, hspace=0.34)
        for row, name in enumerate(variables):
            for column, axis in enumerate(axes):
                cell = outer[row, column].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.07)
                upper = figure.add_subplot(cell[0])
                lower = figure.add_subplot(cell[1], sharex=upper)
                _profile(upper, lower, measured[name], axis, statistic)
                if column == 0:
                    upper.set_ylabel(f"{what}{names[name]}", fontsize=10, loc="center")
                    lower.set_ylabel(r"$\Delta/\sigma$", fontsize=10.5, loc="center")
                if row == column == 0:
                    upper.legend(frameon=False)
        return to_png(figure)


def _profile(upper: Any, lower: Any, measured: Sequence[Array], axis: _Axis, statistic: Statistic) -> None:
    found = [_measure(values, axis, statistic) for values in measured]
    (wanted, wanted_error), (made, made_error) = found
    centres = (
        np.sqrt(axis.edges[1:] * axis.edges[:-1]) if axis.logarithmic else 0.5 * (axis.edges[1:] + axis.edges[:-1])
    )
    band(upper, axis.edges, wanted, wanted_error, label="target")
    points(upper, centres, made, made_error, label="flow")
    error = np.hypot(wanted_error, made_error)
    difference = np.divide(made - wanted, error, out=np.zeros_like(made), where=error > 0)
    lower.axhspan(-2, 2, color="0.88", linewidth=0)
    lower.axhline(0, color="black", linewidth=0.7)
    shown = np.isfinite(difference)
    points(lower, centres[shown], np.clip(difference[shown], -4.7, 4.7), np.zeros(shown.sum()))
    lower.set(ylim=(-5, 5), yticks=(-4, 0, 4), xlim=(axis.edges[0], axis.edges[-1]))
    lower.set_xlabel(label(axis.variable, "GEN"))
    upper.tick_params(labelbottom=False)
    low, high = upper.get_ylim()
    upper.set_ylim(low, high + 0.15 * (high - low))
    if axis.codes:
        lower.set_xlabel(f"|GEN {axis.variable.name}|" if axis.variable.range[0] < 0 else label(axis.variable, "GEN"))
        lower.xaxis.set_major_locator(FixedLocator(range(len(axis.codes))))
        lower.set_xticklabels([str(code) for code in axis.codes])
        lower.xaxis.set_minor_locator(FixedLocator([]))
    elif axis.logarithmic:
        logarithmic_axis(lower.xaxis, axis.edges)


def _measure(values: Array, axis: _Axis, statistic: Statistic) -> tuple[Array, Array]:
    numbers = []
    for rows in axis.rows:
        here = values[rows]
        here = here[np.isfinite(here)]
        numbers.append(statistic(here) if len(here) >= _LEAST_ROWS else (np.nan, np.nan))
    return np.array([value for value, _ in numbers]), np.array([error for _, error in numbers])
