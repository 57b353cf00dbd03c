"""Style of the pictures of a validation, and their PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from PIL import Image, ImageOps

from ... import style
from ...flows.flow import Variable

__all__ = [
    "FLOW",
    "TARGET",
    "Array",
    "Picture",
    "band",
    "label",
    "logarithmic_axis",
    "points",
    "styled",
    "to_png",
]

Array = npt.NDArray[Any]

TARGET, FLOW = style.BLUE, style.RED

_DOTS_PER_INCH = 110
_COLOURS = 96
_MARGIN = 8
_STYLE: dict[Any, Any] = {
    "font.size": 12,
    "mathtext.cal": "TeX Gyre Heros",  # else matplotlib looks for a cursive font and complains
    "axes.labelsize": 12.5,
    "axes.titlesize": 12.5,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "legend.fontsize": 11.5,
    "axes.linewidth": 1.0,
    "xtick.major.size": 5,
    "ytick.major.size": 5,
    # Small panels are crowded enough, and minor ticks take half of the time.
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
}


@dataclass(frozen=True)
class Picture:
    """One picture of a report.

    Attributes
    ----------
    title
        Its subject.
    caption
        How to read it.
    png
        The picture.
    """

    title: str
    caption: str
    png: bytes


@contextmanager
def styled() -> Iterator[None]:
    """The style of all pictures; the caller's style does not change."""
    with style.styled(_STYLE):
        yield


def to_png(figure: Figure) -> bytes:
    """The figure as PNG with a palette, a third of the size and no visible difference, its white margins cut."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=_DOTS_PER_INCH, format="png")
    # Matplotlib's own tight margins would draw everything twice.
    picture = Image.open(buffer).convert("RGB")
    left, upper, right, lower = ImageOps.invert(picture).getbbox() or (0, 0, *picture.size)
    margins = (left - _MARGIN, upper - _MARGIN, right + _MARGIN, lower + _MARGIN)
    picture = picture.crop((max(0, margins[0]), max(0, margins[1]), *np.minimum(margins[2:], picture.size)))
    compact = io.BytesIO()
    picture.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT).save(compact, format="png", optimize=True)
    return compact.getvalue()


def label(variable: Variable, prefix: str = "") -> str:
    """Name and unit for an axis."""
    name = f"{prefix} {variable.name}".strip()
    return f"{name} [{variable.unit}]" if variable.unit else name


def logarithmic_axis(axis: Any, edges: Array) -> None:
    """Makes an axis logarithmic, with plain numbers 1, 2, 5, 10, ... between the edges, as far apart as they need."""
    decades = range(int(np.floor(np.log10(edges[0]))), int(np.ceil(np.log10(edges[-1]))) + 1)
    leading = (1, 2, 5) if len(decades) <= 4 else (1,)
    ticks = [first * 10.0**decade for decade in decades for first in leading]
    scale = axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale
    scale("log")
    axis.set_major_locator(FixedLocator([tick for tick in ticks if edges[0] <= tick <= edges[-1]]))
    style.plain_numbers(axis)


def band(axes: Any, edges: Array, values: Array, errors: Array, **options: Any) -> None:
    """The target: a step line with a band of one standard deviation."""
    axes.stairs(values, edges, color=TARGET, linewidth=1.3, baseline=None, **options)
    axes.fill_between(
        edges,
        np.append(values - errors, (values - errors)[-1]),
        np.append(values + errors, (values + errors)[-1]),
        step="post",
        color=TARGET,
        alpha=0.3,
        linewidth=0,
    )


def points(axes: Any, where: Array, values: Array, errors: Array, **options: Any) -> None:
    """The flow: points with error bars."""
    axes.errorbar(where, values, errors, fmt="o", markersize=3, linewidth=1.1, capsize=0, color=FLOW, **options)
