"""Productions: any number of jobs, interruptions of every kind, and their continuation."""

from __future__ import annotations

import dataclasses
import functools
import json
import multiprocessing
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from flashsim.generation import PROCESSES, generate
from flashsim.generation.columns import Block, simulate_block
from flashsim.generation.production import parts, production, workers
from flashsim.generation.production.part_folder import RECORD, PartFolder
from flashsim.generation.production.parts import Settings
from flashsim.generation.writer import EventWriter, merge

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

BLOCK_EVENTS = 10
PART_BLOCKS = 2
PART_EVENTS = BLOCK_EVENTS * PART_BLOCKS


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(production, "BLOCK_EVENTS", BLOCK_EVENTS)
    monkeypatch.setattr(production, "PART_BLOCKS", PART_BLOCKS)


@pytest.fixture(scope="module")
def genuine(tmp_path_factory):
    """A production of forty events that nothing disturbed, in one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(production, "BLOCK_EVENTS", BLOCK_EVENTS)
        patch.setattr(production, "PART_BLOCKS", PART_BLOCKS)
        return produce(tmp_path_factory.mktemp("genuine") / "genuine.root", events=40)


@functools.cache
def genuine_block(process, events):
    return simulate_block(process, seed=1, block=0, first_event=1, events=events)


class Simulation:
    """Blocks at once: events of one genuine block, with numbers and weights that differ between blocks and seeds."""

    def __init__(self):
        self.blocks = []
        self.fails_at = None
        self.error = RuntimeError("the simulation failed")

    def __call__(self, process, seed, block, first_event, events):
        if block == self.fails_at:
            raise self.error
        self.blocks.append(block)
        columns = dict(genuine_block(process, events).columns)
        columns["luminosityBlock"] = np.full(events, block + 1, np.uint32)
        columns["event"] = np.arange(first_event, first_event + events, dtype=np.uint64)
        columns["genWeight"] = np.full(events, seed + block / 16, np.float32)
        return Block(events, columns)


@pytest.fixture
def simulation(small_parts, monkeypatch):
    replacement = Simulation()
    monkeypatch.setattr(workers, "simulate_block", replacement)
    return replacement


def produce(output, **changes):
    return generate(output, **({"process": "zjets", "seed": 6, "jobs": 1, "progress": False} | changes))


def interrupted(simulation, output, block, **changes):
    """Start a production that fails at some block; returns its folder."""
    simulation.fails_at = block
    with pytest.raises(RuntimeError, match="the simulation failed"):
        produce(output, **changes)
    simulation.fails_at = None
    simulation.blocks.clear()
    return output.with_name(f"{output.name}.parts")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


class TestJobs:
    @pytest.mark.generation
    @pytest.mark.parametrize("unit", ["events", "jets"])
    def test_same_file_for_two_jobs(self, tmp_path, genuine, small_parts, capfd, unit):
        output = tmp_path / "out.root"
        made = produce(output, **{unit: getattr(genuine, unit)}, jobs=2, progress=True)
        assert output.read_bytes() == genuine.path.read_bytes()
        assert dataclasses.replace(made, path=genuine.path, seconds=genuine.seconds) == genuine
        shown = capfd.readouterr()
        bar, details = ("40/40", f"{made.jets} jets") if unit == "events" else (f"{made.jets}/{made.jets}", "40 events")
        assert bar in shown.err and details in shown.err and "events/s" in shown.err
        assert shown.out == ""
        assert names(tmp_path) == ["out.root"]
        assert not [child for child in multiprocessing.active_children() if child.name.startswith("Spawn")]

    @pytest.mark.generation
    def test_events_are_numbered(self, genuine):
        events = uproot.open(genuine)["Events"].arrays()
        assert events.event.to_list() == list(range(1, 41))
        assert ak.to_list(ak.run_lengths(events.luminosityBlock)) == [10, 10, 10, 10]
        assert genuine.jets == ak.sum(events.nGenJet) and genuine.sum_of_weights == 40.0
        assert genuine.events == 40 and genuine.resumed_events == 0

    @pytest.mark.generation
    def test_seeds_and_blocks_differ(self, tmp_path, genuine, small_parts):
        other = produce(tmp_path / "out.root", events=10, seed=7)
        pt, other_pt = (uproot.open(made)["Events"]["GenPart_pt"].array() for made in (genuine, other))
        blocks = [ak.to_list(part) for part in (other_pt, pt[:10], pt[10:20], pt[20:30])]
        assert all(blocks[i] != blocks[j] for i in range(4) for j in range(i))

    @pytest.mark.generation
    def test_error_of_a_worker_arrives(self, tmp_path, small_parts, monkeypatch):
        broken = dataclasses.replace(PROCESSES["ttbar"], name="broken", settings=("Top:noSuchThing = on",))
        monkeypatch.setitem(PROCESSES, "broken", broken)
        with pytest.raises(RuntimeError, match=r"process broken: Pythia rejects the setting 'Top:noSuchThing = on'"):
            produce(tmp_path / "out.root", process="broken", events=40, jobs=2)
        assert not list(tmp_path.iterdir())


class TestInterruption:
    EVENTS = 5 * PART_EVENTS - 3

    @pytest.fixture
    def whole(self, tmp_path, simulation):
        """The bytes of a production that nothing interrupts."""
        produce(tmp_path / "whole.root", events=self.EVENTS)
        simulation.blocks.clear()
        return (tmp_path / "whole.root").read_bytes()

    def test_goes_on_where_it_was(self, tmp_path, simulation, whole, capfd):
        output = tmp_path / "out.root"
        output.write_text("precious")
        folder = interrupted(simulation, output, 7, events=self.EVENTS)
        assert names(folder) == ["00000.root", "00001.root", "00002.root", RECORD]
        assert output.read_text() == "precious"
        made = produce(output, events=self.EVENTS, progress=True)
        assert simulation.blocks == [6, 7, 8, 9]
        assert output.read_bytes() == whole
        assert made.events == self.EVENTS and made.resumed_events == 3 * PART_EVENTS
        assert f"resumed: 3 parts with 60 events, {6 * sum_of_jets(10)} jets" in capfd.readouterr().err
        assert not folder.exists()

    def test_note_says_how_to_go_on(self, tmp_path, simulation):
        simulation.fails_at, simulation.error = 5, KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt) as caught:
            produce(tmp_path / "out.root", events=self.EVENTS)
        (note,) = caught.value.__notes__
        assert "2 finished parts of up to 20 events" in note and "out.root.parts" in note and "continue" in note

    def test_failure_before_the_first_part_leaves_nothing_behind(self, tmp_path, simulation):
        output = tmp_path / "out.root"
        output.write_text("precious")
        interrupted(simulation, output, 1, events=self.EVENTS)
        assert names(tmp_path) == ["out.root"] and output.read_text() == "precious"

    def test_interrupted_while_merging(self, tmp_path, simulation, whole, monkeypatch):
        def fails(self):
            raise OSError("is the disk full?")

        output = tmp_path / "out.root"
        with monkeypatch.context() as patch, pytest.raises(OSError, match="disk full"):
            patch.setattr(PartFolder, "make_output", fails)
            produce(output, events=self.EVENTS)
        simulation.blocks.clear()
        made = produce(output, events=self.EVENTS)
        assert output.read_bytes() == whole and simulation.blocks == []
        assert made.resumed_events == self.EVENTS and made.sum_of_weights > 0

    @pytest.mark.parametrize("part", [0, 2])
    @pytest.mark.parametrize(
        ("damage", "message"),
        [
            (lambda data: b"", "cannot be read"),
            (lambda data: data[: len(data) // 2], "cannot be read|size"),
            (lambda data: data[:-1], "size"),
            (lambda data: data[:3000] + bytes(500) + data[3500:], "cannot be read"),
        ],
        ids=["empty", "half", "one byte", "zeros"],
    )
    def test_damaged_part_is_made_anew(self, tmp_path, simulation, whole, capfd, part, damage, message):
        output = tmp_path / "out.root"
        folder = interrupted(simulation, output, 6, events=self.EVENTS)
        file = folder / f"0000{part}.root"
        file.write_bytes(damage(file.read_bytes()))
        produce(output, events=self.EVENTS, progress=True)
        assert simulation.blocks == [2 * part, 2 * part + 1, 6, 7, 8, 9]
        assert output.read_bytes() == whole
        shown = capfd.readouterr().err
        assert f"made anew: {file}" in shown and re.search(message, shown.replace("\n", " "))

    def test_parts_that_are_others(self, tmp_path, simulation, whole):
        output = tmp_path / "out.root"
        folder = interrupted(simulation, output, 6, events=self.EVENTS)
        other = interrupted(simulation, tmp_path / "other.root", 6, events=self.EVENTS, seed=7)
        (folder / "00000.root").write_bytes((folder / "00001.root").read_bytes())
        (folder / "00002.root").write_bytes((other / "00002.root").read_bytes())
        with EventWriter(folder / "00001.root", settings(events=self.EVENTS).title) as writer:
            writer.write(simulation(PROCESSES["zjets"], 6, 2, 21, 10))
        complaints = list(found(folder, events=self.EVENTS))
        assert [name in complaint for name, complaint in zip("012", complaints, strict=True)] == [True] * 3
        assert "not those from 1 on" in complaints[0] and "10 events, expected 20" in complaints[1]
        assert "not of a production" in complaints[2]
        simulation.blocks.clear()
        produce(output, events=self.EVENTS)
        assert simulation.blocks == list(range(10)) and output.read_bytes() == whole

    def test_leftovers_of_a_kill_are_removed(self, tmp_path, simulation, whole):
        output = tmp_path / "out.root"
        folder = interrupted(simulation, output, 4, events=self.EVENTS)
        (folder / ".flashsim-123.part").write_text("incomplete")
        interrupted(simulation, output, 5, events=self.EVENTS)
        assert names(folder) == ["00000.root", "00001.root", RECORD]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"seed": 7}, "seed was 6, now 7"),
            ({"process": "ttbar"}, "process was zjets, now ttbar"),
            ({"events": 200}, "events was 97, now 200"),
            ({"events": None, "jets": 97}, "events was 97, now None; jets was None, now 97"),
        ],
    )
    def test_other_settings_are_refused(self, tmp_path, simulation, changes, message):
        output = tmp_path / "out.root"
        folder = interrupted(simulation, output, 4, events=self.EVENTS)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        with pytest.raises(ValueError, match=message) as caught:
            produce(output, **({"events": self.EVENTS} | changes))
        assert "remove the folder, or choose another output" in str(caught.value)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before

    def test_other_version_is_refused(self, tmp_path, simulation, monkeypatch):
        output = tmp_path / "out.root"
        interrupted(simulation, output, 4, events=self.EVENTS)
        genuine = parts.version
        monkeypatch.setattr(parts, "version", lambda name: "9.9" if name == "pythia8mc" else genuine(name))
        with pytest.raises(ValueError, match=r"pythia8mc was 8\.\S+, now 9\.9"):
            produce(output, events=self.EVENTS)

    def test_begin_anew(self, tmp_path, simulation, whole):
        output = tmp_path / "out.root"
        interrupted(simulation, output, 4, events=self.EVENTS, seed=7)
        made = produce(output, events=self.EVENTS, resume=False)
        assert simulation.blocks == list(range(10)) and made.resumed_events == 0
        assert output.read_bytes() == whole

    def test_record_written_by_hand(self, tmp_path, simulation, whole):
        folder = interrupted(simulation, tmp_path / "out.root", 4, events=self.EVENTS)
        record = json.loads((folder / RECORD).read_text())
        del record["jets"]
        (folder / RECORD).write_text(json.dumps(record))
        produce(tmp_path / "out.root", events=self.EVENTS)
        assert simulation.blocks == [4, 5, 6, 7, 8, 9]

    @pytest.mark.parametrize("text", ["", "[1]", "{"])
    def test_broken_record(self, tmp_path, simulation, text):
        folder = interrupted(simulation, tmp_path / "out.root", 4, events=self.EVENTS)
        (folder / RECORD).write_text(text)
        with pytest.raises(ValueError, match=r"production\.json cannot be read"):
            produce(tmp_path / "out.root", events=self.EVENTS)
        assert (folder / "00001.root").exists()

    def test_folder_of_somebody_else(self, tmp_path, simulation):
        folder = tmp_path / "out.root.parts"
        folder.mkdir()
        (folder / "thesis.tex").write_text("precious")
        with pytest.raises(ValueError, match=r"has no production\.json"):
            produce(tmp_path / "out.root")
        assert names(folder) == ["thesis.tex"]

    def test_file_in_the_way(self, tmp_path, simulation):
        (tmp_path / "out.root.parts").write_text("precious")
        with pytest.raises(FileExistsError, match=r"out\.root\.parts is not a folder"):
            produce(tmp_path / "out.root")

    def test_two_at_once(self, tmp_path, simulation):
        with (
            PartFolder(tmp_path / "out.root", settings(events=1000)),
            pytest.raises(BlockingIOError, match=r"another process is producing into .*out\.root\.parts"),
        ):
            produce(tmp_path / "out.root")

    def test_full_disk(self, tmp_path, simulation, whole):
        """A limit on the size of files acts as a full disk does; parts are smaller than the merged file."""
        output = tmp_path / "out.root"
        folder = interrupted(simulation, output, 8, events=self.EVENTS)
        size = max(path.stat().st_size for path in folder.iterdir())
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        for limit, kept in ((size // 2, 4), (size + 2000, 5)):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
            try:
                with pytest.raises(OSError, match="disk full") as caught:
                    produce(output, events=self.EVENTS)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            assert f"{kept} finished parts" in caught.value.__notes__[0]
            assert len(names(folder)) == kept + 1 and not output.exists()
        produce(output, events=self.EVENTS)
        assert output.read_bytes() == whole


def settings(**changes):
    values = {"process": PROCESSES["zjets"], "seed": 6, "events": None, "jets": None}
    return Settings(**(values | changes), block_events=BLOCK_EVENTS, part_blocks=PART_BLOCKS)


def found(folder, **changes):
    with pytest.raises(KeyboardInterrupt), PartFolder(folder.with_suffix(""), settings(**changes)) as opened:
        yield from opened.find()
        raise KeyboardInterrupt  # so that the parts stay


def sum_of_jets(events):
    return int(genuine_block(PROCESSES["zjets"], events).columns["nGenJet"].sum())


class TestJets:
    """With blocks that all have the same jets, it is known where a production ends."""

    @pytest.mark.parametrize("blocks", [1, 2, 3, 4])
    @pytest.mark.parametrize("surplus", [0, -1])
    def test_ends_with_the_block_that_reaches_them(self, tmp_path, simulation, blocks, surplus):
        jets = sum_of_jets(BLOCK_EVENTS)
        made = produce(tmp_path / "out.root", jets=jets * blocks + surplus)
        assert made.events == BLOCK_EVENTS * blocks and made.jets == jets * blocks
        events = uproot.open(made)["Events"].arrays(["event", "nGenJet"])
        assert events.event.to_list() == list(range(1, made.events + 1)) and ak.sum(events.nGenJet) == made.jets
        # It is the file that asking for the events would have made.
        produce(tmp_path / "events.root", events=made.events)
        assert (tmp_path / "events.root").read_bytes() == (tmp_path / "out.root").read_bytes()

    @pytest.mark.parametrize("damaged", [None, 0, 1, 2])
    def test_goes_on_where_it_was(self, tmp_path, simulation, monkeypatch, damaged):
        """The parts of five blocks, all there, but one perhaps."""
        jets = 5 * sum_of_jets(BLOCK_EVENTS)
        produce(tmp_path / "whole.root", jets=jets)
        output = tmp_path / "out.root"
        with monkeypatch.context() as patch, pytest.raises(OSError):
            patch.setattr(PartFolder, "make_output", lambda self: (tmp_path / "missing").stat())
            produce(output, jets=jets)
        folder = tmp_path / "out.root.parts"
        assert names(folder) == ["00000.root", "00001.root", "00002.root", RECORD]
        if damaged is not None:
            (folder / f"0000{damaged}.root").write_bytes(b"")
        simulation.blocks.clear()
        made = produce(output, jets=jets)
        assert simulation.blocks == {None: [], 0: [0, 1], 1: [2, 3], 2: [4]}[damaged]
        assert output.read_bytes() == (tmp_path / "whole.root").read_bytes() and made.jets == jets

    @pytest.mark.parametrize(("wanted", "remade"), [(3, [2]), (6, [4, 5]), (5, []), (1, [0])])
    def test_parts_of_another_number_of_jets(self, tmp_path, simulation, monkeypatch, wanted, remade):
        """The record of five blocks is edited: it asks for fewer or more jets."""
        block = sum_of_jets(BLOCK_EVENTS)
        with monkeypatch.context() as patch, pytest.raises(OSError):
            patch.setattr(PartFolder, "make_output", lambda self: (tmp_path / "missing").stat())
            produce(tmp_path / "out.root", jets=5 * block)
        record = tmp_path / "out.root.parts" / RECORD
        record.write_text(json.dumps(json.loads(record.read_text()) | {"jets": wanted * block}))
        simulation.blocks.clear()
        made = produce(tmp_path / "out.root", jets=wanted * block)
        assert made.events == wanted * BLOCK_EVENTS and simulation.blocks == remade


SCRIPT = f"""
import sys
from flashsim.generation import generate
from flashsim.generation.production import production
production.BLOCK_EVENTS, production.PART_BLOCKS = {BLOCK_EVENTS}, {PART_BLOCKS}
if __name__ == "__main__":
    print(generate(sys.argv[1], "zjets", events=40, seed=6, jobs=2, progress=False).resumed_events)
