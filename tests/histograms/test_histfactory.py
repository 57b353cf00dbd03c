"""Oversampled histograms as pyhf samples: the covariance arrives in the fit."""

from __future__ import annotations

import json

import numpy as np
import pyhf
import pytest
from scipy.stats import norm

from filled_histograms import book, fill, make_rows, per_event
from flashsim.histograms.histfactory import independent_shifts

EDGES = (np.linspace(0, 10, 9),)
MU = {"name": "mu", "type": "normfactor", "data": None}
BACKGROUND = np.full(8, 2e5)


def signal_rows(n_gen=400, seed=1, fold_size=10, is_poisson=False):
    """Events of a broad peak, each smeared over some three bins: neighbours are correlated. 1e6 events are expected."""
    rng = np.random.default_rng(seed)
    weight = 1e6 / n_gen
    n_gen = rng.poisson(n_gen) if is_poisson else n_gen
    gen = np.repeat(np.arange(n_gen), fold_size)
    x = rng.normal(5, 2, n_gen)[gen] + rng.normal(0, 1.2, len(gen))
    return {"genEvent": gen.astype(np.uint64), "x": x, "w": np.full(len(gen), weight)}


def signal(**options):
    fold_size = 10
    return fill(
        signal_rows(fold_size=fold_size, **options), "OversampledTH1D", "signal", fold_size=fold_size, edges=EDGES
    )


def model_of(sample):
    plain = {"name": "background", "data": BACKGROUND.tolist(), "modifiers": []}
    return pyhf.Model({"channels": [{"name": "channel", "samples": [sample, plain]}]}, poi_name="mu")


def with_staterror(histogram):
    errors = np.sqrt(histogram.variances()).tolist()
    modifiers = [MU, {"name": "staterror_channel", "type": "staterror", "data": errors}]
    return {"name": "signal", "data": histogram.values().tolist(), "modifiers": modifiers}


def fit(model, data, mu=None) -> tuple[float, float]:
    """The signal strength and twice the negative logarithm of the likelihood at the best fit, or for a given `mu`."""
    observed = [*data, *model.config.auxdata]
    if mu is None:
        parameters, value = pyhf.infer.mle.fit(observed, model, return_fitted_val=True)
    else:
        parameters, value = pyhf.infer.mle.fixed_poi_fit(mu, observed, model, return_fitted_val=True)
    return float(parameters[model.config.poi_index]), float(value)


def profile_error(model, data, guess: float) -> float:
    """Error of the signal strength, from the likelihood ratio at `guess` to both sides of the best fit."""
    best, least = fit(model, data)
    ratio = np.mean([fit(model, data, best + sign * guess)[1] - least for sign in (-1, 1)])
    return guess / np.sqrt(ratio)


def least_squares_error(shape, covariance) -> float:
    """Error of the factor of `shape`, by generalised least squares."""
    return float(1 / np.sqrt(shape @ np.linalg.solve(covariance, shape)))


def shifts_of(sample):
    statistics = [modifier["data"] for modifier in sample["modifiers"] if modifier["type"] == "histosys"]
    high, low = (np.array([data[key] for data in statistics]) for key in ("hi_data", "lo_data"))
    np.testing.assert_allclose(high + low, 2 * np.broadcast_to(sample["data"], high.shape), rtol=1e-12, atol=1e-9)
    return (high - low) / 2


def test_shifts_add_up_to_the_covariance():
    histogram = signal()
    sample = histogram.to_pyhf("signal", modifiers=[MU], tolerance=0)
    np.testing.assert_array_equal(sample["data"], histogram.values())
    shifts = shifts_of(sample)
    wanted = histogram.covariance()
    np.testing.assert_allclose(shifts.T @ shifts, wanted, rtol=1e-9, atol=1e-9 * wanted.max())


def test_is_a_sample_of_a_workspace():
    sample = signal().to_pyhf("signal", modifiers=[MU])
    names = [modifier["name"] for modifier in sample["modifiers"]]
    assert names == ["mu", *(f"signal_signal_stat_{k}" for k in range(8))]
    assert json.loads(json.dumps(sample)) == sample
    workspace = pyhf.Workspace(
        {
            "channels": [{"name": "channel", "samples": [sample]}],
            "observations": [{"name": "channel", "data": sample["data"]}],
            "measurements": [{"name": "measurement", "config": {"poi": "mu", "parameters": []}}],
            "version": "1.0.0",
        }
    )
    assert workspace.model().config.npars == 9
    assert MU == {"name": "mu", "type": "normfactor", "data": None}
    renamed = signal().to_pyhf("signal", uncertainty="mc")
    assert renamed["modifiers"][0]["name"] == "mc_0"


def test_as_many_shifts_as_the_covariance_has_rank():
    """Three GEN events and eight bins, one of them empty."""
    sample = signal(n_gen=3, seed=3)
    assert (sample.values() == 0).any()
    shifts = shifts_of(sample.to_pyhf("signal"))
    assert len(shifts) == 3
    assert (shifts[:, sample.values() == 0] == 0).all()


def test_empty_histogram_has_no_uncertainty():
    rows = signal_rows()
    rows["x"] += 100
    histogram = fill(rows, "OversampledTH1D", "signal", fold_size=10, edges=EDGES)
    assert histogram.to_pyhf("signal") == {"name": "signal", "data": [0.0] * 8, "modifiers": []}


