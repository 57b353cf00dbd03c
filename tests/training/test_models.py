"""Discrete flows: densities, inverses, training, and the same samples and bits from torch and ONNX Runtime."""

from __future__ import annotations

import math
import tomllib
from copy import deepcopy
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise, permutations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("zuko")
pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
stats = pytest.importorskip("scipy.stats")

from flashsim.flows.graph import GraphBuilder  # noqa: E402
from flashsim.toml_reader import ConfigError  # noqa: E402
from flashsim.training.families.coupling import CouplingFlow, moved_columns  # noqa: E402
from flashsim.training.families.model import FlowModel  # noqa: E402
from flashsim.training.families.optimal_transport import optimal_transport_pairs  # noqa: E402
from flashsim.training.families.registry import make_model  # noqa: E402
from flashsim.training.recipe.config import config_from_dict  # noqa: E402
from flashsim.training.recipe.sections import (  # noqa: E402
    AffineConfig,
    FlowMatchingConfig,
    ModelConfig,
    SamplingConfig,
    SplineConfig,
)

AFFINE = AffineConfig(transforms=4, hidden=(17, 13))
SPLINE = SplineConfig(transforms=4, hidden=(17, 13), bins=5, bound=6.0)
FAMILIES = pytest.mark.parametrize("config", [AFFINE, SPLINE], ids=["affine", "spline"])
DIMENSIONS = pytest.mark.parametrize("dimension", [1, 2, 5, 16])
CONTEXT = 3
SAMPLING = SamplingConfig()


def random_model(config: ModelConfig, dimension: int, scale: float = 2.0, context: int = CONTEXT) -> CouplingFlow:
    """Random weights; a larger scale takes the flow further from the identity."""
    torch.manual_seed(dimension)
    model = make_model(config, dimension, context)
    assert isinstance(model, CouplingFlow)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1).mul_(scale / math.sqrt(parameter.shape[-1] if parameter.ndim == 2 else 16))
    return model.requires_grad_(False)


def rows(count: int, columns: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, columns), dtype=np.float32)


def session_of(model: CouplingFlow, dimension: int, context: int = CONTEXT) -> onnxruntime.InferenceSession:
    graph = GraphBuilder()
    noise, given = graph.input("noise", ["n", dimension]), graph.input("context", ["n", context])
    graph.output(model.emit(graph, noise, given, None, SAMPLING), "sample", ["n", dimension])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        graph.model("flow").SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def run(session: onnxruntime.InferenceSession, noise: np.ndarray, context: np.ndarray) -> np.ndarray:
    return session.run(None, {"noise": noise, "context": context})[0]


