"""Program of test_shared_upstream.py, run in processes of its own, since a fault here may end the process.

python shared_upstream_runs.py THREADS FLOW FILE ... prints for each case "right", "refused: why" or "wrong: what".
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
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

std::mutex mutex;
std::vector<double> values;
std::string refusal;

/// Asks for `asked` whenever the loop over `outer` has seen another `every` entries.
template <typename Outer, typename Asked>
void AskWhile(Outer &outer, Asked &asked, ULong64_t every)
{
   outer.OnPartialResult(every, [asked](auto &) mutable {
      try {
         values.push_back(static_cast<double>(*asked));
      } catch (const std::exception &error) {
         refusal = error.what();
      }
   });
}

/// Asks for the mean of another node whenever the loop over `outer` has seen another `every` entries.
void AskOneByOne(ROOT::RDF::RResultPtr<ULong64_t> &outer, std::vector<ROOT::RDF::RNode> nodes, ULong64_t every)
{
   std::vector<ROOT::RDF::RResultPtr<double>> means;
   for (auto &node : nodes)
      means.push_back(node.Mean<ROOT::RVecF>("Jet_pt"));
   outer.OnPartialResult(every, [means, next = std::size_t(0)](ULong64_t &) mutable {
      if (next == means.size())
         return;
      try {
         const auto mean = *means[next++];
         const std::lock_guard<std::mutex> lock(mutex);
         values.push_back(mean);
      } catch (const std::exception &error) {
         const std::lock_guard<std::mutex> lock(mutex);
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
        "a": gen.FlashSim(flow, fold_size=2, seed=1, chunk_size=30, block_size=50),
        "b": gen.FlashSim(flow, fold_size=3, seed=2, chunk_size=50, block_size=50),
    }


RESULTS: dict[str, Callable[[dict], Any]] = {
    "mean of a": lambda nodes: nodes["a"].Mean("Jet_pt"),
    "jets of a": lambda nodes: nodes["a"].Sum("nJet"),
    "mean of b": lambda nodes: nodes["b"].Mean("Jet_pt"),
    "jets of gen": lambda nodes: nodes["gen"].Define("n", "int(GenJet_pt.size())").Sum("n"),
    "weights of gen": lambda nodes: nodes["gen"].Sum("genWeight"),
    "events of gen": lambda nodes: nodes["gen"].Count(),
    "events of a": lambda nodes: nodes["a"].Count(),
    "events of b": lambda nodes: nodes["b"].Count(),
}

RUN_GRAPHS = {
    "simulation and upstream": ["mean of a", "weights of gen"],
    "upstream and simulation": ["jets of gen", "mean of a"],
    "two simulations": ["mean of a", "mean of b"],
    "two simulations and upstream": ["jets of a", "weights of gen", "mean of b", "events of gen", "mean of a"],
}


# Which result's event loop is running when which are asked for, the second in the event loop of the first, and so on.
CALLBACKS = [
    ["events of a", "weights of gen"],
    ["events of a", "events of gen"],
    ["events of a", "mean of b"],
    ["events of a", "events of b", "jets of gen"],
]

AT_THE_SAME_TIME = "two callbacks at the same time"

REFUSED_CALLBACKS = [
    ["events of gen", "mean of a"],
    ["events of a", "mean of a"],
    ["events of a", "events of b", "mean of a"],
]


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


def start(names: list[str], flow: str, files: list[str]) -> tuple[dict, list]:
    """A graph with booked results; reading the first one reads the others in callbacks."""
    ROOT.SharedUpstream.values.clear()
    ROOT.SharedUpstream.refusal = ""
    nodes = graph(flow, files)
    results = [RESULTS[name](nodes) for name in names]
    for outer, asked in reversed(list(pairwise(results))):
        ROOT.SharedUpstream.AskWhile(outer, asked, 37)
    return nodes, results


def callbacks(names: list[str], flow: str, files: list[str]) -> list[str]:
    """Whether the values in callbacks are right, and afterwards all results and the frame."""
    expected = [RESULTS[name](graph(flow, files)).GetValue() for name in names]
    nodes, results = start(names, flow, files)
    try:
        outcomes = [judge([result.GetValue() for result in results], expected)]
    except Exception as error:
        outcomes = [refused(error)]
    if refusal := str(ROOT.SharedUpstream.refusal):
        return [*outcomes, "refused: " + refusal]
    seen = list(ROOT.SharedUpstream.values)
    right = [abs(value - other) < 1e-9 * abs(other) for value in seen for other in expected[1:]]
    outcomes.append("right" if sum(right) == len(seen) > 0 else f"wrong: {seen} instead of {expected[1:]}")
    return [*outcomes, judge([RESULTS[name](nodes).GetValue() for name in names], expected)]


def refused_callbacks(names: list[str], flow: str, files: list[str]) -> list[str]:
    """Whether impossible requests raise an error, each time, and the frame is right afterwards."""
    expected = [RESULTS[name](graph(flow, files)).GetValue() for name in names]
    nodes, results = start(names, flow, files)
    own_loop = names[0].endswith(" a")
    try:
        results[0].GetValue()
        outcomes = ["wrong: not refused"] if own_loop else [judge([results[0].GetValue()], expected[:1])]
    except Exception as error:
        outcomes = [refused(error)]
    seen, refusal = list(ROOT.SharedUpstream.values), str(ROOT.SharedUpstream.refusal)
    outcomes.append(f"wrong: saw {seen}" if expected[-1] in seen or not refusal else "refused: " + refusal)
    if not own_loop:  # what was refused waits
        outcomes.append(judge([results[1].GetValue()], expected[1:]))
    return [*outcomes, judge([RESULTS[name](nodes).GetValue() for name in names], expected)]


def callbacks_at_the_same_time(flow: str, files: list[str]) -> list[str]:
    """Two callbacks, in two threads, ask for results of FlashSim nodes of one upstream graph, some of them at once."""
    expected = RESULTS["mean of b"](graph(flow, files)).GetValue()
    nodes, _ = start([], flow, files)
    counts = [nodes["a"].Count(), nodes["a"].Filter("foldIndex >= 0").Count()]
    for count in counts:
        others = [nodes["gen"].FlashSim(flow, fold_size=3, seed=2, chunk_size=50, block_size=50) for _ in range(10)]
        ROOT.SharedUpstream.AskOneByOne(count, [ROOT.RDF.AsRNode(other) for other in others], 11)
    n_reco = 2 * RESULTS["events of gen"](graph(flow, files)).GetValue()
    outcomes = [judge([count.GetValue() for count in counts], [n_reco, n_reco])]
    seen = list(ROOT.SharedUpstream.values)
    outcomes.append(judge(seen, [expected] * len(seen)) if seen else "wrong: nothing seen")
    if refusal := str(ROOT.SharedUpstream.refusal):
        outcomes.append(f"refused: {refusal}")
    return [*outcomes, judge([RESULTS["mean of b"](nodes).GetValue()], [expected])]


def main() -> None:
    threads, flow, *files = sys.argv[1:]
    if int(threads) > 1:
        ROOT.EnableImplicitMT(int(threads))
    for case in RUN_GRAPHS:
        for outcome in run_graphs(case, flow, files):
            print(f"RunGraphs of {case}: {outcome}", flush=True)
    for run, cases in ((callbacks, CALLBACKS), (refused_callbacks, REFUSED_CALLBACKS)):
        for names in cases:
            for outcome in run(names, flow, files):
                print(f"{' asks for '.join(names)}: {outcome}", flush=True)
    for outcome in callbacks_at_the_same_time(flow, files):
        print(f"{AT_THE_SAME_TIME}: {outcome}", flush=True)


if __name__ == "__main__":
    main()
