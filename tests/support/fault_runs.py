"""Distributed runs in which something goes wrong: ``python fault_runs.py CASE FOLDER``.

A program, so that each has a process and a cluster of its own, and a hang ends. It reads ``FOLDER/settings.json`` and
writes what happened to ``FOLDER/outcome.json``. Workers import this module too: what it needs is imported inside.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LIMIT = 180  # seconds

FAULTS = """
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>

namespace Faults {

/// Kills this process, once for each marker, if it is time. The file is there before.
inline float DieOnce(const std::string &marker, bool isTime)
{
   if (!isTime)
      return 1;
   const int file = open(marker.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0644);
   if (file >= 0) {
      dprintf(file, "%d", getpid());
      close(file);
      kill(getpid(), SIGKILL);
   }
   return 1;
}

/// Kills this process at every call.
inline float Die(bool isTime)
{
   if (isTime)
      kill(getpid(), SIGKILL);
   return 1;
}

/// Asks Python in this process for an answer, and does not go on without.
inline float WaitForPython(const std::string &folder)
{
   const std::string question = folder + "/" + std::to_string(getpid()) + ".question";
   const std::string answer = folder + "/" + std::to_string(getpid()) + ".answer";
   std::ofstream(question) << "?";
   for (int i = 0; i < 2000; ++i) {
      if (std::ifstream(answer))
         return 1;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
   }
   throw std::runtime_error("nobody answered");
}

} // namespace Faults
"""


def make_dataframe(files: list[str], executor: Any = None, npartitions: int = 6) -> Any:
    import ROOT

    if executor is None:
        return ROOT.RDataFrame("Events", files)
    return ROOT.RDataFrame("Events", files, executor=executor, npartitions=npartitions)


def simulate(df: Any, flow: str, **options: Any) -> Any:
    return df.Filter("event % 7 != 0").FlashSim(flow, fold_size=3, seed=5, **options)


def book_histogram(sim: Any, weight: str = "genWeight") -> Any:
    return sim.OversampledTH1D(("h", "", 20, 0, 200), "Jet_pt", weight, covariance=True)


def describe(histogram: Any) -> list[float]:
    """Contents, the covariance of all bins, and the numbers of events."""
    import numpy as np

    covariance = histogram.GetCovarianceMatrix(True)
    n = covariance.GetNrows()
    numbers = [histogram.GetBinContent(i) for i in range(n)]
    numbers += np.array([covariance[i][j] for i in range(n) for j in range(n)]).tolist()
    return [*numbers, histogram.GetNGenEvents(), histogram.GetEntries(), histogram.GetEffectiveEntries()]


def produce(df: Any, flow: str, output: Path, alive: str = "1.f") -> dict[str, Any]:
    """Several results in one run: a histogram, a count and the RECO events."""
    import ROOT

    sim = simulate(df, flow).Define("alive", alive).Define("weight", "alive * genWeight")
    histogram, count = book_histogram(sim, "weight"), sim.Count()
    options = ROOT.RDF.RSnapshotOptions()
    options.fLazy = True
    columns = ["genEvent", "foldIndex", "foldSize", "Jet_pt", "Jet_isTight", "Jet_genJetIdx"]
    snapshot = sim.Snapshot("Events", str(output), columns, options)
    described = describe(histogram)
    snapshot.GetValue()
    files = [str(path) for path in sorted(output.parent.glob(f"{output.stem}*.root"))]
    return {"histogram": described, "count": int(count.GetValue()), "files": files}


@contextlib.contextmanager
def dask_cluster() -> Iterator[Any]:
    import distributed

    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        yield client


@contextlib.contextmanager
def spark(master: str) -> Iterator[Any]:
    import pyspark

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = pyspark.SparkConf().set("spark.ui.enabled", "false").set("spark.ui.showConsoleProgress", "false")
    with pyspark.SparkContext(master, conf=settings) as context:
        context.setLogLevel("OFF")
        yield context


def is_worker() -> bool:
    import distributed

    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def catch(run: Callable[[], Any]) -> dict[str, Any]:
    """How a run failed, in the words that its user reads."""
    try:
        run()
    except Exception as error:
        return {"kind": type(error).__name__, "message": str(error)}
    return {"kind": "", "message": "no error"}


def kill_on_dask(folder: Path, files: list[str], flow: str) -> dict[str, Any]:
    """One worker dies in its event loop; the flow is at the client's path only, so that the next one has the copy."""
    import ROOT

    content = Path(flow).read_bytes()
    ROOT.RDF.Distributed.DistributeCppCode(FAULTS)

    def hide_flow() -> None:
        if is_worker():
            Path(flow).unlink(missing_ok=True)

    ROOT.RDF.Distributed.initialize(hide_flow)
    with dask_cluster() as client:
        before = sorted(client.run(os.getpid).values())
        alive = f'Faults::DieOnce("{folder}/died", genEvent >= 120 && foldIndex == 1)'
        disturbed = produce(make_dataframe(files, client), flow, folder / "disturbed.root", alive)
        after = sorted(client.run(os.getpid).values())
        Path(flow).write_bytes(content)
        undisturbed = produce(make_dataframe(files, client), flow, folder / "undisturbed.root", alive)
    died = int((folder / "died").read_text())
    return {"disturbed": disturbed, "undisturbed": undisturbed, "before": before, "after": after, "died": died}


