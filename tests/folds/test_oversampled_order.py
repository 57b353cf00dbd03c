"""Orders of rows: GEN events cut by files and tasks, scattered, or reappearing where they must not."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

import flashsim  # noqa: F401
from identified_rows import EDGES, IDENTITY, MODEL, MODEL_2D, failure, identified_rows, shuffled
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


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.mark.parametrize("layout", ["memory", "TTree", pytest.param("TChain", marks=pytest.mark.slow), "RNTuple"])
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
    fold_size = rng.integers(1, draw(st.integers(2, 12)), n_gen)
    left = rng.binomial(fold_size, draw(st.sampled_from([0.3, 0.9, 1.0])))
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
        "foldSize": np.repeat(fold_size, left).astype(np.int32),
        "reco": np.arange(n_rows, dtype=np.uint64),
        "x": rng.uniform(-1, 11, n_rows),
        "w": rng.normal(1, 1, n_rows),
    }
    cuts = [sorted(set(rng.integers(1, max(n_rows, 2), draw(st.integers(0, most))))) for most in (4, 40)]
    return rows, [int(cut) for cut in cuts[0]], [int(cut) for cut in cuts[1]]


@given(drawn=legal_rows(), ntuple=st.booleans(), threads=st.sampled_from([1, 2, 2]), hint=st.integers(1, 40))
@settings(max_examples=60)
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
    histogram = ROOT.RDataFrame("Events", path).OversampledTH1D(MODEL, "x", fold_size=3)
    assert (histogram.GetNGenEvents(), histogram.GetEntries()) == (n_gen, 3 * n_gen)
    content = np.histogram(x, EDGES)[0] / 3
    np.testing.assert_allclose([histogram.GetBinContent(i) for i in range(1, 11)], content, rtol=1e-12)


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
    rows = make_rows(fold_size=6)
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
    rows = make_rows(n_gen=50_000, fold_size=2)
    path = write(tmp_path / "many.root", shuffled(rows), cluster_ends=5000)
    message = failure(ROOT.RDataFrame("Events", path).OversampledTH1D(MODEL, "x", "w"), capfd)
    assert re.search(r"GEN event \d+ \(column 'genEvent'\) appears again .*contiguous=False", message)


def test_disorder_names_all_columns(capfd):
    rows = shuffled(identified_rows())
    message = failure(ROOT.RDF.FromNumpy(rows).OversampledTH1D(MODEL, "x", "w", event=IDENTITY), capfd)
    assert re.search(r"GEN event \(run \d+, luminosityBlock \d+, event \d+\) appears again", message), message
