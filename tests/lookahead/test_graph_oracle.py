"""Random graphs around FlashSim: each result is the same as alone, with any others booked and read in any order.

The expected value of a result upstream of FlashSim is that of a fresh dataframe on which it is booked and read alone.
That of a result behind FlashSim is that of plain ROOT on a file of the same RECO events, alone too: an entry sees what
it would see if it were read from a file. `FLASHSIM_EXAMPLES=5000` makes a long run, of other graphs each time.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
import ROOT
from hypothesis import HealthCheck, given, settings

import tiny_flows
from gen_events import snapshot
from graph_plans import SIMULATIONS, Plan, Result, cuts_of, plans, simulation_of, split, step_named
from graph_results import KINDS, check_equal, value_of

EXAMPLES = int(os.environ.get("FLASHSIM_EXAMPLES", "0"))
N_GEN = 100
RECO_COLUMNS = ["nJet", "Jet_pt", "Jet_nConstituents", "Jet_isTight", "foldIndex", "genEvent", "foldSize"]
GEN_COLUMNS = ["run", "luminosityBlock", "event", "quality", "genWeight", "extra"]
GEN_COLUMNS += [f"GenJet_{variable}" for variable in ("pt", "eta", "phi", "mass")]


@cache
def gen_events():
    """100 events with up to five jets, in memory."""

    def spread(name: str, low: int, high: int) -> tuple[str, str]:
        expression = f"""
        ROOT::RVecF values((rdfentry_ * 7 + 3) % 11 % 6);
        for (std::size_t i = 0; i < values.size(); ++i)
           values[i] = {low} + std::fmod({high - low} * 0.6180339887 * (rdfentry_ * 8 + i + 1), {high - low});
        return values;"""
        return name, expression

    df = ROOT.RDataFrame(N_GEN)
    for name, expression in (
        ("run", "1u"),
        ("luminosityBlock", "unsigned(rdfentry_ / 30 + 1)"),
        ("event", "ULong64_t(1000 + 7 * rdfentry_)"),
        ("quality", "int(rdfentry_ * 5 % 8)"),
        ("genWeight", "float(rdfentry_ % 4 ? 0.75 : -0.3)"),
        ("extra", "float(0.1 * rdfentry_)"),
        spread("GenJet_pt", 20, 55),
        spread("GenJet_eta", -2, 2),
        spread("GenJet_phi", -3, 3),
        spread("GenJet_mass", 1, 15),
    ):
        df = df.Define(name, expression)
    return df


class Oracle:
    """Datasets, and the value of each result booked alone on them."""

    def __init__(self, folder: Path, flow: str):
        self.flow = flow
        self.later = tiny_flows.write_smearing_flow(folder / "later.onnx", name="later", source="Jet", collection="Tau")
        self.tree = snapshot(gen_events(), folder / "tree.root", GEN_COLUMNS, cluster=17)
        whole = ROOT.RDataFrame("Events", self.tree)
        self.files = {
            "TTree": [self.tree],
            # Not alphabetical: the order of the chain is the user's.
            "TChain": [
                snapshot(whole.Range(0, 41), folder / "the_first.root", GEN_COLUMNS, cluster=10),
                snapshot(whole.Range(41, N_GEN), folder / "second.root", GEN_COLUMNS, cluster=25),
            ],
            "RNTuple": [snapshot(whole, folder / "ntuple.root", GEN_COLUMNS, ntuple=True)],
        }
        self.simulated = {
            name: snapshot(self.simulate(whole, name), folder / f"{name}.root", RECO_COLUMNS + GEN_COLUMNS)
            for name in SIMULATIONS
        }
        self._expected: dict[tuple, object] = {}

    def simulate(self, node, name: str, chunk_size: int = 0):
        arguments = SIMULATIONS[name]
        # A block is a few events, so that a slot changes blocks within a chunk.
        return node.FlashSim(self.flow, arguments.fold_size, arguments.seed, chunk_size=chunk_size, block_size=20)

    def simulate_later_stage(self, node, chunk_size: int = 0):
        """The RECO events once more, each with objects of a later stage: other columns stay as they are."""
        context = {"eta": "0.01f * Jet_nConstituents"}
        return node.FlashSim(self.later, context=context, chunk_size=chunk_size, block_size=20)

    def expected(self, result: Result, plan: Plan):
        """The value of the result alone, by one thread; its rows in the order of the plan's threads."""
        key = (result, plan.source, plan.threads > 1)
        if key not in self._expected:
            name = simulation_of(result.path)
            node = ROOT.RDataFrame("Events", self.simulated[name] if name else self.tree)
            for step in map(step_named, result.path):
                if step and step.alone:
                    node = step.alone(node, "genEvent" if name else "rdfentry_", plan.source)
                elif step:
                    node = step.apply(node)
            handle = KINDS[result.kind].book(node, result.column)
            value = value_of_result(result, handle, plan.threads)
            if name and result.kind == "Report":  # filters before FlashSim are told in GEN events
                before = self.expected(Result(split(result.path)[0], "Report", ""), plan)
                value |= {cut: before[cut] for cut in value.keys() & before.keys()}
            self._expected[key] = value
        return self._expected[key]


