"""Two versions of FlashSim on the same loops, in one run: is the second one slower?

    python benchmarks/compare.py PYTHON_A PYTHON_B [--pairs 10] [--only sampling loops threads booking memory]

PYTHON_A and PYTHON_B are the interpreters of two environments, each with a FlashSim and with the same ROOT and ONNX
Runtime. Each loop of sampling.py and histograms.py is run by both, one after the other, in new processes; which comes
first alternates, so that a slow spell of the machine hits both alike. The table shows, for each loop, the median of
either version, and of the ratios B / A of all pairs, with the range of the middle half of these; a ratio above 1.03 is
marked. The machine should have nothing else to do. With the same version twice, the table shows the noise.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import histograms
import sampling

PARTS = ("sampling", "loops", "threads", "booking", "memory")
JETS_PER_EVENT = 6.3

Measure = Callable[[str], dict[str, float]]
"""Runs loops by an interpreter; the time, or memory, of each by name."""


def ask(python: str, code: str) -> str:
    """The last line that a piece of code prints in another interpreter."""
    path = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {path!r})\n{code}"
    done = subprocess.run([python, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def sampling_loops(folder: Path, python: str, rows: int) -> dict[str, Measure]:
    """The event loops of sampling.py, in µs per simulated jet. `python` writes the sample, which both read."""
    events = int(rows / JETS_PER_EVENT)
    make = f"print(sampling.make_sample(pathlib.Path({str(folder)!r}), {max(events, 20000)}))"
    path = ask(python, f"import pathlib, sampling\n{make}")
    steps = int(ask(python, "import flashsim\nprint(flashsim.Flow('jets').default_steps)"))

    def measure(fold_size: int, threads: int, name: str, interpreter: str) -> dict[str, float]:
        arguments = (path, max(1, events // fold_size), fold_size, steps, threads)
        seconds, n_rows = sampling.run_flash_sim(*arguments, python=interpreter)
        return {name: 1e6 * seconds / n_rows}

    loops = {}
    for fold_size, threads in ((1, 1), (10, 1), (100, 1), (10, 2)):
        name = f"FlashSim, fold_size={fold_size}, {threads} thread{'s' if threads > 1 else ''}, µs per jet"
        loops[name] = partial(measure, fold_size, threads, name)
    return loops


def histogram_loops(folders: dict[str, str], rows: int, threads: int) -> dict[str, Measure]:
    """The event loops of histograms.py, in ns per row; `folders` holds what each interpreter has compiled."""

    def measure(language: str, source: str, interpreter: str) -> dict[str, float]:
        folder = folders[interpreter]
        path = str(Path(folder) / f"flat{rows}.root") if source == "TTree" else source
        arguments = (folder, language, path, rows, 3, threads)
        times = histograms.in_new_process(histograms.time_loops, *arguments, python=interpreter)
        suffix = f", {threads} threads" if threads else ""
        return {f"{name}, {source}, {language}{suffix}, ns per row": min(values) for name, values in times.items()}

    languages = ("C++",) if threads else ("Python", "C++", "modes")
    return {
        f"{language} {source}": partial(measure, language, source)
        for language in languages
        for source in (("memory",) if language == "modes" else ("TTree", "memory"))
    }


def bookings(folders: dict[str, str]) -> dict[str, Measure]:
    """Booking of 100 histograms and their first loop, in seconds."""

    def measure(kind: str, interpreter: str) -> dict[str, float]:
        path = histograms.in_new_process(histograms.make_file, folders[interpreter], 20, python=interpreter)
        times = histograms.in_new_process(histograms.time_booking, path, kind, 100, python=interpreter)
        return {f"100 bookings of {histograms.describe(kind)}, s": sum(times)}

    return {kind: partial(measure, kind) for kind in ("{}", '{"fold_size": 10}', '{"covariance": true}')}


def memory_loops(folders: dict[str, str], python: str, folder: Path) -> dict[str, Measure]:
    """Peak resident memory in MB."""
    path = ask(python, f"import pathlib, sampling\nprint(sampling.make_sample(pathlib.Path({str(folder)!r}), 20000))")

    def simulation(interpreter: str) -> dict[str, float]:
        return {"peak memory, FlashSim, MB": sampling.peak_memory(path, 20000, python=interpreter)}

    def filling(interpreter: str) -> dict[str, float]:
        flat = histograms.in_new_process(histograms.make_file, folders[interpreter], 1_000_000, python=interpreter)
        return {
            "peak memory, OversampledTH1D, MB": histograms.in_new_process(
                histograms.peak_memory, flat, "{}", 2, python=interpreter
            )
        }

    return {"simulation": simulation, "filling": filling}


def compare(a: str, b: str, loops: dict[str, Measure], pairs: int) -> dict[str, list[tuple[float, float]]]:
    """Pairs of values of each loop, by A and by B."""
    values: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for pair in range(pairs):
        for label, loop in loops.items():
            print(f"pair {pair + 1} of {pairs}: {label}", file=sys.stderr, flush=True)
            if pair % 2:
                of_b, of_a = loop(b), loop(a)
            else:
                of_a, of_b = loop(a), loop(b)
            for name in of_a:
                values[name].append((of_a[name], of_b[name]))
    return values


def show(values: dict[str, list[tuple[float, float]]], limit: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{len(next(iter(values.values())))} pairs. Wanted: B / A ≤ {1 + limit / 100:.2f}")
    for column in ("what", "A", "B", "B / A", ""):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, pairs in values.items():
        ratio = statistics.median(of_b / of_a for of_a, of_b in pairs)
        medians = [statistics.median(of_one) for of_one in zip(*pairs, strict=True)]
        spread = histograms.spread([of_b / of_a for of_a, of_b in pairs]) if len(pairs) > 1 else f"{ratio:.2f}"
        table.add_row(name, *(f"{x:,.4g}" for x in medians), spread, "slower" if ratio > 1 + limit / 100 else "")
    Console(width=None if sys.stdout.isatty() else 150).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", metavar="PYTHON_A", help="the interpreter of the environment to compare with")
    parser.add_argument("b", metavar="PYTHON_B", help="the interpreter of the environment to judge")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--rows", type=int, default=500_000, help="RECO events in each loop of histograms")
    parser.add_argument("--jets", type=int, default=40_000, help="jets to simulate in each loop of sampling")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="which loops; default: all")
    parser.add_argument("--limit", type=float, default=3.0, help="per cent that B may be slower")
    parser.add_argument("--json", type=Path, help="a file for the values of all pairs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folders = {python: tempfile.mkdtemp(dir=folder) for python in (options.a, options.b)}
        loops: dict[str, Measure] = {}
        if "sampling" in options.only:
            loops |= sampling_loops(folder, options.a, options.jets)
        if {"loops", "threads"} & set(options.only):
            for python in folders:
                histograms.in_new_process(histograms.make_file, folders[python], options.rows, python=python)
        if "loops" in options.only:
            loops |= histogram_loops(folders, options.rows, 0)
        if "threads" in options.only:
            loops |= {f"{name}, 2 threads": loop for name, loop in histogram_loops(folders, options.rows, 2).items()}
        if "booking" in options.only:
            loops |= bookings(folders)
        if "memory" in options.only:
            loops |= memory_loops(folders, options.a, folder)
        values = compare(options.a, options.b, loops, options.pairs)
    if options.json:
        options.json.write_text(json.dumps(values, indent=1))
    show(values, options.limit)


if __name__ == "__main__":
    main()
