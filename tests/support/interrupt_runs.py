"""Program of test_interrupt.py, run in a process of its own and interrupted.

python interrupt_runs.py THREADS FOLDER prints, for one case after the other, "started" in the midst of an event loop
that takes a minute, and "stopped" and its outcome after the end.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import ROOT

import flashsim

ROOT.gInterpreter.Declare("""
#include <ROOT/RVec.hxx>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

namespace InterruptRuns {

std::atomic<int> nCalls{0};

/// Tells at its thirtieth call in a case that an event loop is under way.
template <typename T>
T Tell(const T &value)
{
   if (++nCalls == 30) {
      std::puts("started");
      std::fflush(stdout);
   }
   return value;
}
int TakeAWhile(int value)
{
   std::this_thread::sleep_for(std::chrono::milliseconds(10));
   return Tell(value);
}

} // namespace InterruptRuns
""")


def simulate(gen: Any) -> Any:
    """Some 50 000 RECO events of which this flow, with a hundred steps, makes some 500 in a second and thread."""
    sim = gen.FlashSim("jets", fold_size=10, steps=100, seed=1, prefix="Flash", block_size=200)
    return sim.Define("leading", "InterruptRuns::Tell(nFlashJet > 0 ? FlashJet_pt[0] : -1.f)")


def snapshot(sim: Any, path: Path, *, ntuple: bool) -> None:
    """Writes some MB a second in small pieces."""
    options = ROOT.RDF.RSnapshotOptions()
    options.fCompressionLevel = 0
    options.fAutoFlush = 10
    options.fOutputFormat = getattr(ROOT.RDF.ESnapshotOutputFormat, "kRNTuple" if ntuple else "kTTree")
    sim = sim.Define("numbers", "ROOT::RVecD(20000, leading)")
    sim.Snapshot("Events", str(path), ["leading", "nFlashJet", "numbers"], options)


def read_slow_upstream(gen: Any) -> None:
    slow = gen.Define("slow", "InterruptRuns::TakeAWhile(nGenJet)").Filter("slow > 0")
    slow.FlashSim("jets", steps=1, prefix="Slow").Sum("nSlowJet").GetValue()


CASES = {
    "Sum": lambda gen, sim, path: sim.Sum("leading").GetValue(),
    "OversampledTH1D": lambda gen, sim, path: sim.OversampledTH1D(("h", "", 9, 0, 90), "leading").GetValue(),
    "method of a result": lambda gen, sim, path: sim.OversampledTH1D(("h", "", 9, 0, 90), "leading").Integral(),
    "AsNumpy": lambda gen, sim, path: sim.Filter("leading > 0", "cut").AsNumpy(["leading"]),
    "Snapshot to a TTree": lambda gen, sim, path: snapshot(sim, path, ntuple=False),
    "Snapshot to an RNTuple": lambda gen, sim, path: snapshot(sim, path, ntuple=True),
    "RunGraphs": lambda gen, sim, path: ROOT.RDF.RunGraphs([sim.Sum("leading"), sim.Count()]),
    "slow upstream": lambda gen, sim, path: read_slow_upstream(gen),
}


def first_events(sim: Any) -> list[float]:
    """The leading jets of the first GEN events, of which alone the jets are simulated."""
    rows = sim.Filter("genEvent < 2").AsNumpy(["genEvent", "foldIndex", "leading"])
    return [float(x) for _, _, x in sorted(zip(*rows.values(), strict=True))]


def run(case: str, path: Path) -> None:
    gen = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root"))
    sim = simulate(gen)
    weights = gen.Sum("genWeight")  # pending upstream
    outcome: dict[str, Any] = {}
    ROOT.InterruptRuns.nCalls.store(0)
    # Elsewhere a second Ctrl-C comes too late to be meant. A job in the background inherits signals as ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        CASES[case](gen, sim, path)
        outcome["ended by"] = "its end"
    except BaseException as error:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        outcome["ended by"] = type(error).__name__
    print("stopped", flush=True)
    ROOT.InterruptRuns.nCalls.store(1000)  # nothing is told of what follows
    outcome["file is open"] = path.resolve() in [link.resolve() for link in Path("/proc/self/fd").iterdir()]
    if path.exists():
        file = ROOT.TFile.Open(str(path))
        outcome["file is broken"] = bool(not file or file.IsZombie() or file.TestBit(ROOT.TFile.kRecovered))
    outcome["same afterwards"] = first_events(sim) == first_events(simulate(gen))
    fresh = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root"))
    outcome["upstream afterwards"] = [weights.GetValue(), gen.Count().GetValue()]
    outcome["upstream alone"] = [fresh.Sum("genWeight").GetValue(), fresh.Count().GetValue()]
    print(json.dumps(outcome), flush=True)


def main() -> None:
    threads, folder = sys.argv[1:]
    if int(threads) > 1:
        ROOT.EnableImplicitMT(int(threads))
    for number, case in enumerate(CASES):
        run(case, Path(folder) / f"out{number}.root")


if __name__ == "__main__":
    main()
