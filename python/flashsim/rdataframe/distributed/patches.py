"""Patches for faults of ROOT's distributed RDataFrame, each for the releases of ROOT with the fault.

They are made at the first call of one of this package's methods on a distributed node, and on workers; the import of
the package changes nothing. A release missing from `NEEDED_BY` stays unpatched. With each release,
``tests/distributed/test_distributed_patches.py`` runs the faults in plain ROOT: it fails where a patch is no longer
needed, and where a release needs a patch and is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["NEEDED_BY", "drop_cached_graph", "graph_to_rebook", "is_needed", "patch_report", "patch_snapshot"]

NEEDED_BY: dict[str, frozenset[int]] = {
    "graph_to_rebook": frozenset({640}),
    "patch_report": frozenset({640}),
    "patch_snapshot": frozenset({640}),
}
"""Releases of ROOT with the fault, by the name of the function that patches it: 640 means all of 6.40."""


def is_needed(patch: str) -> bool:
    """Whether the ROOT of this process needs a patch, by `NEEDED_BY`."""
    import ROOT

    return int(ROOT.gROOT.GetVersionInt()) // 100 in NEEDED_BY[patch]


def patch_report(run: Callable[[Any], None], book: Callable[[Any], Any], make_mergeable: Callable[[Any], Any]) -> None:
    """Makes ``Report`` work for any number of tasks.

    Faults of ROOT 6.40, the first release with ``Report`` on distributed dataframes (root-project/root #21082):

    - ``RMergeableReport::Merge`` sets the sum, but does not keep it for the next merge: of three reports or more, the
      sum is that of the first and the last.
    - On trees, a worker clones its actions for all tasks after its first one (``CloneResultAndAction``). The clone of a
      report starts with the numbers of the original, and adds a copy of each filter.
    - The clone of a report on an ``RJittedFilter`` treats the filter before it as an RJittedFilter, and the process
      crashes: ``df.Filter("x > 4", "a").Filter("x > 5", "b").Report()``.

    Parameters
    ----------
    run
        As for `distrdf.run_without_gil`.
    book
        Makes a report that can be cloned, from a general node (``RNode``).
    make_mergeable
        Turns a report into its mergeable form.

    Needs: the single-dispatch function ``get_mergeablevalue``, which collects all results of a task.
    """
    if not is_needed("patch_report"):
        return
    import ROOT
    from ROOT._distrdf.Backends import Utils

    for kind in ("RJittedFilter", "RNodeBase"):
        ROOT.RDF.RInterface[f"ROOT::Detail::RDF::{kind}"].Report = lambda node: book(ROOT.RDF.AsRNode(node))

    def collect(result: Any) -> Any:
        run(result)
        return make_mergeable(result.GetValue())

    Utils.get_mergeablevalue.register(ROOT.RDF.RResultPtr["ROOT::RDF::RCutFlowReport"], collect)


def patch_snapshot() -> None:
    """Makes ``Snapshot`` return a dataframe of RNTuples if it wrote RNTuples.

    Fault of ROOT 6.40: ``SnapshotResult.GetValue`` makes a TChain of the files for any ``fOutputFormat`` (RNTuples are
    written since root-project/root #15750), and the client crashes when it reads an RNTuple as a tree.

    Needs: the single-dispatch function ``set_value_on_node``, which sets all results on the client; ``treename`` and
    ``filenames`` of ``SnapshotResult``; and the backend's ``make_dataframe``.
    """
    if not is_needed("patch_snapshot"):
        return
    import ROOT
    from ROOT._distrdf.Backends import Utils
    from ROOT._distrdf.PythonMergeables import SnapshotResult

    set_value = Utils.set_value_on_node.dispatch(SnapshotResult)

    def set_dataframe(result: Any, node: Any, backend: Any) -> None:
        with ROOT.TFile.Open(result.filenames[0]) as file:
            is_ntuple = str(file.GetKey(result.treename).GetClassName()) == "ROOT::RNTuple"
        if is_ntuple:
            node.value = backend.make_dataframe(result.treename, result.filenames)
        else:
            set_value(result, node, backend)

    Utils.set_value_on_node.register(SnapshotResult, set_dataframe)


def graph_to_rebook(head: Any) -> Any:
    """The name of the head's graph if each task must book it again, for `drop_cached_graph`; else None.

    Fault of ROOT 6.40: on trees, a worker clones its actions for all tasks after its first one, and cloning a Snapshot
    of RNTuples throws "The MakeNew method is not implemented for this action helper (Snapshot)".

    Needs: ``graph_nodes``, the arguments of the operation "Snapshot", and the head's ``rdf_uuid``.
    """
    if not is_needed("graph_to_rebook"):
        return None
    import ROOT

    for node in head.graph_nodes:
        if node.operation is not None and node.operation.name == "Snapshot" and len(node.operation.args) > 3:
            options = node.operation.args[3]
            if options.fOutputFormat == ROOT.RDF.ESnapshotOutputFormat.kRNTuple:
                return head.rdf_uuid
    return None


def drop_cached_graph(name: Any) -> None:
    """Makes this worker book a graph again. Needs: ``_ACTIONS_REGISTER`` and ``_RDF_REGISTER`` of ``_graph_cache``."""
    from ROOT._distrdf import _graph_cache

    for register in (_graph_cache._ACTIONS_REGISTER, _graph_cache._RDF_REGISTER):
        for identifier in [known for known in register if known.rdf_uuid == name]:
            del register[identifier]
