"""Arithmetic of oversampled histograms: results keep class, fold information and covariance."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

from .._errors import translated
from .._library import root

__all__ = ["OPERATORS", "to_histogram"]

_REMEDY_PLAIN = (
    "A plain histogram has no fold information. Rebin the oversampled one, then add the plain one to its MakeTH(): "
    "there, bins count as independent."
)


def _add(left: Any, right: Any) -> Any:
    """``h1 + h2`` of independent histograms (or ``h + h``); ``0 + h``, for ``sum``."""
    if isinstance(right, numbers.Real):
        return _copy(left) if right == 0 else NotImplemented
    return _sum(_copy(left), left, right, 1)


def _subtract(left: Any, right: Any) -> Any:
    return _sum(_copy(left), left, right, -1)


def _add_in_place(left: Any, right: Any) -> Any:
    return NotImplemented if _sum(to_histogram(left), left, right, 1) is NotImplemented else left


def _subtract_in_place(left: Any, right: Any) -> Any:
    return NotImplemented if _sum(to_histogram(left), left, right, -1) is NotImplemented else left


def _multiply(left: Any, right: Any) -> Any:
    return _scaled(_copy(left), left, right, "Multiply")


def _divide(left: Any, right: Any) -> Any:
    return _scaled(_copy(left), left, right, "Divide")


def _multiply_in_place(left: Any, right: Any) -> Any:
    return NotImplemented if _scaled(to_histogram(left), left, right, "Multiply") is NotImplemented else left


def _divide_in_place(left: Any, right: Any) -> Any:
    return NotImplemented if _scaled(to_histogram(left), left, right, "Divide") is NotImplemented else left


def _negate(histogram: Any) -> Any:
    return _multiply(histogram, -1)


def _subtract_from(right: Any, left: Any) -> Any:
    return _refuse_plain(right, left)


def _divide_from(right: Any, left: Any) -> Any:
    return _refuse_plain(right, left)


OPERATORS: dict[str, Callable[..., Any]] = {
    "__add__": _add,
    "__radd__": _add,
    "__iadd__": _add_in_place,
    "__sub__": _subtract,
    "__rsub__": _subtract_from,
    "__isub__": _subtract_in_place,
    "__mul__": _multiply,
    "__rmul__": _multiply,
    "__imul__": _multiply_in_place,
    "__truediv__": _divide,
    "__rtruediv__": _divide_from,
    "__itruediv__": _divide_in_place,
    "__neg__": _negate,
}
"""Operators of oversampled histograms and of RResultPtrs of them. Products and quotients of two oversampled histograms
raise RuntimeError, as does mixing with a plain histogram."""


def to_histogram(operand: Any) -> Any:
    """The histogram in an RResultPtr; any other operand as it is."""
    return operand.GetValue() if "RResultPtr<" in type(operand).__name__ else operand


def _copy(operand: Any) -> Any:
    histogram = to_histogram(operand)
    ROOT = root()
    was_added = ROOT.TH1.AddDirectoryStatus()
    ROOT.TH1.AddDirectory(False)
    try:
        return type(histogram)(histogram)
    finally:
        ROOT.TH1.AddDirectory(was_added)


def _sum(result: Any, left: Any, right: Any, factor: int) -> Any:
    left, right = to_histogram(left), to_histogram(right)
    if not isinstance(right, root().TH1):
        return NotImplemented
    if type(right) is not type(left):
        return _refuse_plain(left, right)
    with translated():
        if right == left:  # the same object
            result.Scale(1 + factor)
        else:
            result.Add(right, factor)
    return result


def _scaled(result: Any, left: Any, right: Any, method: str) -> Any:
    left, right = to_histogram(left), to_histogram(right)
    if isinstance(right, numbers.Real):
        if method == "Divide" and right == 0:
            message = f"histogram {left.GetName()!r} divided by 0."
            raise ZeroDivisionError(message)
        result.Scale(float(right) if method == "Multiply" else 1 / float(right))
        return result
    if not isinstance(right, root().TH1):
        return NotImplemented
    with translated():
        if hasattr(right, "GetFoldSums"):
            getattr(result, method)(right)  # raises, with the reason
    return _refuse_plain(left, right)


def _refuse_plain(left: Any, right: Any) -> Any:
    left, right = to_histogram(left), to_histogram(right)
    if not isinstance(right, root().TH1):
        return NotImplemented
    message = (
        f"{_describe(left)} and {_describe(right)} are of different classes. Expected two oversampled histograms of "
        f"one class. {'' if hasattr(right, 'GetFoldSums') else _REMEDY_PLAIN}"
    )
    raise RuntimeError(message.rstrip())


def _describe(histogram: Any) -> str:
    return f"{str(histogram.ClassName()).rpartition(':')[2]} {str(histogram.GetName())!r}"
