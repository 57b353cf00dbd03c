"""Errors of event loops in Python: this package's message alone, wherever the loop was started; those of others as they
are."""

from __future__ import annotations

import subprocess
import sys
import traceback

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401
import tiny_flows

MESSAGE = "in entry 7, context variable 'pt' of GenJet 0 (column 'GenJet_pt') is nan; flow 'tiny' needs finite numbers."


def make_gen():
    df = ROOT.RDataFrame(20).Define("event", "rdfentry_").Define("GenJet_eta", "ROOT::RVecF{1}")
    return df.Define("GenJet_pt", "ROOT::RVecF{event == 7 ? NAN : 50}")


@pytest.fixture(scope="module")
def sim(tiny_flow):
    return make_gen().FlashSim(tiny_flow, fold_size=2).Define("pt", "Jet_pt[0]")


@pytest.fixture(scope="module")
def good(tiny_flow):
    return make_gen().Filter("event < 7").FlashSim(tiny_flow, fold_size=2).Define("pt", "Jet_pt[0]")


def assert_clean(error: BaseException, message: str) -> None:
    assert type(error) is RuntimeError
    assert str(error).startswith(message)
    shown = "".join(traceback.format_exception(error))
    assert "=>" not in shown  # what cppyy writes between a signature and the message
    assert "runtime_error" not in shown
    assert isinstance(error.__context__, (ROOT.std.runtime_error, TypeError))  # for who wants to know


MODEL = ("h", "", 2, 0.0, 100.0)
WAYS = {
    "GetValue": lambda sim: sim.Histo1D(MODEL, "pt").GetValue(),
    "GetPtr": lambda sim: sim.Histo1D(MODEL, "pt").GetPtr(),
    "an attribute": lambda sim: sim.Histo1D(MODEL, "pt").GetMean(),
    "Draw": lambda sim: sim.Histo1D(MODEL, "pt").Draw(),
    "an index": lambda sim: sim.OversampledTH1D(MODEL, "pt")[0],
    "values": lambda sim: sim.OversampledTH1D(MODEL, "pt").values(),
    "iteration": lambda sim: list(sim.Take["float"]("pt")),
    "AsNumpy": lambda sim: sim.AsNumpy(["pt"]),
    "lazy AsNumpy": lambda sim: sim.AsNumpy(["pt"], lazy=True).GetValue(),
    "Display": lambda sim: sim.Display(["pt"]).Print(),
    "Report": lambda sim: sim.Filter("pt > 0", "positive").Report().Print(),
    "RunGraphs": lambda sim: ROOT.RDF.RunGraphs([sim.Histo1D(MODEL, "pt")]),
    "variations": lambda sim: ROOT.RDF.Experimental.VariationsFor(
        sim.Vary("pt", "ROOT::RVecF{pt, pt}", 2).Histo1D(MODEL, "pt")
    )["nominal"],
}


@pytest.mark.parametrize("way", WAYS)
def test_behind_flash_sim(sim, way):
    with pytest.raises(RuntimeError) as caught:
        WAYS[way](sim)
    assert_clean(caught.value, MESSAGE)


def test_in_two_threads(two_threads, tiny_flow):
    with pytest.raises(RuntimeError) as caught:
        make_gen().FlashSim(tiny_flow, fold_size=2).Histo1D(MODEL, "Jet_pt").GetValue()
    assert_clean(caught.value, MESSAGE)


def test_inline_mode(tiny_flow):
    with pytest.raises(RuntimeError) as caught:
        make_gen().DefineFolds(tiny_flow).Define("n", "Jet_pt.size()").Sum("n").GetValue()
    assert_clean(caught.value, MESSAGE)


def test_histograms_of_any_dataframe():
    df = ROOT.RDataFrame(3).Define("genEvent", "rdfentry_").Define("x", "rdfentry_ == 1 ? NAN : 1.")
    with pytest.raises(RuntimeError) as caught:
        df.OversampledTH1D(MODEL, "x", "x", fold_size=1).GetBinError(1)
    assert_clean(caught.value, "OversampledTH1D 'h': GEN event 1 (column 'genEvent') has a weight of nan")


