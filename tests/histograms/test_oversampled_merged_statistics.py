"""Merged histograms beyond contents and errors of bins: statistics, entries, GEN events, and their ranges."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401
from histories import EDGES, FILLS, edges_of, fill, integral
from oracle import check, in_range_cells, matrix
from samples import expected, make_rows

pytestmark = pytest.mark.usefixtures("no_directory")

WAYS = {
    "Rebin": ("x", lambda h: h.Rebin(3, "r")),
    "Rebin with a rest": ("x", lambda h: h.Rebin(5, "r")),
    "Rebin2D": ("xy", lambda h: h.Rebin2D(2, 7, "r")),
    "Rebin3D": ("xyz", lambda h: h.Rebin3D(2, 1, 5, "r")),
    "ProjectionX": ("xy", lambda h: h.ProjectionX("p")),
    "part of ProjectionY": ("xy", lambda h: h.ProjectionY("p", 3, 9)),
    "ProjectionZ": ("xyz", lambda h: h.ProjectionZ("p", 1, 12, 1, 7)),
    "Project3D": ("xyz", lambda h: h.Project3D("xz")),
}


def statistics_of(histogram) -> np.ndarray:
    numbers = np.zeros(13)
    histogram.GetStats(numbers)
    return numbers


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("with_overflows", [False, True])
def test_statistics(way, with_overflows):
    """Those of ROOT, but for the variance of the sum of weights, to which the covariance of bins belongs."""
    names, merge = WAYS[way]
    ROOT.TH1.StatOverflows(with_overflows)
    try:
        histogram = fill(FILLS, names)
        merged, plain = merge(histogram), merge(histogram.MakeTH())
        ours, theirs = statistics_of(merged), statistics_of(plain)
    finally:
        ROOT.TH1.StatOverflows(False)
    np.testing.assert_allclose(np.delete(ours, 1), np.delete(theirs, 1), rtol=1e-9, atol=1e-9)
    assert ours[1] == pytest.approx(matrix(merged.GetCovarianceMatrix(with_overflows)).sum(), rel=1e-9)
    assert merged.GetEntries() == plain.GetEntries()
    assert merged.GetNGenEvents() == histogram.GetNGenEvents()


def test_statistics_of_slices_and_cumulative_histograms():
    histogram = fill(FILLS, "xy")
    histogram.GetXaxis().SetRange(2, 5)
    part = histogram.GetSlice("part", ROOT.std.vector["int"]([3, 9, 2, 5]))
    statistics = statistics_of(part)
    contents = [part.GetBinContent(int(cell)) for cell in in_range_cells([EDGES["x"][2:10], EDGES["y"][1:6]])]
    assert statistics[0] == pytest.approx(sum(contents), rel=1e-9)
    assert statistics[1] == pytest.approx(matrix(part.GetCovarianceMatrix()).sum(), rel=1e-9)
    assert not part.GetXaxis().TestBit(ROOT.TAxis.kAxisRange)
    assert part.GetNGenEvents() == histogram.GetNGenEvents()
    one = fill(FILLS, "x")
    assert one.GetCumulative().GetNGenEvents() == one.GetNGenEvents()


VARIABLE = {"x": [0.0, 1.0, 4.0, 10.0], "y": [0.0, 3.0, 5.0, 9.0], "z": [1.0, 2.0, 7.0, 9.0]}


def fill_variable_bins():
    rows = make_rows(80)
    edges = [np.array(VARIABLE[axis]) for axis in "xyz"]
    parts = [part for of_axis in edges for part in (3, of_axis)]
    result = ROOT.RDF.FromNumpy(rows).OversampledTH3D(("h", "", *parts), *"xyz", "w", covariance=True)
    # Widths of all cells, x fastest; those of flow bins are ROOT's choice.
    axes = (result.GetXaxis(), result.GetYaxis(), result.GetZaxis())
    x, y, z = (np.array([axis.GetBinWidth(i) for i in range(5)]) for axis in axes)
    widths = (z[:, None, None] * y[:, None] * x).ravel()
    return ROOT.FlashSim.OversampledTH3D(result.GetValue()), expected(rows, "xyz", edges), widths


def test_widths_of_all_axes():
    histogram, wanted, widths = fill_variable_bins()
    value, error = integral(histogram, 1, 3, 1, 3, 1, 3, option="width")
    cells = in_range_cells(list(VARIABLE.values()))
    w = widths[cells]
    assert value == pytest.approx(w @ wanted.content[cells], rel=1e-9)
    assert error**2 == pytest.approx(w @ wanted.covariance[np.ix_(cells, cells)] @ w, rel=1e-9)
    histogram.Scale(2, "width")
    factor = 2 / widths
    naive = np.asarray(histogram.GetFoldSums().GetNaiveVariances())
    np.testing.assert_allclose(naive, wanted.naive * factor**2, rtol=1e-9, atol=1e-12)
    covariance = wanted.covariance * np.outer(factor, factor)
    np.testing.assert_allclose(matrix(histogram.GetCovarianceMatrix(True)), covariance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("names", "n_bins"), [("x", [12]), ("xy", [12, 7]), ("xyz", [12, 7, 5])])
def test_integrals_beyond_the_axes(names, n_bins):
    """As ROOT takes ranges: up to overflow if the last bin is before the first or behind overflow."""
    histogram = fill(FILLS, names)
    for first, last in ((0, -1), (-7, 99), (3, 2)):
        full = [number for n in n_bins for number in (max(first, 0), n + 1)]
        value, error = integral(histogram, *[first, last] * len(names))
        assert (value, error) == integral(histogram, *full)
        assert value == pytest.approx(integral(histogram.MakeTH(), *[first, last] * len(names))[0], rel=1e-12)


@pytest.mark.parametrize("precision", ["D", "F"])
@pytest.mark.parametrize(
    ("names", "rebin"),
    [
        ("x", lambda h: h.Rebin(1, "r", np.array([0.0, 10.0]))),
        ("xy", lambda h: h.Rebin2D(2, 1, "r")),
        ("xy", lambda h: h.Rebin2D(1, 2, "r")),
        ("xyz", lambda h: h.Rebin3D(2, 1, 1, "r")),
        ("xyz", lambda h: h.Rebin3D(1, 2, 1, "r")),
        ("xyz", lambda h: h.Rebin3D(1, 1, 2, "r")),
    ],
)
def test_any_rebinning_needs_the_covariance(names, rebin, precision):
    histogram = fill(FILLS, names, precision, covariance=False)
    with pytest.raises(Exception, match="does not hold their covariance"):
        rebin(histogram)


def test_edges_that_are_off_by_rounding_are_accepted():
    edges = np.array([0.0, 0.1 * 3, 0.1 * 6 + 1e-16, 0.7 + 0.2 - 1e-16])
    rows = make_rows(60)
    rows["x"] = rows["x"] / 10
    histogram = ROOT.RDF.FromNumpy(rows).OversampledTH1D(("h", "", 10, 0.0, 1.0), "x", "w", covariance=True)
    wanted = expected(rows, "x", np.array([0, 3, 6, 9]) / 10)
    check(histogram.Rebin(3, "r", edges), wanted, bins_only=True, covariance=True)
    for wrong in (edges[1] + 1e-6, edges[1] - 1e-6):
        with pytest.raises(Exception, match=r"cannot cut a bin at 0\.(3|29)"):
            histogram.Rebin(2, "r", np.array([0.0, wrong, 1.0]))


def test_rebin_3d_in_place_stays_in_its_directory(tmp_path):
    with ROOT.TFile(str(tmp_path / "h.root"), "recreate") as file:
        histogram = fill(FILLS, "xyz")
        histogram.SetDirectory(file)
        histogram.Rebin3D(2, 1, 1)
        assert (histogram.GetName(), histogram.GetDirectory()) == ("h", file)
        histogram.SetDirectory(ROOT.nullptr)
    edges = [EDGES["x"][::2], *edges_of("xyz")[1:]]
    check(histogram, expected(FILLS, "xyz", edges), bins_only=True, covariance=True)
