"""flashsim.progress: numbers of a watched event loop, where they are shown, and Ctrl-C."""

from __future__ import annotations

import io
import itertools
import re
import subprocess
import sys
import types

import pytest
import ROOT
from rich.console import Console

import flashsim
import tiny_flows
from flashsim.rdataframe import progress_display
from flashsim.rdataframe.progress_display import Line

progress_module = sys.modules["flashsim.rdataframe.progress"]
MODEL = ("h", "", 2, 0.0, 100.0)


@pytest.fixture(autouse=True)
def nothing_waits():
    yield
    progress_module.waiting.clear()


def make_gen(entries: int = 240):
    df = ROOT.RDataFrame(entries).Define("event", "rdfentry_")
    return df.Define("GenJet_pt", "ROOT::RVecF(1, 50)").Define("GenJet_eta", "ROOT::RVecF(1)")


@pytest.fixture
def shown(monkeypatch) -> list[list[Line]]:
    """All that a display is given."""
    updates: list[list[Line]] = []

    class Recorder:
        def update(self, lines):
            updates.append(list(lines))

        def stop(self):
            updates.append([])

    monkeypatch.setattr(progress_module, "make_display", Recorder)
    return updates


WAYS = {
    "GetValue": lambda sim, _: sim.Count().GetValue(),
    "an attribute": lambda sim, _: sim.Histo1D(MODEL, "Jet_pt").GetMean(),
    "AsNumpy": lambda sim, _: sim.AsNumpy(["foldIndex"]),
    "RunGraphs": lambda sim, _: ROOT.RDF.RunGraphs([sim.Count(), make_gen().Count()]),
    "Snapshot": lambda sim, path: sim.Snapshot("Events", path, ["foldIndex"]),
    "flashsim.snapshot": lambda sim, path: flashsim.snapshot(sim, "Events", path, ["foldIndex"]),
    "variations": lambda sim, _: ROOT.RDF.Experimental.VariationsFor(
        sim.Define("x", "1.f").Vary("x", "ROOT::RVecF{0, 2}", 2).Sum("x")
    )["nominal"],
}


@pytest.mark.parametrize("way", WAYS)
def test_the_next_event_loop_is_shown_to_its_end(way, shown, tiny_flow, tmp_path):
    sim = make_gen().Filter("event % 2 == 0").FlashSim(tiny_flow, fold_size=3)
    assert flashsim.progress(sim) is sim
    assert not shown
    WAYS[way](sim, str(tmp_path / "out.root"))
    (line,) = shown[-2]
    assert line.description == "GEN → RECO"
    assert line.is_finished
    assert line.fraction == 1
    assert line.text.startswith("240/240 GEN, 360 RECO events")
    number = len(shown)
    assert sim.Count().GetValue() == 360
    assert len(shown) == number, "a second loop is not shown"


@pytest.mark.parametrize("source", ["TTree", "TChain", "RNTuple", "empty"])
def test_any_dataframe(source, gen_files, shown, threads):
    df = ROOT.RDataFrame(240) if source == "empty" else ROOT.RDataFrame("Events", gen_files[source])
    assert flashsim.progress(df.Filter("rdfentry_ % 2 == 1"), "all").Count().GetValue() == 120
    (line,) = shown[-2]
    assert (line.description, line.fraction, line.is_finished) == ("all", 1, True)
    assert line.text.startswith("240 events")


def test_results_are_those_of_an_unwatched_loop(gen_dataset, tiny_flow, threads, shown):
    def book(node):
        sim = node.FlashSim(tiny_flow, fold_size=3)
        return sim, sim.OversampledTH1D(("h", "", 20, 0, 200), "Jet_pt", covariance=True)

    _, alone = book(ROOT.RDataFrame("Events", gen_dataset))
    sim, watched = book(ROOT.RDataFrame("Events", gen_dataset))
    flashsim.progress(sim)
    assert watched.values().tolist() == pytest.approx(alone.values().tolist(), rel=1e-14)
    assert watched.variances().tolist() == pytest.approx(alone.variances().tolist(), rel=1e-14)
    assert shown


