"""The chi2 of histograms with their covariance, where bins have no error or are nearly one."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401
from histories import FILLS, fill
from oracle import matrix
from samples import select

pytestmark = pytest.mark.usefixtures("no_directory")


def test_chi2_where_there_is_no_error():
    """A difference without an error is impossible; no difference carries no information."""
    histogram = fill(FILLS, "x", covariance=True)
    shifted = histogram.MakeTH()
    shifted.Reset()
    empty = fill(select(FILLS, FILLS["x"] < 5), "x")
    (without_error,) = [i for i in range(1, 13) if empty.GetBinError(i) == 0][-1:]
    nothing = empty.Chi2WithCovariance(shifted)
    assert nothing.fNdf == sum(empty.GetBinError(i) > 0 for i in range(1, 13)) < 12
    assert np.isfinite(nothing.fChi2)
    shifted.SetBinContent(without_error, 1.0)
    shifted.SetBinError(without_error, 0.0)
    impossible = empty.Chi2WithCovariance(shifted)
    assert (impossible.fChi2, impossible.fProbability, impossible.fNdf) == (np.inf, 0, nothing.fNdf)
    histogram.Reset()
    both_empty = histogram.Chi2WithCovariance(histogram)
    assert (both_empty.fChi2, both_empty.fNdf, both_empty.fProbability) == (0, 0, 1)


def test_chi2_of_bins_that_are_nearly_one():
    """Two bins whose correlation is 0.9998: their difference is known well, and counts."""
    w = np.repeat(np.random.default_rng(1).normal(10, 3, 200), 2)
    w[1::2] *= np.where(np.arange(200) % 2, 1.005, 0.995)
    rows = {
        "genEvent": np.repeat(np.arange(200, dtype=np.uint64), 2),
        "x": np.resize([0.5, 1.5], 400),
        "w": w,
    }
    histogram = ROOT.RDF.FromNumpy(rows).OversampledTH1D(("h", "", 2, 0.0, 2.0), "x", "w", fold_size=2, covariance=True)
    other = histogram.MakeTH()
    other.Reset()
    other.SetBinContent(1, histogram.GetBinContent(1) + 1)
    other.SetBinContent(2, histogram.GetBinContent(2) - 1)
    for i in (1, 2):
        other.SetBinError(i, 0)
    covariance = matrix(histogram.GetCovarianceMatrix())
    assert 1e-10 < 1 - histogram.GetBinCorrelation(1, 2) < 1e-3
    wanted = np.array([-1.0, 1.0]) @ np.linalg.solve(covariance, [-1.0, 1.0])
    result = histogram.Chi2WithCovariance(other)
    assert (result.fChi2, result.fNdf) == (pytest.approx(wanted, rel=1e-6), 2)
