"""Pseudo-experiments: the errors of OversampledTH1D are those of repeated samples, and the naive ones are not."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

N_EXPERIMENTS = 400
N_BINS = 5
MODEL = ("h", "", N_EXPERIMENTS * N_BINS, 0.0, float(N_EXPERIMENTS * N_BINS))


def simulate(fold_size: int, seed: int = 3):
    """Repetitions of one experiment, each with bins of its own and a Poisson number of GEN events.

    The resolution is half a bin, and some RECO events are not selected.
    """
    rng = np.random.default_rng(seed)
    n_gen = rng.poisson(200, N_EXPERIMENTS)
    experiment = np.repeat(np.arange(N_EXPERIMENTS), n_gen)
    true = rng.uniform(0, N_BINS, len(experiment))
    weight = rng.normal(1, 0.5, len(experiment))
    reco = np.repeat(true, fold_size) + np.random.default_rng(fold_size).normal(0, 0.5, fold_size * len(true))
    columns = {
        "genEvent": np.repeat(np.arange(len(true), dtype=np.uint64), fold_size),
        "foldSize": np.full(len(reco), fold_size, np.int32),
        "reco": reco,
        "x": reco + N_BINS * np.repeat(experiment, fold_size),
        "w": np.repeat(weight, fold_size),
    }
    selected = ROOT.RDF.FromNumpy(columns).Filter(f"reco > 0 && reco < {N_BINS}")
    result = selected.OversampledTH1D(MODEL, "x", "w")
    return ROOT.FlashSim.OversampledTH1D(result.GetValue())


def bins(histogram, method: str, *arguments) -> np.ndarray:
    """One value for each experiment and bin."""
    values = [getattr(histogram, method)(i + 1, *arguments) for i in range(N_EXPERIMENTS * N_BINS)]
    return np.array(values).reshape(N_EXPERIMENTS, N_BINS)


@pytest.fixture(scope="module")
def ten_reco_events():
    return simulate(10)


def test_errors_cover(ten_reco_events):
    content = bins(ten_reco_events, "GetBinContent")
    deviation = content - content.mean(axis=0)
    assert (deviation / bins(ten_reco_events, "GetBinError")).std() == pytest.approx(1, abs=0.05)
    assert (deviation / bins(ten_reco_events, "GetBinErrorNaive")).std() > 2


@pytest.mark.parametrize("fold_size", [2, 40])
def test_other_fold_sizes_are_predicted(ten_reco_events, fold_size):
    predicted = bins(ten_reco_events, "GetBinVarianceForFoldSize", fold_size).mean()
    actual = (bins(simulate(fold_size), "GetBinError") ** 2).mean()
    assert predicted == pytest.approx(actual, rel=0.01)
    # So that it differs from no prediction at all.
    assert abs((bins(ten_reco_events, "GetBinError") ** 2).mean() / actual - 1) > 0.05


@pytest.mark.slow
def test_limit_is_the_variance_of_a_very_large_fold_size(ten_reco_events):
    limit = bins(ten_reco_events, "GetBinVarianceLimit").mean()
    actual = (bins(simulate(200), "GetBinError") ** 2).mean()
    assert limit < actual
    assert limit == pytest.approx(actual, rel=0.02)
