"""FlashSim and OversampledTH on distributed dataframes (Dask): bits of RECO events and all numbers as in a local run.

Datasets have several files and clusters, and there are more and fewer parts than either.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import ROOT

import distributed_cases as cases
import flashsim
import tiny_flows
from distributed_cases import Cluster, limited_time

PARTS = [1, 2, 5, 9]


@pytest.fixture(autouse=True)
def way_out():
    with limited_time():
        yield


@pytest.fixture(params=PARTS, ids=lambda parts: f"{parts} parts")
def cluster(request, dask_client) -> Cluster:
    return Cluster(dask_client, request.param)


@pytest.fixture
def five_parts(dask_client) -> Cluster:
    return Cluster(dask_client, 5)


@pytest.fixture(scope="module")
def files_of(tmp_path_factory):
    """Files of the GEN events by format, and whether they have run, luminosityBlock and event."""
    return {
        (layout, identity): cases.write_gen_files(
            tmp_path_factory.mktemp("gen"), ntuple=layout == "RNTuple", identity=identity
        )
        for layout in ("TChain", "RNTuple")
        for identity in (True, False)
    }


@pytest.fixture(params=["TChain", "RNTuple"])
def layout(request) -> str:
    return request.param


@pytest.fixture
def files(layout, files_of) -> list[str]:
    return files_of[layout, True]


# ---------------------------------------------------------------------------------------------- RECO events


@pytest.mark.parametrize("identity", [True, False], ids=["with run and event", "entry numbers"])
def test_reco_events_have_the_same_bits(cluster, layout, files_of, identity, tiny_flow, tmp_path):
    cases.check_reco_events(cluster, files_of[layout, identity], tiny_flow, tmp_path)


@pytest.mark.parametrize("identity", [True, False], ids=["with run and event", "entry numbers"])
def test_reco_events_of_the_shipped_flow_as_ntuple(five_parts, layout, files_of, identity, tmp_path):
    cases.check_reco_events(five_parts, files_of[layout, identity], "jets", tmp_path, ntuple=True, steps=2)


@pytest.mark.parametrize(
    "options",
    [
        {"chunk_size": 7},
        {"block_size": 1},
        {"prefix": "Flash"},
        {"context": {"eta": np.float32(0.5), "pt": "GenJet_pt * 1000"}, "out_of_range": "clip"},
    ],
    ids=str,
)
def test_options_reach_the_workers(five_parts, files, tiny_flow, options):
    prefix = options.get("prefix", "")
    columns = [f"{prefix}Jet_pt", "genEvent", "foldIndex"]

    def leading(df):
        sim = cases.simulate(df, tiny_flow, **options).Filter(f"n{prefix}Jet > 0").Define("pt", f"{prefix}Jet_pt[0]")
        return {"AsNumpy": sim.AsNumpy([*columns[1:], "pt"], lazy=True)}

    cases.assert_same(leading(ROOT.RDataFrame("Events", files)), leading(five_parts.open("Events", files)))


def test_replace_steps_and_prefix_by_flow_reach_the_workers(five_parts, files, tiny_flow, tmp_path):
    flow = tiny_flows.write_stepping_flow(tmp_path / "stepping.onnx")

    def results(df):
        df = df.Define("Jet_pt", "-1.f").Define("Jet_mine", "-1.f").Define("nJet", "-1")
        own = {"steps": {"stepping": 7}, "prefix": {"stepping": "My"}}
        sim = df.FlashSim([tiny_flow, flow], fold_size=2, replace=True, **own)
        columns = {"jets": "nJet", "pt": "Jet_pt", "mine": "MyJet_pt", "gen": "GenJet_pt"}
        return {name: sim.Sum(column) for name, column in columns.items()}

    here = {name: result.GetValue() for name, result in results(ROOT.RDataFrame("Events", files)).items()}
    assert here["mine"] == pytest.approx(here["gen"] + 7 * here["jets"], rel=1e-5)
    there = {name: result.GetValue() for name, result in results(five_parts.open("Events", files)).items()}
    assert there == pytest.approx(here, rel=1e-5)


def test_stages(five_parts, files, tiny_flow, tmp_path):
    taus = tiny_flows.write_smearing_flow(tmp_path / "taus.onnx", name="taus", source="Jet", collection="Tau")

    def results(df):
        first = df.FlashSim(tiny_flow, fold_size=3, seed=1).Filter("nJet > 2")
        second = first.FlashSim(taus, seed=1, context={"eta": "0.f * Jet_nConstituents"}).Define("leading", "Tau_pt[0]")
        return {
            "AsNumpy": second.AsNumpy(["genEvent", "foldIndex", "leading"], lazy=True),
            "first": first.Count(),
            "TH1D": second.OversampledTH1D(("h", "", 20, 40, 160), "leading", covariance=True),
        }

    cases.assert_same(results(ROOT.RDataFrame("Events", files)), results(five_parts.open("Events", files)))


def test_context_out_of_range_on_a_worker_is_named(five_parts, files, tiny_flow):
    sim = five_parts.open("Events", files).FlashSim(tiny_flow, context={"pt": "GenJet_pt * 1000"})
    with pytest.raises(Exception, match=r"context variable 'pt' of GenJet .* flow 'tiny' takes .* Is it in MeV\?"):
        sim.Sum("Jet_pt").GetValue()


def test_gen_event_is_the_entry_number_in_the_whole_dataset(cluster, layout, files_of, tiny_flow):
    """Filters upstream drop more GEN events from some parts than from others."""
    for identity in (True, False):
        df = cluster.open("Events", files_of[layout, identity]).Filter("GenJet_pt.size() > 5")
        numbers = df.FlashSim(tiny_flow).AsNumpy(["genEvent"])["genEvent"]
        sizes = ROOT.RDataFrame("Events", files_of[layout, identity]).AsNumpy(["GenJet_pt"])["GenJet_pt"]
        assert sorted(numbers) == [i for i, pt in enumerate(sizes) if len(pt) > 5]


def test_empty_source(cluster, tiny_flow):
    cases.check_empty_source(cluster, tiny_flow)


# ---------------------------------------------------------------------------------------------- results


def test_results_of_every_kind_in_one_run(cluster, files, tiny_flow):
    local = cases.book_all(ROOT.RDataFrame("Events", files), tiny_flow)
    df = cluster.open("Events", files)
    runs = count_runs(df)
    distributed = cases.book_all(df, tiny_flow)
    cases.assert_same(local, distributed)
    assert runs == [1]


def count_runs(df) -> list[int]:
    """How often the graph has run, in a list that is kept up to date."""
    head, runs = df.proxied_node.get_head(), [0]
    run = head._execute_and_retrieve_results

    def run_and_count(*arguments):
        runs[0] += 1
        return run(*arguments)

    head._execute_and_retrieve_results = run_and_count
    return runs


def test_results_without_identity(five_parts, layout, files_of, tiny_flow):
    files = files_of[layout, False]
    local = cases.book_all(ROOT.RDataFrame("Events", files), tiny_flow)
    cases.assert_same(local, cases.book_all(five_parts.open("Events", files), tiny_flow))


def test_variations(cluster, files, tiny_flow):
    cases.check_variations(cluster, files, tiny_flow)


@pytest.mark.parametrize("identity", [True, False], ids=["with run and event", "entry numbers"])
def test_define_folds(five_parts, layout, files_of, identity, tiny_flow):
    def book(df):
        inline = df.Filter("GenJet_pt.size() > 0").DefineFolds(tiny_flow, fold_size=4, seed=2)
        inline = inline.Define(
            "leading", "return ROOT::VecOps::Map(Jet_pt, [](const ROOT::RVecF &pt) { return pt[0]; });"
        )
        model = ("h", "", 20, 0, 300)
        return {"TH1D": inline.OversampledTH1D(model, "leading", "genWeight", event=None, covariance=True)}

    files = files_of[layout, identity]
    distributed = book(five_parts.open("Events", files))
    if not identity:
        with pytest.raises(RuntimeError, match=r"DefineFolds needs the columns run, luminosityBlock and event in a"):
            distributed["TH1D"].GetValue()
        return
    cases.assert_same(book(ROOT.RDataFrame("Events", files)), distributed)


def test_a_second_run_of_the_same_dataframe(five_parts, files, tiny_flow):
    """Results booked later run later; results of the first run are kept."""
    df = five_parts.open("Events", files)
    runs = count_runs(df)
    sim = cases.simulate(df, tiny_flow)
    count = sim.Count().GetValue()
    local = cases.simulate(ROOT.RDataFrame("Events", files), tiny_flow)
    cases.compare(local.Sum("nJet").GetValue(), sim.Sum("nJet").GetValue())
    assert count == local.Count().GetValue()
    assert runs == [2]


def test_no_event_passes(five_parts, files, tiny_flow):
    sim = five_parts.open("Events", files).Filter("GenJet_pt.size() > 9999").FlashSim(tiny_flow)
    histogram = sim.OversampledTH1D(("h", "", 20, 0, 300), "Jet_pt", covariance=True)
    assert sim.Count().GetValue() == 0
    assert (histogram.GetEntries(), histogram.GetNGenEvents()) == (0, 0)


# ---------------------------------------------------------------------------------------------- Snapshot


@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
def test_snapshot_beside_other_results_can_be_read_on(five_parts, files, tiny_flow, tmp_path, ntuple):
    model = ("h", "", 20, 0, 300)
    columns = [*cases.SIMULATED, "genWeight"]

    def book(df, path):
        sim = cases.simulate(df, tiny_flow)
        written = sim.Snapshot("Events", str(path), columns, cases.lazy(cases.small_clusters(ntuple, 7)))
        results = {
            "TH1D": sim.OversampledTH1D(model, "Jet_pt", "genWeight", covariance=True),
            "Count": sim.Filter("nJet > 3", "four").Count(),
            "GEN Count": df.Count(),
        }
        return written, results

    local, local_results = book(ROOT.RDataFrame("Events", files), tmp_path / "local.root")
    distributed, results = book(five_parts.open("Events", files), tmp_path / "distributed.root")
    cases.assert_same(local_results, results)
    local.GetValue()
    wanted = cases.reco_events(str(tmp_path / "local.root"))
    assert cases.reco_events(cases.parts_of(tmp_path / "distributed.root")) == wanted

    again = distributed.GetValue()
    assert again.Count().GetValue() == len(wanted)
    again = again.Filter("nJet > 1")
    histogram = again.OversampledTH1D(model, "Jet_pt", "genWeight", covariance=True)
    reference = ROOT.RDataFrame("Events", str(tmp_path / "local.root")).Filter("nJet > 1")
    cases.compare(
        reference.OversampledTH1D(model, "Jet_pt", "genWeight", covariance=True).GetValue(), histogram.GetValue()
    )


# ---------------------------------------------------------------------------------------------- flattened datasets


def test_parts_that_cut_folds(cluster, layout, tmp_path):
    cases.check_flattened(cluster, tmp_path, ntuple=layout == "RNTuple")


@pytest.fixture(scope="module")
def simulated(files_of, tiny_flow, tmp_path_factory) -> str:
    """RECO events that were simulated before, in clusters of 7 where folds have 5."""
    path = tmp_path_factory.mktemp("reco") / "reco.root"
    sim = ROOT.RDataFrame("Events", files_of["TChain", True]).FlashSim(tiny_flow, fold_size=5, seed=1)
    columns = ["run", "luminosityBlock", "event", "genEvent", "foldIndex", "foldSize", "nJet", "Jet_pt", "genWeight"]
    sim.Snapshot("Events", str(path), columns, cases.small_clusters(False, 7))
    return str(path)


def test_simulated_dataset(cluster, simulated):
    def book(df):
        some = df.Filter("nJet > 1 && (genEvent + foldIndex) % 4 != 0")
        model = ("h", "", 20, 0, 300)
        varied = some.Vary("Jet_pt", "ROOT::RVec<ROOT::RVecF>{Jet_pt * 0.9f}", ["down"], "jes")
        by_identity = {"event": ("run", "luminosityBlock", "event"), "covariance": True}
        return {
            "genEvent": some.OversampledTH1D(model, "Jet_pt", "genWeight", covariance=True),
            "identity": some.OversampledTH1D(model, "Jet_pt", "genWeight", **by_identity),
            "anywhere": some.OversampledTH1D(model, "Jet_pt", contiguous=False, covariance=True),
            "TH1F": some.OversampledTH1F(model, "Jet_pt"),
            "fixed fold size": some.Define("n", "nJet").OversampledTH1D(("n", "", 20, 0, 20), "n", fold_size=5),
            "Count": some.Count(),
        }, varied.OversampledTH1D(model, "Jet_pt", covariance=True)

    local, local_varied = book(ROOT.RDataFrame("Events", simulated))
    local_variations = ROOT.RDF.Experimental.VariationsFor(local_varied)
    distributed, varied = book(cluster.open("Events", simulated))
    variations = ROOT.RDF.Distributed.VariationsFor(varied)
    cases.assert_same(local, distributed)
    for name in ("nominal", "jes:down"):
        cases.assert_same_histogram(variations[name], local_variations[name], name)
    assert local["genEvent"].GetNGenEvents() > 200


def test_efficiencies(five_parts, simulated):
    def book(df):
        some = df.Filter("nJet > 1").Define("passed", "Jet_pt > 40 + 20 * int((genEvent + foldIndex) % 4)")
        return some.OversampledEfficiency1D(("e", "", 10, 0, 300), "Jet_pt", "passed", "genWeight")

    local, distributed = book(ROOT.RDataFrame("Events", simulated)), book(five_parts.open("Events", simulated))
    assert np.any((local.values() > 0) & (local.values() < 1))
    np.testing.assert_allclose(distributed.values(flow=True), local.values(flow=True), rtol=1e-12)
    np.testing.assert_allclose(distributed.covariance(flow=True), local.covariance(flow=True), rtol=1e-6, atol=1e-15)


def test_rows_in_any_order(five_parts, tmp_path):
    rows = cases.make_rows(120, fold_size=5)
    mixed = cases.select(rows, np.random.default_rng(3).permutation(600))
    path = cases.write(tmp_path / "mixed.root", mixed, cluster_ends=7)
    df = five_parts.open("Events", path)
    histogram = df.OversampledTH1D(cases.MODEL, "x", "w", contiguous=False, covariance=True)
    cases.check(histogram.GetValue(), cases.expected(rows, "x", cases.EDGES), covariance=True)


@pytest.mark.parametrize("layout", ["TTree", "RNTuple"])
def test_gen_events_that_reappear_in_another_part(five_parts, layout, tmp_path):
    """Sorted by fold index, each part has at most one RECO event of a GEN event and sees nothing wrong."""
    rows = cases.make_rows(150, fold_size=2)
    by_fold_index = cases.select(rows, np.r_[0:300:2, 1:300:2])
    path = cases.write(tmp_path / "by_fold_index.root", by_fold_index, ntuple=layout == "RNTuple", cluster_ends=30)
    histogram = five_parts.open("Events", path).OversampledTH1D(cases.MODEL, "x", "w")
    with pytest.raises(Exception, match=r"OversampledTH1D 'h': .*GEN event.* appears again .*contiguous=False"):
        histogram.GetValue()


@pytest.mark.parametrize("fold_size", [4, 5])
@pytest.mark.parametrize("contiguous", [True, False])
def test_more_reco_events_than_the_fold_size_in_all_parts_together(five_parts, tmp_path, contiguous, fold_size):
    """No part has too many. Once all folds are there, more of them are a GEN event that appears again."""
    rows = cases.make_rows(1, fold_size=6)
    path = cases.write(tmp_path / "many.root", {**rows, "foldSize": 0 * rows["foldSize"] + fold_size}, cluster_ends=1)
    histogram = five_parts.open("Events", path).OversampledTH1D(cases.MODEL, "x", "w", contiguous=contiguous)
    with pytest.raises(Exception, match=rf"GEN event {rows['genEvent'][0]} .*(RECO events|appears again)"):
        histogram.GetValue()


def test_fold_sizes_that_differ_between_parts(five_parts, tmp_path):
    rows = cases.make_rows(1, fold_size=6)
    path = cases.write(tmp_path / "differ.root", {**rows, "foldSize": np.arange(6, 12, dtype=np.int32)}, cluster_ends=1)
    histogram = five_parts.open("Events", path).OversampledTH1D(cases.MODEL, "x", "w")
    with pytest.raises(Exception, match=rf"GEN event {rows['genEvent'][0]} .*fold size"):
        histogram.GetValue()


# ---------------------------------------------------------------------------------------------- flows


def test_flows_of_all_kinds(five_parts, files, tiny_flow, tmp_path):
    """A path, an opened flow, a relative path, and two flows at once."""
    fat = tiny_flows.write_smearing_flow(tmp_path / "fat.onnx", name="fat", collection="FatJet")
    reference = cases.simulate(ROOT.RDataFrame("Events", files), [tiny_flow, fat])
    model = ("h", "", 20, 0, 300)
    wanted = {column: reference.OversampledTH1D(model, column) for column in ("Jet_pt", "FatJet_pt")}
    df = five_parts.open("Events", files)
    relative = os.path.relpath(fat)
    for flow, columns in [
        (tiny_flow, ["Jet_pt"]),
        (Path(tiny_flow), ["Jet_pt"]),
        (flashsim.Flow(tiny_flow), ["Jet_pt"]),
        (relative, ["FatJet_pt"]),
        ([tiny_flow, flashsim.Flow(fat)], ["Jet_pt", "FatJet_pt"]),
    ]:
        sim = cases.simulate(df, flow)
        results = {column: sim.OversampledTH1D(model, column) for column in columns}
        cases.assert_same({column: wanted[column] for column in columns}, results)


# ---------------------------------------------------------------------------------------------- initialize


@pytest.fixture
def restored_initialization(monkeypatch):
    """A function given to ROOT.RDF.Distributed.initialize lasts for one test only."""
    from ROOT._distrdf.Backends.Base import BaseBackend

    monkeypatch.setattr(BaseBackend, "initialization", BaseBackend.__dict__["initialization"])


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.usefixtures("restored_initialization")
def test_the_users_initialization_is_called_on_workers(five_parts, files, tiny_flow, tmp_path, when):
    def initialize(folder):
        import os
        import pathlib

        import ROOT

        (pathlib.Path(folder) / str(os.getpid())).touch()
        ROOT.gInterpreter.Declare(
            "#ifndef TEST_INITIALIZED\n#define TEST_INITIALIZED\nbool test_initialized() { return true; }\n#endif"
        )

    if when == "before":
        ROOT.RDF.Distributed.initialize(initialize, str(tmp_path))
    sim = five_parts.open("Events", files).FlashSim(tiny_flow)
    if when == "after":
        ROOT.RDF.Distributed.initialize(initialize, str(tmp_path))
    assert sim.Filter("test_initialized()").Count().GetValue() == cases.N_EVENTS
    called = {int(path.name) for path in tmp_path.iterdir()}
    assert called - {os.getpid()}
    # Also after a run, for the next one.
    other = tmp_path / "other"
    other.mkdir()
    ROOT.RDF.Distributed.initialize(initialize, str(other))
    sim.Sum("nJet").GetValue()
    assert {int(path.name) for path in other.iterdir()} - {os.getpid()}


@pytest.mark.usefixtures("restored_initialization")
def test_initialization_of_what_a_snapshot_returns(five_parts, files, tiny_flow, tmp_path):
    """Without any method of this package on it, a dataframe calls the function given last."""

    def initialize(folder):
        import os
        import pathlib

        (pathlib.Path(folder) / str(os.getpid())).touch()

    sim = five_parts.open("Events", files).FlashSim(tiny_flow)
    written = sim.Snapshot("Events", str(tmp_path / "reco.root"), ["genEvent", "foldIndex"])
    called = tmp_path / "called"
    called.mkdir()
    ROOT.RDF.Distributed.initialize(initialize, str(called))
    assert written.Count().GetValue() == cases.N_EVENTS
    assert {int(path.name) for path in called.iterdir()} - {os.getpid()}


# ---------------------------------------------------------------------------------------------- errors at the call


@pytest.fixture
def nothing_runs(monkeypatch, dask_client):
    """A cluster that must not be used."""
    from ROOT._distrdf.Backends.Dask.Backend import DaskBackend

    def fail(*_arguments):
        pytest.fail("the workers were asked")

    monkeypatch.setattr(DaskBackend, "ProcessAndMerge", fail)
    monkeypatch.setattr(DaskBackend, "distribute_unique_paths", fail)
    return Cluster(dask_client, 5)


@pytest.mark.parametrize("method", ["FlashSim", "DefineFolds"])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        *tiny_flows.BAD_ARGUMENTS,
        ({"flow": "no_such_flow.onnx"}, FileNotFoundError, r"no_such_flow\.onnx"),
        ({"flow": __file__}, RuntimeError, "test_distributed"),
        ({"chunks": 1}, TypeError, "chunks"),
    ],
)  # fmt: skip
def test_bad_arguments(nothing_runs, files, tiny_flow, method, arguments, error, message):
    df = nothing_runs.open("Events", files).Filter("event > 0")
    with pytest.raises(error, match=message):
        getattr(df, method)(**{"flow": tiny_flow, **arguments})


def test_missing_columns(nothing_runs, files, tmp_path):
    flow = tiny_flows.write_smearing_flow(tmp_path / "flow.onnx", source="GenJetAK8")
    df = nothing_runs.open("Events", files)
    with pytest.raises(RuntimeError, match=r"takes 'pt' from column 'GenJetAK8_pt', which the dataframe does not have"):
        df.Filter("event > 0").FlashSim(flow)


def test_varied_context_column(nothing_runs, files, tiny_flow):
    df = nothing_runs.open("Events", files)
    varied = df.Vary("GenJet_pt", "ROOT::RVec<ROOT::RVecF>{GenJet_pt, GenJet_pt}", ["down", "up"], "scale")
    with pytest.raises(RuntimeError, match=r"column 'GenJet_pt', context variable 'pt'.*is varied upstream"):
        varied.FlashSim(tiny_flow)


def test_a_fold_size_of_a_later_stage(nothing_runs, files, tiny_flow):
    sim = nothing_runs.open("Events", files).FlashSim(tiny_flow)
    with pytest.raises(RuntimeError, match="fold size is 2, but the dataframe holds RECO events already"):
        sim.FlashSim(tiny_flow, 2, prefix="Second")


@pytest.mark.parametrize("method", ["FlashSim", "DefineFolds"])
def test_a_file_that_is_in_the_dataset_twice(nothing_runs, files, tiny_flow, method):
    df = nothing_runs.open("Events", [files[0], files[1], files[0]])
    with pytest.raises(ValueError, match=rf"holds the file '{files[0]}' twice.*give each file once"):
        getattr(df, method)(tiny_flow)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((("h", "", 10), "Jet_pt"), TypeError, r"model must be \(name, title, nbinsx, xlow, xhigh\)"),
        (("h", "Jet_pt"), TypeError, "model must be"),
        ((("h", "", 3, [0, 1]), "Jet_pt"), ValueError, "expected 4 edges"),
        ((("h", "", 10, 0, 1),), TypeError, "value"),
    ],
)  # fmt: skip
def test_models_that_make_no_sense(nothing_runs, files, tiny_flow, arguments, error, message):
    sim = nothing_runs.open("Events", files).FlashSim(tiny_flow)
    with pytest.raises(error, match=message):
        sim.OversampledTH1D(*arguments)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"fold_size": 0}, ValueError, "fold_size is 0"),
        ({"fold_size": 1.5}, TypeError, "fold_size must be the name of a column or an integer"),
        ({"event": 3}, TypeError, "event must be the name of a column"),
        ({"even": "x"}, TypeError, "even"),
    ],
)  # fmt: skip
def test_bad_options_of_histograms(nothing_runs, files, tiny_flow, options, error, message):
    sim = nothing_runs.open("Events", files).FlashSim(tiny_flow)
    with pytest.raises(error, match=message):
        sim.OversampledTH1D(("h", "", 10, 0, 1), "Jet_pt", **options)


def test_columns_of_histograms_are_checked_at_the_call(nothing_runs, files, tiny_flow):
    sim = nothing_runs.open("Events", files).FlashSim(tiny_flow)
    with pytest.raises(RuntimeError, match="Jet_pT"):
        sim.OversampledTH1D(("h", "", 10, 0, 1), "Jet_pT")


# ---------------------------------------------------------------------------------------------- imports


def test_importing_the_package_imports_no_cluster_software():
    code = """
import sys, flashsim
found = [name for name in ("dask", "distributed", "pyspark", "cloudpickle") if name in sys.modules]
assert not found, found
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100)
    assert finished.returncode == 0, finished.stderr[-2000:]