def kill_on_spark(folder: Path, files: list[str], flow: str) -> dict[str, Any]:
    """With four attempts for each task, and with the one that Spark makes on a single machine."""
    import ROOT

    ROOT.RDF.Distributed.DistributeCppCode(FAULTS)
    with spark("local[2,4]") as context:
        alive = f'Faults::DieOnce("{folder}/died", genEvent >= 120 && foldIndex == 1)'
        disturbed = produce(make_dataframe(files, context), flow, folder / "disturbed.root", alive)
        undisturbed = produce(make_dataframe(files, context), flow, folder / "undisturbed.root", alive)
    with spark("local[2]") as context:
        sim = simulate(make_dataframe(files, context), flow).Define("weight", "Faults::Die(genEvent == 120)")
        failure = catch(lambda: book_histogram(sim, "weight").GetValue())
    return {"disturbed": disturbed, "undisturbed": undisturbed, "failure": failure}


def kill_every_time(folder: Path, files: list[str], flow: str) -> dict[str, Any]:
    """A task that no worker survives."""
    import dask
    import ROOT

    ROOT.RDF.Distributed.DistributeCppCode(FAULTS)
    dask.config.set({"distributed.scheduler.allowed-failures": 1})
    with dask_cluster() as client:
        sim = simulate(make_dataframe(files, client), flow).Define("weight", "Faults::Die(genEvent == 120)")
        failure = catch(lambda: book_histogram(sim, "weight").GetValue())
        client.wait_for_workers(2, timeout=60)
        good = describe(book_histogram(simulate(make_dataframe(files, client), flow)))
    return {"failure": failure, "good": good}


