"""Random graphs around FlashSim: which steps, which results, in which order they are booked and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ROOT
from hypothesis import strategies as st

from graph_results import COLLECTION, INTEGER, KINDS, NUMBER

ROOT.gInterpreter.Declare("""
#include <ROOT/RDataFrame.hxx>
#include <ROOT/RVec.hxx>
#include <algorithm>
#include <stdexcept>

namespace GraphPlans {

// Functions that spoil their argument in place, as an analyst's C++ may do.
float FirstThenDouble(ROOT::RVecF &values)
{
   const float first = values.empty() ? -1.f : values[0];
   for (auto &value : values)
      value *= 2;
   return first;
}
float FirstThenSort(ROOT::RVecF &values)
{
   const float first = values.empty() ? -5.f : values[0];
   std::sort(values.begin(), values.end());
   return first;
}
bool StartsBelowThenShift(ROOT::RVecF &values, float limit)
{
   const bool isBelow = !values.empty() && values[0] < limit;
   for (auto &value : values)
      value += 100;
   return isBelow;
}

ROOT::RDF::RNode DefineCompiled(ROOT::RDF::RNode node)
{
   return node.Define("half", [](float weight) { return 0.5f * weight; }, {"genWeight"});
}
ROOT::RDF::RNode FilterCompiled(ROOT::RDF::RNode node)
{
   return node.Filter([](int quality) { return quality > 1; }, {"quality"});
}
int ThrowFrom(ULong64_t event, ULong64_t limit)
{
   if (event >= limit)
      throw std::runtime_error("no luck");
   return 1;
}

} // namespace GraphPlans
""")

Path = tuple[str, ...]
"""A node: the names of the steps from the head to it."""


@dataclass(frozen=True)
class Step:
    """Makes a node of another."""

    apply: Callable[[Any], Any]
    adds: tuple[tuple[str, str], ...] = ()
    """Columns that it defines: name and kind of value."""
    spoils: bool = False
    """Whether it changes, in place, a GEN column that no other node reads."""
    needs_one_thread: bool = False
    only_first: bool = False
    varies: bool = False
    cut: str = ""
    """Name of the filter, if it has one."""
    alone: Callable[[Any, str, str], Any] | None = None
    """How the same is said of rows of one file: of the node, the column of entry numbers, and the source that the
    result was booked on. By default as `apply` does."""


@dataclass(frozen=True)
class Simulation:
    """Arguments of a FlashSim node, beside the flow and the size of the chunks."""

    fold_size: int
    seed: int


SIMULATIONS = {"simulate": Simulation(3, 1), "simulate again": Simulation(2, 2)}

HEAD_COLUMNS = (("quality", INTEGER), ("genWeight", NUMBER), ("GenJet_mass", COLLECTION))


def _per_sample(node: Any, entry: str, source: str) -> Any:
    """The chain's second file begins at entry 41."""
    return node.Define("sampleWeight", f"{entry} < 41 ? 2.f : 3.f" if source == "TChain" else "2.f")


PER_SAMPLE = Step(
    lambda node: node.DefinePerSample("sampleWeight", 'rdfsampleinfo_.Contains("second.root") ? 3.f : 2.f'),
    (("sampleWeight", NUMBER),),
    alone=_per_sample,
)