def test_numbers_rise_to_the_end(shown, tiny_flow, monkeypatch):
    """GEN events are those of chunks that are done and the part of the one at hand, filtered ones included."""
    monkeypatch.setattr(progress_module, "_PERIOD", 0.0)
    sim = make_gen(3000).Filter("event % 3 == 0").FlashSim(tiny_flow, fold_size=2, chunk_size=300, block_size=16)
    flashsim.progress(sim).Count().GetValue()
    found = [re.match(r"([\d ]+)/([\d ]+) GEN, ([\d ]+) RECO", lines[0].text).groups() for lines in shown if lines]
    numbers = [[int(number.replace(" ", "")) for number in row] for row in found]
    assert numbers[-1] == [3000, 3000, 2000]
    for before, after in itertools.pairwise(numbers):
        assert before[0] <= after[0] <= 3000
        assert before[2] <= after[2]
    for done, _, events in numbers:
        assert abs(done - 1.5 * events) <= 302  # a chunk may be begun, and its numbers not yet all set


def test_two_dataframes(shown, tiny_flow):
    sims = [flashsim.progress(make_gen(n).FlashSim(tiny_flow), f"of {n}") for n in (60, 90)]
    assert sims[1].Count().GetValue() == 90
    assert [line.description for line in shown[-2]] == ["of 90"]
    assert sims[0].Count().GetValue() == 60
    assert [line.description for line in shown[-2]] == ["of 60"]


def test_both_in_one_call(shown, tiny_flow):
    sims = [flashsim.progress(make_gen(n).FlashSim(tiny_flow), f"of {n}") for n in (60, 90)]
    assert ROOT.RDF.RunGraphs([sim.Count() for sim in sims]) == 2
    assert sorted(line.description for line in shown[-2] if line.is_finished) == ["of 60", "of 90"]


def test_total_is_the_callers(shown):
    flashsim.progress(ROOT.RDataFrame(100).Range(20), total=20).Count().GetValue()
    assert shown[-2][0].fraction == 1


def test_an_event_loop_that_fails_is_shown_again(shown, tiny_flow):
    ill = make_gen().Redefine("GenJet_pt", "event == 200 ? GenJet_pt * NAN : GenJet_pt")
    sim = flashsim.progress(ill.FlashSim(tiny_flow, chunk_size=100, block_size=10))
    with pytest.raises(RuntimeError, match=r"^in entry 200, context variable 'pt'"):
        sim.Histo1D(MODEL, "Jet_pt").GetValue()
    assert not shown[-2][0].is_finished
    assert sim.Sum("foldIndex").GetValue() == 0
    assert shown[-2][0].is_finished
    assert shown[-2][0].text.startswith("240/240 GEN, 240 RECO events")


def test_ready_results_start_nothing(shown, tiny_flow):
    count = make_gen().FlashSim(tiny_flow).Count()
    count.GetValue()
    flashsim.progress(make_gen())
    assert count.GetValue() == 240
    assert not shown


@pytest.mark.parametrize("source", ["TTree", "TChain", "RNTuple", "empty"])
def test_the_progress_bar_of_root_counts(source, gen_files, tiny_flow, threads, capfd):
    """It takes its numbers from the samples, which cross the look-ahead."""
    df = make_gen() if source == "empty" else ROOT.RDataFrame("Events", gen_files[source])
    sim = df.FlashSim(tiny_flow, fold_size=3, chunk_size=50)
    ROOT.RDF.Experimental.AddProgressBar(sim)
    assert sim.Count().GetValue() == 720
    assert "processed events: 720 " in capfd.readouterr().out