def sample(model: CouplingFlow, noise: np.ndarray, context: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    given = (torch.from_numpy(array.astype(dtype)) for array in (noise, context))
    return deepcopy(model).to(torch.float64 if dtype is np.float64 else torch.float32).sample(*given, SAMPLING).numpy()


def fit(model: FlowModel, draw, steps: int, rate: float = 0.01) -> float:
    """Train on fresh pairs from ``draw(count, generator)`` and return the loss on many more."""
    generator = torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        optimiser.zero_grad()
        model.loss(*draw(256, generator), generator).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return model.loss(*draw(20_000, generator), generator).item()


# --------------------------------------------------------------------------------------------------- structure


@pytest.mark.parametrize("dimension", [2, 3, 5, 8, 16, 17])
def test_every_column_is_moved_with_the_direct_knowledge_of_every_other(dimension: int) -> None:
    couplings = moved_columns(dimension, 2 * math.ceil(math.log2(dimension)))
    assert all(0 < len(moved) < dimension for moved in couplings)
    for first, second in zip(couplings[::2], couplings[1::2], strict=True):
        assert sorted([*first, *second]) == list(range(dimension))
    for column in range(dimension):
        known = {other for moved in couplings if column in moved for other in range(dimension) if other not in moved}
        assert known == set(range(dimension)) - {column}


def test_default_sizes_of_the_families_are_alike() -> None:
    counts = [make_model(kind(), 16, 12).parameter_count() for kind in (FlowMatchingConfig, AffineConfig, SplineConfig)]
    assert counts[0] == 119_280
    assert all(0.85 < count / counts[0] < 1.15 for count in counts)


@FAMILIES
def test_sampling_evaluates_each_network_once(config: ModelConfig) -> None:
    graph = GraphBuilder()
    noise, context = graph.input("noise", ["n", 5]), graph.input("context", ["n", CONTEXT])
    random_model(config, 5).emit(graph, noise, context, None, SAMPLING)
    layers = [node for node in graph.graph("flow").node if node.op_type == "Gemm"]
    assert len(layers) == config.transforms * (len(config.hidden) + 1)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"family": "affine", "transforms": 0}, r"model.transforms: expected at least 2, .*, found 0"),
        ({"family": "spline", "transforms": 1}, r"model.transforms: expected at least 2, .*, found 1"),
        ({"family": "spline", "bins": 1}, r"model.bins: expected at least 2, found 1"),
        ({"family": "spline", "bound": 0.0}, r"model.bound: expected above 0, finite, found 0.0"),
        ({"family": "affine", "bins": 4}, r"model: unknown key 'bins'"),
        ({"family": "affine", "hidden": []}, r"model.hidden: expected one or more widths above 0"),
        ({"coupling": "optimal"}, r"model.coupling: expected one of independent, optimal_transport, found 'optimal'"),
        ({"context_weight": -1.0}, r"model.context_weight: expected 0 or more, finite, found -1.0"),
        ({"context_weight": math.inf}, r"model.context_weight: expected 0 or more, finite, found inf"),
        ({"family": "splines"}, r"unknown family 'splines'; did you mean 'spline'"),
    ],
)
def test_impossible_models_are_refused_by_name(model: dict, message: str) -> None:
    recipe = tomllib.loads((files("flashsim.recipes") / "jets.toml").read_text(encoding="utf-8"))
    with pytest.raises(ConfigError, match=message):
        config_from_dict({**recipe, "model": model})


# --------------------------------------------------------------------------------------------------- mathematics


@FAMILIES
@DIMENSIONS
def test_samples_of_mapped_data_are_the_data(config: ModelConfig, dimension: int) -> None:
    model = random_model(config, dimension, scale=1.5).double()
    x = torch.from_numpy(rows(500, dimension, seed=1)).double() * 2
    context = torch.from_numpy(rows(500, CONTEXT, seed=2)).double()
    noise = model.flow(context).transform(x)
    assert (noise - x).abs().mean() > 0.2
    torch.testing.assert_close(model.sample(noise, context, SAMPLING), x, rtol=1e-7, atol=1e-7)


@FAMILIES
def test_log_density_is_that_of_the_noise_times_the_jacobian(config: ModelConfig) -> None:
    model = random_model(config, 3).double()
    noise = torch.from_numpy(rows(20, 3, seed=3)).double()
    context = torch.from_numpy(rows(20, CONTEXT, seed=4)).double()
    x = model.sample(noise, context, SAMPLING)
    for row in range(20):
        given = context[row : row + 1]
        jacobian = torch.autograd.functional.jacobian(
            lambda z, given=given: model.sample(z[None], given, SAMPLING)[0], noise[row]
        )
        expected = stats.norm.logpdf(noise[row].numpy()).sum() - torch.linalg.slogdet(jacobian)[1].item()
        assert model.log_prob(x[row : row + 1], given).item() == pytest.approx(expected, abs=1e-6)


@FAMILIES
@pytest.mark.parametrize("dimension", [1, 2])
def test_density_integrates_to_one(config: ModelConfig, dimension: int) -> None:
    model = random_model(config, dimension, scale=1.3).double()
    axis = torch.linspace(-12, 12, 601 if dimension == 2 else 20_001, dtype=torch.float64)
    grid = torch.cartesian_prod(*[axis] * dimension).reshape(-1, dimension)
    context = torch.tensor([[0.5, -1.0, 1.0]], dtype=torch.float64).expand(len(grid), CONTEXT)
    integral = model.log_prob(grid, context).exp().sum() * (axis[1] - axis[0]) ** dimension
    assert integral.item() == pytest.approx(1, abs=2e-3)


