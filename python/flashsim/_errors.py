"""Errors of the C++ side, told in Python's terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["translated"]


@contextmanager
def translated() -> Iterator[None]:
    """Turns a C++ exception into a RuntimeError that holds its message alone.

    cppyy raises C++ exceptions with the signature of every overload that it tried before the message; a physicist
    needs the message.
    """
    try:
        yield
    except Exception as error:
        text = str(error)
        marker = text.find("FlashSim: ")
        if marker < 0:
            raise
        raise RuntimeError(text[marker + len("FlashSim: ") :].rstrip()) from None
