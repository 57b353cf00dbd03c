"""Checkpoints: everything a training needs to go on as if it had never stopped, written atomically."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

__all__ = ["CHECKPOINT_VERSION", "CheckpointError", "load_checkpoint", "save_checkpoint"]

CHECKPOINT_VERSION = 2


class CheckpointError(ValueError):
    """A file that is no checkpoint, or one that does not belong to the training that wants to resume it."""


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint beside its final place and move it there once complete."""
    temporary = path.with_name(path.name + ".tmp")
    torch.save({"version": CHECKPOINT_VERSION, **content}, temporary)
    temporary.replace(path)


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint; only tensors, numbers, strings and containers of them are accepted.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is something else, or of another version.
    """
    Path(path).stat()  # FileNotFoundError
    # torch writes zip archives; of other bytes its reader makes whatever opcodes they happen to spell.
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path}: not a checkpoint of a flow. Expected a file written by `flashsim train`.")
    try:
        content = torch.load(path, weights_only=True)
    except (RuntimeError, EOFError, LookupError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of a flow: {error}") from error
    if not isinstance(content, dict) or content.get("version") != CHECKPOINT_VERSION:
        found = content.get("version") if isinstance(content, dict) else type(content).__name__
        raise CheckpointError(f"{path}: not a checkpoint of version {CHECKPOINT_VERSION} (found {found!r})")
    return content
