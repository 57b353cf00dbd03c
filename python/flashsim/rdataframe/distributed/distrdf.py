"""All uses of the internals of ROOT's distributed RDataFrame, in one place; `patches` mends its faults.

ROOT 6.40 keeps it in the package ``ROOT._distrdf``. The client has a graph of Python nodes, each with an operation. The
graph is sent to the workers and booked there on a real RDataFrame for each part of the dataset. "Needs" in a docstring
lists the internals in use; ``tests/distributed/test_distributed_internals.py`` fails when a new ROOT changes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..._errors import translated

__all__ = [
    "add_action",
    "add_preparation",
    "add_transformation",
    "call_before",
    "cluster_of",
    "files_of",
    "initialization_of",
    "is_available",
    "reads_ntuple",
    "register_methods",
    "run_tasks",
    "run_without_gil",
    "send_file",
    "set_initialization",
    "skip_empty_loops",
    "translate_errors_of_merges",
]


def is_available() -> bool:
    """Whether this ROOT has distributed RDataFrame in ``ROOT._distrdf``."""
    try:
        import ROOT._distrdf  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def register_methods(methods: dict[str, Callable[..., Any]]) -> None:
    """Adds methods to distributed nodes, under the same names as on local ones.

    Needs: ``SUPPORTED_OPERATIONS`` (the names that nodes accept) and ``NodeProxy`` (the user's node; its own names
    precede that table).
    """
    from ROOT._distrdf import Operation, Proxy

    for name, method in methods.items():
        Operation.SUPPORTED_OPERATIONS[name] = Operation.Transformation
        setattr(Proxy.NodeProxy, name, method)


def add_transformation(proxy: Any, method: str, *arguments: Any, **keywords: Any) -> Any:
    """A node that calls `method` of its parent, here at once and in each task. All arguments must be plain data.

    Needs: ``Transformation``; and as `_add`.
    """
    from ROOT._distrdf.Operation import Transformation

    return _add(proxy, Transformation(method, *arguments, **keywords))


def add_action(proxy: Any, method: str, *arguments: Any, **keywords: Any) -> Any:
    """A result that `method` of the parent books in each task. Needs: ``Action``; and as `_add`."""
    from ROOT._distrdf.Operation import Action

    return _add(proxy, Action(method, *arguments, **keywords))


def _add(proxy: Any, operation: Any) -> Any:
    """Needs: ``_create_new_node`` and ``get_proxy_for``, as ``NodeProxy`` itself does."""
    from ROOT._distrdf import Proxy

    return Proxy.get_proxy_for(operation, Proxy._create_new_node(proxy.proxied_node, operation))


def call_before(names: Iterable[str], before: Callable[[Any, str], None]) -> None:
    """Calls ``before(node, name)`` when the user books one of ROOT's own operations, with the client's own node.

    Needs: ``NodeProxy`` looks up unknown names by ``__getattr__``; and ``rdf_node`` of its node.
    """
    from ROOT._distrdf import Proxy

    def make_method(name: str) -> Callable[..., Any]:
        def method(proxy: Any, *arguments: Any, **keywords: Any) -> Any:
            before(proxy.proxied_node.rdf_node, name)
            return Proxy.NodeProxy.__getattr__(proxy, name)(*arguments, **keywords)

        method.__name__ = method.__qualname__ = name
        return method

    for name in names:
        setattr(Proxy.NodeProxy, name, make_method(name))


def add_preparation(methods: Iterable[str], prepare: Callable[[Any, list[tuple[Any, Any]]], None]) -> None:
    """Calls ``prepare(head, operations)`` on the client before a graph with one of these methods is run, with each
    operation and the client's own node upstream of it.

    Needs: ``HeadNode.execute_graph`` (runs the graph), ``graph_nodes`` (all its nodes), their ``operation``, their
    ``parent`` and its ``rdf_node``.
    """
    from ROOT._distrdf.HeadNode import HeadNode

    names = frozenset(methods)
    execute_graph = HeadNode.execute_graph

    def execute_prepared_graph(head: Any) -> None:
        nodes = [node for node in head.graph_nodes if node.operation is not None and node.operation.name in names]
        ours = [(node.operation, node.parent.rdf_node) for node in nodes]
        try:
            if ours:
                prepare(head, ours)
            execute_graph(head)
        finally:
            vars(head.backend).pop("initialization", None)  # other graphs may share the backend

    HeadNode.execute_graph = execute_prepared_graph


def set_initialization(head: Any, make: Callable[[Callable[[], None]], Callable[[], None]]) -> None:
    """Calls ``make(initialize)()`` at the start of each task, with the function that the user gave to ``initialize``.

    ``ROOT.RDF.Distributed.initialize`` holds one function only, and the user may need it.

    Needs: ``BaseBackend.initialization``, read from the head's backend when the graph is run.
    """
    head.backend.initialization = make(initialization_of(head))


def initialization_of(head: Any) -> Callable[[], None]:
    """The user's function in ``ROOT.RDF.Distributed.initialize``. Needs: ``BaseBackend.initialization``."""
    return type(head.backend).initialization


