"""Files installed beside the code, and the versions of the tools that check it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import flashsim

PROJECT = Path(__file__).resolve().parents[2]


def test_type_checkers_may_use_the_annotations():
    assert (Path(flashsim.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize(
    ("package", "repository"),
    [("ruff", "ruff-pre-commit"), ("clang-format", "mirrors-clang-format"), ("codespell", "codespell")],
)
def test_a_commit_is_checked_with_the_tools_of_ci(package, repository):
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pinned = [requirement.split("==")[1] for requirement in extras["dev"] if requirement.startswith(f"{package}==")]
    hooks = (PROJECT / ".pre-commit-config.yaml").read_text()
    assert re.findall(rf"/{repository}\n +rev: v(\S+)", hooks) == pinned
