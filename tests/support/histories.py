"""Histograms with covariance that have been through something, and the fills that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim
from oracle import check
from samples import Rows, define_collection, expected, make_rows, scaled, select, together

EDGES = {
    "x": np.linspace(0, 10, 13),
    "y": np.array([0.0, 1.0, 1.5, 2.0, 4.0, 4.5, 7.0, 9.0]),
    "z": np.linspace(1, 9, 6),
}


def edges_of(names: str):
    return EDGES[names] if len(names) == 1 else [EDGES[name] for name in names]


def make_fills(n_gen: int = 60, seed: int = 1) -> Rows:
    """RECO events with 0 to 3 objects each, that fill close to each other."""
    rows = make_rows(n_gen, seed)
    rng = np.random.default_rng(seed)
    fills = select(rows, np.repeat(np.arange(len(rows["x"])), rng.integers(0, 4, len(rows["x"]))))
    for axis in "xyz":
        fills[axis] = fills[axis] + rng.normal(0, 0.5, len(fills[axis]))
    return fills


def fill(fills: Rows, names: str, precision: str = "D", *, covariance: bool = True, name: str = "h"):
    """A histogram that belongs to Python. The objects of a RECO event are collections."""
    _, first, sizes = np.unique(fills["reco"], return_index=True, return_counts=True)
    df = ROOT.RDF.FromNumpy({**select(fills, first), "row": np.arange(len(first), dtype=np.uint64)})
    for axis in names:
        df = define_collection(df, f"{axis}s", fills[axis], sizes)
    columns = [f"{axis}s" for axis in names]
    parts = [part for axis in names for part in (len(EDGES[axis]) - 1, EDGES[axis])]
    kind = f"OversampledTH{len(names)}{precision}"
    titles = "".join(f";{axis}" for axis in names)
    result = getattr(df, kind)((name, titles, *parts), *columns, "w", covariance=covariance)
    return getattr(ROOT.FlashSim, kind)(result.GetValue())


FILLS, OTHER_FILLS = make_fills(), make_fills(40, seed=2)


def filled(names, path):
    return fill(FILLS, names), FILLS


def in_floats(names, path):
    return fill(FILLS, names, "F"), FILLS


def after_scale(names, path):
    histogram = fill(FILLS, names)
    histogram.Scale(-0.25)
    return histogram, scaled(FILLS, -0.25)


def after_normalize(names, path):
    histogram = fill(FILLS, names)
    histogram.Normalize(50.0)
    return histogram, scaled(FILLS, 1 / 50)


def after_add(names, path):
    histogram = fill(FILLS, names)
    histogram.Add(fill(OTHER_FILLS, names), -2.0)
    return histogram, together(FILLS, scaled(OTHER_FILLS, -2.0))


def after_sum(names, path):
    histogram = fill(FILLS, names)
    histogram.Add(fill(FILLS, names), fill(OTHER_FILLS, names), 0.5, 2.0)
    return histogram, together(scaled(FILLS, 0.5), scaled(OTHER_FILLS, 2.0))


def after_reset(names, path):
    """As sums are often made: of a copy that is emptied first."""
    total = fill(OTHER_FILLS, names)
    total.Reset()
    total.Add(fill(FILLS, names))
    return total, FILLS


def after_merge(names, path):
    histogram, others, other = fill(FILLS, names), ROOT.TList(), fill(OTHER_FILLS, names)
    others.Add(other)
    histogram.Merge(others)
    return histogram, together(FILLS, OTHER_FILLS)


def after_file(names, path):
    with ROOT.TFile(str(path / "h.root"), "recreate"):
        fill(FILLS, names).Write()
    return flashsim.read(path / "h.root", "h"), FILLS


def cloned(names, path):
    return fill(FILLS, names).Clone("clone"), FILLS


HISTORIES = [
    filled, in_floats, after_scale, after_normalize, after_add, after_sum, after_reset, after_merge, after_file, cloned,
]  # fmt: skip


def within(fills: Rows, **ranges) -> Rows:
    """The fills in some bins of axes, given as y=(first, last)."""
    keep = np.ones(len(fills["x"]), dtype=bool)
    for axis, (first, last) in ranges.items():
        bins = np.searchsorted(EDGES[axis], fills[axis], side="right")
        keep &= (bins >= first) & (bins <= last)
    return select(fills, keep)


def check_merged(histogram, fills, names, edges=None, plain=None, floats=None):
    """Equal to the histogram filled directly; axes and contents as ROOT makes them of the plain histogram."""
    edges = edges_of(names) if edges is None else edges
    assert histogram.InheritsFrom(f"FlashSim::OversampledTH{len(names)}{histogram.ClassName()[-1]}")
    check(histogram, expected(fills, names, edges), bins_only=True, covariance=True, floats=floats)
    axes = [edges] if len(names) == 1 else edges
    for axis, wanted in zip((histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis()), axes, strict=False):
        actual = [axis.GetBinLowEdge(i + 1) for i in range(axis.GetNbins() + 1)]
        np.testing.assert_allclose(actual, wanted, rtol=1e-12, atol=1e-12)
    if plain:
        assert histogram.GetName() == plain.GetName()
        assert histogram.GetXaxis().GetTitle() == plain.GetXaxis().GetTitle()
        assert histogram.GetNcells() == plain.GetNcells()
        cells = range(plain.GetNcells())
        theirs = [plain.GetBinContent(cell) for cell in cells]
        size = 1e-6 * np.max(np.abs(theirs))
        np.testing.assert_allclose([histogram.GetBinContent(cell) for cell in cells], theirs, rtol=1e-6, atol=size)
        assert histogram.GetMean() == pytest.approx(plain.GetMean(), rel=1e-6)


def integral(histogram, *bins, option="") -> tuple[float, float]:
    error = np.zeros(1)
    value = histogram.IntegralAndError(*bins, error, option)
    return value, error[0]
