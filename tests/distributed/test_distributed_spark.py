"""The cases of distributed runs once more, on Spark; test_distributed.py has more parts and more errors."""

from __future__ import annotations

import os

import pytest
import ROOT

import distributed_cases as cases
import tiny_flows
from distributed_cases import Cluster, limited_time


@pytest.fixture(autouse=True)
def way_out():
    with limited_time():
        yield


@pytest.fixture(scope="module")
def cluster(spark_context) -> Cluster:
    return Cluster(spark_context, 5)


@pytest.fixture(scope="module", params=["TChain", "RNTuple"])
def files(request, tmp_path_factory) -> list[str]:
    return cases.write_gen_files(tmp_path_factory.mktemp("gen"), ntuple=request.param == "RNTuple")


def test_reco_events_have_the_same_bits(cluster, files, tiny_flow, tmp_path):
    cases.check_reco_events(cluster, files, tiny_flow, tmp_path)


@pytest.mark.parametrize("ntuple", [False, True], ids=["TChain", "RNTuple"])
def test_reco_events_of_entry_numbers(cluster, tiny_flow, tmp_path, ntuple):
    files = cases.write_gen_files(tmp_path, ntuple=ntuple, identity=False)
    cases.check_reco_events(cluster, files, tiny_flow, tmp_path, ntuple=ntuple)


def test_results_of_every_kind_in_one_run(cluster, files, tiny_flow):
    local = cases.book_all(ROOT.RDataFrame("Events", files), tiny_flow)
    cases.assert_same(local, cases.book_all(cluster.open("Events", files), tiny_flow))


def test_variations(cluster, files, tiny_flow):
    cases.check_variations(cluster, files, tiny_flow)


def test_empty_source(cluster, tiny_flow):
    cases.check_empty_source(cluster, tiny_flow)


@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
def test_parts_that_cut_folds(cluster, tmp_path, ntuple):
    cases.check_flattened(cluster, tmp_path, ntuple=ntuple)


def test_two_flows(cluster, files, tiny_flow, tmp_path):
    fat = tiny_flows.write_smearing_flow(tmp_path / "fat.onnx", name="fat", collection="FatJet")

    def book(df):
        sim = cases.simulate(df, [tiny_flow, fat])
        return {name: sim.OversampledTH1D(("h", "", 20, 0, 300), name) for name in ("Jet_pt", "FatJet_pt")}

    cases.assert_same(book(ROOT.RDataFrame("Events", files)), book(cluster.open("Events", files)))


def test_the_users_initialization_is_called_on_workers(cluster, files, tiny_flow, tmp_path, monkeypatch):
    from ROOT._distrdf.Backends.Base import BaseBackend

    def initialize(folder):
        import os
        import pathlib

        (pathlib.Path(folder) / str(os.getpid())).touch()

    monkeypatch.setattr(BaseBackend, "initialization", BaseBackend.__dict__["initialization"])
    sim = cluster.open("Events", files).FlashSim(tiny_flow)
    ROOT.RDF.Distributed.initialize(initialize, str(tmp_path))
    assert sim.Count().GetValue() == cases.N_EVENTS
    assert {int(path.name) for path in tmp_path.iterdir()} - {os.getpid()}


def test_errors_of_a_merge_reach_the_client(cluster, tmp_path):
    rows = cases.make_rows(150, fold_size=2)
    by_fold_index = cases.select(rows, [*range(0, 300, 2), *range(1, 300, 2)])
    path = cases.write(tmp_path / "by_fold_index.root", by_fold_index, cluster_ends=30)
    histogram = cluster.open("Events", path).OversampledTH1D(cases.MODEL, "x", "w")
    with pytest.raises(Exception, match=r"OversampledTH1D 'h': .*GEN event.* appears again .*contiguous=False"):
        histogram.GetValue()
