"""Every tutorial runs as it stands, from a folder that is not its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).resolve().parents[1] / "tutorials"
PYTHON = sorted(TUTORIALS.glob("*.py"))
MACROS = sorted(TUTORIALS.glob("*.C"))
PRODUCTS = re.compile(r"^(?://|#|)\s*Writes (.*?)\.(?:\s|$)", re.MULTILINE)


def run(command, folder, environment=None):
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def products(tutorial):
    """The files that the header of a tutorial promises."""
    (promise,) = PRODUCTS.findall(tutorial.read_text(encoding="utf-8"))
    return re.findall(r"[\w-]+\.\w+", promise + ".")


def find_root():
    """The `root` of this environment, or the one on the path."""
    beside = Path(sys.executable).parent / "root"
    return str(beside) if beside.exists() else shutil.which("root")


def cpp_environment():
    """What `eval "$(flashsim config --shell)"` makes of this one."""
    script = f'eval "$({sys.executable} -W ignore -m flashsim.cli config --shell)" && env -0'
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=120)
    return dict(entry.split("=", 1) for entry in result.stdout.split("\0") if entry)


def test_tutorials_are_numbered():
    numbers = [int(path.name[:2]) for path in sorted((*PYTHON, *MACROS), key=lambda path: path.name)]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("tutorial", PYTHON, ids=lambda path: path.name)
def test_python_tutorial(tutorial, tmp_path):
    result = run([sys.executable, "-W", "ignore", str(tutorial)], tmp_path)
    assert result.stdout
    assert "rror" not in result.stderr
    for name in products(tutorial):
        assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.skipif(find_root() is None, reason="there is no `root` in this environment")
@pytest.mark.parametrize("macro", MACROS, ids=lambda path: path.name)
def test_macro(macro, tmp_path):
    result = run([find_root(), "-l", "-b", "-q", str(macro)], tmp_path, cpp_environment())
    assert "rror:" not in result.stderr
    for name in products(macro):
        assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.skipif(find_root() is None, reason="there is no `root` in this environment")
def test_python_and_cpp_agree(tmp_path):
    """Tutorials 01 and 02 are the same; RECO events are too, bit for bit."""
    python = run([sys.executable, "-W", "ignore", str(TUTORIALS / "01_first_histogram.py")], tmp_path).stdout
    macro = run([find_root(), "-l", "-b", "-q", str(TUTORIALS / "02_first_histogram.C")], tmp_path, cpp_environment())
    assert python.splitlines() == macro.stdout.splitlines()[-len(python.splitlines()) :]


@pytest.mark.skipif(find_root() is None, reason="there is no `root` in this environment")
def test_lines_for_macros_work(tmp_path):
    """A macro that begins with what `flashsim config --root-macro` prints needs no environment variables."""
    lines = run([sys.executable, "-W", "ignore", "-m", "flashsim.cli", "config", "--root-macro"], tmp_path).stdout
    macro = tmp_path / "mine.C"
    runtime = re.search(r"FlashSim::Flow::SetOnnxRuntimeLibrary\(.*\);", lines).group()
    flow = run([sys.executable, "-W", "ignore", "-m", "flashsim.cli", "config", "--data-dir"], tmp_path).stdout.strip()
    macro.write_text(
        f"{lines}\n#include <FlashSim/Flow.hxx>\n#include <iostream>\nvoid mine()\n{{\n   {runtime}\n"
        f'   std::cout << FlashSim::Flow("{flow}/jets.onnx").GetContract().fCollection << std::endl;\n}}\n',
        encoding="utf-8",
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("FLASHSIM", "ROOT_INCLUDE"))}
    assert "Jet" in run([find_root(), "-l", "-b", "-q", str(macro)], tmp_path, environment).stdout.split()
