"""The contract of a model: a JSON document on its inputs and outputs, checked against ``flow.schema.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from .schema import problems

__all__ = ["DTYPES", "SCHEMA_VERSION", "check_metadata", "context_columns", "is_grid", "read_metadata", "schema"]

SCHEMA_VERSION = 2
"""Version of written documents; earlier versions are still read."""

_DEEPEST = 32


@cache
def schema() -> dict[str, Any]:
    """The published JSON schema of the document."""
    return json.loads(files(__package__).joinpath("flow.schema.json").read_text(encoding="utf-8"))


DTYPES: tuple[str, ...] = tuple(schema()["$defs"]["variables"]["items"]["properties"]["dtype"]["enum"])
"""Allowed types of a variable."""


def check_metadata(metadata: Any) -> None:
    """Check a document against the contract of models.

    Raises
    ------
    ValueError
        Naming the field that is missing, unknown or wrong, the value found and the expectation.

    Examples
    --------
    >>> check_metadata({"schema": 2, "name": "jets"})
    Traceback (most recent call last):
    ValueError: metadata: collection is missing
    """
    if isinstance(metadata, Mapping) and "schema" in metadata:
        # Before all other fields: a newer version may have fields unknown here.
        newer = next(problems(metadata["schema"], schema()["properties"]["schema"], where="schema"), None)
        if newer is not None:
            raise ValueError(f"metadata: {newer}; a newer version of FlashSim may read it")
    problem = next(problems(metadata, schema()), None) or _find_contradiction(metadata)
    if problem is not None:
        raise ValueError(f"metadata: {problem}")


def read_metadata(text: str) -> dict[str, Any]:
    """Parses and checks a document.

    Raises
    ------
    ValueError
        If the text is not JSON (which has no NaN or infinity), or breaks the contract.
    """
    try:
        metadata = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"metadata: not valid JSON: {error}") from error
    if _is_deep(metadata):
        raise ValueError(f"metadata: nested more than {_DEEPEST} levels deep")
    check_metadata(metadata)
    return metadata


def context_columns(metadata: Mapping[str, Any]) -> list[str]:
    """The default context columns of a model.

    Examples
    --------
    >>> context_columns({"source": "GenJet", "context": [{"name": "pt"}]})
    ['GenJet_pt']
    """
    start = f"{metadata['source']}_" if "source" in metadata else ""
    return [start + variable["name"] for variable in metadata["context"]]


def _is_deep(value: Any, depth: int = 0) -> bool:
    if depth > _DEEPEST:
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_is_deep(item, depth + 1) for item in inner)


def is_grid(times: Sequence[float]) -> bool:
    """Whether times ascend from 0 to 1, as the grid of an ODE solver must.

    Examples
    --------
    >>> is_grid([0.0, 0.8, 1.0]), is_grid([0.0, 0.8, 0.8, 1.0]), is_grid([0.0, 0.8])
    (True, False, False)
    """
    return (
        len(times) >= 2 and (times[0], times[-1]) == (0, 1) and all(before < after for before, after in pairwise(times))
    )


def _find_contradiction(metadata: Mapping[str, Any]) -> str | None:
    """A contradiction between fields, if any, that a JSON schema cannot express."""
    targets = metadata.get("target", [])
    for kind, variables in (("context", metadata["context"]), ("target", targets)):
        names: set[str] = set()
        for index, variable in enumerate(variables):
            where = f"{kind}[{index}]"
            if variable["name"] in names:
                return f"{where}.name repeats {variable['name']!r}"
            names.add(variable["name"])
            low, high = variable["range"]
            if not low <= high:
                return f"{where}.range is {variable['range']}, expected [smallest, largest]"
    sort_by = metadata.get("sort_by")
    if sort_by and sort_by not in {variable["name"] for variable in targets}:
        return f"sort_by is {sort_by!r}, expected the name of a target"
    if "grid" in metadata and not is_grid(metadata["grid"]):
        return f"grid is {metadata['grid']}, expected ascending times from 0 to 1"
    return None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
