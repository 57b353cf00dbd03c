"""Conditional flow matching: the probability path, its loss, and sampling in torch.

Lipman et al., "Flow matching for generative modeling", arXiv:2210.02747; used for fast simulation in arXiv:2402.13684.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .solvers import SOLVERS

__all__ = ["Velocity", "flow_matching_loss", "integrate", "path_point", "path_velocity", "stratified_times"]

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
    return ((torch.arange(count) + torch.rand(count, generator=generator)) / count).unsqueeze(1)


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
def integrate(velocity: Velocity, noise: Tensor, context: Tensor, steps: int, solver: str) -> Tensor:
    """Follow dx/dt = v(x, t; context) from noise [n, D] at t = 0 to t = 1 in equal steps.

    Raises:
        ValueError: unknown solver, or fewer than one step.
    """
    if solver not in SOLVERS:
        raise ValueError(f"solver {solver!r} is not one of {', '.join(SOLVERS)}")
    if steps < 1:
        raise ValueError(f"steps = {steps}: at least 1 is needed")
    method = SOLVERS[solver]
    length = torch.tensor(1.0) / steps
    x = noise
    for step in range(steps):
        slopes: list[Tensor] = []
        for node, coupling in zip(method.nodes, method.couplings, strict=True):
            inner = x
            for weight, slope in zip(coupling, slopes, strict=True):
                if weight:
                    inner = inner + weight * length * slope
            time = ((step + node) * length).reshape(1, 1)
            slopes.append(velocity(inner, time, context))
        for weight, slope in zip(method.weights, slopes, strict=True):
            if weight:
                x = x + weight * length * slope
    return x
