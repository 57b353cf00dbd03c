"""A thin builder of ONNX graphs: every node, name and constant of an exported flow is chosen here by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["IR_VERSION", "OPSET", "GraphBuilder"]

OPSET = 20
"""First operator set with a `Gelu` node; ONNX Runtime runs it from 1.17 on."""

IR_VERSION = 9

_VECTOR_WIDTH = 16


class GraphBuilder:
    """Collects nodes and constants; every method that adds a node returns the name of its result.

    A flow may only hold operations that treat each row on its own: a row must give the same bits in a batch of any
    size and at any position in it.

    Args:
        prefix: start of every generated name; it keeps the names of a loop's body apart from those around it.

    Example:
        >>> graph = GraphBuilder()
        >>> doubled = graph.node("Mul", graph.input("x", ["n", 2]), graph.constant(2.0))
        >>> graph.output(doubled, "y", ["n", 2])
        >>> [node.op_type for node in graph.model("double").graph.node]
        ['Mul', 'Identity']
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._initializers: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._count = 0

    def input(self, name: str, shape: Sequence[int | str], dtype: int = TensorProto.FLOAT) -> str:
        """Declare an input of the graph."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, list(shape)))
        return name

    def output(self, value: str, name: str, shape: Sequence[int | str], dtype: int = TensorProto.FLOAT) -> None:
        """Declare ``value`` as an output of the graph called ``name``."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=f"{self._prefix}{name}"))
        self._outputs.append(helper.make_tensor_value_info(name, dtype, list(shape)))

    def constant(self, value: npt.ArrayLike, dtype: type[np.generic] = np.float32) -> str:
        """A constant tensor; equal constants are stored once."""
        array = np.asarray(value, dtype=dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = self._name("constant")
            self._initializers.append(numpy_helper.from_array(array, name))
            self._constants[key] = name
        return self._constants[key]

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        name = self._name(op)
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def split(self, value: str, widths: Sequence[int]) -> list[str]:
        """Cut a tensor along its last axis into pieces of the given widths."""
        if len(widths) == 1:
            return [value]
        names = [self._name("Split") for _ in widths]
        inputs = [value, self.constant(widths, np.int64)]
        self._nodes.append(helper.make_node("Split", inputs, names, name=names[0], axis=-1))
        return names

    def concatenate(self, values: Sequence[str]) -> str:
        """Join tensors along their last axis."""
        return values[0] if len(values) == 1 else self.node("Concat", *values, axis=-1)

    def gather(self, table: Sequence[float] | np.ndarray, index: str) -> str:
        """Elements of a constant table, at indices that are whole numbers as floats; NaN reads element 0."""
        whole = self.node("Max", self.node("Cast", index, to=TensorProto.INT64), self.constant(0, np.int64))
        return self.node("Gather", self.constant(table), whole)

    def column_function(self, op: str, column: str) -> str:
        """Apply a transcendental function to a column of shape [n, 1] with the same bits at any row.

        ONNX Runtime computes Log, Sin and similar functions with a vector routine. The last elements of a tensor, too
        few for a vector, go through another routine that differs in the last bit. Rows widened to the length of a
        vector avoid such a remainder.
        """
        wide = self.node("Mul", column, self.constant(np.ones((1, _VECTOR_WIDTH))))
        return self.split(self.node(op, wide), [1, _VECTOR_WIDTH - 1])[0]

    def add(self, nodes: Iterable[onnx.NodeProto], initializers: Iterable[onnx.TensorProto] = ()) -> None:
        """Add nodes made elsewhere and their constants, under their present names."""
        self._nodes.extend(nodes)
        self._initializers.extend(initializers)

    def graph(self, name: str) -> onnx.GraphProto:
        """The graph built so far."""
        return helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._initializers)

    def model(self, name: str) -> onnx.ModelProto:
        """The graph as a checked model."""
        model = helper.make_model(
            self.graph(name),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="flashsim",
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    def _name(self, what: str) -> str:
        self._count += 1
        return f"{self._prefix}{what}_{self._count}"
