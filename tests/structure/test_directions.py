"""Rooms depend on one another in the directions that ARCHITECTURE.md shows, and in no circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

PYTHON = {
    "_errors": set(),
    "_library": set(),
    "_machine": set(),
    "_version": set(),
    "data": set(),
    "output_files": set(),
    "recipes": set(),
    "root_file": {"_library"},
    "style": set(),
    "toml_reader": set(),
    "flows": {"_errors", "_library", "data"},
    "pairs": set(),
    "histograms": {"_errors", "_library", "root_file", "style"},
    "rdataframe": {"_errors", "_library", "_version", "data", "flows", "histograms"},
    "validation": {"_version", "flows", "pairs", "style"},
    "steps": {"flows", "pairs", "validation"},
    "training": {"flows", "output_files", "pairs", "style", "toml_reader"},
    "generation": {"_library", "_machine", "_version"},
    "throughput": {"_errors", "_library", "data", "flows", "histograms", "rdataframe", "root_file", "style"},
    "demo": {"_library", "_machine", "data", "histograms", "rdataframe", "style"},
    "studies": {"_library", "demo", "flows", "histograms", "pairs", "rdataframe", "style", "training", "validation"},
    "cli": {
        "_library",
        "_machine",
        "_version",
        "demo",
        "flows",
        "generation",
        "output_files",
        "pairs",
        "steps",
        "studies",
        "throughput",
        "training",
        "validation",
    },
}
"""Which rooms (packages and modules of ``flashsim``) the modules of each may import."""

CPP = {
    "events": set(),
    "folds": set(),
    "interrupts": set(),
    "values": set(),
    "flow": {"events", "interrupts", "values"},
    "lookahead": {"events", "interrupts", "values"},
    "histograms": {"folds"},
    "distributed": {"folds", "lookahead"},
    "simulate": {"events", "flow", "lookahead", "values"},
    "booking": {"distributed", "folds", "histograms", "lookahead"},
}
"""Which rooms (folders of ``cpp/FlashSim``) the files of each may include."""

DOORS = {
    "BookOversampledTH": "booking",
    "Chi2": "histograms",
    "DerivedContext": "values",
    "Flow": "flow",
    "FlowContract": "flow",
    "FoldOptions": "booking",
    "OnnxRuntime": "flow",
    "OversampledTEfficiency": "booking",
    "OversampledTH": "histograms",
    "OversampledTH1": "histograms",
    "OversampledTH2": "histograms",
    "OversampledTH3": "histograms",
    "OversampledTHFile": "histograms",
    "ProbabilityModel": "flow",
    "Simulate": "simulate",
}
"""Headers for users, which lie outside of the rooms that they belong to."""

BASES = {
    "MergeValues",
    "RActionImpl",
    "RColumnReaderBase",
    "RMergeableReport",
    "RMergeableValue",
    "RMergeableValueBase",
}
"""Names of ROOT::Detail::RDF that extensions of RDataFrame are made of, also outside of ROOT."""

INCLUDE = re.compile(r'#include "FlashSim/([\w/]+)\.[hi]xx"')


def read(folder: str, *suffixes: str) -> dict[str, str]:
    """Contents of files by path within the folder."""
    root = PROJECT / folder
    files = (file for suffix in suffixes for file in root.rglob(f"*{suffix}"))
    return {str(file.relative_to(root)): file.read_text(encoding="utf-8") for file in files}


def python_imports(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Pairs of modules, as ``("flows.flow", "data")``: the first imports the second, at its top or later."""
    modules = {name: _module(name) for name in files}
    known = set(modules.values())
    for name, text in files.items():
        package = modules[name].split(".") if name.endswith("__init__.py") else modules[name].split(".")[:-1]
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.level:
                above = package[: len(package) - node.level + 1]
                target = ".".join([*above, *(node.module or "").split(".")]).strip(".")
                for alias in node.names:
                    full = f"{target}.{alias.name}".strip(".")
                    yield modules[name], full if full in known else target


def _module(name: str) -> str:
    parts = Path(name).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def wrong_python(files: Mapping[str, str]) -> list[str]:
    """Imports that the table does not allow."""
    edges = {(a, b) for a, b in python_imports(files) if a and b.split(".")[0] != a.split(".")[0]}
    return [f"{a} imports {b or 'flashsim'}" for a, b in edges if b.split(".")[0] not in PYTHON[a.split(".")[0]]]


def room_of(path: str) -> str:
    """Room of a header or source, ``"flow/detail/OnnxSession"`` or ``"Flow"``."""
    return path.split("/")[0] if "/" in path else DOORS[path]


def wrong_cpp(files: Mapping[str, str]) -> list[str]:
    """Includes that the table does not allow, and private headers of other rooms."""
    wrong = []
    for name, text in files.items():
        room = room_of(str(Path(name).with_suffix("")))
        for included in INCLUDE.findall(text):
            other = room_of(included)
            if other != room and (other not in CPP[room] or "/detail/" in included):
                wrong.append(f"{name} includes {included}")
    return wrong


def circle(edges: Mapping[str, set[str]]) -> list[str]:
    """A circle of dependencies, empty if there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def python_files():
    return read("python/flashsim", ".py")


@pytest.fixture(scope="module")
def cpp_files():
    return read("cpp/FlashSim", ".hxx", ".ixx", ".cxx")


def test_python(python_files):
    assert {Path(name).parts[0].removesuffix(".py") for name in python_files} == {*PYTHON, "__init__"}
    assert wrong_python(python_files) == []
    assert circle(PYTHON) == []


def test_modules_are_in_no_circle(python_files):
    edges: dict[str, set[str]] = {}
    for importer, imported in python_imports(python_files):
        if importer != imported and not importer.startswith(f"{imported}."):
            edges.setdefault(importer, set()).add(imported)
    assert circle(edges) == []


def test_cpp(cpp_files):
    assert {name.split("/")[0] for name in cpp_files if "/" in name} == set(CPP)
    assert wrong_cpp(cpp_files) == []
    assert circle(CPP) == []


def test_roots_internals_are_used_in_one_place(cpp_files):
    used = {
        name
        for name, text in cpp_files.items()
        for word in re.findall(r"Internal::|PrivateMember|Detail::RDF::(\w+)", re.sub(r"//.*", "", text))
        if word not in BASES
    }
    assert used == {"lookahead/RootInternals.cxx"}


def test_torch_is_needed_in_trainings_only(python_files):
    torch = re.compile(r"^\s*(import|from) torch", re.MULTILINE)
    assert {name.split("/")[0] for name, text in python_files.items() if torch.search(text)} <= {"training", "studies"}


def test_colours_are_in_one_place(python_files):
    assert {name for name, text in python_files.items() if re.search(r"#[0-9a-fA-F]{6}\b", text)} == {"style.py"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("histograms/new.py", "from ..flows.flow import Flow"),
        ("flows/new.py", "def f():\n    from .. import training"),
        ("demo/new.py", "from ..cli import app"),
        ("validation/new.py", "from .. import __version__"),
    ],
)
def test_wrong_imports_are_found(python_files, name, text):
    assert len(wrong_python({**python_files, name: text})) == 1


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("lookahead/New.cxx", "Flow"),
        ("folds/New.hxx", "OversampledTH1"),
        ("simulate/New.cxx", "flow/detail/OnnxSession"),
    ],
)
def test_wrong_includes_are_found(cpp_files, name, header):
    assert wrong_cpp({**cpp_files, name: f'#include "FlashSim/{header}.hxx"\n'}) == [f"{name} includes {header}"]


def test_circles_are_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
