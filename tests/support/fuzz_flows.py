"""Mutated models: damaged bytes, strange metadata, strange graphs; used by flashsim, or by ONNX Runtime alone."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import flashsim
import tiny_flows
import tiny_models
from flashsim.flows.file import METADATA_KEY, set_metadata, stamp, write_model
from flashsim.flows.opening import open_model
from fuzz_bytes import damage

REFUSALS = ("RuntimeError", "FileNotFoundError", "ValueError")
"""Kinds of error that a user may meet."""

_WIDTHS = {"jets": 6, "jets_spline": 6, "tiny": 2, "loop": 2, "efficiency": 2, "multiplicity": 2}
_STRANGE = [
    None, True, -1, 0, 1, 2**31, 2**63, 2**64, -(2**70), 1e308, -1e-320, 0.5, "", "x" * 70000, "pt", "\x00", "\ud7ff",
    "efficiency", "multiplicity", "event",
    [], {}, [[]], [1, 0], ["a"], {"name": 1}, [[[[[[[[]]]]]]]],
]  # fmt: skip


def prepare(folder: Path) -> None:
    """Writes the flows that are mutated, each in a folder of its own, and their samples."""
    for name in _WIDTHS:
        (folder / name).mkdir()
    for name in flashsim.data.flows():
        shutil.copy(flashsim.data.path(f"{name}.onnx"), folder / name / "flow.onnx")
    stamp(tiny_flows.write_smearing_flow(folder / "tiny" / "flow.onnx"))
    _write_loop(folder / "loop")
    stamp(tiny_models.write_efficiency(folder / "efficiency" / "flow.onnx"))
    stamp(tiny_models.write_multiplicity(folder / "multiplicity" / "flow.onnx"))
    for name in _WIDTHS:
        np.save(folder / name / "sample.npy", _sample(folder / name / "flow.onnx", name))


def make(number: int, seed: int, bases: Path, folder: Path) -> dict[str, Any]:
    """Writes mutation `number` into `folder`."""
    random = Random(f"flows {seed} {number}")
    name = random.choice(list(_WIDTHS))
    for source in (bases / name).iterdir():
        shutil.copy(source, folder)
    path = folder / "flow.onnx"
    case = {"base": name, "path": str(path), "expected": str(folder / "sample.npy"), "covered": random.random() < 0.5}
    if case["covered"]:
        target = random.choice([file for file in folder.iterdir() if file.suffix != ".npy"])
        target.write_bytes(_different(target.read_bytes(), random, case))
        return case
    _remove_checksum(path)
    kind = random.choice(
        [_damage_bytes, _damage_bytes, _change_metadata, _change_shape, _change_node, _change_constant]
    )
    kind(path, random, case)
    return case


def use(case: dict[str, Any]) -> bool:
    """Opens and samples the flow; whether the samples are those of the flow before the mutation."""
    return bool(np.array_equal(_sample(case["path"], case["base"]), np.load(case["expected"])))


def use_plain(case: dict[str, Any]) -> bool:
    """Runs the graph in ONNX Runtime as it is."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(case["path"], options, providers=["CPUExecutionProvider"])
    for rows in (1, 7, 16):
        feeds = {}
        for item in session.get_inputs():
            shape = [rows if index == 0 else size for index, size in enumerate(item.shape)]
            whole = "int" in item.type
            feeds[item.name] = np.full(shape, 2, np.int64) if whole else np.full(shape, 0.3, np.float32)
        session.run(None, feeds)
    return True


def _sample(path: str | Path, name: str) -> np.ndarray:
    model = open_model(path)
    context = np.full((5, _WIDTHS[name]), 1.0, dtype=np.float32)
    context[:, 0] = np.linspace(20, 200, 5)
    if isinstance(model, flashsim.ProbabilityModel):
        return model.evaluate(context)
    return model.sample(context, fold_size=2, seed=1, steps=2 if model.default_steps else None)


def _write_loop(folder: Path) -> None:
    """A flow with a loop, and with weights in a file of their own."""
    path = folder / "flow.onnx"
    tiny_flows.write_smearing_flow(path)
    model = onnx.load(str(path))
    state, end = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in ("state", "end"))
    trip = helper.make_tensor_value_info("trip", TensorProto.INT64, [])
    go_on, still = (helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("go_on", "still"))
    nodes = [helper.make_node("Add", ["state", "weight"], ["end"]), helper.make_node("Identity", ["go_on"], ["still"])]
    body = helper.make_graph(nodes, "body", [trip, go_on, state], [still, end])
    last = model.graph.node.pop()
    last.input[0] = "looped"
    model.graph.initializer.append(numpy_helper.from_array(np.array(3), "trips"))
    model.graph.node.extend([helper.make_node("Loop", ["trips", "", "smeared"], ["looped"], body=body), last])
    weight = model.graph.initializer.add(name="weight", dims=[1, 1], data_type=TensorProto.FLOAT)
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="flow.data")
    (folder / "flow.data").write_bytes(np.float32(2).tobytes())
    onnx.save(model, str(path))
    stamp(path)


def _different(content: bytes, random: Random, case: dict[str, Any]) -> bytes:
    changed = content
    while changed == content:
        changed, case["mutation"] = damage(content, random)
    return changed


