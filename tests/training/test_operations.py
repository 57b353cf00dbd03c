"""Properties that hold for any data: operations undo themselves, and a row's bits do not depend on its neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra.numpy import arrays  # noqa: E402

from flashsim.flows.graph import GraphBuilder  # noqa: E402
from flashsim.training import load_config  # noqa: E402
from flashsim.training.preparation.atoms import Dequantise, Present, Spike  # noqa: E402
from flashsim.training.preparation.elementary import Absolute, Angle, OneHot, Saturate, Standardise  # noqa: E402
from flashsim.training.preparation.functions import Arctanh, Log, Logit  # noqa: E402
from flashsim.training.preparation.gaussianise import Gaussianise  # noqa: E402
from flashsim.training.preparation.operation import Operation, Row  # noqa: E402
from flashsim.training.preparation.preprocessing import Preprocessing  # noqa: E402
from flashsim.training.preparation.relations import Difference, Ratio, Share  # noqa: E402
from flashsim.training.recipe.sections import VariableConfig  # noqa: E402
from operation_cases import CONTEXT_CASES, DATA, ROW, ROWS, TARGET_CASES, case_name, run_graph  # noqa: E402

EPSILON = float(np.finfo(np.float32).eps)
FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])

Columns = dict[str, np.ndarray]


def numbers(low: float, high: float, size: int = 12) -> st.SearchStrategy[np.ndarray]:
    """Single precision numbers of a closed range, ends included, as float64."""
    elements = st.floats(np.float32(low).item(), np.float32(high).item(), width=32, allow_subnormal=False)
    return arrays(np.float32, size, elements=elements).map(lambda values: np.float64(values))


def distinct(low: float, high: float, size: int = 12) -> st.SearchStrategy[np.ndarray]:
    return numbers(low, high, size).filter(lambda values: np.ptp(values) > 1e-3 * np.abs(values).max())


def round_trip(operation: Operation, values: np.ndarray, scale: np.ndarray | float, row: Row | None = None) -> Columns:
    """Forward, then backward three ways; all agree with ``values`` within the rounding of numbers of size ``scale``."""
    row = row or Row({})
    operation.fit(values, row)
    prepared = operation.forward(values, row, np.random.default_rng(1))
    assert np.isfinite(prepared).all()
    single = Row(*({name: np.float32(column) for name, column in side.items()} for side in (row.context, row.target)))
    results = {
        "double": operation.inverse(prepared, row),
        "single": operation.inverse(prepared.astype(np.float32), single),
        "graph": run_graph(operation.emit_inverse, prepared, row)[:, 0],
    }
    for name, result in results.items():
        precision = 1e-13 if name == "double" else 8 * EPSILON
        difference = np.abs(result - values)
        assert np.all(difference <= precision * scale + 1e-37), (name, values, prepared, result)
    assert results["single"].dtype == np.float32
    return results


@FEW
@given(numbers(-1e4, 1e4), numbers(-1e4, 1e4))
def test_difference(values: np.ndarray, gen: np.ndarray) -> None:
    round_trip(Difference("x"), values, np.abs(values) + np.abs(gen), Row({"x": gen}))


@FEW
@given(numbers(-math.pi, math.pi), numbers(-math.pi, math.pi), st.sampled_from([2 * math.pi, 360.0, 1.0]))
def test_difference_on_a_circle(values: np.ndarray, gen: np.ndarray, period: float) -> None:
    values, gen = values * (period / 2 / np.pi), gen * (period / 2 / np.pi)
    operation, row = Difference("x", period=period), Row({"x": gen})
    prepared = operation.forward(values, row, np.random.default_rng(1))
    assert np.all(np.abs(prepared) <= period / 2 * (1 + 1e-12))
    for result in (operation.inverse(prepared, row), run_graph(operation.emit_inverse, prepared, row)[:, 0]):
        assert np.all(np.abs(result) <= period / 2 * (1 + EPSILON))
        turns = (result - values) / period
        assert np.all(np.abs(turns - np.rint(turns)) < 8 * EPSILON)


@FEW
@given(numbers(0, 1e4), numbers(0, 1e4), st.floats(0.5, 100))
def test_ratio(values: np.ndarray, gen: np.ndarray, offset: float) -> None:
    round_trip(Ratio("x", offset=offset), values, values + gen + 2 * offset, Row({"x": gen}))


@FEW
@given(numbers(0, 0.5), numbers(0, 0.49), numbers(0, 1))
def test_share(first: np.ndarray, second: np.ndarray, taken: np.ndarray) -> None:
    row = Row({}, {"a": first, "b": second})
    round_trip(Share(after=["a", "b"]), taken * (1 - first - second), 1.0, row)


@FEW
@given(numbers(1e-6, 1e6), st.sampled_from([0.0, 0.5, 1.0, 100.0]))
def test_log(values: np.ndarray, offset: float) -> None:
    """The rounding of a logarithm of size 14 is a relative error of the value."""
    round_trip(Log(offset), values, (values + offset) * (1 + np.abs(np.log(values + offset))))


@FEW
@given(numbers(0, 1), st.sampled_from([1e-6, 1e-4, 0.1]))
def test_logit(values: np.ndarray, epsilon: float) -> None:
    round_trip(Logit(epsilon), values, 1.0 if epsilon < 0.01 else 2.0)


@FEW
@given(numbers(-1, 1), st.floats(1e-3, 1e3), st.sampled_from([1e-6, 1e-3]))
def test_arctanh(values: np.ndarray, bound: float, epsilon: float) -> None:
    round_trip(Arctanh(bound, epsilon), values * bound, bound)


@FEW
@given(distinct(-1e4, 1e4))
def test_standardise(values: np.ndarray) -> None:
    round_trip(Standardise(), values, np.abs(values).max())


@FEW
@given(numbers(-1e6, 1e6))
def test_saturate(values: np.ndarray) -> None:
    results = round_trip(Saturate(), values, 0.0)
    assert all(np.array_equal(result, values) for result in results.values())


@FEW
@given(st.integers(0, 2**32), st.sampled_from([3, 16, 64, 256]), st.integers(-3, 3), st.sampled_from([0.0, 1.0, -50.0]))
def test_gaussianise(seed: int, knots: int, magnitude: int, offset: float) -> None:
    """Double precision to 10⁻¹², single precision to a few parts in 10⁷ of the range times the number of knots."""
    generator = np.random.default_rng(seed)
    values = 10.0**magnitude * (offset + generator.choice([-1, 1]) * generator.gamma(generator.uniform(0.5, 5), 1, 400))
    size = np.abs(values).max()
    round_trip(Gaussianise(knots), values, size * np.where(knots > 16, 16, 4))


@FEW
@given(
    st.lists(st.integers(-1000, 1000), min_size=2, max_size=30, unique=True),
    st.booleans(),
    st.sampled_from([0.0, 0.15, 0.25]),
    st.sampled_from([1.0, 0.5, 0.1]),
    st.integers(0, 1000),
)
def test_dequantise(allowed: list[int], declared: bool, width: float, unit: float, seed: int) -> None:
    unit = unit if declared else 1.0
    steps = sorted(unit * value for value in allowed)
    values = np.random.default_rng(seed).choice(steps, 60)
    values[:2] = steps[0], steps[-1]
    operation = Dequantise(values=steps if declared else None, width=width)
    for name, result in round_trip(operation, values, np.abs(values) + 1).items():
        assert np.array_equal(result, values if name == "double" else np.float32(values))


@pytest.mark.parametrize("count", [2, 256, 5000, 65536])
def test_many_whole_numbers_survive_single_precision(count: int) -> None:
    values = np.arange(count, dtype=float)
    variable = VariableConfig("n", (0, 1e6), ({"op": "dequantise"}, {"op": "standardise"}), dtype="int32")
    prepared = Preprocessing([VariableConfig("pt", (0, 1e6), ())], [variable])
    context, generator = np.arange(count, dtype=np.float32)[:, None], np.random.default_rng(1)
    prepared.fit(context, values[:, None], generator)
    encoded = prepared.encode_target(context, values[:, None], generator)
    assert np.array_equal(prepared.decode_target(context, encoded)[:, 0], values)


@FEW
@given(
    distinct(-100, 100, 30),
    st.one_of(st.floats(-300, 300, width=32), st.integers(0, 29)),
    st.sampled_from([None, 0.5, 30.0]),
    st.booleans(),
)
def test_spike(values: np.ndarray, where: float | int, extent: float | None, among: bool) -> None:
    """Below, above, between or among the other values: the atom comes back exactly, and no other value does."""
    atom = float(values[where]) if among and isinstance(where, int) else float(where)
    values = np.concatenate([values, np.full(20, atom)])
    others = values[values != atom]
    if np.ptp(others) == 0:
        return
    operation = Spike(atom, extent=extent)
    size = np.abs(values).max() + 100 + (extent or 0.0)
    for result in round_trip(operation, values, size).values():
        assert np.array_equal(result == np.float32(atom), np.float32(values) == np.float32(atom))
        assert result.min() >= np.float32(values).min() - 8 * EPSILON * size


@FEW
@given(numbers(-100, 100), arrays(np.int64, 12, elements=st.integers(0, 3)), st.sampled_from([0.0, -1.0]))
def test_present(values: np.ndarray, count: np.ndarray, absent: float) -> None:
    count[0] = 1
    row = Row({}, {"count": count.astype(float)})
    round_trip(Present("count", absent=absent), np.where(count > 0, values, absent), 0.0, row)


@FEW
@given(numbers(-1e3, 1e3), st.sampled_from([2 * math.pi, 360.0]))
def test_angle(values: np.ndarray, period: float) -> None:
    operation = Angle(period)
    prepared = operation.forward(values, Row({}), np.random.default_rng(1))
    phase = 2 * np.pi * values / period
    back = np.arctan2(prepared[:, 1], prepared[:, 0])
    assert np.allclose(np.exp(1j * back), np.exp(1j * phase), atol=1e-12)
    result = run_graph(operation.emit_forward, values, Row({}))
    assert np.all(np.abs(result - prepared) < 4 * EPSILON * (1 + np.abs(phase))[:, None])


@FEW
@given(arrays(np.int64, 40, elements=st.sampled_from([-7, -4, 0, 1, 4, 21])))
def test_categories(codes: np.ndarray) -> None:
    codes[:3] = 0, -4, 21
    operation = OneHot(categories=[0.0, 4.0, 21.0], other=0.0)
    magnitude = Absolute().forward(codes.astype(float), Row({}), np.random.default_rng(1))
    operation.fit(magnitude, Row({}))
    expected = np.stack([np.abs(codes) == 4, codes == 21, ~np.isin(np.abs(codes), [4, 21])], axis=1)
    assert np.array_equal(operation.forward(magnitude, Row({}), np.random.default_rng(1)), expected)

    def both(graph: GraphBuilder, values: str, row: Row[str]) -> str:
        return operation.emit_forward(graph, Absolute().emit_forward(graph, values, row), row)

    assert np.array_equal(run_graph(both, codes.astype(float), Row({})), expected)


def jet_rows(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows with the variables of the shipped recipe, ends of ranges and rare values included."""
    g = np.random.default_rng(seed)
    muons = g.choice([0, 1, 2, 3], rows, p=[0.8, 0.15, 0.04, 0.01])
    gen = {
        "pt": 15 + g.exponential(40, rows),
        "eta": np.clip(g.normal(0, 2, rows), -5, 5),
        "phi": g.uniform(-np.pi, np.pi, rows),
        "mass": g.exponential(8, rows) * (g.random(rows) > 0.01),
        "partonFlavour": g.choice([-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 21], rows),
        "nMuon": muons,
    }
    fractions = g.dirichlet([4, 1, 0.05, 2, 0.5, 0.3], rows)
    fractions[:, 4] *= muons > 0
    reco = {
        "pt": gen["pt"] * g.lognormal(0, 0.15, rows),
        "eta": gen["eta"] + g.normal(0, 0.03, rows),
        "phi": (gen["phi"] + g.normal(0, 0.03, rows) + np.pi) % (2 * np.pi) - np.pi,
        "mass": gen["mass"] * g.lognormal(0, 0.3, rows),
        **{name: g.beta(0.4, 0.6, rows) for name in ("btag", "ctag", "qgl")},
        "jetId": g.choice([0, 2, 6], rows, p=[0.01, 0.09, 0.9]),
        "nConstituents": np.minimum(1 + g.negative_binomial(3, 0.1, rows), 255),
        **dict(zip(("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF"), fractions.T, strict=False)),
        "nMuons": muons,
        "nSVs": g.poisson(0.3, rows),
    }
    reco["btag"][:2], reco["chHEF"][5] = (0.0, 1.0), 1.0
    for name in ("neHEF", "chEmEF", "neEmEF", "muEF"):
        reco[name][5] = 0.0
    reco["nMuons"][5] = 0
    low, high = -np.float32(3.1415927), np.float32(3.1415927)
    gen["phi"], reco["phi"] = np.clip(gen["phi"], low, high), np.clip(reco["phi"], low, high)
    config = SHIPPED
    context = np.stack([gen[variable.name] for variable in config.context], axis=1).astype(np.float32)
    target = np.stack([reco[variable.name] for variable in config.target], axis=1).astype(np.float32)
    return context, target