UPSTREAM = {
    "define": Step(lambda node: node.Define("hardest", "GenJet_pt.empty() ? 0.f : Max(GenJet_pt)"),
                   (("hardest", NUMBER),)),
    "count": Step(lambda node: node.Define("nSoft", "int(Sum(GenJet_pt < 30.f))"), (("nSoft", INTEGER),)),
    "filter": Step(lambda node: node.Filter("event % 3 != 0")),
    "two GEN jets": Step(lambda node: node.Filter("GenJet_pt.size() > 1", "two GEN jets"), cut="two GEN jets"),
    "filter named Range": Step(lambda node: node.Filter("quality < 6", "Range"), cut="Range"),
    "redefine": Step(lambda node: node.Redefine("genWeight", "genWeight * 2.f")),
    "vary": Step(lambda node: node.Vary("extra", "ROOT::RVecF{extra - 1, extra + 1}", 2, "shift"),
                 (("extra", NUMBER),), varies=True),
    "range": Step(lambda node: node.Range(11, 67), needs_one_thread=True, only_first=True,
                  alone=lambda node, entry, source: node.Filter(f"{entry} >= 11 && {entry} < 67")),
    "alias": Step(lambda node: node.Alias("weight", "genWeight"), (("weight", NUMBER),)),
    "compiled define": Step(lambda node: ROOT.GraphPlans.DefineCompiled(ROOT.RDF.AsRNode(node)), (("half", NUMBER),)),
    "compiled filter": Step(lambda node: ROOT.GraphPlans.FilterCompiled(ROOT.RDF.AsRNode(node))),
    "per sample": PER_SAMPLE,
}  # fmt: skip

DOWNSTREAM = {
    "two jets": Step(lambda node: node.Filter("nJet > 1", "two jets"), cut="two jets"),
    "later in the fold": Step(lambda node: node.Filter("foldIndex > 0")),
    "leading": Step(lambda node: node.Define("leading", "nJet > 0 ? Jet_pt[0] : -1.f"), (("leading", NUMBER),)),
    "vary jets": Step(lambda node: node.Vary("Jet_pt", "ROOT::RVec<ROOT::RVecF>{Jet_pt * 0.9f, Jet_pt * 1.1f}",
                                             ["down", "up"], "scale"), varies=True),
    "double pt": Step(lambda node: node.Define("firstPt", "GraphPlans::FirstThenDouble(GenJet_pt)"),
                      (("firstPt", NUMBER),), spoils=True),
    "sort eta": Step(lambda node: node.Define("firstEta", "GraphPlans::FirstThenSort(GenJet_eta)"),
                     (("firstEta", NUMBER),), spoils=True),
    "filter phi": Step(lambda node: node.Filter("GraphPlans::StartsBelowThenShift(GenJet_phi, 1.f)"), spoils=True),
    "first rows": Step(lambda node: node.Range(31), needs_one_thread=True),
    "per sample behind": PER_SAMPLE,
}  # fmt: skip

JETS = (("nJet", INTEGER), ("foldIndex", INTEGER), ("Jet_pt", COLLECTION))


@dataclass(frozen=True)
class Result:
    """A result to be booked on a node."""

    path: Path
    kind: str
    column: str

    @property
    def is_simulated(self) -> bool:
        return simulation_of(self.path) is not None


@dataclass(frozen=True)
class Plan:
    """A graph, and the steps on it, in order: `("book", i)` and `("read", i)` of result i, and `("fail", i)`: an
    exception ends an event loop over the entries of its simulation, and its results that have not run are lost.
    """

    source: str
    threads: int
    chunk_size: int
    results: tuple[Result, ...]
    actions: tuple[tuple[str, int], ...]


def simulation_of(path: Path) -> str | None:
    return next((step for step in path if step in SIMULATIONS), None)


def step_named(name: str) -> Step | None:
    """None for a simulation."""
    return UPSTREAM.get(name) or DOWNSTREAM.get(name)


def cuts_of(path: Path) -> set[str]:
    """Names of the filters on the way to this node, as in its report. (The report of a head lists all of the graph.)

    Without those upstream of a simulation whose event loop the path may end early, before all GEN events are read.
    """
    before, behind = split(path)
    return {step_named(step).cut for step in (() if "first rows" in behind else before) + behind} - {""}


def split(path: Path) -> tuple[Path, Path]:
    """The nodes before the simulation, and those behind it; without one, all are before."""
    name = simulation_of(path)
    return (path[: path.index(name)], path[path.index(name) + 1 :]) if name else (path, ())


