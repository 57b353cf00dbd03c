"""FlashSim nodes and other results that share one upstream graph: in one RunGraphs, and inside partial results.

Each is right, or refused by FlashSim in words if it cannot be had; and the process goes on.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import shared_upstream_runs
from shared_upstream_runs import AT_THE_SAME_TIME, CALLBACKS, REFUSED_CALLBACKS, RUN_GRAPHS

PROGRAM = Path(shared_upstream_runs.__file__)


@pytest.mark.parametrize(("source", "n"), [("TTree", 1), ("TChain", 2), ("RNTuple", 2)])
def test_right_or_refused(gen_files, tiny_flow, source, n):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM), str(n), tiny_flow, *gen_files[source]],
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    outcomes = [line.split(": ", 1) for line in done.stdout.splitlines()]
    assert len(outcomes) > 4 * len(RUN_GRAPHS) + 3 * (len(CALLBACKS) + len(REFUSED_CALLBACKS)) - 1
    refused = [" asks for ".join(names) for names in REFUSED_CALLBACKS] + [AT_THE_SAME_TIME]
    bad = [
        f"{case}: {outcome}"
        for case, outcome in outcomes
        if outcome != "right" and not (case in refused and re.match("refused: .*a result was asked for", outcome))
    ]
    assert not bad
