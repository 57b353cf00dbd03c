"""One object of a ROOT file, with errors that say what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ._library import root

__all__ = ["stored"]


@contextmanager
def stored(file: str, name: str) -> Iterator[Any]:
    """An object by its name, with its folders if any, for as long as the file is open.

    Raises
    ------
    FileNotFoundError, OSError
        If there is no such file, or it is not a ROOT file.
    ValueError
        If there is nothing of that name; what there is, is listed.

    Examples
    --------
    >>> import flashsim
    >>> from flashsim.root_file import stored
    >>> with stored(flashsim.data.path("ttbar.root"), "Events") as tree:
    ...     tree.GetEntries()
    5000
    """
    if "://" not in file and not Path(file).is_file():
        raise FileNotFoundError(f"{file}: there is no such file.")
    with root().TFile.Open(file) as opened:
        found = opened.Get(name)
        if not found:
            there = ", ".join(sorted({key.GetName() for key in opened.GetListOfKeys()})) or "nothing"
            raise ValueError(f"{file}: there is no {name!r}. There is: {there}.")
        yield found
