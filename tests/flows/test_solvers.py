"""Solvers: their order in torch and in an ONNX graph, grids of times, the loop put around a velocity and taken out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from flashsim.flows.graph import GraphBuilder  # noqa: E402
from flashsim.flows.ode.loop import END, VELOCITY, VelocityGraph, emit_solver, velocity_of, with_solver  # noqa: E402
from flashsim.flows.ode.solvers import SOLVERS, time_at  # noqa: E402
from flashsim.steps.grids import fitted_grid, grids  # noqa: E402

ORDERS = [("euler", 1), ("midpoint", 2), ("heun", 2), ("rk4", 4)]
GRIDS = [(0.0, 1.0), (0.0, 0.7, 0.9, 1.0)]


def linear_velocity(rate: str) -> VelocityGraph:
    """v(x, t) = rate (1 + t) x, with solution x(1) = x(0) exp(1.5 rate); ``rate`` is a tensor of the outer graph."""
    graph = GraphBuilder(prefix=VELOCITY)
    x, time = f"{VELOCITY}x", f"{VELOCITY}time"
    growth = graph.node("Mul", graph.node("Add", time, graph.constant([[1.0]])), rate)
    output = graph.node("Mul", x, growth)
    built = graph.graph("velocity")
    return VelocityGraph(tuple(built.node), tuple(built.initializer), x, time, output, dimension=2)


def linear_model(solver: str, grid: tuple[float, ...]) -> onnx.ModelProto:
    graph = GraphBuilder()
    noise, context = graph.input("noise", ["n", 2]), graph.input("context", ["n", 1])
    steps = graph.input("steps", [], onnx.TensorProto.INT64)
    rate = graph.node("Neg", context)
    loop = emit_solver(linear_velocity(rate), noise, steps, SOLVERS[solver], grid)
    graph.add(loop.node, loop.initializer)
    graph.output(graph.node("Add", END, graph.constant(3.0)), "sample", ["n", 2])
    return graph.model("linear")


def sampler(model: onnx.ModelProto) -> Callable[..., np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(noise: np.ndarray, context: np.ndarray, steps: int) -> np.ndarray:
        return session.run(None, {"noise": noise, "context": context, "steps": np.array(steps)})[0]

    return run


def numpy_solution(solver: str, grid: tuple[float, ...], noise: np.ndarray, rate: np.ndarray, steps: int) -> np.ndarray:
    """The textbook's steps, one solver at a time, in float64."""

    def slope(x: np.ndarray, time: float) -> np.ndarray:
        return rate * (1 + time) * x

    x = noise.astype(np.float64)
    fractions = np.linspace(0, 1, len(grid))
    times = np.interp(np.linspace(0, 1, steps + 1), fractions, grid)
    for start, h in zip(times[:-1], np.diff(times), strict=True):
        first = slope(x, start)
        if solver == "euler":
            x = x + h * first
        elif solver == "midpoint":
            x = x + h * slope(x + h / 2 * first, start + h / 2)
        elif solver == "heun":
            x = x + h / 2 * (first + slope(x + h * first, start + h))
        else:
            second = slope(x + h / 2 * first, start + h / 2)
            third = slope(x + h / 2 * second, start + h / 2)
            x = x + h / 6 * (first + 2 * second + 2 * third + slope(x + h * third, start + h))
    return x


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("solver", "order"), ORDERS)
def test_the_loop_makes_the_steps_of_the_textbook(solver: str, order: int, grid: tuple[float, ...]) -> None:
    generator = np.random.default_rng(1)
    noise, context = (generator.standard_normal((50, width)).astype(np.float32) for width in (2, 1))
    run = sampler(linear_model(solver, grid))
    for steps in (1, 2, 3, 5, 12):
        expected = 3 + numpy_solution(solver, grid, noise, -context.astype(np.float64), steps)
        np.testing.assert_allclose(run(noise, context, steps), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("solver", "order"), ORDERS)
