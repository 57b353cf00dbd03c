"""Fold sizes of one, two or three, and weights that cancel: where sums are unknown, and where they are not."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401
from histories import integral
from oracle import check, oversampled_cells
from samples import Rows, define_collection, expected, select

EDGES = np.linspace(0, 10, 7)


def make_fills(fold_size, seed: int) -> Rows:
    """RECO events with up to 4 objects, whose weights are small integers, so that sums of them are often exactly 0."""
    rng = np.random.default_rng(seed)
    n = rng.choice(fold_size, 30)
    gen = np.repeat(np.arange(30), n)
    sizes = rng.integers(0, 5, len(gen))
    reco = np.repeat(np.arange(len(gen)), sizes)
    return {
        "genEvent": gen[reco].astype(np.uint64),
        "foldSize": n[gen][reco].astype(np.int32),
        "reco": reco.astype(np.uint64),
        "x": np.clip(rng.uniform(-1, 11, 30)[gen][reco] + rng.normal(0, 1.5, len(reco)), -1, 11),
        "w": rng.choice([-1.0, 0.0, 0.0, 1.0, 2.0], len(reco)),
    }


def fill(fills: Rows, *, contiguous: bool = True):
    _, first, sizes = np.unique(fills["reco"], return_index=True, return_counts=True)
    df = ROOT.RDF.FromNumpy({**select(fills, first), "row": np.arange(len(first), dtype=np.uint64)})
    for name in "xw":
        df = define_collection(df, f"{name}s", fills[name], sizes)
    result = df.OversampledTH1D(("h", "", 6, EDGES), "xs", "ws", covariance=True, contiguous=contiguous)
    return ROOT.FlashSim.OversampledTH1D(result.GetValue())


@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("fold_size", [[1], [2], [3], [2, 3], [1, 2, 3]], ids=str)
@pytest.mark.parametrize("seed", [1, 2])
def test_merged_bins(fold_size, seed, contiguous, no_directory):
    """Merging takes the limit and fold variances of pairs of bins, which no other number shows."""
    fills = make_fills(fold_size, seed)
    histogram = fill(fills, contiguous=contiguous)
    check(histogram, expected(fills, "x", EDGES), covariance=True)
    for ngroup in (2, 3, 6):
        merged = histogram.Rebin(ngroup, "r")
        check(merged, expected(fills, "x", EDGES[::ngroup]), bins_only=True, covariance=True)
    bins = np.searchsorted(EDGES, fills["x"], side="right")
    rows = [row for row, number in enumerate(bins) if 1 <= number <= 6 for _ in range(number, 7)]
    cells = [cell for number in bins if 1 <= number <= 6 for cell in range(number, 7)]
    taken = select(fills, rows)
    wanted = oversampled_cells(taken["genEvent"], taken["reco"], taken["foldSize"], cells, 8, taken["w"])
    check(histogram.GetCumulative(), wanted, relative=1e-11, bins_only=True, covariance=True)


def book_scalars(w, fold_size, x=(0.5, 1.5), **options):
    n = len(w)
    rows = {
        "genEvent": np.arange(n, dtype=np.uint64) // np.uint64(len(x)),
        "foldSize": np.full(n, fold_size, np.int32),
        "x": np.resize(np.array(x, float), n),
        "w": np.array(w, float),
    }
    return ROOT.RDF.FromNumpy(rows).OversampledTH1D(("h", "", 2, 0.0, 2.0), "x", "w", **options)


def test_weights_of_zero_do_not_make_fold_size_one_unknown():
    """A GEN event with N = 1 that adds nothing to a bin does not affect it."""
    rows = {
        "genEvent": np.array([1, 2, 2], np.uint64),
        "foldSize": np.array([1, 2, 2], np.int32),
        "w": np.array([1.0, 3.0, 5.0]),
        "row": np.arange(3, dtype=np.uint64),
    }
    df = define_collection(ROOT.RDF.FromNumpy(rows), "xs", np.array([0.5, 1.5, 0.5, 1.5, 0.5, 1.5]), [2, 2, 2])
    df = define_collection(df, "ws", np.array([1.0, 0.0, 3.0, 1.0, 5.0, 2.0]), [2, 2, 2])
    result = df.OversampledTH1D(("h", "", 2, 0.0, 2.0), "xs", "ws", covariance=True)
    assert np.isnan(result.GetBinVarianceLimit(1))
    assert result.GetBinVarianceLimit(2) == pytest.approx(2 * 1 * 2 / 2)  # N / (N - 1) (A^2 - R), A = 3/2, R = 5/4
    # The first bin is unknown, and each merged bin that contains it.
    merged = ROOT.FlashSim.OversampledTH1D(result.GetValue()).Rebin(2, "r")
    assert np.isnan(merged.GetBinVarianceLimit(1))
    assert merged.GetBinCovariance(1, 1) == pytest.approx(1 + (3 + 5 + 1 + 2) ** 2 / 4)


def test_weights_that_cancel_within_a_gen_event():
    """The content and its error are 0, the naive error is not, and N = 1 leaves the limit unknown."""
    two = book_scalars([2.0, -2.0], 2, x=(0.5, 0.5), covariance=True)
    assert (two.GetBinContent(1), two.GetBinError(1)) == (0, 0)
    assert two.GetBinVarianceNaive(1) == pytest.approx((2**2 + 2**2) / 4)
    assert two.GetBinVarianceLimit(1) == pytest.approx((0 - 8 / 4) * 2)
    assert two.GetNGenEvents() == 1
    df = define_collection(
        ROOT.RDF.FromNumpy({"genEvent": np.zeros(1, np.uint64), "row": np.zeros(1, np.uint64)}),
        "ws",
        np.array([2.0, -2.0]),
        [2],
    )
    one = df.Define("x", "0.5").OversampledTH1D(("h", "", 2, 0.0, 2.0), "x", "ws", fold_size=1)
    assert (one.GetBinContent(1), one.GetBinError(1), one.GetBinVarianceNaive(1)) == (0, 0, 8)
    assert np.isnan(one.GetBinVarianceLimit(1))


def test_bins_that_cancel_are_filled(no_directory):
    """A bin with no content but with an error is not empty: bins cannot be merged or set anew."""
    histogram = ROOT.FlashSim.OversampledTH1D(book_scalars([1.0, -1.0], 1, x=(0.5,)).GetValue())
    assert (histogram.GetBinContent(1), histogram.GetBinError(1)) == (0, np.sqrt(2))
    with pytest.raises(Exception, match="SetBins with another number of bins"):
        histogram.SetBins(5, 0.0, 2.0)
    # A GEN event that cancels within a bin leaves neither content nor error, but fills it.
    cancelled = ROOT.FlashSim.OversampledTH2D(
        ROOT.RDF.FromNumpy(
            {
                "genEvent": np.array([0, 0, 1, 1], np.uint64),
                "x": np.full(4, 0.5),
                "y": np.array([0.5, 0.5, 1.5, 1.5]),
                "w": np.array([1.0, -1.0, 2.0, 1.0]),
            }
        )
        .OversampledTH2D(("h", "", 2, 0.0, 2.0, 2, 0.0, 2.0), "x", "y", "w", fold_size=2)
        .GetValue()
    )
    assert cancelled.GetBinError(1, 1) == 0
    with pytest.raises(Exception, match="does not hold their covariance"):
        cancelled.ProjectionX("p")
    value, error = integral(cancelled, 1, 1, 2, 2)
    assert (value, error) == (1.5, 1.5)


def test_one_filled_bin_for_each_projected_one_needs_no_covariance(no_directory):
    """Whether bins are joined is a matter of those that are filled."""
    rows = make_fills([2, 3], 1)
    rows["y"] = np.full(len(rows["x"]), 1.5)
    rows["reco"] = np.arange(len(rows["x"]), dtype=np.uint64)
    rows["foldSize"] = np.full(len(rows["x"]), 20, np.int32)
    df = ROOT.RDF.FromNumpy(rows)
    result = df.OversampledTH2D(("h", "", 6, EDGES, 3, np.array([0.0, 1.0, 2.0, 3.0])), "x", "y", "w")
    histogram = ROOT.FlashSim.OversampledTH2D(result.GetValue())
    check(histogram.ProjectionX("p"), expected(rows, "x", EDGES), bins_only=True)
    with pytest.raises(Exception, match="does not hold their covariance"):
        histogram.ProjectionY("q")
