"""Errors of the C++ side as Python exceptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NoReturn

__all__ = ["tell", "translated", "translating"]

_MARKER = "FlashSim: "  # begins the messages of this package's C++ side
_INTERRUPTED = "interrupted by Ctrl-C"  # after the marker
_NEXT_OVERLOAD = re.compile(r"\n  [^\n]* =>\n")
_TYPE_BEFORE_MARKER = re.compile(r"(\w+): \Z")  # as cppyy writes it: "signature =>\n    runtime_error: message"

_KINDS: dict[str, type[Exception]] = {
    "invalid_argument": ValueError,
    "domain_error": ValueError,
    "length_error": ValueError,
    "out_of_range": IndexError,
}
"""Python exception for a C++ exception, by its name; RuntimeError for all others."""


@contextmanager
def translated() -> Iterator[None]:
    """Turns a C++ exception of this package into a Python exception with its message only.

    cppyy puts the signatures of all overloads that it tried before the message; a physicist needs the message.
    ``std::invalid_argument`` becomes a ValueError, ``std::out_of_range`` an IndexError, all else a RuntimeError; the
    C++ exception is its ``__context__``. An event loop ended by Ctrl-C raises KeyboardInterrupt. Errors from elsewhere
    pass unchanged.
    """
    try:
        yield
    except Exception as error:
        told = _translation(error)
        if told is None:
            raise
        raise told from None


def translating(method: Callable[..., Any]) -> Callable[..., Any]:
    """`method` with its errors translated as by `translated`, at the price of one more call."""

    @wraps(method)
    def call(*args: Any, **keywords: Any) -> Any:
        # After an interrupted event loop, Python also raises KeyboardInterrupt, at its next call. That call must come
        # after the except clause, or the traceback would begin with the signatures of C++.
        try:
            return method(*args, **keywords)
        except Exception as error:
            caught = error
        del args, keywords  # a stored traceback would keep them alive, and booked
        try:
            tell(caught)
        finally:
            del caught  # its traceback holds this frame

    return call


def tell(error: Exception) -> NoReturn:
    """Raises the translation of an error if there is one (see `translated`), else the error itself."""
    told = _translation(error)
    try:
        if told is None:
            raise error
        told.__context__ = error
        raise told from None
    finally:
        del error, told  # their tracebacks hold this frame, and with it the results of the frames above


def _translation(error: Exception) -> BaseException | None:
    text = str(error)
    before, marker, after = text.partition(_MARKER)
    if not marker:
        return None
    if after.startswith(_INTERRUPTED):
        return KeyboardInterrupt()
    kind = _TYPE_BEFORE_MARKER.search(before)
    message = _NEXT_OVERLOAD.split(after)[0].rstrip()
    return _KINDS.get(kind.group(1) if kind else "", RuntimeError)(message)
