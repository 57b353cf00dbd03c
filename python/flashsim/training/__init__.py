"""Training of flows and their export to ONNX.

Needs the optional extra: ``pip install "flashsim[train]"``. Simulating with a flow does not.

Example:
    >>> from flashsim.training import export_flow, load_config, train  # doctest: +SKIP
    >>> train(load_config("jets.toml"), ["ttbar.root"], "jets.pt")  # doctest: +SKIP
    >>> export_flow("jets.pt", "jets.onnx")  # doctest: +SKIP
"""

from __future__ import annotations

from ..toml_reader import ConfigError
from . import _dependencies  # noqa: F401
from .checkpoint import CheckpointError
from .dataset import DatasetError, Pairs, read_pairs
from .export import export_flow
from .recipe.config import load_config
from .recipe.sections import FlowConfig
from .run import train, written_files
from .trained_flow import TrainedFlow
from .trainer import TrainingDiverged

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DatasetError",
    "FlowConfig",
    "Pairs",
    "TrainedFlow",
    "TrainingDiverged",
    "export_flow",
    "load_config",
    "read_pairs",
    "train",
    "written_files",
]
