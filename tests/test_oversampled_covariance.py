"""What the covariance is for: bins that are merged have the errors of a histogram filled with the wider bins."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import ROOT
from scipy.stats import chi2

import flashsim  # noqa: F401
from oracle import check, in_range_cells, matrix, number_cells, oversampled_cells
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
    with ROOT.TFile(str(path / "h.root"), "recreate") as file:
        file.WriteObject(fill(FILLS, names), "h")
    with ROOT.TFile(str(path / "h.root")) as file:
        histogram = file.Get("h")
        histogram.SetDirectory(ROOT.nullptr)
        ROOT.SetOwnership(histogram, True)
    return histogram, FILLS


def cloned(names, path):
    return fill(FILLS, names).Clone("clone"), FILLS


HISTORIES = [
    filled, in_floats, after_scale, after_normalize, after_add, after_sum, after_reset, after_merge, after_file, cloned,
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_directory():
    """Histograms belong to Python."""
    ROOT.TH1.AddDirectory(False)
    yield
    ROOT.TH1.AddDirectory(True)


@pytest.fixture(params=HISTORIES, ids=lambda history: history.__name__)
def prepare(request, tmp_path):
    """A function from the names of the axes to a histogram of some history, and the fills that it stands for."""
    return lambda names: request.param(names, tmp_path)


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


@pytest.mark.parametrize("names", ["x", "xy", "xyz"])
def test_matrix(prepare, names):
    histogram, fills = prepare(names)
    wanted = expected(fills, names, edges_of(names))
    check(histogram, wanted, bins_only=True, covariance=True)
    full, in_range = matrix(histogram.GetCovarianceMatrix(True)), in_range_cells(edges_of(names))
    np.testing.assert_array_equal(matrix(histogram.GetCovarianceMatrix()), full[np.ix_(in_range, in_range)])
    # Each number by itself, too.
    rng = np.random.default_rng(3)
    error = np.sqrt(np.diag(full))
    for i, k in rng.integers(0, histogram.GetNcells(), (200, 2)).tolist():
        assert histogram.GetBinCovariance(i, k) == histogram.GetBinCovariance(k, i) == full[i, k]
        correlation = histogram.GetBinCorrelation(i, k)
        if error[i] * error[k] == 0:
            assert np.isnan(correlation)
        else:
            assert correlation == pytest.approx(full[i, k] / (error[i] * error[k]), rel=1e-12, abs=1e-15)


def test_correlation_matrix(prepare):
    histogram, fills = prepare("xy")
    covariance = expected(fills, "xy", edges_of("xy")).covariance
    error = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore"):
        wanted = covariance / np.outer(error, error)  # NaN for bins with no error
    assert np.isnan(wanted).any()
    np.testing.assert_allclose(matrix(histogram.GetCorrelationMatrix(True)), wanted, rtol=1e-9, atol=1e-9)
    in_range = in_range_cells(edges_of("xy"))
    actual = matrix(histogram.GetCorrelationMatrix())
    np.testing.assert_allclose(actual, wanted[np.ix_(in_range, in_range)], rtol=1e-9, atol=1e-9)


def integral(histogram, *bins, option="") -> tuple[float, float]:
    error = np.zeros(1)
    value = histogram.IntegralAndError(*bins, error, option)
    return value, error[0]


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
        rows["genEvent"], rows["reco"], rows["nFolds"], np.zeros(len(rows["x"]), int), 1, rows["w"]
    )
    value, error = integral(histogram, 2, 9)
    assert value == pytest.approx(wanted.content[0], rel=1e-12)
    assert error == pytest.approx(np.sqrt(wanted.variance[0]), rel=1e-12)
    # It differs from what independent bins would give.
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


def test_empty_histograms_take_nothing_away():
    def empty():
        return ROOT.FlashSim.OversampledTH1D("empty", "", 12, EDGES["x"])

    histograms = [empty(), fill(FILLS, "x"), empty(), fill(FILLS, "x")]
    histograms[0].Add(fill(FILLS, "x"))
    histograms[1].Add(empty())
    lists = [ROOT.TList(), ROOT.TList()]
    others = [fill(FILLS, "x"), empty()]
    for histogram, of_histogram, other in zip(histograms[2:], lists, others, strict=True):
        of_histogram.Add(other)
        histogram.Merge(of_histogram)
    for histogram in histograms:
        check(histogram, expected(FILLS, "x", EDGES["x"]), covariance=True)


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
    """An axis range of the other axis is what is projected; one of the same axis is what is left."""
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
    wanted = oversampled_cells(taken["genEvent"], taken["reco"], taken["nFolds"], cells, 14, taken["w"])
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


def pseudo_inverse_chi2(difference, covariance):
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-10 * values.max()
    components = vectors[:, kept].T @ difference
    return (components**2 / values[kept]).sum(), int(kept.sum())


@pytest.mark.parametrize("names", ["x", "xy"])
@pytest.mark.parametrize("with_flow", [False, True])
@pytest.mark.parametrize("n_gen", [8, 400], ids=["few GEN events", "many GEN events"])
def test_chi2(names, with_flow, n_gen):
    """Few GEN events make matrices of low rank; in 2D some bins are empty."""
    first, second = (fill(make_fills(n_gen, seed), names) for seed in (1, 2))
    cells = np.arange(first.GetNcells()) if with_flow else in_range_cells(edges_of(names))
    difference = np.array([first.GetBinContent(int(i)) - second.GetBinContent(int(i)) for i in cells])
    both = matrix(first.GetCovarianceMatrix(with_flow)) + matrix(second.GetCovarianceMatrix(with_flow))
    wanted, rank = pseudo_inverse_chi2(difference, both)
    if names == "xy" and n_gen == 8:
        assert rank <= 2 * n_gen < len(cells)
    result = first.Chi2WithCovariance(second, with_flow)
    assert result.fNdf == rank
    assert result.fChi2 == pytest.approx(wanted, rel=1e-6)
    assert result.fProbability == pytest.approx(chi2.sf(wanted, rank), rel=1e-5, abs=1e-12)


def test_chi2_with_itself_and_with_plain_histograms():
    histogram = fill(FILLS, "x")
    same = histogram.Chi2WithCovariance(histogram.Clone())
    assert (same.fChi2, same.fProbability) == (pytest.approx(0, abs=1e-20), pytest.approx(1))
    plain = fill(OTHER_FILLS, "x").MakeTH()
    covariance = matrix(histogram.GetCovarianceMatrix())
    covariance += np.diag([plain.GetBinError(i) ** 2 for i in range(1, 13)])
    difference = np.array([histogram.GetBinContent(i) - plain.GetBinContent(i) for i in range(1, 13)])
    wanted, rank = pseudo_inverse_chi2(difference, covariance)
    result = histogram.Chi2WithCovariance(plain)
    assert (result.fChi2, result.fNdf) == (pytest.approx(wanted, rel=1e-9), rank)


def test_chi2_refuses_other_axes():
    histogram = fill(FILLS, "x")
    for other in (ROOT.TH1D("other", "", 12, 0.0, 11.0), fill(FILLS, "xy"), ROOT.TH1D("few", "", 6, 0.0, 10.0)):
        with pytest.raises(Exception, match="axes"):
            histogram.Chi2WithCovariance(other)


def merging(names: str) -> dict:
    """Ways of merging bins of a histogram with these axes."""
    last = [number for axis in names for number in (1, len(EDGES[axis]) - 1)]
    ways = {
        "IntegralAndError": lambda h: integral(h, *last),
        "GetSlice": lambda h: h.GetSlice("s", ROOT.std.vector["int"]([2, 3, *last[2:]])),
        "Chi2WithCovariance": lambda h: h.Chi2WithCovariance(h),
        "GetCovarianceMatrix": lambda h: h.GetCovarianceMatrix(),
        "GetCorrelationMatrix": lambda h: h.GetCorrelationMatrix(),
        "GetBinCovariance": lambda h: h.GetBinCovariance(5, 6),
        "GetBinCorrelation": lambda h: h.GetBinCorrelation(5, 6),
        "RebinX": lambda h: h.RebinX(2, "r"),
    }
    if names == "x":
        ways["Rebin"] = lambda h: h.Rebin(2)
        ways["Rebin to edges"] = lambda h: h.Rebin(2, "r", np.array([0.0, 5.0, 10.0]))
        ways["GetCumulative"] = lambda h: h.GetCumulative()
    if "y" in names:
        ways["RebinY"] = lambda h: h.RebinY(2, "r")
        ways["ProjectionX"] = lambda h: h.ProjectionX("p")
        ways["ProjectionY"] = lambda h: h.ProjectionY("p")
    if names == "xy":
        ways["Rebin2D"] = lambda h: h.Rebin2D(2, 2)
    if names == "xyz":
        ways["Rebin3D"] = lambda h: h.Rebin3D(2, 1, 1)
        ways["RebinZ"] = lambda h: h.RebinZ(2, "r")
        ways["ProjectionZ"] = lambda h: h.ProjectionZ("p")
        ways["Project3D"] = lambda h: h.Project3D("yx")
    return ways


EACH_MERGING = [(names, way) for names in ("x", "xy", "xyz") for way in merging(names)]


@pytest.mark.parametrize(("names", "way"), EACH_MERGING)
def test_refuses_without_covariance(names, way):
    histogram = fill(FILLS, names, covariance=False)
    assert not histogram.HasCovariance()
    with pytest.raises(Exception, match=r"'h'.* does not hold their covariance[\s\S]*covariance=True") as caught:
        merging(names)[way](histogram)
    assert isinstance(caught.value, ROOT.std.logic_error)
    check(histogram, expected(FILLS, names, edges_of(names)))


@pytest.mark.parametrize(("names", "way"), EACH_MERGING)
def test_refuses_what_was_lost(names, way):
    histogram = fill(FILLS, names)
    content = histogram.GetBinContent(20)
    histogram.SetBinContent(5, 1000)
    assert not histogram.HasFoldInformation()
    assert not histogram.HasCovariance()
    with pytest.raises(Exception, match="'h'"):
        merging(names)[way](histogram)
    assert (histogram.GetBinContent(5), histogram.GetBinContent(20)) == (1000, content)
    with pytest.raises(Exception, match="is not known"):
        histogram.GetFoldSums()


def test_allows_without_covariance_what_merges_nothing():
    def check_bins(histogram, fills, names):
        assert not histogram.HasCovariance()
        check(histogram, expected(fills, names, edges_of(names)), bins_only=True)

    one, two, three = (fill(FILLS, names, covariance=False) for names in ("x", "xy", "xyz"))
    check_bins(one.Rebin(1, "r"), FILLS, "x")
    check_bins(one.GetSlice("s", ROOT.std.vector["int"]([1, 12])), FILLS, "x")
    check_bins(two.ProjectionX("p", 3, 3), within(FILLS, y=(3, 3)), "x")
    check_bins(two.Rebin2D(1, 1, "r"), FILLS, "xy")
    check_bins(three.ProjectionZ("p", 2, 2, 4, 4), within(FILLS, x=(2, 2), y=(4, 4)), "z")
    three.GetZaxis().SetRange(2, 2)
    check_bins(three.Project3D("yx"), within(FILLS, z=(2, 2)), "xy")
    assert integral(one, 4, 4) == (one.GetBinContent(4), one.GetBinError(4))
    assert integral(two, 4, 4, 2, 2) == (two.GetBinContent(4, 2), two.GetBinError(4, 2))


def test_histograms_with_and_without_covariance_add_up_to_one_without():
    for first, second in pairwise([True, False, True]):
        histogram = fill(FILLS, "x", covariance=first)
        histogram.Add(fill(OTHER_FILLS, "x", covariance=second))
        assert not histogram.HasCovariance()
        check(histogram, expected(together(FILLS, OTHER_FILLS), "x", EDGES["x"]), bins_only=True)


@pytest.mark.parametrize(
    ("names", "n_bins"), [("x", (4095,)), ("xy", (62, 63)), ("xyz", (14, 14, 15)), ("x", (1_000_000,))]
)
def test_refuses_huge_matrices(names, n_bins):
    model = ("h", "", *[part for n in n_bins for part in (n, 0.0, 10.0)])
    df = ROOT.RDF.FromNumpy(make_rows(20))
    cells = int(np.prod(np.array(n_bins) + 2))
    book = getattr(df, f"OversampledTH{len(names)}D")
    with pytest.raises(Exception, match=rf"'h'[\s\S]*{cells}[\s\S]*4096"):
        book(model, *names, covariance=True)
    assert book(model, *names).GetNcells() == cells


def test_largest_matrix():
    rows = make_rows(20)
    model = ("h", "", 62, 0.0, 10.0, 62, 0.0, 10.0)
    histogram = ROOT.RDF.FromNumpy(rows).OversampledTH2D(model, "x", "y", "w", covariance=True)
    edges = np.linspace(0, 10, 63)
    wanted = expected(rows, "xy", [edges, edges])
    packed = np.asarray(histogram.GetFoldSums().GetCovariances())
    np.testing.assert_allclose(packed, wanted.covariance[np.triu_indices(4096)], rtol=1e-12, atol=1e-13)
