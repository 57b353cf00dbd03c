"""A dataset file that is complete or does not exist."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._library import root

__all__ = ["snapshot"]


def snapshot(
    node: Any,
    tree: str,
    path: str | os.PathLike[str],
    columns: Sequence[str] | str | None = None,
    *,
    options: Any = None,
    overwrite: bool = False,
) -> Any:
    """Writes a dataframe to a file that appears when it is complete: ``flashsim.snapshot(sim, "Events", "reco.root")``.

    ROOT's ``Snapshot`` writes under the final name from the start. After an error or a kill, this file cannot be read,
    or silently holds a part of the events. This function writes to a file beside it, with a name that ends in
    ``.partial``, checks that it holds all entries, and renames it.

    Parameters
    ----------
    node
        A node of a local RDataFrame, behind ``FlashSim`` or not.
    tree
        Name of the TTree or RNTuple.
    path
        A file in a local folder that exists.
    columns
        Names of the columns, or a regular expression for them; by default all.
    options
        ``ROOT.RDF.RSnapshotOptions``: the format (TTree or RNTuple), compression, ...
    overwrite
        Whether a file of this name is replaced, at the end.

    Returns
    -------
    RDataFrame
        Of the file.

    Raises
    ------
    FileExistsError
        If the file exists, and `overwrite` is not set.
    FileNotFoundError
        If its folder does not exist.
    TypeError
        On a distributed node, whose ``Snapshot`` writes a file for each task.
    ValueError
        If the options are for a lazy Snapshot, or for an existing file.
    RuntimeError
        If the event loop fails. Then, and after Ctrl-C, neither the file nor the partial one stays; a kill leaves the
        partial one.
    OSError
        If the file does not hold all entries at the end, as on a full disk.

    Notes
    -----
    Not lazy: the event loop runs at once, with all that is booked on the dataframe. Works with and without
    ``ROOT.EnableImplicitMT()``.

    Examples
    --------
    >>> import ROOT, flashsim, tempfile
    >>> df = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(10)
    >>> sim = df.FlashSim("jets", fold_size=2, prefix="Flash")
    >>> path = tempfile.mkdtemp() + "/reco.root"
    >>> written = flashsim.snapshot(sim, "Events", path, ["nFlashJet", "FlashJet_pt"])
    >>> written.Count().GetValue()
    20
    """
    target = _check_target(node, path, overwrite)
    lazy = _make_options(options)
    is_ntuple = lazy.fOutputFormat == root().RDF.ESnapshotOutputFormat.kRNTuple
    handle, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".partial", dir=target.parent)
    os.close(handle)
    partial = Path(name)
    partial.chmod(0o666 & ~_umask())
    try:
        expected = _write(node, tree, str(partial), columns, lazy)
        _check_entries(partial, tree, is_ntuple, expected, lazy.fIncludeVariations)
        if not overwrite and target.exists():
            raise FileExistsError(_describe_existing(target))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return root().RDataFrame(tree, str(target))


def _check_target(node: Any, path: str | os.PathLike[str], overwrite: bool) -> Path:
    if type(node).__module__.startswith("ROOT._distrdf"):
        message = (
            "flashsim.snapshot writes one file: call Snapshot of the distributed dataframe, which writes one per task."
        )
        raise TypeError(message)
    if "://" in os.fspath(path):
        raise ValueError(f"{path} is not a local file. Expected one, which can be renamed when it is complete.")
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target}: the folder {target.parent} does not exist.")
    if target.exists() and not overwrite:
        raise FileExistsError(_describe_existing(target))
    return target


def _describe_existing(target: Path) -> str:
    return f"{target} exists. Give another name, or overwrite=True to replace it."


def _write(node: Any, tree: str, path: str, columns: Sequence[str] | str | None, options: Any) -> int:
    """Returns the number of entries of the event loop."""
    if columns is None:
        columns = ""
    elif not isinstance(columns, str):
        columns = root().std.vector["std::string"](list(columns))
    entries = written = None
    try:
        entries = node.Count()
        written = node.Snapshot(tree, path, columns, options)
        return int(entries.GetValue())
    finally:
        del entries, written  # after an error they would stay booked, as long as its traceback is kept


def _make_options(options: Any) -> Any:
    made = root().RDF.RSnapshotOptions() if options is None else root().RDF.RSnapshotOptions(options)
    if made.fLazy:
        raise ValueError(
            "flashsim.snapshot writes at once, and the options are for a lazy Snapshot. Leave fLazy False."
        )
    if str(made.fMode).upper() not in ("RECREATE", "NEW", "CREATE"):
        message = f"flashsim.snapshot writes new files, and the options have the mode '{made.fMode}'. Use Snapshot."
        raise ValueError(message)
    made.fMode = "RECREATE"  # of the partial file
    made.fLazy = True  # until the number of entries is booked, too
    return made


def _check_entries(path: Path, name: str, is_ntuple: bool, expected: int, more_are_fine: bool) -> None:
    """Counts the entries: ROOT only prints a failure to write."""
    ROOT = root()
    if is_ntuple:
        found = int(ROOT.RNTupleReader.Open(name, str(path)).GetNEntries())
    else:
        with ROOT.TFile.Open(str(path)) as file:
            found = int(file.Get(name).GetEntries())
    if found < expected or (found > expected and not more_are_fine):
        message = f"{path} holds {found} of {expected} entries, and is removed: check the free space on the disk."
        raise OSError(message)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