def start_workers(address: str, folder: Path, packages: Path | None) -> subprocess.Popen:
    """Two workers as from a command line, with another folder of packages before their own."""
    environment = dict(os.environ)
    if packages:
        environment["PYTHONPATH"] = os.pathsep.join([str(packages), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", "2", "--nthreads", "1"]
    command += ["--no-dashboard", "--local-directory", str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def other_packages(folder: Path, files: list[str], flow: str) -> dict[str, Any]:
    """Workers without the package, then with another version, then with the right one, for the same client."""
    import distributed

    contents = {
        "missing": "raise ModuleNotFoundError(\"No module named 'flashsim'\", name='flashsim')",
        "other": "__version__ = '0.0.1'",
        "right": None,
    }
    outcomes: dict[str, Any] = {}
    settings = {"n_workers": 0, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        for name, content in contents.items():
            packages = None
            if content:
                packages = folder / name
                packages.mkdir()
                (packages / "flashsim.py").write_text(content)
            workers = start_workers(cluster.scheduler_address, folder, packages)
            try:
                client.wait_for_workers(2, timeout=60)
                pids = sorted(client.run(os.getpid).values())
                for label, some in (("file", files[:1]), ("files", files)):
                    histogram = book_histogram(simulate(make_dataframe(some, client), flow))
                    outcomes[f"{name} {label}"] = catch(histogram.GetValue) | {"pids": pids}
                outcomes["good"] = describe(histogram) if name == "right" else None
            finally:
                workers.terminate()
                workers.wait(30)
            while client.scheduler_info()["workers"]:
                threading.Event().wait(0.1)
    return outcomes


def errors(folder: Path, files: dict[str, list[str]], flow: str) -> dict[str, Any]:
    """One mishap after the other on one cluster, and a good run after each."""
    import ROOT

    ROOT.RDF.Distributed.DistributeCppCode(FAULTS)
    with dask_cluster() as client:
        pids = sorted(client.run(os.getpid).values())
        reference = describe(book_histogram(simulate(make_dataframe(files["TTree"], client), flow)))
        outcomes: dict[str, Any] = {"good": reference}
        mishaps = flow_mishaps(folder, files["TTree"], flow, client) | loop_mishaps(
            folder, files["TTree"], flow, client
        )
        mishaps |= file_mishaps(folder, files, flow, client)
        for name, mishap in mishaps.items():
            if name == "TTree corrupt 1 0":  # ROOT may crash on it
                outcomes["survived"] = pids == sorted(client.run(os.getpid).values())
            outcomes[name] = catch(lambda mishap=mishap, name=name: outcomes.update({f"{name} value": mishap()}))
            ROOT.RDF.Distributed.initialize(lambda: None)
            again = describe(book_histogram(simulate(make_dataframe(files["TTree"], client), flow)))
            outcomes[name]["next is good"] = again == reference
    return outcomes


def flow_mishaps(folder: Path, files: list[str], flow: str, client: Any) -> dict[str, Callable[[], Any]]:
    import ROOT

    content = Path(flow).read_bytes()
    other = content.replace(b"written by hand", b"written by foot")  # opens, and is another flow

    def book(path: Path, number: int) -> Any:
        """Each with a flow of its own, since workers keep flows open."""
        path.write_bytes(content + b"\x7a\x01" + bytes([48 + number]))  # a field that ONNX does not know
        return book_histogram(simulate(make_dataframe(files, client), str(path)))

    def on_workers(path: Path, new: bytes | None, copy: bytes | None = None) -> None:
        def change() -> None:
            if not is_worker():
                return
            import distributed

            local = Path(distributed.get_worker().local_directory)
            for target, of_target in ((path, new), *((sent, copy) for sent in local.glob("flashsim-*.onnx") if copy)):
                if of_target is None:
                    target.unlink(missing_ok=True)
                    continue
                temporary = target.with_suffix(f".{os.getpid()}")
                temporary.write_bytes(of_target)
                temporary.replace(target)

        ROOT.RDF.Distributed.initialize(change)

    def changed_on_client() -> Any:
        path = folder / "changed.onnx"
        histogram = book(path, 1)
        path.write_bytes(other)
        return histogram.GetValue()

    def differs_on_worker() -> Any:
        path = folder / "differs.onnx"
        histogram = book(path, 2)
        on_workers(path, other)
        return histogram.GetValue()

    def hidden_from_worker() -> Any:
        path = folder / "hidden.onnx"
        histogram = book(path, 3)
        on_workers(path, None)
        return describe(histogram)

    def damaged_copy() -> Any:
        path = folder / "damaged.onnx"
        histogram = book(path, 4)
        on_workers(path, None, content[: len(content) // 2])
        return histogram.GetValue()

    mishaps = (changed_on_client, differs_on_worker, hidden_from_worker, damaged_copy)
    return {mishap.__name__.replace("_", " "): mishap for mishap in mishaps}


def file_mishaps(folder: Path, files: dict[str, list[str]], flow: str, client: Any) -> dict[str, Callable[[], Any]]:
    """Damages to a file of an opened dataset: the first file, one in the middle, the only one."""
    import ROOT

    def damage(kind: str, path: Path) -> None:
        content = path.read_bytes()
        if kind == "missing":
            path.unlink()
        elif kind == "truncated":
            path.write_bytes(content[: len(content) // 2])
        elif kind == "corrupt":
            start, end = len(content) // 4, len(content) // 2
            path.write_bytes(content[:start] + bytes(end - start) + content[end:])
        else:
            with ROOT.TFile.Open(str(path), "recreate") as file:
                file.WriteObject(ROOT.TNamed("other", "other"), "other")

    def run(kind: str, name: str, n_files: int, which: int) -> Any:
        copies = []
        for i in range(n_files):
            copies.append(folder / f"{name} {kind} {n_files} {i}.root".replace(" ", "_"))
            copies[-1].write_bytes(Path(files[name][0]).read_bytes())
        histogram = book_histogram(simulate(make_dataframe([str(copy) for copy in copies], client), flow))
        damage(kind, copies[which])
        return histogram.GetValue()

    cases = [("missing", 3, 0), ("missing", 3, 1), ("missing", 1, 0), ("without tree", 2, 1), ("without tree", 1, 0)]
    cases += [("truncated", 2, 1), ("truncated", 1, 0), ("corrupt", 1, 0)]
    mishaps = {}
    for kind, n_files, which in cases:
        for name in ("TTree", "RNTuple"):
            arguments = (kind, name, n_files, which)
            mishaps[f"{name} {kind} {n_files} {which}"] = lambda arguments=arguments: run(*arguments)
    return mishaps


def loop_mishaps(folder: Path, files: list[str], flow: str, client: Any) -> dict[str, Callable[[], Any]]:
    def context() -> Any:
        df = make_dataframe(files, client).Define("bad", "GenJet_pt * (event % 50 == 3 ? NAN : 1.f)")
        return book_histogram(simulate(df, flow, context={"pt": "bad"})).GetValue()

    def weight() -> Any:
        sim = simulate(make_dataframe(files, client), flow).Define("w", "genEvent == 120 ? INFINITY : 1.f")
        return book_histogram(sim, "w").GetValue()

    def repeated() -> Any:
        """Two files with the same RECO events."""
        paths = [folder / name for name in ("reco.root", "reco_again.root")]
        simulate(make_dataframe(files), flow).Snapshot("Events", str(paths[0]), ["genEvent", "foldSize", "Jet_pt"])
        paths[1].write_bytes(paths[0].read_bytes())
        df = make_dataframe([str(path) for path in paths], client, npartitions=2)
        return df.Filter("true").OversampledTH1D(("h", "", 20, 0, 200), "Jet_pt").GetValue()

    def patience(place: str) -> Any:
        """Python in the worker must answer while the event loop waits, before the look-ahead and behind it."""
        answers = folder / place
        answers.mkdir()
        wait = f'Faults::WaitForPython("{answers}")'
        df = make_dataframe(files, client, npartitions=2)
        sim = simulate(df.Define("w", wait), flow) if place == "upstream" else simulate(df, flow).Define("w", wait)
        is_done = threading.Event()
        thread = threading.Thread(target=answer_until, args=(client, str(answers), is_done))
        thread.start()
        try:
            return describe(book_histogram(sim, "w"))
        finally:
            is_done.set()
            thread.join()

    return {
        "context": context,
        "weight": weight,
        "repeated": repeated,
        "upstream": lambda: patience("upstream"),
        "downstream": lambda: patience("downstream"),
    }


def answer(folder: str) -> None:
    question = Path(folder) / f"{os.getpid()}.question"
    if question.exists():
        question.with_suffix(".answer").touch()


def answer_until(client: Any, folder: str, is_done: threading.Event) -> None:
    while not is_done.wait(0.1):
        client.run(answer, folder)


CASES = {case.__name__: case for case in (kill_on_dask, kill_on_spark, kill_every_time, other_packages, errors)}


def main() -> None:
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    name, folder = sys.argv[1], Path(sys.argv[2])
    settings = json.loads((folder / "settings.json").read_text())

    import ROOT

    import flashsim  # noqa: F401

    ROOT.gROOT.SetBatch(True)
    ROOT.TH1.AddDirectory(False)
    (folder / "outcome.json").write_text(json.dumps(CASES[name](folder, **settings), default=str))
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
