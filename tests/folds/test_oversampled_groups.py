"""Groups of GEN events that are not independent (an NLO generator's event and its counter-events): one unit."""

from __future__ import annotations

import re

import numpy as np
import pytest
import ROOT

import distributed_cases as cases
from histories import integral
from oracle import assert_close, check, oversampled
from samples import Rows, define_collection, select, write, write_files

EDGES = np.linspace(0, 10, 11)
MODEL = ("h", ";x;events", 10, 0.0, 10.0)
GROUP = ("run", "luminosityBlock", "event")
BY_GROUP = {"group": GROUP, "covariance": True}


def make_rows(n_groups: int = 70, fold_size: int = 4, seed: int = 3) -> Rows:
    """Groups of one to four GEN events near each other in x and y, whose weights all but cancel.

    RECO events of a group that have one fold index are smeared alike, as FlashSim does with events of one identity. A
    third of the RECO events is dropped.
    """
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, n_groups)
    group = np.repeat(np.arange(n_groups), sizes)
    weight = np.where(np.r_[True, group[1:] != group[:-1]], 5.0, -1.7)
    true = rng.uniform(-1, 11, (2, n_groups))[:, group] + rng.normal(0, 0.4, (2, len(group)))
    smearing = rng.normal(0, 1, (2, n_groups, fold_size))[:, group]
    x, y = (true[:, :, None] + smearing).reshape(2, -1)
    gen = np.repeat(np.arange(len(group)), fold_size)
    rows = {
        "run": (group[gen] % 2).astype(np.uint32),
        "luminosityBlock": (group[gen] // 10).astype(np.uint32),
        "event": (7 * group[gen] % 100).astype(np.uint64),
        "number": group[gen].astype(np.uint64),
        "foldIndex": np.tile(np.arange(fold_size), len(group)).astype(np.int32),
        "foldSize": np.full(len(gen), fold_size, np.int32),
        "genEvent": gen.astype(np.uint64),
        "w": weight[gen],
        "x": x,
        "y": y,
    }
    return select(rows, rng.random(len(gen)) < 0.67) if fold_size > 1 else rows


def expected(rows: Rows, names="x", edges=EDGES):
    """A RECO event is that of all GEN events of its group."""
    values = [rows[name] for name in names]
    reco = rows["number"].astype(int) * 1000 + rows["foldIndex"]
    return oversampled(
        rows["number"], reco, rows["foldSize"], values[0] if len(names) == 1 else values, rows["w"], edges
    )


@pytest.fixture(scope="module")
def rows() -> Rows:
    return make_rows()


@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
def test_wherever_files_and_clusters_cut(rows, ntuple, threads, tmp_path):
    df = ROOT.RDataFrame("Events", write_files(tmp_path, rows, files=3, ntuple=ntuple, cluster=7))
    by_number = {"group": "number", "covariance": True}
    histograms = [df.OversampledTH1D(MODEL, "x", "w", **by) for by in (BY_GROUP, by_number)]
    two = df.OversampledTH2D(("h", "", 10, 0, 10, 10, 0, 10), "x", "y", "w", fold_size=4, **by_number)
    for histogram in histograms:
        check(histogram, expected(rows), covariance=True)
    check(two, expected(rows, "xy", [EDGES, EDGES]), covariance=True)
    # All that the covariance is for: the unit is the group here too.
    wide = histograms[0].Rebin(5, "wide")
    check(wide, expected(rows, "x", EDGES[::5]), bins_only=True, covariance=True)
    assert integral(histograms[0], 1, 10)[1] ** 2 == pytest.approx(expected(rows, "x", EDGES[::10]).variance[1])


@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
def test_rows_in_any_order(rows, ntuple, threads, tmp_path):
    shuffled = select(rows, np.random.default_rng(4).permutation(len(rows["x"])))
    df = ROOT.RDataFrame("Events", write(tmp_path / "f.root", shuffled, ntuple=ntuple, cluster_ends=13))
    check(df.OversampledTH1D(MODEL, "x", "w", contiguous=False, **BY_GROUP), expected(rows), covariance=True)


@pytest.mark.parametrize("contiguous", [True, False])
def test_collections(rows, threads, contiguous):
    """A RECO event fills 0 to 3 times: near its x."""
    rng = np.random.default_rng(6)
    fills = select(rows, np.repeat(np.arange(len(rows["x"])), rng.integers(0, 4, len(rows["x"]))))
    key = fills["genEvent"] * np.uint64(10) + fills["foldIndex"].astype(np.uint64)
    _, first, sizes = np.unique(key, return_index=True, return_counts=True)
    df = ROOT.RDF.FromNumpy({**select(fills, first), "row": np.arange(len(first), dtype=np.uint64)})
    fills["x"] = fills["x"] + rng.normal(0, 0.5, len(key))
    df = define_collection(df, "xs", fills["x"], sizes)
    check(df.OversampledTH1D(MODEL, "xs", "w", contiguous=contiguous, **BY_GROUP), expected(fills), covariance=True)


def test_without_oversampling(threads, tmp_path):
    """GEN events themselves: no column of fold indices is needed, and errors for other fold sizes are unknown."""
    rows = make_rows(fold_size=1)
    path = write(tmp_path / "gen.root", rows, cluster_ends=7)
    df = ROOT.RDataFrame("Events", path).Define("one", "1")
    check(df.OversampledTH1D(MODEL, "x", "w", fold_size=1, **BY_GROUP), expected(rows), covariance=True)
    check(df.OversampledTH1D(MODEL, "x", "w", fold_size="one", **BY_GROUP), expected(rows), covariance=True)
    anywhere = df.OversampledTH1D(MODEL, "x", "w", fold_size=1, contiguous=False, **BY_GROUP)
    check(anywhere, expected(rows), covariance=True)


def test_a_group_of_one_is_a_gen_event(rows, threads):
    df = ROOT.RDF.FromNumpy(rows)
    by_group = df.OversampledTH1D(MODEL, "x", "w", group="genEvent", covariance=True)
    by_event = df.OversampledTH1D(MODEL, "x", "w", covariance=True)
    cases.assert_same_histogram(by_group.GetValue(), by_event.GetValue())


@pytest.mark.parametrize("contiguous", [True, False])
def test_parts_cut_groups(rows, dask_client, contiguous, tmp_path):
    """Also with a fold size of 1, where the two pieces of a group may have different unknown variances."""
    for name, sample in (("reco", rows), ("gen", make_rows(fold_size=1))):
        (tmp_path / name).mkdir()
        files = write_files(tmp_path / name, sample, files=2, cluster=7)
        df = cases.Cluster(dask_client, 7).open("Events", files)
        options = {"contiguous": contiguous, **BY_GROUP}
        if name == "gen":
            options["fold_size"] = 1
        check(df.OversampledTH1D(MODEL, "x", "w", **options).GetValue(), expected(sample), covariance=True)


def test_of_flash_sim(gen_dataset, threads, tiny_flow):
    """Three GEN events of one number: FlashSim smears them with the same random numbers."""
    gen = ROOT.RDataFrame("Events", gen_dataset).Redefine("event", "static_cast<ULong64_t>(event / 3)")
    gen = gen.Redefine("run", "1u").Redefine("luminosityBlock", "1u").Define("w", "rdfentry_ % 3 == 0 ? 5. : -2.")
    sim = gen.FlashSim(tiny_flow, fold_size=4, block_size=30).Filter("nJet > 0").Define("x", "Jet_pt[0] / 30")
    histogram = sim.OversampledTH1D(MODEL, "x", "w", **BY_GROUP)
    arrays = sim.AsNumpy(["event", "foldIndex", "foldSize", "x", "w"])
    check(histogram, expected({**arrays, "number": arrays["event"]}), covariance=True)


@pytest.mark.parametrize("shared", [True, False], ids=["random numbers shared", "of their own"])
def test_errors_are_those_of_pseudo_experiments(shared, two_threads):
    """2000 samples, each of a Poisson number of groups: the scatter of contents for a fold size of 5 and of 2.

    The errors for a fold size of 2 are predicted from 5. Each sample fills its own bins: one histogram holds all.
    """
    rng = np.random.default_rng(11)
    n_samples, fold_size = 2000, 5
    sample = np.repeat(np.arange(n_samples), rng.poisson(20, n_samples))
    true = rng.uniform(0, 3, (len(sample), 1)) + np.array([0, 0.2, -0.2])  # the event and two counter-events
    smearing = rng.normal(0, 0.5, (len(sample), 1 if shared else 3, fold_size))
    x = (true[:, :, None] + smearing).ravel()
    group = np.repeat(np.arange(len(sample)), 3 * fold_size)
    columns = {
        "x": x,
        "group": group,
        "sample": sample[group].astype(float),
        "w": np.tile(np.repeat([3.0, -1.0, -0.5], fold_size), len(sample)),
        "foldIndex": np.tile(np.arange(fold_size), 3 * len(sample)),
    }
    df = ROOT.RDF.FromNumpy(columns)
    model = ("h", "", 3, 0, 3, n_samples, -0.5, n_samples - 0.5)
    of_five = df.OversampledTH2D(model, "x", "sample", "w", group="group", fold_size=5)
    of_two = df.Filter("foldIndex < 2").OversampledTH2D(model, "x", "sample", "w", group="group", fold_size=2)
    cells = [[of_five.GetBin(i, j + 1) for j in range(n_samples)] for i in (1, 2, 3)]
    for histogram, size in ((of_five, 5), (of_two, 2)):
        contents = np.array([[histogram.GetBinContent(cell) for cell in of_bin] for of_bin in cells])
        predicted = np.array([[of_five.GetBinVarianceForFoldSize(cell, size) for cell in of_bin] for of_bin in cells])
        ratio = predicted.mean() / contents.var(axis=1).mean()
        assert ratio == pytest.approx(1, abs=0.06)  # the scatter itself is known to sqrt(2 / 2000) = 0.03 or so
    limit = np.array([[of_five.GetBinVarianceLimit(cell) for cell in of_bin] for of_bin in cells])
    assert limit.mean() < 0.9 * predicted.mean()  # the fold size matters here


# ---------------------------------------------------------------------------------------------- errors


def fill(df, **options) -> str:
    """The error of a fill with these options."""
    with pytest.raises(Exception) as error:
        df.OversampledTH1D(MODEL, "x", "w", **options).GetValue()
    return re.sub(r"\s+", " ", str(error.value))


def test_events_of_one_number_are_pointed_to_groups(rows):
    message = fill(ROOT.RDF.FromNumpy(make_rows(fold_size=1)), event=GROUP, fold_size=1)
    assert "has more RECO events than its fold size of 1" in message
    assert "give these columns as group instead of event" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group": GROUP, "event": None}, "both event and group were given"),
        ({"group": GROUP, "event": "number"}, "both event and group were given"),
        ({"group": "missing"}, "there is no column 'missing'. Expected the number of a group of GEN events"),
        ({"group": GROUP, "fold_index": "missing"}, "there is no column 'missing'. With groups, it tells which"),
        ({"group": GROUP, "fold_index": "x"}, "column 'x' .* cannot be used. Expected an integer"),
        (
            {"group": GROUP, "fold_size": 3},
            r"the group of GEN events \(run 0, .*\) has a fold size of 3 .* of fold index 3",
        ),
        ({"group": GROUP, "fold_index": "less"}, r"a RECO event of fold index -1 \(column 'less'\)"),
        ({"group": GROUP, "fold_size": "differ"}, "Expected the same fold size for all GEN events of a group"),
        ({"group": "event"}, "the group of GEN events .* appears again after other"),
        ({"group": []}, "group must be the name of a column"),
        ({"group": "number", "fold_index": 3}, "fold_index must be the name of a column"),
        ({"group": [*GROUP, "foldIndex", "w"]}, "given by 5 columns. Expected at most 4"),
    ],
)
def test_what_makes_no_sense(rows, options, message):
    df = ROOT.RDF.FromNumpy(rows).Define("less", "foldIndex - 1").Define("differ", "4 + int(genEvent % 2)")
    if options.get("group") == "event":
        df = df.Redefine("event", "number % 9")
    assert re.search(message, fill(df, **options))


def test_limit_of_fold_size_one_is_not_known():
    histogram = ROOT.RDF.FromNumpy(make_rows(fold_size=1)).OversampledTH1D(MODEL, "x", "w", group="number", fold_size=1)
    filled = np.array([histogram.GetBinError(i) > 0 for i in range(12)])
    assert_close([histogram.GetBinVarianceLimit(i) for i in range(12)], np.where(filled, np.nan, 0), 0)
