"""Training, pairs and the generator's workers need no ROOT; other functions raise an error that asks for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import flashsim

NO_ROOT = """
import importlib.util, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *others: None if name == "ROOT" else find_spec(name, *others)
sys.modules["ROOT"] = None
"""


def run(code: str, **environment: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_without_root():
    told = run(f"""{NO_ROOT}
import flashsim, flashsim.pairs, flashsim.flows.graph
print(flashsim.__version__)
sample = flashsim.data.path("ttbar.root")
for use in (lambda: flashsim.Flow("jets"), lambda: flashsim.read(sample, "h"), flashsim.onnxruntime_version):
    try:
        use()
    except ImportError as error:
        print(error)
""").splitlines()
    assert told[0] == flashsim.__version__
    assert len(told) == 4
    assert all("needs ROOT's Python module" in line for line in told[1:])


def test_training_without_root():
    pytest.importorskip("torch")
    pytest.importorskip("zuko")
    assert run(f"{NO_ROOT}\nimport flashsim.training\nprint('ROOT' in [m for m in sys.modules if sys.modules[m]])") == (
        "False\n"
    )


def test_variable_leaves_root_alone():
    code = "import sys, flashsim, flashsim.generation\nprint('ROOT' in sys.modules)"
    assert run(code, FLASHSIM_WITHOUT_ROOT="1") == "False\n"
