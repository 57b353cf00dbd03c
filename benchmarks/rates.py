"""Simulated events and objects per second, on threads and on workers of a cluster, and where the time goes.

    python benchmarks/rates.py [--seconds 4] [--repeat 3] [--only rates scaling shares] [--sample gen.root]

Needs the extras dask and validate: pip install "flashsim[dask,validate]". An event is a RECO event, an object one
simulated jet. The GEN events are those of the shipped sample (or of --sample), repeated under numbers of their own in
files of a temporary folder, four for each measurement, so large that one core takes --seconds. All processes are of
this machine; the other cores should have nothing else to do. What the tables show:

* rates: reading, a filter on GEN jets, look-ahead, noise, flow, sorting and one histogram of Jet_pt. The network of the
  shipped flow is solved by the Euler method in 100 and in 20 steps, so that steps are evaluations of the network, and
  by the solver and steps that it is shipped with; on 1 and 2 threads (each number in a process of its own, with
  ROOT.EnableImplicitMT), and on 1 and 2 workers (processes of a Dask LocalCluster with one thread each). By the clock,
  from asking for the histogram until it is there, best of the repeats. Starting processes and clusters, opening flows
  and compilation are left out: the same graph has run before on a few events. Below them stand the rates that were
  given for CMS FlashSim, for events with all collections, and not for jets alone: compare objects;
* scaling: two workers over one for the same 24 files, 24 partitions and worker processes, in turn, on a sample
  that takes one worker twelve times --seconds, with a selection and six results, among them a covariance. Merging is
  what Dask's task stream says of the tasks that merge (waiting for the parts to be sent, and the work, as if nothing
  else were done meanwhile), and all the time from the end of the last of them until the client has the result;
* shares: where one thread spends its time, by differences between loops that do more and more, in one process, in
  turn, best of the repeats. Reading: a loop over the GEN events that reads the flow's columns. Context: one that counts
  RECO events, for which the look-ahead keeps the context and cuts it into blocks, but no flow is run; less reading.
  Network: how much longer sampling takes with twice the steps. Noise and sorting: a loop that asks for the simulated
  jets and does nothing with them; less reading, context and network. Downstream: the analysis of the table above;
  less all this.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

warnings.filterwarnings("ignore", "Histo1D takes", UserWarning)  # which is what counts jets at the least cost

PARTS = 4
SCALING_PARTS = 24
SCALING_LENGTH = 12  # of the sample, in those of the rates: what each worker compiles for a run weighs less
FOLD_SIZES = (1, 10)
SEED_SOURCE = "F. Cattafesta, FlashSim: End-to-end event simulation with Deep Learning, September 2024"
SEED_RATES = (  # processor, time steps, events per second
    ("GPU 3050", 100, 325),
    ("GPU 3050", 20, 690),
    ("CPU, 1 core", 100, 15),
    ("CPU, 1 core", 20, 60),
    ("CPU, 4 cores", 20, 120),
)
SEED_OBJECTS = 20  # in an event, arXiv:2402.13684, Table 2


class Run(NamedTuple):
    """A flow, how it is sampled, and the files to simulate."""

    flow: str
    steps: int
    fold_size: int
    files: list[str]


def write_euler(folder: str) -> str:
    """The shipped flow with the Euler method as its solver."""
    import flashsim
    from flashsim.flows.file import read_flow, set_metadata, write_model
    from flashsim.flows.ode.loop import with_solver
    from flashsim.flows.ode.solvers import SOLVERS

    model, metadata = read_flow(flashsim.data.path("jets.onnx"))
    grid = [0.0, 1.0]
    changed = with_solver(model, SOLVERS["euler"], grid)
    set_metadata(changed, {**metadata, "solver": "euler", "default_steps": 20, "grid": grid})
    return str(write_model(changed, Path(folder) / "euler.onnx"))


def write_parts(folder: str, sample: str, parts: int, events: int) -> list[str]:
    """Files with as many GEN events each: those of the sample, repeated under numbers of their own."""
    import ROOT

    copies = -(-parts * events // ROOT.RDataFrame("Events", sample).Count().GetValue())
    df = ROOT.RDataFrame("Events", [sample] * copies).Redefine("event", "ULong64_t(rdfentry_)")
    options = ROOT.RDF.RSnapshotOptions()
    options.fAutoFlush = 1000
    options.fLazy = True
    columns = ["run", "luminosityBlock", "event", *context_columns()]
    paths = [str(Path(folder) / f"gen_{events}_{part}.root") for part in range(parts)]
    ranges = [df.Range(part * events, (part + 1) * events) for part in range(parts)]
    ROOT.RDF.RunGraphs(
        [part.Snapshot("Events", path, columns, options) for part, path in zip(ranges, paths, strict=True)]
    )
    return paths


def context_columns() -> list[str]:
    import flashsim

    flow = flashsim.Flow("jets")
    return [f"{flow.source}_{variable.name}" for variable in flow.context]


def simulate(df: Any, run: Run) -> Any:
    return df.Filter("GenJet_pt.size() >= 2").FlashSim(run.flow, fold_size=run.fold_size, seed=1, steps=run.steps)


def book(df: Any, run: Run) -> list[Any]:
    """The histogram that is measured, and the number of RECO events."""
    simulated = simulate(df, run)
    return [simulated.Histo1D(("pt", "", 100, 0, 500), "Jet_pt"), simulated.Count()]


def book_analysis(simulated: Any) -> list[Any]:
    """A selection and six results."""
    selected = (
        simulated.Filter("nJet >= 2 && Jet_pt[1] > 30", "two jets")
        .Define("ht", "Sum(Jet_pt)")
        .Define("leading", "Jet_pt[0]")
        .Define("second", "Jet_pt[1]")
        .Define("btag", "Max(Jet_btag)")
    )
    pt = (50, 0.0, 500.0)
    return [
        selected.OversampledTH1D(("ht", "", 100, 0, 1000), "ht", covariance=True),
        selected.OversampledTH1D(("leading", "", *pt), "leading"),
        selected.OversampledTH1D(("btag", "", 50, 0, 1), "btag"),
        selected.OversampledTH2D(("pts", "", *pt, *pt), "leading", "second"),
        selected.Histo1D(("pt", "", *pt), "Jet_pt"),
        simulated.Count(),
    ]


def timed(results: list[Any]) -> float:
    """Seconds, by the clock, that the event loop of these results takes."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):  # distributed runs draw progress bars
        results[0].GetValue()
    return time.perf_counter() - start


