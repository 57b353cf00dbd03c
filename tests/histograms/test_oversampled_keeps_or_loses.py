"""Information that combined histograms keep, and information that they must drop."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401
from histories import EDGES, FILLS, OTHER_FILLS, edges_of, fill
from oracle import check, matrix
from samples import expected, scaled, together

pytestmark = pytest.mark.usefixtures("no_directory")


def lost():
    histogram = fill(OTHER_FILLS, "x")
    histogram.SetBinContent(5, 1.0)
    return histogram


def average():
    histogram = fill(OTHER_FILLS, "x")
    histogram.SetBit(ROOT.TH1.kIsAverage)
    return histogram


def with_norm_factor():
    histogram = fill(OTHER_FILLS, "x")
    histogram.SetNormFactor(10)
    return histogram


def merge(histogram, other):
    others = ROOT.TList()
    others.Add(other)
    histogram.Merge(others)
    return histogram


def add(histogram, other):
    histogram.Add(other, 2.0)
    return histogram


def total(first, second):
    histogram = ROOT.FlashSim.OversampledTH1D("sum", "", 12, EDGES["x"])
    if first.TestBit(ROOT.TH1.kIsAverage):
        histogram.SetBit(ROOT.TH1.kIsAverage)
    histogram.Add(first, second, 1.0, 2.0)
    return histogram


@pytest.mark.parametrize("combine", [add, merge, total])
@pytest.mark.parametrize(("first", "second"), [(lost, None), (None, lost), (average, average)])
def test_what_is_not_known_of_one_is_not_known_of_the_sum(combine, first, second):
    pair = [make() if make else fill(FILLS, "x") for make in (first, second)]
    result = combine(*pair)
    assert not result.HasFoldInformation()
    assert not result.HasCovariance()


@pytest.mark.parametrize("combine", [add, total])
def test_sums_with_a_norm_factor_are_not_known(combine):
    """ROOT scales such a histogram when it adds it."""
    assert not combine(fill(FILLS, "x"), with_norm_factor()).HasFoldInformation()


@pytest.mark.parametrize("names", ["x", "xy"])
def test_sums_of_a_histogram_with_itself(names):
    """The same GEN events: a multiple, not the sum of two independent histograms."""
    histogram = fill(FILLS, names)
    sums = [histogram.Clone("first"), histogram.Clone("second")]
    sums[0].Add(histogram, histogram, 3.0, 0.5)
    sums[1].Add(sums[1], 2.5)
    for total in sums:
        check(total, expected(scaled(FILLS, 3.5), names, edges_of(names)), bins_only=True, covariance=True)
        assert total.GetNGenEvents() == histogram.GetNGenEvents()


def test_differences():
    first, second = fill(FILLS, "x"), fill(OTHER_FILLS, "x")
    difference = ROOT.FlashSim.OversampledTH1D("difference", "", 12, EDGES["x"])
    difference.Add(first, second, 1.0, -3.0)
    wanted = expected(together(FILLS, scaled(OTHER_FILLS, -3.0)), "x", EDGES["x"])
    check(difference, wanted, bins_only=True, covariance=True)
    assert difference.GetNGenEvents() == wanted.gen_events


def test_reset_keeps_that_there_is_covariance():
    histogram = fill(FILLS, "x")
    histogram.Reset()
    assert histogram.HasCovariance()
    assert not matrix(histogram.GetCovarianceMatrix(True)).any()
    without = fill(FILLS, "x", covariance=False)
    without.Reset()
    assert not without.HasCovariance()


def test_bins_beyond_the_axis_are_flow_bins():
    histogram = fill(FILLS, "x")
    for method in ("GetBinErrorNaive", "GetBinErrorLimit", "GetBinVarianceNaive"):
        ask = getattr(histogram, method)
        np.testing.assert_array_equal([ask(-3), ask(99)], [ask(0), ask(13)])
    assert histogram.GetBinErrorNaive(0) != histogram.GetBinErrorNaive(1)
    assert histogram.GetBinErrorNaive(13) != histogram.GetBinErrorNaive(12)
    assert histogram.GetBinCovariance(-1, 99) == histogram.GetBinCovariance(0, 13)


def test_variance_is_known_without_covariance():
    histogram = fill(FILLS, "x", covariance=False)
    assert histogram.GetBinCovariance(5, 5) == pytest.approx(histogram.GetBinError(5) ** 2, rel=1e-14)
    assert histogram.GetBinCorrelation(5, 5) == pytest.approx(1)


@pytest.mark.parametrize("cell", [0, 13])
@pytest.mark.parametrize("change", ["content", "error"])
def test_changes_of_flow_bins_are_noticed(cell, change):
    histogram = fill(FILLS, "x")
    if change == "content":
        content, error = histogram.GetBinContent(cell), histogram.GetBinError(cell)
        histogram.SetBinContent(cell, content + 1)
        histogram.SetBinError(cell, error)
    else:
        histogram.SetBinError(cell, histogram.GetBinError(cell) + 1)
    assert not histogram.HasFoldInformation()
    assert not histogram.HasCovariance()


def test_normalize_refuses_infinity():
    with pytest.raises(Exception, match="cannot normalize to a sum of weights of"):
        fill(FILLS, "x").Normalize(float("inf"))


def labelled(labels: str, weights):
    """Two GEN events of one RECO event each, which fill one labelled bin each."""
    rows = {"genEvent": np.arange(2, dtype=np.uint64), "x": np.array([0.5, 1.5]), "w": np.array(weights)}
    result = ROOT.RDF.FromNumpy(rows).OversampledTH1D(("h", "", 2, 0.0, 2.0), "x", "w", fold_size=1, covariance=True)
    histogram = ROOT.FlashSim.OversampledTH1D(result.GetValue())
    for i, label in enumerate(labels):
        histogram.GetXaxis().SetBinLabel(i + 1, label)
    return histogram


def total_of_labelled(first, second):
    histogram = labelled("ab", [0.0, 0.0])
    histogram.Reset()
    histogram.Add(first, second)
    return histogram


@pytest.mark.parametrize("combine", [lambda a, b: a.Add(b) and a, merge, total_of_labelled])
def test_labels_in_another_order(combine):
    """ROOT adds bins of the same label: bin numbers, the keys of fold information, mean nothing then."""
    result = combine(labelled("ab", [1.0, 10.0]), labelled("ba", [2.0, 20.0]))
    assert [result.GetBinContent(i) for i in (1, 2)] == [21, 12]
    assert [result.GetBinError(i) ** 2 for i in (1, 2)] == pytest.approx([401, 104])
    assert not result.HasFoldInformation()


@pytest.mark.parametrize("combine", [lambda a, b: a.Add(b) and a, merge, total_of_labelled])
def test_labels_in_the_same_order(combine):
    result = combine(labelled("ab", [1.0, 10.0]), labelled("ab", [2.0, 20.0]))
    assert [result.GetBinVarianceNaive(i) for i in (1, 2)] == [5, 500]


def test_chi2_refuses_other_labels():
    with pytest.raises(Exception, match="cannot compare with 'h', whose bins have other labels"):
        labelled("ab", [1.0, 10.0]).Chi2WithCovariance(labelled("ba", [2.0, 20.0]))


def test_effective_entries_of_a_difference():
    """ROOT computes the variance of a difference from bins, which it takes as independent."""
    histogram, other = fill(FILLS, "x"), fill(OTHER_FILLS, "x")
    wanted = histogram.covariance().sum() + 9 * other.covariance().sum()
    histogram.Add(other, -3)
    statistics = np.zeros(13)
    histogram.GetStats(statistics)
    assert statistics[1] == pytest.approx(wanted, rel=1e-12)


def test_covariance_of_two_bins_looks_at_these_two():
    """All pairs of n bins take n^2 steps then, and not n^3."""
    histogram = fill(FILLS, "x")
    wanted = [histogram.GetBinCovariance(2, 3), histogram.GetBinCorrelation(2, 3), histogram.GetBinCovariance(5, 5)]
    histogram.SetBinContent(7, histogram.GetBinContent(7) + 1)
    assert not histogram.HasCovariance()
    found = [histogram.GetBinCovariance(2, 3), histogram.GetBinCorrelation(2, 3), histogram.GetBinCovariance(5, 5)]
    assert found == wanted
    for bins in ((2, 7), (7, 3), (7, 7)):
        with pytest.raises(Exception, match="GetBinCovariance is not known"):
            histogram.GetBinCovariance(*bins)
    with pytest.raises(Exception, match="GetBinCovariance needs the correlations of bins"):
        fill(FILLS, "x", covariance=False).GetBinCovariance(2, 3)
