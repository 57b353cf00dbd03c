"""Parts of ROOT's package ROOT._distrdf that distributed runs need, and their changes to it.

A failure in the first half means that ROOT has changed, and flashsim/rdataframe/distributed/distrdf.py must follow.
Neither Dask nor Spark is needed.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import ROOT
from ROOT._distrdf import HeadNode, Operation, Proxy
from ROOT._distrdf.Backends import Utils
from ROOT._distrdf.Backends.Base import BaseBackend
from ROOT._distrdf.PythonMergeables import SnapshotResult
from ROOT._pythonization._rdataframe import AsNumpyResult

import flashsim
import tiny_flows
from distributed_cases import write_gen_files
from serial_backend import Serial


@pytest.fixture(scope="module")
def files_of(tmp_path_factory):
    return {
        layout: write_gen_files(tmp_path_factory.mktemp(layout), ntuple=layout == "RNTuple")
        for layout in ("TChain", "RNTuple")
    }


def open_all(files_of) -> list:
    return [Serial().make_dataframe("Events", files, npartitions=3) for files in files_of.values()]


# ---------------------------------------------------------------------------------------------- internals in use


def test_table_of_operations():
    """Names that nodes accept, with a class that takes the name and the arguments."""
    assert Operation.SUPPORTED_OPERATIONS["Filter"] is Operation.Transformation
    assert Operation.SUPPORTED_OPERATIONS["Count"] is Operation.Action
    operation = Operation.Action("Name", 1, 2, key=3)
    assert (operation.name, operation.args, operation.kwargs) == ("Name", [1, 2], {"key": 3})
    for name in ("FlashSim", "DefineFolds", "OversampledTH1D", "OversampledTH3F"):
        assert name in Operation.SUPPORTED_OPERATIONS


def test_nodes_are_made_from_operations():
    df = Serial().make_dataframe(12, npartitions=3)
    operation = Operation.Transformation("Define", "x", "2 * rdfentry_")
    node = Proxy.get_proxy_for(operation, Proxy._create_new_node(df.proxied_node, operation))
    assert isinstance(node, Proxy.NodeProxy)
    assert "x" in [str(name) for name in node.GetColumnNames()]  # applied to a local dataframe at once
    action = Operation.Action("Sum", "x")
    result = Proxy.get_proxy_for(action, Proxy._create_new_node(node.proxied_node, action))
    assert result.GetValue() == 2 * sum(range(12))


def test_names_of_nodes_come_before_the_table(monkeypatch):
    monkeypatch.setattr(Proxy.NodeProxy, "Count", lambda node: "ours", raising=False)
    assert Serial().make_dataframe(3).Count() == "ours"


def test_a_graph_is_run_by_its_head(monkeypatch):
    seen = []
    execute_graph = HeadNode.HeadNode.execute_graph

    def execute(head):
        nodes = [node for node in head.graph_nodes if node.operation is not None]
        seen.extend((node.operation.name, bool(node.parent.rdf_node.HasColumn("x"))) for node in nodes)
        execute_graph(head)

    monkeypatch.setattr(HeadNode.HeadNode, "execute_graph", execute)
    df = Serial().make_dataframe(10, npartitions=2)
    assert df.Define("x", "rdfentry_").Filter("x > 4").Count().GetValue() == 5
    assert sorted(seen) == [("Count", True), ("Define", False), ("Filter", True)]


def test_a_backend_calls_its_own_initialization(monkeypatch):
    called = []
    monkeypatch.setattr(BaseBackend, "initialization", staticmethod(lambda: called.append("user")))
    df = Serial().make_dataframe(10, npartitions=2)
    backend = df.proxied_node.get_head().backend
    df.Count().GetValue()
    assert called == ["user"] * 2
    backend.initialization = lambda: called.append("ours")
    df.Count().GetValue()
    assert called == ["user"] * 2 + ["ours"] * 2


def test_initialize_gives_the_function_to_the_class(monkeypatch):
    monkeypatch.setattr(BaseBackend, "initialization", BaseBackend.__dict__["initialization"])
    called = []
    ROOT.RDF.Distributed.initialize(called.append, 7)
    assert called == [7]
    Serial.initialization()
    assert called == [7, 7]


def test_heads_know_their_files(files_of):
    tree, ntuple = (df.proxied_node.get_head() for df in open_all(files_of))
    assert (tree.inputfiles, tree.subtreenames) == (files_of["TChain"], ["Events"] * 3)
    assert (list(ntuple.inputfiles), ntuple.subnames) == (files_of["RNTuple"], ["Events"] * 3)
    assert isinstance(ntuple, HeadNode.RNTupleHeadNode)
    assert not isinstance(tree, HeadNode.RNTupleHeadNode)
    empty = Serial().make_dataframe(3).proxied_node.get_head()
    assert not hasattr(empty, "inputfiles")


@pytest.mark.parametrize(("name", "cluster"), [("Dask", "client"), ("Spark", "sc")])
def test_backends_hold_their_cluster(name, cluster):
    pytest.importorskip({"Dask": "dask.distributed", "Spark": "pyspark"}[name])
    backend = getattr(__import__(f"ROOT._distrdf.Backends.{name}.Backend", fromlist=["_"]), f"{name}Backend")
    assert f"self.{cluster} =" in inspect.getsource(backend.__init__)
    assert list(inspect.signature(backend.ProcessAndMerge).parameters) == ["self", "ranges", "mapper", "reducer"]
    assert list(inspect.signature(backend.distribute_unique_paths).parameters) == ["self", "paths"]
    assert callable(backend.make_dataframe)


def test_all_results_of_a_task_are_collected_by_one_function(files_of, tmp_path):
    """Single dispatch on the result's type; results of AsNumpy and Snapshot have classes of their own."""
    kinds, before = [], []
    for kind in (object, AsNumpyResult, SnapshotResult):
        collect = Utils.get_mergeablevalue.dispatch(kind)

        def note_and_collect(result, kind=kind, collect=collect):
            kinds.append(kind)
            if kind is AsNumpyResult:
                assert all(hasattr(pointer, "GetValue") for pointer in result._result_ptrs.values())
            if kind is SnapshotResult:
                assert result._resultptr is not None
            return collect(result)

        Utils.get_mergeablevalue.register(kind, note_and_collect)
        before.append((kind, collect))
    try:
        df = open_all(files_of)[0]
        options = ROOT.RDF.RSnapshotOptions()
        options.fLazy = True
        results = [
            df.Count(),
            df.AsNumpy(["event"], lazy=True),
            df.Snapshot("Events", str(tmp_path / "out.root"), ["event"], options),
        ]
        assert results[0].GetValue() == 240
    finally:
        for kind, collect in before:
            Utils.get_mergeablevalue.register(kind, collect)
    assert kinds == [object, AsNumpyResult, SnapshotResult] * 3


