"""The sections of a recipe and their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from ...toml_reader import Named, Tag

__all__ = [
    "MODELS",
    "SCHEDULES",
    "AffineConfig",
    "DatasetConfig",
    "FlowConfig",
    "FlowMatchingConfig",
    "ModelConfig",
    "SamplingConfig",
    "SplineConfig",
    "TrainingConfig",
    "VariableConfig",
]

SCHEDULES = ("cosine", "constant", "plateau")


@dataclass(frozen=True)
class VariableConfig:
    """One context or target variable and the operations that prepare it for the network.

    ``range`` is in physical units: allowed values of a context variable, guaranteed values of a target variable.
    ``branch`` defaults to ``<source>_<name>`` for a context and ``<collection>_<name>`` for a target variable.
    """

    name: str
    range: tuple[float, float]
    operations: tuple[Annotated[dict[str, Any], Named("op")], ...]
    unit: str = ""
    dtype: str = "float32"
    branch: str = ""

    @property
    def is_integer(self) -> bool:
        """Whether the flow must return whole numbers for this variable."""
        return not self.dtype.startswith("float")


@dataclass(frozen=True)
class DatasetConfig:
    """The pairs of GEN and RECO objects: ``source[index]`` belongs to the RECO object."""

    index: str
    tree: str = "Events"
    validation_fraction: float = 0.05
    maximum_dropped_fraction: float = 0.01
    chunk: str = "50 MB"


@dataclass(frozen=True)
class FlowMatchingConfig:
    """Continuous flow trained by flow matching, along the path N(t x, (1 - (1 - sigma_min) t)^2) of arXiv:2402.13684.

    ``hidden`` are the widths of the residual blocks, ``time_frequencies`` the number of sine-cosine pairs that encode
    the time. With the ``coupling`` "independent" every row is paired with noise of its own. With "optimal_transport"
    rows of similar contexts exchange noise for straighter paths; a larger ``context_weight`` demands more similar
    contexts, see `flashsim.training.families.optimal_transport`.
    """

    family: str = "flow_matching"
    hidden: tuple[int, ...] = (32, 64, 128, 128, 64, 32)
    time_frequencies: int = 4
    sigma_min: float = 1e-4
    coupling: str = "independent"
    context_weight: float = 30.0


@dataclass(frozen=True)
class AffineConfig:
    """Discrete flow of affine couplings (arXiv:1605.08803), each with a network of the widths ``hidden``."""

    family: str = "affine"
    transforms: int = 10
    hidden: tuple[int, ...] = (96, 96)


@dataclass(frozen=True)
class SplineConfig:
    """Discrete flow of spline couplings (arXiv:1906.04032), each with a network of the widths ``hidden``.

    The splines have ``bins`` bins between -``bound`` and ``bound``, in units of the prepared target; values beyond
    are unchanged.
    """

    family: str = "spline"
    transforms: int = 4
    hidden: tuple[int, ...] = (96, 96)
    bins: int = 8
    bound: float = 12.0


ModelConfig = FlowMatchingConfig | AffineConfig | SplineConfig

MODELS: dict[str, type[ModelConfig]] = {
    kind().family: kind for kind in (FlowMatchingConfig, AffineConfig, SplineConfig)
}


@dataclass(frozen=True)
class TrainingConfig:
    """Optimisation: AdamW with clipped gradients; its result is the exponential average of the weights.

    ``schedule`` of the learning rate after a linear warm-up: "cosine" down to ``final_learning_rate`` at the last
    epoch, "constant", or "plateau", which multiplies it by ``plateau_factor`` after ``plateau_epochs`` epochs without
    improvement. An epoch improves if the validation loss sinks by more than its noise. The training stops after
    ``patience`` epochs without improvement; 0 never stops early and suits the cosine, whose gain comes mostly at the
    end.

    A checkpoint is written after every epoch, and every ``checkpoint_minutes`` within one. A mean loss above
    ``divergence_factor`` times that of the untrained flow ends the training.
    """

    epochs: int = 100
    batch_size: int = 1024
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-6
    warmup_epochs: float = 1.0
    schedule: str = "cosine"
    plateau_epochs: int = 5
    plateau_factor: float = 0.3
    patience: int = 0
    weight_decay: float = 0.0
    average_decay: float = 0.999
    gradient_clip: float = 1.0
    divergence_factor: float = 10.0
    checkpoint_minutes: float = 10.0
    seed: int = 1


@dataclass(frozen=True)
class SamplingConfig:
    """Sampling of a continuous flow: solver, default number of steps, and grid of times.

    ``grid`` holds times from 0 to 1 at equal fractions of the steps, linear in between: [0, 1] makes equal steps.
    """

    solver: str = "midpoint"
    default_steps: int = 10
    grid: tuple[float, ...] = (0.0, 1.0)


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
    model: Annotated[ModelConfig, Tag("family")] = field(default_factory=FlowMatchingConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
