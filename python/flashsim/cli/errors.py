"""Error messages of commands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

__all__ = ["TRACEBACK_VARIABLE", "USER_ERROR", "fail", "user_errors"]

USER_ERROR = 2
"""Exit status after an error in the arguments or the input."""

TRACEBACK_VARIABLE = "FLASHSIM_TRACEBACK"
"""Environment variable: if it is set, errors keep their traceback."""


def fail(message: str) -> typer.Exit:
    """Prints an error, and returns the exception to raise."""
    text = Text("error: ", style="bold red").append(message, style="not bold red")
    Console(stderr=True, soft_wrap=True).print(text)
    return typer.Exit(USER_ERROR)


@contextmanager
def user_errors() -> Iterator[None]:
    """Prints errors of the package (missing files, unsuitable input, ...) as one line, without a traceback."""
    try:
        yield
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        if TRACEBACK_VARIABLE in os.environ:
            raise
        raise fail(_describe(error)) from None


def _describe(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__
