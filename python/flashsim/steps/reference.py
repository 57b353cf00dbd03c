"""Converged samples of an exported continuous flow, to judge its solver by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from scipy.integrate import solve_ivp

from ..flows.graph import GraphBuilder
from ..flows.ode.loop import END, velocity_of

__all__ = ["ROWS_AT_ONCE", "TOLERANCE", "ConvergedFlow", "open_session"]

Array = npt.NDArray[Any]

ROWS_AT_ONCE = 256
"""Rows that the engine gives to a flow in one call."""

TOLERANCE = 1e-6
"""Relative and absolute, of every step of the reference."""


def open_session(model: onnx.ModelProto, threads: int) -> onnxruntime.InferenceSession:
    """ONNX Runtime with a model that is in memory."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class ConvergedFlow:
    """Converged samples of a flow: the limit of many steps.

    dx/dt = v(x, t; context) is solved for batches of rows with the adaptive method of Dormand and Prince, order 5(4)
    (J. Comput. Appl. Math. 6 (1980) 19), as in scipy, with a tolerance of `TOLERANCE`. The state is in float64, the
    velocity the flow's own, in float32.

    Args:
        model: a continuous flow.
        threads: CPU threads.

    Raises:
        ValueError: as in `velocity_of`.
    """

    def __init__(self, model: onnx.ModelProto, threads: int = 1) -> None:
        velocity = velocity_of(model)
        state: list[int | str] = ["n", velocity.dimension]
        context = next(item for item in model.graph.input if item.name == "context")
        contexts: list[int | str] = ["n", context.type.tensor_type.shape.dim[1].dim_value]
        outer = [node for node in model.graph.node if END not in node.output]
        self._velocity = _part(
            model,
            [*outer, *velocity.nodes],
            {velocity.x: state, velocity.time: [1, 1], "context": contexts},
            velocity.output,
            velocity.constants,
            threads,
        )
        self._decoder = _part(model, outer, {END: state, "context": contexts}, "sample", (), threads)
        self._names = (velocity.x, velocity.time)
        self.dimension = velocity.dimension
        """Columns of noise and state."""
        self.evaluations = 0
        """Of the velocity so far, summed over the rows."""

    def velocity(self, x: Array, time: float, context: Array) -> Array:
        """v at states x [n, D], one time, context rows [n, C] in physical units."""
        feed = {self._names[0]: x.astype(np.float32), self._names[1]: np.full((1, 1), time, np.float32)}
        self.evaluations += len(x)
        return self._velocity.run(None, {**feed, "context": context})[0]

    def end(self, noise: Array, context: Array) -> Array:
        """States [n, D] at t = 1, before they are turned into physical units."""
        return _batches(self._end, noise, context)

    def decode(self, end: Array, context: Array) -> Array:
        """Target rows [n, T] in physical units."""

        def decoded(end: Array, context: Array) -> Array:
            return self._decoder.run(None, {END: end.astype(np.float32), "context": context})[0]

        return _batches(decoded, end, context)

    def _end(self, noise: Array, context: Array) -> Array:
        def derivative(time: float, flat: Array) -> Array:
            return self.velocity(flat.reshape(noise.shape), time, context).ravel()

        found = solve_ivp(derivative, (0.0, 1.0), noise.ravel(), "RK45", t_eval=[1.0], rtol=TOLERANCE, atol=TOLERANCE)
        if not found.success:
            raise ValueError(
                f"the velocity of the flow cannot be integrated to a tolerance of {TOLERANCE}: {found.message}"
            )
        return found.y[:, -1].reshape(noise.shape)


def _batches(function: Any, *arrays: Array) -> Array:
    pieces = [
        function(*(array[start : start + ROWS_AT_ONCE] for array in arrays))
        for start in range(0, len(arrays[0]), ROWS_AT_ONCE)
    ]
    return np.concatenate(pieces)


def _part(
    model: onnx.ModelProto,
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    output: str,
    constants: Sequence[onnx.TensorProto],
    threads: int,
) -> onnxruntime.InferenceSession:
    """The part of a graph from some tensors to another, as a separate model."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    graph = GraphBuilder()
    for name, shape in inputs.items():
        graph.input(name, shape)
    graph.add(reversed(kept), [item for item in (*model.graph.initializer, *constants) if item.name in wanted])
    graph.output(output, "result", ["n", "columns"])
    return open_session(graph.model("part"), threads)
