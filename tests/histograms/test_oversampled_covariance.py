"""The covariance of bins: the matrices, chi2 with them, and the errors without."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import ROOT
from scipy.stats import chi2

import flashsim  # noqa: F401
from histories import (
    EDGES,
    FILLS,
    OTHER_FILLS,
    edges_of,
    fill,
    integral,
    make_fills,
    within,
)
from oracle import check, in_range_cells, matrix
from samples import expected, make_rows, together

pytestmark = pytest.mark.usefixtures("no_directory")


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


def test_chi2_with_other_precision():
    """A histogram in single precision is no plain one: it has a covariance."""
    histogram = fill(FILLS, "x")
    wanted = histogram.Chi2WithCovariance(fill(OTHER_FILLS, "x"))
    result = histogram.Chi2WithCovariance(fill(OTHER_FILLS, "x", "F"))
    assert (result.fChi2, result.fNdf) == (pytest.approx(wanted.fChi2, rel=1e-5), wanted.fNdf)
    without = fill(OTHER_FILLS, "x", "F", covariance=False)
    with pytest.raises(Exception, match=r"OversampledTH1F .* does not hold their covariance"):
        histogram.Chi2WithCovariance(without)


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


@pytest.mark.slow
def test_largest_matrix():
    rows = make_rows(20)
    model = ("h", "", 62, 0.0, 10.0, 62, 0.0, 10.0)
    histogram = ROOT.RDF.FromNumpy(rows).OversampledTH2D(model, "x", "y", "w", covariance=True)
    edges = np.linspace(0, 10, 63)
    wanted = expected(rows, "xy", [edges, edges])
    packed = np.asarray(histogram.GetFoldSums().GetCovariances())
    np.testing.assert_allclose(packed, wanted.covariance[np.triu_indices(4096)], rtol=1e-12, atol=1e-13)