def test_the_loop_converges_with_the_order_of_the_solver(solver: str, order: int) -> None:
    noise, context = np.float32([[1.0, -2.0]]), np.float32([[-1.5]])
    exact = 3 + noise * np.exp(1.5 * 1.5)
    run = sampler(linear_model(solver, GRIDS[0]))
    few = {1: 32, 2: 16, 4: 8}[order]

    def error(steps: int) -> float:
        return float(np.abs(run(noise, context, steps) - exact).max())

    assert np.log2(error(few) / error(2 * few)) == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("solver", "order"), ORDERS)
def test_torch_converges_with_the_order_of_the_solver(solver: str, order: int, grid: tuple[float, ...]) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("zuko")
    from flashsim.training.families.flow_matching import integrate

    start = torch.ones(1, 1, dtype=torch.float64)

    def error(steps: int) -> float:
        end = integrate(lambda x, t, c: -3 * (1 + t.double()) * x, start, start, steps, solver, grid)
        return abs(end.item() - np.exp(-4.5))

    assert np.log2(error(24) / error(48)) == pytest.approx(order, abs=0.3)


def test_impossible_integrations_are_refused() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("zuko")
    from flashsim.training.families.flow_matching import integrate

    start = torch.ones(1, 1)
    with pytest.raises(ValueError, match="solver 'rk5' is not one of euler, midpoint, heun, rk4"):
        integrate(lambda x, t, c: x, start, start, 1, "rk5")
    with pytest.raises(ValueError, match="steps = 0"):
        integrate(lambda x, t, c: x, start, start, 0, "euler")


def test_times_follow_the_grid() -> None:
    grid = (0.0, 0.7, 0.9, 1.0)
    assert [time_at(step / 3, grid) for step in range(4)] == pytest.approx(grid)
    fractions = np.linspace(0, 1, 50)
    expected = np.interp(fractions, np.linspace(0, 1, 4), grid)
    assert [time_at(fraction, grid) for fraction in fractions] == pytest.approx(expected)


def test_the_velocity_taken_out_is_the_one_that_was_put_in() -> None:
    put, got = linear_velocity("Neg_1"), velocity_of(linear_model("rk4", GRIDS[1]))
    assert got == put


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_another_solver_gives_the_file_that_an_export_with_it_gives(solver: str, grid: tuple[float, ...]) -> None:
    expected = linear_model(solver, grid)
    for other in SOLVERS:
        changed = with_solver(linear_model(other, (0.0, 0.4, 1.0)), SOLVERS[solver], grid)
        generator = np.random.default_rng(2)
        noise, context = (generator.standard_normal((40, width)).astype(np.float32) for width in (2, 1))
        assert np.array_equal(sampler(changed)(noise, context, 4), sampler(expected)(noise, context, 4))
        assert len(changed.graph.initializer) == len(expected.graph.initializer)
        assert sorted(node.name for node in changed.graph.node) == sorted(node.name for node in expected.graph.node)


def test_a_graph_without_marks_is_refused() -> None:
    graph = GraphBuilder()
    graph.output(graph.node("Neg", graph.input("noise", ["n", 2])), "sample", ["n", 2])
    with pytest.raises(
        ValueError, match=r"no marked velocity, .* Export it again from its checkpoint: flashsim export"
    ):
        velocity_of(graph.model("other"))


def test_a_fitted_grid_makes_short_steps_where_the_trajectories_bend() -> None:
    assert fitted_grid(4, np.ones(16)) == (0.0, 0.25, 0.5, 0.75, 1.0)
    # A jerk in proportion to t³ has a cube root in proportion to t: times at square roots.
    middles = (np.arange(4000) + 0.5) / 4000
    np.testing.assert_allclose(fitted_grid(5, middles**3), np.sqrt(np.linspace(0, 1, 6)), atol=1e-3)


def test_grids_to_try_ascend_from_0_to_1() -> None:
    assert [name for name, _ in grids(1, np.ones(4))] == ["uniform"]
    for steps in (2, 5, 30):
        found = dict(grids(steps, np.linspace(1, 50, 64)))
        assert found.pop("uniform") == (0.0, 1.0)
        assert len(found) == 3
        for grid in found.values():
            assert (grid[0], grid[-1], len(grid)) == (0.0, 1.0, steps + 1)
            assert np.diff(grid).min() > 0
