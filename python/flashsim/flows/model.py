"""An opened model: the common part of flows and probability models."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import data
from .._errors import translated
from .._library import cpp

__all__ = ["Model", "OutOfRange", "Variable", "find_flow", "to_out_of_range", "to_variables"]

OutOfRange = Literal["error", "clip"]
"""Treatment of values that a model's contract does not allow."""


@dataclass(frozen=True)
class Variable:
    """One input (context) or output (target) variable of a model."""

    name: str
    unit: str
    dtype: str
    range: tuple[float, float]


def find_flow(name: str | os.PathLike[str]) -> str:
    """Path of the flow (or other model) `name`: a file, or the name of a shipped flow (``"jets"`` is ``jets.onnx``).

    Raises
    ------
    FileNotFoundError
        If there is neither.
    """
    text = os.fspath(name)
    path = Path(text)
    if path.exists() and not path.is_dir():
        return text
    problem = "it is a folder" if path.is_dir() else "no such file"
    if path.name == text:
        shipped = data.flows()
        if text.removesuffix(".onnx") in shipped:
            return data.path(text.removesuffix(".onnx") + ".onnx")
        problem += f", and none of the shipped flows ({', '.join(shipped)})"
    message = f"there is no flow '{text}': {problem}."
    raise FileNotFoundError(message)


class Model:
    """A model, opened by the C++ class behind `handle`. Use its subclasses `Flow` and `ProbabilityModel`.

    Parameters
    ----------
    path
        Its file.
    handle
        ``std::shared_ptr`` of a subclass of the C++ class ``OpenedModel``.
    """

    def __init__(self, path: str, handle: Any) -> None:
        self._path = path
        self._handle = handle
        self._document = str(handle.GetContract().fMetadata)
        self._metadata: dict[str, Any] = json.loads(self._document)
        self._context = to_variables(self._metadata["context"])

    @property
    def path(self) -> str:
        """The file."""
        return self._path

    @property
    def metadata(self) -> dict[str, Any]:
        """The JSON document of the contract, with the notes of the training. A new dictionary at each call."""
        return json.loads(self._document)

    @property
    def kind(self) -> str:
        """``"flow"``, ``"efficiency"`` or ``"multiplicity"``."""
        return self._metadata.get("kind", "flow")

    @property
    def level(self) -> str:
        """Meaning of a row of the context: an ``"object"`` of the source, or a GEN ``"event"``."""
        return self._metadata.get("level", "object")

    @property
    def name(self) -> str:
        """Name of the model, which keys its random numbers."""
        return self._metadata["name"]

    @property
    def collection(self) -> str:
        """Prefix of the output columns (or collection of the counted objects), as in ``"Jet"``."""
        return self._metadata["collection"]

    @property
    def source(self) -> str:
        """Prefix of the context columns, as in ``"GenJet"``; may be empty at the level of events."""
        return self._metadata.get("source", "")

    @property
    def context(self) -> list[Variable]:
        """Context variables, in the order of the columns of the context."""
        return list(self._context)

    @property
    def checksum(self) -> str | None:
        """SHA-256 of the model in hexadecimal, verified at opening; None for a model without checksum."""
        return self._metadata.get("checksum", "").removeprefix("sha256:") or None

    @property
    def data_files(self) -> list[str]:
        """Files with weights, relative to the folder of the model; empty if all are inside the ONNX file."""
        return [str(name) for name in self._handle.GetDataFiles()]

    @property
    def clipped(self) -> dict[str, int]:
        """Number of clipped values of each variable since the model was opened (``out_of_range="clip"``).

        By kind and name, as in ``{"context pt": 3, "target btag": 1}``; variables without clipped values are left out.
        """
        return {str(variable): int(count) for variable, count in self._handle.GetClipCounts().Get()}

    def check_rows(self) -> str:
        """Compares the results for a few rows in batches of several sizes, as the model's first use does.

        Returns
        -------
        str
            ``"same bits"``, or ``"last bits"`` if the results for a row differ by rounding: other blocks or threads
            then change the last bits of RECO events.

        Raises
        ------
        RuntimeError
            If the result for a row depends on the other rows of its batch, or on chance.

        Examples
        --------
        >>> import flashsim
        >>> flashsim.Flow("jets").check_rows()
        'same bits'
        """
        with translated():
            found = self._handle.CheckRows(0, np.empty(1, dtype=np.float32))
        return "last bits" if found == cpp().ERowIndependence.kLastBits else "same bits"

    def _to_rows(self, context: ArrayLike) -> NDArray[np.float32]:
        """The context as an array for C++. Raises ValueError if its shape is wrong, or a value is not finite."""
        rows = np.ascontiguousarray(context, dtype=np.float32)
        width = len(self._context)
        if rows.ndim != 2 or rows.shape[1] != width:
            names = ", ".join(variable.name for variable in self._context)
            message = (
                f"the context of {self.kind} '{self.name}' must have shape [n, {width}] ({names}), "
                f"not {list(rows.shape)}."
            )
            raise ValueError(message)
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            message = f"row {row} of the context has {self._context[column].name} = {rows[row, column]}."
            raise ValueError(message)
        return rows


def to_variables(documents: list[dict[str, Any]]) -> list[Variable]:
    """Variables from a list in the metadata."""
    return [
        Variable(document["name"], document["unit"], document["dtype"], (float(low), float(high)))
        for document in documents
        for low, high in [document["range"]]
    ]


def to_out_of_range(out_of_range: str) -> Any:
    """The C++ ``EOutOfRange``. Raises ValueError."""
    modes = {"error": cpp().EOutOfRange.kError, "clip": cpp().EOutOfRange.kClip}
    if not isinstance(out_of_range, str) or out_of_range not in modes:
        message = f"out_of_range must be 'error' or 'clip', not {out_of_range!r}."
        raise ValueError(message)
    return modes[out_of_range]