def _remove_checksum(path: Path) -> None:
    model = onnx.load(str(path), load_external_data=False)
    metadata = json.loads(model.metadata_props[0].value)
    del metadata["checksum"]
    set_metadata(model, metadata)
    path.write_bytes(model.SerializeToString())


def _damage_bytes(path: Path, random: Random, case: dict[str, Any]) -> None:
    path.write_bytes(_different(path.read_bytes(), random, case))


def _save(model: onnx.ModelProto, path: Path, random: Random, case: dict[str, Any]) -> None:
    """Writes the model with a checksum or, as other programs do, without."""
    if random.random() < 0.3 and json.loads(model.metadata_props[0].value).__class__ is dict:
        write_model(model, path)
        case["mutation"] += ", stamped"
    else:
        path.write_bytes(model.SerializeToString())


def _change_metadata(path: Path, random: Random, case: dict[str, Any]) -> None:
    model = onnx.load(str(path), load_external_data=False)
    document = json.loads(next(item.value for item in model.metadata_props if item.key == METADATA_KEY))
    document.pop("training", None)
    place, keys = document, []
    while True:
        keys.append(random.choice(list(place) if isinstance(place, dict) else range(len(place))))
        below = place[keys[-1]]
        if not (isinstance(below, dict | list) and below and random.random() < 0.8):
            break
        place = below
    if isinstance(place, dict) and random.random() < 0.2:
        del place[keys[-1]]
        value: Any = "removed"
    else:
        value = place[keys[-1]] = copy.deepcopy(random.choice(_STRANGE))
    case["mutation"] = f"metadata {keys} = {str(value)[:30]!r}"
    set_metadata(model, document)
    _save(model, path, random, case)


def _graphs(graph: onnx.GraphProto) -> list[onnx.GraphProto]:
    inner = [item.g for node in graph.node for item in node.attribute if item.HasField("g")]
    return [graph] + [below for item in inner for below in _graphs(item)]


def _change_shape(path: Path, random: Random, case: dict[str, Any]) -> None:
    model = onnx.load(str(path), load_external_data=False)
    graph = random.choice(_graphs(model.graph))
    size = random.choice([0, -1, 1, 2**16, 2**31, 2**40, 2**62, 2**63 - 1])
    if graph.initializer and random.random() < 0.6:
        tensor = random.choice(graph.initializer)
        if tensor.dims and random.random() < 0.7:
            tensor.dims[random.randrange(len(tensor.dims))] = size
        else:
            tensor.dims.append(size)
        case["mutation"] = f"dims of {tensor.name}: {size}"
    else:
        value = random.choice([*graph.input, *graph.output])
        dimension = value.type.tensor_type.shape.dim.add()
        if len(value.type.tensor_type.shape.dim) > 1 and random.random() < 0.7:
            del value.type.tensor_type.shape.dim[-1]
            dimension = random.choice(value.type.tensor_type.shape.dim)
        dimension.dim_value = size
        case["mutation"] = f"dims of {value.name}: {size}"
    _save(model, path, random, case)


def _change_node(path: Path, random: Random, case: dict[str, Any]) -> None:
    model = onnx.load(str(path), load_external_data=False)
    nodes = [node for graph in _graphs(model.graph) for node in graph.node]
    node = random.choice(nodes)
    other = random.choice(nodes)
    match random.choice(["type", "input", "attribute", "remove"]):
        case "type":
            operators = [
                "ConstantOfShape",
                "Expand",
                "Tile",
                "Range",
                "RandomNormalLike",
                "Loop",
                "If",
                "Nothing",
                "Resize",
            ]
            node.op_type = random.choice([*operators, other.op_type])
            case["mutation"] = f"operator {node.op_type}"
        case "input" if node.input and other.output:
            node.input[random.randrange(len(node.input))] = random.choice([*other.input, *other.output, ""])
            case["mutation"] = f"input of {node.name}"
        case "attribute" if node.attribute:
            attribute = random.choice(node.attribute)
            attribute.i = random.choice([0, -1, 2**62, -(2**63), 99])
            case["mutation"] = f"attribute {attribute.name} of {node.op_type} = {attribute.i}"
        case _:
            graph = random.choice([graph for graph in _graphs(model.graph) if graph.node])
            del graph.node[random.randrange(len(graph.node))]
            case["mutation"] = "a node removed"
    _save(model, path, random, case)


def _change_constant(path: Path, random: Random, case: dict[str, Any]) -> None:
    """A whole number that is a size, an axis, an index, or a number of trips."""
    model = onnx.load(str(path), load_external_data=False)
    tensors = [
        tensor
        for graph in _graphs(model.graph)
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.INT64
    ]
    case["mutation"] = "nothing"
    if tensors:
        tensor = random.choice(tensors)
        values = numpy_helper.to_array(tensor).copy()
        value = random.choice([0, -1, 7, 10**6, 10**9, 2**40, 2**63 - 1, -(2**63)])
        if values.size:
            values.flat[random.randrange(values.size)] = value
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        case["mutation"] = f"{tensor.name} = {value}"
    _save(model, path, random, case)
