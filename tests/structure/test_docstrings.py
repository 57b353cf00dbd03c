"""The examples in the docstrings run and give the stated results."""

from __future__ import annotations

import ast
import doctest
import importlib
from pathlib import Path

import matplotlib
import matplotlib.pyplot
import pytest

import flashsim

matplotlib.use("Agg")

PACKAGE = Path(flashsim.__file__).parent


def _name(file: Path) -> str:
    parts = ("flashsim", *file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _has_examples(file: Path) -> bool:
    return any(
        doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    )


MODULES = sorted(_name(file) for file in PACKAGE.rglob("*.py") if _has_examples(file))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        pytest.skip(str(error))
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    matplotlib.pyplot.close("all")
    assert result.failed == 0


def test_modules_are_found():
    assert "flashsim" in MODULES and "flashsim.flows.flow" in MODULES and len(MODULES) > 40