def on_threads(threads: int, runs: list[list[Any]], repeat: int) -> list[Any]:
    """For each run the seconds of all repeats, RECO events and objects; in a process of its own."""
    import ROOT

    import flashsim  # noqa: F401

    if threads > 1:
        ROOT.EnableImplicitMT(threads)
    return _repeated([Run(*run) for run in runs], repeat, lambda run: ROOT.RDataFrame("Events", run.files))


def on_workers(runs: list[list[Any]], repeat: int) -> list[list[Any]]:
    """As `on_threads`, on one worker and on two."""
    import flashsim  # noqa: F401

    measured = []
    for workers in (1, 2):
        with cluster(workers) as client:
            open_on_client = partial(_distributed, client, PARTS)
            measured.append(_repeated([Run(*run) for run in runs], repeat, open_on_client))
    return measured


def _distributed(client: Any, partitions: int, run: Run) -> Any:
    import ROOT

    return ROOT.RDataFrame("Events", run.files, executor=client, npartitions=partitions)


def _repeated(runs: list[Run], repeat: int, open_dataset: Callable[[Run], Any]) -> list[Any]:
    for run in runs:
        timed(book(open_dataset(run._replace(steps=1)), run._replace(steps=1)))  # compiles
    seconds: list[list[float]] = [[] for _ in runs]
    counts = [(0, 0) for _ in runs]
    for _ in range(repeat):  # in turn, so that a slow spell of the machine hits all alike
        for index, run in enumerate(runs):
            histogram, reco_events = results = book(open_dataset(run), run)
            seconds[index].append(timed(results))
            counts[index] = int(reco_events.GetValue()), int(histogram.GetEntries())
    return [[spent, *counted] for spent, counted in zip(seconds, counts, strict=True)]


