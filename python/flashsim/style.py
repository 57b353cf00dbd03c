"""Common style of all pictures: palette, axes, labels and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

__all__ = [
    "BLUE",
    "COLOURS",
    "ERROR_LABEL",
    "FOLD_SIZE_LABEL",
    "GREY",
    "NAIVE",
    "ORANGE",
    "PURPLE",
    "RED",
    "SHADES_OF_BLUE",
    "YELLOW",
    "new_figure",
    "plain_numbers",
    "styled",
    "ticks_of_decades",
]

BLUE, RED, YELLOW, PURPLE, GREY, BROWN, ORANGE, TAN = COLOURS = (
    "#3f90da", "#bd1f01", "#ffa90e", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#b9ac70",
)  # fmt: skip
"""Palette that colour-blind readers can distinguish, too (arXiv:2107.02270)."""

SHADES_OF_BLUE = ("#d9e8f8", "#9cc6ec", "#4f99dc")
"""From light to dark, for nested regions."""

NAIVE = PURPLE
"""Colour of errors that take RECO events as independent, in all pictures."""

FOLD_SIZE_LABEL = "fold size (RECO events per GEN event)"
ERROR_LABEL = "relative error, root mean square of bins [%]"


@contextmanager
def styled(settings: Mapping[Any, Any] | None = None) -> Iterator[None]:
    """Within the context, the style of the CMS experiment and further settings of Matplotlib on top of it.

    Examples
    --------
    >>> with styled({"font.size": 7}):
    ...     print(mpl.rcParams["font.size"])
    7.0
    """
    import mplhep  # slow, and only some pictures need it

    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context(dict(settings or {})):
        yield


def new_figure(width: float, height: float) -> Figure:
    """A figure of this size in inches, without a window and without pyplot."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def plain_numbers(axis: Any) -> None:
    """Labels the major ticks of a logarithmic axis with plain numbers; minor ticks get no label."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def ticks_of_decades(axis: Any, digits: Sequence[int]) -> None:
    """Ticks of a logarithmic axis at these multiples of powers of ten, labelled by `plain_numbers`."""
    axis.set_major_locator(LogLocator(subs=digits))
    plain_numbers(axis)