# --------------------------------------------------------------------------------------------------- learning


@pytest.mark.training
@FAMILIES
def test_loss_of_a_gaussian_reaches_its_entropy(config: ModelConfig) -> None:
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    root = torch.from_numpy(np.linalg.cholesky(covariance).astype(np.float32))

    def draw(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn((count, 2), generator=generator) @ root.T, torch.zeros((count, 1))

    torch.manual_seed(1)
    entropy = math.log(2 * math.pi * math.e) + 0.5 * math.log(np.linalg.det(covariance))
    assert fit(make_model(config, 2, 1), draw, steps=150) == pytest.approx(entropy, abs=0.03)


@pytest.mark.training
@FAMILIES
def test_training_learns_a_known_conditional_distribution(config: ModelConfig) -> None:
    """x₀ and x₁ given c in [-1, 1]: a Gaussian whose mean and width move with c, and one that moves with x₀ as well."""

    def draw(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        context = 2 * torch.rand((count, 1), generator=generator) - 1
        normal = torch.randn((count, 2), generator=generator)
        first = context[:, 0] + (0.6 + 0.3 * context[:, 0]) * normal[:, 0]
        second = 0.5 * first**2 - 1 + 0.4 * normal[:, 1]
        return torch.stack([first, second], dim=1), context

    torch.manual_seed(1)
    model = make_model(config, 2, 1)
    fit(model, draw, steps=250)
    session = session_of(model, 2, context=1)
    for c in (-0.8, 0.0, 0.8):
        drawn = run(session, rows(5000, 2, seed=5), np.full((5000, 1), c, dtype=np.float32))
        first = (drawn[:, 0] - c) / (0.6 + 0.3 * c)
        second = (drawn[:, 1] - 0.5 * drawn[:, 0] ** 2 + 1) / 0.4
        for standardised in (first, second):
            assert stats.kstest(standardised, "norm").statistic < 0.06
        assert np.corrcoef(first, second)[0, 1] == pytest.approx(0, abs=0.1)


@pytest.mark.training
def test_splines_learn_two_peaks_that_shifts_and_scales_cannot() -> None:
    def draw(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        side = torch.where(torch.rand((count, 1), generator=generator) < 0.3, -2.0, 2.0)
        return side + 0.5 * torch.randn((count, 1), generator=generator), torch.zeros((count, 1))

    losses = {}
    for config in (replace(AFFINE, transforms=2), replace(SPLINE, transforms=2)):
        torch.manual_seed(1)
        model = make_model(config, 1, 1)
        losses[config.family] = fit(model, draw, steps=150)
        if config.family == "spline":
            drawn = run(session_of(model, 1, context=1), rows(5000, 1, seed=6), np.zeros((5000, 1), dtype=np.float32))
    assert losses["spline"] < losses["affine"] - 0.3
    assert np.mean(drawn < 0) == pytest.approx(0.3, abs=0.03)
    for side in (drawn[drawn < 0] + 2, drawn[drawn > 0] - 2):
        assert stats.kstest(side / 0.5, "norm").statistic < 0.06


# --------------------------------------------------------------------------------------------------- ONNX


@FAMILIES
@DIMENSIONS
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_graph_samples_are_as_accurate_as_those_of_torch(config: ModelConfig, dimension: int, scale: float) -> None:
    """Both are compared with double precision.

    Far from the identity, slopes magnify the rounding of single precision by as much as 1000 per coupling: torch's own
    error tells how much, and the errors of the graph must be distributed like it.
    """
    model = random_model(config, dimension, scale)
    noise, context = 1.5 * rows(4000, dimension, seed=7), rows(4000, CONTEXT, seed=8)
    exact = sample(model, noise, context, np.float64)
    assert np.abs(exact - noise).mean() > 0.2
    size = 1 + np.abs(exact)
    errors = np.abs(run(session_of(model, dimension), noise, context) - exact) / size
    of_torch = np.abs(sample(model, noise, context) - exact) / size
    for quantile, factor in ((0.5, 2), (0.99, 2), (0.999, 4)):
        assert np.quantile(errors, quantile) < factor * np.quantile(of_torch, quantile) + 1e-7
    assert np.quantile(errors, 0.99) < 3e-4


@FAMILIES
@DIMENSIONS
def test_a_row_has_the_same_bits_in_any_batch_and_place(config: ModelConfig, dimension: int) -> None:
    session = session_of(random_model(config, dimension), dimension)
    noise, context = 2 * rows(2048, dimension, seed=9), rows(2048, CONTEXT, seed=10)
    expected = run(session, noise, context)
    shuffled = np.random.default_rng(11).permutation(2048)
    for size in (1, 2, 3, 7, 33, 256, 2048):
        for start in range(0, min(2048, 30 * size), size):
            batch = shuffled[start : start + size]
            np.testing.assert_array_equal(run(session, noise[batch], context[batch]), expected[batch])


@FAMILIES
def test_no_rows_give_no_rows(config: ModelConfig) -> None:
    assert run(session_of(random_model(config, 5), 5), rows(0, 5, 1), rows(0, CONTEXT, 1)).shape == (0, 5)


def test_splines_leave_values_beyond_their_range_alone_and_join_at_its_ends() -> None:
    model = random_model(SPLINE, 2)
    session, context = session_of(model, 2), rows(500, CONTEXT, seed=12)
    for value in (-30.0, -6.5, 6.5, 1e30):
        noise = np.full((500, 2), value, dtype=np.float32)
        np.testing.assert_array_equal(run(session, noise, context), noise)
    for end in (-6.0, 6.0):
        for value in (np.nextafter(np.float32(end), np.float32(0)), np.float32(end)):
            noise = np.full((500, 2), value, dtype=np.float32)
            np.testing.assert_allclose(run(session, noise, context), end, atol=2e-3)


def test_splines_are_continuous_and_rise_at_the_edges_of_bins() -> None:
    """A noise on a knot belongs to the bin before or behind it, as rounding will have it; both give the same sample."""
    model = random_model(SPLINE, 1, scale=1.5)
    context = rows(300, CONTEXT, seed=13)
    last = model.flow.transform.transforms[-1](torch.from_numpy(context)).base
    session = session_of(model, 1)
    for knot in range(1, SPLINE.bins):
        noise = last.vertical[:, :, knot].numpy()
        around = [run(session, noise + np.float32(step), context) for step in (-1e-3, -1e-6, 0.0, 1e-6, 1e-3)]
        exact = [sample(model, noise + np.float32(step), context, np.float64) for step in (-1e-3, -1e-6, 0, 1e-6, 1e-3)]
        for found, expected in zip(around, exact, strict=True):
            np.testing.assert_allclose(found, expected, atol=2e-3)
        assert all((after >= before - 1e-4).all() for before, after in pairwise(around))
        assert (around[-1] > around[0]).all()


# --------------------------------------------------------------------------------------------------- optimal transport


@pytest.mark.parametrize("context_weight", [0.0, 0.5, 5.0])
def test_assignment_has_the_least_cost_of_all(context_weight: float) -> None:
    indices = set()
    for seed in range(20):
        noise, x, context = rows(5, 2, 3 * seed), rows(5, 2, 3 * seed + 1), rows(5, 2, 3 * seed + 2)
        units = context / context.std(axis=0)

        def cost(order, noise=noise, x=x, units=units) -> float:
            order = list(order)
            return ((noise[order] - x) ** 2).sum() + context_weight * ((units[order] - units) ** 2).sum()

        found = optimal_transport_pairs(*map(torch.from_numpy, (noise, x, context)), context_weight).tolist()
        assert sorted(found) == list(range(5))
        assert cost(found) == pytest.approx(min(map(cost, permutations(range(5)))), rel=1e-6)
        indices.add(tuple(found))
    assert len(indices) > 1


def test_the_weight_decides_how_far_noise_travels_between_contexts() -> None:
    """Each context has a number, in arbitrary units, one of a constant value, and a category of which one is rare."""
    count = 1000
    category = np.eye(3, dtype=np.float32)[np.random.default_rng(1).choice(3, count, p=[0.6, 0.38, 0.02])]
    number = 1e4 * rows(count, 1, seed=2)
    context = np.concatenate([number, np.full((count, 1), 7, dtype=np.float32), category], axis=1)
    tensors = [torch.from_numpy(array) for array in (rows(count, 4, seed=3), rows(count, 4, seed=4), context)]
    distances, moved = [], []
    for weight in (0.0, 1.0, 10.0, 100.0, 1e9):
        pairs = optimal_transport_pairs(*tensors, weight).numpy()
        assert sorted(pairs) == list(range(count))
        distances.append(np.abs(number[pairs] - number).mean() / 1e4)
        moved.append(np.mean(pairs != np.arange(count)))
        if weight >= 10:
            assert (category[pairs] == category).all()
    assert all(after < before for before, after in pairwise(distances))
    assert moved[0] > 0.98
    assert moved[2] > 0.3
    assert moved[-1] < 0.02


def conditional_gaussian(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """x = 0.8 c + 0.6 normal."""
    context = torch.randn((count, 1), generator=generator)
    return 0.8 * context + 0.6 * torch.randn((count, 1), generator=generator), context


def learnt(coupling: str, context_weight: float) -> FlowModel:
    torch.manual_seed(1)
    config = FlowMatchingConfig(hidden=(32, 32), time_frequencies=2, coupling=coupling, context_weight=context_weight)
    model = make_model(config, 1, 1)
    fit(model, conditional_gaussian, steps=200, rate=8e-3)
    return model


def means_and_widths(model: FlowModel, steps: int) -> np.ndarray:
    """Of samples at three contexts, as differences and ratios to the truth."""
    noise = torch.from_numpy(rows(4000, 1, seed=5))
    results = []
    for c in (-1.5, 0.0, 1.5):
        sampling = SamplingConfig(solver="euler", default_steps=steps)
        x = model.sample(noise, torch.full((4000, 1), c), sampling)
        results.append((x.mean().item() - 0.8 * c, x.std().item() / 0.6))
    return np.array(results).T


@pytest.mark.training
def test_optimal_transport_keeps_conditional_distributions_and_straightens_paths() -> None:
    """One Euler step is enough for straight paths; paths of independent noise all begin towards the mean."""
    independent, transport = learnt("independent", 0.0), learnt("optimal_transport", 100.0)
    for model in (independent, transport):
        means, widths = means_and_widths(model, steps=20)
        np.testing.assert_allclose(means, 0, atol=0.1)
        np.testing.assert_allclose(widths, 1, atol=0.1)
    assert (means_and_widths(independent, steps=1)[1] < 0.2).all()
    assert (means_and_widths(transport, steps=1)[1] > 0.55).all()


@pytest.mark.training
def test_optimal_transport_blind_to_contexts_biases_a_conditional_flow() -> None:
    means, widths = means_and_widths(learnt("optimal_transport", 0.0), steps=20)
    assert means[0] > 0.5
    assert means[2] < -0.5
    assert (widths > 1.3).all()


def test_loss_with_optimal_transport_repeats_and_differs_from_the_independent_one() -> None:
    x, context = conditional_gaussian(700, torch.Generator().manual_seed(6))
    losses = []
    for coupling, weight in (("optimal_transport", 1.0), ("optimal_transport", 1.0), ("independent", 1.0)):
        torch.manual_seed(1)
        model = make_model(FlowMatchingConfig(hidden=(16,), coupling=coupling, context_weight=weight), 1, 1)
        losses.append(model.loss(x, context, torch.Generator().manual_seed(7)).item())
    assert losses[0] == losses[1]
    assert losses[0] < losses[2] - 0.1
