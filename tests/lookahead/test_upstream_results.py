"""Results on the graph that FlashSim looks ahead on, and readers of its columns, are the same as without FlashSim."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

from gen_events import snapshot

ROOT.gInterpreter.Declare("""
namespace UpstreamResults {
float SortInPlace(ROOT::RVecF &values)
{
   std::sort(values.begin(), values.end());
   return values.empty() ? 0 : values[0];
}
float DoubleInPlace(ROOT::RVecF &values) { for (auto &value : values) value *= 2; return Sum(values); }
float Clear(ROOT::RVecF &values) { const float size = values.size(); values.clear(); return size; }
}
""")

WEIGHTS = ("h", "", 20, -5.0, 5.0)

BOOKED = {
    "Histo1D": lambda node: node.Histo1D(WEIGHTS, "weight"),
    "Histo2D": lambda node: node.Histo2D(("h", "", 5, -5.0, 5.0, 4, 0.0, 400.0), "weight", "ht"),
    "HistoND": lambda node: node.HistoND(("h", "", 1, [5], [-5.0], [5.0]), ["weight"]),
    "Profile1D": lambda node: node.Profile1D(("h", "", 5, -5.0, 5.0), "weight", "ht"),
    "Sum": lambda node: node.Sum("ht"),
    "Max": lambda node: node.Max("ht"),
    "Min": lambda node: node.Min("ht"),
    "Mean": lambda node: node.Mean("ht"),
    "StdDev": lambda node: node.StdDev("ht"),
    "Stats": lambda node: node.Stats("ht"),
    "Graph": lambda node: node.Graph("ht", "weight"),
    "OversampledTH1D": lambda node: node.OversampledTH1D(WEIGHTS, "weight", event="event", fold_size=1),
}


def to_numbers(kind, result):
    value = result.GetValue()
    if kind == "Graph":
        return np.sort(np.frombuffer(value.GetX(), np.float64, value.GetN()))
    if kind == "Stats":
        return np.array([value.GetN(), value.GetMean(), value.GetMax()])
    if kind == "HistoND":
        return np.array([value.GetEntries()])
    if isinstance(value, ROOT.TH1):
        return np.array([value.GetBinContent(i) for i in range(value.GetNcells())])
    return np.array([value])


def make_graph(files):
    # All by name: a column compiled before the event loop would register others in the graph too.
    return ROOT.RDataFrame("Events", files).Define("weight", "event % 7 - 3.").Define("ht", "Sum(GenJet_pt)")


@pytest.mark.parametrize("kind", BOOKED)
@pytest.mark.parametrize(
    "position", ["node", *(pytest.param(name, marks=pytest.mark.slow) for name in ("head", "sibling"))]
)
def test_pending_results_see_the_whole_dataset(gen_files, tiny_flow, kind, position):
    expected = to_numbers(kind, BOOKED[kind](make_graph(gen_files["TChain"])))
    graph = make_graph(gen_files["TChain"])
    node = graph.Filter("event > 0")
    pending = BOOKED[kind]({"node": node, "head": graph, "sibling": graph.Filter("ht > -1")}[position])
    assert node.FlashSim(tiny_flow, fold_size=2, chunk_size=40).Count().GetValue() == 480
    np.testing.assert_allclose(to_numbers(kind, pending), expected, rtol=1e-12)


def test_pending_results_in_every_format_and_with_threads(gen_dataset, threads, tiny_flow):
    graph = make_graph(gen_dataset)
    histogram, later = graph.Histo1D(WEIGHTS, "weight"), graph.Filter("event % 2 == 0").Sum("ht")
    sim = graph.FlashSim(tiny_flow, fold_size=2, chunk_size=40)
    assert sim.Filter("nJet > 0").Sum("nJet").GetValue() > 0
    assert histogram.GetEntries() == 240
    assert later.GetValue() == pytest.approx(
        make_graph(gen_dataset).Filter("event % 2 == 0").Sum("ht").GetValue(), rel=1e-12
    )


def test_pending_results_survive_loops_that_end_early(gen_files, tiny_flow):
    graph = make_graph(gen_files["TTree"])
    sim = graph.FlashSim(tiny_flow, fold_size=2, chunk_size=40)
    before = graph.Histo1D(WEIGHTS, "weight")
    assert sim.Range(5).Count().GetValue() == 5
    assert before.GetEntries() == 240
    before = graph.Histo1D(("h2", "", 20, -5.0, 5.0), "weight")
    failing = sim.Define("bad", 'if (genEvent == 130) throw std::runtime_error("stop"); return 1;').Sum("bad")
    with pytest.raises(Exception, match="stop"):
        failing.GetValue()
    assert before.GetEntries() == 240
    assert graph.Count().GetValue() == 240


def test_a_callback_may_ask_for_upstream_results(gen_files, tiny_flow):
    graph = make_graph(gen_files["TTree"])
    sim = graph.FlashSim(tiny_flow, fold_size=2, chunk_size=40)
    pending, seen = graph.Sum("ht"), []
    ROOT.gInterpreter.Declare("""
    namespace UpstreamResults {
    template <typename Count, typename Sum> void AskInCallback(Count &count, Sum sum, std::vector<double> &seen)
    {
       count.OnPartialResult(100, [sum, &seen](ULong64_t) mutable { seen.push_back(*sum); });
    }
    }""")
    count, seen = sim.Count(), ROOT.std.vector["double"]()
    late = graph.Filter("event % 2 == 0").Sum("ht")
    ROOT.UpstreamResults.AskInCallback(count, pending, seen)
    ROOT.UpstreamResults.AskInCallback(count, late, seen)
    assert count.GetValue() == 480
    whole = make_graph(gen_files["TTree"]).Sum("ht").GetValue()
    even = make_graph(gen_files["TTree"]).Filter("event % 2 == 0").Sum("ht").GetValue()
    np.testing.assert_allclose(list(seen), [whole, even] * 4, rtol=1e-12)


def test_a_callback_may_book_upstream_results(gen_files, tiny_flow):
    graph = make_graph(gen_files["TTree"])
    ROOT.gInterpreter.Declare("""
    namespace UpstreamResults {
    std::vector<ROOT::RDF::RResultPtr<double>> booked;
    void BookInCallback(ROOT::RDF::RResultPtr<ULong64_t> &count, ROOT::RDF::RNode node)
    {
       count.OnPartialResult(100, [node](ULong64_t) mutable { booked.push_back(node.Sum<double>("total")); });
    }
    }""")
    count = graph.FlashSim(tiny_flow, fold_size=2, chunk_size=40).Count()
    ROOT.UpstreamResults.BookInCallback(count, ROOT.RDF.AsRNode(graph.Define("total", "double(ht)")))
    assert count.GetValue() == 480
    whole = make_graph(gen_files["TTree"]).Sum("ht").GetValue()
    sums = [result.GetValue() for result in ROOT.UpstreamResults.booked]
    np.testing.assert_allclose(sums, [whole] * 4, rtol=1e-12)


def test_run_graphs_with_results_of_the_upstream_graph(gen_dataset, threads, tiny_flow):
    graph = make_graph(gen_dataset)
    first = graph.FlashSim(tiny_flow, fold_size=2, seed=1, chunk_size=40)
    second = graph.FlashSim(tiny_flow, fold_size=3, seed=2, chunk_size=70)
    other = make_graph(gen_dataset).FlashSim(tiny_flow, fold_size=2, seed=1)
    results = [first.Sum("ht"), graph.Sum("ht"), second.Sum("ht"), other.Sum("ht"), graph.Filter("event < 1").Count()]
    ROOT.RDF.RunGraphs(results)
    assert all(result.IsReady() for result in results)
    total = make_graph(gen_dataset).Sum("ht").GetValue()
    assert [result.GetValue() for result in results] == pytest.approx(
        [2 * total, total, 3 * total, 2 * total, 0], rel=1e-9
    )


# -------------------------------------------------------------------------------------- columns that expressions change


CHANGES = {
    "SortInPlace": lambda values: values.min() if len(values) else 0,
    "DoubleInPlace": lambda values: 2 * values.sum(),
    "Clear": len,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("block_size", [1, pytest.param(1000, marks=pytest.mark.slow)])
def test_expressions_that_change_gen_columns(gen_dataset, threads, tiny_flow, change, block_size):
    sim = ROOT.RDataFrame("Events", gen_dataset).FlashSim(tiny_flow, fold_size=3, seed=4, block_size=block_size)
    columns = ["genEvent", "foldIndex", "Jet_pt"]
    pristine = sim.AsNumpy([*columns, "GenJet_pt", "GenJet_eta"])
    code = f"double(UpstreamResults::{change}(GenJet_pt)) + UpstreamResults::{change}(GenJet_eta)"
    changed = sim.Define("changed", code).Filter("changed > -1e9").AsNumpy([*columns, "changed"])
    orders = [np.lexsort((arrays["foldIndex"], arrays["genEvent"])) for arrays in (pristine, changed)]
    assert len(orders[1]) == 720
    for before, after in zip(*orders, strict=True):
        np.testing.assert_array_equal(pristine["Jet_pt"][before], changed["Jet_pt"][after])
        values = [CHANGES[change](np.asarray(pristine[name][before])) for name in ("GenJet_pt", "GenJet_eta")]
        assert changed["changed"][after] == pytest.approx(sum(values), rel=1e-4, abs=1e-4)


# -------------------------------------------------------------------------------------------------------------- samples


def make_spec(files):
    spec = ROOT.RDF.Experimental.RDatasetSpec()
    for name, file, cross_section in zip("AB", files, (2.0, 10.0), strict=True):
        metadata = ROOT.RDF.Experimental.RMetaData()
        metadata.Add("xs", cross_section)
        spec.AddSample(ROOT.RDF.Experimental.RSample(name, "Events", [file], metadata))
    return spec


@pytest.fixture(scope="module")
def ntuple_chain(gen_files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ntuples")
    columns = ["event", "GenJet_pt", "GenJet_eta"]
    return [
        snapshot(ROOT.RDataFrame("Events", file), folder / f"{i}.root", columns, ntuple=True)
        for i, file in enumerate(gen_files["TChain"])
    ]


@pytest.mark.parametrize("chunk_size", [0, 30])
@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
def test_define_per_sample_behind_flash_sim(gen_files, ntuple_chain, threads, tiny_flow, chunk_size, ntuple):
    files = ntuple_chain if ntuple else gen_files["TChain"]
    in_first = set(ROOT.RDataFrame("Events", files[0]).AsNumpy(["event"])["event"])
    sim = ROOT.RDataFrame("Events", files).FlashSim(tiny_flow, fold_size=3, chunk_size=chunk_size)
    name = files[0].rsplit("/", 1)[-1]
    arrays = (
        sim.DefinePerSample("inFirst", f'rdfsampleinfo_.Contains("{name}")')
        .DefinePerSample("entries", "rdfsampleinfo_.NEntriesTotal()")
        .DefinePerSample("range", "rdfsampleinfo_.NEntries()")
        .AsNumpy(["event", "inFirst", "entries", "range"])
    )
    assert len(arrays["event"]) == 720
    np.testing.assert_array_equal(arrays["inFirst"], [event in in_first for event in arrays["event"]])
    # Three for each GEN event of the file, for any part of it in the look-ahead.
    sizes = np.where(arrays["inFirst"], 3 * 110, 3 * 130)
    np.testing.assert_array_equal(arrays["entries"], sizes)
    np.testing.assert_array_equal(arrays["range"], sizes)


@pytest.mark.parametrize("chunk_size", [0, 30])
def test_metadata_of_a_dataset_spec_behind_flash_sim(gen_files, threads, tiny_flow, chunk_size):
    df = ROOT.RDataFrame(make_spec(gen_files["TChain"]))
    sim = df.FlashSim(tiny_flow, fold_size=3, chunk_size=chunk_size)
    arrays = (
        sim.DefinePerSample("xs", 'rdfsampleinfo_.GetD("xs")')
        .DefinePerSample("sample", "int(rdfsampleinfo_.GetSampleId())")
        .AsNumpy(["genEvent", "xs", "sample"])
    )
    np.testing.assert_array_equal(arrays["xs"], np.where(arrays["genEvent"] < 110, 2.0, 10.0))
    np.testing.assert_array_equal(arrays["sample"], np.where(arrays["genEvent"] < 110, 0, 1))
    assert len(arrays["xs"]) == 720


# ------------------------------------------------------------------------------------------ files that differ in types


@pytest.fixture(scope="module")
def mixed_files(tmp_path_factory):
    """Two trees of which one has the flavour as Int_t and one as Short_t, like NanoAOD of different versions."""
    folder = tmp_path_factory.mktemp("mixed")
    files = []
    for element in ("int", "short"):
        df = (
            ROOT.RDataFrame(20)
            .Define("event", "rdfentry_")
            .Define("GenJet_pt", "ROOT::RVecF{30.f + rdfentry_, 20.f}")
            .Define("GenJet_eta", "ROOT::RVecF{1.f, 0.5f}")
            .Define("GenJet_flavour", f"ROOT::RVec<{element}>{{{element}(rdfentry_), 5}}")
        )
        files.append(snapshot(df, folder / f"{element}.root"))
    return files


@pytest.mark.parametrize("order", [1, -1])
def test_branches_that_change_their_type(mixed_files, threads, tiny_flow, order):
    files = mixed_files[::order]
    pattern = "column 'GenJet_flavour' has type '.*' in the file '.*' and '.*' in '.*'"
    sim = ROOT.RDataFrame("Events", files).FlashSim(tiny_flow)
    with pytest.raises(Exception, match=pattern):
        sim.Define("sum", "Sum(GenJet_flavour)").Sum("sum").GetValue()
    upstream = ROOT.RDataFrame("Events", files).Filter("Any(GenJet_flavour == 5)")
    with pytest.raises(Exception, match=pattern):
        upstream.FlashSim(tiny_flow, context={"eta": "GenJet_flavour * 0.1f"}).Count().GetValue()

    def inline():
        return ROOT.RDataFrame("Events", files).Define("run", "1u").Define("luminosityBlock", "1u")

    with pytest.raises(Exception, match=pattern):
        inline().DefineFolds(tiny_flow, context={"eta": "GenJet_flavour * 0.1f"}).Sum("nJet").GetValue()
    # Nobody reads the branch: nothing is wrong.
    assert inline().DefineFolds(tiny_flow).Sum("nJet").GetValue() == 80
    assert ROOT.RDataFrame("Events", files).FlashSim(tiny_flow).Sum("nJet").GetValue() == 80


# --------------------------------------------------------------------------------------------------------------- range


def test_a_filter_called_range_is_a_filter(gen_files, tiny_flow):
    """The upstream graph runs once for each chunk: a Range would make one chunk of the dataset."""
    runs = {}
    for name in ("Range", "pt", 'Range", shape="diamond'):
        df = ROOT.RDataFrame("Events", gen_files["TTree"])
        sim = df.Filter("event > 0", name).FlashSim(tiny_flow, fold_size=2, chunk_size=40)
        assert sim.Count().GetValue() == 480
        runs[name] = df.GetNRuns()
    assert set(runs.values()) == {6}
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    assert df.Range(100).FlashSim(tiny_flow, fold_size=2, chunk_size=40).Count().GetValue() == 200
    assert df.GetNRuns() == 1
