"""Oversampled histograms to be stored, and their content as read by ROOT and uproot."""

from __future__ import annotations

import numpy as np
import ROOT

from samples import Rows

EDGES = {"x": np.linspace(0, 10, 9), "y": np.array([0.0, 1.0, 3.0, 4.5, 9.0]), "z": np.linspace(1, 9, 4)}


KINDS = ["1D", "1F", "2D", "2F", "3D", "3F"]


def names_of(kind: str) -> str:
    return "xyz"[: int(kind[0])]


def edges_of(kind: str):
    names = names_of(kind)
    return EDGES["x"] if names == "x" else [EDGES[name] for name in names]


def fill(rows: Rows, kind: str, name: str = "h", *, covariance: bool = True):
    """A histogram that belongs to Python."""
    names = names_of(kind)
    parts = [part for axis in names for part in (len(EDGES[axis]) - 1, EDGES[axis])]
    book = getattr(ROOT.RDF.FromNumpy(rows), f"OversampledTH{kind}")
    result = book((name, "title;x;y;z", *parts), *names, "w", covariance=covariance)
    return getattr(ROOT.FlashSim, f"OversampledTH{kind}")(result.GetValue())


def numbers_of(histogram) -> list:
    cells = range(histogram.GetNcells())
    return [[histogram.GetBinContent(i) for i in cells], [histogram.GetBinError(i) for i in cells]]
