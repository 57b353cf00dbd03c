"""A row's sample depends on its own noise and context alone: flows that break this are refused, or named."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT
from onnx import TensorProto, helper, numpy_helper

import flashsim
import tiny_flows

CONTEXT = np.column_stack([np.linspace(20, 90, 40), np.linspace(-2, 2, 40)])


def constant(name, value):
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value), name))


def flow_of(path, nodes, **changes) -> str:
    """A flow with pt = GenJet_pt + noise[0] + `extra` [n, 1] or [1, 1], which the nodes make from pt, eta, z0, z1."""
    start = [
        constant("axis", np.array([0])),
        helper.make_node("Split", ["noise"], ["z0", "z1"], axis=1, num_outputs=2),
        helper.make_node("Split", ["context"], ["pt", "eta"], axis=1, num_outputs=2),
        helper.make_node("Add", ["pt", "z0"], ["smeared"]),
    ]
    end = [
        helper.make_node("Add", ["smeared", "extra"], ["sum"]),
        helper.make_node("Sub", ["pt", "pt"], ["zero"]),
        helper.make_node("Concat", ["sum", "zero", "zero"], ["sample"], axis=1),
    ]
    return tiny_flows.write_expression_flow(path, [*start, *nodes, *end], **changes)


def branch(name, node):
    return helper.make_graph([node], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)])


MIXING = {
    "ReduceMean": [helper.make_node("ReduceMean", ["z0", "axis"], ["extra"], keepdims=1)],
    "ReduceMax of the context": [helper.make_node("ReduceMax", ["pt", "axis"], ["extra"], keepdims=1)],
    "ReduceMean, a thousandth of it": [
        constant("small", np.float32(1e-3)),
        helper.make_node("ReduceMean", ["pt", "axis"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "small"], ["extra"]),
    ],
    "CumSum": [
        constant("zeroth", np.array(0)),
        helper.make_node("CumSum", ["z0", "zeroth"], ["extra"]),
    ],
    "row number": [
        constant("one", np.float32(1)),
        constant("zeroth", np.array(0)),
        helper.make_node("Sub", ["pt", "pt"], ["nothing"]),
        helper.make_node("Add", ["nothing", "one"], ["ones"]),
        helper.make_node("CumSum", ["ones", "zeroth"], ["extra"]),
    ],
    "number of rows": [
        helper.make_node("Shape", ["noise"], ["shape"], start=0, end=1),
        helper.make_node("Cast", ["shape"], ["extra"], to=TensorProto.FLOAT),
    ],
    "TopK": [
        constant("one", np.array([1])),
        helper.make_node("Squeeze", ["pt", "one"], ["flat"]),
        helper.make_node("Shape", ["flat"], ["k"]),
        helper.make_node("TopK", ["flat", "k"], ["values", "indices"]),
        helper.make_node("Unsqueeze", ["values", "one"], ["extra"]),
    ],
    "If on the data": [
        constant("half", np.float32(0)),
        helper.make_node("ReduceMax", ["eta"], ["largest"], keepdims=0),
        helper.make_node("Greater", ["largest", "half"], ["is_large"]),
        helper.make_node(
            "If",
            ["is_large"],
            ["extra"],
            then_branch=branch("then", helper.make_node("Neg", ["pt"], ["then"])),
            else_branch=branch("else", helper.make_node("Identity", ["pt"], ["else"])),
        ),
    ],
    "NaN of one for all": [
        constant("limit", np.float32(1)),
        constant("nan", np.float32(np.nan)),
        helper.make_node("ReduceMax", ["z1", "axis"], ["largest"], keepdims=1),
        helper.make_node("Greater", ["largest", "limit"], ["is_large"]),
        helper.make_node("Where", ["is_large", "nan", "z1"], ["extra"]),
    ],
}


@pytest.mark.parametrize("kind", MIXING)
def test_flows_that_mix_rows_are_refused_at_the_first_sample(tmp_path, kind):
    flow = flashsim.Flow(flow_of(tmp_path / "flow.onnx", MIXING[kind]))
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"flow 'tiny' .*mixes the objects of a batch.* its target 'pt' is "):
            flow.sample(CONTEXT)
    with pytest.raises(RuntimeError, match="mixes the objects"):
        flow.check_rows()
    with pytest.raises(RuntimeError, match="mixes the objects"):
        flashsim.Flow(flow.path).sample(CONTEXT[:1])


def test_a_mixture_that_only_the_users_context_shows(tmp_path):
    """Above a pt of 6999, which is rare in the contract's range."""
    nodes = [
        constant("limit", np.float32(6999)),
        constant("often", np.float32(1000)),
        helper.make_node("ReduceMax", ["pt", "axis"], ["largest"], keepdims=1),
        helper.make_node("Max", ["largest", "limit"], ["bounded"]),
        helper.make_node("Sub", ["bounded", "limit"], ["above"]),
        helper.make_node("Mul", ["above", "often"], ["extra"]),
    ]
    flow = flashsim.Flow(flow_of(tmp_path / "flow.onnx", nodes))
    assert flow.check_rows() == "same bits"
    flow = flashsim.Flow(flow.path)
    with pytest.raises(RuntimeError, match="mixes the objects"):
        flow.sample(np.column_stack([np.linspace(6999.1, 6999.9, len(CONTEXT)), CONTEXT[:, 1]]))


