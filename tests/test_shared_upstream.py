"""FlashSim nodes and other results that share one upstream graph: in one RunGraphs, and inside partial results.

Each is right, or refused by FlashSim in words; and the process goes on.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared_upstream_runs import RUN_GRAPHS

PROGRAM = Path(__file__).with_name("shared_upstream_runs.py")


@pytest.mark.parametrize(("source", "n"), [("TTree", 1), ("TChain", 2), ("RNTuple", 2)])
def test_right_or_refused(gen_files, tiny_flow, source, n):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM), str(n), tiny_flow, *gen_files[source]],
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    outcomes = [line.split(": ", 1) for line in done.stdout.splitlines()]
    assert len(outcomes) > 4 * len(RUN_GRAPHS)
    bad = [
        f"{case}: {outcome}"
        for case, outcome in outcomes
        if outcome != "right" and not (outcome.startswith("refused: ") and "FlashSim: " in outcome)
    ]
    assert not bad
