"""Histograms of parts of a dataset: any cuts, merged in any order, give the whole."""

from __future__ import annotations

import pickle
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from flashsim.histograms.booking import Booking
from identified_rows import shuffled
from oracle import Expected, assert_close, check, matrix
from samples import Rows, define_collection, expected, implicit_multi_threading, make_rows, select, together, write

pytestmark = pytest.mark.usefixtures("no_directory")

AXES = {"x": np.linspace(0, 10, 11), "y": np.array([0.0, 2.5, 7, 9, 10]), "z": np.array([0.0, 5, 10])}
IDENTITY = ("run", "luminosityBlock", "event")


def edges_of(names: str):
    return AXES["x"] if names == "x" else [AXES[name] for name in names]


def book(node, names: str = "x", *, is_part: bool = True, kind: str = "D", values=None, **changes):
    model = ["h", ";x;y;z"]
    for name in names:
        model += [len(AXES[name]) - 1, AXES[name]]
    options = {"weight": "w", "event": "genEvent", "fold_size": "foldSize", "contiguous": True, "covariance": True}
    booking = Booking(f"OversampledTH{len(names)}{kind}", tuple(model), values or list(names), **(options | changes))
    return booking.book(node, is_part)


def fill_part(rows: Rows, names: str = "x", **options):
    """The result of a task with these rows of the dataset."""
    return ROOT.Detail.RDF.GetMergeableValue(book(ROOT.RDF.FromNumpy(rows), names, **options))


def fill_parts(rows: Rows, cuts, names: str = "x", **options) -> list:
    """The dataset cut before the rows of the given numbers; parts are empty where a number comes twice."""
    bounds = [0, *sorted(cuts), len(rows["x"])]
    parts = [slice(first, last) for first, last in pairwise(bounds)]
    return [fill_part(select(rows, part), names, **options) for part in parts]


def send(part):
    """As to another process."""
    return pickle.loads(pickle.dumps(part))


def merge(parts, seed: int | None = None):
    """All parts as one: from the first to the last, or two by two as chance will have it, now and then sent between."""
    rng = np.random.default_rng(seed)
    left = list(parts)
    while len(left) > 1:
        into, other = (0, 1) if seed is None else rng.choice(len(left), 2, replace=False)
        merged, taken = left[into], left[other]
        if seed is not None:
            merged, taken = (send(part) if rng.uniform() < 0.5 else part for part in (merged, taken))
        ROOT.Detail.RDF.MergeValues(merged, taken)
        left = [merged, *(part for i, part in enumerate(left) if i not in (into, other))]
    return left[0].GetValue()


def check_alike(actual, wanted, sizes: Expected) -> None:
    """Both histograms have the same content, to the rounding of the sums."""
    cells, scale = range(wanted.GetNcells()), sizes.scale
    for getter, size in (
        ("GetBinContent", np.sqrt(scale * sizes.gen_events)),
        ("GetBinVarianceNaive", scale),
        ("GetBinVarianceLimit", 4 * scale),
    ):
        of_both = [[getattr(histogram, getter)(i) for i in cells] for histogram in (actual, wanted)]
        assert_close(*of_both, 1e-12 * size)
    for_fold_size = [[histogram.GetBinVarianceForFoldSize(i, 3) for i in cells] for histogram in (actual, wanted)]
    assert_close(*for_fold_size, 1e-11 * scale)
    covariances = [matrix(histogram.GetCovarianceMatrix(True)) for histogram in (actual, wanted)]
    assert_close(*covariances, 1e-12 * sizes.scale_matrix)
    np.testing.assert_array_equal(np.isnan(covariances[0]), False)
    assert actual.GetEntries() == wanted.GetEntries()
    assert actual.GetNGenEvents() == wanted.GetNGenEvents()
    assert actual.GetEffectiveEntries() == pytest.approx(wanted.GetEffectiveEntries(), rel=1e-9)


def lose(rows: Rows, kept: float, seed: int = 3) -> Rows:
    """The rows that a filter leaves."""
    return select(rows, np.random.default_rng(seed).uniform(size=len(rows["x"])) < kept)


@pytest.fixture(scope="module")
def rows() -> Rows:
    """200 GEN events with fold sizes up to 6, a fifth of them not selected."""
    return lose(make_rows(), 0.8)


