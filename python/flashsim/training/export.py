"""Export of a trained flow to one ONNX graph: preparation, ODE solver and its inverse inside."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

from .config import DTYPES, FlowConfig, VariableConfig, config_to_dict
from .flow import TrainedFlow
from .graph import GraphBuilder
from .solvers import SOLVERS

__all__ = ["METADATA_KEY", "SCHEMA_VERSION", "build_model", "check_metadata", "export_flow"]

METADATA_KEY = "flashsim"
SCHEMA_VERSION = 1


def export_flow(
    checkpoint: str | Path,
    output: str | Path,
    solver: str | None = None,
    default_steps: int | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write the averaged weights of a checkpoint as an ONNX flow.

    The graph has the inputs ``noise`` [n, T], ``context`` [n, C] (float32, physical units) and ``steps`` (int64
    scalar), and the output ``sample`` [n, T] in physical units. ``steps`` counts solver steps, each of which evaluates
    the network once (euler) or twice (midpoint); the metadata's training provenance says how often.

    Args:
        checkpoint: file written by `train`.
        output: file to write; replaced only once the new one is complete.
        solver: ``"euler"`` or ``"midpoint"``; by default the recipe's.
        default_steps: steps when the caller of the flow names none; by default the recipe's.
        training: entries added to the training provenance in the metadata.

    Returns:
        The file written.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ValueError: unknown solver, or default_steps below 1.

    Example:
        >>> export_flow("checkpoint.pt", "jets.onnx", solver="midpoint", default_steps=10)  # doctest: +SKIP
    """
    flow = TrainedFlow.load(checkpoint)
    sampling = flow.config.sampling
    model = build_model(
        flow,
        solver=sampling.solver if solver is None else solver,
        default_steps=sampling.default_steps if default_steps is None else default_steps,
        training=training,
    )
    output = Path(output)
    temporary = output.with_name(output.name + ".tmp")
    temporary.write_bytes(model.SerializeToString())
    temporary.replace(output)
    return output


def build_model(
    flow: TrainedFlow, solver: str, default_steps: int, training: Mapping[str, Any] | None = None
) -> onnx.ModelProto:
    """The ONNX model of a flow, in memory; arguments and errors as in `export_flow`."""
    if solver not in SOLVERS:
        raise ValueError(f"solver {solver!r} is not one of {', '.join(SOLVERS)}")
    sampling = replace(flow.config.sampling, solver=solver, default_steps=default_steps)
    dimension = flow.preprocessing.target_features
    graph = GraphBuilder()
    noise = graph.input("noise", ["n", dimension])
    context = graph.input("context", ["n", len(flow.config.context)])
    steps = graph.input("steps", [], TensorProto.INT64)
    encoded, row = flow.preprocessing.emit_context(graph, context)
    end = flow.model.emit(graph, noise, encoded, steps, sampling)
    graph.output(flow.preprocessing.emit_target(graph, end, row), "sample", ["n", dimension])
    model = graph.model(flow.config.name)
    provenance = {**flow.provenance, **(training or {}), "evaluations_per_step": SOLVERS[solver].evaluations_per_step}
    provenance["recipe"] = config_to_dict(replace(flow.config, sampling=sampling))
    metadata = _metadata(flow.config, solver, default_steps, dimension, provenance)
    check_metadata(metadata)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, json.dumps(metadata)
    return model


def _metadata(
    config: FlowConfig, solver: str, default_steps: int, dimension: int, provenance: Mapping[str, Any]
) -> dict[str, Any]:
    def described(variable: VariableConfig) -> dict[str, Any]:
        return {
            "name": variable.name,
            "unit": variable.unit,
            "dtype": variable.dtype,
            "range": [_plain(limit) for limit in variable.range],
        }

    return {
        "schema": SCHEMA_VERSION,
        "name": config.name,
        "collection": config.collection,
        "source": config.source,
        "sort_by": config.sort_by,
        "context": [described(variable) for variable in config.context],
        "target": [described(variable) for variable in config.target],
        "default_steps": default_steps,
        "solver": solver,
        "noise_dimension": dimension,
        "training": dict(provenance),
    }


def _plain(number: float) -> float | int:
    return int(number) if float(number).is_integer() else number


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Check a metadata document against the flow contract.

    Raises:
        ValueError: naming the entry that is missing, superfluous or of the wrong kind, and what was expected.
    """
    kinds: dict[str, type | tuple[type, ...]] = {
        "schema": int, "name": str, "collection": str, "source": str, "sort_by": str, "context": list, "target": list,
        "noise_dimension": int, "training": dict,
    }  # fmt: skip
    optional: dict[str, type | tuple[type, ...]] = {"default_steps": int, "solver": str}
    _check_entries(metadata, kinds, optional, "metadata")
    if metadata["schema"] != SCHEMA_VERSION:
        raise ValueError(f"metadata: schema is {metadata['schema']}, expected {SCHEMA_VERSION}")
    for key in ("default_steps", "noise_dimension"):
        if metadata.get(key, 1) < 1:
            raise ValueError(f"metadata: {key} is {metadata[key]}, expected at least 1")
    for kind in ("context", "target"):
        for index, variable in enumerate(metadata[kind]):
            where = f"metadata: {kind}[{index}]"
            _check_entries(variable, {"name": str, "unit": str, "dtype": str, "range": list}, {}, where)
            if variable["dtype"] not in DTYPES:
                raise ValueError(f"{where}: dtype is {variable['dtype']!r}, expected one of {', '.join(DTYPES)}")
            limits = variable["range"]
            if len(limits) != 2 or not all(isinstance(x, int | float) and math.isfinite(x) for x in limits):
                raise ValueError(f"{where}: range is {limits!r}, expected two finite numbers")
            if not limits[0] < limits[1]:
                raise ValueError(f"{where}: range {limits} has no values in it")


def _check_entries(
    document: Any,
    required: Mapping[str, type | tuple[type, ...]],
    optional: Mapping[str, type | tuple[type, ...]],
    where: str,
) -> None:
    if not isinstance(document, Mapping):
        raise ValueError(f"{where}: expected an object, found {document!r}")
    for key in required:
        if key not in document:
            raise ValueError(f"{where}: entry {key!r} is missing")
    for key, value in document.items():
        kind = required.get(key) or optional.get(key)
        if kind is None:
            raise ValueError(f"{where}: unknown entry {key!r}")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{where}: entry {key!r} is {value!r}, expected {kind}")
