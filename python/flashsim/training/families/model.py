"""Interface of the families of flows: a loss to train it, and sampling in torch and as ONNX nodes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...flows.graph import GraphBuilder
from ..recipe.sections import SamplingConfig

__all__ = ["FlowModel"]


class FlowModel(nn.Module, ABC):
    """A conditional distribution of prepared target rows, given prepared context rows.

    Life cycle: construction with random weights, `loss` in training, then `sample` in torch or `emit` into a graph; the
    latter two agree to float32 accuracy for the same noise.
    """

    continuous: ClassVar[bool]
    """Whether sampling solves an ODE, in steps that the user of the flow may choose."""

    method: ClassVar[str]
    """The method and its source, for the provenance of a flow."""

    @abstractmethod
    def loss(self, x: Tensor, context: Tensor, generator: torch.Generator) -> Tensor:
        """Mean over the rows of the loss.

        Args:
            x: prepared target rows [n, D].
            context: prepared context rows [n, F].
            generator: of all random numbers that the loss needs, on the device of ``x``.
        """

    @abstractmethod
    def sample(self, noise: Tensor, context: Tensor, sampling: SamplingConfig) -> Tensor:
        """Prepared target rows [n, D] from standard normal noise [n, D] and prepared context rows [n, F]."""

    @abstractmethod
    def emit(self, graph: GraphBuilder, noise: str, context: str, steps: str | None, sampling: SamplingConfig) -> str:
        """`sample` as nodes; ``steps`` is the int64 scalar of a continuous flow, None otherwise."""

    def parameter_count(self) -> int:
        """Number of trained numbers."""
        return sum(parameter.numel() for parameter in self.parameters())
