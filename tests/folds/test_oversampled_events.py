"""Which rows belong to the same GEN event: columns that name it, orders of rows, layouts of files, and errors."""

from __future__ import annotations

import re

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401
from identified_rows import EDGES, IDENTITY, MODEL, MODEL_2D, failure, identified_rows, numbers, shuffled
from oracle import check
from samples import (
    expected,
    implicit_multi_threading,
    make_rows,
    select,
    write,
    write_files,
)


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.fixture(
    params=[pytest.param(True, id="contiguous"), pytest.param(False, id="anywhere", marks=pytest.mark.slow)]
)
def contiguous(request):
    return request.param


INTEGERS = [
    *("int8", "uint16", "int64", "uint64"),
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("uint8", "int16", "int32", "uint32")),
]


@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
@pytest.mark.parametrize("integer", INTEGERS)
def test_integers_of_any_width(integer, ntuple, tmp_path):
    """Events from the least to the largest number that the type holds, and as many in the middle; fold sizes, too."""
    rows, limits = make_rows(n_gen=60), np.iinfo(integer)
    events = [limits.min + i for i in range(20)] + [limits.max - i for i in range(20)]
    events += [(limits.min + limits.max) // 2 + i for i in range(20)]
    events = np.array(events[::3] + events[1::3] + events[2::3], dtype=integer)
    rows["event"] = events[numbers(rows)]
    rows["n"] = rows["foldSize"].astype(integer)
    path = write(tmp_path / "file.root", rows, ntuple=ntuple, cluster_ends=13)
    with implicit_multi_threading():
        df = ROOT.RDataFrame("Events", path)
        for contiguous in (True, False):
            histogram = df.OversampledTH1D(MODEL, "x", "w", event="event", fold_size="n", contiguous=contiguous)
            check(histogram, expected(rows, "x", EDGES))


TYPES = [
    *("char", "unsigned short", "int", "ULong64_t"),
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("short", "unsigned char", "unsigned int", "long", "long long")
    ),
]


@pytest.mark.parametrize("cpp_type", TYPES)
def test_types_of_cpp(cpp_type):
    rows = make_rows(n_gen=60)
    df = ROOT.RDF.FromNumpy({**rows, "number": numbers(rows) - (0 if "u" in cpp_type.lower() else 30)})
    df = df.Define("event", f"static_cast<{cpp_type}>(number)").Define("n", f"static_cast<{cpp_type}>(foldSize)")
    one = df.OversampledTH1D(MODEL, "x", "w", event="event", fold_size="n")
    two = df.OversampledTH1D(MODEL, "x", "w", event=("event", "genEvent"), fold_size="n", contiguous=False)
    check(one, expected(rows, "x", EDGES))
    check(two, expected(rows, "x", EDGES))


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


@pytest.mark.slow
def test_one_to_four_columns(rows, contiguous):
    df = ROOT.RDF.FromNumpy(rows).Define("nothing", "0").Define("less", "short(-1)")
    events = [["genEvent"], ("nothing", "genEvent"), ["genEvent", "less", "nothing"], ["less", "nothing", "genEvent"]]
    events.append(("nothing", "less", "genEvent", "nothing"))
    for event in events:
        check(df.OversampledTH1D(MODEL, "x", "w", event=event, contiguous=contiguous), expected(rows, "x", EDGES))


def test_part_of_the_identity_joins_events():
    """The columns alone define a GEN event."""
    rows = identified_rows()
    rows["foldSize"][:] = 1000
    joined = {**rows, "genEvent": rows["run"]}
    histogram = ROOT.RDF.FromNumpy(rows).OversampledTH1D(MODEL, "x", "w", event="run")
    check(histogram, expected(joined, "x", EDGES))
    assert histogram.GetNGenEvents() == 4


