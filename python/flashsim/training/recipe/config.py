"""The recipe of a training, read from a TOML file and checked key by key."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...flows.contract import DTYPES, is_grid
from ...flows.ode.solvers import SOLVERS
from ...toml_reader import ConfigError, read_table, read_toml, suggest
from ..preparation.preprocessing import Preprocessing
from .sections import (
    SCHEDULES,
    FlowConfig,
    FlowMatchingConfig,
    ModelConfig,
    SamplingConfig,
    SplineConfig,
    TrainingConfig,
    VariableConfig,
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
    """Build a recipe from a nested dictionary, as in TOML or in a checkpoint; errors as in `load_config`."""
    config = read_table(FlowConfig, document, where)
    _check(config, where)
    return config


def config_to_dict(config: FlowConfig) -> dict[str, Any]:
    """Inverse of `config_from_dict`; the result can be written as JSON."""
    return dataclasses.asdict(config)


Bound = tuple[str, bool, str]
"""A key of a section, whether its value is possible, and the expected values."""


def _training_bounds(training: TrainingConfig) -> list[Bound]:
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
    return bounds


def _model_bounds(model: ModelConfig) -> list[Bound]:
    bounds: list[Bound] = [
        ("hidden", bool(model.hidden) and min(model.hidden) >= 1, "one or more widths above 0"),
    ]
    if isinstance(model, FlowMatchingConfig):
        couplings = ("independent", "optimal_transport")
        return [
            *bounds,
            ("time_frequencies", model.time_frequencies >= 0, "0 or more"),
            ("sigma_min", 0 < model.sigma_min < 1, "in (0, 1)"),
            ("coupling", model.coupling in couplings, f"one of {', '.join(couplings)}"),
            ("context_weight", 0 <= model.context_weight < math.inf, "0 or more, finite"),
        ]
    bounds.append(("transforms", model.transforms >= 2, "at least 2, so that every variable is transformed"))
    if isinstance(model, SplineConfig):
        bounds.append(("bins", model.bins >= 2, "at least 2"))
        bounds.append(("bound", 0 < model.bound < math.inf, "above 0, finite"))
    return bounds


def _sampling_bounds(sampling: SamplingConfig) -> list[Bound]:
    return [
        ("default_steps", sampling.default_steps >= 1, "at least 1"),
        ("solver", sampling.solver in SOLVERS, f"one of {', '.join(SOLVERS)}"),
        ("grid", is_grid(sampling.grid), "ascending times from 0 to 1"),
    ]


def _check(config: FlowConfig, where: str) -> None:
    fraction = config.dataset.validation_fraction
    sections: dict[str, list[Bound]] = {
        "training": _training_bounds(config.training),
        "model": _model_bounds(config.model),
        "sampling": _sampling_bounds(config.sampling),
        "dataset": [("validation_fraction", 0 < fraction < 1, "in (0, 1)")],
    }
    for section, bounds in sections.items():
        for key, is_possible, expected in bounds:
            if not is_possible:
                value = getattr(getattr(config, section), key)
                raise ConfigError(f"{where}: {section}.{key}: expected {expected}, found {value!r}")
    for kind, variables in (("context", config.context), ("target", config.target)):
        if not variables:
            raise ConfigError(f"{where}: [[{kind}]]: at least one variable is needed")
        names = [variable.name for variable in variables]
        for variable in variables:
            _check_variable(variable, names, f"{where}: {kind} variable {variable.name!r}")
    targets = [variable.name for variable in config.target]
    if config.sort_by and config.sort_by not in targets:
        raise ConfigError(
            f"{where}: sort_by: {config.sort_by!r} is not a target variable{suggest(config.sort_by, targets)}"
        )
    Preprocessing(config.context, config.target, where=where)


def _check_variable(variable: VariableConfig, names: Sequence[str], where: str) -> None:
    if names.count(variable.name) > 1:
        raise ConfigError(f"{where} is declared twice")
    if variable.dtype not in DTYPES:
        raise ConfigError(f"{where}: dtype {variable.dtype!r}{suggest(variable.dtype, DTYPES)}")
    if not variable.range[0] < variable.range[1]:
        raise ConfigError(f"{where}: range {variable.range}: expected [low, high], low below high")
