"""Efficiencies and multiplicities: the Python face of the C++ class FlashSim::ProbabilityModel."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._errors import translated
from .._library import cpp
from .model import Model, OutOfRange, find_flow, to_out_of_range

__all__ = ["ProbabilityModel"]


class ProbabilityModel(Model):
    """A trained classifier that turns a context into probabilities: an efficiency or a multiplicity.

    Like a `Flow` it is one ONNX graph with a contract in its metadata (``flow.schema.json``, ``kind``). The input is
    ``context`` float32 [n, C] in physical units. The output of an efficiency is ``probability`` float32 [n] that
    the object is reconstructed. The output of a multiplicity is ``probabilities`` float32 [n, maximum + 1] of 0, 1,
    ... objects.

    Parameters
    ----------
    path
        An ONNX file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RuntimeError
        If the file is not ONNX, is truncated or changed, breaks the contract, or is a flow; the message says where.

    Examples
    --------
    >>> import flashsim
    >>> flashsim.ProbabilityModel("jets")
    Traceback (most recent call last):
    RuntimeError: flow 'jets' (...) samples targets and gives no probabilities...
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        found = find_flow(path)
        with translated():
            super().__init__(found, cpp().OpenProbabilityModel(found))

    @property
    def maximum(self) -> int | None:
        """Largest number of objects of a multiplicity; None for an efficiency."""
        return self._metadata.get("maximum")

    def evaluate(self, context: ArrayLike, out_of_range: OutOfRange = "error") -> NDArray[np.float32]:
        """The probabilities of each row.

        Parameters
        ----------
        context
            [n, C], physical units, one row for each object (or event, see `level`).
        out_of_range
            For context outside of the model's declared ranges and types: ``"error"``, or ``"clip"``, which takes the
            nearest allowed value and prints the number of clipped values (see `clipped`).

        Returns
        -------
        numpy.ndarray
            float32 [n] of an efficiency, [n, maximum + 1] of a multiplicity.

        Raises
        ------
        ValueError
            If the shape does not fit, or a value of the context is not finite.
        RuntimeError
            If a value is out of range. If a probability is NaN or outside of [0, 1], or if those of a multiplicity's
            row do not add up to 1 within 0.0001; the message names model, row and context. If a row depends on the
            other rows (see `check_rows`).
        """
        rows = self._to_rows(context)
        mode = to_out_of_range(out_of_range)
        shape = (len(rows),) if self.maximum is None else (len(rows), self.maximum + 1)
        result = np.empty(shape, dtype=np.float32)
        if len(rows) > 0:
            with translated():
                cpp().EvaluateChecked(self._handle, len(rows), rows, result, mode)
        return result

    def __repr__(self) -> str:
        source = f"{self.source or self.level} [{len(self._context)}]"
        return f"<flashsim.ProbabilityModel '{self.name}': {self.kind} of {self.collection} from {source}>"
