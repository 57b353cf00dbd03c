"""Arrays of rows in a folder: written piece by piece, used memory-mapped, identified by their origin."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Layout", "PairArrays", "PairStore"]

Array = npt.NDArray[Any]

Layout = dict[str, tuple[str, tuple[int, ...]]]
"""For each array its name, the type of its elements and the shape of a row."""


class PairArrays:
    """Collects pieces of arrays in memory.

    Parameters
    ----------
    layout
        The arrays.
    """

    def __init__(self, layout: Layout) -> None:
        self._pieces = {name: [np.empty((0, *shape), kind)] for name, (kind, shape) in layout.items()}

    def append(self, *arrays: Array) -> None:
        """Add rows: a piece of each array, in the order of the layout."""
        for pieces, piece in zip(self._pieces.values(), arrays, strict=True):
            pieces.append(piece)

    def finish(self, summary: Mapping[str, Any]) -> dict[str, Any]:
        """The arrays and the ``summary`` (files, events, dropped, objects) by name."""
        return {**{name: np.concatenate(self._pieces.pop(name)) for name in list(self._pieces)}, **summary}

    def discard(self) -> None:
        """Does nothing: the arrays are in memory."""


class PairStore:
    """The same in files of a folder, which serve later queries for the same rows, memory-mapped.

    Life cycle: `load`; if it returns None, `append` any number of times and `finish`. ``pairs.json`` is removed
    before the first and written after the last array, so that an interrupted store counts as empty. Files are replaced,
    never changed: arrays mapped by another process stay valid.

    Parameters
    ----------
    folder
        Created if it does not exist.
    layout
        The arrays.
    made_from
        Origin of the rows, as plain numbers, strings, lists and dictionaries.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """

    def __init__(self, folder: str | Path, layout: Layout, made_from: Mapping[str, Any]) -> None:
        self._folder = Path(folder)
        self._layout = layout
        self._made_from = json.loads(json.dumps(made_from))
        self._rows = 0
        self._folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The arrays, memory-mapped, and their summary by name; None if the folder does not hold these rows."""
        try:
            document = json.loads(self._document.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(document, dict) or document.get("made_from") != self._made_from:
            return None
        rows = document["rows"]
        for name, path in self._paths().items():
            kind, shape = self._layout[name]
            size = rows * int(np.prod(shape)) * np.dtype(kind).itemsize
            if not path.exists() or path.stat().st_size != size:
                return None
        arrays = {name: self._map(path, name, rows) for name, path in self._paths().items()}
        return {**arrays, **document["summary"]}

    def append(self, *arrays: Array) -> None:
        """Add rows: a piece of each array, in the order of the layout."""
        mode = "ab" if self._rows else "wb"
        for (name, path), piece in zip(self._paths(unfinished=True).items(), arrays, strict=True):
            with path.open(mode) as file:
                np.ascontiguousarray(piece, dtype=self._layout[name][0]).tofile(file)
        self._rows += len(arrays[0])

    def finish(self, summary: Mapping[str, Any]) -> dict[str, Any]:
        """Make the added rows the folder's content; returns the arrays, memory-mapped, and the ``summary`` by name."""
        self._document.unlink(missing_ok=True)
        unfinished = self._paths(unfinished=True)
        for name, path in self._paths().items():
            if self._rows:
                unfinished[name].replace(path)
            else:
                path.write_bytes(b"")
        document = {"made_from": self._made_from, "rows": self._rows, "summary": dict(summary)}
        temporary = self._document.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(document, indent=1), encoding="utf-8")
        temporary.replace(self._document)
        return {**{name: self._map(path, name, self._rows) for name, path in self._paths().items()}, **summary}

    def discard(self) -> None:
        """Remove added rows that are not finished."""
        for path in self._paths(unfinished=True).values():
            path.unlink(missing_ok=True)

    @property
    def _document(self) -> Path:
        return self._folder / "pairs.json"

    def _paths(self, unfinished: bool = False) -> dict[str, Path]:
        suffix = f".{os.getpid()}.tmp" if unfinished else ""
        return {name: self._folder / f"{name}.{kind}{suffix}" for name, (kind, _) in self._layout.items()}

    def _map(self, path: Path, name: str, rows: int) -> Array:
        kind, shape = self._layout[name]
        if not rows * int(np.prod(shape)):  # an empty file cannot be mapped
            return np.empty((rows, *shape), kind)
        return np.memmap(path, np.dtype(kind), mode="r", shape=(rows, *shape))
