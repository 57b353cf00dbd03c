"""The ONNX file of a flow: its model and the JSON document of its contract, read and written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

__all__ = ["METADATA_KEY", "read_flow", "set_metadata", "write_model"]

METADATA_KEY = "flashsim"

_NEEDED = ("name", "collection", "source", "context", "target", "noise_dimension")


def read_flow(path: str | Path) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """Model and contract of a flow.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no ONNX file, or none of a flow.
    """
    try:
        model = onnx.load(str(path))
    except DecodeError as error:
        raise ValueError(f"{path}: not an ONNX file: {error}") from error
    text = next((item.value for item in model.metadata_props if item.key == METADATA_KEY), None)
    if text is None:
        raise ValueError(f"{path}: not a flow: the model has no metadata under the key {METADATA_KEY!r}")
    try:
        metadata = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: the metadata under the key {METADATA_KEY!r} are not valid JSON: {error}") from error
    missing = [key for key in _NEEDED if key not in metadata] if isinstance(metadata, dict) else list(_NEEDED)
    if missing:
        raise ValueError(f"{path}: the metadata under the key {METADATA_KEY!r} lack {', '.join(missing)}")
    return model, metadata


def set_metadata(model: onnx.ModelProto, metadata: Mapping[str, Any]) -> None:
    """Write the contract into a model, in place of the one that it may have."""
    entry = next((item for item in model.metadata_props if item.key == METADATA_KEY), None)
    entry = model.metadata_props.add() if entry is None else entry
    entry.key, entry.value = METADATA_KEY, json.dumps(metadata)


def write_model(model: onnx.ModelProto, path: str | Path) -> Path:
    """Write an ONNX file; one that is there already is replaced only once the new one is complete."""
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.write_bytes(model.SerializeToString())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
