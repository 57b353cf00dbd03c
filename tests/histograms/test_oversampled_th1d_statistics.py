"""Pseudo-experiments: the errors of OversampledTH1D are those of repeated samples, and the naive ones are not."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

N_EXPERIMENTS = 400
N_BINS = 5
MODEL = ("h", "", N_EXPERIMENTS * N_BINS, 0.0, float(N_EXPERIMENTS * N_BINS))


def simulate(folds: int, seed: int = 3):
    """Repetitions of one experiment, each with bins of its own and a Poisson number of GEN events.

    The resolution is half a bin, and some RECO events are not selected.
    """
    rng = np.random.default_rng(seed)
    n_gen = rng.poisson(200, N_EXPERIMENTS)
    experiment = np.repeat(np.arange(N_EXPERIMENTS), n_gen)
    true = rng.uniform(0, N_BINS, len(experiment))
    weight = rng.normal(1, 0.5, len(experiment))
    reco = np.repeat(true, folds) + np.random.default_rng(folds).normal(0, 0.5, folds * len(true))
    columns = {
        "genEvent": np.repeat(np.arange(len(true), dtype=np.uint64), folds),
        "nFolds": np.full(len(reco), folds, np.int32),
        "reco": reco,
        "x": reco + N_BINS * np.repeat(experiment, folds),
        "w": np.repeat(weight, folds),
    }
    selected = ROOT.RDF.FromNumpy(columns).Filter(f"reco > 0 && reco < {N_BINS}")
    result = selected.OversampledTH1D(MODEL, "x", "w")
    return ROOT.FlashSim.OversampledTH1D(result.GetValue())


def bins(histogram, method: str, *arguments) -> np.ndarray:
    """One value for each experiment and bin."""
    values = [getattr(histogram, method)(i + 1, *arguments) for i in range(N_EXPERIMENTS * N_BINS)]
    return np.array(values).reshape(N_EXPERIMENTS, N_BINS)


@pytest.fixture(scope="module")
def ten_folds():
    return simulate(10)


def test_errors_cover(ten_folds):
    content = bins(ten_folds, "GetBinContent")
    deviation = content - content.mean(axis=0)
    assert (deviation / bins(ten_folds, "GetBinError")).std() == pytest.approx(1, abs=0.05)
    assert (deviation / bins(ten_folds, "GetBinErrorNaive")).std() > 2


@pytest.mark.parametrize("folds", [2, 40])
def test_other_numbers_of_folds_are_predicted(ten_folds, folds):
    predicted = bins(ten_folds, "GetBinVarianceForFolds", folds).mean()
    actual = (bins(simulate(folds), "GetBinError") ** 2).mean()
    assert predicted == pytest.approx(actual, rel=0.01)
    # To be told apart from no prediction at all.
    assert abs((bins(ten_folds, "GetBinError") ** 2).mean() / actual - 1) > 0.05


@pytest.mark.slow
def test_limit_is_the_variance_of_very_many_folds(ten_folds):
    limit = bins(ten_folds, "GetBinVarianceLimit").mean()
    actual = (bins(simulate(200), "GetBinError") ** 2).mean()
    assert limit < actual
    assert limit == pytest.approx(actual, rel=0.02)
