"""The number of the first entry of each file in the whole dataset, which a task that reads some files does not know."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from operator import or_
from typing import Any

from ..._library import root
from . import distrdf
from .worker import describe_worker, make_task

__all__ = ["check_files", "first_entries"]


def check_files(head: Any) -> None:
    """Raises ValueError if a file is in the dataset twice: which part of it a task reads could not be told."""
    files = Counter(file for file, _ in distrdf.files_of(head))
    repeated = [file for file, times in files.items() if times > 1]
    if repeated:
        message = (
            f"the dataset holds the file '{repeated[0]}' twice. Its GEN events, and so all of their RECO events, would "
            "appear twice; give each file once."
        )
        raise ValueError(message)


def first_entries(head: Any) -> dict[str, int]:
    """For each file of the dataset the number of its first entry; empty if there is one file, or none.

    The workers count, at the first call for a dataframe, since only they need to see all files.
    """
    files = distrdf.files_of(head)
    if len(files) < 2:
        return {}
    if not hasattr(head, _KNOWN):
        kind = "RNTuple" if distrdf.reads_ntuple(head) else "TTree"
        n_tasks = min(len(files), head.backend.optimize_npartitions())
        tasks = [[(kind, *file) for file in files[first::n_tasks]] for first in range(n_tasks)]
        counts = distrdf.run_tasks(head, tasks, make_task(distrdf.initialization_of(head), count_entries), or_)
        starts = accumulate((counts[file] for file, _ in files), initial=0)
        setattr(head, _KNOWN, dict(zip((file for file, _ in files), starts, strict=False)))
    return getattr(head, _KNOWN)


_KNOWN = "_flashsim_first_entries"


def count_entries(files: list[tuple[str, str, str]]) -> dict[str, int]:
    """Entries of files, each given as kind (TTree or RNTuple), path and name of the dataset in it. Runs on workers."""
    return {path: _count(kind, path, name) for kind, path, name in files}


def _count(kind: str, path: str, name: str) -> int:
    ROOT = root()
    try:
        if kind == "RNTuple":
            return int(ROOT.RNTupleReader.Open(name, path).GetNEntries())
        with ROOT.TFile.Open(path) as file:
            tree = file.Get(name)
            if tree:
                return int(tree.GetEntries())
            reason = "it is not there"
    except OSError as error:
        reason = str(error)
    except ROOT.std.exception as error:
        reason = str(error.what()).partition("\nAt:")[0]  # where in ROOT's code follows
    message = f"FlashSim: {describe_worker()} cannot read the {kind} '{name}' of the dataset's file '{path}': {reason}."
    raise RuntimeError(message)