SHIPPED = load_config(Path(str(files("flashsim.recipes") / "jets.toml")))


@pytest.fixture(scope="module")
def shipped() -> tuple[Preprocessing, np.ndarray, np.ndarray]:
    prepared = Preprocessing(SHIPPED.context, SHIPPED.target)
    context, target = jet_rows(20_000, seed=1)
    prepared.fit(context, target, np.random.default_rng(11))
    return prepared, context, target


def session_of(prepared: Preprocessing) -> onnxruntime.InferenceSession:
    graph = GraphBuilder()
    context = graph.input("context", ["n", len(prepared.context)])
    encoded = graph.input("encoded", ["n", len(prepared.target)])
    features, row = prepared.emit_context(graph, context)
    graph.output(features, "features", ["n", prepared.context_features])
    graph.output(prepared.emit_target(graph, encoded, row), "sample", ["n", len(prepared.target)])
    return onnxruntime.InferenceSession(graph.model("test").SerializeToString(), providers=["CPUExecutionProvider"])


def test_rows_of_the_shipped_recipe_return(shipped: tuple[Preprocessing, np.ndarray, np.ndarray]) -> None:
    """Encoded to single precision, decoded in double and single precision and in the graph.

    Logit and its inverse keep fractions to 10⁻⁶; a share is a product with what others left, which adds as much.
    """
    prepared, context, target = shipped
    encoded_context, encoded = prepared.encode(context, target, np.random.default_rng(3))
    features, sample = session_of(prepared).run(None, {"context": context, "encoded": encoded})
    np.testing.assert_allclose(features, encoded_context, rtol=1e-5, atol=1e-5)
    results = {
        "double": prepared.decode_target(context, encoded.astype(np.float64)),
        "single": prepared.decode_target(context, encoded),
        "graph": sample,
    }
    for name, result in results.items():
        for index, variable in enumerate(SHIPPED.target):
            got, expected = result[:, index], target[:, index]
            if variable.is_integer:
                assert np.array_equal(got, expected), (name, variable.name)
            elif variable.name == "phi":
                assert np.abs(np.sin((got - expected) / 2)).max() < 2e-6, name
            else:
                np.testing.assert_allclose(got, expected, rtol=5e-6, atol=5e-6, err_msg=f"{name} {variable.name}")
        muons = [variable.name for variable in SHIPPED.target].index("nMuons")
        fraction = [variable.name for variable in SHIPPED.target].index("muEF")
        assert np.all(result[result[:, muons] == 0, fraction] == 0)


