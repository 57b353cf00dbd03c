"""A trained flow in torch: the reference for what is exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from .checkpoint import load_checkpoint
from .config import FlowConfig, config_from_dict
from .flow_matching import integrate
from .network import VelocityNetwork
from .preprocessing import Preprocessing

__all__ = ["TrainedFlow", "build_network"]


def build_network(config: FlowConfig, preprocessing: Preprocessing) -> VelocityNetwork:
    """An untrained network of the size that the recipe asks for."""
    return VelocityNetwork(
        dimension=preprocessing.target_features,
        context_features=preprocessing.context_features,
        hidden=config.network.hidden,
        frequencies=config.network.time_frequencies,
    )


@dataclass
class TrainedFlow:
    """Recipe, fitted preparation and averaged weights of a flow.

    Attributes:
        config: the recipe.
        preprocessing: its fitted operations.
        network: the velocity with averaged weights.
        provenance: where and how it was trained.
    """

    config: FlowConfig
    preprocessing: Preprocessing
    network: VelocityNetwork
    provenance: Mapping[str, Any]

    @classmethod
    def load(cls, checkpoint: str | Path) -> TrainedFlow:
        """Read a checkpoint written by `train`.

        Raises:
            FileNotFoundError: there is no such file.
            CheckpointError: the file is no checkpoint of this version.
        """
        saved = load_checkpoint(checkpoint)
        config = config_from_dict(saved["config"], where=str(checkpoint))
        preprocessing = Preprocessing(config.context, config.target, where=str(checkpoint))
        preprocessing.load_state(saved["preprocessing"])
        network = build_network(config, preprocessing)
        network.load_state_dict(saved["average"])
        network.eval()
        return cls(config, preprocessing, network, saved["provenance"])

    def sample(
        self, context: npt.ArrayLike, noise: npt.ArrayLike, steps: int | None = None, solver: str | None = None
    ) -> npt.NDArray[np.float32]:
        """Turn noise into target rows, in float32 and in the order of operations of the exported graph.

        Args:
            context: [n, C], physical units.
            noise: standard normal, [n, T].
            steps: solver steps; by default the recipe's.
            solver: by default the recipe's.

        Returns:
            Target rows [n, T] in physical units.

        Raises:
            ValueError: shapes that do not match the flow, unknown solver, or steps below 1.
        """
        context = np.asarray(context, dtype=np.float32)
        noise = np.asarray(noise, dtype=np.float32)
        for name, array, columns in (
            ("context", context, len(self.config.context)),
            ("noise", noise, self.preprocessing.target_features),
        ):
            if array.ndim != 2 or array.shape != (len(context), columns):
                raise ValueError(f"{name} has shape {array.shape}, expected ({len(context)}, {columns})")
        sampling = self.config.sampling
        encoded = integrate(
            self.network,
            torch.from_numpy(noise),
            torch.from_numpy(self.preprocessing.encode_context(context)),
            sampling.default_steps if steps is None else steps,
            sampling.solver if solver is None else solver,
        )
        return self.preprocessing.decode_target(context, encoded.numpy())
