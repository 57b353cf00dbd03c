"""Arrays of pairs in a folder: written piece by piece, used memory-mapped, recognised by what they were made from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["PairArrays", "PairStore"]

Array = npt.NDArray[Any]

_TYPES = {"context": np.float32, "target": np.float32, "event": np.int64}


class PairArrays:
    """Collects pieces of the three arrays of pairs in memory.

    Parameters
    ----------
    widths
        Number of context and of target variables.
    """

    def __init__(self, widths: tuple[int, int]) -> None:
        self._pieces: dict[str, list[Array]] = {
            "context": [np.empty((0, widths[0]), np.float32)],
            "target": [np.empty((0, widths[1]), np.float32)],
            "event": [np.empty(0, np.int64)],
        }

    def append(self, context: Array, target: Array, event: Array) -> None:
        """Add rows."""
        for name, piece in (("context", context), ("target", target), ("event", event)):
            self._pieces[name].append(piece)

    def finish(self, summary: Mapping[str, Any]) -> dict[str, Any]:
        """The arrays and the ``summary`` (files, events, dropped) by name."""
        return {**{name: np.concatenate(self._pieces.pop(name)) for name in _TYPES}, **summary}


class PairStore:
    """The same in files of a folder, which are read again, memory-mapped, by whoever asks for the same pairs.

    Life cycle: `load`; where that gives None, `append` any number of times and `finish`. ``pairs.json`` is removed
    before the first and written after the last array, so that an interrupted store counts as empty. Files are replaced,
    never changed: arrays that another process has mapped stay as they are.

    Parameters
    ----------
    folder
        Made if it does not exist.
    widths
        Number of context and of target variables.
    made_from
        What the pairs were made from, of plain numbers, strings, lists and dictionaries.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """

    def __init__(self, folder: str | Path, widths: tuple[int, int], made_from: Mapping[str, Any]) -> None:
        self._folder = Path(folder)
        self._shapes: dict[str, tuple[int, ...]] = {"context": (widths[0],), "target": (widths[1],), "event": ()}
        self._made_from = json.loads(json.dumps(made_from))
        self._rows = 0
        self._folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The arrays, memory-mapped, and their summary by name; None if the folder does not hold these pairs."""
        try:
            document = json.loads(self._document.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(document, dict) or document.get("made_from") != self._made_from:
            return None
        rows = document["rows"]
        for name, path in self._paths().items():
            size = rows * int(np.prod(self._shapes[name])) * np.dtype(_TYPES[name]).itemsize
            if not path.exists() or path.stat().st_size != size:
                return None
        arrays = {name: self._map(path, name, rows) for name, path in self._paths().items()}
        return {**arrays, **document["summary"]}

    def append(self, context: Array, target: Array, event: Array) -> None:
        """Add rows."""
        mode = "ab" if self._rows else "wb"
        for (name, path), piece in zip(self._paths(unfinished=True).items(), (context, target, event), strict=True):
            with path.open(mode) as file:
                np.ascontiguousarray(piece, dtype=_TYPES[name]).tofile(file)
        self._rows += len(event)

    def finish(self, summary: Mapping[str, Any]) -> dict[str, Any]:
        """Make the folder hold the rows added; the arrays, memory-mapped, and the ``summary`` by name."""
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
        """Remove what was added and not finished."""
        for path in self._paths(unfinished=True).values():
            path.unlink(missing_ok=True)

    @property
    def _document(self) -> Path:
        return self._folder / "pairs.json"

    def _paths(self, unfinished: bool = False) -> dict[str, Path]:
        suffix = f".{os.getpid()}.tmp" if unfinished else ""
        return {name: self._folder / f"{name}.{np.dtype(kind).name}{suffix}" for name, kind in _TYPES.items()}

    def _map(self, path: Path, name: str, rows: int) -> Array:
        shape: Sequence[int] = (rows, *self._shapes[name])
        if not rows:  # which the system refuses to map
            return np.empty(shape, _TYPES[name])
        return np.memmap(path, _TYPES[name], mode="r", shape=tuple(shape))
