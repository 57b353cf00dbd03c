"""Distributed runs in which something goes wrong: the right result, or an error with a remedy; never a hang."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import pytest
import ROOT
import uproot

import fault_runs
import flashsim
import tiny_flows
from fault_runs import LIMIT, book_histogram, describe, make_dataframe, produce, simulate
from gen_events import GEN_COLUMNS, snapshot

pytest.importorskip("dask.distributed")

pytestmark = pytest.mark.cluster  # in processes of their own

needs_spark = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")


@pytest.fixture(scope="module", autouse=True)
def no_directories() -> Iterator[None]:
    ROOT.TH1.AddDirectory(False)
    yield
    ROOT.TH1.AddDirectory(True)


def run(case: str, folder: Path, files) -> dict:
    """The outcome of a case of fault_runs, with a flow of its own, in a process that ends at LIMIT at the latest."""
    folder.mkdir(exist_ok=True)
    flow = tiny_flows.write_smearing_flow(folder / "tiny.onnx")
    (folder / "settings.json").write_text(json.dumps({"files": files, "flow": flow}))
    command = [sys.executable, "-W", "ignore", fault_runs.__file__, case, str(folder)]
    with (folder / "log").open("w") as log:
        ended = subprocess.run(command, stdout=log, stderr=log, check=False, timeout=LIMIT + 30)
    assert ended.returncode == 0, (folder / "log").read_text()[-5000:]
    return json.loads((folder / "outcome.json").read_text())


def reco_events(files: list[str]) -> list:
    """All of them, in the order of their GEN events and fold indices."""
    events = ak.concatenate([uproot.open(file)["Events"].arrays() for file in files])
    return sorted(ak.to_list(events), key=lambda event: (event["genEvent"], event["foldIndex"]))


def check_production(production: dict, files: list[str], flow: str, folder: Path) -> None:
    """Against a local run: every bit of the events, and the histogram to the order of its sums."""
    local = produce(make_dataframe(files), flow, folder / "local.root")
    assert production["count"] == local["count"] > 500
    assert production["histogram"] == pytest.approx(local["histogram"], rel=1e-12, abs=1e-12)
    assert len(production["files"]) > len(local["files"]) == 1
    assert reco_events(production["files"]) == reco_events(local["files"])


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
def test_killed_worker(kind, gen_files, tiny_flow, tmp_path):
    files = gen_files[kind]
    if kind == "RNTuple":  # a task has one cluster at least, or one file
        whole = ROOT.RDataFrame("Events", files)
        parts = [whole.Range(first, first + 60) for first in range(0, 240, 60)]
        files = [snapshot(part, tmp_path / f"gen{i}.root", GEN_COLUMNS, ntuple=True) for i, part in enumerate(parts)]
    outcome = run("kill_on_dask", tmp_path, files)
    assert outcome["died"] in outcome["before"]
    assert outcome["died"] not in outcome["after"]
    assert len(outcome["after"]) == 2
    assert outcome["disturbed"]["histogram"] == outcome["undisturbed"]["histogram"]
    assert len(outcome["disturbed"]["files"]) == len(outcome["undisturbed"]["files"])
    check_production(outcome["disturbed"], files, tiny_flow, tmp_path)
    check_production(outcome["undisturbed"], files, tiny_flow, tmp_path)


@needs_spark
def test_killed_worker_of_spark(gen_files, tiny_flow, tmp_path):
    pytest.importorskip("pyspark")
    outcome = run("kill_on_spark", tmp_path, gen_files["TTree"])
    assert (tmp_path / "died").exists()
    check_production(outcome["disturbed"], gen_files["TTree"], tiny_flow, tmp_path)
    check_production(outcome["undisturbed"], gen_files["TTree"], tiny_flow, tmp_path)
    assert re.search(r"Python worker exited unexpectedly|crashed", outcome["failure"]["message"])


def test_task_that_no_worker_survives(gen_files, tiny_flow, tmp_path):
    outcome = run("kill_every_time", tmp_path, gen_files["TTree"])
    assert outcome["failure"]["kind"] == "KilledWorker"
    local = describe(book_histogram(simulate(make_dataframe(gen_files["TTree"]), tiny_flow)))
    assert outcome["good"] == pytest.approx(local, rel=1e-12, abs=1e-12)


@pytest.fixture(scope="module")
def packages(gen_files, tmp_path_factory) -> dict:
    return run("other_packages", tmp_path_factory.mktemp("packages"), gen_files["TChain"])


def check_names_worker(outcome: dict, pids: list[int]) -> None:
    pattern = re.escape(f"worker on {platform.node()} (process ") + r"(\d+)"
    assert int(re.search(pattern, outcome["message"])[1]) in pids


@pytest.mark.parametrize("files", ["file", "files"])
def test_worker_without_the_package(files, packages):
    outcome = packages[f"missing {files}"]
    check_names_worker(outcome, outcome["pids"])
    assert sys.executable in outcome["message"]
    assert "No module named 'flashsim'" in outcome["message"]
    assert f"Install flashsim {flashsim.__version__} there" in outcome["message"]
    assert len(outcome["message"].splitlines()) == 1


@pytest.mark.parametrize("files", ["file", "files"])
def test_worker_with_another_version(files, packages):
    outcome = packages[f"other {files}"]
    check_names_worker(outcome, outcome["pids"])
    assert f"has flashsim 0.0.1, and the client {flashsim.__version__}. Install the same" in outcome["message"]
    assert len(outcome["message"].splitlines()) == 1


def test_right_workers_come_later(packages, gen_files, tiny_flow):
    assert packages["right file"]["kind"] == packages["right files"]["kind"] == ""
    local = describe(book_histogram(simulate(make_dataframe(gen_files["TChain"]), tiny_flow)))
    assert packages["good"] == pytest.approx(local, rel=1e-12, abs=1e-12)


@pytest.fixture(scope="module")
def errors(gen_files, tmp_path_factory) -> dict:
    return run("errors", tmp_path_factory.mktemp("errors"), gen_files)


@pytest.fixture(scope="module")
def local(gen_files, tiny_flow) -> list[float]:
    return describe(book_histogram(simulate(make_dataframe(gen_files["TTree"]), tiny_flow)))


def check_goes_on(outcome: dict) -> None:
    """A run that failed leaves client and cluster intact."""
    assert outcome["next is good"]


def test_without_mishap(errors, local):
    assert errors["good"] == pytest.approx(local, rel=1e-12, abs=1e-12)


def test_no_worker_dies_of_an_error(errors):
    assert errors["survived"]


def test_flow_that_has_changed(errors):
    outcome = errors["changed on client"]
    assert re.search(r"flow .*changed\.onnx has changed since FlashSim was called", outcome["message"])
    check_goes_on(outcome)


def test_flow_of_a_worker_that_is_another_one(errors):
    outcome = errors["differs on worker"]
    worker = rf"worker on {re.escape(platform.node())} \(process \d+\)"
    hashes = r"SHA-256 [0-9a-f]{12}\.\.\., expected [0-9a-f]{12}\.\.\."
    wanted = rf"{worker}: the flow .*differs\.onnx is another one than that of the client \({hashes}\)"
    assert re.search(wanted, outcome["message"])
    check_goes_on(outcome)


def test_flow_that_only_the_client_has(errors, local):
    assert errors["hidden from worker"]["kind"] == ""
    assert errors["hidden from worker value"] == errors["good"]
    check_goes_on(errors["hidden from worker"])


def test_damaged_copy_of_a_flow(errors):
    outcome = errors["damaged copy"]
    assert re.search(r"worker on .* \(process \d+\): .*the copy of the flow .*damaged\.onnx", outcome["message"])
    check_goes_on(outcome)


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
@pytest.mark.parametrize(
    ("mishap", "which"),
    [
        ("missing 3", 0),
        ("missing 3", 1),
        ("missing 1", 0),
        ("without tree 2", 1),
        ("without tree 1", 0),
        ("truncated 2", 1),
        ("truncated 1", 0),
    ],
)
def test_files_that_cannot_be_read(mishap, which, kind, errors):
    outcome = errors[f"{kind} {mishap} {which}"]
    assert outcome["kind"]
    if (kind, mishap) != ("RNTuple", "truncated 1"):  # entries of a single file are not counted; ROOT does not name it
        assert f"{kind} {mishap} {which}.root".replace(" ", "_") in outcome["message"]
    assert "=>" not in outcome["message"]  # no signatures of C++
    check_goes_on(outcome)


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
def test_file_with_zeros_in_the_middle(kind, errors):
    outcome = errors[f"{kind} corrupt 1 0"]
    assert outcome["kind"]
    check_goes_on(outcome)


def test_values_that_are_not_numbers(errors):
    assert re.search(r"context .*'pt'.*nan", errors["context"]["message"], re.IGNORECASE)
    assert re.search(r"OversampledTH1D 'h': GEN event 120 .*weight of inf", errors["weight"]["message"])
    check_goes_on(errors["context"])
    check_goes_on(errors["weight"])


def test_reco_events_that_two_files_have(errors):
    """Errors that only the merge of the parts can find."""
    outcome = errors["repeated"]
    assert re.search(r"OversampledTH1D 'h': .*(appears again|more RECO events than)", outcome["message"])
    assert "Template method" not in outcome["message"]  # what cppyy says around it
    check_goes_on(outcome)


@pytest.mark.parametrize("place", ["upstream", "downstream"])
def test_workers_answer_during_the_event_loop(place, errors):
    """Their heartbeats come from Python, whose lock an event loop in C++ must not hold."""
    assert errors[place]["kind"] == "", errors[place]["message"]
    check_goes_on(errors[place])