@pytest.mark.parametrize("kept", [1.0, 0.6], ids=["complete", "filtered"])
@pytest.mark.parametrize("n_parts", [2, 3, 7])
def test_one_fold_in_pieces(n_parts, kept):
    """Each part has at least one of the RECO events, the ones in the middle nothing else."""
    rows = lose(make_rows(n_gen=5, fold_size=24), kept)
    third = np.flatnonzero(rows["genEvent"] == make_rows(n_gen=5, fold_size=1)["genEvent"][2])
    cuts = [int(piece[0]) for piece in np.array_split(third, n_parts)[1:]]
    wanted = expected(rows, "x", AXES["x"])
    parts = fill_parts(rows, cuts)
    independent = sum(np.array(part.GetValue().GetSumw2()) for part in parts)
    merged = merge(parts)
    check(merged, wanted, covariance=True)
    check_alike(merged, book(ROOT.RDF.FromNumpy(rows), is_part=False), wanted)
    # The pieces differ from GEN events of their own, or this test could not fail.
    assert np.abs(independent - wanted.variance).max() > 0.01 * wanted.variance.max()
    assert merged.GetNGenEvents() == 5


@pytest.mark.parametrize("kind", ["D", pytest.param("F", marks=pytest.mark.slow)])
@pytest.mark.parametrize("names", ["x", "xy", "xyz"])
def test_any_order_and_grouping(names, kind, rows, threads):
    cuts = np.random.default_rng(9).integers(0, len(rows["x"]), 11)
    wanted = expected(rows, names, edges_of(names))
    loop = book(ROOT.RDF.FromNumpy(rows), names, kind=kind, is_part=False)
    check(loop, wanted, covariance=True)
    for seed in (None, 1, 2, 3):
        merged = merge(fill_parts(rows, cuts, names, kind=kind), seed)
        check(merged, wanted, covariance=True)
        if kind == "D":
            check_alike(merged, loop, wanted)


def test_every_cut_in_two(threads):
    rows = lose(make_rows(n_gen=12), 0.8)
    wanted = expected(rows, "x", AXES["x"])
    for cut in range(len(rows["x"]) + 1):
        first, second = fill_parts(rows, [cut])
        check(merge([first, second] if cut % 2 else [second, first]), wanted, covariance=True)


@pytest.mark.parametrize("contiguous", [True, False], ids=["contiguous", "anywhere"])
def test_parts_of_single_reco_events(contiguous):
    rows = lose(make_rows(n_gen=12), 0.8)
    rows = rows if contiguous else shuffled(rows)
    parts = fill_parts(rows, range(1, len(rows["x"])), contiguous=contiguous)
    check(merge(parts, seed=5), expected(rows, "x", AXES["x"]), covariance=True)


def test_scattered(rows, threads):
    mixed = shuffled(rows)
    parts = fill_parts(mixed, [1, 100, 100, 350], "xy", contiguous=False)
    merged, wanted = merge(parts, seed=2), expected(rows, "xy", edges_of("xy"))
    check(merged, wanted, covariance=True)
    check_alike(merged, book(ROOT.RDF.FromNumpy(mixed), "xy", contiguous=False, is_part=False), wanted)


def test_fold_size_one(threads):
    """N = 1: no fold can be cut; unknown variances stay unknown."""
    rows = make_rows(n_gen=100, fold_size=1)
    merged = merge(fill_parts(rows, [10, 50, 51]), seed=1)
    check(merged, expected(rows, "x", AXES["x"]), covariance=True)
    assert np.isnan(merged.GetBinVarianceLimit(5))


def test_collections(rows, threads):
    """Several values in each RECO event, often in one bin, or none."""
    rng = np.random.default_rng(6)
    sizes = rng.integers(0, 12, len(rows["x"]))
    fills = select(rows, np.repeat(np.arange(len(sizes)), sizes))
    fills["x"] = fills["x"] + rng.normal(0, 1, len(fills["x"]))
    offsets = np.r_[0, np.cumsum(sizes)]
    parts = []
    for first, last in ((0, 77), (77, 78), (78, 301), (301, len(sizes))):
        df = ROOT.RDF.FromNumpy({**select(rows, slice(first, last)), "row": np.arange(last - first, dtype=np.uint64)})
        df = define_collection(df, "xs", fills["x"][offsets[first] : offsets[last]], sizes[first:last])
        parts.append(ROOT.Detail.RDF.GetMergeableValue(book(df, values=["xs"])))
    check(merge(parts, seed=3), expected(fills, "x", AXES["x"]), covariance=True)


