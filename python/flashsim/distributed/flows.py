"""Flows on workers: named by their content, found there or sent along."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, TypedDict
from weakref import WeakKeyDictionary

from .. import data
from ..flow import Flow
from . import distrdf
from .worker import describe_worker

__all__ = ["FlowReference", "make_reference", "open_reference", "send"]


class FlowReference(TypedDict):
    """What a task is told of a flow."""

    name: str
    """File name of a flow that the package ships; else empty."""
    path: str
    """Absolute path on the client."""
    sha256: str
    """Of the file, in hexadecimal."""


def make_reference(flow: Flow | str | os.PathLike[str]) -> FlowReference:
    """Names an opened flow, or one that is opened to check it."""
    path = Path((flow if isinstance(flow, Flow) else Flow(flow)).path).resolve()
    is_shipped = path.parent == Path(data.__file__).resolve().parent
    return FlowReference(name=path.name if is_shipped else "", path=str(path), sha256=_hash(path))


def open_reference(reference: FlowReference) -> Flow:
    """The flow in this process: at the client's path if there is such a file, else the copy that was sent.

    Raises
    ------
    RuntimeError
        If the file at the client's path has other contents than the client's, or there is none and none was received.
    """
    return _open(reference["name"], reference["path"], reference["sha256"])


def send(head: Any, references: list[FlowReference]) -> None:
    """Copies flows to all workers, once for each cluster and content; those of the package are there already."""
    sent = _sent.setdefault(distrdf.cluster_of(head), set())
    for reference in references:
        if reference["name"] or reference["sha256"] in sent:
            continue
        try:
            is_the_same = _hash(Path(reference["path"])) == reference["sha256"]
        except OSError as error:
            message = (
                f"the flow {reference['path']} was there when FlashSim was called, and cannot be sent to the workers: "
                f"{error.strerror}. Put it back, or call FlashSim again with a flow that is there."
            )
            raise type(error)(message) from None
        if not is_the_same:
            message = f"the flow {reference['path']} has changed since FlashSim was called. Call FlashSim again."
            raise RuntimeError(message)
        copy = Path(_copies().name) / _name_of_copy(reference["sha256"])
        if not copy.exists():
            shutil.copyfile(reference["path"], copy)
        distrdf.send_file(head, str(copy))
        sent.add(reference["sha256"])


_sent: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


@cache
def _copies() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="flashsim-")


@cache  # a task more for the same worker does not open it again
def _open(name: str, path: str, sha256: str) -> Flow:
    here = Path(data.path(name)) if name else Path(path)
    if here.exists():
        if _hash(here) != sha256:
            message = (
                f"FlashSim: {describe_worker()}: the flow {here} is another one than that of the client (SHA-256 "
                f"{_hash(here)[:12]}..., expected {sha256[:12]}...). Bring both to the same version, or rename one."
            )
            raise RuntimeError(message)
        return Flow(here)
    received = _folder_of_received_files() / _name_of_copy(sha256)
    if not received.exists():
        message = f"FlashSim: {describe_worker()}: there is no flow {path}, and its copy {received} has not arrived."
        raise RuntimeError(message)
    if _hash(received) != sha256:
        message = (
            f"FlashSim: {describe_worker()}: the copy of the flow {path}, {received}, is damaged. Restart the cluster."
        )
        raise RuntimeError(message)
    return Flow(received)


def _folder_of_received_files() -> Path:
    """Where the cluster's own means of sending files have put them."""
    if "distributed" in sys.modules:
        from distributed import get_worker

        return Path(get_worker().local_directory)
    from pyspark import SparkFiles

    return Path(SparkFiles.getRootDirectory())


def _name_of_copy(sha256: str) -> str:
    return f"flashsim-{sha256}.onnx"


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