def test_values_that_the_range_allows_but_the_flow_does_not_know(tmp_path):
    """A table with entries for |eta| 0 and 1 alone, where the range says -10 to 10."""
    nodes = [
        constant("table", np.float32([[3], [4]])),
        helper.make_node("Abs", ["eta"], ["absolute"]),
        helper.make_node("Cast", ["absolute"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Squeeze", ["whole", "last"], ["index"]),
        helper.make_node("Gather", ["table", "index"], ["extra"]),
    ]
    flow = flashsim.Flow(flow_of(tmp_path / "flow.onnx", [constant("last", np.array([1])), *nodes]))
    assert flow.sample([[50, 1.5], [60, -0.5]]).shape == (2, 1, 3)
    with pytest.raises(RuntimeError, match="running model"):
        flow.sample([[50, 7]])


RANDOM = {
    "RandomNormalLike": [helper.make_node("RandomNormalLike", ["pt"], ["extra"])],
    "RandomNormal": [helper.make_node("RandomNormal", [], ["extra"], shape=[1, 1])],
    "RandomUniformLike": [helper.make_node("RandomUniformLike", ["pt"], ["extra"], seed=3.0)],
    "RandomUniform": [helper.make_node("RandomUniform", [], ["extra"], shape=[1, 1])],
    "Bernoulli": [
        constant("half", np.full((1, 1), 0.5, np.float32)),
        helper.make_node("Bernoulli", ["half"], ["extra"]),
    ],
    "Multinomial": [
        constant("logs", np.zeros((1, 2), np.float32)),
        helper.make_node("Multinomial", ["logs"], ["drawn"], sample_size=1),
        helper.make_node("Cast", ["drawn"], ["extra"], to=TensorProto.FLOAT),
    ],
    "Dropout": [
        constant("ratio", np.float32(0.5)),
        constant("training", np.array(True)),
        helper.make_node("Dropout", ["pt", "ratio", "training"], ["extra"]),
    ],
}


@pytest.mark.parametrize("kind", RANDOM)
@pytest.mark.parametrize("place", ["graph", "branch"])
def test_random_operators_are_refused_at_opening(tmp_path, kind, place):
    nodes = RANDOM[kind]
    if place == "branch":
        condition = constant("true", np.array(True))
        inner = helper.make_graph(nodes, "inner", [], [helper.make_tensor_value_info("extra", TensorProto.FLOAT, None)])
        other = branch("other", helper.make_node("Identity", ["pt"], ["other"]))
        nodes = [condition, helper.make_node("If", ["true"], ["extra"], then_branch=inner, else_branch=other)]
    with pytest.raises(RuntimeError, match=f"of the operator {kind}, which draws random numbers"):
        flashsim.Flow(flow_of(tmp_path / "flow.onnx", nodes))


@pytest.mark.parametrize("more", [[], ["ratio"], ["ratio", "training"]])
def test_dropout_that_is_switched_off(tmp_path, more):
    nodes = [
        constant("ratio", np.float32(0.5)),
        constant("training", np.array(False)),
        helper.make_node("Dropout", ["eta", *more], ["extra"]),
    ]
    flow = flashsim.Flow(flow_of(tmp_path / "flow.onnx", nodes))
    assert flow.check_rows() == "same bits"


def test_dropout_whose_switch_is_computed(tmp_path):
    nodes = [
        constant("ratio", np.float32(0.5)),
        helper.make_node("Less", ["ratio", "ratio"], ["training"]),
        helper.make_node("Dropout", ["eta", "ratio", "training"], ["extra"]),
    ]
    with pytest.raises(RuntimeError, match="of the operator Dropout"):
        flashsim.Flow(flow_of(tmp_path / "flow.onnx", nodes))


def test_a_constant_number_of_trips_is_bounded(tmp_path):
    def flow(trips):
        state = helper.make_tensor_value_info("state", TensorProto.FLOAT, ["n", 1])
        end = helper.make_tensor_value_info("end", TensorProto.FLOAT, ["n", 1])
        flag, still = (helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("flag", "still"))
        body = helper.make_graph(
            [helper.make_node("Neg", ["state"], ["end"]), helper.make_node("Identity", ["flag"], ["still"])],
            "body",
            [helper.make_tensor_value_info("trip", TensorProto.INT64, []), flag, state],
            [still, end],
        )
        return [
            constant("trips", np.array(trips)),
            helper.make_node("Loop", ["trips", "", "eta"], ["extra"], body=body),
        ]

    assert flashsim.Flow(flow_of(tmp_path / "flow.onnx", flow(3))).check_rows() == "same bits"
    with pytest.raises(RuntimeError, match=r"Loop, which makes 1000000000 trips; a model may make 1000000\."):
        flashsim.Flow(flow_of(tmp_path / "flow.onnx", flow(10**9)))


def test_differences_in_the_last_bits_are_told_once(tmp_path, capfd):
    """ONNX Runtime has two ways to compute an arc tangent, by vectors and one by one."""
    nodes = [
        helper.make_node("Split", ["noise"], ["z0", "z1"], axis=1, num_outputs=2),
        helper.make_node("Sub", ["z1", "z1"], ["zero"]),
        helper.make_node("Atan", ["z1"], ["angle"]),
        helper.make_node("Concat", ["angle", "zero", "zero"], ["sample"], axis=1),
    ]
    target = [variable | {"range": [-10, 10]} for variable in tiny_flows.smearing_metadata()["target"]]
    path = tiny_flows.write_expression_flow(tmp_path / "flow.onnx", nodes, target=target)
    flow = flashsim.Flow(path)
    if flow.check_rows() == "same bits":
        pytest.skip("this ONNX Runtime computes arc tangents in one way")
    assert flow.sample(CONTEXT).shape == (40, 1, 3)
    flashsim.Flow(path).sample(CONTEXT)
    told = capfd.readouterr().err
    assert told.count("the last bits of its output depend on the size of the batch: its target 'pt' is ") == 1
    assert path in told


def test_shipped_flows_pass(capfd):
    for name in flashsim.data.flows():
        flow = flashsim.Flow(name)
        assert flow.check_rows() == "same bits"
        flow.sample([[60, 0.5, 1, 9, 5, 0]])
    assert "batch" not in capfd.readouterr().err


@pytest.mark.parametrize("method", ["FlashSim", "DefineFolds"])
def test_the_event_loop_says_which_flow_mixes_rows(tmp_path, gen_files, method, threads):
    flow = flow_of(tmp_path / "flow.onnx", MIXING["ReduceMean"])
    sim = getattr(ROOT.RDataFrame("Events", gen_files["TTree"]), method)(flow, fold_size=2)
    with pytest.raises(Exception, match=r"flow 'tiny' .*mixes the objects of a batch"):
        sim.Max("Jet_pt" if method == "FlashSim" else "nJet").GetValue()
        sim.Define("x", "ROOT::VecOps::Sum(Jet_pt[0])").Max("x").GetValue()


def test_batch_normalisation_in_training_mode(tmp_path):
    """ONNX Runtime refuses it by itself."""
    path = tmp_path / "flow.onnx"
    one = [constant(name, np.ones(1, np.float32)) for name in ("scale", "bias", "mean", "variance")]
    node = helper.make_node(
        "BatchNormalization", ["pt", "scale", "bias", "mean", "variance"], ["extra", "m", "v"], training_mode=1
    )
    flow_of(path, [*one, node])
    with pytest.raises(RuntimeError, match=r"flow\.onnx|mixes"):
        flashsim.Flow(path).sample(CONTEXT)
