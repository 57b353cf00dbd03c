"""The metrics of a validation against closed forms and independent computations."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jinja2")
pytest.importorskip("scipy")
pytest.importorskip("sklearn")

from scipy.linalg import sqrtm
from scipy.stats import norm
from sklearn.metrics import roc_curve

from flashsim.flows.flow import Variable
from flashsim.validation import (
    Metric,
    Requirement,
    RocCurve,
    Samples,
    Tagger,
    area_between_curves,
    classifier_test,
    covariance_distance,
    default_taggers,
    efficiency_range,
    frechet_distance,
    halves,
    kolmogorov_smirnov,
    wasserstein,
)
from flashsim.validation.comparison import distance_metrics


@pytest.fixture
def generator():
    return np.random.default_rng(20240213)


def test_wasserstein_of_a_shift_is_the_shift(generator):
    values = generator.normal(size=50_000)
    assert wasserstein(values, values - 0.3) == pytest.approx(0.3, abs=1e-9)
    assert wasserstein(values, generator.normal(0.3, 1, 50_000)) == pytest.approx(0.3, abs=4 * np.sqrt(2 / 50_000))


def test_kolmogorov_smirnov_of_shifted_gaussians(generator):
    first, second = generator.normal(0, 1, 40_000), generator.normal(0.2, 1, 40_000)
    assert kolmogorov_smirnov(first, second) == pytest.approx(2 * norm.cdf(0.1) - 1, abs=0.012)


def test_kolmogorov_smirnov_by_counting(generator):
    first, second = generator.integers(0, 6, 70), generator.integers(1, 7, 90)
    wanted = max(abs(np.mean(first <= value) - np.mean(second <= value)) for value in range(7))
    assert kolmogorov_smirnov(first, second) == pytest.approx(wanted, abs=1e-12)


def test_frechet_distance_of_independent_gaussians(generator):
    first = generator.normal([0, 1], [1, 2], (200_000, 2))
    second = generator.normal([0.5, 1], [1, 1], (200_000, 2))
    assert frechet_distance(first, second) == pytest.approx(0.5**2 + (2 - 1) ** 2, abs=0.03)


def test_frechet_distance_against_the_matrix_root(generator):
    first = generator.normal(size=(500, 4)) @ generator.normal(size=(4, 4))
    second = generator.normal(size=(400, 4)) @ generator.normal(size=(4, 4)) + 0.5
    covariances = [np.cov(rows.T) for rows in (first, second)]
    wanted = np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(
        covariances[0] + covariances[1] - 2 * sqrtm(covariances[0] @ covariances[1]).real
    )
    assert frechet_distance(first, second) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_with_constant_and_identical_columns(generator):
    rows = generator.normal(size=(1000, 1))
    degenerate = np.concatenate([rows, rows, np.full_like(rows, 3)], axis=1)
    assert frechet_distance(degenerate, degenerate + np.array([0, 0, 2])) == pytest.approx(4, abs=1e-9)


def test_covariance_distance(generator):
    rows = generator.normal(size=(300, 3))
    scales = np.array([1.0, 2.0, 0.5])
    covariance = np.cov(rows.T)
    wanted = np.sqrt(np.sum((covariance - covariance * np.outer(scales, scales)) ** 2))
    assert covariance_distance(rows, rows * scales + 7) == pytest.approx(wanted, rel=1e-9)


def power_law_scores(power, generator, rows=400_000):
    """Scores and flavours whose ROC curve is misidentification = efficiency ** power."""
    score = np.concatenate([1 - generator.random(rows), 1 - generator.random(rows) ** (1 / power)])
    return score, np.repeat([-5, 21], rows)


def test_area_between_power_laws(generator):
    tagger = Tagger("btag")
    curves = [RocCurve.of(*power_law_scores(power, generator), tagger) for power in (2.0, 2.5)]
    low, high = 0.3, 1.0

    def integral(efficiency):
        return (efficiency - efficiency * np.log(efficiency)) / np.log(10)

    wanted = 0.5 * (integral(high) - integral(low))
    assert area_between_curves(*curves, (low, high)) == pytest.approx(wanted, abs=0.004)
    assert area_between_curves(curves[0], curves[0], (low, high)) == 0


def test_roc_curve_with_ties_as_scikit_learn(generator):
    flavour = generator.choice([5, -5, 4, 1, 21], 3000)
    score = np.round(generator.normal(np.abs(flavour) == 5, 1.0), 1)
    used = flavour != 4
    wanted = roc_curve(np.abs(flavour[used]) == 5, score[used], drop_intermediate=False)
    curve = RocCurve.of(score, flavour, Tagger("btag"))
    np.testing.assert_allclose(curve.efficiency, wanted[1])
    np.testing.assert_allclose(curve.misidentification, wanted[0])
    assert (curve.signal, curve.background) == (np.sum(np.abs(flavour) == 5), np.sum(np.isin(flavour, [1, 21])))


def test_efficiency_range_leaves_background_rows_in_each_half(generator):
    score, flavour = power_law_scores(4.0, generator, 20_000)
    tagger = Tagger("btag", lowest_efficiency=0.05, least_background=30)
    low, high = efficiency_range(score, flavour, tagger)
    curve = RocCurve.of(score, flavour, tagger)
    assert high == 1
    assert curve.at(np.array([low]))[0] * curve.background / 2 == pytest.approx(30, abs=1)
    assert efficiency_range(score, flavour, Tagger("btag", lowest_efficiency=0.6))[0] == 0.6


def test_efficiency_range_says_which_rows_are_too_few(generator):
    score = generator.random(200)
    with pytest.raises(ValueError, match=r"20 signal rows.*100 needed"):
        efficiency_range(score, np.repeat([5, 1], [20, 180]), Tagger("btag"))
    with pytest.raises(ValueError, match=r"10 background rows.*40 needed"):
        efficiency_range(score, np.repeat([5, 1], [190, 10]), Tagger("btag"))


def test_default_taggers_need_score_and_flavour():
    assert [tagger.signal for tagger in default_taggers(["partonFlavour"], ["btag", "ctag"])] == [(5,), (4,)]
    assert default_taggers(["pt"], ["btag"]) == ()
    assert default_taggers(["partonFlavour"], ["pt"]) == ()


def test_classifier_cannot_tell_identical_samples(generator):
    rows = generator.normal(size=(8000, 3))
    test = classifier_test((rows[:2000], rows[2000:4000]), (rows[4000:6000], rows[6000:]))
    assert abs(test.value) < 4 * test.error
    assert test.error == pytest.approx(0.5 / np.sqrt(4000), rel=0.02)
    assert test.importance == {}


def test_classifier_tells_separate_samples():
    rows = np.linspace(0, 1, 4000)[:, None]
    test = classifier_test((rows[::2], rows[::2] + 2), (rows[1::2], rows[1::2] + 2))
    assert test.value == pytest.approx(0.5, abs=0.005)  # its bins of the values straddle the gap


def test_classifier_reaches_the_optimum_for_gaussians_and_names_the_variable(generator):
    first, second = generator.normal(size=(2, 20_000, 2))
    second[:, 1] += 1
    test = classifier_test(
        (first[:10_000], second[:10_000]), (first[10_000:], second[10_000:]), names=["same", "shifted"]
    )
    assert test.value == pytest.approx(norm.cdf(0.5) - 0.5, abs=0.015)
    assert list(test.importance) == ["shifted", "same"]
    assert test.importance["shifted"] > 0.15 > 0.01 > test.importance["same"]


def test_halves_share_no_event_and_have_one_size(generator):
    event = np.repeat(np.arange(500), generator.integers(1, 9, 500))
    seen = np.zeros(len(event))
    for _ in range(40):
        first, second = halves(event, generator)
        assert len(first) == len(second) >= len(event) / 2 - 9
        assert not set(event[first]) & set(event[second])
        seen[first] += 1
    assert seen.min() > 3
    assert seen.max() < 37


def test_verdicts():
    assert Metric("frechet", 0.02, 0.001, 0.02, 0.001, 5).verdict == "at the noise floor"
    assert Metric("frechet", 0.0219, 0.001, 0.02, 0.001, 5).at_floor
    assert Metric("frechet", 0.05, 0.001, 0.02, 0.001, 5).verdict == "2.5 × its floor"
    assert Metric("c2st", 0.03, 0.003, 0.0, 0.004, 2).verdict == "6 σ above its floor"
    assert Metric("c2st", 0.03, 0.003, 0.0, 0.004, 2).ratio is None
    assert Metric("ks/flag", 0.0, 0.0, 0.0, 0.0, 5).at_floor
    assert Metric("ks/flag", 0.1, 0.0, 0.0, 0.0, 5).verdict == "above a floor of 0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c2st", "NAME=LIMIT"),
        ("ks=high", "NAME=LIMIT"),
        ("=3", "NAME=LIMIT"),
        ("chi2=3", "unknown metric 'chi2'; the metrics are wasserstein, ks"),
        ("c2st=3x", "zero on average"),
    ],
)
def test_requirements_that_cannot_be(text, message):
    with pytest.raises(ValueError, match=message):
        Requirement.parse(text)


VARIABLES = tuple(Variable(name, "", "float32", (-100, 100)) for name in ("x", "y"))


def correlated(generator, events, scale=1.0):
    """A perfect flow of two variables, but for the factor `scale`; two objects of one event have the same context."""
    context = np.repeat(generator.normal(size=(events, 2)), 2, axis=0)
    target, flow = (context + generator.normal(size=context.shape) @ [[1, 0.5], [0, 1]] for _ in range(2))
    return Samples(context, target, flow * scale, np.repeat(np.arange(events), 2), VARIABLES, VARIABLES)


def measured(samples, seed):
    splits = [halves(samples.event, np.random.default_rng([seed, index])) for index in range(5)]
    return distance_metrics(samples, splits)


def test_a_perfect_flow_is_at_the_noise_floor(generator):
    found = [measured(correlated(generator, 500), seed) for seed in range(60)]
    names = list(found[0])
    assert names == ["wasserstein/x", "wasserstein/y", "ks/x", "ks/y", "frechet", "covariance"]
    assert np.mean([metric.at_floor for metrics in found for metric in metrics.values()]) > 0.93
    for name in names:
        excess = np.array([metrics[name].value - metrics[name].floor for metrics in found])
        assert abs(excess.mean()) < 4 * excess.std() / np.sqrt(len(found)), name


def test_a_wrong_flow_is_above_the_noise_floor(generator):
    found = measured(correlated(generator, 4000, scale=1.3), 1)
    assert not any(metric.at_floor for metric in found.values())


def test_variables_are_scaled_by_the_target(generator):
    samples = correlated(generator, 2000)
    larger = Samples(samples.context, 50 * samples.target, 50 * samples.flow, samples.event, VARIABLES, VARIABLES)
    for name, metric in measured(samples, 1).items():
        assert measured(larger, 1)[name].value == pytest.approx(metric.value, rel=1e-6)
