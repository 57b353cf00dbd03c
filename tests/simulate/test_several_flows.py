"""Several flows in one call or one after the other: names and noise, keys of the context, steps."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import tiny_flows


@pytest.fixture(scope="module")
def flows(tmp_path_factory):
    """Flows of the same variables under several names; "stepping" gives pt + steps, for Tau."""
    folder = tmp_path_factory.mktemp("flows")

    def write(name, collection, write_flow=tiny_flows.write_smearing_flow):
        return write_flow(folder / f"{name}_{collection}.onnx", name=name, collection=collection)

    return {
        "tiny": write("tiny", "Jet"),
        "fat": write("fat", "FatJet"),
        "namesake": write("tiny", "FatJet"),
        "a-b": write("a-b", "Jet"),
        "a_b": write("a_b", "FatJet"),
        "stepping": write("stepping", "Tau", tiny_flows.write_stepping_flow),
        "also Jet": write("also Jet", "Jet", tiny_flows.write_stepping_flow),
    }


def events():
    return (
        ROOT.RDataFrame(10)
        .Define("run", "1u")
        .Define("luminosityBlock", "1u")
        .Define("event", "rdfentry_")
        .Define("GenJet_pt", "ROOT::RVecF(3, 50.f)")
        .Define("GenJet_eta", "ROOT::RVecF(3, 0.5f)")
    )


def mean(node, column):
    return node.Define("mean", f"Mean({column})").Mean("mean").GetValue()


# --------------------------------------------------------------------------------------------------------- names


def test_two_flows_of_one_name_are_refused(flows):
    message = (
        r"two of the flows have the name 'tiny' \(.*tiny_Jet\.onnx, .*tiny_FatJet\.onnx\).*both would draw the same.*"
        "Give one of them another name"
    )
    with pytest.raises(RuntimeError, match=message):
        events().FlashSim([flows["tiny"], flows["namesake"]])


def test_two_flows_of_one_name_are_refused_one_after_the_other(flows):
    node = events().DefineFolds(flows["tiny"], seed=5)
    for method in ["DefineFolds", "FlashSim"]:
        with pytest.raises(
            RuntimeError, match=r"another flow with the name 'tiny' .* with the same seed.*another seed"
        ):
            getattr(node, method)(flows["namesake"], seed=5)
    with pytest.raises(RuntimeError, match="another flow with the name 'tiny'"):
        events().FlashSim(flows["tiny"], seed=5).DefineFolds(flows["namesake"], seed=5)
    other = node.DefineFolds(flows["namesake"], seed=6).AsNumpy(["Jet_pt", "FatJet_pt"])
    assert not np.array_equal(np.asarray(other["Jet_pt"][0][0]), np.asarray(other["FatJet_pt"][0][0]))


def test_one_flow_twice_has_the_same_noise(flows, threads):
    # Wanted: it compares contexts without the fluctuations of the noise.
    node = events().DefineFolds(flows["tiny"], seed=5, context={"pt": "GenJet_pt * 2"}, prefix="Up")
    node = node.DefineFolds(flows["tiny"], seed=5, context={"pt": "GenJet_pt * 3"}, prefix="Down")
    arrays = node.AsNumpy(["UpJet_pt", "DownJet_pt"])
    difference = np.asarray(arrays["DownJet_pt"][7][0]) - np.asarray(arrays["UpJet_pt"][7][0])
    np.testing.assert_allclose(difference, 50, atol=1e-4)


def test_names_that_differ_in_punctuation_alone(flows, threads):
    context = {"a-b.pt": "GenJet_pt + 10", "a_b.pt": "GenJet_pt + 100"}
    sim = events().FlashSim([flows["a-b"], flows["a_b"]], fold_size=200, context=context)
    assert mean(sim, "Jet_pt") == pytest.approx(60, abs=0.1)
    assert mean(sim, "FatJet_pt") == pytest.approx(150, abs=0.1)


def test_hidden_columns_stay_hidden(flows, tmp_path):
    node = events().DefineFolds(flows["tiny"], context={"pt": "GenJet_pt * 2"})
    mine = {"Jet_pt", "Jet_nConstituents", "Jet_isTight", "Jet_genJetIdx", "nJet"}
    upstream = {"run", "luminosityBlock", "event", "GenJet_pt", "GenJet_eta"}
    assert {str(name) for name in node.GetColumnNames()} == mine | upstream
    assert {str(name) for name in node.FlashSim(flows["fat"]).GetColumnNames()} > mine | upstream
    node.Snapshot("Events", str(tmp_path / "inline.root"))
    back = ROOT.RDataFrame("Events", str(tmp_path / "inline.root"))
    assert {str(name) for name in back.GetColumnNames()} == mine | upstream


# --------------------------------------------------------------------------------------------- keys of the context


def test_a_key_that_fits_two_flows_is_refused(flows):
    both = [flows["tiny"], flows["fat"]]
    message = r"key 'pt', which is a variable of several flows; say of which: 'tiny\.pt', 'fat\.pt'"
    with pytest.raises(RuntimeError, match=message):
        events().FlashSim(both, context={"pt": "GenJet_pt * 2"})
    with pytest.raises(RuntimeError, match="key 'pt', which is a variable of several flows"):
        events().FlashSim(both, context={"fat.pt": "GenJet_pt * 2", "pt": "GenJet_pt"})


def test_a_key_with_the_name_of_a_flow_is_for_that_flow(flows, threads):
    sim = events().FlashSim([flows["tiny"], flows["fat"]], fold_size=200, context={"fat.pt": "GenJet_pt * 2"})
    assert mean(sim, "Jet_pt") == pytest.approx(50, abs=0.1)
    assert mean(sim, "FatJet_pt") == pytest.approx(100, abs=0.1)


# --------------------------------------------------------------------------------------------------------- steps


@pytest.mark.parametrize(
    ("steps", "expected"), [(None, 3), (7, 7), ({"stepping": 7}, 7), ({}, 3)], ids=["no", "number", "named", "none"]
)
def test_steps_are_for_the_flows_that_take_them(flows, threads, steps, expected):
    sim = events().FlashSim([flows["tiny"], flows["stepping"]], steps=steps)
    assert mean(sim, "Tau_pt") == 50 + expected
    assert abs(mean(sim, "Jet_pt") - 50) < 2
    assert mean(events().FlashSim(flows["stepping"], steps=steps), "Tau_pt") == 50 + expected
    inline = events().DefineFolds(flows["stepping"], steps=steps).Define("first", "Tau_pt[0]")
    assert mean(inline, "first") == 50 + expected


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({"tiny": 7}, "tiny_Jet.onnx' samples in one shot"),
        ({"slow": 7}, "a flow 'slow', which is not there; the flows are 'tiny', 'fat', 'stepping'"),
    ],
)
def test_steps_for_the_wrong_flow_are_refused(flows, steps, message):
    with pytest.raises(RuntimeError, match=message):
        events().FlashSim([flows["tiny"], flows["fat"], flows["stepping"]], steps=steps)


def test_steps_that_no_flow_takes_are_refused(flows):
    with pytest.raises(RuntimeError, match="steps = 7, but all of the flows 'tiny', 'fat' sample in one shot"):
        events().FlashSim([flows["tiny"], flows["fat"]], steps=7)


# ------------------------------------------------------------------------------------------------------- prefixes


def test_flows_of_one_collection_have_prefixes_of_their_own(flows, threads):
    both = [flows["tiny"], flows["also Jet"]]
    with pytest.raises(
        RuntimeError, match=r"make the collection 'Jet' \('tiny' and 'also Jet'\).*prefix=\{'also Jet':"
    ):
        events().FlashSim(both)
    with pytest.raises(RuntimeError, match="two of the flows make the collection 'FlashJet'"):
        events().FlashSim(both, prefix="Flash")
    sim = events().FlashSim(both, steps=4, prefix={"also Jet": "Other"})
    assert mean(sim, "OtherJet_pt") == 54
    assert abs(mean(sim, "Jet_pt") - 50) < 2
    names = {str(name) for name in sim.GetColumnNames()}
    assert {"nJet", "Jet_genJetIdx", "nOtherJet", "OtherJet_genJetIdx"} < names
    inline = events().DefineFolds(flows["also Jet"], prefix={"also Jet": "Other"}).Define("first", "OtherJet_pt[0]")
    assert mean(inline, "first") == 53


def test_a_prefix_keeps_a_collection_that_is_replaced(flows):
    df = events().Define("Jet_pt", "ROOT::RVecF{1, 2}").Define("nJet", "2")
    sim = df.FlashSim([flows["tiny"], flows["also Jet"]], replace=True, prefix={"tiny": "New", "also Jet": "Other"})
    assert sim.Sum("nJet").GetValue() == 20
    sim = df.FlashSim([flows["tiny"], flows["also Jet"]], replace=True, prefix={"also Jet": "Other"})
    assert sim.Sum("nJet").GetValue() == 30


@pytest.mark.parametrize(
    ("prefix", "error", "message"),
    [
        ({"slow": "A"}, RuntimeError, "options are given for a flow 'slow', which is not there; the flows are 'tiny'"),
        ({"tiny": "A b"}, ValueError, "prefix must be letters, digits and underscores"),
        ({"tiny": 1}, TypeError, "prefix must be a string, not 1"),
        ({1: "A"}, TypeError, "a flow's name in prefix must be a string, not 1"),
    ],
)
def test_wrong_prefixes_are_refused(flows, prefix, error, message):
    with pytest.raises(error, match=message):
        events().FlashSim([flows["tiny"], flows["fat"]], prefix=prefix)


# ----------------------------------------------------------------------------------------------------------- C++


def test_the_same_in_cpp(flows):
    cpp = ROOT.FlashSim
    handles = ROOT.std.vector["std::shared_ptr<const FlashSim::Flow>"]()
    for name in ["tiny", "stepping"]:
        handles.push_back(cpp.OpenFlow(flows[name]))
    options = cpp.SimulateOptions()
    options.fFlows["stepping"].fSteps = 9
    node = ROOT.RDF.AsRNode(events())
    assert mean(cpp.Simulate(node, handles, options), "Tau_pt") == 59
    options.fSteps = 5
    with pytest.raises(Exception, match="steps are given for all flows and for single ones"):
        cpp.Simulate(node, handles, options)
    options = cpp.SimulateOptions()
    options.fFlows["stepping"].fPrefix = "My"
    options.fFlows["stepping"].fContext["pt"] = "GenJet_pt * 2"
    assert mean(cpp.Simulate(node, handles, options), "MyTau_pt") == 103
    options.fContext["stepping.pt"] = "GenJet_pt * 3"
    with pytest.raises(Exception, match=r"keys 'pt' and 'stepping\.pt', which are the same variable"):
        cpp.Simulate(node, handles, options)
    options.fPrefix = "Flash"
    with pytest.raises(Exception, match="prefixes are given for all flows and for single ones"):
        cpp.Simulate(node, handles, options)
    options = cpp.SimulateOptions()
    options.fFlows["stepping"].fContext["mass"] = "1"
    with pytest.raises(Exception, match=r"context of flow 'stepping' has the key 'mass', .* there are pt, eta"):
        cpp.Simulate(node, handles, options)
    handles.push_back(cpp.OpenFlow(flows["namesake"]))
    with pytest.raises(Exception, match="two of the flows have the name 'tiny'"):
        cpp.Simulate(node, handles, cpp.SimulateOptions())


# --------------------------------------------------------------------------------------------------------- blocks


@pytest.fixture
def count_tasks():
    """Books an action that counts the tasks of an event loop."""
    ROOT.EnableImplicitMT(2)
    ROOT.gInterpreter.Declare("""
    #ifndef SEVERAL_FLOWS_TASKS
    #define SEVERAL_FLOWS_TASKS
    struct CountTasks : ROOT::Detail::RDF::RActionImpl<CountTasks> {
       using Result_t = std::atomic<int>;
       std::shared_ptr<Result_t> fNumber = std::make_shared<Result_t>(0);
       CountTasks() = default;
       CountTasks(CountTasks &&) = default;
       std::shared_ptr<Result_t> GetResultPtr() const { return fNumber; }
       void Initialize() {}
       void InitTask(TTreeReader *, unsigned int) { ++*fNumber; }
       void Exec(unsigned int, int) {}
       void Finalize() {}
       std::string GetActionName() const { return "CountTasks"; }
    };
    int GetNTasks(ROOT::RDF::RNode node) { return *node.Book<int>(CountTasks(), {"foldIndex"}); }
    #endif
    """)
    yield lambda node: ROOT.GetNTasks(ROOT.RDF.AsRNode(node))
    ROOT.DisableImplicitMT()


def number_of_blocks(rows, block_size):
    """A block ends once it holds that many rows."""
    blocks, in_block = 0, block_size
    for of_event in rows:
        if in_block >= block_size:
            blocks, in_block = blocks + 1, 0
        in_block += of_event
    return blocks


def test_blocks_are_filled_for_the_flow_with_most_objects(flows, count_tasks, gen_files):
    """A flow on the first jet of an event, beside one on all jets, makes the blocks no shorter."""
    jets = ROOT.RDataFrame("Events", gen_files["TTree"]).Filter("nGenJet > 0")
    of_all, of_first = 2 * jets.AsNumpy(["nGenJet"])["nGenJet"], [2] * jets.Count().GetValue()
    all_jets, first_jet = number_of_blocks(of_all, 60), number_of_blocks(of_first, 60)
    assert all_jets > 2 * first_jet
    first = {"fat.pt": "Take(GenJet_pt, 1)", "fat.eta": "Take(GenJet_eta, 1)"}
    for simulated, expected in [
        ((flows["tiny"], {}), all_jets),
        ((flows["fat"], first), first_jet),
        (([flows["tiny"], flows["fat"]], first), all_jets),
    ]:
        flow, context = simulated
        assert count_tasks(jets.FlashSim(flow, fold_size=2, block_size=60, context=context)) == expected
