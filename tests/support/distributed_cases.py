"""Cases of distributed runs: datasets, graphs with results of all kinds, and the comparison with a local run."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ROOT

import flashsim
from gen_events import GEN_COLUMNS
from oracle import FLOAT_PRECISION, check, matrix
from samples import expected, make_rows, select, write

IDENTITY = ["run", "luminosityBlock", "event"]
N_EVENTS = 240


@contextmanager
def limited_time(seconds: int = 100) -> Iterator[None]:
    """Raises TimeoutError in a longer block, such as a wait for a worker that does not answer."""

    def stop(_signal, _frame):
        message = f"not done after {seconds} s"
        raise TimeoutError(message)

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Cluster:
    """Workers, and how many parts a dataset is cut into for them."""

    executor: Any
    parts: int

    def open(self, *source: Any):
        """A distributed dataframe; arguments as for ``ROOT.RDataFrame``."""
        return ROOT.RDataFrame(*source, executor=self.executor, npartitions=self.parts)


# ---------------------------------------------------------------------------------------------- datasets


def write_gen_files(folder: Path, *, ntuple: bool = False, identity: bool = True) -> list[str]:
    """240 GEN events in three files, whose order is not alphabetical, each of several clusters."""
    source = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root"))
    columns = [name for name in GEN_COLUMNS if identity or name not in IDENTITY]
    options = small_clusters(ntuple, 20)
    paths = []
    for name, first, last in (("c", 0, 70), ("a", 70, 160), ("b", 160, N_EVENTS)):
        paths.append(str(folder / f"{name}.root"))
        source.Range(first, last).Snapshot("Events", paths[-1], ROOT.std.vector["std::string"](columns), options)
    return paths


def small_clusters(ntuple: bool, entries: int):
    """Options of Snapshot for clusters of some 20 GEN events (RNTuple), or of `entries`."""
    options = ROOT.RDF.RSnapshotOptions()
    if ntuple:
        options.fOutputFormat = ROOT.RDF.ESnapshotOutputFormat.kRNTuple
        options.fVector2RVec = True
        options.fApproxZippedClusterSize, options.fMaxUnzippedClusterSize = 2000, 4000
        options.fInitialUnzippedPageSize, options.fMaxUnzippedPageSize = 64, 256
    else:
        options.fOutputFormat = ROOT.RDF.ESnapshotOutputFormat.kTTree
        options.fAutoFlush = entries
    return options


def lazy(options=None):
    options = options or ROOT.RDF.RSnapshotOptions()
    options.fLazy = True
    return options


# ---------------------------------------------------------------------------------------------- RECO events


def reco_events(paths: list[str] | str) -> dict[tuple[int, int], dict[str, bytes]]:
    """{(genEvent, foldIndex): {column: its bytes}} of a written dataset, whatever the order of its entries."""
    df = ROOT.RDataFrame("Events", paths)
    arrays = df.AsNumpy(sorted(str(name) for name in df.GetColumnNames()))
    events = {}
    for i, key in enumerate(zip(arrays["genEvent"].tolist(), arrays["foldIndex"].tolist(), strict=True)):
        assert key not in events, f"RECO event {key} is there twice"
        events[key] = {name: np.asarray(values[i]).tobytes() for name, values in arrays.items()}
    return events


def parts_of(path: Path) -> list[str]:
    """Files that a distributed Snapshot to `path` has written."""
    assert not path.exists()
    return sorted(str(part) for part in path.parent.glob(f"{path.stem}_*.root"))


SIMULATED = ["genEvent", "foldIndex", "foldSize", "nJet", "Jet_pt", "Jet_genJetIdx"]


def simulate(df, flow, **options: Any):
    """RECO events of two thirds of the GEN events."""
    return df.Filter("GenJet_pt.size() % 3 != 0").FlashSim(flow, fold_size=3, seed=5, **options)


def check_reco_events(
    cluster: Cluster, files: list[str], flow, folder: Path, *, ntuple: bool = False, **options
) -> None:
    """A distributed Snapshot of all columns holds the bits of a local one."""
    local, distributed = folder / "local.root", folder / "distributed.root"
    output = small_clusters(ntuple, 50)
    simulate(ROOT.RDataFrame("Events", files), flow, **options).Snapshot("Events", str(local), "", output)
    simulate(cluster.open("Events", files), flow, **options).Snapshot("Events", str(distributed), "", output)
    wanted, actual = reco_events(str(local)), reco_events(parts_of(distributed))
    assert len(wanted) > 3 * N_EVENTS / 2
    assert set(SIMULATED) < set(next(iter(wanted.values())))
    assert len({event["Jet_pt"] for event in wanted.values()}) > 0.9 * len(wanted)  # RECO events differ
    assert actual == wanted


def check_empty_source(cluster: Cluster, flow) -> None:
    def simulate_entries(df):
        df = df.Define("GenJet_pt", "ROOT::RVecF(1 + rdfentry_ % 3, 50.f + rdfentry_)")
        df = df.Define("GenJet_eta", "ROOT::RVecF(GenJet_pt.size(), 0.f)").Filter("rdfentry_ % 5 != 0")
        sim = df.FlashSim(flow, fold_size=2, seed=3).Define("leading", "Jet_pt[0]")
        return {
            "AsNumpy": sim.AsNumpy(["genEvent", "foldIndex", "leading"], lazy=True),
            "TH1D": sim.OversampledTH1D(("h", "", 20, 40, 160), "leading", covariance=True),
        }

    assert_same(simulate_entries(ROOT.RDataFrame(100)), simulate_entries(cluster.open(100)))


def check_variations(cluster: Cluster, files: list[str], flow) -> None:
    def book(df, variations_for):
        sim = simulate(df, flow).Filter("nJet > 0")
        varied = sim.Vary("Jet_pt", "ROOT::RVec<ROOT::RVecF>{Jet_pt * 0.9f, Jet_pt * 1.1f}", ["down", "up"], "jes")
        varied = varied.Define("leading", "Jet_pt[0]").Filter("leading > 60")
        model = ("h", "", 20, 0, 300)
        nominal = [varied.OversampledTH1D(model, "leading", covariance=True), varied.Histo1D(model, "leading")]
        return [variations_for(result) for result in nominal]

    local = book(ROOT.RDataFrame("Events", files), ROOT.RDF.Experimental.VariationsFor)
    distributed = book(cluster.open("Events", files), ROOT.RDF.Distributed.VariationsFor)
    names = ["nominal", "jes:down", "jes:up"]
    for of_local, of_distributed in zip(local, distributed, strict=True):
        for name in names:
            assert_same_histogram(of_distributed[name], of_local[name], name)
        assert sorted(of_distributed.GetKeys()) == sorted(names)
        assert len({of_local[name].GetEntries() for name in names}) == 3


# ---------------------------------------------------------------------------------------------- flattened datasets

EDGES = np.linspace(0, 10, 11)
MODEL = ("h", "title", 10, 0.0, 10.0)


def check_flattened(cluster: Cluster, folder: Path, *, ntuple: bool) -> None:
    """Rows of RECO events in clusters of 7, so that parts cut folds: as if nothing had cut them."""
    rows = make_rows(120, fold_size=5)
    files = [
        write(folder / f"{name}.root", select(rows, slice(first, last)), ntuple=ntuple, cluster_ends=7)
        for name, first, last in (("b", 0, 223), ("a", 223, 600))
    ]
    df = cluster.open("Events", files).Filter("reco % 4 != 0")
    one = df.OversampledTH1D(MODEL, "x", "w", covariance=True)
    two = df.OversampledTH2D(("h2", "", *MODEL[2:], *MODEL[2:]), "x", "y", "w")
    anywhere = df.OversampledTH1D(MODEL, "x", "w", contiguous=False, covariance=True)
    kept = select(rows, rows["reco"] % np.uint64(4) != 0)
    check(one.GetValue(), expected(kept, "x", EDGES), covariance=True)
    check(two.GetValue(), expected(kept, "xy", [EDGES, EDGES]))
    check(anywhere.GetValue(), expected(kept, "x", EDGES), covariance=True)


# ---------------------------------------------------------------------------------------------- results


def book_all(df, flow) -> dict[str, Any]:
    """Results of every kind on the GEN events and on the RECO events of one graph, all lazy."""
    gen = df.Define("w", "GenJet_nMuon.size() % 3 == 0 ? -0.5 : 1. + 0.01 * GenJet_nMuon.size()")
    gen = gen.Filter("GenJet_pt.size() > 2", "three jets").Filter("GenJet_pt[0] < 400", "not too hard")
    sim = gen.FlashSim(flow, fold_size=3, seed=5)
    all_jets = sim.Define("leading", "Jet_pt[0]").Define("second", "Jet_pt[1]")
    some = all_jets.Filter("leading > 60", "leading").Filter("(genEvent + foldIndex) % 4 != 0", "three of four")
    one = ("h", ";x;events", 20, 0.0, 300.0)
    return {
        "TH1D": some.OversampledTH1D(one, "leading", "w", covariance=True),
        "TH1F": some.OversampledTH1F(one, "leading", "w"),
        "TH2D": some.OversampledTH2D(("h2", "", 6, 0, 300, 5, [0, 20, 50, 90, 150, 300]), "leading", "second"),
        "TH3D": all_jets.OversampledTH3D(("h3", "", 4, 0, 300, 4, 0, 200, 2, -0.5, 20), "leading", "second", "nJet"),
        "all jets": sim.OversampledTH1D(one, "Jet_pt", "w", covariance=True),
        "Histo1D": some.Histo1D(one, "Jet_pt", "w"),
        "Histo2D": some.Histo2D(("g2", "", 6, 0, 300, 4, 0, 200), "leading", "second"),
        "Sum": some.Sum("leading"),
        "Mean": sim.Mean("w"),
        "Max": all_jets.Max("leading"),
        "Count": sim.Count(),
        "Report": some.Report(),
        "Report of all": sim.Report(),
        "GEN Report": gen.Report(),
        "GEN Count": gen.Count(),
        "GEN Sum": df.Sum("genWeight"),
        "GEN Histo1D": gen.Histo1D(one, "GenJet_pt", "w"),
        "AsNumpy": some.AsNumpy(["genEvent", "foldIndex", "leading"], lazy=True),
    }


def assert_same(local: dict[str, Any], distributed: dict[str, Any]) -> None:
    """Compares results by name; contents to 1e-12 of their scale."""
    assert local.keys() == distributed.keys()
    for name, result in local.items():
        compare(result.GetValue(), distributed[name].GetValue(), name)


def compare(local, distributed, name: str = "") -> None:
    assert type(distributed) is type(local), name
    if isinstance(local, dict):
        order = [np.lexsort((arrays["foldIndex"], arrays["genEvent"])) for arrays in (local, distributed)]
        assert len(order[0]) == len(order[1]) > 0
        for column, values in local.items():
            np.testing.assert_array_equal(distributed[column][order[1]], values[order[0]], err_msg=name)
    elif isinstance(local, ROOT.RDF.RCutFlowReport):
        assert cut_flow(distributed) == cut_flow(local)
        assert len(cut_flow(local)) == (2 if name == "GEN Report" else 4)
    elif isinstance(local, ROOT.TH1):
        assert_same_histogram(distributed, local, name)
    elif isinstance(local, int):
        assert distributed == local != 0, name
    else:
        assert local != 0
        assert abs(distributed - local) <= 1e-12 * abs(local), name


def cut_flow(report) -> list[tuple[str, int, int]]:
    return [(str(cut.GetName()), int(cut.GetAll()), int(cut.GetPass())) for cut in report]


def assert_same_histogram(actual, wanted, name: str = "", relative: float = 1e-12) -> None:
    """Compares all numbers of two histograms, each kind of number to `relative` of its own largest one.

    Names of varied histograms are left out: only the first task of a worker adds the variation to them (ROOT 6.40).
    """
    for method in ("ClassName", "GetName", "GetTitle") if ":" not in name else ("ClassName", "GetTitle"):
        assert str(getattr(actual, method)()) == str(getattr(wanted, method)()), (name, method)
    actual_numbers, wanted_numbers = numbers_of(actual), numbers_of(wanted)
    assert actual_numbers.keys() == wanted_numbers.keys()
    assert wanted.GetEntries() > 0
    for kind, numbers in wanted_numbers.items():
        precision = FLOAT_PRECISION if kind == "contents" and str(wanted.ClassName()).endswith("F") else relative
        scale = np.nanmax(np.abs(numbers))
        difference = np.abs(actual_numbers[kind] - numbers)
        same = (difference <= precision * scale) | (np.isnan(numbers) & np.isnan(actual_numbers[kind]))
        assert same.all(), f"{name}: {kind} differ by {np.nanmax(difference)}, of {scale}"


def numbers_of(histogram) -> dict[str, np.ndarray]:
    cells = range(histogram.GetNcells())

    def over_cells(get: Callable[..., float], *arguments: Any) -> np.ndarray:
        return np.array([get(cell, *arguments) for cell in cells])

    statistics = np.zeros(13)
    histogram.GetStats(statistics)
    numbers = {
        "contents": over_cells(histogram.GetBinContent),
        "variances": over_cells(histogram.GetBinError) ** 2,
        "entries": np.array([histogram.GetEntries()]),
        "effective entries": np.array([histogram.GetEffectiveEntries()]),
        # Not one scale: sums of weights, of their squares, of values, ...
        **{f"statistic {i}": statistics[i : i + 1] for i in range(13)},
    }
    if not hasattr(histogram, "HasFoldInformation"):
        return numbers
    assert histogram.HasFoldInformation()
    numbers |= {
        "naive variances": over_cells(histogram.GetBinVarianceNaive),
        "limit variances": over_cells(histogram.GetBinVarianceLimit),
        "variances for fold size 7": over_cells(histogram.GetBinVarianceForFoldSize, 7),
        "GEN events": np.array([histogram.GetNGenEvents()]),
    }
    if histogram.HasCovariance():
        numbers["covariance"] = matrix(histogram.GetCovarianceMatrix(True))
    return numbers
