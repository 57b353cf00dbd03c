"""Which rows belong to the same GEN event: columns that name it, orders of rows, layouts of files, and errors."""

from __future__ import annotations

import re
from itertools import pairwise, product

import numpy as np
import pytest
import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

import flashsim  # noqa: F401
from oracle import check
from samples import (
    Rows,
    define_collection,
    expected,
    implicit_multi_threading,
    make_rows,
    select,
    write,
    write_files,
)

EDGES = np.linspace(0, 10, 11)
MODEL = ("h", ";x;events", 10, 0.0, 10.0)
MODEL_2D = ("h", ";x;y", 10, 0.0, 10.0, 10, 0.0, 10.0)


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.fixture(params=[True, False], ids=["contiguous", "anywhere"])
def contiguous(request):
    return request.param


def shuffled(rows: Rows, seed: int = 4) -> Rows:
    return select(rows, np.random.default_rng(seed).permutation(len(rows["x"])))


def numbers(rows: Rows) -> np.ndarray:
    """The GEN events as 0, 1, 2, ... in the order of rows."""
    return np.r_[0, np.cumsum(rows["genEvent"][1:] != rows["genEvent"][:-1])]


INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
@pytest.mark.parametrize("integer", INTEGERS)
def test_integers_of_any_width(integer, ntuple, tmp_path):
    """Events from the least to the largest number that the type holds, and as many in the middle; folds, too."""
    rows, limits = make_rows(n_gen=60), np.iinfo(integer)
    events = [limits.min + i for i in range(20)] + [limits.max - i for i in range(20)]
    events += [(limits.min + limits.max) // 2 + i for i in range(20)]
    events = np.array(events[::3] + events[1::3] + events[2::3], dtype=integer)
    rows["event"] = events[numbers(rows)]
    rows["n"] = rows["nFolds"].astype(integer)
    path = write(tmp_path / "file.root", rows, ntuple=ntuple, cluster_ends=13)
    with implicit_multi_threading():
        df = ROOT.RDataFrame("Events", path)
        for contiguous in (True, False):
            histogram = df.OversampledTH1D(MODEL, "x", "w", event="event", folds="n", contiguous=contiguous)
            check(histogram, expected(rows, "x", EDGES))


TYPES = ["char", "short", "unsigned char", "unsigned short", "int", "unsigned int", "long", "long long", "ULong64_t"]


@pytest.mark.parametrize("cpp_type", TYPES)
def test_types_of_cpp(cpp_type):
    rows = make_rows(n_gen=60)
    df = ROOT.RDF.FromNumpy({**rows, "number": numbers(rows) - (0 if "u" in cpp_type.lower() else 30)})
    df = df.Define("event", f"static_cast<{cpp_type}>(number)").Define("n", f"static_cast<{cpp_type}>(nFolds)")
    one = df.OversampledTH1D(MODEL, "x", "w", event="event", folds="n")
    two = df.OversampledTH1D(MODEL, "x", "w", event=("event", "genEvent"), folds="n", contiguous=False)
    check(one, expected(rows, "x", EDGES))
    check(two, expected(rows, "x", EDGES))


def make_identities(n_gen: int):
    """Runs, luminosity blocks and events, of which many agree in all but one, or are swapped or shifted by 32 bits."""
    runs, blocks = [0, 1, 2, 2**32 - 1], [0, 1, 2, 2**32 - 1]
    events = [0, 1, 2, 2**32 - 1, 2**32, 2**33, 2**63, 2**64 - 2**32, 2**64 - 1]
    identities = list(product(runs, blocks, events))[:n_gen]
    assert len(identities) == n_gen
    return [np.array(column, kind) for column, kind in zip(zip(*identities, strict=True), "IIL", strict=True)]


IDENTITY = ("run", "luminosityBlock", "event")


def identified_rows(seed: int = 1) -> Rows:
    rows = make_rows(n_gen=144, seed=seed)
    for name, values in zip(IDENTITY, make_identities(144), strict=True):
        rows[name] = values[numbers(rows)]
    return rows


@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
def test_several_columns(ntuple, contiguous, threads, tmp_path):
    """Events of the same number in different runs or luminosity blocks are not the same, even side by side."""
    rows = identified_rows()
    ordered = select(rows, np.argsort(rows["event"], kind="stable"))
    wanted = expected(rows, "x", EDGES)
    assert wanted.gen_events == 144
    for i, sample in enumerate([rows, ordered] if contiguous else [rows, shuffled(rows)]):
        folder = tmp_path / str(i)
        folder.mkdir()
        files = write_files(folder, sample, files=2, ntuple=ntuple, cluster=17)
        df = ROOT.RDataFrame("Events", files)
        check(df.OversampledTH1D(MODEL, "x", "w", event=IDENTITY, contiguous=contiguous), wanted)
        check(df.OversampledTH1D(MODEL, "x", "w", event=list(IDENTITY[::-1]), contiguous=contiguous), wanted)


def test_one_to_four_columns(rows, contiguous):
    df = ROOT.RDF.FromNumpy(rows).Define("nothing", "0").Define("less", "short(-1)")
    events = [["genEvent"], ("nothing", "genEvent"), ["genEvent", "less", "nothing"], ["less", "nothing", "genEvent"]]
    events.append(("nothing", "less", "genEvent", "nothing"))
    for event in events:
        check(df.OversampledTH1D(MODEL, "x", "w", event=event, contiguous=contiguous), expected(rows, "x", EDGES))


def test_part_of_the_identity_joins_events():
    """What is one GEN event is what the columns say."""
    rows = identified_rows()
    rows["nFolds"][:] = 1000
    joined = {**rows, "genEvent": rows["run"]}
    histogram = ROOT.RDF.FromNumpy(rows).OversampledTH1D(MODEL, "x", "w", event="run")
    check(histogram, expected(joined, "x", EDGES))
    assert histogram.GetNGenEvents() == 4


@pytest.mark.parametrize("layout", ["memory", "TTree", "TChain", "RNTuple"])
def test_rows_in_any_order(layout, rows, threads, tmp_path):
    mixed = shuffled(rows)
    if layout == "memory":
        df = ROOT.RDF.FromNumpy(mixed)
    elif layout == "TTree":
        df = ROOT.RDataFrame("Events", write(tmp_path / "tree.root", mixed, cluster_ends=23))
    else:
        df = ROOT.RDataFrame("Events", write_files(tmp_path, mixed, files=4, ntuple=layout == "RNTuple", cluster=19))
    df = df.Filter("y < 8 && reco % 5 != 0").Filter("genEvent % 7 != 0")
    left = (rows["y"] < 8) & (rows["reco"] % np.uint64(5) != 0) & (rows["genEvent"] % np.uint64(7) != 0)
    kept = select(rows, left)
    one = df.OversampledTH1D(MODEL, "x", "w", contiguous=False, covariance=True)
    two = df.OversampledTH2D(MODEL_2D, "x", "y", "w", contiguous=False)
    check(one, expected(kept, "x", EDGES), covariance=True)
    check(two, expected(kept, "xy", [EDGES, EDGES]))


def test_collections_in_any_order(rows, threads):
    """Up to 12 values in each RECO event, often several in one bin."""
    rng = np.random.default_rng(6)
    mixed = shuffled(rows)
    sizes = rng.integers(0, 12, len(rows["x"]))
    fills = select(mixed, np.repeat(np.arange(len(sizes)), sizes))
    fills["x"] = fills["x"] + rng.normal(0, 1, len(fills["x"]))
    df = ROOT.RDF.FromNumpy({**mixed, "row": np.arange(len(sizes), dtype=np.uint64)})
    histogram = define_collection(df, "xs", fills["x"], sizes).OversampledTH1D(MODEL, "xs", "w", contiguous=False)
    check(histogram, expected(fills, "x", EDGES))


def test_both_modes_agree(rows, threads):
    sorted_result = ROOT.RDF.FromNumpy(rows).OversampledTH1D(MODEL, "x", "w", covariance=True)
    mixed_result = ROOT.RDF.FromNumpy(shuffled(rows)).OversampledTH1D(
        MODEL, "x", "w", covariance=True, contiguous=False
    )
    for method in ("GetBinContent", "GetBinError", "GetBinErrorNaive", "GetBinErrorLimit"):
        wanted = [getattr(sorted_result, method)(i) for i in range(12)]
        actual = [getattr(mixed_result, method)(i) for i in range(12)]
        np.testing.assert_allclose(actual, wanted, rtol=1e-10, atol=1e-10)
    assert mixed_result.GetNGenEvents() == sorted_result.GetNGenEvents() == 200


@st.composite
def legal_rows(draw):
    """Contiguous GEN events, numbered in any way, some of whose RECO events are dropped; and a layout of files."""
    n_gen = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_folds = rng.integers(1, draw(st.integers(2, 12)), n_gen)
    left = rng.binomial(n_folds, draw(st.sampled_from([0.3, 0.9, 1.0])))
    kind = draw(st.sampled_from(["ascending", "descending", "random", "far apart", "modulo"]))
    events = {
        "ascending": np.arange(n_gen),
        "descending": np.arange(n_gen)[::-1] * 3,
        "random": rng.permutation(n_gen),
        "far apart": rng.choice(2**62, n_gen, replace=False) * 4,
        "modulo": np.arange(n_gen) * 2**40,
    }[kind].astype(np.uint64)
    n_rows = int(left.sum())
    rows = {
        "genEvent": np.repeat(events, left),
        "nFolds": np.repeat(n_folds, left).astype(np.int32),
        "reco": np.arange(n_rows, dtype=np.uint64),
        "x": rng.uniform(-1, 11, n_rows),
        "w": rng.normal(1, 1, n_rows),
    }
    cuts = [sorted(set(rng.integers(1, max(n_rows, 2), draw(st.integers(0, most))))) for most in (4, 40)]
    return rows, [int(cut) for cut in cuts[0]], [int(cut) for cut in cuts[1]]


@given(drawn=legal_rows(), ntuple=st.booleans(), threads=st.sampled_from([1, 2, 2]), hint=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_legal_datasets_never_fail(drawn, ntuple, threads, hint, tmp_path_factory):
    rows, file_cuts, cluster_ends = drawn
    n_rows = len(rows["x"])
    if n_rows == 0:
        return
    folder = tmp_path_factory.mktemp("legal")
    files, bounds = [], [0, *[cut for cut in file_cuts if cut < n_rows], n_rows]
    for i, (first, last) in enumerate(pairwise(bounds)):
        ends = [end - first for end in cluster_ends if first < end < last]
        part = select(rows, slice(first, last))
        files.append(write(folder / f"{i}.root", part, ntuple=ntuple, cluster_ends=ends))
    before = ROOT.TTreeProcessorMT.GetTasksPerWorkerHint()
    ROOT.TTreeProcessorMT.SetTasksPerWorkerHint(hint)
    try:
        with implicit_multi_threading(threads):
            df = ROOT.RDataFrame("Events", files)
            check(df.OversampledTH1D(MODEL, "x", "w"), expected(rows, "x", EDGES))
    finally:
        ROOT.TTreeProcessorMT.SetTasksPerWorkerHint(before)


@pytest.mark.parametrize("order", ["ascending", "random"])
def test_many_legal_events(order, threads, tmp_path):
    n_gen = 20_000
    events = np.arange(n_gen) if order == "ascending" else np.random.default_rng(1).permutation(n_gen)
    x = np.random.default_rng(2).uniform(0, 10, 3 * n_gen)
    rows = {"genEvent": np.repeat(events, 3).astype(np.uint64), "x": x}
    path = write(tmp_path / "many.root", rows, cluster_ends=1000)
    histogram = ROOT.RDataFrame("Events", path).OversampledTH1D(MODEL, "x", folds=3)
    assert (histogram.GetNGenEvents(), histogram.GetEntries()) == (n_gen, 3 * n_gen)
    content = np.histogram(x, EDGES)[0] / 3
    np.testing.assert_allclose([histogram.GetBinContent(i) for i in range(1, 11)], content, rtol=1e-12)


def failure(histogram, capfd) -> str:
    """How the event loop failed: with an exception, or, where only its end could tell, with NaN and a message."""
    try:
        histogram.GetValue()
    except Exception as error:
        return str(error)
    assert np.isnan([histogram.GetBinContent(i) for i in range(histogram.GetNcells())]).all()
    assert not histogram.HasFoldInformation()
    message = capfd.readouterr().err
    assert "Error in <" in message
    return message


def reappearing(rows: Rows) -> set[int]:
    """Numbers of the GEN events whose rows are not in one piece."""
    starts = np.flatnonzero(np.r_[True, rows["genEvent"][1:] != rows["genEvent"][:-1]])
    events, counts = np.unique(rows["genEvent"][starts], return_counts=True)
    return {int(event) for event in events[counts > 1]}


def move_one_row(rows: Rows) -> Rows:
    """Ascending, but for one row of the 20th GEN event, which lies between the 150th and the next."""
    rows = select(rows, np.argsort(rows["genEvent"], kind="stable"))
    _, first = np.unique(rows["genEvent"], return_index=True)
    return select(rows, np.insert(np.delete(np.arange(len(rows["x"])), first[20]), first[150] - 1, first[20]))


@pytest.mark.parametrize(
    "disorder",
    [
        shuffled,
        lambda rows: select(
            rows, np.argsort(rows["reco"] % np.uint64(3), kind="stable")
        ),  # three passes over all events
        lambda rows: select(rows, np.r_[0 : len(rows["x"]) : 2, 1 : len(rows["x"]) : 2]),
        move_one_row,
    ],
    ids=["shuffled", "three passes", "two passes", "one row"],
)
@pytest.mark.parametrize("layout", ["memory", "TTree", "RNTuple"])
def test_disorder_is_an_error(layout, disorder, threads, tmp_path, capfd):
    rows = make_rows(folds=6)
    mixed = disorder(rows)
    if layout == "memory":
        df = ROOT.RDF.FromNumpy(mixed)
    else:
        df = ROOT.RDataFrame("Events", write_files(tmp_path, mixed, files=2, ntuple=layout == "RNTuple", cluster=100))
    message = failure(df.OversampledTH1D(MODEL, "x", "w"), capfd)
    assert re.search(r"OversampledTH1D 'h': .*GEN event .*appears again .*contiguous=False", message)
    named = re.search(r"GEN event (\d+) \(column 'genEvent'\)", message)
    assert named or threads == 2  # two threads may each see nothing wrong, and notice only when all is done
    assert not named or int(named[1]) in reappearing(mixed)
    # The same rows are fine where they may lie anywhere.
    check(df.OversampledTH1D(MODEL, "x", "w", contiguous=False), expected(rows, "x", EDGES))


def test_disorder_among_very_many_events(threads, capfd, tmp_path):
    rows = make_rows(n_gen=50_000, folds=2)
    path = write(tmp_path / "many.root", shuffled(rows), cluster_ends=5000)
    message = failure(ROOT.RDataFrame("Events", path).OversampledTH1D(MODEL, "x", "w"), capfd)
    assert re.search(r"GEN event \d+ \(column 'genEvent'\) appears again .*contiguous=False", message)


def test_disorder_names_all_columns(capfd):
    rows = shuffled(identified_rows())
    message = failure(ROOT.RDF.FromNumpy(rows).OversampledTH1D(MODEL, "x", "w", event=IDENTITY), capfd)
    assert re.search(r"GEN event \(run \d+, luminosityBlock \d+, event \d+\) appears again", message), message


def make_dataframe(**replaced):
    """Three GEN events of four folds."""
    columns = {
        "run": np.repeat(np.array([7, 7, 8], np.uint32), 4),
        "luminosityBlock": np.repeat(np.array([31, 32, 33], np.uint32), 4),
        "event": np.repeat(np.array([501, 502, 503], np.uint64), 4),
        "nFolds": np.full(12, 4, np.int32),
        "x": np.linspace(0.5, 9.5, 12),
        "w": np.ones(12),
        **replaced,
    }
    return ROOT.RDF.FromNumpy(columns)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"event": "nothing"}, "there is no column 'nothing'"),
        ({"event": ("run", "nothing", "event")}, "there is no column 'nothing'"),
        ({"event": ("run", "2 * event")}, r"there is no column '2 \* event'"),
        ({"event": "event", "folds": "nothing"}, "there is no column 'nothing'"),
        ({"event": ("run", "luminosityBlock", "event", "nFolds", "run")}, r"at most (four|4)|(four|4) columns at most"),
        ({"event": "event", "folds": 0}, "folds"),
        ({"event": "event", "folds": -1, "contiguous": False}, "folds"),
        ({"event": 5}, "event"),
        ({"event": ("run", 5)}, "event"),
    ],
)
def test_arguments_that_make_no_sense(arguments, message):
    with pytest.raises((TypeError, ValueError, RuntimeError), match=message):
        make_dataframe().OversampledTH1D(MODEL, "x", **arguments)


