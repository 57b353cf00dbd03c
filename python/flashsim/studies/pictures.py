"""Figures of studies, in the style of the pictures of a validation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matplotlib.figure import Figure

from ..style import new_figure
from ..validation.pictures.style import styled, to_png

__all__ = ["figure_of", "save"]


@contextmanager
def figure_of(width: float, height: float) -> Iterator[Figure]:
    """An empty figure of that size in inches, in a style that lasts as long as the context."""
    with styled():
        figure = new_figure(width, height)
        figure.set_layout_engine("constrained")
        yield figure


def save(figure: Figure, path: Path) -> None:
    """Writes a PNG file."""
    with styled():
        path.write_bytes(to_png(figure))
