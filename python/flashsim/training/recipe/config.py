"""The recipe of a training, read from a TOML file and checked key by key."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...flows.ode.solvers import SOLVERS, is_grid
from ...toml_reader import ConfigError, read_table, read_toml, suggest
from ..preparation.preprocessing import Preprocessing
from .sections import (
    DTYPES,
    SCHEDULES,
    FlowConfig,
    FlowMatchingConfig,
    ModelConfig,
    SplineConfig,
    TrainingConfig,
)

__all__ = ["config_from_dict", "config_to_dict", "load_config"]


def load_config(path: str | Path) -> FlowConfig:
    """Read and check a training recipe.

    Args:
        path: TOML file.

    Raises:
        FileNotFoundError: there is no such file.
        ConfigError: not TOML, or a key, variable, operation or value that is unknown, missing or impossible.

    Example:
        >>> from importlib.resources import files
        >>> from flashsim.training import load_config
        >>> config = load_config(files("flashsim.recipes") / "jets.toml")
        >>> [variable.name for variable in config.context]
        ['pt', 'eta', 'phi', 'mass', 'partonFlavour', 'nMuon']
    """
    config = read_toml(FlowConfig, path)
    _check(config, str(path))
    return config


def config_from_dict(document: Mapping[str, Any], where: str = "config") -> FlowConfig:
    """Build a recipe from a nested dictionary such as TOML or a checkpoint holds; errors as in `load_config`."""
    config = read_table(FlowConfig, document, where)
    _check(config, where)
    return config


def config_to_dict(config: FlowConfig) -> dict[str, Any]:
    """Inverse of `config_from_dict`; the result can be written as JSON."""
    return dataclasses.asdict(config)


def _model_bounds(model: ModelConfig) -> list[tuple[str, Any, bool, str]]:
    if isinstance(model, FlowMatchingConfig):
        couplings = ("independent", "optimal_transport")
        return [
            ("model.time_frequencies", model.time_frequencies, model.time_frequencies >= 0, "0 or more"),
            ("model.sigma_min", model.sigma_min, 0 < model.sigma_min < 1, "in (0, 1)"),
            ("model.coupling", model.coupling, model.coupling in couplings, f"one of {', '.join(couplings)}"),
            ("model.context_weight", model.context_weight, 0 <= model.context_weight < math.inf, "0 or more, finite"),
        ]
    expected = "at least 2, so that every variable is transformed"
    bounds: list[tuple[str, Any, bool, str]] = [("model.transforms", model.transforms, model.transforms >= 2, expected)]
    if isinstance(model, SplineConfig):
        bounds.append(("model.bins", model.bins, model.bins >= 2, "at least 2"))
        bounds.append(("model.bound", model.bound, 0 < model.bound < math.inf, "above 0, finite"))
    return bounds


def _training_bounds(training: TrainingConfig) -> list[tuple[str, Any, bool, str]]:
    final, patience = training.final_learning_rate, training.patience
    bounds = [
        ("epochs", training.epochs >= 1, "at least 1"),
        ("batch_size", training.batch_size >= 1, "at least 1"),
        ("learning_rate", training.learning_rate > 0, "above 0"),
        ("final_learning_rate", 0 < final <= training.learning_rate, "above 0 and at most learning_rate"),
        ("warmup_epochs", training.warmup_epochs >= 0, "0 or more"),
        ("schedule", training.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}"),
        ("plateau_epochs", training.plateau_epochs >= 1, "at least 1"),
        ("plateau_factor", 0 < training.plateau_factor < 1, "in (0, 1)"),
        ("patience", patience >= 0, "0 or more"),
        ("weight_decay", training.weight_decay >= 0, "0 or more"),
        ("average_decay", 0 <= training.average_decay < 1, "in [0, 1)"),
        ("gradient_clip", training.gradient_clip > 0, "above 0"),
        ("divergence_factor", training.divergence_factor > 1, "above 1"),
        ("checkpoint_minutes", training.checkpoint_minutes >= 0, "0 or more"),
        ("seed", training.seed >= 0, "0 or more"),
    ]
    if training.schedule == "plateau":
        lasting = patience == 0 or patience > training.plateau_epochs
        bounds.append(("patience", lasting, f"0, or more than plateau_epochs = {training.plateau_epochs}"))
    return [(f"training.{key}", getattr(training, key), fine, expected) for key, fine, expected in bounds]


def _check(config: FlowConfig, where: str) -> None:
    training, model, sampling = config.training, config.model, config.sampling
    bounds = (
        *_training_bounds(training),
        ("model.hidden", model.hidden, model.hidden and min(model.hidden) >= 1, "one or more widths above 0"),
        *_model_bounds(model),
        ("sampling.default_steps", sampling.default_steps, sampling.default_steps >= 1, "at least 1"),
        ("sampling.solver", sampling.solver, sampling.solver in SOLVERS, f"one of {', '.join(SOLVERS)}"),
        (
            "sampling.grid",
            sampling.grid,
            is_grid(sampling.grid),
            "ascending times from 0 to 1",
        ),
        (
            "dataset.validation_fraction",
            config.dataset.validation_fraction,
            0 < config.dataset.validation_fraction < 1,
            "in (0, 1)",
        ),
    )
    for key, value, fine, expected in bounds:
        if not fine:
            raise ConfigError(f"{where}: {key}: expected {expected}, found {value!r}")
    for kind, variables in (("context", config.context), ("target", config.target)):
        if not variables:
            raise ConfigError(f"{where}: [[{kind}]]: at least one variable is needed")
        names = [variable.name for variable in variables]
        for variable in variables:
            if names.count(variable.name) > 1:
                raise ConfigError(f"{where}: {kind} variable {variable.name!r} is declared twice")
            if variable.dtype not in DTYPES:
                raise ConfigError(
                    f"{where}: {kind} variable {variable.name!r}: "
                    f"dtype {variable.dtype!r}{suggest(variable.dtype, DTYPES)}"
                )
            if not variable.range[0] < variable.range[1]:
                raise ConfigError(
                    f"{where}: {kind} variable {variable.name!r}: range {variable.range} has no values in it"
                )
    targets = [variable.name for variable in config.target]
    if config.sort_by and config.sort_by not in targets:
        raise ConfigError(
            f"{where}: sort_by: {config.sort_by!r} is no target variable{suggest(config.sort_by, targets)}"
        )
    Preprocessing(config.context, config.target, where=where)
