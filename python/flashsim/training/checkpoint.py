"""Checkpoints: the whole state of a training, written atomically; a resumed training gives the same bits."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

__all__ = ["CHECKPOINT_VERSION", "CheckpointError", "check_same_recipe", "load_checkpoint", "save_checkpoint"]

CHECKPOINT_VERSION = 3

_ENTRIES = (
    "config", "checksum", "preprocessing", "epoch", "batch", "loss_sum", "seconds", "untrained_loss", "model",
    "average", "best", "optimiser", "reductions", "improvement", "history", "provenance",
)  # fmt: skip

# These change neither the rows nor the steps of a training: they may be edited before a resume.
_WITHOUT_INFLUENCE = (
    "sampling.", "dataset.chunk", "dataset.maximum_dropped_fraction", "training.checkpoint_minutes",
    "training.divergence_factor", "training.patience",
)  # fmt: skip


class CheckpointError(ValueError):
    """A file that is not a checkpoint, or a checkpoint of another training."""


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint beside its final place and move it there once complete and on the disk.

    Whenever the process or the machine stops, the file at ``path`` is a whole checkpoint: the last one or this one.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            torch.save({"version": CHECKPOINT_VERSION, **content}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint, made on any device, into the memory of the CPU.

    Only tensors, numbers, strings and containers of them are accepted.

    Raises:
        FileNotFoundError: there is no such file.
        CheckpointError: the file is something else, damaged, or of another version.
    """
    Path(path).stat()  # FileNotFoundError
    # torch writes zip archives; its reader would execute other bytes as opcodes.
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path}: not a checkpoint of a flow. Expected a file written by `flashsim train`.")
    try:
        _check_sums(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, LookupError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: not a checkpoint of a flow, or a damaged one: {error}") from error
    if not isinstance(content, dict) or content.get("version") != CHECKPOINT_VERSION:
        found = content.get("version") if isinstance(content, dict) else type(content).__name__
        raise CheckpointError(
            f"{path}: not a checkpoint of version {CHECKPOINT_VERSION} (found {found!r}). "
            "Use the flashsim that wrote it, or train again"
        )
    if missing := [name for name in _ENTRIES if name not in content]:
        raise CheckpointError(f"{path}: a checkpoint without {', '.join(missing)}. Train again")
    return content


def _check_sums(path: str | Path) -> None:
    """Compare the checksums in the archive, which torch leaves unread."""
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise zipfile.BadZipFile(f"wrong checksum of {damaged}")


def check_same_recipe(path: Path, here: Mapping[str, Any], saved: Mapping[str, Any], epochs_given: bool) -> None:
    """Refuse to resume a checkpoint with another recipe.

    Args:
        path: the checkpoint.
        here: the recipe now, as `config_to_dict` gives it.
        saved: that of the checkpoint.
        epochs_given: the user changes the number of epochs on purpose.

    Raises:
        CheckpointError: the recipes differ in a key that matters; the message lists every such key with both values.
    """
    mine, others = _flattened(here), _flattened(saved)
    ignored = (*_WITHOUT_INFLUENCE, "training.epochs") if epochs_given else _WITHOUT_INFLUENCE
    different = [
        f"{key}: {mine.get(key, 'absent')} here, {others.get(key, 'absent')} in the checkpoint"
        for key in dict.fromkeys([*mine, *others])
        if mine.get(key, "absent") != others.get(key, "absent") and not key.startswith(ignored)
    ]
    if different:
        hint = ". To train longer or shorter, give --epochs" if different[0].startswith("training.epochs:") else ""
        raise CheckpointError(f"{path}: made with another recipe. {'; '.join(different)}{hint}")


def _flattened(document: Any, prefix: str = "") -> dict[str, Any]:
    """Leaves by full name, ``training.seed``; elements of lists of variables by theirs, ``target.pt.range``."""
    if (
        isinstance(document, list | tuple)
        and document
        and all(isinstance(x, Mapping) and "name" in x for x in document)
    ):
        names = {f"{prefix}": [item["name"] for item in document]}
        document = {item["name"]: {k: v for k, v in item.items() if k != "name"} for item in document}
        return {**names, **_flattened(document, prefix)}
    if isinstance(document, Mapping) and prefix.count(".") < 2:
        parts = (_flattened(value, f"{prefix}.{key}" if prefix else key) for key, value in document.items())
        return {key: value for part in parts for key, value in part.items()}
    return {prefix: list(document) if isinstance(document, tuple) else document}
