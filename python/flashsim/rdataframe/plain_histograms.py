"""ROOT's own histograms of oversampled events: said once that they are not what they seem."""

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
"""Methods of RDataFrame that fill histograms with errors which take entries for independent."""

_once = {"is_said": False, "is_silent": False}


def register() -> None:
    """Has the methods on all RDataFrame nodes warn."""
    ROOT = root()

    @ROOT.pythonization("RInterface<", ns="ROOT::RDF", is_prefix=True)
    def wrap_interface(klass: Any) -> None:
        for name in PLAIN_HISTOGRAMS:
            if name in vars(klass) and not isinstance(vars(klass)[name], _WarningGetter):
                setattr(klass, name, _WarningGetter(vars(klass)[name], name))

    # Classes in use already, of which ROOT finds only those that it has been asked for by name.
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
    """No warning in this process any more."""
    _once["is_silent"] = True


@contextmanager
def silenced() -> Iterator[None]:
    """For code that knows what it does."""
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
        remedy = "OversampledTH1D, 2D and 3D know better; a weight of 1. / foldSize mends contents alone."
    return (
        f"{method} takes the {fold_size} RECO events that FlashSim makes of a GEN event for independent: its errors "
        f"are too small{contents}. {remedy} "
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
