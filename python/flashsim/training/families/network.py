"""The velocity network of arXiv:2402.13684: residual blocks, gated by the context."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ResidualBlock", "VelocityNetwork", "time_frequencies"]


def time_frequencies(count: int) -> list[float]:
    """Angular frequencies π, 2π, 3π, … of the sine-cosine pairs that describe the time."""
    return [math.pi * (index + 1) for index in range(count)]


class ResidualBlock(nn.Module):
    """h + σ(G c) ⊙ W₂ gelu(W₁ gelu(h) + T τ): a gated residual block of constant width.

    Args:
        width: features of h.
        context_features: features of c.
        time_features: features of τ.
    """

    def __init__(self, width: int, context_features: int, time_features: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.time = nn.Linear(time_features, width, bias=False)
        self.second = nn.Linear(width, width)
        self.gate = nn.Linear(context_features, width)

    def forward(self, hidden: Tensor, time: Tensor, context: Tensor) -> Tensor:
        inner = self.first(functional.gelu(hidden)) + self.time(time)
        update = self.second(functional.gelu(inner))
        return hidden + update * torch.sigmoid(self.gate(context))


class VelocityNetwork(nn.Module):
    """v(x, t; c), the velocity of the flow.

    The context enters through the first layer and the gates: in sampling, once per row and not once per step. The time
    enters through the first layer and every block: once per step and not once per row.

    Args:
        dimension: features of x.
        context_features: features of c.
        hidden: widths of the residual blocks, joined by linear layers where the width changes.
        frequencies: sine-cosine pairs that describe the time beside the time itself.

    Example:
        >>> import torch
        >>> network = VelocityNetwork(dimension=16, context_features=12)
        >>> network(torch.zeros(5, 16), torch.zeros(5, 1), torch.zeros(5, 12)).shape
        torch.Size([5, 16])
    """

    frequencies: Tensor

    def __init__(
        self,
        dimension: int,
        context_features: int,
        hidden: Sequence[int] = (32, 64, 128, 128, 64, 32),
        frequencies: int = 4,
    ) -> None:
        super().__init__()
        time_features = 1 + 2 * frequencies
        self.register_buffer("frequencies", torch.tensor([time_frequencies(frequencies)]), persistent=False)
        self.input = nn.Linear(dimension, hidden[0], bias=False)
        self.input_time = nn.Linear(time_features, hidden[0], bias=False)
        self.input_context = nn.Linear(context_features, hidden[0])
        blocks = [ResidualBlock(width, context_features, time_features) for width in hidden]
        joints = [nn.Identity() if before == after else nn.Linear(before, after) for before, after in pairwise(hidden)]
        self.blocks, self.joints = nn.ModuleList(blocks), nn.ModuleList(joints)
        self.output = nn.Linear(hidden[-1], dimension)

    def forward(self, x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        """Velocity [n, dimension] at x [n, dimension], time [n, 1] or [1, 1], context [n, context_features]."""
        angles = time * self.frequencies
        features = torch.cat([time, torch.sin(angles), torch.cos(angles)], dim=1)
        hidden = self.input(x) + self.input_time(features) + self.input_context(context)
        for joint, block in self.stages():
            hidden = block(joint(hidden), features, context)
        return self.output(functional.gelu(hidden))

    def stages(self) -> list[tuple[nn.Module, ResidualBlock]]:
        """The blocks, each with the layer that brings its input to its width."""
        return [
            (joint, block)
            for joint, block in zip([nn.Identity(), *self.joints], self.blocks, strict=True)
            if isinstance(block, ResidualBlock)
        ]