@pytest.mark.parametrize("column", ["x", "single", "text", "collection"])
@pytest.mark.parametrize("event", [lambda column: column, lambda column: ("run", column)], ids=["one", "several"])
def test_events_that_are_no_integers(column, event, contiguous):
    df = make_dataframe().Define("single", "1.f").Define("text", 'std::string("a")')
    df = df.Define("collection", "ROOT::RVecI{1, 2}")
    with pytest.raises(Exception, match=rf"'h'.*column '{column}' \(.*\) cannot be used. Expected an integer"):
        df.OversampledTH1D(MODEL, "x", event=event(column), contiguous=contiguous).GetValue()
    with pytest.raises(Exception, match=rf"'h'.*column '{column}' \(.*\) cannot be used. Expected an integer"):
        df.OversampledTH1D(MODEL, "x", event="event", folds=column, contiguous=contiguous).GetValue()


def replace_one(values, index, value) -> np.ndarray:
    replaced = values.copy()
    replaced[index] = value
    return replaced


ONES, FOURS = np.ones(12), np.full(12, 4, np.int32)


@pytest.mark.parametrize(
    ("replaced", "arguments", "event", "message"),
    [
        ({}, {"folds": 3}, None, "more RECO events than its 3 folds"),
        ({"nFolds": np.zeros(12, np.int32)}, {}, None, r"has 0 folds \(column 'nFolds'\)"),
        ({"nFolds": replace_one(FOURS, 5, -2)}, {}, (7, 32, 502), r"folds"),
        ({"nFolds": replace_one(FOURS, 5, 7)}, {}, (7, 32, 502), r"has 4 folds .* and 7 in"),
        ({"nFolds": replace_one(FOURS, [8, 9, 10, 11], 3)}, {}, (8, 33, 503), "more RECO events than its 3 folds"),
        ({"w": replace_one(ONES, 9, np.nan)}, {"weight": "w"}, (8, 33, 503), "has a weight of nan"),
        ({"w": replace_one(ONES, 0, np.inf)}, {"weight": "w"}, (7, 31, 501), "has a weight of inf"),
    ],
)
@pytest.mark.parametrize("dimensions", [1, 2])
def test_errors_name_the_event(replaced, arguments, event, message, contiguous, threads, dimensions, capfd):
    df = make_dataframe(**replaced)
    book = df.OversampledTH1D if dimensions == 1 else df.OversampledTH2D
    model, values = (MODEL, "x") if dimensions == 1 else (MODEL_2D, ("x", "x"))
    values = values if isinstance(values, tuple) else (values,)
    text = failure(book(model, *values, event=IDENTITY, contiguous=contiguous, **arguments), capfd)
    assert f"OversampledTH{dimensions}D 'h'" in text
    assert re.search(message, text), text
    identities = [event] if event else [(7, 31, 501), (7, 32, 502), (8, 33, 503)]
    names = [f"GEN event (run {run}, luminosityBlock {block}, event {number})" for run, block, number in identities]
    assert any(name in text for name in names), text


