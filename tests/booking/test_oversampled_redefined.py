"""Other columns under the names of FlashSim's own: histograms go by the content of a column."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import distributed_cases as cases
from gen_events import snapshot
from oracle import check, oversampled

EDGES = np.linspace(0, 300, 11)
MODEL = ("pt", ";p_{T}", 10, 0.0, 300.0)
FOLD_SIZE = 3
NEIGHBOURS, SCATTERED = "static_cast<ULong64_t>(genEvent / 5)", "static_cast<ULong64_t>(genEvent % 50)"
"""Five GEN events as one, side by side and apart: they lie in different blocks."""


def leading_jets(df, flow):
    return (
        df.FlashSim(flow, fold_size=FOLD_SIZE, block_size=30, chunk_size=37)
        .Filter("nJet > 0")
        .Define("leading", "Jet_pt[0]")
    )


def expected(node, fold_size=5 * FOLD_SIZE):
    arrays = node.AsNumpy(["genEvent", "leading", "genWeight"])
    of_event = arrays["genEvent"]
    rows = np.arange(len(of_event))  # each entry is a RECO event of its own
    return oversampled(of_event, rows, np.full(len(rows), fold_size), arrays["leading"], arrays["genWeight"], EDGES)


@pytest.mark.parametrize(("redefined", "contiguous"), [(NEIGHBOURS, True), (NEIGHBOURS, False), (SCATTERED, False)])
def test_redefined_gen_event(gen_dataset, threads, tiny_flow, redefined, contiguous):
    """Before and after a Filter, and by the name of an Alias."""
    sim = leading_jets(ROOT.RDataFrame("Events", gen_dataset), tiny_flow)
    before = sim.Redefine("genEvent", redefined).Filter("leading > 40")
    after = sim.Filter("leading > 40").Redefine("genEvent", redefined)
    options = {"fold_size": 5 * FOLD_SIZE, "contiguous": contiguous, "covariance": True}
    histograms = [
        before.OversampledTH1D(MODEL, "leading", "genWeight", **options),
        after.OversampledTH1D(MODEL, "leading", "genWeight", **options),
        after.Alias("number", "genEvent").OversampledTH1D(MODEL, "leading", "genWeight", event="number", **options),
    ]
    wanted = expected(after)
    assert wanted.gen_events <= 50
    for histogram in histograms:
        check(histogram, wanted, covariance=True)


def test_own_gen_event_by_another_name(gen_files, threads, tiny_flow):
    sim = leading_jets(ROOT.RDataFrame("Events", gen_files["TTree"]), tiny_flow).Alias("number", "genEvent")
    histogram = sim.Alias("same", "number").OversampledTH1D(MODEL, "leading", "genWeight", event="same")
    check(histogram, expected(sim, fold_size=FOLD_SIZE))


def test_scattered_gen_events_taken_as_contiguous(gen_files, threads, tiny_flow):
    """They raise an error, as for any other column."""
    sim = leading_jets(ROOT.RDataFrame("Events", gen_files["TTree"]), tiny_flow).Redefine("genEvent", SCATTERED)
    histogram = sim.OversampledTH1D(MODEL, "leading", fold_size=5 * FOLD_SIZE)
    try:
        content = histogram.GetBinContent(1)
    except Exception as error:
        assert "appears again after other GEN events" in str(error)
    else:
        assert threads > 1  # they find it at their end, where ROOT allows no exception
        assert np.isnan(content)


def test_varied_gen_event(gen_files, threads, tiny_flow):
    sim = leading_jets(ROOT.RDataFrame("Events", gen_files["TTree"]), tiny_flow)
    varied = sim.Vary("genEvent", f"ROOT::RVec<ULong64_t>{{{NEIGHBOURS}, genEvent}}", ["five", "one"], "unit")
    nominal = varied.OversampledTH1D(MODEL, "leading", "genWeight", fold_size=5 * FOLD_SIZE)
    variations = ROOT.RDF.Experimental.VariationsFor(nominal)
    check(variations["nominal"], expected(sim))
    check(variations["unit:one"], expected(sim))
    check(variations["unit:five"], expected(sim.Redefine("genEvent", NEIGHBOURS)))


def test_redefined_fold_size(gen_files, threads, tiny_flow):
    sim = leading_jets(ROOT.RDataFrame("Events", gen_files["TTree"]), tiny_flow)
    sim = sim.Redefine("foldSize", f"static_cast<short>({5 * FOLD_SIZE})").Redefine("genEvent", NEIGHBOURS)
    check(sim.OversampledTH1D(MODEL, "leading", "genWeight"), expected(sim))


@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
def test_read_back_and_redefined(gen_files, two_threads, tiny_flow, tmp_path, ntuple):
    sim = leading_jets(ROOT.RDataFrame("Events", gen_files["TTree"]), tiny_flow)
    columns = ["genEvent", "foldIndex", "foldSize", "leading", "genWeight"]
    path = snapshot(sim, tmp_path / "sim.root", columns, ntuple=ntuple, cluster=20)
    sim = ROOT.RDataFrame("Events", path).Redefine("genEvent", NEIGHBOURS)
    check(
        sim.OversampledTH1D(MODEL, "leading", "genWeight", fold_size=5 * FOLD_SIZE, contiguous=False),
        expected(sim),
    )


def test_distributed(gen_files, dask_client, tiny_flow):
    """Partitions cut the five GEN events of a number too."""
    files = gen_files["TChain"]
    node = leading_jets(cases.Cluster(dask_client, 4).open("Events", files), tiny_flow)
    histogram = node.Redefine("genEvent", NEIGHBOURS).OversampledTH1D(
        MODEL, "leading", "genWeight", fold_size=5 * FOLD_SIZE, covariance=True
    )
    local = leading_jets(ROOT.RDataFrame("Events", files), tiny_flow).Redefine("genEvent", NEIGHBOURS)
    check(histogram.GetValue(), expected(local), covariance=True)