def test_inline_mode(threads):
    """An entry is a GEN event, which no cut divides."""
    rows = make_rows(n_gen=40, fold_size=5)
    parts = []
    for first, last in ((0, 7), (7, 7), (7, 29), (29, 40)):
        of_part = select(rows, slice(5 * first, 5 * last))
        n = last - first
        weights = {"w": rows["w"][5 * first : 5 * last : 5].copy()} if n else {"w": np.zeros(0)}
        df = ROOT.RDF.FromNumpy({**weights, "row": np.arange(n, dtype=np.uint64)})
        df = define_collection(df, "xs", of_part["x"], np.full(n, 5))
        parts.append(ROOT.Detail.RDF.GetMergeableValue(book(df, values=["xs"], event=None, fold_size=5)))
    rows["w"] = np.repeat(rows["w"][::5], 5)
    check(merge(parts, seed=1), expected(rows, "x", AXES["x"]), covariance=True)


def test_ranges_of_files(rows, tmp_path, threads):
    """As tasks read them: entries of a chain, from and to anywhere."""
    half = len(rows["x"]) // 2
    files = [
        write(tmp_path / "z.root", select(rows, slice(half)), cluster_ends=20),
        write(tmp_path / "a.root", select(rows, slice(half, None)), cluster_ends=35),
    ]
    parts, bounds = [], [0, 33, half - 2, half + 1, len(rows["x"])]
    for first, last in pairwise(bounds):
        spec = ROOT.RDF.Experimental.RDatasetSpec()
        spec.AddSample(("", ["Events"] * 2, files))
        spec.WithGlobalRange((first, last))
        parts.append(ROOT.Detail.RDF.GetMergeableValue(book(ROOT.RDataFrame(spec), "xy")))
    check(merge(parts, seed=4), expected(rows, "xy", edges_of("xy")), covariance=True)


def test_variations(rows, threads):
    """Each variation has folds of its own, which the same cuts divide."""
    parts = []
    for part in np.array_split(np.arange(len(rows["x"])), 5):
        df = ROOT.RDF.FromNumpy(select(rows, part)).Vary("x", "ROOT::RVecD{x - 1, x + 1}", ["down", "up"])
        variations = ROOT.RDF.Experimental.VariationsFor(book(df))
        parts.append(ROOT.Detail.RDF.GetMergeableValue(variations))
    merged = send(parts[3])
    for part in (parts[1], parts[2], parts[0], parts[4]):
        ROOT.Detail.RDF.MergeValues(merged, part)
    for name, shift in (("nominal", 0), ("x:down", -1), ("x:up", 1)):
        shifted = {**rows, "x": rows["x"] + shift}
        check(merged.GetVariation(name), expected(shifted, "x", AXES["x"]), covariance=True)


def fill_nothing(rows: Rows, folder: Path, **options):
    """From a file with the columns of these rows and no entries."""
    path = write(folder / "nothing.root", select(rows, slice(0)), cluster_ends=[])
    return ROOT.Detail.RDF.GetMergeableValue(book(ROOT.RDataFrame("Events", path), **options))


@pytest.mark.parametrize("place", [0, 1, 3])
def test_parts_without_entries(place, rows, threads, tmp_path):
    """Nothing to read, or nothing selected; anywhere among the parts, or nowhere else."""
    nothing_read = fill_nothing(rows, tmp_path)
    nothing_selected = ROOT.Detail.RDF.GetMergeableValue(book(ROOT.RDF.FromNumpy(rows).Filter("x > 1000")))
    empty = merge([send(nothing_selected), nothing_read])
    assert empty.GetNGenEvents() == empty.GetEntries() == 0
    assert not np.array(empty.GetSumw2()).any()
    parts = fill_parts(rows, [101, 402])
    parts[place:place] = [nothing_read, nothing_selected]
    check(merge(parts), expected(rows, "x", AXES["x"]), covariance=True)


def test_weights_that_cancel_in_a_part():
    """Weights of 1 and -1, as many of each in one of the parts: its sum of weights is 0, its mean is not lost."""
    rows = make_rows(n_gen=30, fold_size=4)
    rows["x"] = np.random.default_rng(2).uniform(0, 10, 120)
    rows["w"] = np.where(np.arange(120) % 2, 1.0, -1.0)
    rows["w"][60:] = 1.0
    parts = fill_parts(rows, [22, 50])
    assert parts[1].GetValue().GetSumOfWeights() == 0
    check(merge(parts), expected(rows, "x", AXES["x"]), covariance=True)


