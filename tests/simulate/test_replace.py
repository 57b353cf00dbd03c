"""replace=True: the collection of the file gives way to that of the flow."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import tiny_flows
from gen_events import snapshot

HIDDEN = ["nJet", "Jet_pt", "Jet_area", "Jet_genJetIdx", "Jet_muonIdx1", "Muon_jetIdx", "Electron_jetIdx2"]
KEPT = ["nFatJet", "FatJet_pt", "FatJet_subJetIdx1", "JetAK15_pt", "nMuon", "Muon_pt", "CorrT1METJet_area", "HT"]
TARGETS = ["Jet_pt", "Jet_nConstituents", "Jet_isTight"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file with collections of its own, as a TTree and an RNTuple."""
    folder = tmp_path_factory.mktemp("replace")
    node = ROOT.RDataFrame(30).Define("run", "1u").Define("luminosityBlock", "1u").Define("event", "rdfentry_")
    node = node.Define("GenJet_pt", "ROOT::RVecF(event % 4, 50.f)").Define("GenJet_eta", "ROOT::RVecF(event % 4, 1.f)")
    for name in [*HIDDEN, *KEPT]:
        node = node.Define(name, "5" if name[0] == "n" or name == "HT" else "ROOT::RVecF(5, -1.f)")
    columns = ["run", "luminosityBlock", "event", "GenJet_pt", "GenJet_eta", *HIDDEN, *KEPT]
    return [snapshot(node, folder / f"{kind}.root", columns, ntuple=kind == "ntuple") for kind in ["tree", "ntuple"]]


@pytest.fixture(params=[0, 1], ids=["TTree", "RNTuple"])
def file(request, files):
    return files[request.param]


def names(node):
    return {str(name) for name in node.GetColumnNames()}


def test_the_collection_of_the_file_is_hidden(file, threads, tiny_flow):
    df = ROOT.RDataFrame("Events", file)
    with pytest.raises(RuntimeError, match=r"adds the column 'Jet_pt', which .* prefix='Flash'.* or replace=True"):
        df.FlashSim(tiny_flow)
    sim = df.FlashSim(tiny_flow, fold_size=2, replace=True)
    mine = {"nJet", *TARGETS, "Jet_genJetIdx", "foldIndex", "genEvent", "foldSize"}
    visible = {name for name in names(sim) if not name.startswith("R_rdf_sizeof_")}
    assert visible == mine | {"run", "luminosityBlock", "event", "GenJet_pt", "GenJet_eta", *KEPT}
    assert not [name for name in names(sim) if "sizeof" in name and name.split("sizeof_")[1] in HIDDEN]
    arrays = sim.AsNumpy(["event", "nJet", "Jet_pt", "Jet_genJetIdx", "FatJet_pt"])
    assert len(arrays["event"]) == 60
    np.testing.assert_array_equal(arrays["nJet"], arrays["event"] % 4)
    for i in range(60):
        assert (np.asarray(arrays["Jet_pt"][i]) > 0).all()
        assert len(arrays["Jet_pt"][i]) == len(arrays["Jet_genJetIdx"][i]) == arrays["nJet"][i]
        assert len(arrays["FatJet_pt"][i]) == 5
    for column in ["Jet_area", "Muon_jetIdx"]:
        assert not sim.HasColumn(column)
    assert df.Mean("nJet").GetValue() == 5  # upstream all is as it was
    assert df.Filter("Jet_pt[0] == -1").FlashSim(tiny_flow, replace=True).Count().GetValue() == 30


def test_snapshot_writes_the_new_collection(file, tmp_path, tiny_flow):
    sim = ROOT.RDataFrame("Events", file).FlashSim(tiny_flow, replace=True)
    sim.Snapshot("Events", str(tmp_path / "new.root"))
    new = ROOT.RDataFrame("Events", str(tmp_path / "new.root"))
    assert {name for name in names(new) if "Jet_" in name and "Gen" not in name} == {
        *TARGETS, "Jet_genJetIdx", "FatJet_pt", "FatJet_subJetIdx1", "CorrT1METJet_area"}  # fmt: skip
    assert new.Max("nJet").GetValue() == 3
    assert new.Min("Jet_pt").GetValue() > 0


def test_with_a_prefix(file, tiny_flow):
    df = ROOT.RDataFrame("Events", file).Define("FlashJet_pt", "1").Define("Tau_flashJetIdx", "2")
    sim = df.FlashSim(tiny_flow, prefix="Flash", replace=True)
    assert "Tau_flashJetIdx" not in names(sim)
    assert set(HIDDEN) < names(sim)
    assert sim.Min("FlashJet_pt").GetValue() > 10


def test_friends(files, tmp_path, tiny_flow):
    friend = snapshot(ROOT.RDataFrame(30).Define("Jet_mine", "1").Define("other", "2"), tmp_path / "friend.root",
                      ["Jet_mine", "other"])  # fmt: skip
    tree = ROOT.TChain("Events")
    tree.Add(files[0])
    other = ROOT.TChain("Events")
    other.Add(friend)
    tree.AddFriend(other, "more")
    sim = ROOT.RDataFrame(tree).FlashSim(tiny_flow, replace=True)
    assert "other" in names(sim)
    assert not {name for name in names(sim) if "Jet_mine" in name}


def test_a_flow_on_a_collection_that_another_one_replaces(files, tiny_flow, tmp_path):
    on_jets = tiny_flows.write_smearing_flow(tmp_path / "tau.onnx", name="tau", source="Jet", collection="Tau")
    df = ROOT.RDataFrame("Events", files[0]).Define("Jet_eta", "Jet_pt")
    with pytest.raises(RuntimeError, match="flow 'tau' takes its context from 'Jet', which flow 'tiny' is to replace"):
        df.FlashSim([tiny_flow, on_jets], replace=True)
    again = tiny_flows.write_smearing_flow(tmp_path / "again.onnx", name="again", source="Jet")
    sim = df.FlashSim(again, replace=True, context={"pt": "Jet_pt + 51"})
    assert sim.Define("mean", "Mean(Jet_pt)").Mean("mean").GetValue() == pytest.approx(50, abs=1)


def test_the_inline_mode_hides_nothing(files, tiny_flow):
    df = ROOT.RDataFrame("Events", files[0])
    with pytest.raises(TypeError, match="replace"):
        df.DefineFolds(tiny_flow, replace=True)
    options = ROOT.FlashSim.SimulateOptions()
    options.fReplace = True
    with pytest.raises(Exception, match="DefineFolds adds columns to an entry and hides none; give a prefix"):
        ROOT.FlashSim.DefineFolds(ROOT.RDF.AsRNode(df), ROOT.FlashSim.OpenFlow(tiny_flow), options)
    sim = ROOT.FlashSim.Simulate(ROOT.RDF.AsRNode(df), tiny_flow, options)
    assert sim.Max("nJet").GetValue() == 3


def test_replace_is_yes_or_no(files, tiny_flow):
    with pytest.raises(TypeError, match="replace must be True or False, not 'Jet'"):
        ROOT.RDataFrame("Events", files[0]).FlashSim(tiny_flow, replace="Jet")