def files_of(head: Any) -> list[tuple[str, str]]:
    """File and name of the tree or RNTuple, for all files of the dataset in order; none for an empty source.

    Needs: the head's ``inputfiles`` and ``subtreenames`` (trees, dataset specs) or ``subnames`` (RNTuples).
    """
    names = getattr(head, "subtreenames", None) or getattr(head, "subnames", None) or []
    return list(zip(getattr(head, "inputfiles", []), names, strict=True))


def reads_ntuple(head: Any) -> bool:
    """Whether the dataset is an RNTuple. Needs: ``RNTupleHeadNode``."""
    from ROOT._distrdf.HeadNode import RNTupleHeadNode

    return isinstance(head, RNTupleHeadNode)


def run_tasks(head: Any, tasks: list[Any], run: Callable[[Any], Any], merge: Callable[[Any, Any], Any]) -> Any:
    """Merged results of ``run(task)`` for all tasks on the workers. Needs: the backend's ``ProcessAndMerge``."""
    return head.backend.ProcessAndMerge(tasks, run, merge)


def cluster_of(head: Any) -> Any:
    """The Dask client or the Spark context. Needs: ``client`` or ``sc`` of the backend."""
    backend = head.backend
    return backend.client if hasattr(backend, "client") else backend.sc


def send_file(head: Any, path: str) -> None:
    """Copies a file into a folder of each worker. Needs: the backend's ``distribute_unique_paths``."""
    head.backend.distribute_unique_paths([path])


def skip_empty_loops(is_anything_booked: Callable[[Any], bool]) -> None:
    """Lets a task run the graph of its first node only if something is booked on it.

    Behind a look-ahead, nothing is booked on it. Its loop would end at the first entry, with a warning of ROOT in each
    task that the loop has stopped after 0 entries.

    Needs: tasks look up ``ROOT.Internal.RDF.TriggerRun`` under this name.
    """
    import ROOT

    trigger = ROOT.Internal.RDF.TriggerRun
    trigger.__release_gil__ = True

    def trigger_if_booked(node: Any) -> None:
        if is_anything_booked(node):
            trigger(node)

    ROOT.Internal.RDF.TriggerRun = trigger_if_booked


def run_without_gil(run: Callable[[Any], None]) -> None:
    """Calls ``run(result)`` for the results of a task before they are collected.

    ROOT triggers the event loop of the graph's first node only. The graph behind a look-ahead has an event loop of its
    own. Collecting a result would start it while Python's global lock is held; collecting a Snapshot would not start it
    at all.

    Needs: the single-dispatch function ``get_mergeablevalue``, which collects all results of a task, ``SnapshotResult``
    with ``_resultptr`` and ``AsNumpyResult`` with ``_result_ptrs``.
    """
    from ROOT._distrdf.Backends import Utils
    from ROOT._distrdf.PythonMergeables import SnapshotResult
    from ROOT._pythonization._rdataframe import AsNumpyResult

    handles = {
        object: lambda result: [result],
        SnapshotResult: lambda result: [result._resultptr],
        AsNumpyResult: lambda result: list(result._result_ptrs.values())[:1],
    }
    for kind, handles_of in handles.items():
        collect = Utils.get_mergeablevalue.dispatch(kind)

        def run_and_collect(
            result: Any,
            collect: Callable[[Any], Any] = collect,
            handles_of: Callable[[Any], list[Any]] = handles_of,
        ) -> Any:
            for handle in handles_of(result):
                run(handle)
            return collect(result)

        Utils.get_mergeablevalue.register(kind, run_and_collect)


def translate_errors_of_merges() -> None:
    """Removes cppyy's signatures from the errors of a merge.

    Needs: the single-dispatch function ``merge_values``, which merges all pairs of results.
    """
    from ROOT._distrdf.Backends import Utils

    merge = Utils.merge_values.dispatch(object)

    def merge_or_tell(result: Any, other: Any) -> None:
        with translated():
            merge(result, other)

    Utils.merge_values.register(object, merge_or_tell)
