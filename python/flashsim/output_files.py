"""Checks before files are written, so that none is lost."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

__all__ = ["check_not_inputs", "check_outputs"]

_AnyPath = str | os.PathLike[str]


def check_outputs(
    outputs: Sequence[_AnyPath],
    inputs: Iterable[_AnyPath] = (),
    *,
    overwrite: bool,
    remedy: str = "Choose another output, or replace the file with --overwrite.",
) -> None:
    """Raises an error, before any work, if writing `outputs` would destroy a file.

    Raises
    ------
    ValueError
        If an output is an input or another output, by any spelling or link, also with `overwrite`.
    FileExistsError
        If an output exists and `overwrite` is false; the message ends with `remedy`.
    IsADirectoryError
        If an output is a folder.

    Examples
    --------
    >>> check_outputs(["a.onnx"], ["./a.onnx"], overwrite=True)
    Traceback (most recent call last):
    ValueError: a.onnx is read, as ./a.onnx, and cannot be written too. Choose another output.
    """
    check_not_inputs(outputs, inputs)
    for first, second in combinations(outputs, 2):
        if _are_same(first, second):
            raise ValueError(f"{os.fspath(second)} would be written twice. Choose another output.")
    for output in outputs:
        if Path(output).is_dir():
            raise IsADirectoryError(f"{os.fspath(output)} is a folder; expected the name of a file to write.")
    # Devices such as /dev/null may always be written.
    present = [os.fspath(output) for output in outputs if Path(output).is_file() or Path(output).is_symlink()]
    if present and not overwrite:
        raise FileExistsError(f"{' and '.join(present)} exist{'s' * (len(present) == 1)}. {remedy}")


def check_not_inputs(outputs: Iterable[_AnyPath], inputs: Iterable[_AnyPath]) -> None:
    """Raises ValueError if an output is an input, by any spelling or link. Inputs need not be local or exist."""
    read = list(inputs)
    for output in outputs:
        for given in read:
            if _are_same(output, given):
                as_what = "" if os.fspath(given) == os.fspath(output) else f", as {os.fspath(given)},"
                raise ValueError(
                    f"{os.fspath(output)} is read{as_what} and cannot be written too. Choose another output."
                )


def _are_same(a: _AnyPath, b: _AnyPath) -> bool:
    try:
        return Path(a).samefile(b)
    except OSError:  # one of them does not exist
        return os.path.realpath(a) == os.path.realpath(b)
