"""Flow matching: the probability path, the loss whose least value is the velocity, and the network."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from flashsim.training.families.flow_matching import (  # noqa: E402
    flow_matching_loss,
    integrate,
    path_point,
    path_velocity,
    stratified_times,
)
from flashsim.training.families.network import VelocityNetwork  # noqa: E402


def test_a_point_of_the_path_moves_with_its_velocity() -> None:
    generator = torch.Generator().manual_seed(1)
    x, noise = torch.randn(50, 3, generator=generator).double(), torch.randn(50, 3, generator=generator).double()
    time = stratified_times(50, generator).double() * 0.999
    z = path_point(x, noise, time, 0.01)
    expected = x - 0.99 * noise
    torch.testing.assert_close(path_velocity(x, z, time, 0.01), expected)
    torch.testing.assert_close((path_point(x, noise, time + 1e-6, 0.01) - z) / 1e-6, expected, rtol=1e-6, atol=1e-6)
    assert torch.equal(path_point(x, noise, torch.zeros(50, 1).double(), 0.01), noise)


def test_the_path_has_the_mean_and_width_of_the_paper() -> None:
    generator = torch.Generator().manual_seed(2)
    noise = torch.randn(200_000, 1, generator=generator)
    z = path_point(torch.tensor([[2.0]]), noise, torch.tensor([[0.75]]), 0.1)
    assert z.mean().item() == pytest.approx(0.75 * 2.0, abs=0.005)
    assert z.std().item() == pytest.approx(1 - 0.9 * 0.75, rel=0.01)


def test_stratified_times_are_uniform() -> None:
    times = stratified_times(1000, torch.Generator().manual_seed(3)).squeeze(1)
    assert torch.equal((times * 1000).floor(), torch.arange(1000.0))


def test_the_loss_is_least_for_the_exact_velocity() -> None:
    """For x ~ N(m, s²) the marginal velocity is known: E[x - (1-σ) noise | z], linear in z."""
    mean, width, sigma = 1.5, 0.5, 1e-3
    generator = torch.Generator().manual_seed(4)
    x = mean + width * torch.randn(100_000, 1, generator=generator)
    noise = torch.randn(100_000, 1, generator=generator)
    time = stratified_times(100_000, generator)[torch.randperm(100_000, generator=generator)]

    def velocity(z, t, context, shift: float = 0.0):
        remaining = 1 - (1 - sigma) * t
        slope = (t * width**2 - (1 - sigma) * remaining) / (t**2 * width**2 + remaining**2)
        return mean + slope * (z - t * mean) + shift

    def loss(shift: float) -> float:
        return flow_matching_loss(lambda *a: velocity(*a, shift=shift), x, x, noise, time, sigma).item()

    assert loss(0.0) < loss(0.05)
    assert loss(0.0) < loss(-0.05)
    sample = integrate(velocity, noise, x, steps=100, solver="midpoint")
    assert sample.mean().item() == pytest.approx(mean, abs=0.01)
    assert sample.std().item() == pytest.approx(width, rel=0.02)


def test_network_uses_position_time_and_context_row_by_row() -> None:
    torch.manual_seed(0)
    network = VelocityNetwork(dimension=3, context_features=2, hidden=(8, 16, 16), frequencies=2)
    x, time, context = torch.randn(6, 3), torch.rand(6, 1), torch.randn(6, 2)
    result = network(x, time, context)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(network(x[order], time[order], context[order]), result[order])
    for changed in ((x + 1, time, context), (x, time + 0.1, context), (x, time, context + 1)):
        assert (network(*changed) - result).abs().min() > 0
