"""Flows of a few nodes whose samples are known by hand, and flows that break the contract in one chosen way."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def smearing_metadata() -> dict:
    """Contract of a flow with pt = GenJet_pt + noise[0], nConstituents = 3 and isTight = (noise[1] > 0)."""
    return {
        "schema": 1,
        "name": "tiny",
        "collection": "Jet",
        "source": "GenJet",
        "sort_by": "pt",
        "noise_dimension": 2,
        "context": [
            {"name": "pt", "unit": "GeV", "dtype": "float32", "range": [0, 7000]},
            {"name": "eta", "unit": "", "dtype": "float32", "range": [-10, 10]},
        ],
        "target": [
            {"name": "pt", "unit": "GeV", "dtype": "float32", "range": [0, 7000]},
            {"name": "nConstituents", "unit": "", "dtype": "uint8", "range": [0, 255]},
            {"name": "isTight", "unit": "", "dtype": "bool", "range": [0, 1]},
        ],
        "training": {"note": "written by hand"},
    }


def smearing_nodes() -> list:
    def constant(name, values):
        return helper.make_node("Constant", [], [name], value_floats=[float(value) for value in values])

    return [
        constant("zero", [0]),
        constant("three", [3]),
        helper.make_node("Constant", [], ["axis"], value_ints=[1]),
        helper.make_node("Split", ["noise"], ["z0", "z1"], axis=1, num_outputs=2),
        helper.make_node("Split", ["context"], ["pt", "eta"], axis=1, num_outputs=2),
        helper.make_node("Add", ["pt", "z0"], ["smeared"]),
        helper.make_node("Mul", ["z0", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "three"], ["count"]),
        helper.make_node("Greater", ["z1", "zero"], ["isTight"]),
        helper.make_node("Cast", ["isTight"], ["flag"], to=FLOAT),
        helper.make_node("Concat", ["smeared", "count", "flag"], ["sample"], axis=1),
    ]


def write_flow(
    path: Path, nodes, metadata, *, noise=("n", 2), context=("n", 2), sample=("n", 3), steps=None, types=None
) -> str:
    """Writes a graph as a flow. `metadata` may be a dict, raw text, or None for none at all."""
    types = {"noise": FLOAT, "context": FLOAT, "sample": FLOAT, "steps": INT64} | (types or {})
    inputs = [
        helper.make_tensor_value_info("noise", types["noise"], noise),
        helper.make_tensor_value_info("context", types["context"], context),
    ]
    if steps is not None:
        inputs.append(helper.make_tensor_value_info("steps", types["steps"], steps))
    outputs = [helper.make_tensor_value_info("sample", types["sample"], sample)]
    graph = helper.make_graph(nodes, "flow", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if metadata is not None:
        text = metadata if isinstance(metadata, str) else json.dumps(metadata)
        helper.set_model_props(model, {"flashsim": text})
    onnx.save(model, str(path))
    return str(path)


def write_smearing_flow(path: Path, **changes) -> str:
    """The smearing flow, with fields of its metadata changed."""
    return write_flow(path, smearing_nodes(), smearing_metadata() | changes)


def write_expression_flow(path: Path, nodes: list, **changes) -> str:
    """A flow with the smearing flow's contract and other nodes, which must make `sample` [n, 3]."""
    return write_flow(path, nodes, smearing_metadata() | changes)


BAD_ARGUMENTS = [
    ({"folds": 0}, ValueError, "folds must be an integer and at least 1"),
    ({"folds": "3"}, ValueError, "folds must be an integer"),
    ({"seed": -3}, ValueError, "seed must be"),
    ({"steps": -1}, ValueError, "steps must be"),
    ({"steps": 3}, RuntimeError, "samples in one shot"),
    ({"context": {"mass": "1"}}, RuntimeError, "key 'mass', which is no context variable; there are pt, eta"),
    (
        {"context": {"pt": "GenJet_pT"}},
        RuntimeError,
        "the expression 'GenJet_pT', given for context variable 'pt' of flow 'tiny', is not valid",
    ),
]
"""What FlashSim and DefineFolds refuse for the smearing flow, with which error."""
