"""Export of a trained flow to one ONNX graph: preparation, model (with its ODE solver, if any) and inverse inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

from ..flows.contract import SCHEMA_VERSION, check_metadata
from ..flows.file import set_metadata, write_model
from ..flows.graph import GraphBuilder
from ..flows.ode.solvers import SOLVERS
from ..output_files import check_not_inputs
from .recipe.config import config_from_dict, config_to_dict
from .recipe.sections import FlowConfig, VariableConfig
from .trained_flow import TrainedFlow

__all__ = ["build_model", "export_flow"]


def export_flow(
    checkpoint: str | Path,
    output: str | Path,
    solver: str | None = None,
    default_steps: int | None = None,
    grid: Sequence[float] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write the averaged weights of a checkpoint as an ONNX flow.

    The graph has the inputs ``noise`` [n, T] and ``context`` [n, C] (float32, physical units), and the output
    ``sample`` [n, T] in physical units. A continuous flow also has the input ``steps`` (int64 scalar), the number of
    solver steps. The training provenance in the metadata holds the network evaluations per step.

    Args:
        checkpoint: file written by `train`.
        output: file to write; replaced only once the new one is complete.
        solver: of a continuous flow, name of one of `SOLVERS`; by default the recipe's.
        default_steps: steps for a call of the flow without a number; by default the recipe's.
        grid: times from 0 to 1 at equal fractions of the steps, linear in between; by default the recipe's.
        training: entries added to the training provenance in the metadata.

    Returns:
        The file written.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        ValueError: unknown solver, default_steps below 1, times that do not ascend from 0 to 1, or any of these three
            for a flow that samples in one shot; or the output is the checkpoint.

    Example:
        >>> export_flow("checkpoint.pt", "jets.onnx", solver="midpoint", default_steps=10)  # doctest: +SKIP
    """
    check_not_inputs([output], [checkpoint])
    return write_model(build_model(TrainedFlow.load(checkpoint), solver, default_steps, grid, training), output)


def build_model(
    flow: TrainedFlow,
    solver: str | None = None,
    default_steps: int | None = None,
    grid: Sequence[float] | None = None,
    training: Mapping[str, Any] | None = None,
) -> onnx.ModelProto:
    """The ONNX model of a flow, in memory; arguments and errors as in `export_flow`."""
    config = _with_sampling(flow, {"solver": solver, "default_steps": default_steps, "grid": grid})
    dimension = flow.preprocessing.target_features
    graph = GraphBuilder()
    noise = graph.input("noise", ["n", dimension])
    context = graph.input("context", ["n", len(config.context)])
    steps = graph.input("steps", [], TensorProto.INT64) if flow.model.continuous else None
    encoded, row = flow.preprocessing.emit_context(graph, context)
    end = flow.model.emit(graph, noise, encoded, steps, config.sampling)
    graph.output(flow.preprocessing.emit_target(graph, end, row), "sample", ["n", dimension])
    model = graph.model(config.name)
    provenance = {**flow.provenance, **(training or {}), "recipe": config_to_dict(config)}
    if flow.model.continuous:
        provenance["evaluations_per_step"] = SOLVERS[config.sampling.solver].evaluations_per_step
    metadata = _metadata(config, flow.model.continuous, dimension, provenance)
    check_metadata(metadata)
    set_metadata(model, metadata)
    return model


def _with_sampling(flow: TrainedFlow, changes: Mapping[str, Any]) -> FlowConfig:
    wanted = {key: value for key, value in changes.items() if value is not None}
    where = f"export of flow {flow.config.name!r}"
    if wanted and not flow.model.continuous:
        raise ValueError(
            f"{where}: a flow of the family {flow.config.model.family!r} samples in one shot and takes no "
            f"{', '.join(wanted)}. Leave them out."
        )
    changed = replace(flow.config, sampling=replace(flow.config.sampling, **wanted))
    return config_from_dict(config_to_dict(changed), where=where)


def _metadata(config: FlowConfig, continuous: bool, dimension: int, provenance: Mapping[str, Any]) -> dict[str, Any]:
    def described(variable: VariableConfig) -> dict[str, Any]:
        return {
            "name": variable.name,
            "unit": variable.unit,
            "dtype": variable.dtype,
            "range": [_plain(limit) for limit in variable.range],
        }

    sampling = config.sampling
    solving = {
        "default_steps": sampling.default_steps,
        "solver": sampling.solver,
        "grid": [_plain(time) for time in sampling.grid],
    }
    return {
        "schema": SCHEMA_VERSION,
        "kind": "flow",
        "level": "object",
        "name": config.name,
        "collection": config.collection,
        "source": config.source,
        "sort_by": config.sort_by,
        "context": [described(variable) for variable in config.context],
        "target": [described(variable) for variable in config.target],
        **(solving if continuous else {}),
        "noise_dimension": dimension,
        "training": dict(provenance),
    }


def _plain(number: float) -> float | int:
    return int(number) if float(number).is_integer() else number