"""


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.generation
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for the processes in /proc")
def test_killed(tmp_path):
    """kill -9 in the middle: the workers end too, and the next call makes the file that a call in peace makes.

    In interpreters of their own: one that has read a file of an older ROOT stores that ROOT's descriptions of classes.
    """
    script, output, undisturbed = tmp_path / "script.py", tmp_path / "out.root", tmp_path / "undisturbed.root"
    script.write_text(SCRIPT)
    folder = tmp_path / "out.root.parts"
    command = [sys.executable, "-W", "ignore", str(script)]
    child = subprocess.Popen([*command, str(output)], stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: (folder / "00000.root").exists() or child.poll() is not None)
        children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    finally:
        child.kill()
        child.wait()
    assert len(children) >= 2 and not output.exists()
    wait_for(lambda: not any(map(is_running, children)))
    resumed, whole = (
        subprocess.run([*command, str(path)], capture_output=True, text=True, check=True, timeout=120).stdout.strip()
        for path in (output, undisturbed)
    )
    assert (resumed, whole) == (str(PART_EVENTS), "0") and not folder.exists()
    assert output.read_bytes() == undisturbed.read_bytes()


@pytest.mark.generation
def test_terminated_command(tmp_path):
    """SIGTERM: the command names the kept parts, and the way to continue."""
    code = (
        "import flashsim.generation.production as p; p.BLOCK_EVENTS, p.PART_BLOCKS = 4, 1;"
        "from flashsim.cli import app; app()"
    )
    arguments = ["generate", "--process", "zjets", "--events", "200", "--jobs", "1", str(tmp_path / "out.root")]
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, *arguments], stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: (tmp_path / "out.root.parts" / "00000.root").exists() or child.poll() is not None)
        child.send_signal(signal.SIGTERM)
        _, shown = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 128 + signal.SIGTERM
    assert "finished part" in shown and "out.root.parts" in shown and "Traceback" not in shown
    assert {"00000.root", RECORD} <= set(names(tmp_path / "out.root.parts"))


def test_merging_keeps_clusters_and_the_current_directory(tmp_path, simulation, monkeypatch):
    ROOT = pytest.importorskip("ROOT")
    monkeypatch.setattr("flashsim.generation.writer.CLUSTER_EVENTS", 10)
    files = [tmp_path / f"{number}.root" for number in range(3)]
    for number, file in enumerate(files):
        with EventWriter(file, "three parts") as writer:
            for block in (2 * number, 2 * number + 1):
                writer.write(simulation(PROCESSES["zjets"], 1, block, 10 * block + 1, 10))
    here = ROOT.gDirectory.GetPath()
    for name in ("a.root", "b.root"):
        merge(files, tmp_path / name, tmp_path)
    assert ROOT.gDirectory.GetPath() == here
    assert (tmp_path / "a.root").read_bytes() == (tmp_path / "b.root").read_bytes()
    tree = uproot.open(tmp_path / "a.root")["Events"]
    assert tree.title == "three parts" and tree["event"].title == "event number, unique and ascending"
    assert list(tree.common_entry_offsets()) == [0, 10, 20, 30, 40, 50, 60]
    merged, single = tree.arrays(), ak.concatenate([uproot.open(file)["Events"].arrays() for file in files])
    assert ak.array_equal(merged, single)


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"process": "higgs"}, ValueError, "'higgs'.*ttbar, qcd, zjets, diboson"),
            ({"events": 0}, ValueError, "events is 0"),
            ({"jets": 0}, ValueError, "jets is 0"),
            ({"events": 10, "jets": 10}, ValueError, "events is 10 and jets is 10, expected one"),
            ({"jobs": 0}, ValueError, "jobs is 0"),
            ({"seed": 0}, ValueError, "seed is 0"),
            ({"seed": 900_000_001}, ValueError, "900000000"),
            ({"output": "missing/out.root"}, FileNotFoundError, "missing"),
            ({"output": "out?.root"}, ValueError, r"'\?' is special in ROOT's file names"),
            ({"output": "."}, IsADirectoryError, "directory"),
        ],
    )
    def test_bad_arguments(self, tmp_path, monkeypatch, arguments, error, message):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(error, match=message):
            generate(**({"output": "out.root", "progress": False} | arguments))
        assert not list(tmp_path.iterdir())

    def test_directory_that_is_not_writable(self, tmp_path, monkeypatch):
        # A superuser may write anywhere, so the answer of the system is replaced.
        monkeypatch.setattr(production.os, "access", lambda path, mode: False)
        with pytest.raises(PermissionError, match="not writable"):
            generate(tmp_path / "out.root", progress=False)

    def test_missing_extra(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "pythia8mc", None)
        with pytest.raises(ImportError, match=r'pythia8mc: pip install "flashsim\[generate\]"'):
            generate(tmp_path / "out.root", progress=False)
        assert not list(tmp_path.iterdir())

    def test_default_number_of_events(self, tmp_path, simulation):
        assert produce(tmp_path / "out.root").events == 1000
