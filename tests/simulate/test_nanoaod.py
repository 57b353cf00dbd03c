"""Real CMS NanoAOD: 60 tt̄ events of the CMS open data (tests/data/make_nano_ttbar.py), and the page about it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import ROOT

from gen_events import snapshot

NANOAOD = Path(__file__).parents[1] / "data" / "nano_ttbar.root"
PAGE = Path(__file__).parents[2] / "docs" / "nanoaod.md"
N_EVENTS = 60


def open_file():
    return ROOT.RDataFrame("Events", str(NANOAOD))


def test_variables_that_the_file_lacks_are_named():
    with pytest.raises(
        RuntimeError,
        match=r"takes 'nMuon' from column 'GenJet_nMuon', which the .* or a number, as in context=\{'nMuon'",
    ):
        open_file().FlashSim("jets", prefix="Flash")


def test_real_nanoaod_goes_through_the_shipped_flow(threads):
    sim = open_file().FlashSim("jets", fold_size=5, seed=1, prefix="Flash", context={"nMuon": 0})
    columns = [
        "event",
        "nGenJet",
        "nFlashJet",
        "FlashJet_pt",
        "FlashJet_phi",
        "FlashJet_jetId",
        "FlashJet_genJetIdx",
    ]
    arrays = sim.AsNumpy([*columns, "GenJet_pt", "LHEScaleWeight"])
    assert len(arrays["event"]) == 5 * N_EVENTS
    np.testing.assert_array_equal(arrays["nGenJet"], arrays["nFlashJet"])
    response = []
    for i in range(5 * N_EVENTS):
        index = np.asarray(arrays["FlashJet_genJetIdx"][i])
        assert sorted(index) == list(range(arrays["nGenJet"][i]))
        pt = np.asarray(arrays["FlashJet_pt"][i])
        assert (np.diff(pt) <= 0).all()
        response += list(pt / np.asarray(arrays["GenJet_pt"][i])[index])
        assert set(np.asarray(arrays["FlashJet_jetId"][i])) <= {0, 2, 6}
        assert (np.abs(np.asarray(arrays["FlashJet_phi"][i])) <= np.float32(np.pi)).all()
    assert len(response) > 500
    assert 0.7 < np.median(response) < 1.3


@pytest.mark.parametrize("replace", [False, True])
def test_all_columns_can_be_carried_along(tmp_path, replace):
    df = open_file()
    sim = df.FlashSim(
        "jets", fold_size=2, prefix="" if replace else "Flash", steps=1, context={"nMuon": 0}, replace=replace
    )
    path = snapshot(sim, tmp_path / "everything.root", sim.GetColumnNames())
    back = ROOT.RDataFrame("Events", path)
    assert back.Count().GetValue() == 2 * N_EVENTS
    untouched = ["MET_pt", "Muon_pt", "LHEScaleWeight", "GenPart_pdgId", "HLT_IsoMu20", "Muon_tightId"]
    for column in [*untouched, *([] if replace else ["Jet_pt", "Jet_muonIdx1", "Muon_jetIdx"])]:
        original = df.AsNumpy([column])[column]
        copy = back.AsNumpy([column])[column]
        for i in range(2 * N_EVENTS):
            np.testing.assert_array_equal(np.asarray(copy[i]), np.asarray(original[i // 2]))
    if replace:
        names = {str(name) for name in back.GetColumnNames()}
        assert not names & {"Jet_muonIdx1", "Jet_btagDeepFlavB", "Muon_jetIdx", "Electron_jetIdx"}
        assert back.Filter("nJet == nGenJet && Jet_genJetIdx.size() == nJet").Count().GetValue() == 2 * N_EVENTS


def test_an_analysis_runs_as_it_is(threads):
    def analysis(node):
        return node.Filter("nJet >= 2 && Jet_pt[1] > 30").Define("leading", "Jet_pt[0]").Mean("leading").GetValue()

    sim = open_file().FlashSim("jets", fold_size=3, seed=1, context={"nMuon": 0}, replace=True)
    assert analysis(sim) == pytest.approx(analysis(open_file()), rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "types",
    [
        {"GenJet_partonFlavour": "ROOT::RVec<Short_t>", "nGenJet": "Int_t"},  # NanoAOD v12
        {"GenJet_partonFlavour": "ROOT::RVec<Char_t>", "GenJet_hadronFlavour": "ROOT::RVec<UChar_t>"},
        {"GenJet_partonFlavour": "ROOT::RVec<double>", "GenJet_pt": "ROOT::RVec<double>"},
        {"GenJet_partonFlavour": "ROOT::RVec<Long64_t>", "run": "Long64_t", "event": "Long64_t"},
    ],
    ids=["v12", "char", "double", "long"],
)
def test_types_of_other_versions(tmp_path, threads, types):
    node = open_file()
    for column, type_name in types.items():
        copy = f"{column}.begin(), {column}.end()" if type_name.startswith("ROOT") else column
        node = node.Redefine(column, f"{type_name}({copy})")
    flow = {"flow": "jets_spline", "prefix": "Flash", "context": {"nMuon": 0}}
    first = open_file().FlashSim(**flow).AsNumpy(["event", "FlashJet_pt"])
    other = node.FlashSim(**flow).AsNumpy(["event", "FlashJet_pt"])
    pt_of = dict(zip(first["event"].tolist(), first["FlashJet_pt"], strict=True))
    for event, pt in zip(other["event"].tolist(), other["FlashJet_pt"], strict=True):
        np.testing.assert_array_equal(np.asarray(pt), np.asarray(pt_of[event]))


@pytest.mark.slow
def test_the_page_runs(tmp_path, monkeypatch, capfd):
    shutil.copy(NANOAOD, tmp_path)
    monkeypatch.chdir(tmp_path)
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(snippets) >= 8
    names = {}
    for snippet in snippets:
        exec(compile(snippet, str(PAGE), "exec"), names)
    said = capfd.readouterr()
    assert re.search(r"^10\.0*\d*$|^9\.9999\d*$", said.out, re.MULTILINE)  # a plain histogram is ten times too high
    assert "context pt 149." in said.err
    assert muons_in(names["with_muons"]) > 10 * muons_in(names["sim"])  # which are said to have none
    assert names["inclusive"].Integral(0, 21) == pytest.approx(831.76, rel=1e-6)
    assert names["again"].GetNGenEvents() == N_EVENTS


def muons_in(node):
    return node.Define("muons", "Sum(Jet_nMuons)").Sum("muons").GetValue()
