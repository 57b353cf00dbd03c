"""Python methods of oversampled histograms."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from .._library import root
from .conversion import correlation, covariance, to_hist, to_numpy
from .histfactory import to_pyhf
from .indexing import get_item
from .operators import OPERATORS
from .plain_statistics import refuse_efficiency

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["register"]

_METHODS: dict[str, Callable[..., Any]] = {
    "to_hist": to_hist,
    "to_numpy": to_numpy,
    "to_pyhf": to_pyhf,
    "covariance": covariance,
    "correlation": correlation,
    "efficiency": refuse_efficiency,
    "__getitem__": get_item,
    **OPERATORS,
}

_VIEWS = ("values", "variances")


def register() -> None:
    """Adds the methods to all oversampled histograms; to RResultPtrs of them, those that an RResultPtr does not forward
    by itself."""
    ROOT = root()

    @ROOT.pythonization("OversampledTH<", ns="FlashSim", is_prefix=True)
    def add_methods(klass: Any) -> None:
        for name, method in _METHODS.items():
            setattr(klass, name, method)
        klass.__array_ufunc__ = None  # so that `number * h` with numpy's numbers calls the histogram's operator
        for name in _VIEWS:
            setattr(klass, name, _keeping_its_owner(getattr(klass, name)))

    @ROOT.pythonization("RResultPtr<", ns="ROOT::RDF", is_prefix=True)
    def add_indexing(klass: Any, name: str) -> None:
        if "<FlashSim::OversampledTH" in name:
            klass.__getitem__ = lambda result, index: result.GetValue()[index]
            for operator, method in OPERATORS.items():
                setattr(klass, operator, method)
            klass.__array_ufunc__ = None
            klass.__iter__ = lambda result: iter(result.GetValue())
            klass.values = _keeping_its_owner(lambda result, *args, **flow: result.GetValue().values(*args, **flow))
            klass.variances = _keeping_its_owner(
                lambda result, *args, **flow: result.GetValue().variances(*args, **flow)
            )


class _Owned:
    """Memory for numpy, and its owner."""

    def __init__(self, array: NDArray[Any], owner: Any) -> None:
        self.__array_interface__ = array.__array_interface__
        self.owner = owner


def _keeping_its_owner(view: Callable[..., NDArray[Any]]) -> Callable[..., NDArray[Any]]:
    """ROOT's arrays are views that do not keep the histogram alive: ``h[2:5].values()`` would show freed memory."""

    @wraps(view)
    def method(owner: Any, *args: Any, **options: Any) -> NDArray[Any]:
        return np.asarray(_Owned(view(owner, *args, **options), owner))

    return method
