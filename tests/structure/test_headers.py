"""The comments of the C++ headers fit the declarations that they describe, as clang reads them."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
HEADERS = sorted(str(path.relative_to(PROJECT / "cpp")) for path in (PROJECT / "cpp/FlashSim").rglob("*.hxx"))

cindex = pytest.importorskip("clang.cindex", reason="needs libclang, of the extra `dev`")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def warnings():
    """Parses headers as one source file: warnings and errors, each with its place."""
    root = Path(importlib.util.find_spec("ROOT").origin).parent / "include"
    if not root.is_dir():
        root = Path(output("root-config", "--incdir"))
    # libclang comes without the compiler's own headers, such as stddef.h.
    compiler = output("c++", "-print-file-name=include")
    options = ["-std=c++17", f"-I{PROJECT / 'cpp'}", f"-isystem{root}", f"-isystem{compiler}"]
    options += ["-Wdocumentation", "-Wdocumentation-pedantic"]

    def parse(headers, planted=""):
        source = "".join(f'#include "{header}"\n' for header in headers) + planted
        unit = cindex.Index.create().parse("headers.cxx", options, [("headers.cxx", source)])
        return [f"{told.location.file}:{told.location.line}: {told.spelling}" for told in unit.diagnostics]

    return parse


def test_comments_fit_declarations(warnings):
    assert {"FlashSim/Simulate.hxx", "FlashSim/folds/FoldAccumulator.hxx"} <= set(HEADERS)
    assert warnings(HEADERS) == []


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        (r"\param[in] y the number", "parameter 'y' not found"),
        (r"\tparam T the type", "not attached to a template"),
        (r"\returns the number", "function returning void"),
        (r"\throw std::runtime_error \nosuch", "unknown command"),
    ],
)
def test_wrong_comments_are_found(warnings, comment, told):
    (found,) = warnings([], f"/// {comment}\nvoid f(int x);\n")
    assert told in found


def test_missing_headers_are_found(warnings):
    (found,) = warnings(["FlashSim/None.hxx"])
    assert "file not found" in found
