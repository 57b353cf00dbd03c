"""Ctrl-C: an event loop behind FlashSim stops soon, as KeyboardInterrupt, and leaves the dataframe as it was."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import ROOT

import flashsim
import interrupt_runs
from interrupt_runs import CASES

PROGRAM = Path(interrupt_runs.__file__)
LIMIT = 10
"""Seconds from the signal to the exception, on a busy machine; it is a fraction of one on an idle machine."""


def interrupt(case: str, process: subprocess.Popen, errors: Path) -> tuple[float, dict]:
    """Interrupts the event loop of the next case. Returns the seconds until it stopped, and the outcome."""
    watch = threading.Timer(120, process.kill)
    watch.start()
    try:
        lines = iter(process.stdout)
        told = next((line for line in lines if line.startswith(("started", "stopped"))), "nothing")
        assert told == "started\n", f"{case}: {told}, {errors.read_text()}"
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        told = next(lines, "nothing")
        assert told == "stopped\n", f"{case}: {told}, {errors.read_text()}"
        seconds = time.monotonic() - sent
        outcome = next((line for line in lines if line.startswith("{")), "")
        assert outcome, f"{case}: {errors.read_text()}"
    finally:
        watch.cancel()
    return seconds, json.loads(outcome)


@pytest.fixture(scope="module", params=[pytest.param(1, id="1 thread"), pytest.param(2, id="2 threads")])
def outcomes(request, tmp_path_factory) -> dict[str, tuple[float, dict]]:
    """Outcome of each case, all in one process, which continues after each Ctrl-C."""
    folder = tmp_path_factory.mktemp("interrupted")
    errors = folder / "stderr.txt"
    command = [sys.executable, "-W", "ignore", str(PROGRAM), str(request.param), str(folder)]
    with (
        errors.open("w") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True) as process,
    ):
        try:
            return {case: interrupt(case, process, errors) for case in CASES}
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_ctrl_c(outcomes, case):
    seconds, outcome = outcomes[case]
    assert outcome["ended by"] == "KeyboardInterrupt"
    assert seconds < LIMIT
    assert not outcome["file is open"]
    assert not outcome.get("file is broken")
    assert outcome["same afterwards"]
    assert outcome["upstream afterwards"] == pytest.approx(outcome["upstream alone"], rel=1e-9)


@pytest.fixture
def heard():
    """Python hears SIGINT, also in a job of the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def is_ignored() -> bool:
    ignored = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) >> (signal.SIGINT - 1) & 1)


def test_writing_to_a_file_ignores_ctrl_c_in_no_event_loop(heard):
    """TFile::WriteBuffer asks for it; two threads that write can leave the signal ignored for good."""
    cpp = flashsim._library.cpp()
    ROOT.gSystem.IgnoreInterrupt(True)
    assert is_ignored()  # ROOT's own, elsewhere
    ROOT.gSystem.IgnoreInterrupt(False)
    guard = cpp.InterruptionGuard()
    ROOT.gSystem.IgnoreInterrupt(True)
    assert not is_ignored()
    ROOT.gSystem.IgnoreInterrupt(False)
    assert not is_ignored()
    guard.__destruct__()
    ROOT.gSystem.IgnoreInterrupt(True)
    assert is_ignored()
    ROOT.gSystem.IgnoreInterrupt(False)
    assert not is_ignored()


def test_a_write_that_begins_before_an_event_loop_ends_in_it(heard):
    cpp = flashsim._library.cpp()
    ROOT.gSystem.IgnoreInterrupt(True)
    guard = cpp.InterruptionGuard()
    ROOT.gSystem.IgnoreInterrupt(False)
    assert not is_ignored()
    guard.__destruct__()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
