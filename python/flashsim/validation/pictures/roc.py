"""ROC curves of taggers, flow against target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...style import BLUE, GREY, PURPLE, RED, YELLOW, new_figure
from ..samples import Samples
from ..tagging import RocCurve, Tagger
from .style import Array, Picture, styled, to_png

__all__ = ["draw_roc"]

_COLOURS = ("black", YELLOW, BLUE, RED, PURPLE, GREY)
_NAMES = {(1, 2, 3): "u, d, s", (21,): "gluon", (4,): "c", (5,): "b"}
_LEAST_ROWS = 200
_POINTS = 200


def draw_roc(samples: Samples, taggers: Sequence[Tagger], ranges: Sequence[tuple[float, float]]) -> list[Picture]:
    """One picture with a panel for each tagger; none without taggers."""
    if not taggers:
        return []
    with styled():
        figure = new_figure(6.6 * len(taggers), 6.4)
        outer = figure.add_gridspec(1, len(taggers), wspace=0.24)
        for index, (tagger, limits) in enumerate(zip(taggers, ranges, strict=True)):
            cell = outer[index].subgridspec(2, 1, height_ratios=(3, 1.2), hspace=0.06)
            upper = figure.add_subplot(cell[0])
            lower = figure.add_subplot(cell[1], sharex=upper)
            _panel(upper, lower, samples, tagger, limits)
        png = to_png(figure)
    caption = (
        "Probability that a background object passes a cut on the score, against the probability that a signal "
        "object does: target (lines) and flow (dashed), for the whole background (black) and for parts of it, and "
        "below the ratio of the probabilities, with a band for the statistical error of the background in flow and "
        "target. The area between the black curves, within the dotted limits, is the metric ABC: left of them too "
        "few background objects pass."
    )
    return [Picture("ROC curves", caption, png)]


def _panel(upper: Any, lower: Any, samples: Samples, tagger: Tagger, limits: tuple[float, float]) -> None:
    column = samples.target_column(tagger.score)
    flavour = samples.context_column(tagger.flavour)
    efficiency = np.linspace(max(0.02, limits[0] - 0.1), 1.0, _POINTS)
    for colour, (name, codes) in zip(_COLOURS, _backgrounds(flavour, tagger), strict=False):
        part = replace(tagger, background=codes)
        curves = [RocCurve.of(rows[:, column], flavour, part) for rows in (samples.target, samples.flow)]
        wanted, found = (curve.at(efficiency) for curve in curves)
        upper.plot(efficiency, _visible(wanted), color=colour, linewidth=1.5, label=name)
        upper.plot(efficiency, _visible(found), color=colour, linewidth=1.5, linestyle=(0, (3, 2)))
        passing = wanted * curves[0].background
        enough = (passing >= tagger.least_background) & (found > 0)
        ratio = found[enough] / wanted[enough]
        lower.plot(efficiency[enough], ratio, color=colour, linewidth=1.4)
        if colour == _COLOURS[0]:
            error = ratio * np.sqrt((1 - wanted[enough]) * 2 / passing[enough])
            lower.fill_between(efficiency[enough], 1 - error, 1 + error, color="0.82", linewidth=0)
    upper.plot([], [], color="black", label="target")
    upper.plot([], [], color="black", linestyle=(0, (3, 2)), label="flow")
    for axes in (upper, lower):
        axes.axvline(limits[0], color="0.4", linewidth=1, linestyle=":")
    lower.axhline(1, color="black", linewidth=0.7)
    signal = _name(tagger.signal, tagger)
    upper.set_yscale("log")
    upper.set_ylim(upper.get_ylim()[0] / 20, 1.5)  # room for the legend
    upper.set(ylabel="misidentification probability", xlim=(efficiency[0], 1))
    upper.set_title(f"{tagger.score}: {signal} against {_name(tagger.background, tagger)}")
    upper.tick_params(labelbottom=False)
    upper.legend(frameon=False, loc="lower right", ncols=2)
    lower.set(ylim=(0.7, 1.3), xlabel=f"{signal} efficiency", yticks=(0.8, 1.0, 1.2))
    lower.set_ylabel("flow / target", fontsize=11, loc="center")


def _backgrounds(flavour: Array, tagger: Tagger) -> list[tuple[str, tuple[int, ...]]]:
    """The whole background, its parts, and the other heavy flavour: (name, codes), where there are rows."""
    found = [("all background", tagger.background)]
    if tagger.flavour == "partonFlavour":
        parts = [codes for codes in _NAMES if codes != tagger.signal]
        found += [(_NAMES[codes], codes) for codes in parts if np.isin(np.abs(flavour), codes).sum() >= _LEAST_ROWS]
    return found


def _name(codes: tuple[int, ...], tagger: Tagger) -> str:
    if tagger.flavour == "partonFlavour":
        if codes in _NAMES:
            return _NAMES[codes]
        if set(codes) == {0, 1, 2, 3, 21}:
            return "light quarks and gluons"
    return f"|{tagger.flavour}| = {', '.join(map(str, codes))}"


def _visible(probability: Array) -> Array:
    return np.where(probability > 0, probability, np.nan)
