"""Efficiencies of oversampled events, against sums over GEN events in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

import flashsim
from histories import EDGES, fill
from oracle import find_bins, number_cells, oversampled_cells
from samples import make_rows

pytestmark = pytest.mark.usefixtures("no_directory")

N_CELLS = len(EDGES["x"]) + 1


def make_passing(n_gen: int = 80, seed: int = 1, positive: bool = True):
    """RECO events of which some pass, those of one GEN event more or less alike."""
    rows = make_rows(n_gen, seed)
    if positive:
        rows["w"] = np.abs(rows["w"]) + 0.1
    _, gen = np.unique(rows["genEvent"], return_inverse=True)
    rng = np.random.default_rng(seed)
    chance = rng.beta(0.7, 0.7, gen.max() + 1)[gen]
    rows["passed"] = rng.random(len(gen)) < chance
    return rows


ROWS = make_passing()
MODEL = ("eff", "title;x [GeV];efficiency of x", len(EDGES["x"]) - 1, EDGES["x"])


def book(rows, **options):
    return ROOT.RDF.FromNumpy(rows).OversampledEfficiency1D(MODEL, "x", "passed", "w", **options)


def joint(rows, **edges):
    """The statistics of failed and passed values, in cells of values, failed first."""
    edges = edges or {"x": EDGES["x"]}
    bins = [find_bins(rows[name], of_axis) for name, of_axis in edges.items()]
    cells = number_cells(bins, [len(of_axis) - 1 for of_axis in edges.values()])
    n_cells = int(np.prod([len(of_axis) + 1 for of_axis in edges.values()]))
    both = cells + n_cells * rows["passed"].astype(int)
    return oversampled_cells(rows["genEvent"], rows["reco"], rows["foldSize"], both, 2 * n_cells, rows["w"]), n_cells


def propagated(rows, of_joint, **edges):
    """Efficiencies, and a matrix of failed and passed contents propagated to them."""
    sums, n = joint(rows, **edges)
    failed, passed = sums.content[:n], sums.content[n:]
    total = np.where(failed + passed, failed + passed, np.nan)
    efficiency = passed / total
    gradient = np.hstack([np.diag(-efficiency / total), np.diag((1 - efficiency) / total)])
    matrix = of_joint(sums)
    filled = np.isfinite(efficiency)
    result = np.full((n, n), np.nan)
    result[np.ix_(filled, filled)] = gradient[filled] @ matrix @ gradient[filled].T
    return efficiency, result


def directly(rows):
    """Efficiencies and their covariance, from the definition, by GEN events."""
    _, gen = np.unique(rows["genEvent"], return_inverse=True)
    bins = find_bins(rows["x"], EDGES["x"])
    total, passed = np.zeros((2, gen.max() + 1, N_CELLS))
    np.add.at(total, (gen, bins), rows["w"] / rows["foldSize"])
    np.add.at(passed, (gen, bins), rows["passed"] * rows["w"] / rows["foldSize"])
    with np.errstate(invalid="ignore"):
        efficiency = passed.sum(0) / total.sum(0)
        residuals = (passed - efficiency * total) / total.sum(0)
    return efficiency, residuals.T @ residuals


def test_against_the_definition():
    efficiency, covariance = directly(ROWS)
    found = book(ROWS)
    np.testing.assert_allclose(found.values(flow=True), efficiency, rtol=1e-12)
    np.testing.assert_allclose(found.covariance(flow=True), covariance, rtol=1e-9, atol=1e-16)
    np.testing.assert_allclose(found.variances(flow=True), np.diagonal(covariance), rtol=1e-9, atol=1e-16)
    np.testing.assert_allclose(found.covariance(), covariance[1:-1, 1:-1], rtol=1e-9, atol=1e-16)
    for cell in range(N_CELLS):
        assert found.GetEfficiency(cell) == pytest.approx(efficiency[cell], rel=1e-12)
        assert found.GetEfficiencyError(cell) == pytest.approx(np.sqrt(covariance[cell, cell]), rel=1e-9)
        assert found.GetEfficiencyCovariance(3, cell) == pytest.approx(covariance[3, cell], rel=1e-9)
    values, edges = found.to_numpy()
    np.testing.assert_array_equal(values, found.values())
    np.testing.assert_allclose(edges, EDGES["x"])


def test_naive_and_other_fold_sizes():
    n = 2 * N_CELLS
    found = book(ROWS)
    _, naive = propagated(ROWS, lambda sums: np.diag(sums.naive))
    errors = [found.GetEfficiencyErrorNaive(cell) for cell in range(N_CELLS)]
    np.testing.assert_allclose(errors, np.sqrt(np.diagonal(naive)), rtol=1e-9)
    many = {**ROWS, "foldSize": np.maximum(ROWS["foldSize"], 2)}  # with a fold size of 1, the limit is not known
    found = book(many)
    _, limit = propagated(many, lambda sums: sums.limit_covariance)
    _, five = propagated(many, lambda sums: sums.limit_covariance + sums.fold_covariance / 5)
    assert joint(many)[0].limit_covariance.shape == (n, n)
    for cell in range(N_CELLS):
        assert found.GetEfficiencyErrorLimit(cell) == pytest.approx(np.sqrt(max(limit[cell, cell], 0)), rel=1e-6)
        assert found.GetEfficiencyErrorForFoldSize(cell, 5) == pytest.approx(
            np.sqrt(max(five[cell, cell], 0)), rel=1e-6
        )
    with pytest.raises(Exception, match="at least 1, not 0"):
        found.GetEfficiencyErrorForFoldSize(3, 0)


def test_what_plain_root_says_is_wrong():
    """The size of the error of TEfficiency, which takes GEN events for independent trials of independent bins."""
    rows = make_passing(400, seed=3)
    passed = {name: column[rows["passed"]] for name, column in rows.items()}
    efficiency = book(rows)
    total = ROOT.RDF.FromNumpy(rows).OversampledTH1D(MODEL, "x", "w").GetValue()
    selected = ROOT.RDF.FromNumpy(passed).OversampledTH1D(MODEL, "x", "w").GetValue()
    plain = ROOT.TEfficiency(selected.MakeTH(), total.MakeTH())
    ratios = [plain.GetEfficiencyErrorUp(cell) / efficiency.GetEfficiencyError(cell) for cell in range(1, N_CELLS - 1)]
    assert np.max(np.abs(np.array(ratios) - 1)) > 0.1


@pytest.mark.parametrize("threads", [1, 2], indirect=True)
def test_threads(threads):
    efficiency, covariance = directly(ROWS)
    found = book(ROWS)
    np.testing.assert_allclose(found.values(flow=True), efficiency, rtol=1e-12)
    np.testing.assert_allclose(found.covariance(flow=True), covariance, rtol=1e-9, atol=1e-16)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), n_gen=st.integers(1, 60))
def test_any_sample(seed, n_gen):
    rows = make_passing(n_gen, seed, positive=False)
    _, covariance = propagated(rows, lambda sums: sums.covariance)
    np.testing.assert_allclose(book(rows).covariance(flow=True), covariance, rtol=1e-6, atol=1e-9)


def test_two_dimensions():
    model = ("eff", ";x;y;efficiency", len(EDGES["x"]) - 1, EDGES["x"], 4, 0, 8)
    found = ROOT.RDF.FromNumpy(ROWS).OversampledEfficiency2D(model, "x", "y", "passed", "w")
    assert found.GetDimension() == 2
    edges = {"x": EDGES["x"], "y": np.linspace(0, 8, 5)}
    efficiency, covariance = propagated(ROWS, lambda sums: sums.covariance, **edges)
    shape = (len(EDGES["x"]) + 1, 6)
    np.testing.assert_allclose(found.values(flow=True), efficiency.reshape(shape, order="F"), rtol=1e-12)
    order = np.arange(len(efficiency)).reshape(shape, order="F").ravel()
    np.testing.assert_allclose(found.covariance(flow=True), covariance[np.ix_(order, order)], rtol=1e-6, atol=1e-12)
    assert found.MakeTH().ClassName() == "TH2D"
    with pytest.raises(Exception, match="has two dimensions, and no graph"):
        found.MakeGraph()


def test_rebinned():
    found = flashsim.OversampledEfficiency(book(ROWS).filled.RebinX(3, "coarse"))
    efficiency, covariance = propagated(ROWS, lambda sums: sums.covariance, x=EDGES["x"][::3])
    np.testing.assert_allclose(found.values(flow=True), efficiency, rtol=1e-12)
    np.testing.assert_allclose(found.covariance(flow=True), covariance, rtol=1e-9, atol=1e-14)


def test_through_files(tmp_path):
    found = book(ROWS)
    with ROOT.TFile(str(tmp_path / "h.root"), "recreate"):
        found.filled.Write()
    again = flashsim.OversampledEfficiency(flashsim.read(tmp_path / "h.root", "eff"))
    np.testing.assert_array_equal(again.covariance(), found.covariance())


def test_variations():
    df = ROOT.RDF.FromNumpy(ROWS).Vary("x", "ROOT::RVecD{x - 1, x + 1}", ["down", "up"])
    booked = df.OversampledEfficiency1D(MODEL, "x", "passed", "w")
    varied = ROOT.RDF.Experimental.VariationsFor(booked.filled)
    up = flashsim.OversampledEfficiency(varied["x:up"])
    efficiency, _ = directly({**ROWS, "x": ROWS["x"] + 1})
    np.testing.assert_allclose(up.values(flow=True), efficiency, rtol=1e-12)


def test_collections_and_numbers():
    """Objects of a RECO event, of which each passes or not; 0 and 1 instead of bool."""
    df = ROOT.RDataFrame(40).Define("genEvent", "rdfentry_ / 10")
    df = df.Define("x", "ROOT::RVecD{1. + rdfentry_ % 3, 5.}").Define("passed", "ROOT::RVecI{int(rdfentry_ % 2), 1}")
    found = df.OversampledEfficiency1D(("e", "", 2, 0, 8), "x", "passed", fold_size=10)
    assert found.values().tolist() == [0.5, 1.0]


def test_where_all_or_none_passed():
    df = ROOT.RDataFrame(400).Define("genEvent", "rdfentry_ / 10").Define("x", "double(rdfentry_ % 2)")
    found = df.Define("passed", "x > 0").OversampledEfficiency1D(("e", "", 3, -0.5, 2.5), "x", "passed", fold_size=10)
    assert [found.GetEfficiency(1), found.GetEfficiency(2)] == [0, 1]
    assert np.isnan(found.GetEfficiency(3))
    assert [found.GetEfficiencyError(1), found.GetEfficiencyError(2)] == [0, 0]
    bound = ROOT.TEfficiency.ClopperPearson(40, 0, 0.682689492137, True)  # 40 GEN events of weight 0.5 each
    assert [found.GetEfficiencyErrorLow(1), found.GetEfficiencyErrorUp(1)] == [0, pytest.approx(bound)]
    assert [found.GetEfficiencyErrorLow(2), found.GetEfficiencyErrorUp(2)] == [pytest.approx(bound), 0]
    assert found.MakeGraph().GetN() == 2


def test_graph_and_histogram():
    found = book(ROWS)
    graph, plain = found.MakeGraph(), found.MakeTH()
    assert plain.ClassName() == "TH1D"
    assert plain.GetXaxis().GetTitle() == graph.GetXaxis().GetTitle() == "x [GeV]"
    assert plain.GetYaxis().GetTitle() == graph.GetYaxis().GetTitle() == "efficiency of x"
    for point in range(graph.GetN()):
        cell = plain.FindBin(graph.GetPointX(point))
        assert graph.GetPointY(point) == plain.GetBinContent(cell) == found.GetEfficiency(cell)
        assert graph.GetErrorYhigh(point) == found.GetEfficiencyErrorUp(cell)
        assert plain.GetBinError(cell) == found.GetEfficiencyError(cell)
    canvas = ROOT.TCanvas()
    found.Draw()
    canvas.Update()
    assert [item.ClassName() for item in canvas.GetListOfPrimitives() if "Graph" in item.ClassName()]


def test_mistakes():
    with pytest.raises(ValueError, match="some fills neither passed nor failed"):
        book({**ROWS, "passed": 2 * ROWS["passed"].astype(int)}).values()
    with pytest.raises(ValueError, match=r"the last axis has 7 bins. Expected two"):
        flashsim.OversampledEfficiency(fill(ROWS_OF_FILLS, "xy")).values()
    without = ROOT.RDF.FromNumpy(ROWS).OversampledTH2D((*MODEL, 2, -0.5, 1.5), "x", "passed", "w")
    with pytest.raises(RuntimeError, match="an efficiency needs the correlations of bins"):
        flashsim.OversampledEfficiency(without).values()
    for option in ("group", "covariance"):
        with pytest.raises(TypeError, match=rf"efficiency_1d\(\) got an unexpected keyword argument '{option}'"):
            ROOT.RDF.FromNumpy(ROWS).OversampledEfficiency1D(MODEL, "x", "passed", **{option: "event"})
    with pytest.raises(TypeError, match="model must be"):
        ROOT.RDF.FromNumpy(ROWS).OversampledEfficiency1D(("eff", ""), "x", "passed")
    with pytest.raises(RuntimeError, match="nothing"):
        ROOT.RDF.FromNumpy(ROWS).OversampledEfficiency1D(MODEL, "x", "nothing")
    with pytest.raises(Exception, match=r"has no bin 14. Expected 0 to 13"):
        book(ROWS).GetEfficiency(14)
    with pytest.raises(AttributeError):
        book(ROWS).GetNothing()


ROWS_OF_FILLS = {**make_rows(20)}


def two():
    return fill(ROWS_OF_FILLS, "x", name="passed"), fill(ROWS_OF_FILLS, "x", name="total")


REFUSED = {
    "TEfficiency": lambda p, t: ROOT.TEfficiency(p, t),
    "TEfficiency of one": lambda p, t: ROOT.TEfficiency(p, t.MakeTH()),
    "TEfficiency::SetPassedHistogram": lambda p, t: ROOT.TEfficiency().SetPassedHistogram(p, "f"),
    "TGraphAsymmErrors": lambda p, t: ROOT.TGraphAsymmErrors(p, t),
    "TGraphAsymmErrors::Divide": lambda p, t: ROOT.TGraphAsymmErrors().Divide(p, t, "n"),
    "TGraphAsymmErrors::BayesDivide": lambda p, t: ROOT.TGraphAsymmErrors().BayesDivide(p, t),
    "TRatioPlot": lambda p, t: ROOT.TRatioPlot(p, t),
    "TH1::Divide": lambda p, t: p.MakeTH().Divide(p, t),
    "TH1::Divide B": lambda p, t: p.MakeTH().Divide(p, t, 1, 1, "B"),
    "TH1::Divide B of one": lambda p, t: p.MakeTH().Divide(p, t.MakeTH(), 1, 1, "B"),
    "TH1::Multiply": lambda p, t: p.MakeTH().Multiply(p, t),
    "efficiency of": lambda p, t: p.efficiency(t),
}


@pytest.mark.parametrize("case", REFUSED)
def test_two_histograms_do_not_make_an_efficiency(case):
    passed, total = two()
    with pytest.raises(RuntimeError, match=rf"^{case.partition(' ')[0]} .*OversampledEfficiency1D"):
        REFUSED[case](passed, total)


def test_plain_histograms_do_as_ever():
    passed, total = (histogram.MakeTH() for histogram in two())
    assert ROOT.TEfficiency(passed, total).GetEfficiency(3) == 1
    ratio = passed.Clone("ratio")
    assert ratio.Divide(passed, total, 1, 1, "B")
    assert ratio.GetBinContent(3) == 1
    assert ROOT.TGraphAsymmErrors(two()[0]).GetN() == 12
    assert passed.Divide(two()[1])
