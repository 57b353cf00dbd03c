"""Coupling flows from noise to data as ONNX nodes.

Every node treats a row on its own and gives the same bits at any row: matrix products, comparisons, arithmetic, and
the exponential function, which ONNX Runtime computes alike for elements left over at the end of a tensor. Sums over the
bins of a spline are matrix products, because the order in which a reduction adds depends on where in memory a row
happens to begin.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import TensorProto
from torch import Tensor

from ...flows.graph import GraphBuilder

__all__ = ["Coupling", "Inverse", "emit_affine_inverse", "emit_inverse", "emit_spline_inverse"]

Layer = tuple[Tensor, Tensor]
"""Weight and bias of a linear layer."""

Inverse = Callable[[GraphBuilder, str, int, str, Layer], str]
"""Emits the inverse of a monotonic function, see `emit_inverse`."""


class Coupling(NamedTuple):
    """One coupling: the columns it keeps, those it moves, and the layers of its network."""

    kept: Sequence[int]
    moved: Sequence[int]
    layers: Sequence[Layer]


def emit_inverse(
    graph: GraphBuilder,
    couplings: Sequence[Coupling],
    noise: str,
    context: str,
    inverse: Inverse,
) -> str:
    """Data rows [n, D] from noise [n, D] and prepared context rows [n, F]: the couplings from last to first.

    Args:
        graph: where the nodes go.
        couplings: in the order from data to noise.
        noise: tensor [n, D].
        context: tensor [n, F].
        inverse: emits the inverse of the monotonic function from the tensor of moved columns, their number, the output
            of the last hidden layer, and the layer after it, which yields the parameters.
    """
    everything = tuple(sorted([*couplings[0].kept, *couplings[0].moved]))
    pieces = {everything: noise}
    for kept, moved, layers in reversed(couplings):
        before = {columns: _select(graph, pieces, columns) for columns in (tuple(kept), tuple(moved)) if columns}
        y = before[tuple(moved)]
        hidden = graph.concatenate([before[tuple(kept)], context] if kept else [context])
        for weight, bias in layers[:-1]:
            hidden = graph.node("Relu", _linear(graph, hidden, _array(weight), _array(bias)))
        pieces = {**before, tuple(moved): inverse(graph, y, len(moved), hidden, layers[-1])}
    return _select(graph, pieces, everything)


def _select(graph: GraphBuilder, pieces: dict[tuple[int, ...], str], columns: tuple[int, ...]) -> str:
    """The tensor of the given columns, from tensors that hold all columns between them."""
    if columns in pieces:
        return pieces[columns]
    order = [column for piece in pieces for column in piece]
    places = graph.constant([order.index(column) for column in columns], np.int64)
    return graph.node("Gather", graph.concatenate(list(pieces.values())), places, axis=1)


def emit_affine_inverse(graph: GraphBuilder, y: str, columns: int, hidden: str, layer: Layer, slope: float) -> str:
    """x = (y - shift) / exp(a), where a = s / (1 + |s / ln slope|) keeps the scale within [slope, 1 / slope]."""
    limit = -math.log(slope)
    weight, bias = (_by_column(array, columns) / _along([1.0, limit], array) for array in layer)
    weight, bias = (np.concatenate([array[:, 0], array[:, 1]]) for array in (weight, bias))
    shift, raw = graph.split(_linear(graph, hidden, weight, bias), [columns, columns])
    scale = graph.node("Exp", _scaled(graph, graph.node("Softsign", raw), limit))
    return graph.node("Div", graph.node("Sub", y, shift), scale)


def emit_spline_inverse(
    graph: GraphBuilder, y: str, columns: int, hidden: str, layer: Layer, bins: int, bound: float, slope: float
) -> str:
    """The inverse of a monotonic rational-quadratic spline, eqs. (6) to (8) of arXiv:1906.04032.

    The widths and heights of the bins are the softmax of their parameters, and sums of them the knots. The bin is found
    by counting knots below y; its ends and slopes are then gathered, and the quadratic equation is solved in the form
    that loses no digits when its leading coefficient vanishes.
    """
    knots, sizes = bins + 1, 2 * bins
    limits = -math.log(slope) * np.repeat([0.5, 1.0], [sizes, knots])
    # The slopes at both ends are exp(0) = 1: parameters of value 0 are inserted before and after those of the others.
    weight, bias = (
        np.insert(_by_column(array, columns), [sizes, sizes + bins - 1], 0.0, axis=1) / _along(limits, array)
        for array in layer
    )
    flat = _linear(graph, hidden, np.concatenate(weight), np.concatenate(bias))
    bounded = graph.node("Mul", graph.node("Softsign", flat), graph.constant(np.tile(limits, columns)))
    parameters = graph.constant([0, columns, sizes + knots], np.int64)
    shares, slopes = graph.split(graph.node("Reshape", graph.node("Exp", bounded), parameters), [sizes, knots])
    below = 2 * bound * np.triu(np.ones((bins, knots)), 1)
    partial, total = (
        graph.node("MatMul", shares, graph.constant(np.kron(np.eye(2), sums)))
        for sums in (below, np.ones((bins, knots)))
    )
    ends = graph.node("Sub", graph.node("Div", partial, total), graph.constant(bound))

    y = graph.node("Reshape", y, graph.constant([0, columns, 1], np.int64))
    _, inner, _ = graph.split(ends, [knots + 1, bins - 1, 1])
    passed = graph.node("Cast", graph.node("Less", inner, y), to=TensorProto.FLOAT)
    first = np.add.outer(np.arange(3) * knots, [0, 1]).reshape(-1)
    place = graph.node("MatMul", passed, graph.constant(np.ones((bins - 1, first.size))))
    index = graph.node("Cast", graph.node("Add", place, graph.constant(first)), to=TensorProto.INT64)
    picked = graph.node("GatherElements", graph.concatenate([ends, slopes]), index, axis=-1)
    x0, x1, y0, y1, d0, d1 = graph.split(picked, [1] * first.size)

    width, height = graph.node("Sub", x1, x0), graph.node("Sub", y1, y0)
    mean = graph.node("Div", height, width)
    rise = graph.node("Sub", graph.node("Clip", y, graph.constant(-bound), graph.constant(bound)), y0)
    bend = graph.node("Mul", rise, graph.node("Sub", graph.node("Add", d0, d1), _scaled(graph, mean, 2.0)))
    a = graph.node("Add", graph.node("Mul", height, graph.node("Sub", mean, d0)), bend)
    b = graph.node("Sub", graph.node("Mul", height, d0), bend)
    c = graph.node("Mul", mean, rise)
    discriminant = graph.node("Add", graph.node("Mul", b, b), graph.node("Mul", _scaled(graph, a, 4.0), c))
    root = graph.node("Sqrt", graph.node("Relu", discriminant))
    place = graph.node("Div", _scaled(graph, c, 2.0), graph.node("Add", b, root))
    place = graph.node("Clip", place, graph.constant(0.0), graph.constant(1.0))
    inside = graph.node("Add", x0, graph.node("Mul", place, width))
    x = graph.node("Where", graph.node("Less", graph.node("Abs", y), graph.constant(bound)), inside, y)
    return graph.node("Reshape", x, graph.constant([0, columns], np.int64))


def _scaled(graph: GraphBuilder, value: str, factor: float) -> str:
    return graph.node("Mul", value, graph.constant(factor))


def _linear(graph: GraphBuilder, value: str, weight: np.ndarray, bias: np.ndarray) -> str:
    return graph.node("Gemm", value, graph.constant(weight.T), graph.constant(bias))


def _by_column(array: Tensor, columns: int) -> np.ndarray:
    """Rows of a weight or bias, grouped by the column whose parameters they yield: [columns, parameters, ...]."""
    return _array(array).reshape(columns, -1, *array.shape[1:])


def _along(factors: npt.ArrayLike, layer: Tensor) -> np.ndarray:
    """Factors of the parameters in the shape that `_by_column` gives a weight or a bias."""
    return np.reshape(factors, (-1,) + (1,) * (layer.dim() - 1))


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
