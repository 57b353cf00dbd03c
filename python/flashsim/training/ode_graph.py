"""The solver of a continuous flow as a loop inside an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto
from torch import Tensor, nn

from .config import SamplingConfig
from .graph import GraphBuilder
from .network import VelocityNetwork
from .solvers import SOLVERS

__all__ = ["emit_ode"]


def emit_ode(
    graph: GraphBuilder, network: VelocityNetwork, noise: str, context: str, steps: str, sampling: SamplingConfig
) -> str:
    """`integrate` as nodes.

    Args:
        graph: graph around the loop; what depends on the context alone goes there.
        network: the velocity.
        noise: tensor [n, D].
        context: prepared context rows, tensor [n, F].
        steps: number of steps, int64 scalar.
        sampling: solver and grid of times.
    """
    intervals = graph.constant(float(len(sampling.grid) - 1))
    per_step = graph.node("Div", intervals, graph.node("Cast", steps, to=TensorProto.FLOAT))
    return graph.loop(steps, noise, _step(graph, network, context, per_step, sampling))


def _step(
    outer: GraphBuilder, network: VelocityNetwork, context: str, per_step: str, sampling: SamplingConfig
) -> GraphBuilder:
    method = SOLVERS[sampling.solver]
    dimension = network.output.out_features
    velocity = _VelocityGraph(outer, network, context)
    body = GraphBuilder(prefix="step_")
    iteration = body.input("iteration", [], TensorProto.INT64)
    condition = body.input("condition_in", [], TensorProto.BOOL)
    state = body.input("state_in", ["n", dimension])
    step = body.node("Cast", iteration, to=TensorProto.FLOAT)
    start = _time(body, body.node("Mul", step, per_step), sampling.grid)
    next_step = body.node("Add", step, body.constant(1.0))
    length = body.node("Sub", _time(body, body.node("Mul", next_step, per_step), sampling.grid), start)
    slopes: list[str] = []
    for node, coupling in zip(method.nodes, method.couplings, strict=True):
        inner = _advance(body, state, coupling, slopes, length)
        when = body.node("Add", start, body.node("Mul", length, body.constant(node))) if node else start
        time = body.node("Reshape", when, body.constant([1, 1], np.int64))
        slopes.append(velocity.emit(body, inner, time))
    end = _advance(body, state, method.weights, slopes, length)
    body.output(condition, "condition_out", [], TensorProto.BOOL)
    body.output(end, "state_out", ["n", dimension])
    return body


def _time(body: GraphBuilder, position: str, grid: Sequence[float]) -> str:
    """`time_at` of a position in units of the grid's intervals."""
    index = body.node("Clip", body.node("Floor", position), body.constant(0.0), body.constant(float(len(grid) - 2)))
    rise = body.node("Mul", body.node("Sub", position, index), body.gather(np.diff(grid), index))
    return body.node("Add", body.gather(grid[:-1], index), rise)


def _advance(body: GraphBuilder, state: str, weights: Sequence[float], slopes: Sequence[str], length: str) -> str:
    for weight, slope in zip(weights, slopes, strict=True):
        if weight:
            factor = length if weight == 1 else body.node("Mul", length, body.constant(weight))
            state = body.node("Add", state, body.node("Mul", slope, factor))
    return state


class _VelocityGraph:
    """`VelocityNetwork` as nodes: context terms once outside the loop, time terms as one row per evaluation."""

    def __init__(self, outer: GraphBuilder, network: VelocityNetwork, context: str) -> None:
        self._network = network
        self._input_context = outer.node("Gemm", context, *_weights(outer, network.input_context))
        self._gates = [
            outer.node("Sigmoid", outer.node("Gemm", context, *_weights(outer, block.gate)))
            for _, block in network.stages()
        ]
        self._time_layers = [network.input_time, *(block.time for _, block in network.stages())]

    def emit(self, body: GraphBuilder, x: str, time: str) -> str:
        network = self._network
        angles = body.node("Mul", time, body.constant(_array(network.frequencies)))
        features = body.concatenate([time, body.node("Sin", angles), body.node("Cos", angles)])
        stacked = np.concatenate([_array(layer.weight).T for layer in self._time_layers], axis=1)
        biases = [np.zeros(network.input_time.out_features)] + [
            _array(block.first.bias) for _, block in network.stages()
        ]
        terms = body.node("Gemm", features, body.constant(stacked), body.constant(np.concatenate(biases)))
        input_time, *block_times = body.split(terms, [layer.out_features for layer in self._time_layers])
        hidden = body.node("MatMul", x, body.constant(_array(network.input.weight).T))
        hidden = body.node("Add", body.node("Add", hidden, self._input_context), input_time)
        for index, (joint, block) in enumerate(network.stages()):
            if isinstance(joint, nn.Linear):
                hidden = body.node("Gemm", hidden, *_weights(body, joint))
            inner = body.node("Gelu", hidden)
            inner = body.node("Gemm", inner, body.constant(_array(block.first.weight).T), block_times[index])
            inner = body.node("Gemm", body.node("Gelu", inner), *_weights(body, block.second))
            hidden = body.node("Add", hidden, body.node("Mul", inner, self._gates[index]))
        return body.node("Gemm", body.node("Gelu", hidden), *_weights(body, network.output))


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _weights(graph: GraphBuilder, layer: nn.Linear) -> tuple[str, str]:
    return graph.constant(_array(layer.weight).T), graph.constant(_array(layer.bias))
