"""Every operation must undo itself, in numpy and in the graph, and the graph must not care where a row stands."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from flashsim.flows.graph import GraphBuilder  # noqa: E402
from flashsim.toml_reader import ConfigError  # noqa: E402
from flashsim.training.preparation.atoms import Dequantise, Present, Spike  # noqa: E402
from flashsim.training.preparation.elementary import Angle, OneHot, Saturate, Standardise  # noqa: E402
from flashsim.training.preparation.functions import Log, Logit  # noqa: E402
from flashsim.training.preparation.gaussianise import Gaussianise  # noqa: E402
from flashsim.training.preparation.operation import Operation, Row  # noqa: E402
from flashsim.training.preparation.preprocessing import OPERATIONS, Preprocessing  # noqa: E402
from flashsim.training.preparation.relations import Difference, Share  # noqa: E402
from flashsim.training.recipe.sections import VariableConfig  # noqa: E402
from operation_cases import CONTEXT_CASES, DATA, ROW, ROWS, TARGET_CASES, case_name, run_graph  # noqa: E402


@pytest.mark.parametrize(("operation", "column"), TARGET_CASES, ids=case_name)
def test_inverse_undoes_forward(operation: Operation, column: str) -> None:
    values = DATA[column]
    operation.fit(values, ROW)
    prepared = operation.forward(values, ROW, np.random.default_rng(2))
    np.testing.assert_allclose(operation.inverse(prepared, ROW), values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("operation", "column"), TARGET_CASES, ids=case_name)
def test_graph_inverse_undoes_forward(operation: Operation, column: str) -> None:
    values = DATA[column]
    operation.fit(values, ROW)
    prepared = operation.forward(values, ROW, np.random.default_rng(2))
    result = run_graph(operation.emit_inverse, prepared, ROW)[:, 0]
    np.testing.assert_allclose(result, values, rtol=3e-6, atol=2e-6)


@pytest.mark.parametrize(("operation", "column"), CONTEXT_CASES, ids=case_name)
def test_graph_forward_equals_numpy(operation: Operation, column: str) -> None:
    values = DATA[column]
    operation.fit(values, ROW)
    expected = operation.forward(values, ROW, np.random.default_rng(2)).reshape(ROWS, -1)
    assert expected.shape[1] == operation.features()
    result = run_graph(operation.emit_forward, values, ROW)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


def test_every_operation_is_covered() -> None:
    assert {operation.name for operation, _ in TARGET_CASES + CONTEXT_CASES} == set(OPERATIONS)


@pytest.mark.parametrize("operation", [Difference("gen"), Log(1.0), Logit(0.01), Standardise(), Gaussianise(16)])
def test_state_rebuilds_a_fitted_operation(operation: Operation) -> None:
    operation.fit(DATA["share"], ROW)
    state = operation.state()
    rebuilt = OPERATIONS[state.pop("op")](**state)
    generator = np.random.default_rng(0)
    expected = operation.forward(DATA["share"], ROW, generator)
    assert np.array_equal(rebuilt.forward(DATA["share"], ROW, generator), expected)


@given(st.floats(-math.pi, math.pi), st.floats(-math.pi, math.pi))
def test_azimuth_differences_stay_on_the_circle(gen: float, reco: float) -> None:
    row = Row({"phi": np.array([gen])})
    operation = Difference("phi", period=2 * math.pi)
    difference = operation.forward(np.array([reco]), row, np.random.default_rng(0))
    assert abs(difference[0]) <= math.pi + 1e-12
    back = operation.inverse(difference, row)
    assert abs(back[0]) <= math.pi + 1e-12
    assert math.cos(back[0] - reco) == pytest.approx(1)


@settings(max_examples=30)
@given(st.lists(st.integers(-50, 200), min_size=2, max_size=9, unique=True), st.integers(0, 1000))
def test_dequantised_values_return_exactly(allowed: list[int], seed: int) -> None:
    generator = np.random.default_rng(seed)
    operation = Dequantise(values=[float(value) for value in sorted(allowed)])
    values = generator.choice(np.array(operation.values), 50)
    spread = operation.forward(values, Row({}), generator)
    assert np.array_equal(operation.inverse(spread, Row({})), values)
    assert len(np.unique(spread)) == len(spread)


@pytest.mark.parametrize("value", [-1e30, -7.0, 7.0, 1e30])
def test_results_stay_inside_the_training_range_however_far_the_network_goes(value: float) -> None:
    for operation, column in ((Gaussianise(32), "positive"), (Saturate(), "positive"), (Dequantise(), "count")):
        operation.fit(DATA[column], ROW)
        for result in (
            operation.inverse(np.array([value]), Row({})),
            run_graph(operation.emit_inverse, np.array([value]), Row({})),
        ):
            tolerance = 1e-5 * DATA[column].max()
            assert DATA[column].min() - tolerance <= result.item() <= DATA[column].max() + tolerance


def test_gaussianised_values_are_standard_normal() -> None:
    operation = Gaussianise(knots=128)
    operation.fit(DATA["positive"], ROW)
    normal = operation.forward(DATA["positive"], ROW, np.random.default_rng(0))
    levels = [0.02, 0.16, 0.5, 0.84, 0.98]
    np.testing.assert_allclose(np.quantile(normal, levels), [-2.054, -0.994, 0, 0.994, 2.054], atol=0.03)
    assert np.array_equal(np.argsort(normal, kind="stable"), np.argsort(DATA["positive"], kind="stable"))


def test_gaussianise_refuses_a_hidden_spike() -> None:
    with pytest.raises(ValueError, match=r"% of the rows have exactly the value 0.*spike"):
        Gaussianise().fit(DATA["spiked"], ROW)


def test_a_spike_needs_rows_at_and_beside_it() -> None:
    with pytest.raises(ValueError, match=r"no row has value = 0.5"):
        Spike(0.5).fit(DATA["share"], ROW)
    with pytest.raises(ValueError, match=r"all rows have value = 0.0 or one other: 'dequantise'"):
        Spike(0.0).fit(np.array([0.0, 1.0, 1.0]), ROW)
    with pytest.raises(ValueError, match=r"extent = -1 is not a number above 0"):
        Spike(0.0, extent=-1)


def test_nothing_lies_between_a_spike_and_its_neighbours() -> None:
    """Whatever the network returns: -1 stands for "there is none", -0.3 would mean nothing."""
    operation = Spike(-1.0)
    operation.fit(DATA["outside"], ROW)
    anything = np.linspace(-20, 20, 4001)
    for result in (operation.inverse(anything, ROW), run_graph(operation.emit_inverse, anything, ROW)[:, 0]):
        assert result.min() == -1
        assert result[result > -1].min() == pytest.approx(0.2, abs=1e-3)
        assert np.all(np.diff(result) >= 0)


def test_several_spikes_highest_first() -> None:
    generator = np.random.default_rng(1)
    values = np.where(generator.random(4000) < 0.2, 0.0, generator.normal(0, 2, 4000))
    values[generator.random(4000) < 0.1] = -1.0
    operations = ({"op": "spike", "value": 0.0}, {"op": "spike", "value": -1.0}, {"op": "gaussianise"})
    prepared = Preprocessing([GEN], [VariableConfig("x", (-99.0, 99.0), operations)])
    context = np.linspace(1, 2, 4000)[:, None]
    prepared.fit(context, values[:, None], generator)
    encoded = prepared.encode_target(context, values[:, None], generator)
    decoded = prepared.decode_target(context, encoded)[:, 0]
    for atom in (0.0, -1.0):
        assert np.array_equal(decoded == atom, values == atom)
    np.testing.assert_allclose(decoded, values, atol=1e-4)


def test_atoms_of_single_precision_data_are_recognised() -> None:
    """0.1 in a recipe is not the number that a branch of floats holds."""
    generator = np.random.default_rng(1)
    values = np.where(generator.random(500) < 0.3, 0.1, generator.normal(size=500)).astype(np.float32)
    spike = Spike(0.1)
    spike.fit(values.astype(float), ROW)
    prepared = spike.forward(values.astype(float), ROW, generator)
    assert np.mean(spike.inverse(prepared, ROW).astype(np.float32) == np.float32(0.1)) > 0.25
    steps = np.float32([0.1, 0.2, 0.7])[generator.integers(0, 3, 500)]
    dequantise = Dequantise(values=[0.1, 0.2, 0.7])
    dequantise.fit(steps.astype(float), ROW)
    spread = dequantise.forward(steps.astype(float), ROW, generator)
    assert np.array_equal(dequantise.inverse(spread, ROW).astype(np.float32), steps)


def test_values_that_are_not_allowed_are_counted() -> None:
    with pytest.raises(ValueError, match=r"2 rows have values \[4.0\], which are not among the allowed \[0, 2, 6\]"):
        Dequantise(values=[0, 2, 6]).fit(np.array([0.0, 2, 4, 4, 6]), ROW)
    with pytest.raises(ValueError, match=r"1 rows have values \[0.5\], which are not whole numbers"):
        Dequantise().fit(np.array([0.0, 0.5, 1]), ROW)
    with pytest.raises(ValueError, match=r"whole numbers from 0 to 1e\+06 are too many"):
        Dequantise().fit(np.array([0.0, 1e6]), ROW)


def test_whole_numbers_beyond_the_training_data_move_to_its_ends() -> None:
    operation = Dequantise()
    operation.fit(np.array([3.0, 4, 5]), ROW)
    spread = operation.forward(np.array([2.0, 3, 9]), ROW, np.random.default_rng(1))
    assert operation.inverse(spread, ROW).tolist() == [3, 3, 5]


def test_a_category_that_never_occurs_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no row has the value 7 or 9: remove it .* counts as other = 0"):
        OneHot(categories=[0.0, 4.0, 7.0, 9.0], other=0.0).fit(DATA["code"], ROW)


def test_angles_close_the_circle() -> None:
    ends = Angle(period=360.0).forward(np.array([-180.0, 180.0, 90.0]), ROW, np.random.default_rng(0))
    np.testing.assert_allclose(ends, [[-1, 0], [-1, 0], [0, 1]], atol=1e-15)


def test_shares_never_exceed_the_total() -> None:
    operation = Share(after=["spiked"])
    result = operation.inverse(np.random.default_rng(4).random(ROWS), ROW)
    assert np.all(result + DATA["spiked"] <= 1)
    overfull = Row({}, {"spiked": np.array([1.5])})
    assert operation.inverse(np.array([1.0]), overfull)[0] == pytest.approx(operation.smallest)
    with pytest.raises(ValueError, match=r"% of the rows exceed what spiked leave of a total of 1.0"):
        operation.fit(DATA["share"], ROW)


def test_absent_quantities_never_contradict_their_count() -> None:
    operation = Present("count")
    operation.fit(DATA["energy"], ROW)
    generator = np.random.default_rng(3)
    prepared = operation.forward(DATA["energy"], ROW, generator)
    exists = DATA["count"] > 0
    assert prepared[~exists].min() > 0
    assert prepared[~exists].mean() == pytest.approx(DATA["energy"][exists].mean(), rel=0.15)
    anything = generator.standard_normal(ROWS)
    assert np.array_equal(operation.inverse(anything, ROW) == 0, ~exists)
    with pytest.raises(ValueError, match=r"value other than absent = 0"):
        operation.fit(DATA["energy"] + 1, ROW)


@pytest.mark.parametrize("function", ["Log", "Exp", "Sin", "Cos", "Sigmoid", "Softplus"])
def test_column_functions_give_the_same_bits_anywhere(function: str) -> None:
    values = np.abs(DATA["gen"])

    def emit(graph: GraphBuilder, column: str, row: Row[str]) -> str:
        return graph.column_function(function, column)

    together = run_graph(emit, values, Row({}))
    for size in (1, 2, 7):
        part = values[:700]
        pieces = [run_graph(emit, part[i : i + size], Row({})) for i in range(0, 70, size)]
        assert np.array_equal(np.concatenate(pieces)[:70], together[:70])


GEN = VariableConfig("pt", (0.0, 1000.0), ({"op": "log"}, {"op": "saturate"}, {"op": "standardise"}))
FLAVOUR = VariableConfig(
    "code", (-21.0, 21.0), ({"op": "absolute"}, {"op": "one_hot", "categories": [0.0, 4.0, 5.0, 21.0], "other": 0.0})
)


def preparation() -> tuple[Preprocessing, np.ndarray, np.ndarray]:
    target = [
        VariableConfig("energy", (0.0, 2.0), ({"op": "present", "of": "count"}, {"op": "gaussianise"})),
        VariableConfig("pt", (0.0, 1000.0), ({"op": "ratio", "to": "pt"}, {"op": "log"}, {"op": "gaussianise"})),
        VariableConfig("count", (0.0, 255.0), ({"op": "dequantise"}, {"op": "gaussianise"}), dtype="uint8"),
    ]
    prepared = Preprocessing([GEN, FLAVOUR], target)
    gen = np.stack([DATA["positive"], DATA["code"]], axis=1)
    smeared = DATA["positive"] * np.random.default_rng(5).lognormal(0, 0.1, ROWS)
    reco = np.stack([np.minimum(DATA["energy"], 2.0), smeared, DATA["count"]], axis=1)
    reco[:, 0] *= np.random.default_rng(6).uniform(0.9, 1.0, ROWS)
    prepared.fit(gen, reco, np.random.default_rng(11))
    return prepared, gen, reco


def test_a_whole_row_returns() -> None:
    prepared, gen, reco = preparation()
    encoded = prepared.encode_target(gen, reco, np.random.default_rng(7))
    assert encoded.dtype == np.float32
    assert np.abs(encoded.mean(axis=0)).max() < 0.05
    assert np.abs(encoded.std(axis=0) - 1).max() < 0.05
    decoded = prepared.decode_target(gen, encoded.astype(np.float64))
    np.testing.assert_allclose(decoded, reco, rtol=1e-5, atol=1e-5)
    assert prepared.context_features == prepared.encode_context(gen).shape[1] == 5


def test_atoms_are_spread_anew_at_every_call() -> None:
    prepared, gen, reco = preparation()
    generator = np.random.default_rng(7)
    first, second = (prepared.encode_target(gen, reco, generator) for _ in range(2))
    assert np.array_equal(first[:, 1], second[:, 1])
    assert np.mean(first[:, 2] != second[:, 2]) > 0.99


def test_a_whole_row_as_a_graph() -> None:
    prepared, gen, reco = preparation()
    encoded = np.random.default_rng(8).normal(0, 3, reco.shape).astype(np.float32)
    gen = gen.astype(np.float32)
    graph = GraphBuilder()
    context, values = graph.input("context", ["n", 2]), graph.input("encoded", ["n", 3])
    features, row = prepared.emit_context(graph, context)
    graph.output(features, "features", ["n", 5])
    graph.output(prepared.emit_target(graph, values, row), "sample", ["n", 3])
    session = onnxruntime.InferenceSession(graph.model("test").SerializeToString(), providers=["CPUExecutionProvider"])
    features, sample = session.run(None, {"context": gen, "encoded": encoded})
    np.testing.assert_allclose(features, prepared.encode_context(gen), rtol=1e-5, atol=1e-5)
    expected = prepared.decode_target(gen, encoded)
    agree = sample[:, 2] == expected[:, 2]
    assert agree.mean() > 0.999
    np.testing.assert_allclose(sample[agree], expected[agree], rtol=1e-5, atol=1e-5)
    assert np.array_equal(sample[:, 0] == 0, sample[:, 2] == 0)


def test_training_values_are_checked_before_they_are_used() -> None:
    prepared = Preprocessing([GEN], [VariableConfig("btag", (0.0, 1.0), ({"op": "logit"},))])
    gen, tag = DATA["positive"][:, None], DATA["share"][:, None]

    def refused(message: str, context: np.ndarray, target: np.ndarray) -> None:
        with pytest.raises(ValueError, match=message):
            prepared.fit(context, target, np.random.default_rng(0))

    broken = tag.copy()
    broken[[3, 5], 0] = np.nan, np.inf
    refused("target variable 'btag': 2 of 3001 rows are not finite", gen, broken)
    broken[[3, 5], 0] = 1.5, -0.1
    refused(r"target variable 'btag': 2 of 3001 rows are outside \[0, 1\]", gen, broken)
    refused(r"context variable 'pt': every training value is 7: leave the constant", np.full_like(gen, 7.0), tag)


def test_rows_that_cannot_be_encoded_are_counted() -> None:
    values = DATA["positive"][:, None].copy()
    prepared = Preprocessing([GEN], [VariableConfig("pt", (-99.0, 1000.0), ({"op": "log"},))])
    prepared.fit(values, values, np.random.default_rng(0))
    values[[1, 2000]] = -1.0
    with pytest.raises(ValueError, match=r"context variable 'pt': 2 of 3001 rows are not finite after log, saturate"):
        prepared.encode(values, np.abs(values), np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"target variable 'pt': 2 of 3001 rows are not finite after log$"):
        prepared.encode(np.abs(values), values, np.random.default_rng(0))
    flavours = Preprocessing([GEN], [VariableConfig("id", (0.0, 9.0), ({"op": "dequantise", "values": [0, 2, 6]},))])
    flavours.fit(np.abs(values), DATA["identifier"][:, None], np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"target variable 'id': dequantise: 1 rows have values \[5.0\]"):
        flavours.encode(np.ones((2, 1)), np.array([[2.0], [5.0]]), np.random.default_rng(0))


def test_values_that_cannot_be_prepared_name_variable_and_operation() -> None:
    prepared = Preprocessing([GEN], [VariableConfig("btag", (0.0, 1000.0), ({"op": "logit"},))])
    with pytest.raises(ValueError, match=r"target variable 'btag': logit: values reach from"):
        prepared.fit(DATA["positive"][:, None], DATA["positive"][:, None], np.random.default_rng(0))


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        (({"op": "gausianise"},), r"target variable 'x': unknown operation 'gausianise'; did you mean 'gaussianise'"),
        (({"op": "absolute"},), r"operation 'absolute' cannot be used for a target variable"),
        (({"op": "ratio", "to": "pT"},), r"target variable 'x': 'pT' is not a context variable; did you mean 'pt'"),
        (({"op": "ratio"},), r"operation 'ratio': missing key 'to'"),
        (({"op": "log", "ofset": 1},), r"operation 'log': unknown key 'ofset'; did you mean 'offset'"),
        (({"op": "standardise", "mean": 1.0},), r"unknown key 'mean'"),
        (({"op": "present", "of": "y"},), r"'y' is not a target variable"),
        (({"op": "share", "after": ["y"]},), r"'y' is not a target variable"),
        (({"op": "present", "of": "x"},), r"target variables refer to each other: x → x"),
        (({"op": "gaussianise", "knots": 1},), r"knots = 1 must be 3 or more"),
        (({"op": "logit", "epsilon": 2.0},), r"epsilon = 2.0 is not in"),
        (({"op": "dequantise", "values": [2, 1]},), r"must be two or more numbers in ascending order"),
        (({"op": "arctanh", "bound": 0},), r"operation 'arctanh': bound = 0 is not a number above 0"),
        (({"op": "arctanh", "epsilon": 1.0},), r"epsilon = 1.0 is not in \(0, 1\)"),
        (({"op": "angle"},), r"operation 'angle' cannot be used for a target variable"),
    ],
)
def test_recipe_errors_name_the_culprit(operations: tuple[dict, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Preprocessing([GEN], [VariableConfig("x", (0.0, 1.0), operations)])
