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


def interrupt(case: str, threads: int, folder: Path) -> tuple[float, dict]:
    """Interrupts the event loop of a case. Seconds from the signal until it had stopped, and what became of it."""
    command = [sys.executable, "-W", "ignore", str(PROGRAM), case, str(threads), str(folder)]
    with (
        (folder / "stderr.txt").open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        watch = threading.Timer(120, process.kill)
        watch.start()
        try:
            lines = iter(process.stdout)
            assert next(line for line in lines if line.startswith(("started", "stopped"))) == "started\n"
            process.send_signal(signal.SIGINT)
            sent = time.monotonic()
            assert next(lines, "") == "stopped\n", (folder / "stderr.txt").read_text()
            seconds = time.monotonic() - sent
            rest = list(lines)
        finally:
            watch.cancel()
            process.kill()
    assert rest, (folder / "stderr.txt").read_text()
    return seconds, json.loads(rest[-1])


@pytest.mark.parametrize("n", [1, 2], ids=["1 thread", "2 threads"])
@pytest.mark.parametrize("case", CASES)
def test_ctrl_c(tmp_path, case, n):
    seconds, outcome = interrupt(case, n, tmp_path)
    assert outcome["ended by"] == "KeyboardInterrupt"
    assert seconds < LIMIT
    assert not outcome["file is open"]
    assert not outcome.get("file is broken")
    assert outcome["same afterwards"]
    assert outcome["upstream afterwards"] == pytest.approx(outcome["upstream alone"], rel=1e-9)
