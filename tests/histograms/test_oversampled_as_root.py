"""Oversampled histograms where ROOT expects its own: copied, pickled, drawn, stacked, fitted."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import ROOT

from oracle import check
from samples import expected, make_rows
from stored_histograms import EDGES, KINDS, edges_of, fill, names_of, numbers_of

pytestmark = pytest.mark.usefixtures("no_directory")


@pytest.fixture(scope="module")
def rows():
    return make_rows(n_gen=80)


@pytest.fixture(scope="module")
def other_rows():
    return make_rows(n_gen=50, seed=2)


@pytest.mark.parametrize("kind", KINDS)
def test_copies(kind, rows):
    histogram, wanted = fill(rows, kind), expected(rows, names_of(kind), edges_of(kind))
    kind_of = getattr(ROOT.FlashSim, f"OversampledTH{kind}")
    assigned, filled_into = kind_of(), kind_of()
    assigned.__assign__(histogram)
    histogram.Copy(filled_into)
    copies = [
        assigned,
        filled_into,
        histogram.Clone("clone"),
        kind_of(histogram),
        pickle.loads(pickle.dumps(histogram)),
    ]
    histogram.Reset()
    assert histogram.HasFoldInformation()
    assert (histogram.GetBinContent(15), histogram.GetBinErrorNaive(15), histogram.GetNGenEvents()) == (0, 0, 0)
    for copy in copies:
        assert copy.ClassName() == f"FlashSim::OversampledTH{kind}"
        check(copy, wanted, covariance=True)
    plain = getattr(ROOT, f"TH{kind}")()
    copies[0].Copy(plain)
    np.testing.assert_array_equal(numbers_of(plain), numbers_of(copies[0]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "option",
    ["", *(pytest.param(name, marks=pytest.mark.slow) for name in ("E", "HIST", "COLZ", "TEXT", "BOX", "LEGO"))],
)
def test_draws(kind, option, rows, tmp_path):
    canvas = ROOT.TCanvas()
    histogram = fill(rows, kind)
    histogram.Draw(option)
    canvas.Update()
    canvas.SaveAs(str(tmp_path / "h.png"))
    assert (tmp_path / "h.png").stat().st_size > 1000
    check(histogram, expected(rows, names_of(kind), edges_of(kind)), covariance=True)


@pytest.mark.parametrize("kind", ["1D", "1F", "2D"])
def test_stacks(kind, rows, other_rows, tmp_path):
    first, second = fill(rows, kind), fill(other_rows, kind, "other")
    stack = ROOT.THStack("stack", "")
    stack.Add(first)
    stack.Add(second)
    total = stack.GetStack().Last()
    for cell in range(first.GetNcells()):
        assert total.GetBinContent(cell) == pytest.approx(
            first.GetBinContent(cell) + second.GetBinContent(cell), rel=1e-6
        )
        wanted = np.hypot(first.GetBinError(cell), second.GetBinError(cell))
        assert total.GetBinError(cell) == pytest.approx(wanted, rel=1e-12)
    canvas = ROOT.TCanvas()
    stack.Draw("HIST")
    canvas.SaveAs(str(tmp_path / "stack.png"))
    assert (tmp_path / "stack.png").stat().st_size > 1000
    check(first, expected(rows, names_of(kind), edges_of(kind)), covariance=True)


@pytest.mark.parametrize(
    ("kind", "formula"), [("1D", "[0] + [1] * x"), ("1F", "[0]"), ("2D", "[0] + [1] * x + [2] * y")]
)
def test_fits(kind, formula, rows):
    """As the plain histogram with the same errors."""
    histogram = fill(rows, kind)
    plain = histogram.MakeTH()
    function = {"1": ROOT.TF1, "2": ROOT.TF2}[kind[0]]
    results = []
    for one in (histogram, plain):
        f = function("f", formula, *[bound for axis in names_of(kind) for bound in (EDGES[axis][0], EDGES[axis][-1])])
        fit = one.Fit(f, "SQN")
        assert int(fit) == 0
        results.append([fit.Chi2(), *[fit.Parameter(i) for i in range(f.GetNpar())], fit.ParError(0)])
    np.testing.assert_allclose(*results, rtol=1e-9)
    check(histogram, expected(rows, names_of(kind), edges_of(kind)), covariance=True)
