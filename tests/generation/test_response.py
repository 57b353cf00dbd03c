"""The pseudo-detector response against its documented formulas."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from flashsim.generation import CONTEXT, TARGETS, respond
from flashsim.generation.detector.jets import FLAVOUR_TABLE, RESOLUTION_TERMS, flavour_class
from flashsim.generation.variables import reduce_angle, reduce_mantissa

COLUMN = {variable.name: index for index, variable in enumerate(TARGETS)}
FRACTIONS = ("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF")
DRAWS = 60_000


def sigmoid(value):
    return 1.0 / (1.0 + math.exp(-value))


def unsquash(score):
    return 7.0 * np.arctanh(np.log(score / (1.0 - score)) / 7.0)


@functools.lru_cache(maxsize=16)
def sample(pt=60.0, eta=0.4, phi=1.0, mass=9.0, flavour=1, muons=0, draws=DRAWS, seed=1):
    rows = np.tile([pt, eta, phi, mass, flavour, muons], (draws, 1))
    drawn = respond(rows, np.random.default_rng(seed))
    return {name: drawn[:, index] for name, index in COLUMN.items()}


def table(name, flavour):
    return float(FLAVOUR_TABLE[name][flavour_class([flavour])[0]])


def regions(eta):
    distance = abs(eta)
    forward = sigmoid((distance - 3.0) / 0.12)
    endcap = sigmoid((distance - 1.4) / 0.12) - forward
    return {
        "tracker": sigmoid((2.5 - distance) / 0.12),
        "muon": sigmoid((2.4 - distance) / 0.08),
        "barrel": 1.0 - endcap - forward,
        "endcap": endcap,
        "forward": forward,
    }


def resolution(pt, eta, flavour):
    where = regions(eta)
    noise, stochastic, constant = (
        sum(where[name] * RESOLUTION_TERMS[name][term] for name in RESOLUTION_TERMS) for term in range(3)
    )
    return table("width", flavour) * math.sqrt((noise / pt) ** 2 + stochastic**2 / pt + constant**2)


def bias(pt, eta, flavour, muons):
    where, distance = regions(eta), abs(eta)
    value = table("bias", flavour) * (1.0 + math.exp(-pt / 60.0)) - table("muon_loss", flavour) * min(muons, 2)
    return value - 0.02 * (distance / 2.5) ** 2 * where["tracker"] - 0.06 * math.exp(-((distance - 3.0) ** 2) / 0.125)


def tail(flavour, muons):
    return table("tail", flavour) + 0.04 * min(muons, 2), table("tail_size", flavour)


def agrees(values, expected, sigmas=4.5):
    """The mean of the values is the expected number within its statistical error."""
    error = np.std(values) / math.sqrt(len(values))
    assert error > 0.0
    assert abs(np.mean(values) - expected) < sigmas * error, (np.mean(values), expected, error)


POINTS = [
    dict(pt=20.0, eta=0.3, flavour=1, muons=0),
    dict(pt=60.0, eta=-1.9, flavour=-5, muons=1),
    dict(pt=45.0, eta=2.5, flavour=4, muons=0),
    dict(pt=30.0, eta=3.1, flavour=21, muons=0),
    dict(pt=400.0, eta=-0.8, flavour=5, muons=3),
    dict(pt=25.0, eta=4.2, flavour=0, muons=0),
]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point['flavour']}-{point['pt']:g}-{point['eta']:g}")
class TestFormulas:
    def test_pt_response(self, point):
        drawn = sample(**point)
        log_response = np.log(drawn["pt"] / point["pt"])
        probability, size = tail(point["flavour"], point["muons"])
        agrees(log_response, bias(**point) - probability * size)
        variance = resolution(point["pt"], point["eta"], point["flavour"]) ** 2
        variance += 2.0 * probability * size**2 - (probability * size) ** 2
        agrees((log_response - log_response.mean()) ** 2, variance)

    @pytest.mark.slow
    def test_low_tail(self, point):
        """Far below the core only the exponential is left, far above it nothing."""
        drawn = sample(**point, draws=400_000)
        pull = np.log(drawn["pt"] / point["pt"]) - bias(**point)
        pull /= resolution(point["pt"], point["eta"], point["flavour"])
        gaussian = 0.5 * math.erfc(3.5 / math.sqrt(2.0)) * len(pull)
        assert np.sum(pull > 3.5) < gaussian + 5.0 * math.sqrt(gaussian)
        assert np.sum(pull < -3.5) > gaussian + 5.0 * math.sqrt(gaussian)

    def test_angles(self, point):
        drawn = sample(**point)
        sigma = resolution(point["pt"], point["eta"], point["flavour"])
        width = math.sqrt(0.004**2 + (0.8 / point["pt"]) ** 2) * (1.0 + 0.6 * regions(point["eta"])["forward"])
        variance = width**2 * (8.0 / 6.0) * math.exp(0.18 * sigma**2)
        eta_shift, phi_shift = drawn["eta"] - point["eta"], drawn["phi"] - 1.0
        agrees(eta_shift, 0.0)
        agrees(phi_shift, 0.0)
        agrees(eta_shift**2, variance)
        agrees(phi_shift**2, 1.15**2 * variance)
        assert np.mean(eta_shift**4) / np.mean(eta_shift**2) ** 2 > 3.3  # heavier tails than a normal distribution

    def test_mass(self, point):
        drawn = sample(**point)
        pt, flavour = point["pt"], point["flavour"]
        sigma, (probability, size) = resolution(pt, point["eta"], flavour), tail(flavour, point["muons"])
        width = 0.05 + 0.5 / math.sqrt(pt) + 0.05 * regions(point["eta"])["forward"]
        scale = 0.06 + 1.2 / pt - (0.1 * math.exp(-pt / 40.0) if flavour == 21 else 0.0)
        response = math.exp(1.8 * bias(**point) + 0.5 * (1.8 * sigma) ** 2)
        response *= 1.0 - probability + probability / (1.0 + 1.8 * size)
        granularity = 0.64 * (pt / 30.0) ** 0.8 * math.exp(0.5 * 0.7**2)
        agrees(drawn["mass"] ** 2, 81.0 * response * math.exp(2.0 * scale + 2.0 * width**2) + granularity)

    def test_vertices_and_muons(self, point):
        drawn = sample(**point)
        pt, where = point["pt"], regions(point["eta"])
        above = max(math.log(pt / 50.0), 0.0)
        turn_on = sigmoid((math.log(pt) - math.log(22.0)) / 0.5)
        expected = table("vertices", point["flavour"]) * where["tracker"] * turn_on * (1.0 + 0.15 * above)
        if expected > 1e-3:
            agrees(drawn["nSVs"], expected)
        else:
            assert drawn["nSVs"].sum() < 100
        efficiency = where["muon"] * (0.25 + 0.6 * (1.0 - math.exp(-(pt - 15.0) / 60.0)))
        expected = point["muons"] * efficiency + 0.004 * where["muon"] * math.sqrt(pt / 50.0)
        if expected > 1e-3:
            agrees(drawn["nMuons"], expected)
        else:
            assert drawn["nMuons"].sum() < 100

    def test_tag_scores(self, point):
        drawn = sample(**point)
        flavour, tracker, pt = point["flavour"], regions(point["eta"])["tracker"], point["pt"]
        below = min(math.log(pt / 50.0), 0.0)
        separation = sigmoid((math.log(pt) - math.log(12.0)) / 0.4)
        vertices = np.minimum(drawn["nSVs"], 2.0)
        b_rest = unsquash(drawn["btag"]) - 0.9 * tracker * vertices
        level = tracker * table("b", flavour) * separation * (1.0 + 0.15 * below) - 3.0 * (1.0 - tracker)
        agrees(b_rest, level + 1.4 * 0.15)
        agrees((b_rest - b_rest.mean()) ** 2, (0.8 + 0.7 * tracker) ** 2 + 1.4**2 * (2 * 0.15 - 0.15**2))
        c_rest = unsquash(drawn["ctag"]) - 0.35 * tracker * vertices
        agrees(c_rest, tracker * table("c", flavour) * separation - 1.5 * (1.0 - tracker))
        covariance = table("rho", flavour) * (0.7 + 0.4 * tracker) * (0.8 + 0.7 * tracker)
        agrees((b_rest - b_rest.mean()) * (c_rest - c_rest.mean()), covariance)

    def test_constituents_and_quark_gluon_score(self, point):
        drawn = sample(**point)
        pt, flavour = point["pt"], point["flavour"]
        sigma, (probability, size) = resolution(pt, point["eta"], flavour), tail(flavour, point["muons"])
        growth = (pt / 30.0) ** 0.42 * (1.0 - 0.5 * regions(point["eta"])["forward"])
        response = math.exp(0.5 * (0.3 * sigma) ** 2) * (1.0 - probability + probability / (1.0 + 0.3 * size))
        agrees(drawn["nConstituents"], table("n", flavour) * growth * response)
        logit = unsquash(drawn["qgl"]) + 2.2 * np.log(drawn["nConstituents"] / (11.5 * growth))
        agrees(logit, table("q", flavour) + 0.25 * math.log(pt / 50.0))
        agrees((logit - logit.mean()) ** 2, 1.0)

    def test_energy_fractions(self, point):
        drawn = sample(**point)
        pt, flavour, where = point["pt"], point["flavour"], regions(point["eta"])
        tracker, x = where["tracker"], math.log(pt / 50.0)
        charged, neutral = np.log(drawn["chHEF"]), np.log(drawn["neHEF"])
        photon, electron = np.log(drawn["neEmEF"]), np.log(drawn["chEmEF"])
        expected_charged = tracker * (0.95 + table("charged", flavour) - 0.06 * x) - 4.2 * (1.0 - tracker)
        expected_neutral = -0.85 + 0.10 * x + 1.1 * (1.0 - tracker)
        expected_photon = 0.05 + table("photon", flavour) + 0.5 * (1.0 - tracker)
        expected_electron = -3.4 * tracker - 5.0 * (1.0 - tracker) + 2.7 * tracker * table("electron", flavour)
        agrees(charged - neutral, expected_charged - expected_neutral)
        agrees(photon - neutral, expected_photon - expected_neutral)
        agrees(electron - neutral, expected_electron - expected_neutral)
        d = resolution(pt, point["eta"], flavour) / 0.2
        variance = 0.5**2 + 0.75**2 + ((0.25 * tracker + 0.35) * d) ** 2
        difference = charged - neutral
        agrees((difference - difference.mean()) ** 2, variance)
        # The remainder of the softmax is the unassigned energy.
        rest = 1.0 - sum(drawn[name] for name in FRACTIONS)
        agrees(np.log(rest) - neutral, -2.8 + 0.4 * where["forward"] - expected_neutral)


def test_muon_fraction():
    drawn = sample(pt=80.0, flavour=5, muons=2)
    assert np.array_equal(drawn["muEF"] == 0.0, drawn["nMuons"] == 0.0)
    assert 0.1 < np.mean(drawn["nMuons"] == 0.0) < 0.5
    some = drawn["nMuons"] > 0
    share, count = drawn["muEF"][some], drawn["nMuons"][some]
    logit = np.log(share / (1.0 - share)) - 0.4 * (count - 1.0)
    agrees(logit, -1.6 - 0.2 * math.log(80.0 / 50.0))
    agrees((logit - logit.mean()) ** 2, 1.1**2)


def test_jet_identification():
    """Mostly tight; the documented probabilities given the fractions, jet by jet."""
    rng = np.random.default_rng(8)
    rows = np.column_stack(
        [
            rng.uniform(15, 100, 400_000),
            rng.uniform(-5, 5, 400_000),
            np.zeros(400_000),
            np.full(400_000, 8.0),
            rng.choice([0, 1, 4, 5, 21], 400_000),
            rng.integers(0, 3, 400_000),
        ]
    )
    drawn = respond(rows, rng)
    column = {name: drawn[:, index] for name, index in COLUMN.items()}
    assert set(np.unique(column["jetId"])) == {0.0, 2.0, 6.0}
    neutral = np.maximum(column["neHEF"], column["neEmEF"])
    vetoing = np.maximum(column["chEmEF"], column["muEF"])
    failing = np.minimum(0.003 + 1.0 / (1.0 + np.exp(-(neutral - 0.9) / 0.015)), 1.0)
    vetoed = np.minimum(0.006 + 1.0 / (1.0 + np.exp(-(vetoing - 0.8) / 0.02)), 1.0)
    agrees((column["jetId"] == 0) - failing, 0.0)
    agrees((column["jetId"] == 2) - (1.0 - failing) * vetoed, 0.0)
    assert np.mean(column["jetId"][neutral > 0.95] == 0) > 0.95
    assert np.mean(column["jetId"][(neutral < 0.8) & (vetoing < 0.7)] == 6) > 0.98


def test_ranges_types_and_unit_sum():
    rng = np.random.default_rng(3)
    count = 200_000
    rows = np.column_stack(
        [
            15.0 * np.exp(rng.exponential(0.8, count)).clip(1, 400),
            rng.uniform(-5, 5, count),
            rng.uniform(-math.pi, math.pi, count),
            rng.exponential(10.0, count),
            rng.choice([-5, -4, -3, 0, 1, 2, 4, 5, 21], count),
            rng.poisson(0.3, count),
        ]
    )
    drawn = respond(rows, rng)
    assert drawn.shape == (count, len(TARGETS)) and drawn.dtype == np.float64
    for variable, values in zip(TARGETS, drawn.T, strict=True):
        assert values.min() >= variable.low and values.max() <= variable.high, variable.name
        if variable.integral:
            assert np.array_equal(values, np.rint(values)), variable.name
        else:
            inside = (values > variable.low) & (values < variable.high)
            # No variable piles up at an end of its range, but for jets without a muon.
            assert np.all(inside | (variable.name == "muEF")), variable.name
    total = sum(drawn[:, COLUMN[name]] for name in FRACTIONS)
    assert total.max() < 1.0


def test_no_charged_particles_beyond_the_tracker():
    central, forward = sample(flavour=5, eta=0.0), sample(flavour=5, eta=4.0)
    assert np.median(central["chHEF"]) > 0.4 and np.median(forward["chHEF"]) < 0.02
    light = sample(flavour=1, eta=4.0, seed=2)
    assert np.mean(sample(flavour=5)["btag"]) - np.mean(sample(flavour=1)["btag"]) > 0.6
    assert abs(np.mean(forward["btag"]) - np.mean(light["btag"])) < 0.01
    assert forward["nSVs"].sum() < 10


def test_same_state_same_jets_and_input_untouched():
    rows = np.tile([60.0, 0.4, 1.0, 9.0, 5.0, 1.0], (100, 1))
    before = rows.copy()
    first = respond(rows, np.random.default_rng(5))
    assert np.array_equal(first, respond(rows, np.random.default_rng(5)))
    assert not np.array_equal(first, respond(rows, np.random.default_rng(6)))
    assert np.array_equal(rows, before)
    opposite = rows * [1, 1, 1, 1, -1, 1]
    assert np.array_equal(first, respond(opposite, np.random.default_rng(5)))


def test_azimuth_wraps_around():
    drawn = sample(phi=math.pi, pt=15.0)
    assert 0.4 < np.mean(drawn["phi"] < 0.0) < 0.6
    turned = sample(phi=math.pi - 1.0, pt=15.0)
    difference = np.mod(drawn["phi"] - turned["phi"], 2.0 * math.pi)
    assert np.allclose(difference, 1.0)


def test_no_jets():
    assert respond(np.empty((0, 6)), np.random.default_rng(1)).shape == (0, len(TARGETS))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[60.0, 0.4, 1.0, 9.0, 5.0]], r"shape \(1, 5\).*nMuon"),
        ([60.0, 0.4, 1.0, 9.0, 5.0, 0.0], "shape"),
        ([[60.0, math.nan, 1.0, 9.0, 5.0, 0.0]], "eta"),
        ([[0.0, 0.4, 1.0, 9.0, 5.0, 0.0]], "pt"),
        ([[60.0, 0.4, 1.0, -1.0, 5.0, 0.0]], "mass"),
        ([[60.0, 0.4, 1.0, 9.0, 5.0, -1.0]], "nMuon"),
        ([[60.0, 0.4, 1.0, 9.0, 6.0, 0.0]], r"partonFlavour holds \[6\]"),
        ([[60.0, 0.4, 1.0, 9.0, 4000.0, 0.0]], r"partonFlavour holds \[4000\]"),
    ],
)
def test_bad_context(rows, message):
    with pytest.raises(ValueError, match=message):
        respond(rows, np.random.default_rng(1))


def test_contract_order():
    assert [variable.name for variable in CONTEXT] == ["pt", "eta", "phi", "mass", "partonFlavour", "nMuon"]
    expected = "pt eta phi mass btag ctag qgl jetId nConstituents chHEF neHEF chEmEF neEmEF muEF nMuons nSVs"
    assert " ".join(COLUMN) == expected


@pytest.mark.parametrize("bits", [1, 10, 13, 23])
def test_reduced_mantissa(bits):
    values = np.random.default_rng(4).normal(0.0, 100.0, 10_000).astype(np.float32)
    reduced = reduce_mantissa(values, bits)
    assert reduced.dtype == np.float32
    assert np.max(np.abs(reduced / values - 1.0)) <= 2.0 ** -(bits + 1)
    assert not np.any(reduced.view(np.uint32) & np.uint32(2 ** (23 - bits) - 1))
    assert np.array_equal(reduce_mantissa(reduced, bits), reduced)


def test_reduced_mantissa_limits():
    special = np.array([np.inf, -np.inf, np.nan, 0.0])
    assert np.array_equal(reduce_mantissa(special), special.astype(np.float32), equal_nan=True)
    angles = reduce_angle(np.array([math.pi, -math.pi, 0.5]))
    assert abs(angles[0]) <= math.pi and abs(angles[1]) <= math.pi and angles[0] > 3.14 and angles[2] == 0.5
    with pytest.raises(ValueError, match="bits is 24"):
        reduce_mantissa(special, 24)