@pytest.mark.parametrize("tolerance", [1e-4, 0.3, 0.5])
def test_tolerance_holds_for_every_bin(tolerance):
    """Also in a spectrum that falls by ten orders of magnitude."""
    rows = signal_rows()
    rows["w"] = rows["w"] * 10.0 ** (-10 * rows["x"].reshape(-1, 10).mean(axis=1) / 10).repeat(10)
    histogram = fill(rows, "OversampledTH1D", "falling", fold_size=10, edges=EDGES)
    assert histogram.values().max() / histogram.values().min() > 1e5
    shifts = shifts_of(histogram.to_pyhf("signal", tolerance=tolerance))
    lost = histogram.covariance() - shifts.T @ shifts
    errors = np.sqrt(histogram.variances())
    assert (np.abs(lost) <= (tolerance + 1e-9) * np.outer(errors, errors)).all()
    assert (len(shifts) < 8) == (tolerance > 0.2)


def test_two_dimensions_in_the_order_of_values():
    rows = make_rows()
    histogram = fill(rows, "OversampledTH2D")
    sample = histogram.to_pyhf("signal", tolerance=0)
    a = per_event(rows, 2)[:, 1:-1, 1:-1].reshape(80, -1)
    np.testing.assert_allclose(sample["data"], a.sum(axis=0), rtol=1e-12, atol=1e-12)
    shifts = shifts_of(sample)
    np.testing.assert_allclose(shifts.T @ shifts, a.T @ a, atol=1e-8 * (a.T @ a).max())


def test_fit_has_the_error_of_least_squares():
    """Counts are so large that the likelihood is a parabola; the error of the sample dominates."""
    histogram = signal()
    data = histogram.values() + BACKGROUND
    wanted = least_squares_error(histogram.values(), np.diag(data) + histogram.covariance())
    model = model_of(histogram.to_pyhf("signal", modifiers=[MU]))
    assert fit(model, data)[0] == pytest.approx(1, abs=0.01 * wanted)
    assert profile_error(model, data, wanted) == pytest.approx(wanted, rel=0.01)

    # With independent bins, as staterror has them, it is another number.
    independent = least_squares_error(histogram.values(), np.diag(data + histogram.variances()))
    assert profile_error(model_of(with_staterror(histogram)), data, independent) == pytest.approx(independent, rel=0.01)
    assert wanted > 1.3 * independent


@pytest.mark.slow
def test_pulls_of_the_fit():
    """Pseudo-experiments: data around the truth, each fitted with a sample of its own."""
    n_toys, n_gen = 80, 5000
    truth = 1e6 * np.diff(norm.cdf(EDGES[0], 5, np.hypot(2, 1.2)))
    rng = np.random.default_rng(1)
    pulls = {"to_pyhf": [], "staterror": []}
    for toy in range(n_toys):
        rows = signal_rows(n_gen, seed=100 + toy, is_poisson=True)
        histogram = book(rows, "OversampledTH1D", "signal", fold_size=10, edges=EDGES).GetValue()
        data = rng.poisson(truth + BACKGROUND)
        for name, sample in {
            "to_pyhf": histogram.to_pyhf("signal", modifiers=[MU]),
            "staterror": with_staterror(histogram),
        }.items():
            model = model_of(sample)
            ratio = fit(model, data, mu=1)[1] - fit(model, data)[1]
            pulls[name].append(np.sqrt(max(ratio, 0)))
    widths = {name: np.sqrt(np.mean(np.square(values))) for name, values in pulls.items()}
    assert widths["to_pyhf"] == pytest.approx(1, abs=3 / np.sqrt(2 * n_toys))
    assert widths["staterror"] > 1.3


def test_refuses_without_covariance():
    histogram = fill(signal_rows(), "OversampledTH1D", fold_size=10, edges=EDGES, covariance=False)
    with pytest.raises(RuntimeError, match=r"'h'.*covariance=True"):
        histogram.to_pyhf("signal")


@pytest.mark.parametrize("tolerance", [-0.1, 1, float("nan")])
def test_refuses_impossible_tolerance(tolerance):
    with pytest.raises(ValueError, match="tolerance is"):
        signal().to_pyhf("signal", tolerance=tolerance)


def test_refuses_contents_that_are_not_finite():
    rows = signal_rows()
    rows["w"] = rows["w"] * 1e160  # the square of a content is beyond double precision
    histogram = fill(rows, "OversampledTH1D", fold_size=10, edges=EDGES)
    with pytest.raises(ValueError, match="'h' has contents or errors that are not finite"):
        histogram.to_pyhf("signal")


def test_refuses_what_is_no_covariance():
    with pytest.raises(ValueError, match="the correlation matrix has the eigenvalue -1"):
        independent_shifts(np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_rounding_below_zero_is_none():
    matrix = np.ones((4, 4))
    matrix[0, 1] = matrix[1, 0] = 1 + 1e-14
    assert np.linalg.eigvalsh(matrix)[0] < 0
    shifts = independent_shifts(matrix)
    np.testing.assert_allclose(shifts.T @ shifts, np.ones((4, 4)), atol=1e-9)


def test_result_of_a_dataframe():
    result = book(signal_rows(), "OversampledTH1D", fold_size=10, edges=EDGES)
    assert result.to_pyhf("signal") == result.GetValue().to_pyhf("signal")
