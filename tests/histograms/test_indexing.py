"""UHI indexing of oversampled histograms: contents as ROOT's, errors and covariance from the definitions."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

from filled_histograms import CLASSES, fill, make_rows, marked, per_event, tolerance

loc, rebin, underflow, overflow = ROOT.uhi.loc, ROOT.uhi.rebin, ROOT.uhi.underflow, ROOT.uhi.overflow


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.fixture(scope="module", params=marked(CLASSES))
def filled(request, rows):
    return request.param, fill(rows, request.param), per_event(rows, int(request.param[-2]))


@pytest.fixture(scope="module")
def histogram(rows):
    return fill(rows)


@pytest.fixture(scope="module")
def plain(histogram):
    """A plain histogram, for ROOT's own indexing."""
    copy = ROOT.TH1D()
    histogram.Copy(copy)
    copy.SetDirectory(ROOT.nullptr)
    return copy


def merge(first: int, last: int, n: int, group: int = 1) -> np.ndarray:
    """[new, old] for one axis of n bins: bins first to last (ROOT's numbers) are kept, `group` of them in one."""
    n_new = (last - first + 1) // group
    matrix = np.zeros((n_new + 2, n + 2))
    for old in range(n + 2):
        matrix[0 if old < first else min((old - first) // group + 1, n_new + 1), old] = 1
    return matrix


def total(first: int, last: int, n: int) -> np.ndarray:
    """[1, old]: bins first to last are summed, others dropped."""
    matrix = np.zeros((1, n + 2))
    matrix[0, first : last + 1] = 1
    return matrix


def apply(a: np.ndarray, *matrices: np.ndarray) -> np.ndarray:
    """A per GEN event after merging axis by axis; axes that were summed go away."""
    for axis, matrix in enumerate(matrices, start=1):
        a = np.moveaxis(np.tensordot(a, matrix, (axis, 1)), -1, axis)
    return a.reshape(len(a), *(size for size, matrix in zip(a.shape[1:], matrices, strict=True) if len(matrix) > 1))


def check(result, a: np.ndarray, kind: str) -> None:
    """Contents, errors and covariance of all bins, and a class that keeps them."""
    assert isinstance(result, getattr(ROOT, f"TH{a.ndim - 1}"))
    np.testing.assert_allclose(result.values(flow=True), a.sum(axis=0), **tolerance(kind))
    np.testing.assert_allclose(result.variances(flow=True), (a**2).sum(axis=0), rtol=1e-11, atol=1e-12)
    flat = a.reshape(len(a), -1)
    np.testing.assert_allclose(result.covariance(flow=True), flat.T @ flat, rtol=1e-11, atol=1e-12)
    assert result.HasFoldInformation()
    assert not result.GetDirectory()
    assert result.__python_owns__


BINS = [0, 3, 6, -1, underflow, overflow, len, loc(0.1), loc(-2.9) + 1, loc(100), loc(-100)]


@pytest.mark.parametrize("index", BINS)
def test_one_bin_is_as_in_root(histogram, plain, index):
    assert histogram[index] == plain[index]
    assert histogram[index,] == histogram[{0: index}] == plain[index]


def test_bins_from_the_end_and_numpy_integers(histogram):
    assert [histogram[-i] for i in range(1, 8)] == list(histogram.values()[::-1])
    assert histogram[np.int64(3)] == histogram[3]


def test_one_bin_of_more_dimensions(filled):
    kind, histogram, a = filled
    contents = a.sum(axis=0)
    n = contents.ndim
    assert histogram[(1,) * n] == pytest.approx(contents[(2,) * n], **approx(kind))
    assert histogram[(underflow, *(2,) * (n - 1))] == pytest.approx(contents[(0, *(3,) * (n - 1))], **approx(kind))
    assert histogram[(-1,) * n] == pytest.approx(contents[(-2,) * n], **approx(kind))


def approx(kind: str) -> dict[str, float]:
    return {"rel": tolerance(kind)["rtol"], "abs": tolerance(kind)["atol"]}


SLICES = [
    slice(None),
    slice(2, 5),
    slice(2, None),
    slice(None, 5),
    slice(2, -1),
    slice(0, len),
    slice(underflow, 4),
    slice(4, overflow),
    slice(loc(-1), loc(1.5)),
    slice(loc(-1) + 1, loc(1.5) - 1),
    slice(None, None, rebin(2)),
    slice(None, None, rebin(7)),
    slice(1, 6, rebin(2)),
    slice(1, 6, rebin(5)),
    slice(0, 7, rebin(3)),
    rebin(3),
    ...,
    {0: slice(2, 5)},
]


@pytest.mark.parametrize("index", SLICES)
def test_contents_and_edges_of_slices_are_as_in_root(histogram, plain, index):
    actual, wanted = histogram[index], plain[index]
    np.testing.assert_allclose(actual.values(flow=True), wanted.values(flow=True), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        actual.to_numpy()[1], [wanted.GetBinLowEdge(i + 1) for i in range(wanted.GetNbinsX() + 1)]
    )
    assert (actual.GetName(), actual.GetXaxis().GetTitle()) == ("h", "p_{T} [GeV]")


@pytest.mark.parametrize(
    "index",
    [slice(None, None, sum), slice(2, 5, sum), slice(0, len, sum), slice(2, None, sum), slice(None, len, ROOT.uhi.sum)],
)
def test_sums_are_as_in_root(histogram, plain, index):
    assert histogram[index] == pytest.approx(plain[index], rel=1e-12)


def test_errors_of_slices(rows, histogram):
    a = per_event(rows, 1)
    check(histogram[:], a, "1D")
    check(histogram[2:5], apply(a, merge(3, 5, 7)), "1D")
    check(histogram[:: rebin(3)], apply(a, merge(1, 7, 7, 3)), "1D")
    check(histogram[1 : 6 : rebin(2)], apply(a, merge(2, 6, 7, 2)), "1D")
    once_more = histogram[1:6][1:3]
    check(once_more, apply(apply(a, merge(2, 6, 7)), merge(2, 3, 5)), "1D")


def test_slices_of_more_dimensions(filled):
    kind, histogram, a = filled
    every = [merge(1, n - 2, n - 2) for n in a.shape[1:]]
    if a.ndim >= 3:
        check(histogram[2:5, ...], apply(a, merge(3, 5, 7), *every[1:]), kind)
        check(
            histogram[..., {2: 1, 3: 0}[a.ndim - 1] :],
            apply(a, *every[:-1], merge({3: 2, 4: 1}[a.ndim], every[-1].shape[1] - 2, every[-1].shape[1] - 2)),
            kind,
        )
    items = (slice(1, 6, rebin(2)), slice(1, 3), slice(None, None, rebin(3)))[: a.ndim - 1]
    check(histogram[items], apply(a, *(merge(2, 6, 7, 2), merge(2, 3, 4), merge(1, 3, 3, 3))[: a.ndim - 1]), kind)


@pytest.mark.parametrize("kind", ["OversampledTH2D", "OversampledTH2F"])
def test_projections_of_two_dimensions(rows, kind):
    histogram, a = fill(rows, kind), per_event(rows, 2)
    every_x, every_y = merge(1, 7, 7), merge(1, 4, 4)
    check(histogram[::sum, :], apply(a, total(0, 8, 7), every_y), kind)
    check(histogram[:, :: ROOT.uhi.sum], apply(a, every_x, total(0, 5, 4)), kind)
    check(histogram[0:len:sum, :], apply(a, total(1, 7, 7), every_y), kind)
    check(histogram[2:5:sum, 1:3], apply(a, total(3, 5, 7), merge(2, 3, 4)), kind)
    check(histogram[3, :], apply(a, total(4, 4, 7), every_y), kind)
    check(histogram[:: rebin(2), -1], apply(a, merge(1, 7, 7, 2), total(4, 4, 4)), kind)
    check(histogram[underflow, ...], apply(a, total(0, 0, 7), every_y), kind)
    check(histogram[{1: overflow}], apply(a, every_x, total(5, 5, 4)), kind)
    assert histogram[::sum, ::sum] == pytest.approx(a.sum(), rel=1e-5)
    assert histogram[3, 1:3:sum] == pytest.approx(a[:, 4, 2:4].sum(), rel=1e-5)


@pytest.mark.parametrize("kind", ["OversampledTH3D", "OversampledTH3F"])
def test_projections_of_three_dimensions(rows, kind):
    histogram, a = fill(rows, kind), per_event(rows, 3)
    every = [merge(1, n, n) for n in (7, 4, 3)]
    check(histogram[::sum, :, :], apply(a, total(0, 8, 7), every[1], every[2]), kind)
    check(histogram[:, 2, :], apply(a, every[0], total(3, 3, 4), every[2]), kind)
    check(histogram[1:4, :, 0:2:sum], apply(a, merge(2, 4, 7), every[1], total(1, 2, 3)), kind)
    check(histogram[0, ...], apply(a, total(1, 1, 7), every[1], every[2]), kind)
    check(histogram[:, :, overflow], apply(a, every[0], every[1], total(4, 4, 3)), kind)
    check(histogram[2, 1, :], apply(a, total(3, 3, 7), total(2, 2, 4), every[2]), kind)
    check(histogram[::sum, :, 0:2:sum], apply(a, total(0, 8, 7), every[1], total(1, 2, 3)), kind)
    check(histogram[:: rebin(2), ::sum, ::sum], apply(a, merge(1, 7, 7, 2), total(0, 5, 4), total(0, 4, 3)), kind)
    assert histogram[::sum, 1, 0:len:sum] == pytest.approx(a[:, :, 2, 1:-1].sum(), rel=1e-5)


def test_axes_of_projections(rows):
    titles = {"x": "p_{T} [GeV]", "y": "#eta", "z": "#phi"}
    histogram = fill(rows, "OversampledTH3D")
    every = slice(None)
    for index, axes in (((every, 1, every), "xz"), ((0, every, every), "yz"), ((0, 0, ...), "z")):
        result = histogram[index]
        found = [getattr(result, f"Get{letter}axis")().GetTitle() for letter in "XYZ"[: len(axes)]]
        assert found == [titles[axis] for axis in axes]


def test_neither_zoom_nor_directory_matter(rows):
    """Axis ranges are for drawing; and a directory may hold an object of the same name."""
    histogram, a = fill(rows, "OversampledTH2D"), per_event(rows, 2)
    histogram.GetXaxis().SetRange(2, 3)
    histogram.GetYaxis().SetRange(2, 3)
    directory = ROOT.TDirectory("directory", "")
    with ROOT.TDirectory.TContext(directory):
        other = ROOT.TH1D("h_px", "", 1, 0, 1)
        check(histogram[:, ::sum], apply(a, merge(1, 7, 7), total(0, 5, 4)), "2D")
        check(histogram[1:3, :], apply(a, merge(2, 3, 7), merge(1, 4, 4)), "2D")
        assert [item.GetName() for item in directory.GetList()] == ["h_px"]
    assert other.GetNbinsX() == 1
    assert (histogram.GetXaxis().GetFirst(), histogram.GetXaxis().GetLast()) == (2, 3)
    assert ROOT.TH1.AddDirectoryStatus()


def test_the_histogram_stays_as_it_is(rows):
    histogram = fill(rows)
    before = histogram.covariance(flow=True)
    histogram[2:5].Scale(3)
    histogram[:: rebin(2)].Reset()
    histogram[:].Scale(2)
    np.testing.assert_array_equal(histogram.covariance(flow=True), before)


@pytest.mark.parametrize("index", [slice(2, 5), slice(None, None, rebin(2))])
def test_refuses_to_merge_bins_without_covariance(rows, index):
    histogram = fill(rows, covariance=False)
    with pytest.raises(RuntimeError, match=r"'h'.*covariance=True"):
        histogram[index]
    assert histogram[2] == histogram.GetBinContent(3)
    assert histogram[2:5:sum] == pytest.approx(histogram.Integral(3, 5))
    np.testing.assert_array_equal(histogram[:].values(), histogram.values())


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (7, IndexError, "'h' has the bins 0 to 6 on axis 0, not 7"),
        (-8, IndexError, "not -8"),
        (slice(2, 100), IndexError, "not 100"),
        (slice(5, 2), IndexError, "not 5:2"),
        (slice(3, 3), IndexError, "3:3 leaves no bin of axis 0"),
        (slice(overflow, None), IndexError, "leaves no bin"),
        ((1, 2), IndexError, "has 1 axes"),
        ((..., ...), IndexError, "has 1 axes"),
        ({1: 2}, IndexError, "has the axes 0 to 0, not 1"),
        (1.5, TypeError, "1.5 names no bin"),
        ("x", TypeError, "'x' names no bin"),
        (slice(1, 5, 2), ValueError, "the step 2 of an index"),
        (slice(1, 5, max), ValueError, "the step"),
    ],
)
def test_refuses_what_makes_no_sense(histogram, index, error, message):
    with pytest.raises(error, match=message):
        histogram[index]


@pytest.mark.parametrize(
    "index", [(underflow, ...), (slice(None), underflow, 2), (0, slice(None), slice(underflow, 0, sum))]
)
def test_refuses_underflow_alone_of_three_dimensions(rows, index):
    """ROOT takes this range for all bins."""
    with pytest.raises(NotImplementedError, match="'h': underflow alone"):
        fill(rows, "OversampledTH3D")[index]
