"""The recipe of a training, read from a TOML file and checked key by key."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from .solvers import SOLVERS

__all__ = [
    "DTYPES",
    "ConfigError",
    "DatasetConfig",
    "FlowConfig",
    "NetworkConfig",
    "PathConfig",
    "SamplingConfig",
    "TrainingConfig",
    "VariableConfig",
    "config_from_dict",
    "config_to_dict",
    "load_config",
    "suggest",
]

DTYPES = (
    "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool",
)  # fmt: skip

Section = TypeVar("Section")


class ConfigError(ValueError):
    """A recipe that cannot be used; the message names the key, what was expected and what to do."""


@dataclass(frozen=True)
class VariableConfig:
    """One context or target variable and the operations that prepare it for the network.

    ``range`` is in physical units: the values a context variable may have, the values a target variable is guaranteed
    to have. ``branch`` defaults to ``<source>_<name>`` for a context and ``<collection>_<name>`` for a target variable.
    """

    name: str
    range: tuple[float, float]
    operations: tuple[dict[str, Any], ...]
    unit: str = ""
    dtype: str = "float32"
    branch: str = ""

    @property
    def is_integer(self) -> bool:
        """Whether the flow must return whole numbers for this variable."""
        return not self.dtype.startswith("float")


@dataclass(frozen=True)
class DatasetConfig:
    """Where the pairs of a GEN object and its RECO object are: ``source[index]`` belongs to the RECO object."""

    index: str
    tree: str = "Events"
    validation_fraction: float = 0.05
    maximum_dropped_fraction: float = 0.01
    chunk: str = "50 MB"


@dataclass(frozen=True)
class NetworkConfig:
    """Widths of the residual blocks and number of sine-cosine pairs that describe the time."""

    hidden: tuple[int, ...] = (32, 64, 128, 128, 64, 32)
    time_frequencies: int = 4


@dataclass(frozen=True)
class PathConfig:
    """Probability path N(t x, (1 - (1 - sigma_min) t)^2) of arXiv:2402.13684."""

    sigma_min: float = 1e-4


@dataclass(frozen=True)
class TrainingConfig:
    """Optimisation: AdamW, linear warm-up followed by a cosine, averaged weights, clipped gradients."""

    epochs: int = 100
    batch_size: int = 1024
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-6
    warmup_epochs: float = 1.0
    weight_decay: float = 0.0
    average_decay: float = 0.999
    gradient_clip: float = 1.0
    divergence_factor: float = 10.0
    checkpoint_epochs: int = 1
    seed: int = 1


@dataclass(frozen=True)
class SamplingConfig:
    """Solver of the exported flow and the number of its steps when the caller names none."""

    solver: str = "midpoint"
    default_steps: int = 10


@dataclass(frozen=True)
class FlowConfig:
    """The whole recipe of one flow: see ``jets.toml`` beside this module for a commented example."""

    name: str
    collection: str
    source: str
    dataset: DatasetConfig
    context: tuple[VariableConfig, ...]
    target: tuple[VariableConfig, ...]
    sort_by: str = ""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    path: PathConfig = field(default_factory=PathConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)


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
        >>> config = load_config(files("flashsim.training") / "jets.toml")
        >>> [variable.name for variable in config.context]
        ['pt', 'eta', 'phi', 'mass', 'partonFlavour', 'nMuon']
    """
    text = Path(path).read_text(encoding="utf-8")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from error
    return config_from_dict(document, where=str(path))


def config_from_dict(document: Mapping[str, Any], where: str = "config") -> FlowConfig:
    """Build a recipe from a nested dictionary such as TOML or a checkpoint holds; errors as in `load_config`."""
    config = _section(FlowConfig, document, where)
    _check(config, where)
    return config


def config_to_dict(config: FlowConfig) -> dict[str, Any]:
    """Inverse of `config_from_dict`; the result can be written as JSON."""
    return dataclasses.asdict(config)


def _section(kind: type[Section], document: Any, where: str) -> Section:
    if not isinstance(document, Mapping):
        raise ConfigError(f"{where}: expected a table of keys, found {document!r}")
    hints = get_type_hints(kind)
    fields = {item.name: item for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in document:
        if key not in fields:
            raise ConfigError(f"{where}: unknown key {key!r}{suggest(key, fields)}")
    for name, item in fields.items():
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        if required and name not in document:
            raise ConfigError(f"{where}: missing key {name!r}")
    return kind(**{key: _value(hints[key], value, f"{where}: {key}") for key, value in document.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _section(hint, value, where)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{where}: expected a list, found {value!r}")
        arguments = get_args(hint)
        if arguments[-1] is not Ellipsis and len(arguments) != len(value):
            raise ConfigError(f"{where}: expected {len(arguments)} values, found {len(value)}")
        return tuple(_value(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if get_origin(hint) is dict:
        if isinstance(value, str):
            return {"op": value}
        if not isinstance(value, Mapping) or not isinstance(value.get("op"), str):
            raise ConfigError(f'{where}: expected "name" or {{op = "name", …}}, found {value!r}')
        return dict(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ConfigError(f"{where}: expected {hint.__name__}, found {value!r}")
    return value


def suggest(key: str, known: Iterable[str]) -> str:
    """What an error message adds about a key that is none of the known ones."""
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.lower(), list(lowered), n=1)
    return f"; did you mean {lowered[close[0]]!r}?" if close else f"; known are {', '.join(sorted(known))}"


def _check(config: FlowConfig, where: str) -> None:
    from .preprocessing import Preprocessing  # which needs the variables declared here

    training, network, sampling = config.training, config.network, config.sampling
    bounds = (
        ("training.epochs", training.epochs, training.epochs >= 1, "at least 1"),
        ("training.batch_size", training.batch_size, training.batch_size >= 1, "at least 1"),
        ("training.learning_rate", training.learning_rate, training.learning_rate > 0, "above 0"),
        ("training.average_decay", training.average_decay, 0 <= training.average_decay < 1, "in [0, 1)"),
        ("training.gradient_clip", training.gradient_clip, training.gradient_clip > 0, "above 0"),
        ("training.divergence_factor", training.divergence_factor, training.divergence_factor > 1, "above 1"),
        ("training.checkpoint_epochs", training.checkpoint_epochs, training.checkpoint_epochs >= 1, "at least 1"),
        ("network.hidden", network.hidden, network.hidden and min(network.hidden) >= 1, "one or more widths above 0"),
        ("network.time_frequencies", network.time_frequencies, network.time_frequencies >= 0, "0 or more"),
        ("path.sigma_min", config.path.sigma_min, 0 < config.path.sigma_min < 1, "in (0, 1)"),
        ("sampling.default_steps", sampling.default_steps, sampling.default_steps >= 1, "at least 1"),
        ("sampling.solver", sampling.solver, sampling.solver in SOLVERS, f"one of {', '.join(SOLVERS)}"),
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
