"""Efficiencies and multiplicities: opened, evaluated, checked; and models that meet the wrong door."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT
from onnx import helper

import flashsim
import tiny_flows
import tiny_models
from flashsim.flows.file import read_flow, stamp
from flashsim.flows.opening import open_model

CONTEXT = np.array([[50.0, 0.1], [300.0, -1.0], [0.0, 2.0]], dtype=np.float32)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        "flow": tiny_flows.write_smearing_flow(folder / "flow.onnx"),
        "event flow": tiny_models.write_event_flow(folder / "met.onnx"),
        "efficiency": tiny_models.write_efficiency(folder / "efficiency.onnx"),
        "multiplicity": tiny_models.write_multiplicity(folder / "multiplicity.onnx"),
    }


def softmax(eta):
    scores = np.exp(np.outer(eta, np.arange(4)))
    return scores / scores.sum(axis=1, keepdims=True)


def test_an_efficiency(models):
    model = flashsim.ProbabilityModel(models["efficiency"])
    assert (model.kind, model.level, model.name, model.maximum) == ("efficiency", "object", "seen", None)
    assert (model.collection, model.source) == ("Jet", "GenJet")
    assert [variable.name for variable in model.context] == ["pt", "eta"]
    assert repr(model) == "<flashsim.ProbabilityModel 'seen': efficiency of Jet from GenJet [2]>"
    probabilities = model.evaluate(CONTEXT)
    assert probabilities.dtype == np.float32
    np.testing.assert_array_equal(probabilities, np.float32([0.5, 1, 0]))
    assert model.check_rows() == "same bits"


def test_a_multiplicity(models):
    model = flashsim.ProbabilityModel(models["multiplicity"])
    assert (model.kind, model.name, model.maximum) == ("multiplicity", "number", 3)
    probabilities = model.evaluate(CONTEXT)
    assert probabilities.shape == (3, 4)
    np.testing.assert_allclose(probabilities, softmax(CONTEXT[:, 1]), rtol=1e-5)


@pytest.mark.parametrize("kind", ["efficiency", "multiplicity"])
def test_many_rows_are_those_of_small_batches(models, kind):
    model = flashsim.ProbabilityModel(models[kind])
    generator = np.random.default_rng(1)
    context = np.stack([generator.uniform(0, 200, 1000), generator.uniform(-3, 3, 1000)], axis=1)
    whole = model.evaluate(context)
    expected = np.clip(context[:, 0] / 100, 0, 1) if kind == "efficiency" else softmax(context[:, 1])
    np.testing.assert_allclose(whole, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(
        np.concatenate([model.evaluate(context[i : i + 7]) for i in range(0, 700, 7)]), whole[:700]
    )
    assert model.evaluate(np.empty((0, 2))).shape == (0, *whole.shape[1:])


def test_a_flow_of_events(models):
    flow = flashsim.Flow(models["event flow"])
    assert (flow.kind, flow.level, flow.source, flow.sort_by) == ("flow", "event", "", "")
    assert repr(flow) == "<flashsim.Flow 'met': event [2] -> MET [3]>"
    assert flow.sample(CONTEXT[:2], fold_size=4).shape == (2, 4, 3)


@pytest.mark.parametrize("kind", ["efficiency", "multiplicity"])
def test_what_gives_probabilities_is_no_flow(models, kind):
    message = (
        rf"{kind} '\w+' \(.*{kind}\.onnx\) gives probabilities and no samples; a flow is needed .*ProbabilityModel"
    )
    with pytest.raises(RuntimeError, match=message):
        flashsim.Flow(models[kind])
    for method in ("FlashSim", "DefineFolds"):
        with pytest.raises(RuntimeError, match=message):
            getattr(ROOT.RDataFrame(3), method)(models[kind])
    with pytest.raises(TypeError, match=rf"ProbabilityModel '\w+': {kind} of Jet from GenJet .* a flow is needed here"):
        ROOT.RDataFrame(3).FlashSim(flashsim.ProbabilityModel(models[kind]))
    with pytest.raises(ValueError, match=rf"{kind}\.onnx: not a flow: its kind is '{kind}'"):
        read_flow(models[kind])


def test_a_flow_gives_no_probabilities(models):
    with pytest.raises(RuntimeError, match=r"flow 'tiny' \(.*\) samples targets .* Open it as .*flashsim\.Flow\)"):
        flashsim.ProbabilityModel(models["flow"])
    with pytest.raises(FileNotFoundError, match=r"nowhere\.onnx"):
        flashsim.ProbabilityModel("nowhere.onnx")


def test_any_model_is_opened_as_what_it_is(models):
    assert {kind: type(open_model(path)).__name__ for kind, path in models.items()} == {
        "flow": "Flow",
        "event flow": "Flow",
        "efficiency": "ProbabilityModel",
        "multiplicity": "ProbabilityModel",
    }


# ------------------------------------------------------------------------------------------------ wrong probabilities


def constant_efficiency(value):
    """The probability is `value` where pt > 100, and a half elsewhere."""
    return [
        *tiny_models.efficiency_nodes()[:-2],
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Constant", [], ["strange"], value_float=value),
        helper.make_node("Greater", ["pt", "hundred"], ["high"]),
        helper.make_node("Where", ["high", "strange", "half"], ["probability"]),
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(1.5, "1.5"), (-1e-6, "-9.99999997e-07"), (float("nan"), "nan"), (float("inf"), "inf")]
)
def test_no_probability(tmp_path, value, text):
    path = tmp_path / "wrong.onnx"
    tiny_models.write_model(path, constant_efficiency(value), tiny_models.efficiency_metadata())
    model = flashsim.ProbabilityModel(path)
    context = np.tile(np.float32([[50, 0.1]]), (600, 1))
    np.testing.assert_array_equal(model.evaluate(context), np.full(600, 0.5, dtype=np.float32))
    context[517] = 300, 0.5
    message = (
        rf"efficiency 'seen' \(.*wrong\.onnx\) gave {text} as a probability.* for row 517 .*\(pt = 300, eta = 0\.5\)"
    )
    with pytest.raises(RuntimeError, match=message):
        model.evaluate(context)


def test_probabilities_that_do_not_add_up(tmp_path):
    path = tmp_path / "wrong.onnx"
    tiny_models.write_model(path, tiny_models.multiplicity_nodes("Sigmoid"), tiny_models.multiplicity_metadata())
    model = flashsim.ProbabilityModel(path)
    with pytest.raises(RuntimeError, match=r"multiplicity 'number' .*add up to 2 instead of 1 for row 0 .*eta = 0\)"):
        model.evaluate([[50, 0]])


def test_rounding_of_a_sum_is_no_error(tmp_path):
    nodes = tiny_models.multiplicity_nodes()
    nodes[-1].output[0] = "whole"
    for off, fine in ((0.99995, True), (0.9998, False)):
        path = tmp_path / f"{off}.onnx"
        changed = [
            *nodes,
            helper.make_node("Constant", [], ["off"], value_float=off),
            helper.make_node("Mul", ["whole", "off"], ["probabilities"]),
        ]
        model = flashsim.ProbabilityModel(tiny_models.write_model(path, changed, tiny_models.multiplicity_metadata()))
        if fine:
            model.evaluate(CONTEXT)
        else:
            with pytest.raises(RuntimeError, match=r"add up to 0\.9998"):
                model.evaluate(CONTEXT)


def test_a_context_that_does_not_fit(models):
    model = flashsim.ProbabilityModel(models["efficiency"])
    with pytest.raises(
        ValueError, match=r"context of efficiency 'seen' must have shape \[n, 2\] \(pt, eta\), not \[1, 3\]"
    ):
        model.evaluate([[1, 2, 3]])
    with pytest.raises(ValueError, match="row 1 of the context has eta = nan"):
        model.evaluate([[1, 2], [1, np.nan]])


def test_a_context_out_of_range(models, capfd):
    model = flashsim.ProbabilityModel(models["efficiency"])
    message = r"in row 1, context variable 'pt' is 8000; efficiency 'seen' takes 0 \.\.\. 7000 GeV\. Is it in MeV\?"
    with pytest.raises(RuntimeError, match=message):
        model.evaluate([[50, 0], [8000, 0], [-20, 0]])
    clipped = model.evaluate([[50, 0], [8000, 0], [-20, 0]], out_of_range="clip")
    np.testing.assert_array_equal(clipped, np.float32([0.5, 1, 0]))
    assert model.clipped == {"context pt": 2}
    error = capfd.readouterr().err
    assert "efficiency 'seen': values outside of the declared ranges were clipped: context pt 2." in error
    with pytest.raises(ValueError, match="out_of_range must be 'error' or 'clip'"):
        model.evaluate(CONTEXT, out_of_range="warn")


def test_rows_that_depend_on_each_other(tmp_path):
    nodes = [
        *tiny_models.efficiency_nodes()[:-3],
        helper.make_node("ReduceMax", ["pt"], ["largest"], keepdims=0),
        helper.make_node("Add", ["largest", "one"], ["more"]),
        helper.make_node("Div", ["pt", "more"], ["probability"]),
    ]
    nodes.insert(4, helper.make_node("Gather", ["context", "first"], ["pt"], axis=1))
    nodes = list({node.output[0]: node for node in nodes}.values())
    path = tiny_models.write_model(tmp_path / "mixed.onnx", nodes, tiny_models.efficiency_metadata())
    with pytest.raises(RuntimeError, match=r"efficiency 'seen' .*mixes the objects of a batch.*its probability is"):
        flashsim.ProbabilityModel(path).evaluate(CONTEXT)


# ----------------------------------------------------------------------------------------------------- wrong tensors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"output": ("chance", ("n",))}, "it must have one output, 'probability'"),
        ({"output": ("probability", ("n", 1))}, r"'probability' has shape \[n, 1\], but the metadata ask for \[n\]"),
        ({"inputs": (("context", ("n", 2)), ("noise", ("n", 2)))}, "must have one input, 'context', .* 'efficiency'"),
        ({"inputs": (("context", ("n", 5)),)}, r"'context' has shape \[n, 5\]"),
    ],
)
def test_tensors_of_an_efficiency(tmp_path, change, message):
    output = change.get("output", ("probability", ("n",)))[0]
    nodes = tiny_models.efficiency_nodes()
    nodes[-1].output[0] = output
    if change.get("output", (None, ()))[1] == ("n", 1):
        nodes[0] = helper.make_node("Constant", [], ["first"], value_ints=[0])
    path = tiny_models.write_model(tmp_path / "wrong.onnx", nodes, tiny_models.efficiency_metadata(), **change)
    with pytest.raises(RuntimeError, match=message):
        flashsim.ProbabilityModel(path)


def test_the_width_of_a_multiplicity(tmp_path):
    with pytest.raises(RuntimeError, match=r"'probabilities' has shape \[n, 4\], .* \[n, 8\] \(maximum \+ 1 = 8\)"):
        flashsim.ProbabilityModel(tiny_models.write_multiplicity(tmp_path / "wrong.onnx", maximum=7))


def test_the_checksum_of_a_model_of_any_kind(models, tmp_path):
    path = tiny_models.write_efficiency(tmp_path / "efficiency.onnx")
    assert flashsim.ProbabilityModel(path).checksum is None
    assert stamp(path) == f"sha256:{flashsim.ProbabilityModel(path).checksum}"
    content = (tmp_path / "efficiency.onnx").read_bytes()
    (tmp_path / "efficiency.onnx").write_bytes(content.replace(b"[0, 7000]", b"[0, 8000]"))
    with pytest.raises(RuntimeError, match="does not fit the checksum"):
        flashsim.ProbabilityModel(path)
