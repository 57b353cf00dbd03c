"""A pseudo-detector: the stochastic response that turns a generated jet into a reconstructed one.

It does not simulate an experiment. It is a known conditional density with the features of a real jet response. Any
number of samples can be drawn for the same generated jet: it is the exact reference for a trained flow.

Notation: p and m are the generated pt and mass in GeV, a = |eta|, f the flavour class, x = ln(p/50), s(t) = 1/(1+e^-t),
every z an independent standard normal number. Smooth detector regions:

    T = s((2.5 - a)/0.12)   inside the tracker          M = s((2.4 - a)/0.08)   inside the muon system
    E = s((a - 1.4)/0.12) - s((a - 3.0)/0.12)  endcap   H = s((a - 3.0)/0.12)   forward calorimeter

Tables by flavour are in `FLAVOUR_TABLE`, written name[f] below; τ is its `tail_size` and ρ its `rho`.

================ =====================================================================================================
pt               p·exp(L), L = bias + σ z₀ - τ[f]·e·[u < tail], e exponential, u uniform: a core and a low tail.
                 bias = bias[f] (1 + e^(-p/60)) - muon_loss[f] min(nMuon, 2) - 0.02 (a/2.5)² T - 0.06 e^(-(a-3)²/0.125),
                 σ = width[f] √(N²/p² + S²/p + C²); N, S, C are weighted by region (`RESOLUTION_TERMS`),
                 tail = tail[f] + 0.04 min(nMuon, 2)
eta, phi         shift σ_a·t, t from Student's distribution with 8 degrees of freedom whose scale both share,
                 σ_a = √(0.004² + (0.8/p)²) (1 + 0.6 H) e^(-0.3 σ z₀); 1.15 times more in phi
mass             √((m·exp(0.9 L + 0.06 + 1.2/p - 0.1 e^(-p/40)·[f is gluon] + σ_m z₁))² + m₀²),
                 σ_m = 0.05 + 0.5/√p + 0.05 H, m₀ = 0.8 (p/30)^0.4 exp(0.35 z₂)
nSVs             Poisson of mean vertices[f]·T·s((ln p - ln 22)/0.5)·(1 + 0.15 x₊), at most 8
btag             squash(l_b), l_b = T (b[f] g + 0.9 min(nSVs, 2) + 0.15 g·b[f] x₋) - 3 (1 - T) + (0.8 + 0.7 T) z₃
                 + 1.4 e'·[u' < 0.15], g = s((ln p - ln 12)/0.4)
ctag             squash(l_c), l_c = T (c[f] g + 0.35 min(nSVs, 2)) - 1.5 (1 - T) + (0.7 + 0.4 T)(ρ[f] z₃ + √(1-ρ²) z₄)
nConstituents    1 + Poisson(λ·G), G gamma (shape 12, mean 1), λ = n[f] (p/30)^0.42 (1 - 0.5 H) e^(0.3 (L - bias)) - 1,
                 λ at least 0.1, the result at most 255
qgl              squash(q[f] + 0.25 x - 2.2 ln(nConstituents/n_ref) + z₅), n_ref = 11.5 (p/30)^0.42 (1 - 0.5 H)
nMuons           Binomial(nMuon, ε) + Poisson(0.004 M √(p/50)), ε = M (0.25 + 0.6 (1 - e^(-(p-15)/60))), at most 20
muEF             0 without reconstructed muon, else s(-1.6 + 0.4 (nMuons - 1) - 0.2 x + 1.1 z₆)
chHEF … neEmEF   (1 - muEF) times softmax over (chHEF, neHEF, chEmEF, neEmEF, rest) of normal logits, see `_fractions`
jetId            0 with probability 0.003 + s((max(neHEF, neEmEF) - 0.9)/0.015), else 2 with probability
                 0.006 + s((max(chEmEF, muEF) - 0.8)/0.02), else 6
================ =====================================================================================================

squash(l) = s(7 tanh(l/7)) keeps scores off 0 and 1. x₊ = max(x, 0), x₋ = min(x, 0).

The form of σ is the usual noise, stochastic and constant term of calorimeters (e.g. CMS, JINST 12 (2017) P02014,
arXiv:1607.03663), the numbers are typical of a general-purpose detector and of no particular one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..variables import CONTEXT, TARGETS, Variable

__all__ = ["CONTEXT", "FLAVOUR_TABLE", "RESOLUTION_TERMS", "TARGETS", "Variable", "flavour_class", "respond"]

Floats = NDArray[np.float64]

#: Flavour classes, in the order of the rows of `FLAVOUR_TABLE`: none, light quark, c, b, gluon.
_CLASS_OF_FLAVOUR = {0: 0, 1: 1, 2: 1, 3: 1, 4: 2, 5: 3, 21: 4}

FLAVOUR_TABLE: dict[str, Floats] = {
    key: np.array(row)
    for key, row in {
        #                  none   light    c      b     gluon
        "bias": (-0.010, 0.015, -0.015, -0.030, -0.020),
        "muon_loss": (0.010, 0.010, 0.035, 0.060, 0.015),
        "width": (1.05, 1.00, 1.03, 1.08, 1.04),
        "tail": (0.05, 0.03, 0.06, 0.10, 0.03),
        "tail_size": (0.15, 0.12, 0.16, 0.20, 0.12),
        "vertices": (0.04, 0.03, 0.35, 1.10, 0.06),
        "b": (-3.2, -3.4, -0.9, 2.0, -3.0),
        "c": (-1.7, -1.9, 1.0, -0.3, -1.6),
        "rho": (0.50, 0.55, 0.10, -0.45, 0.50),
        "n": (8.5, 10.0, 11.8, 13.0, 13.8),
        "q": (0.4, 0.7, 0.2, -0.3, -0.7),
        "electron": (0.020, 0.008, 0.06, 0.10, 0.012),
        "charged": (0.05, 0.0, 0.05, 0.10, 0.0),
        "photon": (0.10, 0.0, -0.05, -0.10, 0.05),
    }.items()
}
"""Parameters of the response by flavour class: none, light quark, c, b, gluon."""

RESOLUTION_TERMS: dict[str, tuple[float, float, float]] = {
    "barrel": (2.5, 0.75, 0.040),
    "endcap": (4.0, 0.90, 0.050),
    "forward": (3.5, 0.85, 0.080),
}
"""Noise N [GeV], stochastic S [√GeV] and constant C term of the pt resolution by detector region."""


def _sigmoid(value: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * value))


def _squash(value: Floats) -> Floats:
    return _sigmoid(7.0 * np.tanh(value / 7.0))


def flavour_class(flavour: ArrayLike) -> NDArray[np.intp]:
    """Column of `FLAVOUR_TABLE` for each flavour: 0 none, 1 light quark, 2 c, 3 b, 4 gluon.

    Parameters
    ----------
    flavour
        Signed or unsigned PDG ids out of 0, 1, 2, 3, 4, 5, 21.

    Raises
    ------
    ValueError
        If another number is among them.

    Examples
    --------
    >>> flavour_class([-5, 21, 2]).tolist()
    [3, 4, 1]
    """
    absolute = np.abs(np.asarray(flavour)).astype(np.int64)
    table = np.full(22, -1, dtype=np.intp)
    for key, value in _CLASS_OF_FLAVOUR.items():
        table[key] = value
    classes = np.where(absolute < 22, table[np.minimum(absolute, 21)], -1)
    if np.any(classes < 0):
        unknown = np.unique(absolute[classes < 0]).tolist()
        known = ", ".join(map(str, _CLASS_OF_FLAVOUR))
        raise ValueError(f"partonFlavour holds {unknown}; expected absolute values out of {known}")
    return classes


def _checked(context: ArrayLike) -> Floats:
    rows = np.asarray(context, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(CONTEXT):
        names = ", ".join(variable.name for variable in CONTEXT)
        raise ValueError(f"context has shape {rows.shape}; expected [n, {len(CONTEXT)}] with columns {names}")
    for column, variable in zip(rows.T, CONTEXT, strict=True):
        if not np.all(np.isfinite(column)):
            raise ValueError(f"context column {variable.name} holds a number that is not finite")
    for name, index, low in (("pt", 0, 0.0), ("mass", 3, -1e-9), ("nMuon", 5, -1e-9)):
        if np.any(rows[:, index] <= low):
            raise ValueError(
                f"context column {name} holds {rows[:, index].min():g}; expected more than {max(low, 0):g}"
            )
    return rows


def _fractions(
    classes: NDArray[np.intp],
    pt: Floats,
    tracker: Floats,
    forward: Floats,
    shift: Floats,
    muon: Floats,
    generator: np.random.Generator,
) -> Floats:
    """Charged hadron, neutral hadron, charged and neutral electromagnetic fractions, shape [n, 4].

    Logits before the softmax, d being the standardised pt fluctuation σ z₀ of the response over 0.2:
    chHEF 0.95 + charged[f] - 0.06 x - 0.25 d inside the tracker and -4.2 outside (width 0.5);
    neHEF -0.85 + 0.10 x + 0.35 d, 1.1 more outside the tracker (width 0.75);
    chEmEF -3.4 inside and -5 outside (width 0.7), plus 0.9 times a gamma number of shape 3
    with probability electron[f];
    neEmEF 0.05 + photon[f] + 0.15 d, 0.5 more outside (width 0.6), and of chHEF's fluctuation the opposite sign;
    rest -2.8 + 0.4 H (width 0.6).
    """
    x = np.log(pt / 50.0)
    count = len(pt)
    table = FLAVOUR_TABLE
    noise = generator.standard_normal((count, 5))
    electron = generator.gamma(3.0, 0.9, count) * (generator.random(count) < table["electron"][classes])
    d = shift / 0.2
    logits = np.empty((count, 5))
    charged = 0.95 + table["charged"][classes] - 0.06 * x - 0.25 * d
    logits[:, 0] = tracker * charged - 4.2 * (1.0 - tracker) + 0.5 * noise[:, 0]
    logits[:, 1] = -0.85 + 0.10 * x + 0.35 * d + 1.1 * (1.0 - tracker) + 0.75 * noise[:, 1]
    logits[:, 2] = -3.4 * tracker - 5.0 * (1.0 - tracker) + 0.7 * noise[:, 2] + electron * tracker
    neutral = 0.05 + table["photon"][classes] + 0.15 * d + 0.5 * (1.0 - tracker)
    logits[:, 3] = neutral + 0.6 * (0.8 * noise[:, 3] - 0.6 * noise[:, 0])
    logits[:, 4] = -2.8 + 0.4 * forward + 0.6 * noise[:, 4]
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = weights / weights.sum(axis=1, keepdims=True)
    return shares[:, :4] * (1.0 - muon)[:, None]


def respond(context: ArrayLike, generator: np.random.Generator) -> Floats:
    """Draw one reconstructed jet for each generated jet.

    Parameters
    ----------
    context
        Shape [n, 6]; columns pt [GeV], eta, phi [rad], mass [GeV], partonFlavour (sign ignored), nMuon. Only these
        enter the response.
    generator
        Source of randomness; the same state gives the same jets.

    Returns
    -------
    numpy.ndarray
        float64, shape [n, 16]; columns in the order of `TARGETS`, integers as whole numbers, every value inside its
        variable's range. The density of each column is written in this module's docstring.

    Raises
    ------
    ValueError
        If the shape is wrong, a number is not finite, pt is not positive, mass or nMuon are negative, or a flavour is
        unknown.

    Examples
    --------
    >>> jet = [[60.0, 0.4, 1.0, 9.0, 5, 0]]
    >>> respond(jet * 1000, np.random.default_rng(1)).shape
    (1000, 16)
    """
    rows = _checked(context)
    count = len(rows)
    pt, eta, phi, mass = rows[:, :4].T
    classes = flavour_class(rows[:, 4])
    muons = np.rint(rows[:, 5])
    few_muons = np.minimum(muons, 2.0)
    table = {key: row[classes] for key, row in FLAVOUR_TABLE.items()}
    normal, uniform = generator.standard_normal, generator.random

    distance = np.abs(eta)
    tracker = _sigmoid((2.5 - distance) / 0.12)
    muon_system = _sigmoid((2.4 - distance) / 0.08)
    forward = _sigmoid((distance - 3.0) / 0.12)
    endcap = _sigmoid((distance - 1.4) / 0.12) - forward
    x = np.log(pt / 50.0)
    above, below = np.maximum(x, 0.0), np.minimum(x, 0.0)

    regions = {"barrel": 1.0 - endcap - forward, "endcap": endcap, "forward": forward}
    noise, stochastic, constant = (
        sum(weight * RESOLUTION_TERMS[region][term] for region, weight in regions.items()) for term in range(3)
    )
    sigma = table["width"] * np.sqrt((noise / pt) ** 2 + stochastic**2 / pt + constant**2)
    bias = table["bias"] * (1.0 + np.exp(-pt / 60.0)) - table["muon_loss"] * few_muons
    bias = bias - 0.02 * (distance / 2.5) ** 2 * tracker - 0.06 * np.exp(-((distance - 3.0) ** 2) / 0.125)
    shift = sigma * normal(count)
    in_tail = uniform(count) < table["tail"] + 0.04 * few_muons
    log_response = bias + shift - table["tail_size"] * generator.exponential(size=count) * in_tail

    angular = np.sqrt(0.004**2 + (0.8 / pt) ** 2) * (1.0 + 0.6 * forward) * np.exp(-0.3 * shift)
    angular = angular * np.sqrt(8.0 / generator.chisquare(8.0, count))
    eta_reco = eta + angular * normal(count)
    phi_reco = phi + 1.15 * angular * normal(count)

    gluon_narrowing = 0.1 * np.exp(-pt / 40.0) * (classes == 4)
    mass_width = 0.05 + 0.5 / np.sqrt(pt) + 0.05 * forward
    mass_scale = np.exp(0.9 * log_response + 0.06 + 1.2 / pt - gluon_narrowing + mass_width * normal(count))
    granularity = 0.8 * (pt / 30.0) ** 0.4 * np.exp(0.35 * normal(count))
    mass_reco = np.sqrt((mass * mass_scale) ** 2 + granularity**2)

    turn_on = _sigmoid((np.log(pt) - np.log(22.0)) / 0.5)
    vertices = np.minimum(generator.poisson(table["vertices"] * tracker * turn_on * (1.0 + 0.15 * above)), 8)
    few_vertices = np.minimum(vertices, 2)

    separation = _sigmoid((np.log(pt) - np.log(12.0)) / 0.4)
    tag_noise = normal(count)
    b_logit = tracker * (table["b"] * separation * (1.0 + 0.15 * below) + 0.9 * few_vertices)
    b_logit += -3.0 * (1.0 - tracker) + (0.8 + 0.7 * tracker) * tag_noise
    b_logit += 1.4 * generator.exponential(size=count) * (uniform(count) < 0.15)
    rho = table["rho"]
    c_noise = rho * tag_noise + np.sqrt(1.0 - rho**2) * normal(count)
    c_logit = tracker * (table["c"] * separation + 0.35 * few_vertices)
    c_logit += -1.5 * (1.0 - tracker) + (0.7 + 0.4 * tracker) * c_noise

    growth = (pt / 30.0) ** 0.42 * (1.0 - 0.5 * forward)
    expected = table["n"] * growth * np.exp(0.3 * (log_response - bias)) - 1.0
    constituents = 1 + generator.poisson(np.maximum(expected, 0.1) * generator.gamma(12.0, 1.0 / 12.0, count))
    constituents = np.minimum(constituents, 255)
    quark = table["q"] + 0.25 * x - 2.2 * np.log(constituents / (11.5 * growth)) + normal(count)

    efficiency = muon_system * (0.25 + 0.6 * (1.0 - np.exp(-np.maximum(pt - 15.0, 0.0) / 60.0)))
    muons_reco = generator.binomial(muons.astype(np.int64), efficiency)
    muons_reco = np.minimum(muons_reco + generator.poisson(0.004 * muon_system * np.sqrt(pt / 50.0)), 20)
    muon_share = _sigmoid(-1.6 + 0.4 * (muons_reco - 1) - 0.2 * x + 1.1 * normal(count)) * (muons_reco > 0)

    shares = _fractions(classes, pt, tracker, forward, shift, muon_share, generator)
    failing = 0.003 + _sigmoid((np.maximum(shares[:, 1], shares[:, 3]) - 0.9) / 0.015)
    vetoed = 0.006 + _sigmoid((np.maximum(shares[:, 2], muon_share) - 0.8) / 0.02)
    identification = np.where(uniform(count) < vetoed, 2.0, 6.0)
    identification = np.where(uniform(count) < failing, 0.0, identification)

    result = np.column_stack(
        (
            pt * np.exp(log_response),
            eta_reco,
            (phi_reco + np.pi) % (2.0 * np.pi) - np.pi,
            mass_reco,
            _squash(b_logit),
            _squash(c_logit),
            _squash(quark),
            identification,
            constituents,
            shares,
            muon_share,
            muons_reco,
            vertices,
        )
    )
    return np.clip(result, [variable.low for variable in TARGETS], [variable.high for variable in TARGETS])