def test_as_many_rows_as_folds_in_parts_are_too_many_together(contiguous, capfd, tmp_path):
    """No task sees more than the folds there are, all of them together do."""
    rows = make_rows(n_gen=3, folds=8)
    rows["nFolds"][8:16] = 7
    files = write_files(tmp_path, rows, files=2)
    with implicit_multi_threading():
        text = failure(ROOT.RDataFrame("Events", files).OversampledTH1D(MODEL, "x", contiguous=contiguous), capfd)
    assert f"GEN event {rows['genEvent'][8]} (column 'genEvent') has more RECO events than its 7 folds" in text


def test_values_that_are_not_numbers_are_overflow(rows, contiguous):
    x = rows["x"].copy()
    x[::3], x[1::7], x[2::7] = np.nan, np.inf, -np.inf
    df = ROOT.RDF.FromNumpy({**rows, "x": x}).Define("share", "w / nFolds")
    ours = df.OversampledTH1D(MODEL, "x", "w", contiguous=contiguous)
    roots = df.Histo1D(MODEL, "x", "share")
    for i in (0, 5, 11):
        assert ours.GetBinContent(i) == pytest.approx(roots.GetBinContent(i), rel=1e-12)
    assert abs(ours.GetBinContent(11)) > 1
    assert ours.GetEntries() == roots.GetEntries() == len(x)
    assert ours.GetMean() == pytest.approx(roots.GetMean(), rel=1e-12)
    check(ours, expected({**rows, "x": x}, "x", EDGES))


def test_failed_loops_leave_the_dataframe_intact(capfd, threads):
    df = make_dataframe(w=replace_one(ONES, 11, np.nan))
    failure(df.OversampledTH1D(MODEL, "x", "w", event="event", contiguous=False), capfd)
    good = df.OversampledTH1D(MODEL, "x", event="event", contiguous=False)
    assert good.GetNGenEvents() == 3
