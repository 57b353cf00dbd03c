"""Efficiencies and multiplicities of a few nodes, whose probabilities are known by hand."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper

import tiny_flows

OUTPUTS = {"efficiency": ("probability", ("n",)), "multiplicity": ("probabilities", ("n", 4))}


def efficiency_metadata() -> dict:
    """Contract of an efficiency with probability = clip(pt / 100, 0, 1)."""
    smearing = tiny_flows.smearing_metadata()
    fields = ("name", "collection", "source", "context", "training")
    return {key: smearing[key] for key in fields} | {"schema": 2, "kind": "efficiency", "name": "seen"}


def multiplicity_metadata() -> dict:
    """Contract of a multiplicity with the probabilities softmax(0, eta, 2 eta, 3 eta) of 0, 1, 2, 3 objects."""
    return efficiency_metadata() | {"kind": "multiplicity", "name": "number", "maximum": 3}


def event_metadata() -> dict:
    """Contract of the smearing flow as one of events: scalars MET_pt, ... from scalars pt, eta."""
    smearing = tiny_flows.smearing_metadata()
    del smearing["source"], smearing["sort_by"]
    return smearing | {"schema": 2, "kind": "flow", "level": "event", "name": "met", "collection": "MET"}


def efficiency_nodes() -> list:
    return [
        helper.make_node("Constant", [], ["first"], value_int=0),
        helper.make_node("Constant", [], ["hundred"], value_float=100.0),
        helper.make_node("Constant", [], ["zero"], value_float=0.0),
        helper.make_node("Constant", [], ["one"], value_float=1.0),
        helper.make_node("Gather", ["context", "first"], ["pt"], axis=1),
        helper.make_node("Div", ["pt", "hundred"], ["ratio"]),
        helper.make_node("Clip", ["ratio", "zero", "one"], ["probability"]),
    ]


def multiplicity_nodes(last: str = "Softmax") -> list:
    return [
        helper.make_node("Constant", [], ["second"], value_ints=[1]),
        helper.make_node("Constant", [], ["numbers"], value_floats=[0.0, 1.0, 2.0, 3.0]),
        helper.make_node("Gather", ["context", "second"], ["eta"], axis=1),
        helper.make_node("Mul", ["eta", "numbers"], ["scores"]),
        helper.make_node(last, ["scores"], ["probabilities"], **({"axis": 1} if last == "Softmax" else {})),
    ]


def write_model(path: Path, nodes: list, metadata: dict, *, output=None, inputs=(("context", ("n", 2)),)) -> str:
    """Writes a graph as a model with the contract given; `output` is its name and shape."""
    name, shape = output or OUTPUTS[metadata["kind"]]
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info(tensor, TensorProto.FLOAT, size) for tensor, size in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {"flashsim": json.dumps(metadata)})
    onnx.save(model, str(path))
    return str(path)


def write_efficiency(path: Path, **changes) -> str:
    return write_model(path, efficiency_nodes(), efficiency_metadata() | changes)


def write_multiplicity(path: Path, **changes) -> str:
    return write_model(path, multiplicity_nodes(), multiplicity_metadata() | changes)


def write_event_flow(path: Path, **changes) -> str:
    return tiny_flows.write_flow(path, tiny_flows.smearing_nodes(), event_metadata() | changes)
