"""Flows on workers: identified by their content, found there or sent."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypedDict
from weakref import WeakKeyDictionary

from ... import data
from ...flows.flow import Flow
from . import distrdf
from .worker import describe_worker

__all__ = ["FlowReference", "make_reference", "open_reference", "send"]


class FlowReference(TypedDict):
    """A flow, as described to a task."""

    name: str
    """File name of a shipped flow; else empty."""
    path: str
    """Absolute path on the client."""
    sha256: str
    """SHA-256 of the file and its data files, one after the other, in hexadecimal."""
    data: tuple[str, ...]
    """Files with weights, relative to the folder of the file."""


def make_reference(flow: Flow | str | os.PathLike[str]) -> FlowReference:
    """The reference to a flow. A path or name is opened, to check the flow."""
    opened = flow if isinstance(flow, Flow) else Flow(flow)
    path, files = Path(opened.path), tuple(opened.data_files)
    # Data files lie beside the given path, which may be a symbolic link.
    path = path.absolute() if files else path.resolve()
    is_shipped = path.parent == Path(data.__file__).resolve().parent
    return FlowReference(name=path.name if is_shipped else "", path=str(path), sha256=_hash(path, files), data=files)


def open_reference(reference: FlowReference) -> Flow:
    """The flow in this process: at the client's path if there is such a file, else the received copy.

    Raises
    ------
    RuntimeError
        If the file at the client's path differs from the client's, or there is neither a file nor a copy.
    """
    return _open(reference["name"], reference["path"], reference["sha256"], tuple(reference["data"]))


def send(head: Any, references: list[FlowReference]) -> None:
    """Copies flows to all workers, once for each cluster and content. Shipped flows are part of the package there."""
    sent = _sent.setdefault(distrdf.cluster_of(head), set())
    for reference in references:
        if reference["name"] or reference["sha256"] in sent:
            continue
        path, sha256 = Path(reference["path"]), reference["sha256"]
        try:
            is_the_same = _hash(path, reference["data"]) == sha256
        except OSError as error:
            message = (
                f"the flow {path} was there when FlashSim was called, and cannot be sent to the workers: "
                f"{error.strerror}. Put it back, or call FlashSim again with a flow that is there."
            )
            raise type(error)(message) from None
        if not is_the_same:
            message = f"the flow {path} has changed since FlashSim was called. Call FlashSim again."
            raise RuntimeError(message)
        for original, name in _copies_of(path, sha256, reference["data"]).items():
            copy = Path(_copies().name) / name
            if not copy.exists():
                shutil.copyfile(original, copy)
            distrdf.send_file(head, str(copy))
        sent.add(sha256)


_sent: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


@cache
def _copies() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="flashsim-")


@cache  # further tasks of the same worker use the open flow
def _open(name: str, path: str, sha256: str, data_files: tuple[str, ...]) -> Flow:
    here = Path(data.path(name)) if name else Path(path)
    if here.exists():
        missing = [file for file in data_files if not (here.parent / file).exists()]
        if missing:
            message = f"FlashSim: {describe_worker()}: the flow {here} is there, but not its {', '.join(missing)}."
            raise RuntimeError(message)
        found = _hash(here, data_files)
        if found != sha256:
            message = (
                f"FlashSim: {describe_worker()}: the flow {here} is another one than that of the client (SHA-256 "
                f"{found[:12]}..., expected {sha256[:12]}...). Bring both to the same version, or rename one."
            )
            raise RuntimeError(message)
        return Flow(here)
    folder = _folder_of_received_files()
    copies = _copies_of(Path(path), sha256, data_files)
    for original, copy in copies.items():
        if not (folder / copy).exists():
            message = f"FlashSim: {describe_worker()}: there is no flow {path}, and the copy {folder / copy} of "
            message += f"{original} has not arrived."
            raise RuntimeError(message)
    received = folder / copies[Path(path)]
    if data_files:
        received = _assemble(folder, Path(path), copies)
    if _hash(received, data_files) != sha256:
        message = (
            f"FlashSim: {describe_worker()}: the copy of the flow {path}, {received}, is damaged. Restart the cluster."
        )
        raise RuntimeError(message)
    return Flow(received)


def _assemble(folder: Path, path: Path, copies: Mapping[Path, str]) -> Path:
    """A model and its data files, side by side under their names on the client."""
    whole = folder / f"{copies[path]}.d"
    if not whole.exists():
        part = Path(tempfile.mkdtemp(dir=folder, prefix="flashsim-"))
        for original, copy in copies.items():
            place = part / original.relative_to(path.parent)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / copy, place)
        try:
            part.rename(whole)
        except OSError:
            shutil.rmtree(part)
            if not whole.exists():  # made by another task in the meantime
                raise
    return whole / path.name


def _folder_of_received_files() -> Path:
    """The folder for files sent by the cluster's own means."""
    if "distributed" in sys.modules:
        from distributed import get_worker

        return Path(get_worker().local_directory)
    from pyspark import SparkFiles

    return Path(SparkFiles.getRootDirectory())


def _copies_of(path: Path, sha256: str, data_files: Iterable[str]) -> dict[Path, str]:
    """The files of a flow on the client, and the names of their copies."""
    names = {path: f"flashsim-{sha256}.onnx"}
    for index, file in enumerate(data_files):
        names[path.parent / file] = f"flashsim-{sha256}-{index}.data"
    return names


def _hash(path: Path, data_files: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for file in (path, *(path.parent / name for name in data_files)):
        with file.open("rb") as content:
            while block := content.read(2**20):
                digest.update(block)
    return digest.hexdigest()