def _columns(path: Path) -> list[tuple[str, str]]:
    """Columns that a result on this node may read."""
    simulated = simulation_of(path)
    columns = list(HEAD_COLUMNS)
    for name in path:
        if name in SIMULATIONS:
            columns += JETS
        elif not (simulated and UPSTREAM.get(name) and UPSTREAM[name].varies):  # variations do not cross FlashSim
            columns += step_named(name).adds
    return columns


def _is_varied(path: Path) -> str | None:
    """The column that is varied, if one is."""
    if "vary jets" in path:
        return "leading" if "leading" in path[path.index("vary jets") :] else "Jet_pt"
    return "extra" if "vary" in path and not simulation_of(path) else None


def _choices(path: Path, *, threads: int, only_jitted: bool) -> list[tuple[str, str]]:
    """Kinds and columns of the results that a node can have."""
    choices = []
    for name, kind in KINDS.items():
        if (kind.is_compiled and only_jitted) or (kind.needs_one_thread and threads > 1):
            continue
        if kind.stops_the_loop and {"range", "first rows"} & set(path):
            continue
        if not kind.takes:
            choices.append((name, ""))
            continue
        for column, holds in _columns(path):
            if holds in kind.takes and (not kind.needs_variations or column == _is_varied(path)):
                choices.append((name, column))
    return choices


@st.composite
def plans(draw) -> Plan:
    """Graphs with one or two FlashSim nodes, results before and behind them, booked and read in any order."""
    threads = draw(st.sampled_from([1, 2]))
    upstream: list[Path] = [()]
    for _ in range(draw(st.integers(0, 3))):
        upstream.append(_extend(draw, upstream, UPSTREAM, threads))
    simulated = [
        (*draw(st.sampled_from(upstream)), name) for name in SIMULATIONS if name == "simulate" or draw(st.booleans())
    ]
    for _ in range(draw(st.integers(0, 4))):
        simulated.append(_extend(draw, simulated, DOWNSTREAM, threads))

    # A single result that is compiled beforehand makes RDataFrame known as not having run; many graphs have none.
    only_jitted = draw(st.booleans())
    results = [_result(draw, upstream, threads, only_jitted) for _ in range(draw(st.integers(1, 4)))]
    results += [_result(draw, simulated, threads, False) for _ in range(draw(st.integers(1, 4)))]
    order = draw(st.permutations(range(len(results))))
    first = draw(st.integers(1, len(order)))  # so many are booked before one is read
    actions = [("book", i) for i in order[:first]]
    actions += [("read", i) for i in draw(st.permutations(order[:first])) if draw(st.integers(0, 3))]
    if draw(st.integers(0, 3)) == 0:
        actions.insert(draw(st.integers(first, len(actions))), ("fail", len(results) - 1))
    actions += [("book", i) for i in order[first:]]
    actions += [("read", i) for i in draw(st.permutations(order)) if draw(st.integers(0, 4))]
    return Plan(
        source=draw(st.sampled_from(["TTree", "TChain", "RNTuple"])),
        threads=threads,
        chunk_size=draw(st.sampled_from([0, 9, 20, 45])),
        results=tuple(results),
        actions=tuple(actions),
    )


def _result(draw, nodes: list[Path], threads: int, only_jitted: bool) -> Result:
    path = draw(st.sampled_from(nodes))
    return Result(path, *draw(st.sampled_from(_choices(path, threads=threads, only_jitted=only_jitted))))


def _extend(draw, nodes: list[Path], steps: dict[str, Step], threads: int) -> Path:
    path = draw(st.sampled_from(nodes))
    same_graph = [node for node in nodes if simulation_of(node) == simulation_of(path)]
    possible = [
        name
        for name, step in steps.items()
        if name not in path
        and not (step.needs_one_thread and threads > 1)
        and not (step.only_first and path)
        and not (step is PER_SAMPLE and "per sample" in path)
        # A file would be spoilt once for each entry of one event loop, so only one node may spoil.
        and not (step.spoils and any(name in node for node in same_graph))
    ]
    return (*path, draw(st.sampled_from(possible)))
