"""Throughput of .FlashSim() against ONNX Runtime alone, against two threads, and against PyTorch + torchdiffeq.

    python benchmarks/sampling.py [--rows 60000] [--steps N] [--repeat 3]

Everything is measured in one run, since machines differ and are noisy: compare the ratios. Each measurement is
repeated, alternating with its peer, and the best one counts. A row is one simulated jet. What the table shows:

* raw ONNX Runtime, one thread: the same number of rows of the same flow, at the batch size found best here;
* .FlashSim(), one thread, fold sizes 1, 10, 100: reading, look-ahead, noise, flow, sorting and a histogram of Jet_pt;
* .FlashSim(), two threads;
* PyTorch, one thread, batches of 10 000: a network of the same layers integrated by torchdiffeq with as many
  evaluations (skipped where torch or torchdiffeq is not installed);
* peak memory at 10 times the events.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

BATCHES = [64, 128, 256, 512, 1024, 2048, 8192]


def make_sample(folder: Path, events: int) -> str:
    """The shipped sample's GEN jets, repeated until there are `events` events with numbers of their own."""
    import ROOT

    import flashsim

    shipped = flashsim.data.path("ttbar.root")
    copies = -(-events // ROOT.RDataFrame("Events", shipped).Count().GetValue())
    df = ROOT.RDataFrame("Events", [shipped] * copies).Redefine("event", "ULong64_t(rdfentry_)").Range(events)
    path = str(folder / f"gen{events}.root")
    options = ROOT.RDF.RSnapshotOptions()
    options.fAutoFlush = 2000
    columns = [f"GenJet_{variable.name}" for variable in flashsim.Flow("jets").context]
    df.Snapshot("Events", path, ["run", "luminosityBlock", "event", *columns], options)
    return path


def measure(work, repeat: int) -> float:
    """Best wall-clock time in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def run_flash_sim(
    path: str, events: int, fold_size: int, steps: int, threads: int, python: str = sys.executable
) -> tuple[float, int]:
    """Seconds and rows of one event loop, in a process of its own: threads are a setting of the whole process."""
    code = f"""
import time
import ROOT
if {threads} > 1:
    ROOT.EnableImplicitMT({threads})
import flashsim
df = ROOT.RDataFrame("Events", {path!r})
def book(n):
    sim = df.Filter(f"event < {{n}}").FlashSim("jets", fold_size={fold_size}, steps={steps})
    return sim.Histo1D(("pt", "", 100, 0, 500), "Jet_pt")
book(20).GetValue()  # jitting and loading are not what is measured
histogram = book({events})
start = time.perf_counter()
histogram.GetValue()
print(time.perf_counter() - start, int(histogram.GetEntries()))
"""
    output = subprocess.run([python, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True).stdout
    seconds, rows = output.split()[-2:]
    return float(seconds), int(rows)


def peak_memory(path: str, events: int, python: str = sys.executable) -> float:
    """Peak resident memory in MB of a process that simulates `events` events, one step, fold size 10, two threads."""
    code = f"""
import ROOT
ROOT.EnableImplicitMT(2)
import flashsim
sim = ROOT.RDataFrame("Events", {path!r}).Filter("event < {events}").FlashSim("jets", fold_size=10, steps=1)
sim.OversampledTH1D(("pt", "", 100, 0, 500), "Jet_pt").GetValue()
# VmHWM begins anew with each program; ru_maxrss would be the parent's.
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024)
"""
    output = subprocess.run([python, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True).stdout
    return float(output.split()[-1])


def raw_onnxruntime(path: str, rows: int, steps: int):
    """ONNX Runtime alone, one thread: {batch: function that samples `rows` rows}."""
    import numpy as np
    import onnxruntime
    import uproot

    import flashsim

    with uproot.open(path) as file:
        jets = file["Events"].arrays([f"GenJet_{v.name}" for v in flashsim.Flow("jets").context])
    flat = np.column_stack([np.concatenate([np.asarray(x) for x in jets[name]]) for name in jets.fields])
    context = np.resize(flat, (rows, flat.shape[1])).astype(np.float32)
    noise = np.random.default_rng(1).standard_normal((rows, 16), dtype=np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(flashsim.data.path("jets.onnx"), options, providers=["CPUExecutionProvider"])

    def sampler(batch: int):
        def sample() -> None:
            for first in range(0, rows, batch):
                part = slice(first, first + batch)
                session.run(
                    None, {"noise": noise[part], "context": context[part], "steps": np.array(steps, dtype=np.int64)}
                )

        return sample

    return sampler


def torch_peer(rows: int, steps: int, solver: str):
    """A velocity network of the shipped flow's layers in PyTorch, integrated by torchdiffeq; None without them."""
    try:
        import torch
        from torchdiffeq import odeint

        from flashsim.training.families.network import VelocityNetwork
    except ImportError as error:
        print(f"(no PyTorch peer: {error})")
        return None
    torch.set_num_threads(1)
    context_features = 12  # the six inputs, the flavour one-hot
    network = VelocityNetwork(dimension=16, context_features=context_features).eval()
    batch = 10000

    def evaluate(context, t, x):
        return network(x, t.reshape(1, 1), context)

    def sample() -> None:
        with torch.inference_mode():
            for first in range(0, rows, batch):
                n = min(batch, rows - first)
                context = torch.randn(n, context_features)
                grid = torch.linspace(0, 1, steps + 1)
                velocity = partial(evaluate, context)
                odeint(velocity, torch.randn(n, 16), grid, method={"heun": "heun2"}.get(solver, solver))

    return sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=60000, help="jets to simulate in each measurement")
    parser.add_argument("--steps", type=int, default=0, help="ODE steps; default: the flow's own")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()

    os.environ["OMP_NUM_THREADS"] = "1"
    from rich.console import Console
    from rich.table import Table

    import flashsim

    console = Console()
    flow = flashsim.Flow("jets")
    steps = arguments.steps or flow.default_steps
    folder = tempfile.TemporaryDirectory()
    jets_per_event = 6.3
    many = int(arguments.rows / jets_per_event)
    path = make_sample(Path(folder.name), max(many, 20000))

    sampler = raw_onnxruntime(path, min(arguments.rows, 10000), steps)
    times = {batch: measure(sampler(batch), 1) for batch in BATCHES}
    best = min(times, key=times.get)
    scan = ", ".join(f"{batch}: {1e6 * seconds / min(arguments.rows, 10000):.1f}" for batch, seconds in times.items())
    console.print(
        f"raw ONNX Runtime {flashsim.onnxruntime_version()}, {steps} {flow.solver} steps, µs per row by batch: {scan}"
    )

    table = Table(title="Rows per second, best of the repeats")
    for column in ("what", "threads", "rows", "rows/s", "ratio", "wanted"):
        table.add_column(column, justify="left" if column == "what" else "right")
    rates: dict[tuple, list[float]] = {}
    counts: dict[tuple, int] = {}
    raw = raw_onnxruntime(path, arguments.rows, steps)(best)
    for _ in range(arguments.repeat):  # alternate, so that a slow spell of the machine hits all alike
        rates.setdefault(("raw", 1), []).append(arguments.rows / measure(raw, 1))
        for fold_size in (1, 10, 100):
            seconds, rows = run_flash_sim(path, max(1, many // fold_size), fold_size, steps, 1)
            counts[fold_size, 1] = rows
            rates.setdefault((fold_size, 1), []).append(rows / seconds)
        seconds, rows = run_flash_sim(path, max(1, many // 10), 10, steps, 2)
        counts[10, 2] = rows
        rates.setdefault((10, 2), []).append(rows / seconds)
    top = {key: max(values) for key, values in rates.items()}
    table.add_row(f"ONNX Runtime, batches of {best}", "1", str(arguments.rows), f"{top['raw', 1]:,.0f}", "1.00", "")
    for fold_size in (1, 10, 100):
        rate = top[fold_size, 1]
        table.add_row(
            f".FlashSim(fold_size={fold_size})",
            "1",
            str(counts[fold_size, 1]),
            f"{rate:,.0f}",
            f"{rate / top['raw', 1]:.2f} of raw",
            "≥ 0.85",
        )
    table.add_row(
        ".FlashSim(fold_size=10)",
        "2",
        str(counts[10, 2]),
        f"{top[10, 2]:,.0f}",
        f"{top[10, 2] / top[10, 1]:.2f} of 1 thread",
        "≥ 1.8",
    )
    peer = torch_peer(min(arguments.rows, 20000), steps, flow.solver)
    if peer is not None:
        rate = min(arguments.rows, 20000) / measure(peer, 1)
        table.add_row(
            "PyTorch + torchdiffeq, batches of 10 000",
            "1",
            str(min(arguments.rows, 20000)),
            f"{rate:,.0f}",
            f"{rate / top['raw', 1]:.2f} of raw",
            "",
        )
    console.print(table)

    few, lots = peak_memory(path, 2000), peak_memory(path, 20000)
    console.print(
        f"peak memory: {few:.0f} MB at 2000 GEN events, {lots:.0f} MB at 20000: ratio {lots / few:.2f} (wanted ≤ 1.10)"
    )
    folder.cleanup()


if __name__ == "__main__":
    main()
