"""The velocity of a continuous flow as ONNX nodes."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from ...flows.graph import GraphBuilder
from ...flows.ode.loop import END, VELOCITY, VelocityGraph, emit_solver
from ...flows.ode.solvers import SOLVERS
from ..recipe.sections import SamplingConfig
from .network import VelocityNetwork

__all__ = ["emit_ode", "velocity_graph"]


def emit_ode(
    graph: GraphBuilder, network: VelocityNetwork, noise: str, context: str, steps: str, sampling: SamplingConfig
) -> str:
    """`integrate` as nodes.

    Args:
        graph: graph around the loop, for the nodes that depend on the context alone.
        network: the velocity.
        noise: tensor [n, D].
        context: prepared context rows, tensor [n, F].
        steps: number of steps, int64 scalar.
        sampling: solver and grid of times.
    """
    velocity = velocity_graph(graph, network, context)
    solver = emit_solver(velocity, noise, steps, SOLVERS[sampling.solver], sampling.grid)
    graph.add(solver.node, solver.initializer)
    return END


def velocity_graph(outer: GraphBuilder, network: VelocityNetwork, context: str) -> VelocityGraph:
    """`VelocityNetwork` as nodes: context terms once, in ``outer``; time terms as one row per evaluation."""
    stages = network.stages()
    input_context = outer.node("Gemm", context, *_weights(outer, network.input_context))
    gates = [outer.node("Sigmoid", outer.node("Gemm", context, *_weights(outer, block.gate))) for _, block in stages]

    inner = GraphBuilder(prefix=VELOCITY)
    x, time = f"{VELOCITY}x", f"{VELOCITY}time"
    angles = inner.node("Mul", time, inner.constant(_array(network.frequencies)))
    features = inner.concatenate([time, inner.node("Sin", angles), inner.node("Cos", angles)])
    time_layers = [network.input_time, *(block.time for _, block in stages)]
    stacked = np.concatenate([_array(layer.weight).T for layer in time_layers], axis=1)
    biases = [np.zeros(network.input_time.out_features), *(_array(block.first.bias) for _, block in stages)]
    terms = inner.node("Gemm", features, inner.constant(stacked), inner.constant(np.concatenate(biases)))
    input_time, *block_times = inner.split(terms, [layer.out_features for layer in time_layers])
    hidden = inner.node("MatMul", x, inner.constant(_array(network.input.weight).T))
    hidden = inner.node("Add", inner.node("Add", hidden, input_context), input_time)
    for (joint, block), gate, block_time in zip(stages, gates, block_times, strict=True):
        if isinstance(joint, nn.Linear):
            hidden = inner.node("Gemm", hidden, *_weights(inner, joint))
        update = inner.node("Gelu", hidden)
        update = inner.node("Gemm", update, inner.constant(_array(block.first.weight).T), block_time)
        update = inner.node("Gemm", inner.node("Gelu", update), *_weights(inner, block.second))
        hidden = inner.node("Add", hidden, inner.node("Mul", update, gate))
    output = inner.node("Gemm", inner.node("Gelu", hidden), *_weights(inner, network.output))
    built = inner.graph("velocity")
    return VelocityGraph(
        tuple(built.node), tuple(built.initializer), x, time, output, dimension=network.output.out_features
    )


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _weights(graph: GraphBuilder, layer: nn.Linear) -> tuple[str, str]:
    return graph.constant(_array(layer.weight).T), graph.constant(_array(layer.bias))
