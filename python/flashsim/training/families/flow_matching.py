"""Conditional flow matching: the probability path, its loss, and sampling in torch.

Lipman et al., "Flow matching for generative modeling", arXiv:2210.02747; used for fast simulation in arXiv:2402.13684.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ...flows.graph import GraphBuilder
from ...flows.ode.solvers import SOLVERS, time_at
from ..recipe.sections import FlowMatchingConfig, SamplingConfig
from .model import FlowModel
from .network import VelocityNetwork
from .ode_graph import emit_ode
from .optimal_transport import optimal_transport_pairs

__all__ = [
    "FlowMatching",
    "Velocity",
    "flow_matching_loss",
    "integrate",
    "path_point",
    "path_velocity",
    "stratified_times",
]

Velocity = Callable[[Tensor, Tensor, Tensor], Tensor]
"""v(x [n, D], t [n, 1] or [1, 1], context [n, F]) -> [n, D]."""


def path_point(x: Tensor, noise: Tensor, time: Tensor, sigma_min: float) -> Tensor:
    """z ~ N(t x, (1 - (1 - σ_min) t)²), from standard normal noise: noise at t = 0, nearly x at t = 1."""
    return time * x + (1 - (1 - sigma_min) * time) * noise


def path_velocity(x: Tensor, z: Tensor, time: Tensor, sigma_min: float) -> Tensor:
    """u_t(z | x) = (x - (1 - σ_min) z) / (1 - (1 - σ_min) t), the velocity that carries the path to x.

    On a point of `path_point` it equals x - (1 - σ_min) noise.
    """
    return (x - (1 - sigma_min) * z) / (1 - (1 - sigma_min) * time)


def stratified_times(count: int, generator: torch.Generator) -> Tensor:
    """Uniform times of shape [count, 1], one per equal slice of [0, 1]: the loss fluctuates less."""
    device = generator.device
    return ((torch.arange(count, device=device) + torch.rand(count, generator=generator, device=device)) / count)[
        :, None
    ]


def flow_matching_loss(
    velocity: Velocity, x: Tensor, context: Tensor, noise: Tensor, time: Tensor, sigma_min: float
) -> Tensor:
    """Mean squared difference between the network's velocity and that of the path.

    The target is written with the noise of the path point, which is `path_velocity` without its division by a number
    that approaches σ_min.

    Args:
        velocity: the network.
        x: prepared target rows [n, D].
        context: prepared context rows [n, F].
        noise: standard normal [n, D].
        time: uniform in [0, 1], [n, 1].
        sigma_min: width of the path at t = 1.
    """
    z = path_point(x, noise, time, sigma_min)
    return torch.mean((velocity(z, time, context) - (x - (1 - sigma_min) * noise)) ** 2)


@torch.no_grad()
def integrate(
    velocity: Velocity, noise: Tensor, context: Tensor, steps: int, solver: str, grid: Sequence[float] = (0.0, 1.0)
) -> Tensor:
    """Follow dx/dt = v(x, t; context) from noise [n, D] at t = 0 to t = 1.

    Args:
        velocity: the network.
        noise: [n, D].
        context: prepared context rows [n, F].
        steps: number of steps.
        solver: name of one of `SOLVERS`.
        grid: times at equal fractions of the steps, from 0 to 1, see `time_at`.

    Raises:
        ValueError: unknown solver, or fewer than one step.
    """
    if solver not in SOLVERS:
        raise ValueError(f"solver {solver!r} is not one of {', '.join(SOLVERS)}")
    if steps < 1:
        raise ValueError(f"steps = {steps}, expected at least 1")
    method = SOLVERS[solver]
    times = torch.tensor([time_at(step / steps, grid) for step in range(steps + 1)], device=noise.device)
    x = noise
    for start, end in pairwise(times):
        length = end - start
        slopes: list[Tensor] = []
        for node, coupling in zip(method.nodes, method.couplings, strict=True):
            time = (start + node * length).reshape(1, 1)
            slopes.append(velocity(_advance(x, coupling, slopes, length), time, context))
        x = _advance(x, method.weights, slopes, length)
    return x


def _advance(x: Tensor, weights: Sequence[float], slopes: Sequence[Tensor], length: Tensor) -> Tensor:
    for weight, slope in zip(weights, slopes, strict=True):
        if weight:
            x = x + weight * length * slope
    return x


class FlowMatching(FlowModel):
    """A continuous flow, trained by conditional flow matching.

    Args:
        config: sizes of the network and the probability path.
        dimension: columns of the prepared target.
        context_features: columns of the prepared context.
    """

    continuous = True
    method = "conditional flow matching (arXiv:2210.02747), network and path of arXiv:2402.13684"

    def __init__(self, config: FlowMatchingConfig, dimension: int, context_features: int) -> None:
        super().__init__()
        self._config = config
        self.velocity = VelocityNetwork(dimension, context_features, config.hidden, config.time_frequencies)

    def loss(self, x: Tensor, context: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(x.shape, generator=generator, device=x.device)
        if self._config.coupling == "optimal_transport":
            noise = noise[optimal_transport_pairs(noise, x, context, self._config.context_weight)]
        times = stratified_times(len(x), generator)
        return flow_matching_loss(self.velocity, x, context, noise, times, self._config.sigma_min)

    def sample(self, noise: Tensor, context: Tensor, sampling: SamplingConfig) -> Tensor:
        return integrate(self.velocity, noise, context, sampling.default_steps, sampling.solver, sampling.grid)

    def emit(self, graph: GraphBuilder, noise: str, context: str, steps: str | None, sampling: SamplingConfig) -> str:
        assert steps is not None
        return emit_ode(graph, self.velocity, noise, context, steps, sampling)
