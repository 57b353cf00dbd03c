"""Opens models of any kind."""

from __future__ import annotations

import os

from .._errors import translated
from .._library import cpp
from .flow import Flow
from .model import find_flow
from .probability import ProbabilityModel

__all__ = ["open_model"]


def open_model(path: str | os.PathLike[str]) -> Flow | ProbabilityModel:
    """Opens a file, or a shipped flow, as the kind of model in its contract.

    Errors as for `Flow`.

    Examples
    --------
    >>> open_model("jets").kind
    'flow'
    """
    with translated():
        is_flow = cpp().ReadContract(find_flow(path)).fKind == cpp().EModelKind.kFlow
    return Flow(path) if is_flow else ProbabilityModel(path)
