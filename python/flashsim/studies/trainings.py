"""Trainings of a study: finished ones are used again, interrupted ones continue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..pairs import Pairs
from ..training import FlowConfig, export_flow, train

__all__ = ["Trained", "train_for", "with_budget"]


@dataclass(frozen=True)
class Trained:
    """A flow of a study.

    Attributes
    ----------
    name
        Its name in tables.
    flow
        The exported file.
    parameters
        Trained numbers.
    seconds
        Time spent in training.
    epochs
        Passes over the data.
    """

    name: str
    flow: Path
    parameters: int
    seconds: float
    epochs: int


def with_budget(config: FlowConfig, pairs: int, budget: int) -> FlowConfig:
    """The recipe with the number of epochs that takes ``budget`` rows, for any number of pairs.

    Parameters
    ----------
    config
        The recipe.
    pairs
        Pairs in the data, of which the recipe holds some out.
    budget
        Rows of the training, over all its epochs.
    """
    rows = max(1.0, pairs * (1 - config.dataset.validation_fraction))
    epochs = max(1, round(budget / rows))
    settings = replace(config.training, epochs=epochs)
    return replace(config, training=settings)


def train_for(
    name: str, config: FlowConfig, data: Pairs, folder: Path, threads: int | None, tell: Callable[[str], None]
) -> Trained:
    """Trains and exports ``<folder>/<name>.onnx``, from the checkpoint ``<name>.pt`` if it exists.

    Raises
    ------
    CheckpointError
        If the checkpoint was made with another recipe or other data.
    TrainingDiverged
        If the loss diverged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, exported = folder / f"{name}.pt", folder / f"{name}.onnx"
    tell(f"{name}: {len(data)} pairs, {config.training.epochs} epochs")
    flow = train(config, data, checkpoint, resume=checkpoint.exists(), threads=threads, progress=False)
    export_flow(checkpoint, exported)
    provenance = flow.provenance
    return Trained(name, exported, provenance["parameters"], provenance["seconds"], provenance["epochs"])
