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

import interrupt_runs
from interrupt_runs import CASES

PROGRAM = Path(interrupt_runs.__file__)
LIMIT = 10
"""Seconds from the signal to the exception, on a busy machine; it is a fraction of one on an idle machine."""


def interrupt(case: str, process: subprocess.Popen, errors: Path) -> tuple[float, dict]:
    """Interrupts the event loop of the case that comes next. Seconds until it had stopped, and what became of it."""
    watch = threading.Timer(120, process.kill)
    watch.start()
    # ROOT ignores the signal while it writes to a file (TFile::WriteBuffer): a user would press again.
    waits = (2, 4, 6) if case.startswith("Snapshot") else ()
    again = [threading.Timer(wait, process.send_signal, (signal.SIGINT,)) for wait in waits]
    try:
        lines = iter(process.stdout)
        told = next((line for line in lines if line.startswith(("started", "stopped"))), "nothing")
        assert told == "started\n", f"{case}: {told}, {errors.read_text()}"
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        for timer in again:
            timer.start()
        told = next(lines, "nothing")
        assert told == "stopped\n", f"{case}: {told}, {errors.read_text()}"
        seconds = time.monotonic() - sent
        outcome = next((line for line in lines if line.startswith("{")), "")
        assert outcome, f"{case}: {errors.read_text()}"
    finally:
        for timer in (watch, *again):
            timer.cancel()
    return seconds, json.loads(outcome)


@pytest.fixture(
    scope="module", params=[pytest.param(1, id="1 thread", marks=pytest.mark.slow), pytest.param(2, id="2 threads")]
)
def outcomes(request, tmp_path_factory) -> dict[str, tuple[float, dict]]:
    """What became of each case, all in one process, which goes on after each Ctrl-C."""
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


@pytest.mark.parametrize("case", CASES)
def test_ctrl_c(outcomes, case):
    seconds, outcome = outcomes[case]
    assert outcome["ended by"] == "KeyboardInterrupt"
    assert seconds < LIMIT
    assert not outcome["file is open"]
    assert not outcome.get("file is broken")
    assert outcome["same afterwards"]
    assert outcome["upstream afterwards"] == pytest.approx(outcome["upstream alone"], rel=1e-9)
