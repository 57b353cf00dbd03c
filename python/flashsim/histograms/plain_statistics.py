"""Guards on methods of ROOT that would divide oversampled histograms as if their fills were independent."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from .._library import root
from .operators import to_histogram

__all__ = ["refuse_efficiency", "register"]

_REMEDY = (
    "numerator and denominator come from the same GEN events, and these histograms do not hold their correlation. Book "
    'both at once: node.OversampledEfficiency1D(model, "value", "passed"). If their GEN events are different ones, '
    "divide by the plain histogram that MakeTH() gives."
)

_GUARDED = {
    "TEfficiency": ("__init__", "SetPassedHistogram", "SetTotalHistogram"),
    "TGraphAsymmErrors": ("__init__", "Divide", "BayesDivide"),
    "TRatioPlot": ("__init__",),
    "TH1": ("Divide", "Multiply"),
}
"""Guarded methods by class: they take two histograms, or one of the two."""


def register() -> None:
    """Makes these methods refuse oversampled histograms, for calls from Python. Plain histograms work as in ROOT."""
    ROOT = root()
    for name, methods in _GUARDED.items():
        klass = getattr(ROOT, name)
        for method in methods:
            setattr(klass, method, _refusing(name, method, getattr(klass, method)))


def refuse_efficiency(passed: Any, total: Any) -> Any:
    """``passed.efficiency(total)`` of two histograms raises RuntimeError, with the way to an efficiency.

    Its error needs the correlation of passed and total, which is only known if both are filled at once: see
    ``OversampledEfficiency1D`` of RDataFrame nodes.
    """
    message = f"efficiency of {_name(passed)} and {_name(total)}: {_REMEDY}"
    raise RuntimeError(message)


def _refusing(class_name: str, method_name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    n_allowed = 0 if class_name == "TEfficiency" else 1

    @wraps(method)
    def guarded(self: Any, *positional: Any, **keywords: Any) -> Any:
        given = [to_histogram(argument) for argument in (*positional, *keywords.values())]
        oversampled = [argument for argument in given if hasattr(type(argument), "GetFoldSums")]
        is_binomial = method_name == "Divide" and class_name == "TH1" and _has_option_b(given)
        if len(oversampled) > (0 if is_binomial else n_allowed):
            what = class_name if method_name == "__init__" else f"{class_name}::{method_name}"
            message = f"{what} of {' and '.join(map(_name, oversampled))}: {_REMEDY}"
            raise RuntimeError(message)
        return method(self, *positional, **keywords)

    return guarded


def _has_option_b(arguments: list[Any]) -> bool:
    return any(isinstance(argument, str) and "b" in argument.lower() for argument in arguments)


def _name(histogram: Any) -> str:
    histogram = to_histogram(histogram)
    return f"histogram {str(histogram.GetName())!r}" if hasattr(histogram, "GetName") else repr(histogram)
