"""Which fold size is worth its CPU time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import flashsim
from filled_histograms import fill, make_rows, per_event
from flashsim.histograms.fold_size import relative_variance

FOLD_SIZE = 6


def fold_sums(rows, dimension: int, fold_size: int = FOLD_SIZE):
    """Limit and fold variance of the bins in range, for RECO events that fill once each, from the definitions."""
    a = per_event(rows, dimension, fold_size)
    squared = {**rows, "w": rows["w"] ** 2 / fold_size}
    of_reco_events = per_event(squared, dimension, fold_size)  # sum of (w / N)^2
    limit = (fold_size / (fold_size - 1) * (a**2 - of_reco_events)).sum(axis=0)
    fold = fold_size * ((a**2).sum(axis=0) - limit)
    bins = (slice(1, -1),) * dimension
    return a.sum(axis=0)[bins], limit[bins], fold[bins]


def chances(n_gen: int, fold_size: int, seed: int = 1):
    """GEN events whose RECO events fill the one bin with a probability p of their own, uniform in 0 to 1.

    V∞ is the mean of p² (1/3) and D that of p (1 - p) (1/6), times the number of GEN events.
    """
    rng = np.random.default_rng(seed)
    p = rng.uniform(0, 1, n_gen).repeat(fold_size)
    x = np.where(rng.uniform(0, 1, n_gen * fold_size) < p, 0.5, -1)
    gen = np.arange(n_gen, dtype=np.uint64).repeat(fold_size)
    return fill(
        {"genEvent": gen, "x": x, "w": np.ones(len(x))},
        fold_size=fold_size,
        edges=(np.array([0.0, 1.0]),),
        covariance=False,
    )


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_minimum_of_the_summed_relative_variance(dimension):
    rows = make_rows(n_gen=3000)
    rows["w"] = np.abs(rows["w"])
    histogram = fill(rows, f"OversampledTH{dimension}D", covariance=False)
    contents, limit, fold = fold_sums(rows, dimension)
    filled = contents != 0
    total_limit, total_fold = ((v[filled] / contents[filled] ** 2).sum() for v in (limit, fold))

    best = flashsim.optimal_fold_size(histogram, t_gen=0.5, t_sim=0.01)
    assert best.exact == pytest.approx(np.sqrt(50 * total_fold / total_limit), rel=1e-9)
    n = np.arange(1, 200)
    cost = (total_limit + total_fold / n) * (0.5 + 0.01 * n)
    assert best.fold_size == n[cost.argmin()] > 2
    assert best.gain == pytest.approx(cost[0] / cost.min(), rel=1e-9)
    np.testing.assert_allclose(best.cpu_time(n), cost / cost[0], rtol=1e-9)

    assert best.per_bin.shape == contents.shape
    positive = filled & (limit > 0)
    np.testing.assert_allclose(best.per_bin[positive], np.sqrt(50 * fold[positive] / limit[positive]), rtol=1e-6)
    assert np.isnan(best.per_bin[~filled]).all()
    assert np.isinf(best.per_bin[filled & (limit <= 0)]).all()


def test_matches_the_errors_that_the_histogram_predicts():
    histogram = fill(make_rows(n_gen=500), covariance=False)
    variance = relative_variance(histogram)
    for n in (1, 4, FOLD_SIZE, 50):
        relative = [histogram.GetBinVarianceForFoldSize(i, n) / histogram.GetBinContent(i) ** 2 for i in range(1, 8)]
        assert variance(n) == pytest.approx(np.mean(relative), rel=1e-9)
    naive = np.mean([(histogram.GetBinErrorNaive(i) / histogram.GetBinContent(i)) ** 2 for i in range(1, 8)])
    assert variance.naive(FOLD_SIZE) == pytest.approx(naive, rel=1e-9)


def test_recovers_a_known_optimum():
    best = flashsim.optimal_fold_size(chances(20_000, fold_size=3), t_gen=200, t_sim=1)
    assert best.exact == pytest.approx(np.sqrt(200 / 2), rel=0.03)
    assert abs(best.fold_size - 10) <= 1


def test_optimum_wins_at_equal_cpu_time():
    """With the number of GEN events that the same time buys, its error is the smallest."""
    t_gen, t_sim, budget = 50.0, 1.0, 400_000.0
    best = flashsim.optimal_fold_size(chances(20_000, fold_size=4), t_gen, t_sim)
    errors = {}
    for n in (2, best.fold_size, 60):
        histogram = chances(int(budget / (t_gen + n * t_sim)), fold_size=n, seed=n)
        errors[n] = histogram.GetBinError(1) / histogram.GetBinContent(1)
    assert min(errors, key=errors.get) == best.fold_size
    assert (errors[2] / errors[60]) ** 2 == pytest.approx(best.cpu_time(2) / best.cpu_time(60), rel=0.1)


@pytest.mark.parametrize(("ratio", "fold_size"), [(0, 1), (0.01, 1), (1, 1), (2, 1), (4.2, 2), (18, 3), (1e6, 707)])
def test_integer_next_to_the_optimum(ratio, fold_size):
    best = flashsim.optimal_fold_size(chances(20_000, fold_size=4), t_gen=ratio * 0.3, t_sim=0.3)
    assert isinstance(best.fold_size, int)
    assert best.fold_size == pytest.approx(fold_size, rel=0.03)
    assert best.cpu_time(best.fold_size) <= min(
        best.cpu_time(best.fold_size + 1), best.cpu_time(max(1, best.fold_size - 1))
    )
    assert best.gain >= 1


def test_choice_of_bins():
    rows = make_rows(n_gen=2000)
    rows["w"] = np.abs(rows["w"])
    histogram = fill(rows, covariance=False)
    every = flashsim.optimal_fold_size(histogram, 1, 0.1)
    mask = np.arange(7) == 3
    for bins in (mask, 3, [3], slice(3, 4)):
        one = flashsim.optimal_fold_size(histogram, 1, 0.1, bins=bins)
        assert one.exact == pytest.approx(every.per_bin[3], rel=1e-12)
        assert np.isnan(one.per_bin).sum() == 6


def test_scale_does_not_matter():
    histogram = chances(1000, fold_size=4)
    before = flashsim.optimal_fold_size(histogram, 1, 0.01)
    histogram.Scale(1e-6)
    after = flashsim.optimal_fold_size(histogram, 1, 0.01)
    assert after.exact == pytest.approx(before.exact, rel=1e-9)
    assert dataclasses.replace(before, variance=after.variance, exact=after.exact, gain=after.gain) == after


def test_equal_reco_events_are_worth_nothing():
    x = np.repeat([0.3, 0.6, 0.7], 5)
    rows = {"genEvent": np.arange(3, dtype=np.uint64).repeat(5), "x": x, "w": np.ones(15)}
    best = flashsim.optimal_fold_size(fill(rows, fold_size=5, covariance=False), t_gen=1000, t_sim=1)
    assert (best.fold_size, best.gain) == (1, 1)
    assert best.exact == pytest.approx(0, abs=1e-3)


def test_independent_reco_events_have_no_optimum():
    """Each GEN event fills with one of its RECO events: the limit variance is zero."""
    rows = {"genEvent": np.arange(50, dtype=np.uint64), "x": np.full(50, 0.1), "w": np.ones(50)}
    histogram = fill(rows, fold_size=10, covariance=False)
    with pytest.raises(ValueError, match=r"'h': the limit variance is estimated as .*not positive.*more GEN events"):
        flashsim.optimal_fold_size(histogram, 1, 0.01)
    assert relative_variance(histogram).limit == pytest.approx(0, abs=1e-12)


def test_refuses_a_fold_size_of_one():
    rows = make_rows(fold_size=1)
    histogram = fill(rows, fold_size=1, covariance=False)
    with pytest.raises(ValueError, match=r"'h': bin \(0,\) .* a fold size of at least 2"):
        flashsim.optimal_fold_size(histogram, 1, 0.01)


def test_refuses_empty_bins():
    histogram = fill(make_rows(), covariance=False)
    histogram.Reset()
    with pytest.raises(ValueError, match="'h' has no content"):
        flashsim.optimal_fold_size(histogram, 1, 0.01)


def test_refuses_lost_fold_information():
    histogram = fill(make_rows(), covariance=False)
    histogram.SetBinContent(3, 5.0)
    with pytest.raises(RuntimeError, match=r"'h'.* not known"):
        flashsim.optimal_fold_size(histogram, 1, 0.01)


@pytest.mark.parametrize(
    ("t_gen", "t_sim", "message"),
    [(-1, 1, "t_gen is -1"), (np.nan, 1, "t_gen is nan"), (1, 0, "t_sim is 0"), (1, np.inf, "t_sim is inf")],
)
def test_refuses_impossible_times(t_gen, t_sim, message):
    with pytest.raises(ValueError, match=message):
        flashsim.optimal_fold_size(chances(10, fold_size=2), t_gen, t_sim)
