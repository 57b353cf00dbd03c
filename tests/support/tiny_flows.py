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
    """Writes a graph as a flow. `metadata` may be a dict, raw text, or None for no metadata."""
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


def write_stepping_flow(path: Path, **changes) -> str:
    """A flow with the smearing flow's contract that takes steps: pt = GenJet_pt + steps."""
    nodes = smearing_nodes()
    nodes[5] = helper.make_node("Add", ["pt", "walked"], ["smeared"])
    nodes.insert(0, helper.make_node("Cast", ["steps"], ["walked"], to=FLOAT))
    metadata = smearing_metadata() | {"name": "stepping", "default_steps": 3, "solver": "euler"} | changes
    return write_flow(path, nodes, metadata, steps=())


def write_echo_flow(path: Path, targets: dict | None = None, **changes) -> str:
    """A flow with pt, phi and flavour of a jet equal to its context; `targets` are changes of their declarations."""

    def declare(name, unit, dtype, low, high):
        return {"name": name, "unit": unit, "dtype": dtype, "range": [low, high]}

    metadata = smearing_metadata() | {
        "name": "echo",
        "noise_dimension": 1,
        "context": [
            declare("pt", "GeV", "float32", 0, 7000),
            declare("phi", "rad", "float32", -3.141592653589793, 3.141592653589793),
            declare("partonFlavour", "", "int16", -21, 21),
        ],
        "target": [
            declare("pt", "GeV", "float32", -1e9, 1e9),
            declare("phi", "rad", "float32", -1e9, 1e9),
            declare("flavour", "", "int16", -32768, 32767),
        ],
    }
    for target in metadata["target"]:
        target.update((targets or {}).get(target["name"], {}))
    nodes = [helper.make_node("Identity", ["context"], ["sample"])]
    return write_flow(path, nodes, metadata | changes, noise=("n", 1), context=("n", 3))


BAD_ARGUMENTS = [
    ({"fold_size": 0}, ValueError, "fold_size must be an integer and at least 1"),
    ({"fold_size": "3"}, ValueError, "fold_size must be an integer"),
    ({"seed": -3}, ValueError, "seed must be"),
    ({"steps": -1}, ValueError, "steps must be"),
    ({"steps": 3}, RuntimeError, "samples in one shot"),
    ({"steps": {"jets": 3}}, RuntimeError, "a flow 'jets', which is not there; the flows are 'tiny'"),
    ({"steps": {"tiny": 3}}, RuntimeError, "samples in one shot"),
    ({"steps": {"tiny": 0}}, ValueError, "steps must be an integer and at least 1"),
    ({"steps": {"tiny": None}}, ValueError, "leave a flow out for its default"),
    ({"steps": {1: 3}}, TypeError, "a flow's name in steps must be a string, not 1"),
    ({"flow": None}, TypeError, "flow must be a flow, its path, its name, or a list of such, not None"),
    ({"prefix": None}, TypeError, "prefix must be a string, not None"),
    ({"prefix": "Flash "}, ValueError, "prefix must be letters, digits and underscores"),
    ({"out_of_range": "warn"}, ValueError, "out_of_range must be 'error' or 'clip', not 'warn'"),
    ({"context": "GenJet_pt"}, TypeError, "context must be a dictionary"),
    ({"context": ["pt"]}, TypeError, "context must be a dictionary"),
    ({"context": {0: "GenJet_pt"}}, TypeError, "a key of context must be a string, not 0"),
    ({"context": {"pt": None}}, TypeError, r"context\['pt'\] must be a column, an expression or a number, not None"),
    ({"context": {"pt": True}}, TypeError, r"context\['pt'\] must be 1 or 0 instead of True"),
    ({"context": {"pt": ""}}, ValueError, r"context\['pt'\] is empty"),
    ({"context": {"pt": float("nan")}}, ValueError, r"context\['pt'\] is nan"),
    ({"context": {"pt": -1}}, RuntimeError, "'pt' is -1; flow 'tiny' takes 0 ... 7000 GeV"),
    ({"context": {"pt": "9e3f"}}, RuntimeError, r"'pt' is 9000; flow 'tiny' takes .* in MeV\?"),
    ({"context": {"pt": 1, "tiny.pt": 2}}, RuntimeError, "'pt' and 'tiny.pt', which are the same variable"),
    ({"context": {"mass": "1"}}, RuntimeError, "key 'mass', which is no context variable; there are pt, eta"),
    (
        {"context": {"pt": "GenJet_pT"}},
        RuntimeError,
        "the expression 'GenJet_pT', given for context variable 'pt' of flow 'tiny', is not valid",
    ),
]
"""Invalid arguments of FlashSim and DefineFolds for the smearing flow, with their errors."""
