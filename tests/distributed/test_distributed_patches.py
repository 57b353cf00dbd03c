"""Faults of ROOT's distributed RDataFrame and the patches for them: when they are made, and which ROOT needs them.

Each fault is looked for in plain ROOT, in processes without this package. A failure means that this ROOT is right and a
patch may go, or that it is wrong and a patch is missing. Neither Dask nor Spark is needed.
"""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
import ROOT

from distributed_cases import write_gen_files
from flashsim.rdataframe.distributed import patches
from serial_backend import Serial

IMPORTS = """
from functools import reduce

import ROOT
from ROOT._distrdf import DataFrame, HeadNode, _graph_cache
from ROOT._distrdf.Backends.Base import BaseBackend
"""


def run_plain_root(code: str, *arguments: str) -> subprocess.CompletedProcess:
    """Runs a program without this package; it prints its result."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORTS + inspect.getsource(Serial) + code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


STATE = """
import sys
import types
from ROOT._distrdf import ComputationGraphGenerator, Node, Operation, Proxy, PythonMergeables, Ranges
from ROOT._distrdf.Backends import Utils
from ROOT._pythonization import _rdataframe

def state():
    "All functions, classes and their attributes; contents of the tables of single dispatch."
    found = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("ROOT._distrdf") or module is _rdataframe:
            for key, value in vars(module).items():
                if key != "__warningregistry__":
                    found[name, key] = value
                if isinstance(value, type) and value.__module__.startswith("ROOT"):
                    found.update({(name, key, attribute): item for attribute, item in vars(value).items()})
                if hasattr(value, "registry"):
                    found.update({(name, key, kind): function for kind, function in value.registry.items()})
    for kind in ("RJittedFilter", "RNodeBase", "RLoopManager"):
        found["Report", kind] = ROOT.RDF.RInterface[f"ROOT::Detail::RDF::{kind}"].__dict__["Report"]
    found["TriggerRun"] = str(type(ROOT.Internal.RDF.TriggerRun))
    return found

def changes(before):
    after = state()
    keys = [key for key in {**before, **after} if before.get(key) is not after.get(key)]
    ours = {"FlashSim", "DefineFolds", *(key for key in dir(Proxy.NodeProxy) if key.startswith("Oversampled"))}
    return sorted(str(key) for key in keys if key[-1] not in ours and key != "TriggerRun"
                  or key == "TriggerRun" and before[key] != after[key])

before = state()
names = dict(Operation.SUPPORTED_OPERATIONS)
import flashsim
"""


def test_importing_the_package_changes_nothing_of_root():
    """But the methods that nodes gain: only the first call of one of them on a distributed node does."""
    finished = run_plain_root(
        STATE
        + """
print("OPERATIONS", {name: kind for name, kind in Operation.SUPPORTED_OPERATIONS.items() if name in names} == names)
df = Serial().make_dataframe(10, npartitions=2)
count = df.Count().GetValue()
print("CHANGED", changes(before), count)
sim = df.Define("GenJet_pt", "ROOT::RVecF{50}").Define("GenJet_eta", "ROOT::RVecF{0}").Define("event", "rdfentry_")
histogram = sim.OversampledTH1D(("h", "", 2, 0, 20), "event", event="event", fold_size=1)
print("THEN", len(changes(before)) > 5, histogram.GetValue().Integral())
"""
    )
    assert "OPERATIONS True\nCHANGED [] 10\nTHEN True 10.0" in finished.stdout, finished


@pytest.mark.parametrize("release", [63604, 64200, 70000])
def test_other_releases_are_left_as_they_are(monkeypatch, release):
    """Those that were not seen to need a patch."""
    from ROOT._distrdf.Backends import Utils
    from ROOT._distrdf.PythonMergeables import SnapshotResult

    monkeypatch.setattr(ROOT.gROOT, "GetVersionInt", lambda: release)
    before = dict(Utils.get_mergeablevalue.registry), Utils.set_value_on_node.dispatch(SnapshotResult)
    patches.patch_report(print, print, print)
    patches.patch_snapshot()
    assert (dict(Utils.get_mergeablevalue.registry), Utils.set_value_on_node.dispatch(SnapshotResult)) == before
    assert patches.graph_to_rebook(object()) is None
    monkeypatch.setattr(ROOT.gROOT, "GetVersionInt", lambda: 64002)
    assert all(patches.is_needed(patch) for patch in patches.NEEDED_BY)


# ---------------------------------------------------------------------------------------------- faults of ROOT


def check_need(patch: str, finished: subprocess.CompletedProcess, right: str, wrong: str) -> None:
    """Fails if the faults of this ROOT differ from `patches.NEEDED_BY`."""
    version = ROOT.gROOT.GetVersion()
    is_right = finished.returncode == 0 and finished.stdout == right
    assert is_right or wrong in finished.stdout + finished.stderr, f"another fault: {finished}"
    if is_right and patches.is_needed(patch):
        pytest.fail(f"patch no longer needed: ROOT {version} is right without {patch}. Take it out of NEEDED_BY")
    if not is_right and not patches.is_needed(patch):
        pytest.fail(f"ROOT {version} is wrong without {patch}, too. Name it in NEEDED_BY: {finished}")


REPORTS = """
reports = [ROOT.RDataFrame(10).Filter("rdfentry_ > 4", "cut").Report() for _ in range(3)]
first, *others = [ROOT.Detail.RDF.GetMergeableValue(report) for report in reports]
for other in others:
    ROOT.Detail.RDF.MergeValues(first, other)
