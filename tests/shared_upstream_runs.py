"""What test_shared_upstream.py runs in processes of their own, since a fault here may end the process.

python shared_upstream_runs.py THREADS FLOW FILE ... prints for each case "right", "refused: why" or "wrong: what".
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import ROOT

import flashsim  # noqa: F401

ROOT.gInterpreter.Declare("""
#include <ROOT/RResultPtr.hxx>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace SharedUpstream {

std::vector<double> values;
std::string refusal;

/// Asks for `asked` whenever `count` has seen another `every` entries.
void AskWhile(ROOT::RDF::RResultPtr<ULong64_t> &count, ROOT::RDF::RResultPtr<double> &asked, ULong64_t every)
{
   values.clear();
   refusal.clear();
   count.OnPartialResult(every, [asked](ULong64_t &) mutable {
      try {
         values.push_back(*asked);
      } catch (const std::exception &error) {
         refusal = error.what();
      }
   });
}

} // namespace SharedUpstream
""")

Values = list[float]


def graph(flow: str, files: list[str]) -> dict[str, Any]:
    """A GEN dataframe with two FlashSim nodes, nothing booked."""
    gen = ROOT.RDataFrame("Events", files).Filter("event % 5 != 0")
    return {
        "gen": gen,
        "a": gen.FlashSim(flow, folds=2, seed=1, chunk_size=30, block_size=50),
        "b": gen.FlashSim(flow, folds=3, seed=2, chunk_size=50, block_size=50),
    }


RESULTS: dict[str, Callable[[dict], Any]] = {
    "mean of a": lambda nodes: nodes["a"].Mean("Jet_pt"),
    "jets of a": lambda nodes: nodes["a"].Sum("nJet"),
    "mean of b": lambda nodes: nodes["b"].Mean("Jet_pt"),
    "jets of gen": lambda nodes: nodes["gen"].Define("n", "int(GenJet_pt.size())").Sum("n"),
    "weights of gen": lambda nodes: nodes["gen"].Sum("genWeight"),
    "events of gen": lambda nodes: nodes["gen"].Count(),
}

RUN_GRAPHS = {
    "simulation and upstream": ["mean of a", "weights of gen"],
    "upstream and simulation": ["jets of gen", "mean of a"],
    "two simulations": ["mean of a", "mean of b"],
    "two simulations and upstream": ["jets of a", "weights of gen", "mean of b", "events of gen", "mean of a"],
}


def judge(values: Values, expected: Values) -> str:
    if np.allclose(values, expected, rtol=1e-9, atol=1e-9):
        return "right"
    return f"wrong: {values} instead of {expected}"


def refused(error: Exception) -> str:
    return "refused: " + str(error).replace("\n", " ")


def run_graphs(case: str, flow: str, files: list[str]) -> list[str]:
    """Results of one upstream in one RunGraphs, several times: races do not show every time."""
    names = RUN_GRAPHS[case]
    expected = [RESULTS[name](graph(flow, files)).GetValue() for name in names]
    outcomes = []
    for _ in range(4):
        nodes = graph(flow, files)
        results = [RESULTS[name](nodes) for name in names]
        try:
            ROOT.RDF.RunGraphs(results)
            outcomes.append(judge([result.GetValue() for result in results], expected))
        except Exception as error:
            outcomes.append(refused(error))
    return outcomes


def partial_results(asked: str, flow: str, files: list[str]) -> list[str]:
    """Asks for a result while a loop over `a` runs; then whether the loop and the frame are still right."""
    expected = RESULTS[asked](graph(flow, files)).GetValue()
    nodes = graph(flow, files)
    count, result = nodes["a"].Count(), RESULTS[asked](nodes)
    ROOT.SharedUpstream.AskWhile(count, result, 37)
    n_reco = 2 * RESULTS["events of gen"](graph(flow, files)).GetValue()
    try:
        outcomes = [judge([count.GetValue()], [n_reco])]
    except Exception as error:
        outcomes = [refused(error)]
    seen, refusal = list(ROOT.SharedUpstream.values), str(ROOT.SharedUpstream.refusal)
    outcomes.append(f"refused: {refusal}" if refusal else judge(seen, [expected] * max(1, len(seen))))
    if not refusal:
        outcomes.append(judge([result.GetValue()], [expected]))
    outcomes.append(judge([RESULTS[asked](nodes).GetValue()], [expected]))
    return outcomes


def main() -> None:
    threads, flow, *files = sys.argv[1:]
    if int(threads) > 1:
        ROOT.EnableImplicitMT(int(threads))
    for case in RUN_GRAPHS:
        for outcome in run_graphs(case, flow, files):
            print(f"RunGraphs of {case}: {outcome}", flush=True)
    for asked in ("weights of gen", "events of gen", "mean of b"):
        for outcome in partial_results(asked, flow, files):
            print(f"{asked} in a callback: {outcome}", flush=True)


if __name__ == "__main__":
    main()
