"""Figures in the style of the field, without pyplot's global state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import mplhep
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["COLOURS", "figure_of", "save"]

COLOURS = ("#3f90da", "#bd1f01", "#ffa90e", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#b9ac70")
"""Distinct for colour-blind readers too (arXiv:2107.02270)."""


@contextmanager
def figure_of(width: float, height: float) -> Iterator[Figure]:
    """An empty figure of that size in inches, in a style that lasts as long as the context."""
    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context({"font.size": 14, "axes.labelsize": 15}):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def save(figure: Figure, path: Path) -> None:
    """Writes a PNG file."""
    figure.savefig(path, dpi=90, format="png")
