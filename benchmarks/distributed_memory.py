"""Peak memory of a distributed run, on a sample and on one ten times as large.

    python benchmarks/distributed_memory.py [--objects 200000] [--fold-size 10]

Needs the extras dask and validate: pip install "flashsim[dask,validate]". Each line of the table is a new client with a
new cluster of two worker processes. They simulate jets (with one Euler step, so that it does not take long), fill six
histograms, one with its covariance, and write RECO events with Snapshot. The small sample is one partition for each
worker, of --objects objects: more than the look-ahead keeps at a time, and more than Snapshot keeps before it writes,
here 5 000 RECO events. The large one has the same number of partitions, each ten times as large, or ten times as many.
The peak is VmHWM of /proc/PID/status, in MB; ru_maxrss would begin with that of the process that started this one.
Seconds are by the clock, compilation included.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from rates import (
    Run,
    book_analysis,
    cluster,
    in_new_process,
    make_table,
    simulate,
    timed,
    work,
    write_euler,
    write_parts,
)

TIMES = 10


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MB."""
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmHWM")) / 1024


def run_distributed(fields: list[Any], partitions: int, output: str) -> dict[str, Any]:
    """Peak memory of client and workers, and seconds by the clock."""
    import ROOT

    import flashsim  # noqa: F401

    run = Run(*fields)
    options = ROOT.RDF.RSnapshotOptions()
    options.fLazy = True
    options.fAutoFlush = 5000
    with cluster(2) as client:
        simulated = simulate(ROOT.RDataFrame("Events", run.files, executor=client, npartitions=partitions), run)
        results = book_analysis(simulated)
        columns = ["genEvent", "foldIndex", "foldSize", "nJet", "Jet_pt", "Jet_eta", "Jet_mass"]
        written = simulated.Snapshot("Events", output, columns, options)
        seconds = timed([*results, written])
        return {
            "seconds": seconds,
            "objects": results[4].GetEntries(),
            "client": peak_memory(),
            "workers": sorted(client.run(peak_memory).values()),
        }


WORKERS = {worker.__name__: worker for worker in (run_distributed,)}


def main() -> None:
    if work(WORKERS):
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=200_000, help="of each partition of the small sample")
    parser.add_argument("--fold-size", type=int, default=10)
    options = parser.parse_args()

    os.environ["OMP_NUM_THREADS"] = "1"
    from rich.console import Console

    import flashsim

    console = Console(width=None if sys.stdout.isatty() else 150)
    sample = flashsim.data.path("ttbar.root")
    objects_per_event = 6.3
    events = round(options.objects / objects_per_event / options.fold_size)
    with tempfile.TemporaryDirectory() as folder:
        files = in_new_process(write_parts, folder, sample, 2 * TIMES, events)
        flow = in_new_process(write_euler, folder)
        make_run = partial(Run, flow, 1, options.fold_size)
        table = make_table(
            f"Peak memory, MB; fold size {options.fold_size}. Wanted: ratios ≤ 1.10",
            *("partitions", "GEN events", "objects", "s", "client", "ratio", "worker", "ratio", "worker", "ratio"),
        )
        first: list[float] = []
        for number, partitions in ((2, 2), (2 * TIMES, 2), (2 * TIMES, 2 * TIMES)):
            with tempfile.TemporaryDirectory(dir=folder) as output:
                arguments = (make_run(files[:number]), partitions, str(Path(output) / "reco.root"))
                peak = in_new_process(run_distributed, *arguments)
            memory = [peak["client"], *peak["workers"]]
            first = first or memory
            cells = [
                cell for now, then in zip(memory, first, strict=True) for cell in (f"{now:.0f}", f"{now / then:.2f}")
            ]
            counts = (f"{number * events:,}", f"{peak['objects']:,.0f}", f"{peak['seconds']:.0f}")
            table.add_row(str(partitions), *counts, *cells)
        console.print(table)


if __name__ == "__main__":
    main()
