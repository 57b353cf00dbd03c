"""ROOT's own histograms of oversampled events: one warning about their contents and errors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._library import root
from ..histograms.booking import METHODS

__all__ = ["PLAIN_HISTOGRAMS", "OversamplingWarning", "register", "silence", "silenced", "warn_if_oversampled"]


class OversamplingWarning(UserWarning):
    """A plain histogram, such as ``Histo1D``, was booked on RECO events of which several share a GEN event.

    It is given once in a process. To silence it:

    >>> import warnings, flashsim
    >>> warnings.filterwarnings("ignore", category=flashsim.OversamplingWarning)
    """


PLAIN_HISTOGRAMS = ("Histo1D", "Histo2D", "Histo3D", "HistoND", "HistoNSparseD", "Profile1D", "Profile2D")
"""Methods of RDataFrame with histograms whose errors assume independent entries."""

_once = {"is_said": False, "is_silent": False}


def register() -> None:
    """Makes the methods on all RDataFrame nodes warn."""
    ROOT = root()

    @ROOT.pythonization("RInterface<", ns="ROOT::RDF", is_prefix=True)
    def wrap_interface(klass: Any) -> None:
        for name in PLAIN_HISTOGRAMS:
            if name in vars(klass) and not isinstance(vars(klass)[name], _WarningGetter):
                setattr(klass, name, _WarningGetter(vars(klass)[name], name))

    # Classes in use: ROOT finds only those that were requested by name.
    for klass in ROOT.RDF.RInterfaceBase.__subclasses__():
        wrap_interface(klass)


def warn_if_oversampled(node: Any, method: str, stacklevel: int = 2) -> None:
    """Warns, once in a process, if the node is a result of FlashSim with a fold size above 1."""
    if _once["is_said"] or _once["is_silent"]:
        return
    fold_size = root().FlashSim.GetFoldSize(root().RDF.AsRNode(node))
    if fold_size < 2:
        return
    warnings.warn(_describe(method, fold_size), OversamplingWarning, stacklevel + 1)
    _once["is_said"] = True


def silence() -> None:
    """Ends the warnings in this process."""
    _once["is_silent"] = True


@contextmanager
def silenced() -> Iterator[None]:
    """Suppresses the warning for a block of code."""
    before = _once["is_silent"]
    _once["is_silent"] = True
    try:
        yield
    finally:
        _once["is_silent"] = before


def _describe(method: str, fold_size: int) -> str:
    ours = f"Oversampled{method.replace('Histo', 'TH')}"
    contents = "" if method.startswith("Profile") else f", and its contents {fold_size} times too large"
    if ours in METHODS:
        remedy = f"Use {ours}."
    else:
        remedy = "OversampledTH1D, 2D and 3D are right; a weight of 1. / foldSize corrects contents alone."
    return (
        f"{method} assumes that the {fold_size} RECO events of a GEN event are independent: its errors are too "
        f"small{contents}. {remedy} "
        "To silence this: warnings.filterwarnings('ignore', category=flashsim.OversamplingWarning)."
    )


class _WarningGetter:
    """A method of a class that warns when it is called, or, as a template, with types in brackets before."""

    def __init__(self, method: Any, name: str) -> None:
        self._method = method
        self._name = name

    def __get__(self, node: Any, klass: type) -> Any:
        bound = self._method.__get__(node, klass)
        return bound if node is None else _WarningMethod(bound, node, self._name)


class _WarningMethod:
    def __init__(self, method: Any, node: Any, name: str) -> None:
        self._method = method
        self._node = node
        self._name = name

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        warn_if_oversampled(self._node, self._name)
        return self._method(*arguments, **keywords)

    def __getitem__(self, types: Any) -> _WarningMethod:
        return _WarningMethod(self._method[types], self._node, self._name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._method, name)
