"""Oversampled histograms among RDataFrame's other results: variations, several dataframes, partial results, merging."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401
from oracle import check
from samples import expected, make_rows, select, together, write_files

EDGES = {"x": np.linspace(0, 10, 7), "y": np.array([-0.5, 1.0, 1.5, 4.0, 9.0]), "z": np.array([2.0, 5.0, 6.0, 8.5])}
NAMES = ["x", "xy", "xyz"]


def edges_of(names: str):
    return EDGES["x"] if names == "x" else [EDGES[name] for name in names]


def book(node, names: str, *columns, precision: str = "D", **options):
    parts = [part for axis in names for part in (len(EDGES[axis]) - 1, EDGES[axis])]
    method = getattr(node, f"OversampledTH{len(names)}{precision}")
    return method((f"h{names}", ";x;y;z", *parts), *(columns or [*names, "w"]), **options)


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.fixture(scope="module", params=["TTree", "RNTuple"])
def files(request, rows, tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("flat")
    return write_files(folder, rows, files=3, cluster=37, ntuple=request.param == "RNTuple")


@pytest.mark.parametrize("names", ["x", "xy", pytest.param("xyz", marks=pytest.mark.slow)])
def test_variations_of_values(names, threads, rows, files):
    df = ROOT.RDataFrame("Events", files).Vary("x", "ROOT::RVecD{x - 1, x + 1}", ["down", "up"], "scale")
    nominal = book(df.Filter("x > 2"), names, covariance=True)
    varied = ROOT.RDF.Experimental.VariationsFor(nominal)
    assert {str(key) for key in varied.GetKeys()} == {"nominal", "scale:down", "scale:up"}
    for name, shift in {"nominal": 0, "scale:down": -1, "scale:up": 1}.items():
        shifted = {**rows, "x": rows["x"] + shift}
        wanted = expected(select(shifted, shifted["x"] > 2), names, edges_of(names))
        check(varied[name], wanted, covariance=True)
    check(nominal, expected(select(rows, rows["x"] > 2), names, edges_of(names)), covariance=True)


def test_variations_of_weights_and_of_several_columns(threads, rows, files):
    df = ROOT.RDataFrame("Events", files).Vary("w", "ROOT::RVecD{0.5 * w, -w}", 2, "weight")
    df = df.Vary(["x", "y"], "ROOT::RVec<ROOT::RVecD>{{x + 1}, {y - 1}}", ["moved"], "both")
    varied = ROOT.RDF.Experimental.VariationsFor(book(df, "xy"))
    samples = {
        "nominal": rows,
        "weight:0": {**rows, "w": 0.5 * rows["w"]},
        "weight:1": {**rows, "w": -rows["w"]},
        "both:moved": {**rows, "x": rows["x"] + 1, "y": rows["y"] - 1},
    }
    assert {str(key) for key in varied.GetKeys()} == set(samples)
    for name, sample in samples.items():
        check(varied[name], expected(sample, "xy", edges_of("xy")))


def test_variations_where_rows_lie_anywhere(threads, rows):
    order = np.random.default_rng(1).permutation(len(rows["x"]))
    df = ROOT.RDF.FromNumpy(select(rows, order)).Vary("y", "ROOT::RVecD{y - 1, y + 1}", ["down", "up"])
    varied = ROOT.RDF.Experimental.VariationsFor(book(df, "xy", contiguous=False))
    for name, shift in {"nominal": 0, "y:down": -1, "y:up": 1}.items():
        check(varied[name], expected({**rows, "y": rows["y"] + shift}, "xy", edges_of("xy")))


@pytest.mark.slow
def test_runs_of_several_dataframes(threads, rows, files):
    other_rows = make_rows(n_gen=60, seed=3)
    first, second = ROOT.RDataFrame("Events", files), ROOT.RDF.FromNumpy(other_rows)
    results = [book(first, "x"), book(second, "xy", covariance=True), book(first, "xyz", precision="F"), second.Count()]
    ROOT.RDF.RunGraphs(results)
    assert (first.GetNRuns(), second.GetNRuns()) == (1, 1)
    check(results[0], expected(rows, "x", EDGES["x"]))
    check(results[1], expected(other_rows, "xy", edges_of("xy")), covariance=True)
    check(results[2], expected(rows, "xyz", edges_of("xyz")))
    assert results[3].GetValue() == len(other_rows["x"])
    assert (first.GetNRuns(), second.GetNRuns()) == (1, 1)


def test_is_lazy_and_shares_the_event_loop(threads, rows, files):
    df = ROOT.RDataFrame("Events", files)
    filtered = df.Filter("x > 3", "high")
    results = [book(df, names, precision=precision) for names in NAMES for precision in "DF"]
    selected, report, mean = book(filtered, "xy"), filtered.Report(), filtered.Mean("x")
    plain = df.Histo2D(("plain", "", 5, 0.0, 10.0, 5, 0.0, 10.0), "x", "y")
    anywhere = book(df, "x", contiguous=False)
    assert df.GetNRuns() == 0
    assert not any(result.IsReady() for result in results)
    for i, result in enumerate(results):
        names = NAMES[i // 2]
        check(result, expected(rows, names, edges_of(names)))
        assert df.GetNRuns() == 1
    high = rows["x"] > 3
    check(selected, expected(select(rows, high), "xy", edges_of("xy")))
    check(anywhere, expected(rows, "x", EDGES["x"]))
    assert plain.GetEntries() == len(rows["x"])
    assert report.At("high").GetPass() == high.sum()
    assert mean.GetValue() == pytest.approx(rows["x"][high].mean())
    assert df.GetNRuns() == 1


def test_every_node(rows):
    df = ROOT.RDF.FromNumpy(rows)
    nodes = [
        df,
        df.Filter("true"),
        df.Define("other", "x"),
        df.Redefine("x", "x + 0."),
        df.Alias("other", "x"),
        df.Range(0),
        df.Vary("w", "ROOT::RVecD{w}", 1),
        df.DefinePerSample("sample", "1"),
        ROOT.RDF.AsRNode(df),
        df.Filter("true").Define("other", "x").Filter("other == x"),
    ]
    for node in nodes:
        for names in NAMES:
            check(book(node, names), expected(rows, names, edges_of(names)))


def test_aliases_and_defined_columns(rows):
    df = ROOT.RDF.FromNumpy(rows).Alias("number", "genEvent").Alias("n", "foldSize").Define("twice", "2 * w")
    df = df.Alias("across", "x").Alias("weight", "twice")
    histogram = book(df, "xy", "across", "y", "weight", event="number", fold_size="n")
    check(histogram, expected({**rows, "w": 2 * rows["w"]}, "xy", edges_of("xy")))


def test_ranges_cut_gen_events(rows):
    """RECO events that are cut away count in N, like those that a filter drops."""
    histogram = book(ROOT.RDF.FromNumpy(rows).Range(101, 400), "xy", covariance=True)
    check(histogram, expected(select(rows, slice(101, 400)), "xy", edges_of("xy")), covariance=True)


def test_graphs_show_the_class(rows):
    df = ROOT.RDF.FromNumpy(rows)
    results = [book(df, names, precision=precision) for names in NAMES for precision in "DF"]
    graph = str(ROOT.RDF.SaveGraph(df))
    for kind in ("1D", "1F", "2D", "2F", "3D", "3F"):
        assert f"OversampledTH{kind}" in graph
    assert not any(result.IsReady() for result in results)
    assert "OversampledTH2D" in str(ROOT.RDF.SaveGraph(results[2]))


def test_partial_results(rows):
    ROOT.gInterpreter.Declare("""
    #include <FlashSim/booking/OversampledTHAction.hxx>
    #include <vector>
    namespace PartialResults2D {
    std::vector<double> genEvents, contents;
    void Watch(ROOT::RDF::RResultPtr<FlashSim::OversampledTH2D> histogram) {
       histogram.OnPartialResult(200, [](FlashSim::OversampledTH2D &h) {
          genEvents.push_back(h.GetNGenEvents());
          contents.push_back(h.GetSumOfWeights());
       });
    }
    }
    """)
    histogram = book(ROOT.RDF.FromNumpy(rows), "xy", "x", "y", covariance=True)
    ROOT.PartialResults2D.Watch(histogram)
    check(histogram, expected(rows, "xy", edges_of("xy"), weights=None), covariance=True)
    gen_events, contents = list(ROOT.PartialResults2D.genEvents), list(ROOT.PartialResults2D.contents)
    assert len(gen_events) == len(contents) == len(rows["x"]) // 200
    assert 0 < gen_events[0] < gen_events[-1] < 200
    assert 0 < contents[0] < contents[-1] < histogram.GetSumOfWeights()


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("options", [{}, {"covariance": True}, {"contiguous": False, "covariance": True}])
def test_results_of_distributed_tasks(names, options, rows):
    """Tasks send their results as pickled mergeables."""
    samples = [rows, *[make_rows(n_gen=40, seed=seed) for seed in (2, 3)]]
    mergeables = []
    for sample in samples:
        result = book(ROOT.RDF.FromNumpy(sample), names, **options)
        mergeables.append(pickle.loads(pickle.dumps(ROOT.Detail.RDF.GetMergeableValue(result))))
    ROOT.Detail.RDF.MergeValues(mergeables[0], mergeables[1])
    ROOT.Detail.RDF.MergeValues(mergeables[0], mergeables[2])
    wanted = expected(together(*samples), names, edges_of(names))
    check(mergeables[0].GetValue(), wanted, covariance="covariance" in options)


@pytest.mark.parametrize("names", NAMES)
def test_results_outlive_the_dataframe(names, rows):
    result = book(ROOT.RDF.FromNumpy(rows), names, covariance=True)
    result.GetValue()
    copy = result.GetPtr()
    del result
    check(copy, expected(rows, names, edges_of(names)), covariance=True)


def test_second_loop_leaves_the_first_result_alone(threads, rows, files):
    df = ROOT.RDataFrame("Events", files)
    first = book(df, "xy")
    first.GetValue()
    first.Scale(2)
    second = book(df, "xy")
    check(second, expected(rows, "xy", edges_of("xy")))
    check(first, expected({**rows, "w": 2 * rows["w"]}, "xy", edges_of("xy")))


def test_on_simulated_folds(gen_files, tiny_flow, threads):
    """Look-ahead: a data source, whose tasks never cut a GEN event."""
    df = ROOT.RDataFrame("Events", gen_files["TTree"]).Define("w", "event % 3 == 0 ? -1.5 : 1.0 + 0.01 * (event % 7)")
    sim = df.FlashSim(tiny_flow, fold_size=4, block_size=30).Filter("nJet > 0")
    sim = sim.Define("x", "Jet_pt[0] / 30").Define("y", "Sum(Jet_pt) / 60")
    booked = [book(sim, "xy", covariance=True), book(sim, "xy", contiguous=False)]
    booked.append(book(sim, "xy", event=("run", "luminosityBlock", "event"), fold_size=4))
    arrays = sim.AsNumpy(["genEvent", "foldIndex", "foldSize", "x", "y", "w"])
    sample = {name: np.asarray(values) for name, values in arrays.items()}
    sample["reco"] = sample["foldIndex"]
    for histogram in booked:
        check(histogram, expected(sample, "xy", edges_of("xy")))