def test_distributed_nodes_are_refused():
    from serial_backend import Serial

    with pytest.raises(TypeError, match="Dask and Spark show"):
        flashsim.progress(Serial().make_dataframe(3))


# ---------------------------------------------------------------------------------------------- displays

UPDATES = [
    [Line("gen", "10/40 GEN", 0.25)],
    [Line("gen", "20/40 GEN", 0.5), Line("other", "3 events", None)],
    [Line("gen", "40/40 GEN", 1.0, True), Line("other", "7 events", None, True)],
]


def show(display) -> None:
    for lines in UPDATES:
        display.update(lines)
    display.stop()


def test_terminal(monkeypatch):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    monkeypatch.setattr(progress_display, "Console", lambda **_: console)
    show(progress_display.make_display())
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    last = text.splitlines()[-2:]
    assert re.fullmatch(r"\s*gen\s+━+ 40/40 GEN\s*", last[0].split("\r")[-1])
    assert re.fullmatch(r"\s*other ━+ 7 events\s*", last[1].split("\r")[-1])


def test_log(capsys, monkeypatch):
    """No terminal: one line when a loop has ended, and others every ten seconds."""
    times = iter([0, 11, 11, 12, 30, 30])
    # The name in the module alone: the clock is also that of a cluster's client in this process.
    monkeypatch.setattr(progress_display, "time", types.SimpleNamespace(monotonic=lambda: next(times)))
    display = progress_display._Log()
    display.update(UPDATES[0])
    display.update([Line("gen", "11/40 GEN", 0.275)])
    display.update(UPDATES[2])
    assert capsys.readouterr().err.splitlines() == ["gen: 25%, 10/40 GEN", "gen: 40/40 GEN", "other: 7 events"]


def test_notebook(monkeypatch):
    """One output, which is replaced, without any package but IPython."""
    cell = []

    class Handle:
        def update(self, content, raw):
            assert raw
            cell[-1] = content["text/plain"]

    def display(content, raw, display_id):
        assert raw
        assert display_id
        cell.append(content["text/plain"])
        return Handle()

    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display))
    monkeypatch.setattr(progress_display, "Console", lambda **_: types.SimpleNamespace(is_jupyter=True))
    show(progress_display.make_display())
    assert cell == [f"gen |{'█' * 24}| 40/40 GEN\nother |{'█' * 24}| 7 events"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.26, "0.3 s"), (59.4, "59 s"), (61, "1:01"), (3 * 3600 + 62, "3:01:02")]
)
def test_durations(seconds, text):
    assert progress_module._duration(seconds) == text


# ---------------------------------------------------------------------------------------------- Ctrl-C

CODE = """
import os, signal, sys, threading, time
import ROOT, flashsim
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background inherits as ignored
if int(sys.argv[2]) > 1:
    ROOT.EnableImplicitMT(int(sys.argv[2]))
df = ROOT.RDataFrame(1 << 40).Define("GenJet_pt", "ROOT::RVecF(1, 50)").Define("GenJet_eta", "ROOT::RVecF(1)")
if sys.argv[3] == "sim":
    df = df.FlashSim(sys.argv[1], chunk_size=1000)
watch = flashsim.progress(df) and flashsim.progress.__globals__["waiting"][0]
pressed = []

def press():
    while watch.look(time.monotonic()) is None:
        time.sleep(0.05)
    pressed.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=press).start()
try:
    df.Sum("GenJet_pt").GetValue()
except KeyboardInterrupt:
    print("INTERRUPTED", time.monotonic() - pressed[0] < 2, threading.active_count())
"""


@pytest.mark.slow
@pytest.mark.parametrize("graph", ["sim", "gen"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c(graph, n_threads, tmp_path):
    flow = tiny_flows.write_smearing_flow(tmp_path / "flow.onnx")
    command = [sys.executable, "-W", "ignore", "-c", CODE, flow, str(n_threads), graph]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert "INTERRUPTED True 1" in ended.stdout, ended
