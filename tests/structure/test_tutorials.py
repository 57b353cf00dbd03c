"""Every tutorial runs as it stands, from a folder that is not its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).resolve().parents[2] / "tutorials"
PYTHON = sorted(TUTORIALS.glob("*.py"))
MACROS = sorted(TUTORIALS.glob("*.C"))
EXTRAS = {"dask": ("dask.distributed",), "train": ("torch", "onnx", "zuko"), "validate": ("sklearn", "scipy", "jinja2")}
NEEDS = re.compile(r"flashsim\[([\w,]+)\]")
PROMISE = re.compile(r"^(?:// )?Writes (.*?)\.(?: Run|$)", re.MULTILINE)


def find_root():
    """The `root` of this environment, or the one on the path."""
    beside = Path(sys.executable).parent / "root"
    return str(beside) if beside.exists() else shutil.which("root")


def marked(tutorial):
    """All but the first are left out by default, which C++ is compared with."""
    text = tutorial.read_text(encoding="utf-8")
    marks = [pytest.mark.slow] if not tutorial.name.startswith("01") else []
    marks += [pytest.mark.cluster] if "flashsim[dask]" in text else []
    marks += [pytest.mark.training] if "flashsim[train" in text else []
    return pytest.param(tutorial, id=tutorial.name, marks=marks)


needs_root = pytest.mark.skipif(find_root() is None, reason="there is no `root` in this environment")


def run(command, folder, environment=None):
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "rror:" not in result.stderr, result.stderr
    return result.stdout


def config(option):
    return run([sys.executable, "-W", "ignore", "-m", "flashsim.cli", "config", option], Path.cwd())


def cpp_environment():
    """This environment after `eval "$(flashsim config --shell)"`."""
    result = subprocess.run(
        ["sh", "-c", 'eval "$1" && env -0', "sh", config("--shell")], capture_output=True, text=True, check=True
    )
    return dict(entry.split("=", 1) for entry in result.stdout.split("\0") if entry)


@pytest.fixture(scope="module")
def run_tutorial(tmp_path_factory):
    """Runs a tutorial, once: its output, and its folder."""

    @cache
    def run_once(tutorial):
        folder = tmp_path_factory.mktemp(tutorial.stem)
        if tutorial.suffix == ".py":
            return run([sys.executable, "-W", "ignore", str(tutorial)], folder), folder
        return run([find_root(), "-l", "-b", "-q", str(tutorial)], folder, cpp_environment()), folder

    return run_once


def check_products(tutorial, folder):
    """All the files that the header of a tutorial promises are there, and no others."""
    (promise,) = PROMISE.findall(tutorial.read_text(encoding="utf-8"))
    assert sorted(file.name for file in folder.iterdir()) == sorted(re.findall(r"\w+(?:\.\w+)+", promise))
    assert all(file.stat().st_size > 1000 for file in folder.iterdir())


def test_tutorials_are_numbered():
    names = sorted(path.name for path in (*PYTHON, *MACROS))
    assert [int(name[:2]) for name in names] == list(range(1, len(names) + 1))


@pytest.mark.parametrize("tutorial", [marked(path) for path in PYTHON])
def test_python_tutorial(tutorial, run_tutorial):
    for extras in NEEDS.findall(tutorial.read_text(encoding="utf-8")):
        for package in (package for extra in extras.split(",") for package in EXTRAS[extra]):
            pytest.importorskip(package)
    printed, folder = run_tutorial(tutorial)
    assert printed
    check_products(tutorial, folder)


@needs_root
@pytest.mark.parametrize("macro", MACROS, ids=lambda path: path.name)
def test_macro(macro, run_tutorial):
    _, folder = run_tutorial(macro)
    check_products(macro, folder)


@needs_root
def test_python_and_cpp_agree(run_tutorial):
    """Tutorials 01 and 02 do the same, with the same RECO events."""
    python, _ = run_tutorial(TUTORIALS / "01_first_histogram.py")
    macro, _ = run_tutorial(TUTORIALS / "02_first_histogram.C")
    lines = python.splitlines()
    assert len(lines) > 3
    assert macro.splitlines()[-len(lines) :] == lines


@pytest.mark.slow
@needs_root
def test_lines_for_macros_work(tmp_path):
    """A macro that begins with the output of `flashsim config --root-macro` needs no environment variables."""
    lines, data = config("--root-macro"), config("--data-dir").strip()
    before_the_first_flow = re.search(r"FlashSim::SetOnnxRuntimeLibrary\(.*\);", lines).group()
    macro = tmp_path / "mine.C"
    macro.write_text(
        f"{lines}\n#include <FlashSim/Flow.hxx>\n#include <iostream>\nvoid mine()\n{{\n   {before_the_first_flow}\n"
        f'   std::cout << FlashSim::Flow("{data}/jets.onnx").GetContract().fCollection << std::endl;\n}}\n',
        encoding="utf-8",
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("FLASHSIM", "ROOT_INCLUDE"))}
    assert "Jet" in run([find_root(), "-l", "-b", "-q", str(macro)], tmp_path, environment).split()
