"""Columns of the folds in an oversampled dataset, and the fold information that a histogram keeps."""

from __future__ import annotations

import functools
import inspect
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .._library import namespace

__all__ = ["FoldOptions", "takes_options"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(kw_only=True)
class FoldOptions:
    """Options of the booking methods, as explained for ``OversampledTH1D``. Plain data."""

    event: str | Sequence[str] | None = "genEvent"
    fold_size: str | int = "foldSize"
    contiguous: bool = True
    covariance: bool = False
    group: str | Sequence[str] | None = None
    fold_index: str = "foldIndex"

    def to_cpp(self, is_part: bool = False) -> Any:
        """The ``FlashSim::FoldOptions``. Raises TypeError and ValueError if an option is invalid."""
        options = namespace("FlashSim").FoldOptions()
        options.fEvent = _check_columns("event", self.event, "None for inline mode")
        options.fGroup = _check_columns("group", self.group, "None if there are no groups of GEN events")
        options.fFoldIndex = _check_fold_index(self.fold_index)
        options.fContiguous = self.contiguous
        options.fCovariance = self.covariance
        options.fIsPart = is_part
        if isinstance(self.fold_size, str):
            options.fFoldSize = self.fold_size
        else:
            options.fConstantFoldSize = _check_fold_size(self.fold_size)
        return options


def takes_options(*names: str) -> Callable[[_Function], _Function]:
    """Decorator: the function's ``**options`` take these options only; by default all of `FoldOptions`."""

    def decorate(function: _Function) -> _Function:
        options = inspect.signature(FoldOptions).parameters
        signature = inspect.signature(function)
        positional = [p for p in signature.parameters.values() if p.kind != p.VAR_KEYWORD]
        signature = signature.replace(parameters=[*positional, *(options[name] for name in names or options)])

        @functools.wraps(function)
        def checked(*arguments: Any, **keywords: Any) -> Any:
            try:
                signature.bind(*arguments, **keywords)
            except TypeError as error:
                message = f"{function.__name__}() {error}"
                raise TypeError(message) from None
            return function(*arguments, **keywords)

        checked.__signature__ = signature  # type: ignore[attr-defined]
        return checked  # type: ignore[return-value]

    return decorate


def _check_columns(parameter: str, value: Any, meaning_of_none: str) -> list[str]:
    columns = [value] if isinstance(value, str) else list(value) if isinstance(value, Sequence) else []
    if (value is not None and not columns) or not all(isinstance(column, str) and column for column in columns):
        message = (
            f"{parameter} must be the name of a column, names of columns, or {meaning_of_none}, not {value!r}. "
            f'Example: {parameter}=("run", "luminosityBlock", "event").'
        )
        raise TypeError(message)
    return columns


def _check_fold_index(fold_index: Any) -> str:
    if not isinstance(fold_index, str):
        message = f"fold_index must be the name of a column, not {fold_index!r}. The number N is fold_size."
        raise TypeError(message)
    return fold_index


def _check_fold_size(fold_size: Any) -> int:
    if not isinstance(fold_size, numbers.Integral) or isinstance(fold_size, bool):
        message = f"fold_size must be the name of a column or an integer, not {fold_size!r}."
        raise TypeError(message)
    if fold_size < 1:
        message = (
            f"fold_size is {fold_size}. Expected the number of RECO events simulated from each GEN event, at least 1."
        )
        raise ValueError(message)
    return int(fold_size)
