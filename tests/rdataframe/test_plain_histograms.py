"""ROOT's own histograms on results of FlashSim: N times too high, which is said once, and only there."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest
import ROOT

import distributed_cases as cases
import flashsim
from flashsim.demo import run_demo
from flashsim.rdataframe import plain_histograms

MODEL = ("pt", ";p_{T}", 10, 0.0, 300.0)
MODELS = {
    "Histo1D": (MODEL, "Jet_pt"),
    "Histo2D": (("h", "", 2, 0, 300, 2, -3, 3), "Jet_pt", "Jet_pt"),
    "Histo3D": (("h", "", 2, 0, 300, 2, -3, 3, 2, 0, 1), "Jet_pt", "Jet_pt", "Jet_pt"),
    "Profile1D": (("p", "", 2, 0, 300), "Jet_pt", "Jet_pt"),
    "Profile2D": (("p", "", 2, 0, 300, 2, 0, 300), "Jet_pt", "Jet_pt", "Jet_pt"),
}


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch):
    monkeypatch.setitem(plain_histograms._once, "is_said", False)


@pytest.fixture
def gen(gen_files):
    return ROOT.RDataFrame("Events", gen_files["TTree"])


def warnings_of(book) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        book()
    return [warning for warning in caught if warning.category is flashsim.OversamplingWarning]


@pytest.mark.parametrize("method", MODELS)
def test_said_once_with_the_remedy(gen, tiny_flow, method):
    sim = gen.FlashSim(tiny_flow, fold_size=3)
    (warning,) = warnings_of(lambda: [getattr(sim, method)(*MODELS[method]) for _ in range(3)])
    text = str(warning.message)
    assert text.startswith(f"{method} assumes that the 3 RECO events of a GEN event are independent")
    assert ("its contents 3 times too large" in text) == method.startswith("Histo")
    assert f"Oversampled{method.replace('Histo', 'TH')}" in text or method.startswith("Profile")
    assert "category=flashsim.OversamplingWarning" in text
    assert warning.filename == __file__
    assert warnings_of(lambda: sim.Histo1D("Jet_pt")) == []


def test_on_all_kinds_of_nodes(gen, tiny_flow, monkeypatch):
    sim = gen.FlashSim(tiny_flow, fold_size=3)
    columns = ROOT.std.vector["std::string"](["nJet", "nJet"])
    books = [
        lambda: sim.Filter("nJet > 2").Histo1D(MODEL, "Jet_pt"),
        lambda: sim.Define("two", "2").Range(3).Histo1D("two"),
        lambda: ROOT.RDF.AsRNode(sim).Histo1D["ROOT::RVecF"]("Jet_pt"),
        lambda: sim.HistoND(("h", "", 2, [2, 2], [0.0, 0.0], [5.0, 5.0]), columns),
        lambda: sim.Vary("nJet", "ROOT::RVecI{nJet, 1}", 2).Histo1D(("n", "", 5, 0, 5), "nJet"),
    ]
    for book in books:
        monkeypatch.setitem(plain_histograms._once, "is_said", False)
        assert len(warnings_of(book)) == 1


def test_not_said_where_nothing_is_wrong(gen, tiny_flow):
    sim = gen.FlashSim(tiny_flow, fold_size=3)

    def book():
        gen.Histo1D("genWeight")
        gen.Filter("genWeight > 0").Profile1D(("p", "", 2, 0, 3), "genWeight", "genWeight")
        ROOT.RDataFrame(3).Define("x", "1.").Histo1D("x")
        gen.FlashSim(tiny_flow).Histo1D(MODEL, "Jet_pt")
        sim.OversampledTH1D(MODEL, "Jet_pt")
        sim.Count(), sim.Max("nJet"), sim.Report()

    assert warnings_of(book) == []


def test_contents_are_as_before(gen, tiny_flow):
    """The methods work as before: with types, without a model, by keyword."""
    sim = gen.FlashSim(tiny_flow, fold_size=3)
    with plain_histograms.silenced():
        one = sim.Histo1D(MODEL, "Jet_pt", "genWeight")
        two = sim.Histo1D["ROOT::RVecF", "float"](ROOT.RDF.TH1DModel(*MODEL), "Jet_pt", "genWeight")
        three = sim.Histo1D("Jet_pt")
    assert one.GetEntries() == two.GetEntries() == three.GetEntries() > 0
    assert list(one.values()) == list(two.values())


def test_it_can_be_silenced(gen, tiny_flow):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=flashsim.OversamplingWarning)
        gen.FlashSim(tiny_flow, fold_size=3).Histo1D("Jet_pt")


def test_as_an_error_it_comes_again(gen, tiny_flow):
    sim = gen.FlashSim(tiny_flow, fold_size=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", flashsim.OversamplingWarning)
        for _ in range(2):
            with pytest.raises(flashsim.OversamplingWarning):
                sim.Histo1D("Jet_pt")


@pytest.mark.slow
def test_own_code_knows_what_it_does(tmp_path):
    assert warnings_of(lambda: run_demo(tmp_path, events=20, fold_size=2, threads=1)) == []


def test_distributed(gen_files, tiny_flow, dask_client):
    df = cases.Cluster(dask_client, 2).open("Events", gen_files["TTree"])
    sim = df.FlashSim(tiny_flow, fold_size=3)
    assert warnings_of(lambda: df.Histo1D(MODEL, "GenJet_pt")) == []
    (warning,) = warnings_of(lambda: [sim.Histo1D(MODEL, "Jet_pt"), sim.Profile1D(*MODELS["Profile1D"])])
    assert warning.filename == __file__
    local = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(tiny_flow, fold_size=3)
    with plain_histograms.silenced():
        assert sim.Histo1D(MODEL, "Jet_pt").GetEntries() == local.Histo1D(MODEL, "Jet_pt").GetEntries() > 0


@pytest.mark.slow
def test_in_a_fresh_process(gen_files, tiny_flow):
    """Classes of nodes that ROOT makes after the import of this package, and those from before."""
    code = f"""
import ROOT
before = ROOT.RDataFrame("Events", {gen_files["TTree"]!r}).Filter("true")
import flashsim
for node in (before, ROOT.RDataFrame("Events", {gen_files["TTree"]!r}).Define("a", "1")):
    for derived in (lambda sim: sim, lambda sim: sim.Filter("true"), lambda sim: sim.Range(2)):
        flashsim.rdataframe.plain_histograms._once["is_said"] = False
        derived(node.FlashSim({tiny_flow!r}, fold_size=2)).Histo1D("Jet_pt")
"""
    arguments = [sys.executable, "-W", "always", "-c", code]
    said = subprocess.run(arguments, capture_output=True, text=True, check=True).stderr
    assert said.count("OversamplingWarning: Histo1D assumes that the 2 RECO events") == 6
