"""The ONNX file of a flow: its model, the JSON document of its contract and its checksum, read and written."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

from .contract import read_metadata

__all__ = ["CHECKSUM", "METADATA_KEY", "data_files", "read_flow", "set_metadata", "stamp", "write_model"]

METADATA_KEY = "flashsim"

CHECKSUM = "checksum"
"""Field of the metadata with ``sha256:`` and 64 digits, see `stamp`."""

_NO_DIGITS = b"0" * 64


def read_flow(path: str | Path) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """Model and contract of a flow.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an ONNX file, not a flow, or does not fit its checksum. The returned metadata omit the checksum.
    """
    model, metadata = _read(path, load_data=True)
    kind = metadata.get("kind", "flow")
    if kind != "flow":
        raise ValueError(f"{path}: not a flow: its kind is {kind!r}")
    checksum = metadata.pop(CHECKSUM, None)
    if checksum is not None:
        digits = str(checksum).removeprefix("sha256:").encode()
        names = data_files(onnx.load(str(path), load_external_data=False))
        if _digest(Path(path).read_bytes().replace(digits, _NO_DIGITS), Path(path).parent, names) != digits:
            raise ValueError(f"{path}: does not fit the checksum in its metadata: it has changed since it was written")
    return model, metadata


def _read(path: str | Path, load_data: bool) -> tuple[onnx.ModelProto, dict[str, Any]]:
    try:
        model = onnx.load(str(path), load_external_data=load_data)
    except DecodeError as error:
        raise ValueError(f"{path}: not an ONNX file: {error}") from error
    text = next((item.value for item in model.metadata_props if item.key == METADATA_KEY), None)
    if text is None:
        raise ValueError(f"{path}: not a flow: the model has no metadata under the key {METADATA_KEY!r}")
    try:
        return model, read_metadata(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def set_metadata(model: onnx.ModelProto, metadata: Mapping[str, Any]) -> None:
    """Write the contract into a model; an earlier one is replaced."""
    entry = next((item for item in model.metadata_props if item.key == METADATA_KEY), None)
    entry = model.metadata_props.add() if entry is None else entry
    entry.key, entry.value = METADATA_KEY, json.dumps(metadata)


def write_model(model: onnx.ModelProto, path: str | Path) -> Path:
    """Write a flow with its checksum; an existing file is replaced only once the new one is complete.

    `model` itself keeps its checksum, if any. A model without a contract is written unchanged.
    """
    path = Path(path)
    content = _with_checksum(model, path.parent)
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def stamp(path: str | Path) -> str:
    """Write the checksum of a flow into its metadata, after another program has made or changed the flow.

    It is the SHA-256 of the file, with the checksum's own digits as zeros, followed by the contents of its data files
    (weights beside it, if any) in the order of their names. Weights, graph, contract and data files are all covered,
    and stay unchanged.

    Returns
    -------
    str
        The checksum.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an ONNX file, or not a flow.
    """
    model, _ = _read(path, load_data=False)
    write_model(model, path)
    return str(_read(path, load_data=False)[1][CHECKSUM])


def data_files(model: onnx.ModelProto) -> list[str]:
    """Files with values of tensors, relative to the folder of the model, in ascending order."""
    locations = {
        entry.value
        for tensor in _tensors(model.graph)
        if tensor.data_location == TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return sorted({posixpath.normpath(location) for location in locations})


def _tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                yield from _tensors(inner)


def _with_checksum(model: onnx.ModelProto, folder: Path) -> bytes:
    entry = next((item for item in model.metadata_props if item.key == METADATA_KEY), None)
    if entry is None:
        return model.SerializeToString()
    stamped = onnx.ModelProto()
    stamped.CopyFrom(model)
    set_metadata(stamped, {**json.loads(entry.value), CHECKSUM: f"sha256:{_NO_DIGITS.decode()}"})
    content = stamped.SerializeToString()
    before = f'"{CHECKSUM}": "sha256:'.encode()
    place = content.index(before + _NO_DIGITS) + len(before)
    return content[:place] + _digest(content, folder, data_files(model)) + content[place + len(_NO_DIGITS) :]


def _digest(content: bytes, folder: Path, names: Iterable[str]) -> bytes:
    digest = hashlib.sha256(content)
    for name in names:
        with (folder / name).open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest().encode()