def test_some_of_the_parts(rows):
    """Folds stay open as long as they may have more RECO events: a partial merge is right at any time."""
    cuts = [50, 101, 102, 300]
    bounds = [0, *cuts, len(rows["x"])]
    parts = fill_parts(rows, cuts)
    merged, taken = parts[2], [2]
    for i in (0, 4, 1, 3):
        ROOT.Detail.RDF.MergeValues(merged, parts[i])
        taken.append(i)
        left = select(rows, np.concatenate([np.arange(bounds[k], bounds[k + 1]) for k in sorted(taken)]))
        check(merged.GetValue(), expected(left, "x", AXES["x"]), covariance=True)


def test_what_is_merged_into_another_stays_as_it_is(rows):
    first, second = fill_parts(rows, [101])
    before = pickle.dumps(second)
    ROOT.Detail.RDF.MergeValues(first, second)
    assert pickle.dumps(second) == before


@st.composite
def cut_datasets(draw):
    """GEN events numbered in any way, some RECO events dropped, weights of any sign or none; cut anywhere."""
    n_gen = draw(st.integers(1, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    fold_size = rng.integers(1, draw(st.sampled_from([2, 4, 13])), n_gen)
    left = rng.binomial(fold_size, draw(st.sampled_from([0.3, 0.9, 1.0])))
    numbers = draw(
        st.sampled_from([np.arange(n_gen), np.arange(n_gen)[::-1], rng.permutation(n_gen), np.arange(n_gen) * 2**40])
    )
    n_rows = int(left.sum())
    rows = {
        "genEvent": np.repeat(numbers.astype(np.uint64), left),
        "foldSize": np.repeat(fold_size, left).astype(np.int32),
        "reco": np.arange(n_rows, dtype=np.uint64),
        "x": rng.uniform(-1, 11, n_rows),
        "y": rng.uniform(-1, 11, n_rows),
        "w": rng.choice([1.0, -0.97, 0.0, 2.5], n_rows) if draw(st.booleans()) else rng.normal(0.5, 1, n_rows),
    }
    contiguous = draw(st.booleans())
    rows = rows if contiguous else select(rows, rng.permutation(n_rows))
    cuts = draw(st.lists(st.integers(0, n_rows), max_size=12))
    return rows, cuts, contiguous


@given(dataset=cut_datasets(), names=st.sampled_from(["x", "xy"]), seed=st.integers(0, 99), threads=st.integers(1, 2))
@settings(max_examples=80)
def test_any_cuts(dataset, names, seed, threads):
    rows, cuts, contiguous = dataset
    wanted = expected(rows, names, edges_of(names))
    with implicit_multi_threading(threads):
        merged = merge(fill_parts(rows, cuts, names, contiguous=contiguous), seed)
        check(merged, wanted, covariance=True)
        loop = book(ROOT.RDF.FromNumpy(rows), names, contiguous=contiguous, is_part=False)
        check_alike(merged, loop, wanted)


def test_other_histograms_are_independent(rows, threads):
    """Only those of parts keep folds open: the same numbers in two samples of their own are two GEN events."""
    parts = fill_parts(rows, [101], is_part=False)
    check(
        merge([send(part) for part in parts]),
        expected(together(select(rows, slice(101)), select(rows, slice(101, None))), "x", AXES["x"]),
        covariance=True,
    )
    twice = fill_parts(rows, [], is_part=False) + fill_parts(rows, [], is_part=False)
    check(merge(twice), expected(together(rows, rows), "x", AXES["x"]), covariance=True)


def make_identified(**replaced) -> Rows:
    """Four GEN events of four RECO events."""
    return {
        "run": np.full(16, 7, np.uint32),
        "luminosityBlock": np.repeat(np.array([31, 32, 32, 33], np.uint32), 4),
        "event": np.repeat(np.array([-501, 502, 503, -504], np.int64), 4),
        "foldSize": np.full(16, 4, np.int32),
        "x": np.linspace(0.5, 9.5, 16),
        "w": np.ones(16),
        **replaced,
    }


def name_event(i: int, event) -> str:
    block, number = [31, 32, 32, 33][i], [-501, 502, 503, -504][i]
    if event == "event":
        return f"GEN event {number} (column 'event')"
    return f"GEN event (run 7, luminosityBlock {block}, event {number})"


def failure(parts) -> str:
    with pytest.raises(Exception, match="FlashSim: OversampledTH1D 'h': ") as raised:
        merge(parts)
    return str(raised.value)


both_names = pytest.mark.parametrize("event", ["event", IDENTITY], ids=["one column", "several"])


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize("contiguous", [True, False], ids=["contiguous", "anywhere"])
@both_names
def test_parts_that_disagree_on_the_fold_size(event, contiguous, sent):
    rows = make_identified()
    rows["foldSize"][14:] = 5
    parts = fill_parts(rows, [14], event=event, contiguous=contiguous)
    message = failure([send(part) for part in parts] if sent else parts)
    assert (
        f"{name_event(3, event)} has a fold size of 4 in one RECO event and of 5 in another (column 'foldSize')"
        in message
    )


@pytest.mark.parametrize("contiguous", [True, False], ids=["contiguous", "anywhere"])
@both_names
def test_more_reco_events_than_the_fold_size(event, contiguous):
    """No part has more than the fold size, all of them together do."""
    rows = make_identified()
    rows["foldSize"][:4] = 3
    message = failure(fill_parts(rows, [2], event=event, contiguous=contiguous))
    assert f"{name_event(0, event)} has more RECO events than its fold size of 3 (column 'foldSize')" in message


@pytest.mark.parametrize("place", [0, 1, 2])
def test_errors_name_the_event_beside_empty_parts(place, tmp_path, threads):
    """The others may be merged into a part without entries, which has no errors of its own."""
    rows = make_identified()
    rows["foldSize"][:4] = 3
    parts = fill_parts(rows, [2], event=IDENTITY)
    parts.insert(place, fill_nothing(rows, tmp_path, event=IDENTITY))
    assert f"{name_event(0, IDENTITY)} has more RECO events than its fold size of 3" in failure(parts)


def test_refused_merges_change_nothing():
    """Python repeats a failed call with other types: its error must not come from a half-done merge."""
    rows = make_identified()
    rows["foldSize"][8:12] = 3
    parts = fill_parts(rows, [10], event=IDENTITY)
    before = [pickle.dumps(part) for part in parts]
    message = failure(parts)
    assert "appears again" not in message
    assert [pickle.dumps(part) for part in parts] == before


@pytest.mark.parametrize("sent", [False, True])
@both_names
def test_gen_events_that_come_again(event, sent):
    """Once in the middle of a part, where it counts as complete, and once at the edge of another."""
    rows = make_identified()
    order = np.r_[0:6, 8:16, 6:8]  # two RECO events of the second GEN event come last
    parts = fill_parts(select(rows, order), [14], event=event)
    for some in (parts, fill_parts(select(rows, order), [14], event=event)[::-1]):
        message = failure([send(part) for part in some] if sent else some)
        assert f"{name_event(1, event)} appears again after other GEN events" in message
        assert "contiguous=False" in message


def test_complete_gen_events_that_come_again():
    rows = make_identified()
    for again in (np.r_[0:16, 4:8], np.r_[0:16, 12:16], np.r_[0:16, 0:8]):
        message = failure(fill_parts(select(rows, again), [16], event=IDENTITY))
        assert "appears again after other GEN events" in message


@pytest.mark.parametrize("kept", [1.0, 0.6], ids=["complete", "incomplete"])
def test_parts_that_overlap(kept, threads):
    """Two parts share a piece of the dataset: only the numbers of GEN events reveal it."""
    rows = lose(make_rows(fold_size=2), kept)
    n = len(rows["x"])
    order = np.random.default_rng(1).permutation(3)
    parts = [fill_part(select(rows, piece)) for piece in (slice(0, 90), slice(90, n), slice(40, 80))]
    assert re.search(r"OversampledTH1D 'h': .* appears again .*contiguous=False", failure([parts[i] for i in order]))


def test_scattered_gen_events_may_come_again():
    """... as long as there are no more of them than the fold size."""
    rows = make_identified()
    order = np.r_[0:6, 8:16, 6:8]
    merged = merge(fill_parts(select(rows, order), [3, 14], event=IDENTITY, contiguous=False), seed=1)
    whole = {**rows, "genEvent": np.repeat(np.arange(4), 4), "reco": np.arange(16)}
    check(merged, expected(whole, "x", AXES["x"]), covariance=True)