OPTIONS = {
    "a list": lambda: (["pt"],),
    "a vector": lambda: (ROOT.std.vector["std::string"](["pt"]),),
    "a regular expression": lambda: ("^pt$",),
    "a list and options": lambda: (["pt"], ROOT.RDF.RSnapshotOptions()),
}


@pytest.mark.parametrize("columns", OPTIONS)
def test_snapshot_fails_once(sim, columns, tmp_path, capfd):
    """And not once for each overload that could be meant."""
    with pytest.raises(RuntimeError) as caught:
        sim.Snapshot("Events", str(tmp_path / "out.root"), *OPTIONS[columns]())
    assert_clean(caught.value, MESSAGE)
    assert capfd.readouterr().err.count("event loop was interrupted") == 1


@pytest.mark.parametrize("columns", OPTIONS)
def test_snapshot_writes_what_was_asked_for(good, columns, tmp_path):
    path = str(tmp_path / "out.root")
    written = good.Snapshot("Events", path, *OPTIONS[columns]())
    assert list(written.GetColumnNames()) == ["pt"]
    np.testing.assert_array_equal(ROOT.RDataFrame("Events", path).AsNumpy()["pt"], good.AsNumpy(["pt"])["pt"])


def test_lazy_snapshot_stays_lazy(sim, tmp_path):
    options = ROOT.RDF.RSnapshotOptions()
    options.fLazy = True
    result = sim.Snapshot("Events", str(tmp_path / "out.root"), ["pt"], options)
    assert not result.IsReady()
    with pytest.raises(RuntimeError) as caught:
        result.GetValue()
    assert_clean(caught.value, MESSAGE)


def test_errors_of_others_are_left_alone():
    df = ROOT.RDataFrame(3).Define("x", 'if (rdfentry_ > 1) throw std::invalid_argument("not ours"); return 1.;')
    with pytest.raises(ROOT.std.invalid_argument) as caught:
        df.Sum("x").GetValue()
    assert str(caught.value).endswith("RResultPtr<double>::GetValue() =>\n    invalid_argument: not ours")


def test_results_stay_what_they_are(good):
    """The histogram outlives the result that it was taken from, which owns it."""
    histogram = good.Histo1D(MODEL, "pt").GetValue()
    others = [good.Histo1D(MODEL, "pt").GetValue() for _ in range(3)]
    assert [h.GetEntries() for h in (histogram, *others)] == [14] * 4
    assert list(good.Take["float"]("pt")) == list(good.AsNumpy(["pt"])["pt"])


@pytest.mark.slow
def test_classes_in_use_before_the_import(tmp_path):
    """ROOT overlooks some of them when a pythonization is registered."""
    code = """
import sys
import ROOT
df = ROOT.RDataFrame(3).Filter("rdfentry_ < 9", "all")
df.Report().Print()
df.Count().GetValue()
import flashsim
ill = ROOT.RDataFrame(3).Define("GenJet_pt", "ROOT::RVecF{NAN}").Define("GenJet_eta", "ROOT::RVecF{1}")
sim = ill.FlashSim(sys.argv[1])
for book in (lambda node: node.Report(), lambda node: node.Count()):
    try:
        book(sim.Filter("Jet_pt[0] > 0", "cut")).GetValue()
    except RuntimeError as error:
        print(type(error).__name__, error)
"""
    flow = tiny_flows.write_smearing_flow(tmp_path / "flow.onnx")
    ended = subprocess.run([sys.executable, "-c", code, flow], capture_output=True, text=True, check=False, timeout=100)
    told = [line for line in ended.stdout.splitlines() if line.startswith("RuntimeError in entry 0, context variable")]
    assert len(told) == 2, ended
    assert "FutureWarning" not in ended.stderr
