"""Use of the covariance: merged bins have the errors of a histogram filled with the wider bins."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401
from histories import (
    EDGES,
    FILLS,
    check_merged,
    edges_of,
    fill,
    integral,
    within,
)
from oracle import check, matrix, number_cells, oversampled_cells
from samples import expected, make_rows, select

pytestmark = pytest.mark.usefixtures("no_directory")


@pytest.mark.parametrize("option", ["", "width"])
@pytest.mark.parametrize(
    ("names", "ranges"),
    [
        ("x", [(1, 12), (0, 13), (3, 7), (4, 4), (12, 13)]),
        ("xy", [(1, 12, 1, 7), (0, 13, 0, 8), (2, 5, 3, 3), (4, 4, 2, 2)]),
        ("xyz", [(1, 12, 1, 7, 1, 5), (0, 13, 0, 8, 0, 6), (3, 6, 2, 2, 0, 4)]),
    ],
)
def test_integrals(prepare, names, ranges, option):
    histogram, fills = prepare(names)
    wanted = expected(fills, names, edges_of(names))
    for bins in ranges:
        numbers = [np.arange(first, last + 1) for first, last in zip(bins[::2], bins[1::2], strict=True)]
        grid = [number.ravel() for number in np.meshgrid(*numbers, indexing="ij")]
        cells = number_cells(grid, [len(EDGES[axis]) - 1 for axis in names])
        factor = np.ones(len(cells))
        if option == "width":
            axes = (histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis())
            for axis, number in zip(axes, grid, strict=False):
                factor *= [axis.GetBinWidth(int(i)) for i in number]
        variance = factor @ wanted.covariance[np.ix_(cells, cells)] @ factor
        size = factor @ wanted.scale_matrix[np.ix_(cells, cells)] @ factor
        value, error = integral(histogram, *bins, option=option)
        is_float = histogram.ClassName()[-1] == "F"
        assert value == pytest.approx(
            factor @ wanted.content[cells], abs=(1e-5 if is_float else 1e-12) * np.sqrt(size * 100)
        )
        assert error**2 == pytest.approx(variance, abs=1e-12 * 10 * size)


def test_integral_is_one_wide_bin():
    histogram = fill(FILLS, "x")
    bins = np.searchsorted(EDGES["x"], FILLS["x"], side="right")
    rows = select(FILLS, (bins >= 2) & (bins <= 9))
    wanted = oversampled_cells(
        rows["genEvent"], rows["reco"], rows["foldSize"], np.zeros(len(rows["x"]), int), 1, rows["w"]
    )
    value, error = integral(histogram, 2, 9)
    assert value == pytest.approx(wanted.content[0], rel=1e-12)
    assert error == pytest.approx(np.sqrt(wanted.variance[0]), rel=1e-12)
    # It differs from the error of independent bins.
    assert error > 1.2 * np.sqrt(sum(histogram.GetBinError(i) ** 2 for i in range(2, 10)))


@pytest.mark.parametrize("ngroup", [1, 2, 5, 12])
@pytest.mark.parametrize("name", ["", "wide"])
def test_rebin(prepare, ngroup, name):
    histogram, fills = prepare("x")
    before, plain = histogram.Clone(), histogram.MakeTH()
    rebinned = histogram.Rebin(ngroup, name)
    edges = EDGES["x"][::ngroup][: 12 // ngroup + 1]
    check_merged(rebinned, fills, "x", edges, plain.Rebin(ngroup, name))
    if name:
        check_merged(histogram, fills, "x", plain=before)
    else:
        assert rebinned.GetNbinsX() == histogram.GetNbinsX() == 12 // ngroup


@pytest.mark.parametrize("edges", [[0, 2, 3, 7, 12], [2, 4, 5, 9], [0, 12]])
def test_rebin_to_edges(prepare, edges):
    histogram, fills = prepare("x")
    edges = EDGES["x"][edges]
    rebinned = histogram.Rebin(len(edges) - 1, "wide", edges)
    check_merged(rebinned, fills, "x", edges, histogram.MakeTH().Rebin(len(edges) - 1, "wide", edges))


def test_slices_of_uhi():
    histogram = fill(FILLS, "x")
    check_merged(histogram[:: ROOT.uhi.rebin(3)], FILLS, "x", EDGES["x"][::3])


@pytest.mark.parametrize("names", ["x", "xy"])
def test_scale_by_width(names):
    histogram = fill(FILLS, names)
    before = matrix(histogram.GetCovarianceMatrix(True))
    factor = np.empty(histogram.GetNcells())
    n_x = histogram.GetNbinsX() + 2
    for cell in range(len(factor)):
        width = histogram.GetXaxis().GetBinWidth(cell % n_x)
        factor[cell] = 3 / (width if names == "x" else width * histogram.GetYaxis().GetBinWidth(cell // n_x))
    histogram.Scale(3, "width")
    wanted = before * np.outer(factor, factor)
    np.testing.assert_allclose(matrix(histogram.GetCovarianceMatrix(True)), wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("names", "operation", "message"),
    [
        ("x", lambda h: h.Rebin(2, "r", np.array([0.0, 3.0, 10.0])), "cannot cut a bin at 3"),
        ("xy", lambda h: h.GetCumulative(), "GetCumulative of more than one axis"),
        ("xyz", lambda h: h.GetCumulative(), "GetCumulative of more than one axis"),
        ("xy", lambda h: h.ProfileX("p"), "ProfileX is not supported: its errors would neglect"),
        ("xyz", lambda h: h.Project3DProfile("yx"), "Project3DProfile is not supported: its errors would neglect"),
        ("xy", lambda h: h.ProjectionX("p", 0, -1, "[cut]"), "ProjectionX with a graphical cut is not supported"),
    ],
)
def test_refuses_with_covariance_too(names, operation, message):
    histogram = fill(FILLS, names)
    with pytest.raises(Exception, match=message):
        operation(histogram)
    check(histogram, expected(FILLS, names, edges_of(names)), covariance=True)


def test_refuses_to_merge_floats_with_doubles():
    histogram, others, other = fill(FILLS, "x"), ROOT.TList(), fill(FILLS, "x", "F")
    others.Add(other)
    with pytest.raises(Exception, match="Expected histograms of class FlashSim::OversampledTH1D only"):
        histogram.Merge(others)
    check(histogram, expected(FILLS, "x", EDGES["x"]), covariance=True)


@pytest.mark.parametrize("names", ["x", "xy", "xyz"])
def test_rebin_x(prepare, names):
    histogram, fills = prepare(names)
    plain = histogram.MakeTH().RebinX(3, "wide")
    edges = EDGES["x"][::3] if names == "x" else [EDGES["x"][::3], *edges_of(names)[1:]]
    check_merged(histogram.RebinX(3, "wide"), fills, names, edges, plain)


@pytest.mark.parametrize(("nx", "ny"), [(2, 1), (1, 3), (4, 7), (5, 2), (1, 1)])
@pytest.mark.parametrize("name", ["", "wide"])
def test_rebin_2d(prepare, nx, ny, name):
    histogram, fills = prepare("xy")
    edges = [EDGES["x"][::nx][: 12 // nx + 1], EDGES["y"][::ny][: 7 // ny + 1]]
    plain = histogram.MakeTH()
    check_merged(histogram.Rebin2D(nx, ny, name), fills, "xy", edges, plain.Rebin2D(nx, ny, name))


def test_rebin_y(prepare):
    for names in ("xy", "xyz"):
        histogram, fills = prepare(names)
        edges = edges_of(names)
        edges[1] = edges[1][::2]
        check_merged(histogram.RebinY(2, "wide"), fills, names, edges, histogram.MakeTH().RebinY(2, "wide"))


@pytest.mark.parametrize("groups", [(2, 1, 1), (1, 1, 2), (6, 3, 5), (12, 7, 5)])
def test_rebin_3d(prepare, groups):
    histogram, fills = prepare("xyz")
    edges = [of[::n][: (len(of) - 1) // n + 1] for of, n in zip(edges_of("xyz"), groups, strict=True)]
    plain = histogram.MakeTH().Rebin3D(*groups, "wide")
    check_merged(histogram.Rebin3D(*groups, "wide"), fills, "xyz", edges, plain)


def test_rebin_z(prepare):
    histogram, fills = prepare("xyz")
    edges = [EDGES["x"], EDGES["y"], EDGES["z"][::5]]
    check_merged(histogram.RebinZ(5, "wide"), fills, "xyz", edges, histogram.MakeTH().RebinZ(5, "wide"))


@pytest.mark.parametrize("option", ["", "e", "o"])
@pytest.mark.parametrize(("first", "last"), [(0, -1), (1, 7), (2, 4), (0, 2), (3, 8), (5, 5)])
def test_projections_of_2d(first, last, option):
    histogram = fill(FILLS, "xy")
    ranges = {"y": (first, last)} if last >= 0 else {}
    projection = histogram.ProjectionX("p", first, last, option)
    plain = histogram.MakeTH().ProjectionX("p", first, last, option)
    check_merged(projection, within(FILLS, **ranges), "x", plain=plain)
    ranges = {"x": (first, last)} if last >= 0 else {}
    projection = histogram.ProjectionY("q", first, last, option)
    plain = histogram.MakeTH().ProjectionY("q", first, last, option)
    check_merged(projection, within(FILLS, **ranges), "y", plain=plain)


def test_projections(prepare):
    histogram, fills = prepare("xy")
    floats = histogram.ClassName().endswith("F")  # projections are of doubles, as ROOT's are
    check_merged(histogram.ProjectionX(), fills, "x", plain=histogram.MakeTH().ProjectionX(), floats=floats)
    check_merged(histogram.ProjectionY("p", 2, 9), within(fills, x=(2, 9)), "y", floats=floats)
    histogram, fills = prepare("xyz")
    check_merged(histogram.ProjectionZ("p", 1, 12, 2, 3), within(fills, x=(1, 12), y=(2, 3)), "z", floats=floats)
    check_merged(histogram.Project3D("yx"), fills, "xy", plain=histogram.MakeTH().Project3D("yx"), floats=floats)


def test_projection_of_an_axis_range():
    """A range of the other axis selects the projected bins; a range of the same axis selects the bins of the result."""
    histogram = fill(FILLS, "xy")
    histogram.GetYaxis().SetRange(2, 4)
    check_merged(histogram.ProjectionX("p"), within(FILLS, y=(2, 4)), "x", plain=histogram.MakeTH().ProjectionX("p"))
    histogram.GetYaxis().SetRange()
    histogram.GetXaxis().SetRange(3, 6)
    kept = within(FILLS, x=(3, 6))
    original = histogram.ProjectionX("o", 0, -1, "o")
    check_merged(original, kept, "x", plain=histogram.MakeTH().ProjectionX("o", 0, -1, "o"))
    shortened = histogram.ProjectionX("s")
    check_merged(shortened, kept, "x", EDGES["x"][2:7], plain=histogram.MakeTH().ProjectionX("s"))


@pytest.mark.parametrize(
    ("method", "bins", "ranges", "axis"),
    [
        ("ProjectionX", (), {}, "x"),
        ("ProjectionX", (2, 4, 1, 5), {"y": (2, 4), "z": (1, 5)}, "x"),
        ("ProjectionX", (1, 7, 0, 3), {"y": (1, 7), "z": (0, 3)}, "x"),
        ("ProjectionY", (0, 13, 3, 6), {"x": (0, 13), "z": (3, 6)}, "y"),
        ("ProjectionY", (3, 3, 2, 2), {"x": (3, 3), "z": (2, 2)}, "y"),
        ("ProjectionZ", (1, 6, 4, 8), {"x": (1, 6), "y": (4, 8)}, "z"),
    ],
)
def test_projections_of_3d(method, bins, ranges, axis):
    histogram = fill(FILLS, "xyz")
    projection, plain = (getattr(h, method)("p", *bins) for h in (histogram, histogram.MakeTH()))
    check_merged(projection, within(FILLS, **ranges), axis, plain=plain)


@pytest.mark.parametrize("option", ["x", "y", "z", "xy", "yx", "xz", "zx", "yz", "zy", "yxe", "xe"])
def test_project_3d(option):
    """The first of two letters is the vertical axis."""
    histogram = fill(FILLS, "xyz")
    plain = histogram.MakeTH()
    names = option.removesuffix("e")[::-1]
    check_merged(histogram.Project3D(option), FILLS, names, plain=plain.Project3D(option))
    (other,) = set("xyz") - set(names) if len(names) == 2 else {"z" if names != "z" else "y"}
    for h in (histogram, plain):
        getattr(h, f"Get{other.upper()}axis")().SetRange(2, 4)
    check_merged(histogram.Project3D(option), within(FILLS, **{other: (2, 4)}), names, plain=plain.Project3D(option))


@pytest.mark.parametrize(
    ("names", "ranges"),
    [
        ("x", [3, 9]),
        ("x", [1, 12]),
        ("x", [4, 4]),
        ("xy", [3, 9, 2, 5]),
        ("xy", [1, 12, 3, 3]),
        ("xyz", [2, 7, 1, 7, 2, 3]),
    ],
)
def test_slices(prepare, names, ranges):
    histogram, fills = prepare(names)
    part = histogram.GetSlice("part", ROOT.std.vector["int"](ranges))
    assert part.GetName() == "part"
    edges = [EDGES[axis][ranges[2 * i] - 1 : ranges[2 * i + 1] + 1] for i, axis in enumerate(names)]
    check_merged(part, fills, names, edges[0] if names == "x" else edges)


@pytest.mark.parametrize(
    ("names", "ranges"),
    [("x", []), ("x", [1]), ("x", [0, 5]), ("x", [5, 13]), ("x", [6, 5]), ("xy", [1, 5]), ("x", [1, 2, 3, 4])],
)
def test_refuses_bad_slices(names, ranges):
    histogram = fill(FILLS, names)
    with pytest.raises(Exception, match="'h'"):
        histogram.GetSlice("part", ROOT.std.vector["int"](ranges))


@pytest.mark.parametrize("forward", [True, False])
def test_cumulative(prepare, forward):
    """Each object fills all bins from its own on."""
    histogram, fills = prepare("x")
    bins = np.searchsorted(EDGES["x"], fills["x"], side="right")
    rows, cells = [], []
    for row, bin_number in enumerate(bins):
        if 1 <= bin_number <= 12:
            into = range(bin_number, 13) if forward else range(1, bin_number + 1)
            cells += into
            rows += [row] * len(into)
    taken = select(fills, rows)
    wanted = oversampled_cells(taken["genEvent"], taken["reco"], taken["foldSize"], cells, 14, taken["w"])
    cumulative, plain = (h.GetCumulative(forward, "_sum") for h in (histogram, histogram.MakeTH()))
    assert cumulative.GetName() == plain.GetName()
    check(cumulative, wanted, relative=1e-11, bins_only=True, covariance=True)
    theirs = [plain.GetBinContent(cell) for cell in range(14)]
    np.testing.assert_allclose([cumulative.GetBinContent(cell) for cell in range(14)], theirs, rtol=1e-5, atol=1e-5)


def test_one_after_the_other(prepare):
    histogram, fills = prepare("xyz")
    step = histogram.Rebin3D(2, 1, 5, "wide").Project3D("yx").GetSlice("part", ROOT.std.vector["int"]([2, 5, 1, 7]))
    floats = histogram.ClassName().endswith("F")
    check_merged(step.ProjectionX("p").Rebin(2, "r"), fills, "x", EDGES["x"][2:11:4], floats=floats)


def test_rebin_of_what_several_threads_filled(threads):
    """Each thread has sums of pairs of its own, which are merged before."""
    rows = make_rows(n_gen=400, seed=8)
    histogram = ROOT.RDF.FromNumpy(rows).OversampledTH1D(("h", "", 12, 0.0, 12.0), "x", "w", covariance=True)
    merged = ROOT.FlashSim.OversampledTH1D(histogram.GetValue()).Rebin(3, "merged")
    check(merged, expected(rows, "x", np.linspace(0, 12, 5)), bins_only=True, covariance=True)