print("ALL", first.GetValue().At("cut").GetAll(), flush=True)

report = ROOT.RDF.AsRNode(ROOT.RDataFrame(10).Filter("rdfentry_ > 4", "cut")).Report()
report.GetValue()
clone = ROOT.Internal.RDF.CloneResultAndAction(report)
print("CUTS", [cut.GetAll() for cut in clone.GetValue()], flush=True)

report = ROOT.RDataFrame(10).Filter("rdfentry_ > 4", "cut").Filter("rdfentry_ > 5", "other").Report()
report.GetValue()
clone = ROOT.Internal.RDF.CloneResultAndAction(report)
print("CLONE", clone.GetValue().At("cut").GetAll(), flush=True)
"""


@pytest.mark.slow
def test_need_of_patch_report():
    """Sum of three reports; clone of a report; clone of a report behind two filters."""
    finished = run_plain_root(REPORTS)
    check_need("patch_report", finished, "ALL 30\nCUTS [10]\nCLONE 10\n", "ALL 20\nCUTS [10, 10]\n")
    if patches.is_needed("patch_report"):
        assert "CLONE" not in finished.stdout
        assert finished.returncode != 0  # crashed


SNAPSHOT = """
import sys
options = ROOT.RDF.RSnapshotOptions()
options.fOutputFormat = ROOT.RDF.ESnapshotOutputFormat.kRNTuple
"""


@pytest.mark.slow
def test_need_of_patch_snapshot(tmp_path):
    """A Snapshot to RNTuples is taken for trees."""
    finished = run_plain_root(
        SNAPSHOT
        + """
df = Serial().make_dataframe(10, npartitions=1)
written = df.Define("x", "1").Snapshot("Events", sys.argv[1], ["x"], options)
print("COUNT", written.Count().GetValue(), flush=True)
""",
        str(tmp_path / "out.root"),
    )
    check_need("patch_snapshot", finished, "COUNT 10\n", "TTree")


@pytest.mark.slow
def test_need_of_graph_to_rebook(tmp_path):
    """A Snapshot to RNTuples cannot be cloned."""
    finished = run_plain_root(
        SNAPSHOT
        + """
written = ROOT.RDF.AsRNode(ROOT.RDataFrame(10).Define("x", "1")).Snapshot("Events", sys.argv[1], ["x"], options)
clone = ROOT.Internal.RDF.CloneResultAndAction(written, sys.argv[2])
clone.GetValue()
print("COUNT", ROOT.RDataFrame("Events", sys.argv[2]).Count().GetValue(), flush=True)
""",
        str(tmp_path / "out.root"),
        str(tmp_path / "clone.root"),
    )
    check_need("graph_to_rebook", finished, "COUNT 10\n", "The MakeNew method is not implemented")


@pytest.mark.slow
def test_an_ntuple_that_is_read_in_part_loses_its_range(tmp_path):
    """Tasks read RNTuples so. The second event loop misses all files but the last; a look-ahead reads each once."""
    files = write_gen_files(tmp_path, ntuple=True)
    finished = run_plain_root(
        """
import sys
df = ROOT.Internal.RDF.FromRNTuple("Events", sys.argv[1:], (0, 240))
print("COUNTS", df.Count().GetValue(), df.Count().GetValue())
""",
        *files,
    )
    assert "COUNTS 240 80" in finished.stdout, finished