@contextlib.contextmanager
def cluster(workers: int) -> Iterator[Any]:
    """The client of a cluster of worker processes on this machine, one thread each."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as local,
        Client(local, set_as_default=False) as client,
        client.as_current(),
    ):
        client.get_task_stream()  # records from now on
        yield client


def one_and_two_workers(run_fields: list[Any], repeat: int) -> list[list[dict[str, float]]]:
    """For each repeat what `_watched` says of one worker, and of two."""
    import flashsim  # noqa: F401

    run = Run(*run_fields)
    with cluster(1) as one, cluster(2) as two:
        for client in (one, two):
            with client.as_current():
                timed(book_analysis(simulate(_distributed(client, SCALING_PARTS, run), run._replace(steps=1))))
        return [[_watched(client, run) for client in (one, two)] for _ in range(repeat)]


def _watched(client: Any, run: Run) -> dict[str, float]:
    """Seconds by the clock, seconds of merging, and how many workers there were to do it."""
    start = time.time()
    with client.as_current():
        seconds = timed(book_analysis(simulate(_distributed(client, SCALING_PARTS, run), run)))
    end = time.time()
    tasks = client.get_task_stream(start=start)
    merging = [part for task in tasks if "distrdf_reducer" in str(task["key"]) for part in task["startstops"]]
    assert len(merging) >= SCALING_PARTS - 1, "Dask has not recorded the tasks that merge"
    return {
        "seconds": seconds,
        "merging": sum(part["stop"] - part["start"] for part in merging),
        "end": end - max(part["stop"] for part in merging),
        "workers": len({task["worker"] for task in tasks}),
    }


def stages(run_fields: list[Any], repeat: int) -> dict[str, float]:
    """Seconds of event loops that do more and more."""
    import ROOT

    import flashsim  # noqa: F401

    run = Run(*run_fields)
    twice = run._replace(steps=2 * run.steps)

    def read(files: list[str]) -> list[Any]:
        df = ROOT.RDataFrame("Events", files).Filter("GenJet_pt.size() >= 2")
        sizes = " + ".join(f"{column}.size()" for column in context_columns())
        return [df.Define("read", f"run + luminosityBlock + event + {sizes}").Sum("read")]

    def count(files: list[str]) -> list[Any]:
        return [simulate(ROOT.RDataFrame("Events", files), run).Count()]

    def sample(settings: Run, files: list[str]) -> list[Any]:
        return [simulate(ROOT.RDataFrame("Events", files), settings).Define("read", "Jet_pt.size()").Sum("read")]

    def analyse(files: list[str]) -> list[Any]:
        return book_analysis(simulate(ROOT.RDataFrame("Events", files), run))

    loops = {
        "reading": read,
        "context": count,
        "sampling": partial(sample, run),
        "sampling twice": partial(sample, twice),
        "analysis": analyse,
    }
    for loop in loops.values():
        timed(loop(run.files[:1]))  # compiles
    return {name: min(values) for name, values in _alternating(loops, run.files, repeat).items()}


def _alternating(loops: dict[str, Callable[[list[str]], list[Any]]], files: list[str], repeat: int) -> dict[str, list]:
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(repeat):
        for name, loop in loops.items():
            seconds[name].append(timed(loop(files)))
    return seconds


def speed(sample: str, steps: int) -> tuple[float, float]:
    """RECO events per second of one core with fold size 10, and objects per event."""
    from flashsim.throughput.measure import measure

    measured = measure(sample=sample, fold_size=10, steps=steps, seconds=1)
    return measured.events_per_second, measured.objects_per_event


WORKERS = {
    worker.__name__: worker
    for worker in (write_euler, write_parts, on_threads, on_workers, one_and_two_workers, stages, speed)
}


def in_new_process(worker: Callable[..., Any], *arguments: Any) -> Any:
    """Result of a function in a process of its own, to which threads, compiled code and memory belong.

    The script that has the function must call `work` first.
    """
    command = [sys.executable, "-W", "ignore", inspect.getfile(worker), "--worker", worker.__name__]
    done = subprocess.run([*command, json.dumps(arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{worker.__name__}{arguments} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def work(workers: dict[str, Callable[..., Any]]) -> bool:
    """Does what `in_new_process` asks for, if it has started this process."""
    if sys.argv[1:2] != ["--worker"]:
        return False
    name, arguments = sys.argv[2:]
    print("\n" + json.dumps(workers[name](*json.loads(arguments))))
    return True


def make_table(title: str, *columns: str) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in ("processor", "solver", "of the time, in %") else "right")
    return table


def show_rates(console: Any, runs: dict[str, tuple[Run, int]], repeat: int) -> None:
    """The table of rates; `runs` gives for each solver and fold size the evaluations per object, too."""
    chosen = [run for run, _ in runs.values()]
    measured = {f"{n} thread{'s' * (n > 1)}": in_new_process(on_threads, n, chosen, repeat) for n in (1, 2)}
    measured["1 worker"], measured["2 workers"] = in_new_process(on_workers, chosen, repeat)
    table = make_table(
        f"Simulated per second, best of {repeat}",
        *("processor", "solver", "steps", "evaluations", "fold size", "events/s", "objects/s", "objects/event"),
        *("µs/object", "evaluations/s"),
    )
    for index, (solver, (run, evaluations)) in enumerate(runs.items()):
        for processor, results in measured.items():
            seconds, events, objects = results[index]
            rate = objects / min(seconds)
            table.add_row(
                *(processor, solver.split()[0], str(run.steps), str(evaluations), str(run.fold_size)),
                *(f"{events / min(seconds):,.0f}", f"{rate:,.0f}", f"{objects / events:.1f}", f"{1e6 / rate:.1f}"),
                f"{rate * evaluations:,.0f}",
            )
        table.add_section()
    for processor, steps, rate in SEED_RATES:
        objects = rate * SEED_OBJECTS
        table.add_row(
            *(f"CMS FlashSim, {processor}", "", str(steps), "", "1", f"{rate:,}", f"≈ {objects:,}"),
            *(f"≈ {SEED_OBJECTS}", f"≈ {1e6 / objects:,.0f}", ""),
        )
    console.print(table)
    console.print(
        f"CMS FlashSim: {SEED_SOURCE}. Its events have all collections, some {SEED_OBJECTS} objects (arXiv:2402.13684, "
        "Table 2), by several flows and classifiers; ours have jets alone, by one smaller network. Its solver is not "
        "given. Objects and evaluations compare better than events, and still on other processors.\n"
    )


def show_scaling(console: Any, run: Run, repeat: int) -> None:
    pairs = in_new_process(one_and_two_workers, run, repeat)
    table = make_table(
        f"Two workers over one: {len(run.files)} files, {SCALING_PARTS} partitions, fold size {run.fold_size}",
        *("repeat", "1 worker, s", "2 workers, s", "speed-up", "merging, ms", "%", "until the end, ms", "both, %"),
    )
    for number, (one, two) in enumerate(pairs, 1):
        assert (one["workers"], two["workers"]) == (1, 2), "not all workers took part"
        table.add_row(
            *(str(number), f"{one['seconds']:.1f}", f"{two['seconds']:.1f}", f"{one['seconds'] / two['seconds']:.2f}"),
            *(f"{1000 * two['merging']:.0f}", f"{100 * two['merging'] / two['seconds']:.2f}"),
            *(f"{1000 * two['end']:.0f}", f"{100 * (two['merging'] + two['end']) / two['seconds']:.2f}"),
        )
    console.print(table)
    one, two = (min(pair[index]["seconds"] for pair in pairs) for index in (0, 1))
    merging = statistics.median((two["merging"] + two["end"]) / two["seconds"] for _, two in pairs)
    console.print(
        f"speed-up of the best times {one / two:.2f} (wanted ≥ 1.70), on a sample of {one:.0f} s on one worker (wanted "
        f"≥ 20); merging and the way to the client take {100 * merging:.2f} % of the time on two (median; wanted < 2)\n"
    )


def show_shares(console: Any, runs: list[Run], repeat: int) -> None:
    table = make_table(
        f"Where one thread spends its time, best of {repeat}",
        "of the time, in %",
        *(f"fold_size={r.fold_size}" for r in runs),
    )
    columns = []
    for run in runs:
        spent = in_new_process(stages, run, repeat)
        network = spent["sampling twice"] - spent["sampling"]
        shares = {
            "reading": spent["reading"],
            "context: look-ahead, gathering": spent["context"] - spent["reading"],
            "sampling: network": network,
            "sampling: noise, sorting": spent["sampling"] - spent["context"] - network,
            "downstream: selection, histograms": spent["analysis"] - spent["sampling"],
        }
        columns.append({name: f"{100 * value / spent['analysis']:.1f}" for name, value in shares.items()})
        columns[-1]["seconds in all"] = f"{spent['analysis']:.2f} s"
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    console.print(table)


def main() -> None:
    if work(WORKERS):
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement on one core; default: 4")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--sample", help="file with GEN jets in the dataset Events; default: the shipped one")
    parts = ("rates", "scaling", "shares")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, help="which tables; default: all")
    options = parser.parse_args()

    os.environ["OMP_NUM_THREADS"] = "1"
    from importlib.metadata import version

    from rich.console import Console

    import flashsim
    from flashsim.flows.ode.solvers import SOLVERS

    console = Console(width=None if sys.stdout.isatty() else 150)
    versions = {"ROOT wheel": version("ROOT"), "ONNX Runtime": flashsim.onnxruntime_version()}
    versions |= {"Dask": version("distributed"), "Python": platform.python_version()}
    console.print(
        f"flashsim {flashsim.__version__}, {', '.join(f'{name} {number}' for name, number in versions.items())}, "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    sample = options.sample or flashsim.data.path("ttbar.root")
    flow = flashsim.Flow("jets")
    tuned = SOLVERS[flow.solver].evaluations_per_step * flow.default_steps
    events_per_second, _ = in_new_process(speed, sample, flow.default_steps)

    with tempfile.TemporaryDirectory() as folder:
        files = cache(partial(in_new_process, write_parts, folder, sample))
        euler = in_new_process(write_euler, folder)

        def sized(path: str, steps: int, evaluations: int, fold_size: int, seconds: float, parts: int = PARTS) -> Run:
            events = seconds * events_per_second * tuned / evaluations / fold_size
            return Run(path, steps, fold_size, files(parts, max(1, round(events / parts))))

        default = partial(sized, flow.path, flow.default_steps, tuned)
        if "rates" in options.only:
            runs = {
                **{
                    f"euler {n} {fold_size}": (sized(euler, n, n, fold_size, options.seconds), n)
                    for n in (100, 20)
                    for fold_size in FOLD_SIZES
                },
                **{
                    f"{flow.solver} {fold_size}": (default(fold_size, options.seconds), tuned)
                    for fold_size in FOLD_SIZES
                },
            }
            show_rates(console, runs, options.repeat)
        if "scaling" in options.only:
            show_scaling(console, default(10, SCALING_LENGTH * options.seconds, SCALING_PARTS), options.repeat)
        if "shares" in options.only:
            show_shares(console, [default(fold_size, options.seconds) for fold_size in FOLD_SIZES], options.repeat)


if __name__ == "__main__":
    main()