def test_all_results_are_set_by_one_function():
    assert list(inspect.signature(Utils.set_value_on_node.dispatch(object)).parameters) == [
        "mergeable",
        "node",
        "backend",
    ]
    assert SnapshotResult in Utils.set_value_on_node.registry
    result = SnapshotResult("Events", ["a.root"])
    assert (result.treename, result.filenames) == ("Events", ["a.root"])


def test_the_loop_of_a_task_is_looked_up_where_it_is_replaced(monkeypatch):
    flashsim.distributed.enable()
    nodes = []
    trigger = ROOT.Internal.RDF.TriggerRun
    monkeypatch.setattr(ROOT.Internal.RDF, "TriggerRun", lambda node: (nodes.append(node), trigger(node)))
    assert Serial().make_dataframe(10, npartitions=2).Count().GetValue() == 10
    assert len(nodes) == 2


# ---------------------------------------------------------------------------------------------- changes to ROOT


def test_methods_of_tasks_are_hidden(files_of, tiny_flow):
    """From the completion of names, which proposes those that begin with an underscore on demand only."""
    df = open_all(files_of)[0]
    df.FlashSim(tiny_flow)
    shown = {name for node in (df, ROOT.RDataFrame(1)) for name in dir(node) if not name.startswith("_")}
    assert "FlashSim" in shown
    assert not [name for name in shown if "part" in name.lower()]


@pytest.mark.parametrize("layout", ["TChain", "RNTuple"])
def test_tasks_run_no_empty_loop(files_of, tiny_flow, layout, capfd):
    """Behind a look-ahead only: ROOT warns that the loop of the first node has stopped after 0 entries."""
    df = Serial().make_dataframe("Events", files_of[layout], npartitions=3)
    sim = df.FlashSim(tiny_flow, fold_size=2)
    assert sim.Count().GetValue() == 480
    first, behind = df.Count(), sim.Count()
    assert (first.GetValue(), behind.GetValue()) == (240, 480)
    assert capfd.readouterr().err == ""


def test_errors_of_tasks_are_messages_alone(files_of, tiny_flow):
    df = open_all(files_of)[0].Redefine("GenJet_pt", "event == 50 ? ROOT::RVecF(GenJet_pt.size(), NAN) : GenJet_pt")
    with pytest.raises(RuntimeError, match=r"^in run 1, luminosityBlock 1, event 50, context variable 'pt'.* is nan"):
        df.FlashSim(tiny_flow).Define("n", "Jet_pt.size()").Sum("n").GetValue()


def test_a_flow_that_is_gone_when_the_graph_is_run(files_of, tmp_path):
    path = Path(tiny_flows.write_smearing_flow(tmp_path / "gone.onnx", name="gone"))
    count = open_all(files_of)[0].FlashSim(path).Count()
    path.unlink()
    with pytest.raises(FileNotFoundError, match=rf"the flow {path} was there when .* Put it back, or"):
        count.GetValue()
