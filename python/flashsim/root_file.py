"""One object of a ROOT file, with errors that name the missing file or object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ._library import root

__all__ = ["names_in", "opened", "stored"]


def names_in(folder: Any) -> str:
    """Names in a ROOT file or folder, for messages; without the folders of fold information beside histograms."""
    names = {str(key.GetName()) for key in folder.GetListOfKeys()}
    return ", ".join(sorted(name for name in names if name.removesuffix("_folds") not in names - {name})) or "nothing"


@contextmanager
def opened(file: str) -> Iterator[Any]:
    """A ROOT file, open for reading. Raises FileNotFoundError, OSError as `stored`."""
    if "://" not in file and not Path(file).is_file():
        raise FileNotFoundError(f"{file}: there is no such file.")
    with root().TFile.Open(file) as found:
        yield found


@contextmanager
def stored(file: str, name: str) -> Iterator[Any]:
    """An object by its name, with its folders if any, within the context of an open file.

    Raises
    ------
    FileNotFoundError, OSError
        If there is no such file, or it is not a ROOT file.
    ValueError
        If there is no object of that name; the message lists the objects.

    Examples
    --------
    >>> import flashsim
    >>> from flashsim.root_file import stored
    >>> with stored(flashsim.data.path("ttbar.root"), "Events") as tree:
    ...     tree.GetEntries()
    5000
    """
    with opened(file) as folder:
        found = folder.Get(name)
        if not found:
            raise ValueError(f"{file}: there is no {name!r}. There is: {names_in(folder)}.")
        yield found
