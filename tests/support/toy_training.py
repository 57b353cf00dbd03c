"""A tiny recipe and pairs for it: trainings of a second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flashsim.training import FlowConfig, Pairs, TrainedFlow, train
from flashsim.training.recipe.sections import (
    AffineConfig,
    DatasetConfig,
    FlowMatchingConfig,
    SplineConfig,
    TrainingConfig,
    VariableConfig,
)
from flashsim.training.trainer import Trainer

MODELS = {
    "flow_matching": FlowMatchingConfig(hidden=(16, 16), time_frequencies=2),
    "affine": AffineConfig(transforms=2, hidden=(8,)),
    "spline": SplineConfig(transforms=2, hidden=(8,), bins=3),
}


CONFIG = FlowConfig(
    name="toys",
    collection="Jet",
    source="GenJet",
    sort_by="pt",
    dataset=DatasetConfig(index="Jet_genJetIdx", validation_fraction=0.1),
    context=(VariableConfig("pt", (0.0, 1000.0), ({"op": "log"}, {"op": "saturate"}, {"op": "standardise"})),),
    target=(
        VariableConfig("pt", (0.0, 1000.0), ({"op": "ratio", "to": "pt"}, {"op": "gaussianise"})),
        VariableConfig("nMuons", (0.0, 255.0), ({"op": "dequantise"}, {"op": "gaussianise"}), dtype="uint8"),
    ),
    model=MODELS["flow_matching"],
    training=TrainingConfig(epochs=4, batch_size=100, seed=3),
)


def toy_pairs(rows: int = 600, seed: int = 1) -> Pairs:
    """Prepared, they are standard normal, independent of each other and of the context."""
    generator = np.random.default_rng(seed)
    gen = generator.uniform(20, 200, rows)
    reco = np.stack([gen * generator.normal(1, 0.1, rows), generator.integers(0, 3, rows)], axis=1)
    return Pairs(gen[:, None].astype(np.float32), reco.astype(np.float32), ["toys.root"], rows)


def changed(**settings: Any) -> FlowConfig:
    return replace(CONFIG, training=replace(CONFIG.training, **settings))


def quietly(config: FlowConfig, pairs: Pairs, path: Path, **options: Any) -> TrainedFlow:
    return train(config, pairs, path, progress=False, threads=1, device="cpu", **options)


class Stopped(Exception):
    pass


def run_until(trainer: Trainer, epoch: int, batch: int) -> None:
    """Trains, and is torn away after having saved at this point."""

    def stop() -> None:
        if (trainer.epoch, trainer.batch) == (epoch, batch):
            trainer.save()
            raise Stopped

    while trainer.epoch < epoch:
        trainer.run_epoch()
    if not batch:
        trainer.save()
        return
    with pytest.raises(Stopped):
        trainer.run_epoch(stop)
