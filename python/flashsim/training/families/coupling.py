"""Discrete flows: a chain of coupling transforms, trained by maximum likelihood and sampled in one shot.

A coupling keeps some columns and moves each of the others by a monotonic function. A network computes its parameters
from the kept columns and the context. So either direction evaluates each network once. Dinh et al., "Density estimation
using Real NVP", arXiv:1605.08803; Durkan et al., "Neural spline flows", arXiv:1906.04032.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.distributions import Transform
from zuko.distributions import DiagNormal
from zuko.flows import Flow, GeneralCouplingTransform, UnconditionalDistribution
from zuko.nn import Linear
from zuko.transforms import MonotonicAffineTransform, MonotonicRQSTransform

from ...flows.graph import GraphBuilder
from ..recipe.sections import AffineConfig, SamplingConfig, SplineConfig
from .coupling_graph import Coupling, Inverse, emit_affine_inverse, emit_inverse, emit_spline_inverse
from .model import FlowModel

__all__ = ["AffineCoupling", "CouplingFlow", "SplineCoupling", "moved_columns"]

SLOPE = 1e-3
"""Least slope of the monotonic functions, and of their inverses."""


def moved_columns(dimension: int, transforms: int) -> list[list[int]]:
    """The columns that each coupling moves.

    One coupling moves the columns whose number has a bit of 0, the next one those with a bit of 1. The next two take
    the next bit, and so on. So an even number of couplings moves every column equally often, and 2 ⌈log₂ dimension⌉
    couplings move every column once as a direct function of any other (arXiv:2001.05486).

    Example:
        >>> moved_columns(dimension=3, transforms=4)
        [[0, 2], [1], [0, 1], [2]]
    """
    if dimension == 1:
        return [[0]] * transforms
    bits = (dimension - 1).bit_length()
    return [
        [column for column in range(dimension) if (column >> (index // 2 % bits)) % 2 == index % 2]
        for index in range(transforms)
    ]


class CouplingFlow(FlowModel):
    """A flow of couplings; the families differ in the monotonic function.

    A single column has no other to be conditioned on: its couplings depend on the context alone.

    Args:
        dimension: columns of the prepared target.
        context_features: columns of the prepared context.
        transforms: number of couplings.
        hidden: widths of each network.
        univariate: the monotonic function, from data to noise, of the parameters that follow.
        shapes: of the parameters of one column.
        inverse: emits the inverse of ``univariate``.
    """

    continuous = False

    def __init__(
        self,
        dimension: int,
        context_features: int,
        transforms: int,
        hidden: Sequence[int],
        univariate: Callable[..., Transform],
        shapes: Sequence[tuple[int, ...]],
        inverse: Inverse,
    ) -> None:
        super().__init__()
        self._inverse = inverse
        self._columns = range(dimension)
        self._moved = moved_columns(dimension, transforms)
        couplings = [
            GeneralCouplingTransform(
                dimension,
                context_features,
                mask=torch.tensor([column not in moved for column in self._columns]),
                univariate=univariate,
                shapes=shapes,
                hidden_features=hidden,
            )
            for moved in self._moved
        ]
        with torch.no_grad():  # training is faster from a start near the identity
            for coupling in couplings:
                for parameter in coupling.hyper[-1].parameters():
                    parameter *= 0.1
        base = UnconditionalDistribution(DiagNormal, torch.zeros(dimension), torch.ones(dimension), buffer=True)
        self.flow = Flow(couplings, base)

    def log_prob(self, x: Tensor, context: Tensor) -> Tensor:
        """Logarithm [n] of the density at prepared target rows [n, D], given prepared context rows [n, F]."""
        return self.flow(context).log_prob(x)

    def loss(self, x: Tensor, context: Tensor, generator: torch.Generator) -> Tensor:
        """Negative logarithm of the likelihood, mean over the rows; ``generator`` is not needed."""
        return -self.log_prob(x, context).mean()

    def sample(self, noise: Tensor, context: Tensor, sampling: SamplingConfig) -> Tensor:
        return self.flow(context).transform.inv(noise)

    def emit(self, graph: GraphBuilder, noise: str, context: str, steps: str | None, sampling: SamplingConfig) -> str:
        couplings = [
            Coupling([column for column in self._columns if column not in moved], moved, self._layers(coupling.hyper))
            for coupling, moved in zip(self.flow.transform.transforms, self._moved, strict=True)
        ]
        return emit_inverse(graph, couplings, noise, context, self._inverse)

    @staticmethod
    def _layers(network: nn.Sequential) -> list[tuple[Tensor, Tensor]]:
        return [(layer.weight, layer.bias) for layer in network if isinstance(layer, Linear)]


class AffineCoupling(CouplingFlow):
    """Couplings that shift and scale.

    Args:
        config: number of couplings and sizes of their networks.
        dimension: columns of the prepared target.
        context_features: columns of the prepared context.
    """

    method = "affine coupling flow (arXiv:1605.08803), maximum likelihood"

    def __init__(self, config: AffineConfig, dimension: int, context_features: int) -> None:
        super().__init__(
            dimension,
            context_features,
            config.transforms,
            config.hidden,
            univariate=partial(MonotonicAffineTransform, slope=SLOPE),
            shapes=[(), ()],
            inverse=partial(emit_affine_inverse, slope=SLOPE),
        )


class SplineCoupling(CouplingFlow):
    """Couplings by rational-quadratic splines from [-bound, bound] to itself; beyond, columns stay as they are.

    Args:
        config: number of couplings, sizes of their networks, bins and range of the splines.
        dimension: columns of the prepared target.
        context_features: columns of the prepared context.
    """

    method = "rational-quadratic spline coupling flow (arXiv:1906.04032), maximum likelihood"

    def __init__(self, config: SplineConfig, dimension: int, context_features: int) -> None:
        super().__init__(
            dimension,
            context_features,
            config.transforms,
            config.hidden,
            univariate=partial(MonotonicRQSTransform, bound=config.bound, slope=SLOPE),
            shapes=[(config.bins,), (config.bins,), (config.bins - 1,)],
            inverse=partial(emit_spline_inverse, bins=config.bins, bound=config.bound, slope=SLOPE),
        )