def make_dataframe(**replaced):
    """Three GEN events of four RECO events."""
    columns = {
        "run": np.repeat(np.array([7, 7, 8], np.uint32), 4),
        "luminosityBlock": np.repeat(np.array([31, 32, 33], np.uint32), 4),
        "event": np.repeat(np.array([501, 502, 503], np.uint64), 4),
        "foldSize": np.full(12, 4, np.int32),
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
        ({"event": "event", "fold_size": "nothing"}, "there is no column 'nothing'"),
        (
            {"event": ("run", "luminosityBlock", "event", "foldSize", "run")},
            r"at most (four|4)|(four|4) columns at most",
        ),
        ({"event": "event", "fold_size": 0}, "fold_size"),
        ({"event": "event", "fold_size": -1, "contiguous": False}, "fold_size"),
        ({"event": 5}, "event"),
        ({"event": ("run", 5)}, "event"),
    ],
)
def test_arguments_that_make_no_sense(arguments, message):
    with pytest.raises((TypeError, ValueError, RuntimeError), match=message):
        make_dataframe().OversampledTH1D(MODEL, "x", **arguments)


@pytest.mark.parametrize("column", ["x", "single", "text", "collection"])
@pytest.mark.parametrize(
    "event",
    [
        pytest.param(lambda column: column, id="one"),
        pytest.param(lambda column: ("run", column), id="several", marks=pytest.mark.slow),
    ],
)
def test_events_that_are_no_integers(column, event, contiguous):
    df = make_dataframe().Define("single", "1.f").Define("text", 'std::string("a")')
    df = df.Define("collection", "ROOT::RVecI{1, 2}")
    with pytest.raises(Exception, match=rf"'h'.*column '{column}' \(.*\) cannot be used. Expected an integer"):
        df.OversampledTH1D(MODEL, "x", event=event(column), contiguous=contiguous).GetValue()
    with pytest.raises(Exception, match=rf"'h'.*column '{column}' \(.*\) cannot be used. Expected an integer"):
        df.OversampledTH1D(MODEL, "x", event="event", fold_size=column, contiguous=contiguous).GetValue()


def replace_one(values, index, value) -> np.ndarray:
    replaced = values.copy()
    replaced[index] = value
    return replaced


ONES, FOURS = np.ones(12), np.full(12, 4, np.int32)


@pytest.mark.parametrize(
    ("replaced", "arguments", "event", "message"),
    [
        ({}, {"fold_size": 3}, None, "more RECO events than its fold size of 3"),
        ({"foldSize": np.zeros(12, np.int32)}, {}, None, r"has a fold size of 0 \(column 'foldSize'\)"),
        ({"foldSize": replace_one(FOURS, 5, -2)}, {}, (7, 32, 502), "has a fold size of"),
        ({"foldSize": replace_one(FOURS, 5, 7)}, {}, (7, 32, 502), r"has a fold size of 4 .* and of 7 in"),
        (
            {"foldSize": replace_one(FOURS, [8, 9, 10, 11], 3)},
            {},
            (8, 33, 503),
            "more RECO events than its fold size of 3",
        ),
        ({"w": replace_one(ONES, 9, np.nan)}, {"weight": "w"}, (8, 33, 503), "has a weight of nan"),
        ({"w": replace_one(ONES, 0, np.inf)}, {"weight": "w"}, (7, 31, 501), "has a weight of inf"),
    ],
)
@pytest.mark.parametrize("dimensions", [1, pytest.param(2, marks=pytest.mark.slow)])
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


def test_as_many_rows_as_the_fold_size_in_parts_are_too_many_together(contiguous, capfd, tmp_path):
    """No task sees more than the fold size, all of them together do."""
    rows = make_rows(n_gen=3, fold_size=8)
    rows["foldSize"][8:16] = 7
    files = write_files(tmp_path, rows, files=2)
    with implicit_multi_threading():
        text = failure(ROOT.RDataFrame("Events", files).OversampledTH1D(MODEL, "x", contiguous=contiguous), capfd)
    assert f"GEN event {rows['genEvent'][8]} (column 'genEvent') has more RECO events than its fold size of 7" in text


def test_values_that_are_not_numbers_are_overflow(rows, contiguous):
    x = rows["x"].copy()
    x[::3], x[1::7], x[2::7] = np.nan, np.inf, -np.inf
    df = ROOT.RDF.FromNumpy({**rows, "x": x}).Define("share", "w / foldSize")
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