def value_of_result(result: Result, handle, threads: int):
    value = value_of(result.kind, handle, threads=threads)
    return {cut: value[cut] for cut in cuts_of(result.path)} if result.kind == "Report" else value


@pytest.fixture(scope="module")
def oracle(tmp_path_factory, tiny_flow):
    folder = tmp_path_factory.mktemp("oracle")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # snapshots are written there
        yield Oracle(folder, tiny_flow)


class Frame:
    """A dataframe whose nodes are made when the first result needs them."""

    def __init__(self, oracle: Oracle, plan: Plan, has_later_stage: bool):
        self.oracle, self.plan, self.has_later_stage = oracle, plan, has_later_stage
        self.nodes = {(): ROOT.RDataFrame("Events", oracle.files[plan.source])}

    def node(self, path: tuple[str, ...]):
        if path not in self.nodes:
            parent, step = self.node(path[:-1]), path[-1]
            if step in SIMULATIONS:
                node = self.oracle.simulate(parent, step, self.plan.chunk_size)
                if self.has_later_stage:
                    node = self.oracle.simulate_later_stage(node.Define("between", "Jet_pt"), self.plan.chunk_size)
            else:
                node = step_named(step).apply(parent)
            self.nodes[path] = node
        return self.nodes[path]

    def book(self, result: Result):
        return KINDS[result.kind].book(self.node(result.path), result.column)

    def fail(self, simulation: str, path: tuple[str, ...]) -> bool:
        """Runs an event loop that an exception ends, if it comes so far."""
        node = self.node(path[: path.index(simulation) + 1])
        result = node.Define("late", "GraphPlans::ThrowFrom(genEvent, 60)").Sum("late")
        try:
            result.GetValue()
        except Exception as error:
            assert "no luck" in str(error)
            return True
        return False


def run(oracle: Oracle, plan: Plan, has_later_stage: bool = False) -> None:
    """Runs the plan, and compares."""
    expected = [oracle.expected(result, plan) for result in plan.results]
    if plan.threads > 1:
        ROOT.EnableImplicitMT(plan.threads)
    try:
        frame = Frame(oracle, plan, has_later_stage)
        handles, have_run = {}, set()
        for action, i in plan.actions:
            result = plan.results[i]
            simulation = simulation_of(result.path)
            if action == "book":
                handles[i] = frame.book(result)
            elif action == "fail":
                if frame.fail(simulation, result.path):
                    for other in set(handles) - have_run:
                        if simulation_of(plan.results[other].path) == simulation:
                            del handles[other]
            elif i in handles:
                have_run |= {other for other in handles if simulation_of(plan.results[other].path) == simulation}
                value = value_of_result(result, handles[i], plan.threads)
                check_equal(value, expected[i], threads=plan.threads, label=str(result))
    finally:
        if plan.threads > 1:
            ROOT.DisableImplicitMT()


def on_plans(examples: int):
    """Runs a test on that many plans, the same each time, or on FLASHSIM_EXAMPLES others."""
    chosen = settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: pytest.mark.slow(chosen(given(plan=plans())(test)))


@on_plans(40)
def test_each_result_is_what_it_is_alone(oracle, plan):
    run(oracle, plan)


@on_plans(20)
def test_a_later_stage_between_changes_no_result(oracle, plan):
    run(oracle, plan, has_later_stage=True)
