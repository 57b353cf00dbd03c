"""A trained flow in torch: the reference for the exported one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from .checkpoint import CheckpointError, load_checkpoint
from .families.model import FlowModel
from .families.registry import make_model
from .preparation.preprocessing import Preprocessing
from .recipe.config import config_from_dict
from .recipe.sections import FlowConfig

__all__ = ["TrainedFlow"]


@dataclass
class TrainedFlow:
    """Recipe, fitted preparation and weights of a flow.

    Attributes:
        config: the recipe.
        preprocessing: its fitted operations.
        model: the flow with the averaged weights of the best epoch, on the CPU, in the space of prepared rows.
        provenance: where and how it was trained.
    """

    config: FlowConfig
    preprocessing: Preprocessing
    model: FlowModel
    provenance: Mapping[str, Any]

    @classmethod
    def load(cls, checkpoint: str | Path) -> TrainedFlow:
        """Read a checkpoint written by `train`.

        Raises:
            FileNotFoundError: there is no such file.
            CheckpointError: the file is not a checkpoint of this version, or holds no complete epoch yet.
        """
        saved = load_checkpoint(checkpoint)
        if saved["best"] is None:
            raise CheckpointError(f"{checkpoint}: no epoch is complete yet. Continue with `flashsim train --resume`")
        config = config_from_dict(saved["config"], where=str(checkpoint))
        preprocessing = Preprocessing(config.context, config.target, where=str(checkpoint))
        preprocessing.load_state(saved["preprocessing"])
        model = make_model(config.model, preprocessing.target_features, preprocessing.context_features)
        model.load_state_dict(saved["best"])
        model.eval()
        return cls(config, preprocessing, model, saved["provenance"])

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
        sampling = replace(
            sampling,
            default_steps=sampling.default_steps if steps is None else steps,
            solver=sampling.solver if solver is None else solver,
        )
        prepared = torch.from_numpy(self.preprocessing.encode_context(context))
        with torch.no_grad():
            encoded = self.model.sample(torch.from_numpy(noise), prepared, sampling)
        return self.preprocessing.decode_target(context, encoded.numpy())
