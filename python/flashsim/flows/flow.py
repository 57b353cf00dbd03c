"""A trained flow: the Python face of the C++ class FlashSim::Flow."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import data
from .._errors import translated
from .._library import cpp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Flow", "Variable", "find_flow"]

OutOfRange = Literal["error", "clip"]
"""What becomes of values that a flow's contract does not allow."""

_DEFAULT_STEPS = 0  # how the C++ side spells "the flow's own default"


@dataclass(frozen=True)
class Variable:
    """One variable that a flow takes (context) or gives (target)."""

    name: str
    unit: str
    dtype: str
    range: tuple[float, float]


def find_flow(name: str | os.PathLike[str]) -> str:
    """Path of the flow `name`: a file, or the name of a shipped flow (``"jets"`` is ``jets.onnx``).

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


class Flow:
    """A trained generative model that turns Gaussian noise and a context into a target sample.

    Opening a flow checks its contract: an ONNX graph with the inputs ``noise`` float32 [n, D], ``context`` float32 [n,
    C] and, for continuous flows, ``steps`` int64 scalar, and the output ``sample`` float32 [n, T]; context and sample
    in physical units, described by a JSON document in the model's metadata (``flow.schema.json``).

    Parameters
    ----------
    path
        An ONNX file, or the name of a shipped flow such as ``"jets"``.

    A flow may keep its weights in files beside it (``.onnx.data``), in its own folder only. If its metadata hold a
    checksum, all its files are compared with it. A graph that draws random numbers is refused.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    RuntimeError
        If the file is not ONNX, is truncated or changed, or breaks the contract; the message says where.

    Examples
    --------
    >>> import numpy as np, flashsim
    >>> flow = flashsim.Flow("jets")
    >>> flow.collection, flow.source
    ('Jet', 'GenJet')
    >>> gen = np.array([[60.0, 0.5, 1.0, 9.0, 5, 0]])
    >>> flow.sample(gen, fold_size=3, seed=1).shape
    (1, 3, 16)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = find_flow(path)
        with translated():
            self._handle = cpp().OpenFlow(self._path)

    @property
    def path(self) -> str:
        """The file."""
        return self._path

    @property
    def metadata(self) -> dict[str, Any]:
        """The JSON document of the contract, with what training left in it. A new dictionary at each call."""
        return json.loads(str(self._handle.GetContract().fMetadata))

    @property
    def name(self) -> str:
        """Name of the flow, which keys its noise."""
        return str(self._handle.GetContract().fName)

    @property
    def collection(self) -> str:
        """Prefix of the columns it makes, as in ``"Jet"``."""
        return str(self._handle.GetContract().fCollection)

    @property
    def source(self) -> str:
        """Prefix of the columns it is conditioned on, as in ``"GenJet"``."""
        return str(self._handle.GetContract().fSource)

    @property
    def sort_by(self) -> str:
        """The target by which the objects of a RECO event are sorted, descending; empty if they are not."""
        return str(self._handle.GetContract().fSortBy)

    @property
    def context(self) -> list[Variable]:
        """What it takes, in the order of the columns of ``sample``'s argument."""
        return [_to_variable(variable) for variable in self._handle.GetContract().fContext]

    @property
    def target(self) -> list[Variable]:
        """What it gives, in the order of the last axis of ``sample``'s result."""
        return [_to_variable(variable) for variable in self._handle.GetContract().fTarget]

    @property
    def noise_dimension(self) -> int:
        """Standard normal draws per object."""
        return int(self._handle.GetContract().fNoiseDimension)

    @property
    def default_steps(self) -> int | None:
        """ODE steps unless told otherwise; None for a flow that samples in one shot."""
        steps = self._handle.GetSteps(_DEFAULT_STEPS)
        return int(steps) or None

    @property
    def solver(self) -> str | None:
        """ODE solver; None for a flow that samples in one shot."""
        return str(self._handle.GetContract().fSolver) or None

    @property
    def checksum(self) -> str | None:
        """SHA-256 of the flow in hexadecimal, which its files fit; None for a flow that does not bear one."""
        return str(self._handle.GetContract().fChecksum) or None

    @property
    def data_files(self) -> list[str]:
        """Files with weights, relative to the folder of the flow; empty if all are inside the ONNX file."""
        return [str(name) for name in self._handle.GetDataFiles()]

    def check_rows(self) -> str:
        """Compares the samples of a few rows in batches of several sizes, as the first call of `sample` does.

        Returns
        -------
        str
            ``"same bits"``, or ``"last bits"`` if the samples of a row differ by rounding: RECO events then repeat
            within float's precision, not bit for bit, when blocks or threads change.

        Raises
        ------
        RuntimeError
            If a row's sample depends on the other rows of its batch, or on chance.

        Examples
        --------
        >>> import flashsim
        >>> flashsim.Flow("jets").check_rows()
        'same bits'
        """
        with translated():
            found = self._handle.CheckRows(0, np.empty(1, dtype=np.float32))
        return "last bits" if found == cpp().ERowIndependence.kLastBits else "same bits"

    @property
    def redrawn(self) -> int:
        """How many objects were drawn again because their sample held NaN or infinity, since the flow was opened."""
        return int(self._handle.GetNRedrawn())

    @property
    def clipped(self) -> dict[str, int]:
        """How many values of each variable were clipped since the flow was opened (``out_of_range="clip"``).

        By kind and name, as in ``{"context pt": 3, "target btag": 1}``; variables without are left out.
        """
        return {str(variable): int(count) for variable, count in self._handle.GetClipCounts().Get()}

    def sample(
        self,
        context: ArrayLike,
        fold_size: int = 1,
        seed: int = 0,
        steps: int | None = None,
        event_keys: ArrayLike | None = None,
        out_of_range: OutOfRange = "error",
    ) -> NDArray[np.float32]:
        """Samples every row of the context.

        Parameters
        ----------
        context
            [n, C], physical units, one row for each object.
        fold_size
            Samples of each row, at least 1.
        seed
            Another seed gives other samples. 0 ... 2**64 - 1.
        steps
            ODE steps, at least 1; by default the flow's own.
        event_keys
            [n, 4]: run, luminosityBlock, event and object number (its place in the event's collection). With the
            keys of an event, the samples equal what ``RDataFrame.FlashSim`` gives for it, bit for bit. By default rows
            count as the entry numbers of events with one object.
        out_of_range
            What becomes of context and samples outside of the ranges and types that the flow declares: ``"error"``, or
            ``"clip"``, which takes the nearest value that it allows, and prints how often (see `clipped`).

        Returns
        -------
        numpy.ndarray
            float32 [n, fold_size, T], physical units. The objects are not sorted.

        Raises
        ------
        ValueError
            If a shape or a number does not fit.
        RuntimeError
            If a value is out of range, or a sample is not finite after repeated draws; row or object are named. If the
            sample of a row depends on the other rows (see `check_rows`).
        """
        rows = np.ascontiguousarray(context, dtype=np.float32)
        width = len(self.context)
        if rows.ndim != 2 or rows.shape[1] != width:
            names = ", ".join(variable.name for variable in self.context)
            message = (
                f"the context of flow '{self.name}' must have shape [n, {width}] ({names}), not {list(rows.shape)}."
            )
            raise ValueError(message)
        if not np.isfinite(rows).all():
            row, column = np.argwhere(~np.isfinite(rows))[0]
            message = f"row {row} of the context has {self.context[column].name} = {rows[row, column]}."
            raise ValueError(message)
        check_fold_size(fold_size)
        check_seed(seed)
        mode = to_out_of_range(out_of_range)
        keys = None
        if event_keys is not None:
            keys = np.ascontiguousarray(event_keys, dtype=np.uint64)
            if keys.shape != (len(rows), 4):
                message = f"event_keys must have shape [{len(rows)}, 4], not {list(keys.shape)}."
                raise ValueError(message)
        result = np.empty((len(rows), fold_size, len(self.target)), dtype=np.float32)
        if len(rows) > 0:
            no_keys = np.empty(1, dtype=np.uint64)
            n_keys = 0 if keys is None else len(keys)
            with translated():
                cpp().SampleFolds(
                    self._handle,
                    len(rows),
                    rows,
                    no_keys if keys is None else keys,
                    n_keys,
                    fold_size,
                    seed,
                    to_steps(steps),
                    result,
                    mode,
                )
        return result

    def __repr__(self) -> str:
        arrow = f"{self.source} [{len(self.context)}] -> {self.collection} [{len(self.target)}]"
        solver = f", {self.default_steps} {self.solver} steps" if self.solver else ""
        return f"<flashsim.Flow '{self.name}': {arrow}{solver}>"


