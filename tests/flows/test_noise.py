"""Counter-based noise: Philox against numpy's, the normal quantile against scipy's, and the keys."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

import flashsim

cpp = flashsim._library.cpp()
WORD = st.integers(0, 2**64 - 1)

ROOT.gInterpreter.Declare("""
std::array<std::uint64_t, 4> flashsim_test_philox(std::uint64_t c0, std::uint64_t c1, std::uint64_t c2,
                                                  std::uint64_t c3, std::uint64_t k0, std::uint64_t k1)
{
   return FlashSim::Philox4x64({c0, c1, c2, c3}, {k0, k1});
}
""")


def numpy_philox(counter, key, words=4):
    """numpy counts up before it draws, so it is started one earlier."""
    start = (sum(int(word) << (64 * i) for i, word in enumerate(counter)) - 1) % 2**256
    bits = np.random.Philox(counter=start, key=sum(int(word) << (64 * i) for i, word in enumerate(key)))
    return [int(word) for word in bits.random_raw(words)]


@given(st.tuples(WORD, WORD, WORD, WORD), st.tuples(WORD, WORD))
def test_philox_equals_numpys(counter, key):
    words = ROOT.flashsim_test_philox(*counter, *key)  # named, so that it outlives the iteration
    assert [int(word) for word in words] == numpy_philox(counter, key)


def mixed_key(seed: int, flow_key: int) -> int:
    """The documented mixing of seed and flow, written independently: SplitMix64's finaliser, twice."""

    def mix(x):
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) % 2**64
        return x ^ (x >> 31)

    return mix((seed + mix(flow_key)) % 2**64)


PURPOSES = cpp.ENoisePurpose


def row(
    run=0, luminosity_block=0, event=0, fold_index=0, obj=0, is_entry=False, source=0, copy=0, purpose=PURPOSES.kFlow
):
    result = cpp.NoiseRow()
    result.fEvent.fRun = run
    result.fEvent.fLuminosityBlock = luminosity_block
    result.fEvent.fEvent = event
    result.fEvent.fIsEntryNumber = is_entry
    result.fFoldIndex = fold_index
    result.fObject = obj
    result.fSource = source
    result.fCopy = copy
    result.fPurpose = purpose
    return result


def draw(count, seed, flow_key, who):
    noise = cpp.GaussianNoise(count, seed, flow_key, who)
    return np.array([float(value) for value in noise])


SEED, FLOW_KEY = 7, 12345


def uniform_draws(count, who):
    return np.array(list(cpp.UniformNoise(count, SEED, FLOW_KEY, who)))


def expected_uniform(count, event, *, objects, runs, last_word=0):
    """The documented key and counter, written independently."""
    words = []
    for block in range(-(-count // 4)):
        words += numpy_philox([block, objects, runs, last_word], [mixed_key(SEED, FLOW_KEY), event])
    return (np.array([word >> 11 for word in words[:count]], dtype=np.float64) + 0.5) * 2.0**-53


def test_noise_is_the_normal_quantile_of_philox_words():
    noise = draw(10, SEED, FLOW_KEY, row(3, 4, 2**40 + 5, fold_index=6, obj=9))
    uniform = expected_uniform(10, 2**40 + 5, objects=6 << 32 | 9, runs=3 << 32 | 4)
    np.testing.assert_allclose(noise, ndtri(uniform), rtol=1e-7)  # float32


@pytest.mark.parametrize(("given", "last_word"), [
    ({}, 0),
    ({"is_entry": True}, 1),
    ({"purpose": PURPOSES.kEfficiency}, 1 << 32),
    ({"purpose": PURPOSES.kMultiplicity}, 2 << 32),
    ({"purpose": PURPOSES.kDuplicates, "copy": 4095}, 3 << 32 | 4095 << 40),
    ({"copy": 5, "source": 4095, "is_entry": True}, 1 | 5 << 40 | 4095 << 52),
])  # fmt: skip
def test_uniform_draws_are_philox_words(given, last_word):
    uniform = expected_uniform(7, 11, objects=2 << 32 | 9, runs=0, last_word=last_word)
    np.testing.assert_array_equal(uniform_draws(7, row(event=11, fold_index=2, obj=9, **given)), uniform)


@pytest.mark.parametrize("other", [{"copy": 4096}, {"source": 4096}])
def test_numbers_that_do_not_fit_into_the_key_are_refused(other):
    with pytest.raises(Exception, match="too large for the noise's key"):
        cpp.UniformNoise(1, 0, 0, row(**other))
    with pytest.raises(Exception, match="too large for the noise's key"):
        cpp.GaussianNoise(1, 0, 0, row(**other))


@pytest.mark.parametrize("other", [
    {"run": 1}, {"luminosity_block": 1}, {"event": 1}, {"fold_index": 1}, {"obj": 1}, {"is_entry": True},
    {"source": 1}, {"copy": 1}, {"purpose": PURPOSES.kEfficiency}, {"purpose": PURPOSES.kMultiplicity},
    {"purpose": PURPOSES.kDuplicates},
])  # fmt: skip
def test_everything_that_names_a_row_changes_its_noise(other):
    assert (draw(4, 0, 0, row()) != draw(4, 0, 0, row(**other))).all()
    assert (uniform_draws(4, row()) != uniform_draws(4, row(**other))).all()


def test_seed_and_flow_change_the_noise():
    reference = draw(4, 0, 0, row())
    assert (draw(4, 1, 0, row()) != reference).all()
    assert (draw(4, 0, 1, row()) != reference).all()


def test_noise_is_standard_normal_and_uncorrelated():
    noise = np.array([draw(16, 1, 2, row(event=event)) for event in range(20000)])
    n = noise.size
    assert abs(noise.mean()) < 5 / np.sqrt(n)
    assert abs(noise.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((noise**4).mean() - 3) < 5 * np.sqrt(96 / n)
    correlation = np.corrcoef(noise.T) - np.eye(16)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(noise))


def test_the_tails_are_those_of_the_normal_distribution():
    noise = np.array([draw(64, 5, 2, row(event=event)) for event in range(15000)])
    for cut in (1, 2, 3, 4):
        expected = 2 * ndtr(-cut) * noise.size
        assert abs((np.abs(noise) > cut).sum() - expected) < 5 * np.sqrt(expected)
