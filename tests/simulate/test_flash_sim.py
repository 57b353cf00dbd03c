"""node.FlashSim: the same RECO events however they are made, the right entries, nothing run that is not read."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim
import tiny_flows
from gen_events import snapshot

FLOATS = ["Jet_pt", "Jet_eta", "Jet_phi", "Jet_mass", "Jet_btag"]
INTEGERS = ["Jet_jetId", "Jet_nConstituents", "Jet_genJetIdx"]


def records(sim, columns=(*FLOATS, *INTEGERS), keys=("run", "luminosityBlock", "event", "foldIndex")):
    """{(run, luminosityBlock, event, foldIndex): bytes of the columns}, whatever the order of the entries."""
    arrays = sim.AsNumpy([*keys, *columns])
    names = zip(*(arrays[key].tolist() for key in keys), strict=True)
    return {name: b"".join(np.asarray(arrays[c][i]).tobytes() for c in columns) for i, name in enumerate(names)}


@pytest.fixture(scope="module")
def reference(gen_files):
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim("jets", fold_size=3, seed=5, steps=2)
    result = records(sim)
    assert len(result) == 240 * 3
    assert len(set(result.values())) == 240 * 3
    return result


@pytest.mark.parametrize("chunk_size", [7, pytest.param(1000, marks=pytest.mark.slow), 0])
def test_reco_events_have_the_same_bits_in_any_format_chunk_and_thread(gen_dataset, threads, chunk_size, reference):
    sim = ROOT.RDataFrame("Events", gen_dataset).FlashSim("jets", fold_size=3, seed=5, steps=2, chunk_size=chunk_size)
    assert records(sim) == reference


@pytest.mark.parametrize("block_size", [1, 40, 100000])
def test_block_size_changes_nothing(gen_files, block_size, reference):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    assert records(df.FlashSim("jets", fold_size=3, seed=5, steps=2, block_size=block_size)) == reference


def test_an_event_is_the_same_in_another_file(gen_files, tmp_path, threads, reference):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    ROOT.DisableImplicitMT()
    odd = snapshot(
        ROOT.RDataFrame("Events", gen_files["TTree"]).Filter("event % 3 == 1"),
        tmp_path / "odd.root",
        df.GetColumnNames(),
    )
    if threads > 1:
        ROOT.EnableImplicitMT(threads)
    sim = records(ROOT.RDataFrame("Events", odd).FlashSim("jets", fold_size=2, seed=5, steps=2))
    assert len(sim) == 2 * 80
    assert sim == {key: reference[key] for key in sim}


def test_flow_sample_with_event_keys_gives_the_same_bits(gen_files):
    flow = flashsim.Flow("jets")
    df = ROOT.RDataFrame("Events", gen_files["TTree"]).Range(5)
    gen = df.AsNumpy(["run", "luminosityBlock", "event", *(f"GenJet_{v.name}" for v in flow.context)])
    sim = df.FlashSim(flow, fold_size=2, seed=9, steps=2).AsNumpy(["Jet_pt", "Jet_btag", "Jet_nSVs", "Jet_genJetIdx"])
    names = [variable.name for variable in flow.target]
    for i in range(5):
        context = np.column_stack([gen[f"GenJet_{v.name}"][i] for v in flow.context])
        keys = [[gen["run"][i], gen["luminosityBlock"][i], gen["event"][i], j] for j in range(len(context))]
        sample = flow.sample(context, fold_size=2, seed=9, steps=2, event_keys=keys)
        for fold_index in range(2):
            pt = sample[:, fold_index, names.index("pt")]
            order = np.argsort(-pt, kind="stable")
            entry = 2 * i + fold_index
            np.testing.assert_array_equal(sim["Jet_pt"][entry], pt[order])
            np.testing.assert_array_equal(sim["Jet_btag"][entry], sample[order, fold_index, names.index("btag")])
            np.testing.assert_array_equal(sim["Jet_nSVs"][entry], sample[order, fold_index, names.index("nSVs")])
            np.testing.assert_array_equal(sim["Jet_genJetIdx"][entry], order)


def test_seed_and_steps_matter(gen_files, reference):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    other_seed = records(df.FlashSim("jets", fold_size=1, seed=6, steps=2))
    other_steps = records(df.FlashSim("jets", fold_size=1, seed=5, steps=3))
    assert all(other_seed[key] != reference[key] != other_steps[key] for key in other_seed)


# ---------------------------------------------------------------------------------------------- entries and columns


def test_entries_and_gen_columns(gen_dataset, threads, tiny_flow):
    df = ROOT.RDataFrame("Events", gen_dataset).Define("ht", "Sum(GenJet_pt)")
    booked_before = df.Count()
    sim = df.Filter("ht > 150").FlashSim(tiny_flow, fold_size=4)
    booked_after = df.Sum("ht")
    columns = ["genEvent", "foldIndex", "foldSize", "event", "ht", "GenJet_pt", "GenJet_partonFlavour", "genWeight"]
    reco = sim.AsNumpy(columns)
    assert booked_before.GetValue() == 240
    gen = df.AsNumpy(["event", "ht", "GenJet_pt", "GenJet_partonFlavour", "genWeight"])
    assert booked_after.GetValue() == pytest.approx(gen["ht"].sum(), rel=1e-5)

    order = np.lexsort((reco["foldIndex"], reco["genEvent"]))
    if threads == 1:
        np.testing.assert_array_equal(order, np.arange(len(order)))
    reco = {name: values[order] for name, values in reco.items()}
    # With several threads AsNumpy's own order is arbitrary; event numbers of the sample ascend.
    gen_order = np.argsort(gen["event"])
    passing = [i for i in gen_order if gen["ht"][i] > 150]
    assert len(reco["event"]) == 4 * len(passing) > 0
    np.testing.assert_array_equal(reco["foldIndex"], np.tile(np.arange(4), len(passing)))
    assert (reco["foldSize"] == 4).all()
    for column in ["event", "ht", "genWeight"]:
        np.testing.assert_array_equal(reco[column], np.repeat(gen[column][passing], 4))
    for entry, i in enumerate(np.repeat(passing, 4)):
        np.testing.assert_array_equal(reco["GenJet_pt"][entry], gen["GenJet_pt"][i])
        np.testing.assert_array_equal(reco["GenJet_partonFlavour"][entry], gen["GenJet_partonFlavour"][i])


def test_gen_event_is_the_global_entry_number(gen_dataset, threads, tiny_flow):
    df = ROOT.RDataFrame("Events", gen_dataset)
    sim = df.Filter("event % 7 == 0").FlashSim(tiny_flow, fold_size=2, chunk_size=33).AsNumpy(["genEvent", "event"])
    # The files hold consecutive events, so that the entry number follows from the event's.
    first = int(df.Min("event").GetValue())
    np.testing.assert_array_equal(sim["genEvent"], sim["event"] - first)


def test_reco_columns(gen_files, tiny_flow):
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(tiny_flow, fold_size=2)
    types = {
        name: sim.GetColumnType(name)
        for name in ["nJet", "Jet_pt", "Jet_nConstituents", "Jet_isTight", "Jet_genJetIdx"]
    }
    assert types == {
        "nJet": "int",
        "Jet_pt": "ROOT::VecOps::RVec<float>",
        "Jet_nConstituents": "ROOT::VecOps::RVec<unsigned char>",
        "Jet_isTight": "ROOT::VecOps::RVec<bool>",
        "Jet_genJetIdx": "ROOT::VecOps::RVec<short>",
    }
    arrays = sim.AsNumpy([*types, "GenJet_pt"])
    for i in range(480):
        pt = np.asarray(arrays["Jet_pt"][i])
        assert arrays["nJet"][i] == len(pt)
        assert (np.diff(pt) <= 0).all()
        gen = np.asarray(arrays["GenJet_pt"][i])[np.asarray(arrays["Jet_genJetIdx"][i])]
        assert (np.abs(pt - gen) < 6).all()  # unit smearing
        assert (np.asarray(arrays["Jet_nConstituents"][i]) == 3).all()
    response = np.concatenate([
        np.asarray(pt) - np.asarray(gen)[np.asarray(index)]
        for pt, gen, index in zip(arrays["Jet_pt"], arrays["GenJet_pt"], arrays["Jet_genJetIdx"], strict=True)
    ])  # fmt: skip
    assert abs(response.mean()) < 5 / np.sqrt(len(response))
    assert abs(response.std() - 1) < 5 / np.sqrt(2 * len(response))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("float64", "double"), ("int8", "signed char"), ("int16", "short"), ("uint16", "unsigned short"), ("int32", "int"),
     ("uint32", "unsigned int"), ("int64", "Long64_t"), ("uint64", "ULong64_t")],
)  # fmt: skip
def test_every_declared_type(gen_files, tmp_path, dtype, expected):
    metadata = tiny_flows.smearing_metadata()
    metadata["target"][1]["dtype"] = dtype
    flow = tiny_flows.write_smearing_flow(tmp_path / "flow.onnx", target=metadata["target"])
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).Range(3).FlashSim(flow)
    column = sim.GetColumnType("Jet_nConstituents")
    assert (
        column.replace("long long", "Long64_t").replace("unsigned Long64_t", "ULong64_t")
        == f"ROOT::VecOps::RVec<{expected}>"
    )
    values = sim.Define("sum", "Sum(ROOT::VecOps::RVec<double>(Jet_nConstituents.begin(), Jet_nConstituents.end()))")
    assert values.Sum("sum").GetValue() == 3 * sim.Sum("nJet").GetValue()


def test_prefix_keeps_the_files_own_collection(tiny_flow):
    df = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(20)
    with pytest.raises(RuntimeError, match=r"adds the column 'Jet_pt'.*prefix='Flash'"):
        df.FlashSim(tiny_flow)
    sim = df.FlashSim(tiny_flow, prefix="Flash")
    assert {"FlashJet_pt", "nFlashJet", "FlashJet_genJetIdx"} <= {str(name) for name in sim.GetColumnNames()}
    arrays = sim.AsNumpy(["nJet", "nFlashJet", "nGenJet"])
    np.testing.assert_array_equal(arrays["nFlashJet"], arrays["nGenJet"])


def test_context_by_expression(gen_files, tiny_flow):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    shifted = df.FlashSim(tiny_flow, context={"pt": "GenJet_pt + 1000"}).AsNumpy(["Jet_pt"])["Jet_pt"]
    plain = df.FlashSim(tiny_flow).AsNumpy(["Jet_pt"])["Jet_pt"]
    for i in range(240):
        np.testing.assert_allclose(shifted[i], np.asarray(plain[i]) + 1000, rtol=1e-6)
    by_column = df.Define("tuned", "GenJet_pt + 1000").FlashSim(tiny_flow, context={"tiny.pt": "tuned"})
    assert by_column.Mean("Jet_pt").GetValue() == pytest.approx(
        np.concatenate([np.asarray(pt) for pt in shifted]).mean(), rel=1e-6
    )
    scalar = df.FlashSim(tiny_flow, context={"eta": "0.5"})  # holds for all objects of the event
    assert scalar.Sum("nJet").GetValue() == df.FlashSim(tiny_flow).Sum("nJet").GetValue()
    assert not any("flashsim" in str(name) for name in scalar.GetColumnNames())


def test_several_flows_at_once(gen_files, tiny_flow, tmp_path):
    other = tiny_flows.write_smearing_flow(tmp_path / "fat.onnx", name="fat", collection="FatJet")
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim([tiny_flow, other], fold_size=2)
    both = sim.AsNumpy(["Jet_pt", "FatJet_pt"])
    assert not np.array_equal(both["Jet_pt"][0], both["FatJet_pt"][0])  # another name, another noise
    with pytest.raises(RuntimeError, match="two of the flows have the name 'tiny'"):
        ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim([tiny_flow, tiny_flow])


# ---------------------------------------------------------------------------------------------- laziness


def test_nothing_is_read_before_the_loop(gen_files, tiny_flow):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    count = df.FlashSim(tiny_flow).Count()
    assert df.GetNRuns() == 0
    count.GetValue()
    assert df.GetNRuns() > 0


def test_a_flow_nobody_reads_is_never_run(gen_files, tmp_path):
    """A flow that fails whenever it runs is harmless until one of its columns is read."""
    nodes = [
        tiny_flows.helper.make_node("Constant", [], ["nan"], value_floats=[float("nan")]),
        tiny_flows.helper.make_node("Split", ["noise"], ["z0", "z1"], axis=1, num_outputs=2),
        tiny_flows.helper.make_node("Mul", ["z0", "nan"], ["bad"]),
        tiny_flows.helper.make_node("Concat", ["bad", "bad", "bad"], ["sample"], axis=1),
    ]
    flow = tiny_flows.write_expression_flow(tmp_path / "nan.onnx", nodes)
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(flow, fold_size=2)
    assert sim.Count().GetValue() == 480
    assert sim.Max("foldIndex").GetValue() == 1
    assert sim.Sum("nJet").GetValue() > 0  # known without sampling
    assert sim.Filter("genEvent < 0").Define("pt", "Jet_pt").Count().GetValue() == 0
    with pytest.raises(Exception, match="gave NaN or infinity"):
        sim.Mean("Jet_pt").GetValue()


def test_upstream_is_evaluated_once_per_gen_event(gen_files, tiny_flow):
    ROOT.gInterpreter.Declare("std::atomic<int> flashsim_test_calls{0};")
    df = ROOT.RDataFrame("Events", gen_files["TTree"]).Define("n", "int(++flashsim_test_calls)")
    sim = df.Filter("n > 0").FlashSim(tiny_flow, fold_size=5, chunk_size=40)
    sim.Histo1D("Jet_pt").GetEntries()
    assert int(ROOT.flashsim_test_calls) == 240


# ---------------------------------------------------------------------------------------------- RDataFrame citizenship


def test_several_results_and_two_loops(gen_dataset, threads, tiny_flow):
    sim = ROOT.RDataFrame("Events", gen_dataset).FlashSim(tiny_flow, fold_size=3)
    count, mean, histogram = (
        sim.Count(),
        sim.Mean("Jet_pt"),
        sim.Filter("nJet > 3").Histo1D(("h", "", 50, 0, 500), "Jet_pt"),
    )
    first = (count.GetValue(), mean.GetValue(), histogram.GetEntries())
    assert first[0] == 720
    again = (
        sim.Count().GetValue(),
        sim.Mean("Jet_pt").GetValue(),
        sim.Filter("nJet > 3").Histo1D(("h", "", 50, 0, 500), "Jet_pt").GetEntries(),
    )
    assert again == (first[0], pytest.approx(first[1], rel=1e-12), first[2])


@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
def test_snapshot(gen_files, tmp_path, tiny_flow, threads, ntuple):
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(tiny_flow, fold_size=2)
    columns = [
        "run",
        "luminosityBlock",
        "event",
        "foldIndex",
        "genEvent",
        "foldSize",
        "nJet",
        "Jet_pt",
        "Jet_isTight",
        "Jet_genJetIdx",
        "GenJet_pt",
    ]
    expected = records(sim, columns[4:])
    path = snapshot(sim, tmp_path / "reco.root", columns, ntuple=ntuple)
    assert records(ROOT.RDataFrame("Events", path), columns[4:]) == expected


def test_snapshot_of_everything(gen_files, tmp_path, tiny_flow):
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(tiny_flow, fold_size=2)
    back = ROOT.RDataFrame("Events", snapshot(sim, tmp_path / "all.root"))
    assert {"Jet_pt", "Jet_genJetIdx", "nJet", "GenJet_pt", "foldIndex"} <= {
        str(name) for name in back.GetColumnNames()
    }
    assert back.Count().GetValue() == 480


def test_vary_filter_report_and_display(gen_files, tiny_flow):
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(tiny_flow, fold_size=2)
    varied = sim.Vary("Jet_pt", "ROOT::RVec<ROOT::RVecF>{Jet_pt * 0.9f, Jet_pt * 1.1f}", ["down", "up"], "jes")
    selected = varied.Filter("nJet > 0 && Jet_pt[0] > 60", "leading")
    counts = ROOT.RDF.Experimental.VariationsFor(selected.Count())
    assert counts["jes:down"] < counts["nominal"] < counts["jes:up"]
    report = sim.Filter("nJet > 4", "four").Report()
    assert next(iter(report.GetValue())).GetAll() == 480
    assert "Jet_pt" in str(sim.Display(["Jet_pt"], 2).GetValue().AsString())


def test_range_downstream_and_upstream(gen_files, tiny_flow):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    assert df.FlashSim(tiny_flow, fold_size=3).Range(10).Count().GetValue() == 10
    assert df.Range(10).FlashSim(tiny_flow, fold_size=3, chunk_size=3).Count().GetValue() == 30
    assert (
        df.Range(5, 50, 5).FlashSim(tiny_flow, fold_size=2).AsNumpy(["genEvent"])["genEvent"].tolist()
        == np.repeat(np.arange(5, 50, 5), 2).tolist()
    )
    assert df.Count().GetValue() == 240


def test_empty_inputs_are_no_errors(gen_files, tmp_path, tiny_flow, threads):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    sim = df.Filter("GenJet_pt.size() > 9999").FlashSim(tiny_flow, fold_size=3)
    assert sim.Count().GetValue() == 0
    assert sim.Histo1D("Jet_pt").GetEntries() == 0
    without_jets = df.FlashSim(tiny_flow, fold_size=3, context={"pt": "ROOT::RVecF{}", "eta": "ROOT::RVecF{}"})
    assert without_jets.Count().GetValue() == 720
    assert without_jets.Max("nJet").GetValue() == 0
    assert without_jets.Filter("Jet_pt.empty()").Count().GetValue() == 720
    ROOT.DisableImplicitMT()
    empty = snapshot(
        ROOT.RDataFrame("Events", gen_files["TTree"]).Filter("event < 0"), tmp_path / "empty.root", df.GetColumnNames()
    )
    if threads > 1:
        ROOT.EnableImplicitMT(threads)
    assert ROOT.RDataFrame("Events", empty).FlashSim(tiny_flow).Count().GetValue() == 0


# ---------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        *tiny_flows.BAD_ARGUMENTS,
        ({"chunk_size": -1}, ValueError, "chunk_size must be"),
        ({"context": {"pt": "1.f", "eta": "2.f"}}, RuntimeError, "all context columns of flow 'tiny' are scalars"),
        ({"context": {"pt": 'std::string("x")'}}, RuntimeError, "has type .string., but must hold numbers"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named_before_the_loop(gen_files, tiny_flow, arguments, error, message):
    with pytest.raises(error, match=message):
        ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(**{"flow": tiny_flow, **arguments})


def test_missing_context_column(gen_files, tmp_path):
    flow = tiny_flows.write_smearing_flow(tmp_path / "flow.onnx", source="GenJetAK8")
    with pytest.raises(
        RuntimeError, match=r"takes 'pt' from column 'GenJetAK8_pt', which the dataframe does not have.*context=\{'pt'"
    ):
        ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(flow)


def test_one_flow_twice_has_the_same_noise(gen_files, tiny_flow, threads):
    """To compare contexts or steps: as for DefineFolds."""
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(tiny_flow, 3)
    again = sim.FlashSim(tiny_flow, prefix="Second", context={"pt": "GenJet_pt + 1"})
    arrays = again.AsNumpy(["Jet_pt", "SecondJet_pt"])
    for first, second in zip(arrays["Jet_pt"], arrays["SecondJet_pt"], strict=True):
        np.testing.assert_allclose(np.asarray(second) - np.asarray(first), 1, atol=1e-3)
    assert len(arrays["Jet_pt"]) == 720


def test_upstream_variations_are_refused(gen_files, tiny_flow):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    varied = df.Vary("GenJet_pt", "ROOT::RVec<ROOT::RVecF>{GenJet_pt, GenJet_pt}", 2, "scale")
    with pytest.raises(
        RuntimeError, match=r"column 'GenJet_pt', context variable 'pt'.*is varied upstream \('scale:0'"
    ):
        varied.FlashSim(tiny_flow)
    sim = df.Define("w", "1.0").Vary("w", "ROOT::RVecD{0.5, 2}", 2, "weight").FlashSim(tiny_flow)
    with pytest.raises(Exception, match=r"column 'w' is varied upstream.*Call Vary on the result"):
        sim.Sum("w").GetValue()


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("auto pt = GenJet_pt; if (event % 100 == 50 && pt.size()) pt[0] = NAN; return pt;",
         r"run 1, luminosityBlock \d+, event \d*50, context variable 'pt' of GenJet 0 .* is nan"),
        ("auto pt = GenJet_pt; if (event % 100 == 50 && pt.size()) pt[0] = INFINITY; return pt;", "is inf"),
        ("auto pt = GenJet_pt; if (event % 100 == 50) pt.push_back(1); return pt;",
         r"event \d*50, column 'broken' has \d+ elements and column 'GenJet_eta' has \d+;"),
    ],
)  # fmt: skip
def test_bad_context_values_name_the_event(gen_dataset, threads, tiny_flow, expression, message):
    df = ROOT.RDataFrame("Events", gen_dataset).Define("broken", expression)
    sim = df.FlashSim(tiny_flow, context={"pt": "broken"})
    with pytest.raises(Exception, match=message):
        sim.Mean("Jet_pt").GetValue()
    # Both graphs live on: the upstream one over its whole range, the other for columns that are fine.
    assert df.Count().GetValue() == 240
    assert df.Filter("event % 100 != 50").FlashSim(tiny_flow, context={"pt": "broken"}).Count().GetValue() > 200


def test_an_exception_upstream_reaches_the_caller(gen_dataset, threads, tiny_flow):
    df = ROOT.RDataFrame("Events", gen_dataset)
    thrower = df.Define("bad", 'if (event % 100 == 30) throw std::runtime_error("no luck"); return 1;').Filter(
        "bad > 0"
    )
    with pytest.raises(Exception, match="no luck"):
        thrower.FlashSim(tiny_flow, chunk_size=60).Count().GetValue()
    assert df.Count().GetValue() == 240


def test_a_sample_that_does_not_fit_its_type(gen_files, tmp_path):
    nodes = tiny_flows.smearing_nodes()
    nodes[1] = tiny_flows.helper.make_node("Constant", [], ["three"], value_floats=[300.0])
    flow = tiny_flows.write_expression_flow(tmp_path / "flow.onnx", nodes)
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(flow)
    with pytest.raises(
        Exception, match=r"gave 300 for target 'nConstituents' .* declares integers from 0 to 255 \(uint8\)"
    ):
        sim.Count().GetValue() and sim.Mean("Jet_pt").GetValue()