def check_fold_size(fold_size: int) -> None:
    """Raises ValueError unless `fold_size` is an integer from 1 to 2**31 - 1."""
    if not isinstance(fold_size, (int, np.integer)) or isinstance(fold_size, bool) or not 1 <= fold_size < 2**31:
        message = f"fold_size must be an integer and at least 1, not {fold_size!r}."
        raise ValueError(message)


def check_seed(seed: int) -> None:
    """Raises ValueError unless `seed` is an integer from 0 to 2**64 - 1."""
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**64:
        message = f"seed must be an integer from 0 to 2**64 - 1, not {seed!r}."
        raise ValueError(message)


def to_steps(steps: int | None) -> int:
    """The number of steps as the C++ side takes it. Raises ValueError unless it is None or a positive integer."""
    if steps is None:
        return _DEFAULT_STEPS
    if not isinstance(steps, (int, np.integer)) or isinstance(steps, bool) or not 1 <= steps < 2**31:
        message = f"steps must be an integer and at least 1, or None for the flow's default, not {steps!r}."
        raise ValueError(message)
    return int(steps)


def to_out_of_range(out_of_range: str) -> Any:
    """The C++ ``EOutOfRange``. Raises ValueError."""
    modes = {"error": cpp().EOutOfRange.kError, "clip": cpp().EOutOfRange.kClip}
    if not isinstance(out_of_range, str) or out_of_range not in modes:
        message = f"out_of_range must be 'error' or 'clip', not {out_of_range!r}."
        raise ValueError(message)
    return modes[out_of_range]


def _to_variable(variable: Any) -> Variable:
    return Variable(
        name=str(variable.fName),
        unit=str(variable.fUnit),
        dtype=str(cpp().GetName(variable.fType)),
        range=(float(variable.fMin), float(variable.fMax)),
    )