def test_chains_with_spikes_return_in_the_graph() -> None:
    """A decay length with "none" = -1, an impact parameter with zeros in its middle, a bounded asymmetry."""
    generator = np.random.default_rng(5)
    rows = 4000
    length = np.where(generator.random(rows) < 0.4, -1.0, generator.exponential(0.3, rows) + 0.01)
    impact = np.where(generator.random(rows) < 0.2, 0.0, generator.standard_t(3, rows))
    charge = np.where(generator.random(rows) < 0.1, 1.0, generator.uniform(-1, 1, rows))
    charge[:2] = -1.0, 1.0
    target = np.stack([length, length, impact, charge], axis=1).astype(np.float32)
    context = generator.uniform(-np.pi, np.pi, (rows, 1)).astype(np.float32)
    spike = {"op": "spike", "value": -1.0}
    everything = (-1e3, 1e3)
    prepared = Preprocessing(
        [VariableConfig("phi", (-3.1415927, 3.1415927), ({"op": "angle"},))],
        [
            VariableConfig("length", everything, (spike, {"op": "gaussianise"})),
            VariableConfig("other", everything, (spike, {"op": "log", "offset": 1.0}, {"op": "standardise"})),
            VariableConfig("impact", everything, ({"op": "spike", "value": 0.0}, {"op": "gaussianise"})),
            VariableConfig("charge", (-1, 1), ({"op": "spike", "value": 1.0}, {"op": "arctanh", "bound": 1.7})),
        ],
    )
    prepared.fit(context, target, generator)
    encoded_context, encoded = prepared.encode(context, target, generator)
    features, sample = session_of(prepared).run(None, {"context": context, "encoded": encoded})
    np.testing.assert_allclose(features, encoded_context, atol=1e-6)
    for result in (sample, prepared.decode_target(context, encoded)):
        for column, atom in enumerate((-1.0, -1.0, 0.0, 1.0)):
            assert np.array_equal(result[:, column] == atom, target[:, column] == atom)
        np.testing.assert_allclose(result, target, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize(("operation", "column"), TARGET_CASES, ids=case_name)
def test_what_is_not_a_number_stays_so(operation: Operation, column: str) -> None:
    """So that the engine can draw such a row again; a quantity that does not exist has its value nonetheless."""
    operation.fit(DATA[column], ROW)
    values = operation.forward(DATA[column], ROW, np.random.default_rng(2))
    broken = np.arange(ROWS) % 3 == 0
    values[broken] = np.nan
    expected = broken & (DATA["count"] > 0) if operation.name == "present" else broken
    for kind in (np.float64, np.float32):
        assert np.array_equal(np.isnan(operation.inverse(values.astype(kind), ROW)), expected)
    assert np.array_equal(np.isnan(run_graph(operation.emit_inverse, values, ROW)[:, 0]), expected)


def rows_alone(run: Callable[[slice], np.ndarray], rows: int) -> None:
    """The same bits whatever the number of rows in a call and wherever a row stands."""
    together = run(slice(0, rows))
    for size in (1, 2, 3, 5, 7, 16, 33):
        for start in (0, 1, 6):
            here = slice(start, start + size)
            assert np.array_equal(run(here), together[here], equal_nan=True), here


@pytest.mark.parametrize(
    ("operation", "column", "direction"),
    [(*case, "inverse") for case in TARGET_CASES] + [(*case, "forward") for case in CONTEXT_CASES],
    ids=case_name,
)
def test_rows_do_not_depend_on_their_neighbours(operation: Operation, column: str, direction: str) -> None:
    operation.fit(DATA[column], ROW)
    values = DATA[column]
    if direction == "inverse":
        values = operation.forward(values, ROW, np.random.default_rng(2))
    emit = operation.emit_inverse if direction == "inverse" else operation.emit_forward

    def run(rows: slice) -> np.ndarray:
        row = Row(*({name: part[rows] for name, part in side.items()} for side in (ROW.context, ROW.target)))
        return run_graph(emit, values[rows], row)

    rows_alone(run, min(ROWS, 523))


def test_rows_of_the_shipped_recipe_do_not_depend_on_their_neighbours(
    shipped: tuple[Preprocessing, np.ndarray, np.ndarray],
) -> None:
    prepared, context, target = shipped
    encoded = np.random.default_rng(4).normal(0, 2, target.shape).astype(np.float32)
    session = session_of(prepared)

    def run(rows: slice) -> np.ndarray:
        return np.hstack(session.run(None, {"context": context[rows], "encoded": encoded[rows]}))

    rows_alone(run, 523)
