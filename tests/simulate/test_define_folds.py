"""node.DefineFolds, the inline mode: the RECO events of FlashSim, inside one entry."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim
import tiny_flows


def test_inline_folds_equal_those_of_flash_sim(gen_dataset, threads):
    df = ROOT.RDataFrame("Events", gen_dataset).Filter("event % 5 == 0")
    columns = ["Jet_pt", "Jet_nSVs", "Jet_genJetIdx"]
    inline = df.DefineFolds("jets", fold_size=3, seed=4, steps=2).AsNumpy(["event", "nJet", *columns])
    sim = df.FlashSim("jets", fold_size=3, seed=4, steps=2).AsNumpy(["event", "foldIndex", "nJet", *columns])
    place = {event: i for i, event in enumerate(inline["event"])}
    assert len(sim["event"]) == 3 * len(place) > 0
    for i, (event, fold_index) in enumerate(zip(sim["event"], sim["foldIndex"], strict=True)):
        assert inline["nJet"][place[event]] == sim["nJet"][i]
        for column in columns:
            np.testing.assert_array_equal(
                np.asarray(inline[column][place[event]][int(fold_index)]), np.asarray(sim[column][i])
            )


def test_types_and_downstream_use(gen_files, tiny_flow):
    node = ROOT.RDataFrame("Events", gen_files["TTree"]).DefineFolds(tiny_flow, fold_size=7, prefix="Flash")
    column_type = node.GetColumnType("FlashJet_nConstituents").replace("> >", ">>")
    assert column_type == "ROOT::VecOps::RVec<ROOT::VecOps::RVec<unsigned char>>"
    leading = node.Filter("nFlashJet > 0").Define(
        "leading", "return ROOT::VecOps::Map(FlashJet_pt, [](const ROOT::RVecF &pt) { return pt[0]; });"
    )
    assert leading.Define("n", "leading.size()").Min("n").GetValue() == 7


def test_scalars_and_expressions_as_context(gen_files, tiny_flow):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    inline = df.DefineFolds(tiny_flow, fold_size=2, context={"pt": "GenJet_pt * 2", "eta": "0"}).AsNumpy(["Jet_pt"])[
        "Jet_pt"
    ]
    sim = df.FlashSim(tiny_flow, fold_size=2, context={"pt": "GenJet_pt * 2", "eta": "0"}).AsNumpy(["Jet_pt"])["Jet_pt"]
    np.testing.assert_array_equal(np.asarray(inline[3][1]), np.asarray(sim[7]))


def test_events_without_jets(gen_files, tiny_flow):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    node = df.DefineFolds(tiny_flow, fold_size=2, context={"pt": "ROOT::RVecF{}", "eta": "ROOT::RVecF{}"})
    assert node.Filter("Jet_pt.size() == 2 && Jet_pt[0].empty()").Count().GetValue() == 240


def test_without_identity_columns(tiny_flow):
    def make():
        df = ROOT.RDataFrame(20).Define("GenJet_pt", "ROOT::RVecF(3, 50.f)").Define("GenJet_eta", "ROOT::RVecF(3, 0.f)")
        return df.DefineFolds(tiny_flow, fold_size=2)

    values = make().AsNumpy(["Jet_pt"])["Jet_pt"]
    assert len({float(fold[0][0]) for fold in values}) == 20
    ROOT.EnableImplicitMT(2)
    try:
        with pytest.raises(RuntimeError, match="needs the columns run, luminosityBlock and event"):
            make()
    finally:
        ROOT.DisableImplicitMT()


def test_bad_values_name_the_event(gen_files, tiny_flow, threads):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    node = df.DefineFolds(tiny_flow, context={"pt": "event % 100 == 50 ? GenJet_pt * NAN : GenJet_pt"})
    with pytest.raises(Exception, match=r"event \d*50, context variable 'pt' of GenJet 0"):
        node.Sum("nJet").GetValue()


def test_names_in_the_way_and_bad_numbers(tiny_flow):
    df = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(5)
    with pytest.raises(RuntimeError, match="adds the column 'Jet_pt'"):
        df.DefineFolds(tiny_flow)
    with pytest.raises(ValueError, match="fold_size must be"):
        df.DefineFolds(tiny_flow, fold_size=0, prefix="X")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [*tiny_flows.BAD_ARGUMENTS, ({"flow": ["jets", "jets_spline"]}, ValueError, "DefineFolds takes one flow, not 2")],
)
def test_bad_arguments_are_named_before_the_loop(tiny_flow, arguments, error, message):
    df = ROOT.RDataFrame(5).Define("GenJet_pt", "ROOT::RVecF{50}").Define("GenJet_eta", "ROOT::RVecF{0}")
    with pytest.raises(error, match=message):
        df.DefineFolds(**{"flow": tiny_flow, **arguments})


def test_the_functor_in_a_define_of_ones_own(gen_files, tiny_flow):
    ROOT.gInterpreter.Declare("""
    ROOT::RDF::RNode DefineByHand(ROOT::RDF::RNode node, std::shared_ptr<const FlashSim::Flow> flow)
    {
       const FlashSim::InlineFolds folds(flow, {"GenJet_pt", "GenJet_eta"}, 3, 5);
       return node.Define("context", FlashSim::PackContext<ROOT::RVecF, ROOT::RVecF>, {"GenJet_pt", "GenJet_eta"})
          .Define("identity",
                  [](UInt_t run, UInt_t block, ULong64_t event) { return FlashSim::PackIdentity(run, block, event); },
                  {"run", "luminosityBlock", "event"})
          .Define("sample", folds, {"context", "identity"})
          .Define("Own_pt", [](const FlashSim::InlineSample &own) { return own.GetTarget<float>(0); }, {"sample"});
    }
    """)
    flow = flashsim._library.cpp().OpenFlow(tiny_flow)
    node = ROOT.RDF.AsRNode(ROOT.RDataFrame("Events", gen_files["TTree"]).DefineFolds(tiny_flow, 3, 5))
    arrays = ROOT.DefineByHand(node, flow).AsNumpy(["Jet_pt", "Own_pt"])
    for expected, own in zip(arrays["Jet_pt"], arrays["Own_pt"], strict=True):
        assert [list(event) for event in own] == [list(event) for event in expected]
