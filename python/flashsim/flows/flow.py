"""A trained flow: the Python face of the C++ class FlashSim::Flow."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from .._errors import translated
from .._library import cpp
from .model import Model, OutOfRange, Variable, find_flow, to_out_of_range, to_variables

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Flow", "Variable", "find_flow"]

_DEFAULT_STEPS = 0  # in C++: the flow's own default


class Flow(Model):
    """A trained generative model that turns Gaussian noise and a context into a target sample.

    Opening a flow checks its contract. The ONNX graph has the inputs ``noise`` float32 [n, D], ``context`` float32 [n,
    C] and, for continuous flows, ``steps`` int64 scalar; its output is ``sample`` float32 [n, T]. Context and sample
    are in physical units, and a JSON document in the model's metadata describes them (``flow.schema.json``).

    Parameters
    ----------
    path
        An ONNX file, or the name of a shipped flow such as ``"jets"``.

    A flow may keep its weights in files beside it (``.onnx.data``), in its own folder only. If its metadata hold a
    checksum, all its files must fit it. A graph that draws random numbers is refused.

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
        found = find_flow(path)
        with translated():
            super().__init__(found, cpp().OpenFlow(found))
        self._target = to_variables(self._metadata["target"])

    @property
    def sort_by(self) -> str:
        """The target that sorts the objects of a RECO event, descending; empty if they are not sorted."""
        return self._metadata.get("sort_by") or ""

    @property
    def target(self) -> list[Variable]:
        """Target variables, in the order of the last axis of ``sample``'s result."""
        return list(self._target)

    @property
    def noise_dimension(self) -> int:
        """Standard normal draws per object."""
        return int(self._metadata["noise_dimension"])

    @property
    def default_steps(self) -> int | None:
        """Default number of ODE steps; None for a flow that samples in one shot."""
        steps = self._metadata.get("default_steps")
        return None if steps is None else int(steps)

    @property
    def solver(self) -> str | None:
        """ODE solver; None for a flow that samples in one shot."""
        return self._metadata.get("solver") or None

    @property
    def redrawn(self) -> int:
        """Number of objects drawn again since the flow was opened, because their sample held NaN or infinity."""
        return int(self._handle.GetNRedrawn())

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
            keys of an event, the samples equal those of ``RDataFrame.FlashSim``, bit for bit. By default row i is
            the only object of the event with entry number i.
        out_of_range
            For context and samples outside of the flow's declared ranges and types: ``"error"``, or ``"clip"``, which
            takes the nearest allowed value and prints the number of clipped values (see `clipped`).

        Returns
        -------
        numpy.ndarray
            float32 [n, fold_size, T], physical units. The objects are not sorted.

        Raises
        ------
        ValueError
            If a shape or a number does not fit.
        RuntimeError
            If a value is out of range, or a sample is not finite after repeated draws; the message names the row or
            object. If the sample of a row depends on the other rows (see `check_rows`).
        """
        rows = self._to_rows(context)
        check_fold_size(fold_size)
        check_seed(seed)
        mode = to_out_of_range(out_of_range)
        keys = None
        if event_keys is not None:
            keys = np.ascontiguousarray(event_keys, dtype=np.uint64)
            if keys.shape != (len(rows), 4):
                message = f"event_keys must have shape [{len(rows)}, 4], not {list(keys.shape)}."
                raise ValueError(message)
        result = np.empty((len(rows), fold_size, len(self._target)), dtype=np.float32)
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
        arrow = f"{self.source or self.level} [{len(self._context)}] -> {self.collection} [{len(self._target)}]"
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
    """The number of steps for the C++ side. Raises ValueError unless it is None or a positive integer."""
    if steps is None:
        return _DEFAULT_STEPS
    if not isinstance(steps, (int, np.integer)) or isinstance(steps, bool) or not 1 <= steps < 2**31:
        message = f"steps must be an integer and at least 1, or None for the flow's default, not {steps!r}."
        raise ValueError(message)
    return int(steps)
