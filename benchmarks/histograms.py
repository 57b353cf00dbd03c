"""OversampledTH1D against Histo1D on the same column: time per fill, threads, booking and memory.

    python benchmarks/histograms.py [--rows 500000] [--repeat 25] [--only fills threads booking memory pairs]

Everything is measured in one run, since machines differ and are noisy: compare the ratios. Each measurement is
repeated, alternating with its peers, and the best one counts. The dataset is flat, one row per RECO event, ten per GEN
event: a value and a weight (float), the number of the GEN event (ULong64_t) and its fold size (int). What the tables
show:

* time per fill: event loops over a TTree and over columns held in memory, from Python (Histo1D compiled just in time)
  and from compiled C++ with given column types, where Histo1D is at its fastest. A histogram that knows folds has to
  read two more columns, and a fill costs less than reading one column of a TTree. So there are three ratios: of the
  whole loops, as they are; of the loops if Histo1D's read these columns too, as it does when one of several histograms
  or filters needs them; and of the fills alone, a loop less one that does nothing but read the same columns. CPU time
  of the process, one thread, compilation left out;
* other dimensions and modes against Histo1D, Histo2D and Histo3D;
* two threads against one: time by the clock of the whole loop;
* booking of 100 histograms and the first event loop, which compiles, on 20 rows;
* peak resident memory at 10^6 and 10^7 rows;
* the covariance of all pairs of bins, asked for one by one: the time of each must not grow with the number of bins.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

MACRO = Path(__file__).with_name("histogram_loops.C")
FOLD_SIZE = 10
BINNINGS = (100, 10_000)


def load_macro(folder: Path) -> Any:
    """The module ROOT with the functions of the macro, compiled by ACLiC at the first call."""
    import ROOT

    import flashsim

    package = Path(flashsim.__file__).parent
    ROOT.gSystem.Load(str(package / "lib" / "libFlashSim.so"))
    ROOT.gInterpreter.AddIncludePath(str(package / "include"))
    ROOT.gSystem.AddIncludePath(f'-I"{package / "include"}"')
    ROOT.gSystem.SetBuildDir(str(folder), True)
    if ROOT.gROOT.LoadMacro(f"{MACRO}+O") != 0:
        message = f"ACLiC could not compile {MACRO}: a C++ compiler is needed."
        raise RuntimeError(message)
    return ROOT


def make_file(folder: str, rows: int) -> str:
    """A TTree of flat rows, 100 000 in a cluster."""
    ROOT = load_macro(Path(folder))
    options = ROOT.RDF.RSnapshotOptions()
    options.fAutoFlush = 100_000
    path = str(Path(folder) / f"flat{rows}.root")
    columns = ["genEvent", "foldSize", "x", "w", "event"]
    ROOT.MakeRecoEvents(rows).Snapshot("Events", path, columns, options)
    return path


def open_source(ROOT: Any, source: str, rows: int) -> Any:
    return ROOT.MakeRecoEvents(rows) if source == "memory" else ROOT.RDF.AsRNode(ROOT.RDataFrame("Events", source))


def fill_bookings(ROOT: Any, node: Any, language: str) -> dict[str, Callable[[], Any]]:
    """Event loops that read and that fill, by name: what/weight/bins."""
    bookings: dict[str, Callable[[], Any]] = {}
    for weight in ("", "w"):
        columns = ("x", weight) if weight else ("x",)
        for kind, fold_size in (("Histo1D", False), ("OversampledTH1D", True)):
            bookings[f"read for {kind}/{weight}"] = partial(ROOT.ReadColumns, node, bool(weight), fold_size)
        for bins in BINNINGS:
            model = ("h", "", bins, 0.0, 1.0)
            if language == "Python":
                bookings[f"Histo1D/{weight}/{bins}"] = partial(node.Histo1D, model, *columns)
                bookings[f"OversampledTH1D/{weight}/{bins}"] = partial(node.OversampledTH1D, model, *columns)
            else:
                bookings[f"Histo1D/{weight}/{bins}"] = partial(ROOT.BookPlain, node, bins, bool(weight))
                bookings[f"OversampledTH1D/{weight}/{bins}"] = partial(ROOT.BookOversampled, node, bins, bool(weight))
    return bookings


def mode_bookings(node: Any) -> dict[str, Callable[[], Any]]:
    """Event loops that fill histograms of other dimensions and modes, and those of ROOT."""
    model, plane, cube = ("h", "", 100, 0.0, 1.0), ("h", "", *2 * (100, 0.0, 1.0)), ("h", "", *3 * (20, 0.0, 1.0))
    return {
        "Histo1D": partial(node.Histo1D, model, "x", "w"),
        "Histo2D": partial(node.Histo2D, plane, "x", "y", "w"),
        "Histo3D": partial(node.Histo3D, cube, "x", "y", "z", "w"),
        "OversampledTH1D": partial(node.OversampledTH1D, model, "x", "w"),
        "OversampledTH1D, fold_size=10": partial(node.OversampledTH1D, model, "x", "w", fold_size=FOLD_SIZE),
        "OversampledTH1D, contiguous=False": partial(node.OversampledTH1D, model, "x", "w", contiguous=False),
        "OversampledTH1D, covariance=True": partial(node.OversampledTH1D, model, "x", "w", covariance=True),
        "OversampledTH2D": partial(node.OversampledTH2D, plane, "x", "y", "w"),
        "OversampledTH3D": partial(node.OversampledTH3D, cube, "x", "y", "z", "w"),
    }


def time_loops(folder: str, what: str, source: str, rows: int, repeat: int, threads: int = 0) -> dict[str, list[float]]:
    """Nanoseconds per row of each event loop, `repeat` times: CPU time, or, if `threads` are given, of the clock.

    `what` is "Python" or "C++" for the loops of `fill_bookings`, "modes" for the others.
    """
    import ROOT

    if threads > 1:
        ROOT.EnableImplicitMT(threads)
    node = open_source(load_macro(Path(folder)), source, rows)
    clock = time.perf_counter if threads else time.process_time
    bookings = mode_bookings(node) if what == "modes" else fill_bookings(ROOT, node, what)
    times = defaultdict(list)
    for turn in range(repeat + 1):
        for name, book in bookings.items():
            result = book()
            start = clock()
            result.GetValue()
            seconds = clock() - start
            if turn > 0:  # the first loops compile
                times[name].append(1e9 * seconds / rows)
    return times


def time_booking(path: str, kind: str, histograms: int) -> list[float]:
    """Seconds for booking, and for the first event loop."""
    import ROOT

    import flashsim  # noqa: F401

    df = ROOT.RDataFrame("Events", path)
    df.Count().GetValue()
    results = []
    start = time.perf_counter()
    for i in range(histograms):
        model = (f"h{i}", "", 100, 0.0, 1.0)
        if kind == "Histo1D":
            results.append(df.Histo1D(model, "x", "w"))
        else:
            results.append(df.OversampledTH1D(model, "x", "w", **json.loads(kind)))
    booked = time.perf_counter()
    results[0].GetValue()
    return [booked - start, time.perf_counter() - booked]


def peak_memory(path: str, kind: str, threads: int) -> float:
    """Peak resident memory of this process in MB, after one histogram."""
    import ROOT

    if threads > 1:
        ROOT.EnableImplicitMT(threads)
    import flashsim  # noqa: F401

    df = ROOT.RDataFrame("Events", path)
    model = ("h", "", 100, 0.0, 1.0)
    if kind == "Histo1D":
        df.Histo1D(model, "x", "w").GetValue()
    else:
        df.OversampledTH1D(model, "x", "w", **json.loads(kind)).GetValue()
    # VmHWM begins anew with each program; ru_maxrss would be the parent's.
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmHWM")) / 1024


def time_pairs(folder: str, bins: int, repeat: int) -> list[list[float]]:
    """Seconds for the covariances of all pairs of bins, one by one and as a matrix."""
    ROOT = load_macro(Path(folder))
    node = ROOT.MakeRecoEvents(20_000)
    histogram = node.OversampledTH1D(("h", "", bins, 0.0, 1.0), "x", covariance=True).GetValue()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        ROOT.SumOfCovariances(histogram)
        between = time.perf_counter()
        histogram.GetCovarianceMatrix()
        times.append([between - start, time.perf_counter() - between])
    return times


WORKERS = {worker.__name__: worker for worker in (make_file, time_loops, time_booking, peak_memory, time_pairs)}


def in_new_process(worker: Callable[..., Any], *arguments: Any, python: str = sys.executable) -> Any:
    """Result of a function above in a process of its own, to which threads, compiled code and peak memory belong."""
    command = [python, "-W", "ignore", __file__, "--worker", worker.__name__, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{worker.__name__}{arguments} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def make_table(title: str, *columns: str) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in ("source", "histogram", "weights", "from") else "right")
    return table


def spread(ratios: list[float]) -> str:
    """Median and range of the middle half."""
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def show_fills(console: Any, folder: str, path: str, rows: int, repeat: int) -> None:
    table = make_table(
        f"Time per fill, ns, best of {repeat}: event loop, one that only reads the same columns, difference. "
        "Wanted: ratio ≤ 1.50",
        *("from", "source", "weights", "bins", "Histo1D", "read", "fill", "Oversampled", "read", "fill"),
        *("ratio of loops", "if read alike", "of fills"),
    )
    many_to_few = []
    for language in ("Python", "C++"):
        for source in (path, "memory"):
            times = in_new_process(time_loops, folder, language, source, rows, repeat)
            best = {name: min(values) for name, values in times.items()}
            for weight in ("", "w"):
                read, read_more = (best[f"read for {kind}/{weight}"] for kind in ("Histo1D", "OversampledTH1D"))
                for bins in BINNINGS:
                    names = [f"{kind}/{weight}/{bins}" for kind in ("Histo1D", "OversampledTH1D")]
                    plain, ours = (best[name] for name in names)
                    ratios = [b / a for a, b in zip(times[names[0]], times[names[1]], strict=True)]
                    table.add_row(
                        *(language, "memory" if source == "memory" else "TTree", weight or "1", f"{bins:,}"),
                        *(f"{x:.1f}" for x in (plain, read, plain - read, ours, read_more, ours - read_more)),
                        *(spread(ratios), f"{ours / (plain - read + read_more):.2f}"),
                        f"{(ours - read_more) / (plain - read):.2f}",
                    )
                few, many = (best[f"OversampledTH1D/{weight}/{bins}"] for bins in BINNINGS)
                many_to_few.append(many / few)
    console.print(table)
    console.print(
        f"OversampledTH1D, loop with {BINNINGS[1]:,} bins / with {BINNINGS[0]}: "
        + ", ".join(f"{ratio:.2f}" for ratio in many_to_few)
        + " (wanted: 0.80 to 1.20)\n"
    )


def show_modes(console: Any, folder: str, rows: int, repeat: int) -> None:
    times = in_new_process(time_loops, folder, "modes", "memory", rows, repeat)
    table = make_table(
        f"Other dimensions and modes, weighted, from Python, columns in memory: ns per row, best of {repeat}",
        *("histogram", "bins", "ns", "ratio to ROOT's"),
    )
    for name, values in times.items():
        dimension = next(n for n in "123" if f"{n}D" in name)
        peer = min(times[f"Histo{dimension}D"])
        bins = {"1": "100", "2": "100 × 100", "3": "20 × 20 × 20"}[dimension]
        table.add_row(name, bins, f"{min(values):.1f}", f"{min(values) / peer:.2f}")
    console.print(table)


def show_threads(console: Any, folder: str, path: str, rows: int, repeat: int) -> None:
    times: dict[tuple[str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    per_process = 2
    processes = max(1, repeat // per_process)
    for _ in range(processes):
        for source in (path, "memory"):
            for threads in (1, 2):
                arguments = (folder, "C++", source, rows, per_process, threads)
                for name, values in in_new_process(time_loops, *arguments).items():
                    times[source, threads][name] += values
    table = make_table(
        f"Two threads against one, {rows:,} rows, from C++: ns per row of the loop by the clock, "
        f"best of {processes * per_process}. Wanted: speed-up ≥ 1.70",
        *("source", "weights", "bins", "histogram", "1 thread", "2 threads", "speed-up"),
    )
    for source in (path, "memory"):
        for weight in ("", "w"):
            for bins in BINNINGS:
                for kind in ("Histo1D", "OversampledTH1D"):
                    one, two = (min(times[source, threads][f"{kind}/{weight}/{bins}"]) for threads in (1, 2))
                    table.add_row(
                        *("memory" if source == "memory" else "TTree", weight or "1", f"{bins:,}", kind),
                        *(f"{one:.1f}", f"{two:.1f}", f"{one / two:.2f}"),
                    )
    console.print(table)


def show_booking(console: Any, path: str, repeat: int, histograms: int = 100) -> None:
    keywords = ["{}", '{"fold_size": 10}', '{"event": "event"}', '{"covariance": true}']
    times: dict[str, list[list[float]]] = defaultdict(list)
    for _ in range(repeat):
        for kind in ("Histo1D", *keywords):
            times[kind].append(in_new_process(time_booking, path, kind, histograms))
    table = make_table(
        f"{histograms} weighted histograms in a new process, 20 rows: seconds, best of {repeat}. Wanted: ratio ≤ 1.50",
        *("histogram", "booking", "first loop", "sum", "ratio"),
    )
    peer = min(map(sum, times["Histo1D"]))
    for kind, values in times.items():
        booking, loop = min(values, key=sum)
        total = booking + loop
        table.add_row(describe(kind), *(f"{x:.2f}" for x in (booking, loop, total, total / peer)))
    console.print(table)


def show_memory(console: Any, paths: dict[int, str]) -> None:
    few, many = paths
    table = make_table(
        "Peak resident memory, MB. Wanted in the default mode: ratio ≤ 1.05",
        *("histogram", "threads", f"{few:,} rows", f"{many:,} rows", "ratio", "bytes per GEN event"),
    )
    for kind in ("Histo1D", "{}", '{"covariance": true}', '{"contiguous": false}'):
        for threads in (1, 2):
            before, after = (in_new_process(peak_memory, path, kind, threads) for path in paths.values())
            per_event = 1024**2 * (after - before) / ((many - few) / FOLD_SIZE)
            table.add_row(
                *(describe(kind), str(threads), f"{before:.0f}", f"{after:.0f}", f"{after / before:.2f}"),
                f"{per_event:.1f}",
            )
    console.print(table)


def show_pairs(console: Any, folder: str, repeat: int) -> None:
    table = make_table(
        "Covariance of pairs of bins, ns for each. Wanted: GetBinCovariance as long for many bins as for few",
        *("bins", "GetBinCovariance(b, c)", "GetCovarianceMatrix()"),
    )
    for bins in (100, 400, 1600):
        best = [min(times) for times in zip(*in_new_process(time_pairs, folder, bins, repeat), strict=True)]
        table.add_row(str(bins), *(f"{1e9 * seconds / bins**2:.1f}" for seconds in best))
    console.print(table)


def describe(kind: str) -> str:
    if kind == "Histo1D":
        return kind
    return ", ".join(["OversampledTH1D", *(f"{name}={value!r}" for name, value in json.loads(kind).items())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000, help="RECO events in each loop of the time per fill")
    parser.add_argument("--repeat", type=int, default=25, help="of the time per fill; a fifth of it of the others")
    parts = ("fills", "threads", "booking", "memory", "pairs")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, help="which tables; default: all")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        name, arguments = options.worker
        print("\n" + json.dumps(WORKERS[name](*json.loads(arguments))))
        return

    from importlib.metadata import version

    from rich.console import Console

    import flashsim

    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(
        f"flashsim {flashsim.__version__}, ROOT wheel {version('ROOT')}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = cache(partial(in_new_process, make_file, folder))
        few_repeats = max(1, options.repeat // 5)
        if "fills" in options.only:
            show_fills(console, folder, file(options.rows), options.rows, options.repeat)
            show_modes(console, folder, options.rows, few_repeats)
        if "threads" in options.only:
            show_threads(console, folder, file(2_000_000), 2_000_000, few_repeats)
        if "booking" in options.only:
            show_booking(console, file(20), few_repeats)
        if "memory" in options.only:
            show_memory(console, {rows: file(rows) for rows in (1_000_000, 10_000_000)})
        if "pairs" in options.only:
            show_pairs(console, folder, few_repeats)


if __name__ == "__main__":
    main()
