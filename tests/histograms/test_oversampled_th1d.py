"""How OversampledTH1D is filled: against the definitions, on memory, files and threads."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

import flashsim
from oracle import check
from th1d_rows import MODEL, expected, make_rows


def write_flat(folder, rows, *, files=1, cluster=0, ntuple=False) -> list[str]:
    """The rows as the dataset Events, cut into files and clusters with no regard to GEN events."""
    options = ROOT.RDF.RSnapshotOptions()
    if ntuple:
        options.fOutputFormat = ROOT.RDF.ESnapshotOutputFormat.kRNTuple
    if cluster:
        options.fAutoFlush = cluster
    paths = []
    for i, part in enumerate(np.array_split(np.arange(len(rows["x"])), files)):
        columns = {name: np.ascontiguousarray(values[part]) for name, values in rows.items()}
        paths.append(str(folder / f"part{i}.root"))
        names = ROOT.std.vector["std::string"](list(columns))
        ROOT.RDF.FromNumpy(columns).Snapshot("Events", paths[-1], names, options)
    return paths


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    return make_rows()


@pytest.fixture(scope="module", params=["TTree", "RNTuple"])
def flat_files(request, rows, tmp_path_factory) -> list[str]:
    """Three files; the TTrees have clusters of 37 entries."""
    folder = tmp_path_factory.mktemp("flat")
    return write_flat(folder, rows, files=3, cluster=37, ntuple=request.param == "RNTuple")


@given(st.data())
@settings(max_examples=60)
def test_any_fold_sizes(data):
    weights = st.floats(-10, 10).filter(lambda w: w == 0 or abs(w) > 1e-3)
    rows = {"genEvent": [], "foldSize": [], "reco": [], "x": [], "w": []}
    for event in data.draw(st.lists(st.integers(0, 2**64 - 1), unique=True, min_size=1, max_size=12)):
        n = data.draw(st.integers(1, 6))
        for _ in range(data.draw(st.integers(0, n))):
            rows["genEvent"].append(event)
            rows["foldSize"].append(n)
            rows["reco"].append(len(rows["reco"]))
            rows["x"].append(data.draw(st.floats(-2, 12) | st.just(np.nan)))
            rows["w"].append(data.draw(weights))
    if not rows["x"]:
        return
    types = {"genEvent": np.uint64, "foldSize": np.int32, "reco": np.int64, "x": float, "w": float}
    rows = {name: np.array(values, types[name]) for name, values in rows.items()}
    check(ROOT.RDF.FromNumpy(rows).OversampledTH1D(MODEL, "x", "w"), expected(rows))


def test_scalars_after_filters(threads, rows, flat_files):
    # The last filter drops GEN events as a whole.
    df = ROOT.RDataFrame("Events", flat_files).Filter("x < 9 && reco % 5 != 0").Filter("genEvent % 7 != 0")
    keep = (rows["x"] < 9) & (rows["reco"] % np.uint64(5) != 0) & (rows["genEvent"] % np.uint64(7) != 0)
    weighted, unweighted = df.OversampledTH1D(MODEL, "x", "w"), df.OversampledTH1D(MODEL, "x")
    check(weighted, expected(rows, keep))
    check(unweighted, expected(rows, keep, weights=None))


def test_collections(threads, rows, flat_files):
    # From 0 to 3 values for each RECO event, often several in one bin.
    expression = "ROOT::RVecD v(reco % 4); for (std::size_t i = 0; i < v.size(); ++i) v[i] = x + 0.4 * i; return v;"
    df = ROOT.RDataFrame("Events", flat_files).Define("values", expression).Define("weights", "w * (values - 5)")
    index = np.repeat(np.arange(len(rows["x"])), (rows["reco"] % np.uint64(4)).astype(int))
    number = np.arange(len(index)) - np.searchsorted(index, index)
    fills = {name: values[index] for name, values in rows.items()}
    fills["x"] = fills["x"] + 0.4 * number
    fills["weights"] = fills["w"] * (fills["x"] - 5)
    by_event, by_element = df.OversampledTH1D(MODEL, "values", "w"), df.OversampledTH1D(MODEL, "values", "weights")
    one_value = df.OversampledTH1D(MODEL, "x", "weights")
    check(by_event, expected(fills))
    check(by_element, expected(fills, weights="weights"))
    # As Histo1D does, one value is filled once with each of the weights.
    check(one_value, expected({**fills, "x": rows["x"][index]}, weights="weights"))


def test_very_many_values_in_one_reco_event():
    # Up to 119 values in 128 bins, in no order, many of them in bins already filled.
    rows = make_rows(n_gen=20)
    expression = (
        "ROOT::RVecD v(reco % 120); for (int i = 0; i < v.size(); ++i) v[i] = x * (i * 37 % 120) / 128; return v;"
    )
    histogram = ROOT.RDF.FromNumpy(rows).Define("v", expression).OversampledTH1D(("h", "", 128, 0.0, 8.0), "v", "w")
    index = np.repeat(np.arange(len(rows["x"])), (rows["reco"] % np.uint64(120)).astype(int))
    number = np.arange(len(index)) - np.searchsorted(index, index)
    fills = {name: values[index] for name, values in rows.items()}
    check(histogram, expected({**fills, "x": fills["x"] * (number * 37 % 120) / 128}, edges=np.linspace(0, 8, 129)))


@contextmanager
def two_threads_for_reading():
    """To be entered when files are written: with several threads, Snapshot does not keep the order of entries."""
    ROOT.EnableImplicitMT(2)
    try:
        yield
    finally:
        ROOT.DisableImplicitMT()


def test_folds_that_straddle_tasks_are_joined(rows, tmp_path):
    files = write_flat(tmp_path, rows, files=7, cluster=11)
    wanted = expected(rows, weights=None)
    with two_threads_for_reading():
        df = ROOT.RDataFrame("Events", files)
        check(df.OversampledTH1D(MODEL, "x"), wanted)
        # If the parts of a fold in two files count as GEN events of their own, the variance is too small.
        number = 'std::string name = rdfsampleinfo_.AsString(); return int(name[name.find("part") + 4]);'
        apart = df.DefinePerSample("file", number).OversampledTH1D(MODEL, "x", event=("genEvent", "file"))
        assert apart.GetNGenEvents() > wanted.gen_events
    assert sum(apart.GetBinError(i) ** 2 for i in range(12)) < wanted.variance.sum() * (1 - 1e-3)


def test_folds_that_span_several_tasks(tmp_path):
    rows = make_rows(n_gen=4, fold_size=60)
    files = write_flat(tmp_path, rows, files=4, cluster=7)
    with two_threads_for_reading():
        histogram = ROOT.RDataFrame("Events", files).Filter("reco % 3 != 0").OversampledTH1D(MODEL, "x", "w")
        check(histogram, expected(rows, rows["reco"] % np.uint64(3) != 0))


def test_folds_within_tasks(tmp_path):
    # 40 GEN events of 10 RECO events in each file and clusters of 100 entries: no task cuts a fold.
    rows = make_rows(n_gen=80, fold_size=10)
    files = write_flat(tmp_path, rows, files=2, cluster=100)
    with two_threads_for_reading():
        df = ROOT.RDataFrame("Events", files)
        check(df.OversampledTH1D(MODEL, "x", "w"), expected(rows))


@pytest.mark.parametrize("edges", [np.array([-1.0, 0, 0.5, 4, 9.5]), [0, 10]])
def test_edges(rows, edges):
    df = ROOT.RDF.FromNumpy(rows)
    model = ("h", "", len(edges) - 1, edges)
    check(df.OversampledTH1D(model, "x", "w"), expected(rows, edges=edges))
    cpp_model = ROOT.RDF.TH1DModel("h", "", len(edges) - 1, np.array(edges, float))
    check(df.OversampledTH1D(cpp_model, "x", "w"), expected(rows, edges=edges))


def test_overflows_in_statistics(rows):
    ROOT.TH1.StatOverflows(True)
    try:
        result = ROOT.RDF.FromNumpy(rows).OversampledTH1D(MODEL, "x", "w")
        mean = result.GetMean()
    finally:
        ROOT.TH1.StatOverflows(False)
    share = rows["w"] / rows["foldSize"]
    assert mean == pytest.approx((share * rows["x"]).sum() / share.sum(), rel=1e-12)


@pytest.mark.slow
def test_types_of_columns(rows):
    types = {"float": "f4", "double": "f8", "int": "i4", "short": "i2", "unsigned char": "u1", "bool": "?"}
    df = (
        ROOT.RDF.FromNumpy(rows)
        .Define("n", "static_cast<unsigned char>(foldSize)")
        .Define("f", "static_cast<float>(w)")
    )
    df = df.Define("event", "static_cast<long>(genEvent)").Define("vector", "std::vector<double>{x}")
    booked = [(df.OversampledTH1D(MODEL, "vector", "w"), expected(rows))]
    for i, (cpp_type, numpy_type) in enumerate(types.items()):
        absolute = f"static_cast<{cpp_type}>(std::abs(x))"
        df = df.Define(f"scalar{i}", absolute).Define(f"rvec{i}", f"ROOT::RVec<{cpp_type}>{{{absolute}}}")
        wanted = {**rows, "x": np.abs(rows["x"]).astype(numpy_type).astype(float), "f": rows["w"].astype("f4")}
        for column in (f"scalar{i}", f"rvec{i}"):
            # Types that are compiled, and types that have to be compiled just in time.
            booked.append((df.OversampledTH1D(MODEL, column, "w"), expected(wanted)))
            booked.append((df.OversampledTH1D(MODEL, column, "f"), expected(wanted, weights="f")))
            booked.append((df.OversampledTH1D(MODEL, column, "w", event="event", fold_size="n"), expected(wanted)))
    for histogram, wanted in booked:
        check(histogram, wanted)


def test_constant_fold_size():
    rows = make_rows(fold_size=4)
    df = ROOT.RDF.FromNumpy({name: rows[name] for name in ("genEvent", "reco", "x", "w")})
    histogram = df.Filter("x < 8").OversampledTH1D(MODEL, "x", "w", fold_size=np.int64(4))
    check(histogram, expected(rows, rows["x"] < 8))
    # The prediction for the present fold size is the present error.
    for i in range(12):
        assert histogram.GetBinErrorForFoldSize(i, 4) == pytest.approx(histogram.GetBinError(i), rel=1e-12)


def test_inline_mode(threads):
    rows = make_rows(n_gen=100, fold_size=6)
    del rows["w"]
    x, number = rows["x"].reshape(100, 6), np.arange(100)
    columns = {f"x{i}": np.ascontiguousarray(x[:, i]) for i in range(6)}
    df = ROOT.RDF.FromNumpy({**columns, "gen": number}).Define("w", "gen % 3 - 0.5").Define("n", "6ul")
    df = df.Define("xs", "ROOT::RVecD{x0, x1, x2, x3, x4, x5}").Define("ws", "w * xs").Define("kept", "xs[xs < 7]")
    rows["w"] = np.repeat(number % 3 - 0.5, 6)
    rows["ws"] = rows["w"] * rows["x"]
    booked = [
        (df.OversampledTH1D(MODEL, "xs", "w", event=None), expected(rows)),
        (df.OversampledTH1D(MODEL, "xs", "ws", event=None), expected(rows, weights="ws")),
        (df.OversampledTH1D(MODEL, "kept", "w", event=None, fold_size=6), expected(rows, rows["x"] < 7)),
        (df.OversampledTH1D(MODEL, "kept", "w", event=None, fold_size="n"), expected(rows, rows["x"] < 7)),
        (df.Alias("foldSize", "n").OversampledTH1D(MODEL, "kept", "w", event=None), expected(rows, rows["x"] < 7)),
    ]
    for histogram, wanted in booked:
        check(histogram, wanted)


def test_is_lazy_and_shares_the_event_loop(rows):
    df = ROOT.RDF.FromNumpy(rows)
    first, second, count = df.OversampledTH1D(MODEL, "x", "w"), df.OversampledTH1D(MODEL, "x"), df.Count()
    assert df.GetNRuns() == 0
    check(first, expected(rows))
    assert df.GetNRuns() == 1
    check(second, expected(rows, weights=None))
    assert count.GetValue() == second.GetEntries()
    assert df.GetNRuns() == 1
    assert "OversampledTH1D" in str(ROOT.RDF.SaveGraph(df))


def test_nothing_selected(threads, rows):
    histogram = ROOT.RDF.FromNumpy(rows).Filter("x > 1e9").OversampledTH1D(MODEL, "x", "w")
    assert (histogram.GetEntries(), histogram.GetNGenEvents(), histogram.GetBinErrorLimit(5)) == (0, 0, 0)


def test_variations(threads, rows, flat_files):
    df = ROOT.RDataFrame("Events", flat_files).Vary("x", "ROOT::RVecD{x - 1, x + 1}", ["down", "up"], "scale")
    nominal = df.Filter("x > 2").OversampledTH1D(MODEL, "x", "w")
    varied = ROOT.RDF.Experimental.VariationsFor(nominal)
    for name, shift in {"nominal": 0, "scale:down": -1, "scale:up": 1}.items():
        shifted = {**rows, "x": rows["x"] + shift}
        check(varied[name], expected(shifted, shifted["x"] > 2))
    check(nominal, expected(rows, rows["x"] > 2))


def test_partial_results(rows):
    ROOT.gInterpreter.Declare("""
    #include <FlashSim/BookOversampledTH.hxx>
    #include <vector>
    namespace PartialResults {
    std::vector<double> entries;
    void Watch(ROOT::RDF::RResultPtr<FlashSim::OversampledTH1D> histogram) {
       histogram.OnPartialResult(200, [](FlashSim::OversampledTH1D &h) {
          entries.push_back(h.GetNGenEvents());
       });
    }
    }
    """)
    histogram = ROOT.RDF.FromNumpy(rows).OversampledTH1D(MODEL, "x", "w")
    ROOT.PartialResults.Watch(histogram)
    check(histogram, expected(rows))
    seen = list(ROOT.PartialResults.entries)
    assert len(seen) == len(rows["x"]) // 200
    assert 0 < seen[0] < seen[-1] < 300


def test_methods_of_all_nodes(rows):
    df = ROOT.RDF.FromNumpy(rows)
    for node in (df, df.Filter("true"), df.Define("y", "x"), df.Range(0), ROOT.RDF.AsRNode(df)):
        check(node.OversampledTH1D(MODEL, "x", "w"), expected(rows))
    check(flashsim.histograms.booking.oversampled_th1d(df, MODEL, "x", "w"), expected(rows))


def test_booking_from_cpp():
    ROOT.gInterpreter.Declare("""
    #include <FlashSim/BookOversampledTH.hxx>
    namespace BookingFromCpp {
    using FlashSim::BookOversampledTH1D;
    using ROOT::RDF::RNode;
    using Result = ROOT::RDF::RResultPtr<FlashSim::OversampledTH1D>;
    const ROOT::RDF::TH1DModel model{"h", "", 10, 0., 10.};
    Result Defaults(RNode node) { return BookOversampledTH1D(node, model, "x"); }
    Result Number(RNode node, int foldSize)
    {
       FlashSim::FoldOptions options;
       options.fConstantFoldSize = foldSize;
       return BookOversampledTH1D(node, model, "x", "w", options);
    }
    Result Typed(RNode node)
    {
       return FlashSim::BookOversampled<FlashSim::OversampledTH1D, double, double, ULong64_t, int>(node, model, {"x"},
                                                                                                   "w");
    }
    }
    """)
    rows = make_rows(fold_size=5)
    node = ROOT.RDF.AsRNode(ROOT.RDF.FromNumpy(rows))
    cpp = ROOT.BookingFromCpp
    check(cpp.Defaults(node), expected(rows, weights=None))
    for histogram in (cpp.Number(node, 5), cpp.Typed(node)):
        check(histogram, expected(rows))
    with pytest.raises(Exception, match="Expected how many RECO events were simulated from each GEN event, at least 1"):
        cpp.Number(node, -1)
