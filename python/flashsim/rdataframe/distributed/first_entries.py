"""Properties of the whole dataset that a task with some of its files needs: first entries and identity columns."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from operator import or_
from typing import Any

from ..._errors import translated
from ..._library import root
from . import distrdf
from .worker import describe_worker, make_task

__all__ = ["check_files", "check_identity", "first_entries"]


def check_files(head: Any) -> None:
    """Raises ValueError if a file is in the dataset twice: the part that a task reads would be ambiguous."""
    files = Counter(file for file, _ in distrdf.files_of(head))
    repeated = [file for file, times in files.items() if times > 1]
    if repeated:
        message = (
            f"the dataset holds the file '{repeated[0]}' twice. Its GEN events, and so all of their RECO events, would "
            "appear twice; give each file once."
        )
        raise ValueError(message)


def check_identity(head: Any, upstream: Any) -> None:
    """Raises RuntimeError if files identify the events of the node `upstream` by different rules.

    A task sees the rule of its own files only.
    """
    cpp, partial = root().FlashSim, root().std.vector["FlashSim::PartialColumn"]()
    node = root().RDF.AsRNode(upstream)
    # Without those of an Alias, which needs its column in the first file: a task on a file that lacks it fails.
    columns = set(map(str, cpp.GetIdentityColumnsOfFiles(node))) & set(_IDENTITY)
    files = _look(head)
    for column in sorted(columns):
        having = [file for file, (_, found) in files.items() if column in found]
        lacking = [file for file, (_, found) in files.items() if column not in found]
        if having and lacking:
            partial.push_back(cpp.PartialColumn(column, having[0], lacking[0]))
    with translated():
        cpp.CheckIdentity(node, partial)


def first_entries(head: Any) -> dict[str, int]:
    """The number of the first entry of each file of the dataset; empty if there are fewer than two files."""
    files = _look(head)
    starts = accumulate((entries for entries, _ in files.values()), initial=0)
    return dict(zip(files, starts, strict=False))


def _look(head: Any) -> dict[str, tuple[int, list[str]]]:
    """Entries and identity columns of each file of the dataset, in order; empty if there are fewer than two files.

    The workers read the files, at the first call for a dataframe, since the client may have no access to them.
    """
    files = distrdf.files_of(head)
    if len(files) < 2:
        return {}
    if not hasattr(head, _KNOWN):
        kind = "RNTuple" if distrdf.reads_ntuple(head) else "TTree"
        n_tasks = min(len(files), head.backend.optimize_npartitions())
        tasks = [[(kind, *file) for file in files[first::n_tasks]] for first in range(n_tasks)]
        found = distrdf.run_tasks(head, tasks, make_task(distrdf.initialization_of(head), look_into), or_)
        setattr(head, _KNOWN, {file: found[file] for file, _ in files})
    return getattr(head, _KNOWN)


_KNOWN = "_flashsim_files"
_IDENTITY = ("run", "luminosityBlock", "event")  # kIdentityColumns in C++


def look_into(files: list[tuple[str, str, str]]) -> dict[str, tuple[int, list[str]]]:
    """Entries and identity columns of files, each given as kind (TTree or RNTuple), path and name of its dataset.

    Runs on workers.
    """
    return {path: _look_into(kind, path, name) for kind, path, name in files}


def _look_into(kind: str, path: str, name: str) -> tuple[int, list[str]]:
    ROOT = root()
    try:
        if kind == "RNTuple":
            reader = ROOT.RNTupleReader.Open(name, path)
            fields = {str(field.GetFieldName()) for field in reader.GetDescriptor().GetTopLevelFields()}
            return int(reader.GetNEntries()), [column for column in _IDENTITY if column in fields]
        with ROOT.TFile.Open(path) as file:
            tree = file.Get(name)
            if tree:
                found = [column for column in _IDENTITY if tree.GetLeaf(column)]
                return int(tree.GetEntries()), found
            reason = "it is not in the file"
    except OSError as error:
        reason = str(error)
    except ROOT.std.exception as error:
        reason = str(error.what()).partition("\nAt:")[0]  # the place in ROOT's code follows
    message = f"FlashSim: {describe_worker()} cannot read the {kind} '{name}' of the dataset's file '{path}': {reason}."
    raise RuntimeError(message)
