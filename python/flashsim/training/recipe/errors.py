"""Errors of recipes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["ConfigError", "suggest"]


class ConfigError(ValueError):
    """A recipe that cannot be used; the message names the key, what was expected and what to do."""


def suggest(key: str, known: Iterable[str]) -> str:
    """What an error message adds about a key that is none of the known ones."""
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.lower(), list(lowered), n=1)
    return f"; did you mean {lowered[close[0]]!r}?" if close else f"; known are {', '.join(sorted(known))}"
