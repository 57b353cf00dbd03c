"""Errors of the C++ side, told in Python's terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["translated"]

_NEXT_OVERLOAD = re.compile(r"\n  [^\n]* =>\n")


@contextmanager
def translated() -> Iterator[None]:
    """Turns a C++ exception into a RuntimeError that holds its message alone.

    cppyy raises C++ exceptions with the signature of every overload that it tried before the message; a physicist
    needs the message. An event loop that Ctrl-C has ended becomes KeyboardInterrupt.
    """
    try:
        yield
    except Exception as error:
        text = str(error)
        marker = text.find("FlashSim: ")
        if marker < 0:
            raise
        if text[marker:].startswith("FlashSim: interrupted by Ctrl-C"):
            raise KeyboardInterrupt from None
        message = _NEXT_OVERLOAD.split(text[marker + len("FlashSim: ") :])[0]
        raise RuntimeError(message.rstrip()) from None
