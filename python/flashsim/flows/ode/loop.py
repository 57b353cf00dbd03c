"""The loop of a solver around the velocity of a continuous flow in an ONNX graph: added and removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from ..graph import GraphBuilder
from .solvers import Solver

__all__ = ["END", "VELOCITY", "VelocityGraph", "emit_solver", "velocity_of", "with_solver"]

VELOCITY = "velocity/"
"""Prefix of the names of the nodes and constants of a velocity."""

END = "solver/end"
"""The tensor with the state at the end of the loop."""

_SOLVER = "solver/"
_LOOP = f"{_SOLVER}loop"
_STATE = f"{_SOLVER}state_in"
_LONGEST = 2**63 - 1


@dataclass(frozen=True)
class VelocityGraph:
    """v(x, t) as nodes; all their names begin with `VELOCITY`.

    Besides x and t they may use tensors of the graph around the loop, such as terms that depend on the context alone.

    Attributes:
        nodes: in the order of evaluation.
        constants: which the nodes use.
        x: name of the state, a tensor [n, dimension].
        time: name of the time, a tensor [1, 1].
        output: name of the velocity, a tensor [n, dimension].
        dimension: columns of the state.
    """

    nodes: tuple[onnx.NodeProto, ...]
    constants: tuple[onnx.TensorProto, ...]
    x: str
    time: str
    output: str
    dimension: int

    def at(self, stage: int, x: str, time: str) -> tuple[list[onnx.NodeProto], str]:
        """A copy of the nodes for one evaluation in a step, and the name of its result."""
        made = {name for node in self.nodes for name in node.output}
        names = {name: _stage(stage) + name.removeprefix(VELOCITY) for name in made}
        nodes = _renamed(self.nodes, {**names, self.x: x, self.time: time}, VELOCITY, _stage(stage))
        return nodes, names[self.output]


def emit_solver(
    velocity: VelocityGraph, noise: str, steps: str, solver: Solver, grid: Sequence[float]
) -> onnx.GraphProto:
    """Nodes and constants that carry ``noise`` from t = 0 to t = 1 and end in the tensor `END`.

    Times and lengths of all steps are computed before the loop: a step costs only its evaluations of the velocity.

    Args:
        velocity: dx/dt.
        noise: tensor [n, dimension].
        steps: number of steps, int64 scalar.
        solver: method of a step.
        grid: times at equal fractions of the steps, see `time_at`.
    """
    coefficients = sorted({weight for row in (*solver.couplings, solver.weights) for weight in row if weight})
    graph = GraphBuilder(prefix=_SOLVER)
    times = _times(graph, steps, grid)
    starts, ends = (
        graph.node("Unsqueeze", _slice(graph, times, *limits), graph.constant([1, 2], np.int64))
        for limits in ((0, -1), (1, _LONGEST))
    )
    lengths = graph.node("Sub", ends, starts)
    when = graph.node("Add", starts, graph.node("Mul", lengths, graph.constant([[solver.nodes]])))
    scaled = graph.node("Mul", lengths, graph.constant([[coefficients]]))
    body = _step(velocity, solver, coefficients, graph.concatenate([when, scaled]))
    inputs = [steps, graph.constant(True, np.bool_), noise]
    graph.add([helper.make_node("Loop", inputs, [END], name=_LOOP, body=body)])
    return graph.graph("solver")


def _times(graph: GraphBuilder, steps: str, grid: Sequence[float]) -> str:
    """`time_at` of the beginning of every step and of the end of the last, tensor [steps + 1]."""
    intervals = len(grid) - 1
    zero, one = (graph.constant(number, np.int64) for number in (0, 1))
    step = graph.node("Cast", graph.node("Range", zero, graph.node("Add", steps, one), one), to=TensorProto.FLOAT)
    count = graph.node("Cast", steps, to=TensorProto.FLOAT)
    position = graph.node("Div", graph.node("Mul", step, graph.constant(float(intervals))), count)
    index = graph.node("Clip", graph.node("Floor", position), graph.constant(0.0), graph.constant(intervals - 1.0))
    spacings = [after - before for before, after in pairwise(grid)]
    rise = graph.node("Mul", graph.node("Sub", position, index), graph.gather(spacings, index))
    return graph.node("Add", graph.gather(grid[:-1], index), rise)


def _slice(graph: GraphBuilder, values: str, start: int, end: int) -> str:
    return graph.node("Slice", values, graph.constant([start], np.int64), graph.constant([end], np.int64))


def _step(velocity: VelocityGraph, solver: Solver, coefficients: Sequence[float], schedule: str) -> onnx.GraphProto:
    """One step; ``schedule`` has a row per step: the time of each stage, and the length times each coefficient."""
    shape: list[int | str] = ["n", velocity.dimension]
    body = GraphBuilder(prefix=f"{_SOLVER}step_")
    iteration = body.input(f"{_SOLVER}iteration", [], TensorProto.INT64)
    condition = body.input(f"{_SOLVER}condition_in", [], TensorProto.BOOL)
    state = body.input(_STATE, shape)
    row = body.node("Gather", schedule, iteration)
    times = [_time(stage) for stage in range(len(solver.nodes))]
    scaled = [f"{_SOLVER}length_{index}" for index in range(len(coefficients))]
    widths = body.constant([1] * (len(times) + len(scaled)), np.int64)
    body.add([helper.make_node("Split", [row, widths], [*times, *scaled], name=f"{_SOLVER}row", axis=-1)])
    lengths = dict(zip(coefficients, scaled, strict=True))
    slopes: list[str] = []
    for stage, coupling in enumerate(solver.couplings):
        nodes, slope = velocity.at(stage, _advance(body, state, coupling, slopes, lengths), times[stage])
        body.add(nodes)
        slopes.append(slope)
    end = _advance(body, state, solver.weights, slopes, lengths)
    body.add([], velocity.constants)
    body.output(condition, f"{_SOLVER}condition_out", [], TensorProto.BOOL)
    body.output(end, f"{_SOLVER}state_out", shape)
    return body.graph("step")


def _advance(
    body: GraphBuilder, state: str, weights: Sequence[float], slopes: Sequence[str], lengths: Mapping[float, str]
) -> str:
    for weight, slope in zip(weights, slopes, strict=True):
        if weight:
            state = body.node("Add", state, body.node("Mul", slope, lengths[weight]))
    return state


def velocity_of(model: onnx.ModelProto) -> VelocityGraph:
    """The velocity in the graph of a continuous flow.

    Raises:
        ValueError: the graph has no loop made by `emit_solver`.
    """
    loop = next((node for node in model.graph.node if node.name == _LOOP), None)
    if loop is None:
        raise ValueError(
            "its graph has no marked velocity, as in flows exported by earlier versions or by other programs. Export "
            "it again from its checkpoint: flashsim export"
        )
    body = loop.attribute[0].g
    marked = [node for node in body.node if node.name.startswith(_stage(0))]
    made = {name for node in marked for name in node.output}
    (output,) = made & {name for node in body.node if node not in marked for name in node.input}
    names = {name: VELOCITY + name.removeprefix(_stage(0)) for name in made}
    x, time = f"{VELOCITY}x", f"{VELOCITY}time"
    return VelocityGraph(
        nodes=tuple(_renamed(marked, {**names, _STATE: x, _time(0): time}, _stage(0), VELOCITY)),
        constants=tuple(item for item in body.initializer if item.name.startswith(VELOCITY)),
        x=x,
        time=time,
        output=names[output],
        dimension=body.output[1].type.tensor_type.shape.dim[1].dim_value,
    )


def with_solver(model: onnx.ModelProto, solver: Solver, grid: Sequence[float]) -> onnx.ModelProto:
    """The same flow with another solver around its velocity; metadata and everything else are copied as they are.

    Raises:
        ValueError: as in `velocity_of`.
    """
    velocity = velocity_of(model)
    nodes = list(model.graph.node)
    place = next(index for index, node in enumerate(nodes) if node.name == _LOOP)
    steps, _, noise = nodes[place].input
    emitted = emit_solver(velocity, noise, steps, solver, grid)
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.graph.node[:], changed.graph.initializer[:]
    before, after = _without_solver(nodes[:place]), _without_solver(nodes[place + 1 :])
    changed.graph.node.extend([*before, *emitted.node, *after])
    changed.graph.initializer.extend([*_without_solver(model.graph.initializer), *emitted.initializer])
    onnx.checker.check_model(changed, full_check=True)
    return changed


def _without_solver(parts: Iterable[Any]) -> list[Any]:
    return [part for part in parts if not part.name.startswith(_SOLVER)]


def _stage(index: int) -> str:
    return f"velocity_{index}/"


def _time(stage: int) -> str:
    return f"{_SOLVER}time_{stage}"


def _renamed(
    nodes: Sequence[onnx.NodeProto], names: Mapping[str, str], before: str, after: str
) -> list[onnx.NodeProto]:
    """Copies of nodes, with tensors called otherwise and another beginning of the nodes' own names."""
    copies = []
    for node in nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = after + node.name.removeprefix(before)
        for tensors, old in ((copy.input, node.input), (copy.output, node.output)):
            del tensors[:]
            tensors.extend(names.get(name, name) for name in old)
        copies.append(copy)
    return copies
