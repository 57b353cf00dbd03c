"""Reads TOML into dataclasses and checks it key by key, against the annotations of the fields.

A field may be annotated as str, int, float, bool or `Any`; as another dataclass, for a table with its keys; as
``tuple[X, ...]`` or ``tuple[X, Y]``, for a list; as ``dict[str, X]``, for a table with any keys; or as a union of
these. A float field accepts whole numbers. In a union of dataclasses, `Tag` names the key that selects one. Fields
without default must be in the file.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["ConfigError", "Named", "Tag", "read_table", "read_toml", "suggest"]

Section = TypeVar("Section")


class ConfigError(ValueError):
    """An invalid recipe or similar file; the message names the key, the expectation and the remedy."""


@dataclasses.dataclass(frozen=True)
class Tag:
    """The key that selects one dataclass of a union, as in ``Annotated[A | B, Tag("family")]``.

    All have a field of this name, each with another default; without the key, the first is taken.
    """

    key: str


@dataclasses.dataclass(frozen=True)
class Named:
    """A table that must have this key, a string, as in ``Annotated[dict[str, Any], Named("op")]``.

    A string alone means a table with this key only: ``"log"`` for ``{op = "log"}``.
    """

    key: str


def read_toml(kind: type[Section], path: str | Path) -> Section:
    """Reads a file.

    Parameters
    ----------
    kind
        Dataclass of the whole document.
    path
        TOML file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ConfigError
        It is not TOML; or a key is unknown or missing, or its value is not of the annotated type.
    """
    text = Path(path).read_text(encoding="utf-8")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from error
    return read_table(kind, document, str(path))


def read_table(kind: type[Section], document: Any, where: str) -> Section:
    """Makes a dataclass from a nested dictionary, as read from TOML or JSON; errors begin with `where`.

    Raises
    ------
    ConfigError
        A key is unknown or missing, or its value is not of the annotated type.
    TypeError
        This module does not support a field's annotation.

    Examples
    --------
    >>> @dataclasses.dataclass
    ... class Axis:
    ...     title: str
    ...     range: tuple[float, float] = (0.0, 1.0)
    >>> read_table(Axis, {"title": "pt", "range": [0, 500]}, "axes.toml")
    Axis(title='pt', range=(0.0, 500.0))
    >>> read_table(Axis, {"tilte": "pt"}, "axes.toml")
    Traceback (most recent call last):
    flashsim.toml_reader.ConfigError: axes.toml: unknown key 'tilte'; did you mean 'title'?
    """
    if not isinstance(document, Mapping):
        raise ConfigError(f"{where}: expected a table of keys, found {document!r}")
    hints = get_type_hints(kind, include_extras=True)
    fields = {item.name: item for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in document:
        if key not in fields:
            raise ConfigError(f"{where}: unknown key {key!r}{suggest(key, fields)}")
    for name, item in fields.items():
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        if required and name not in document:
            raise ConfigError(f"{where}: missing key {name!r}")
    return kind(**{key: _read(hints[key], value, f"{where}: {key}") for key, value in document.items()})


def suggest(key: str, known: Iterable[str]) -> str:
    """The end of an error message on an unknown key: the closest known key, or all known keys."""
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.lower(), list(lowered), n=1)
    return f"; did you mean {lowered[close[0]]!r}?" if close else f"; known are {', '.join(sorted(known))}"


def _read(hint: Any, value: Any, where: str) -> Any:
    if hint is Any:
        return value
    if dataclasses.is_dataclass(hint):
        return read_table(hint, value, where)  # type: ignore[arg-type]
    if hint in _SCALARS:
        return _scalar(hint, value, where)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(arguments[0], arguments[1:], value, where)
    if origin in (Union, types.UnionType):
        return _union(arguments, value, where)
    if origin is tuple:
        return _list(arguments, value, where)
    if origin is dict and arguments[0] is str:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: expected a table of keys, found {value!r}")
        return {key: _read(arguments[1], item, f"{where}: {key}") for key, item in value.items()}
    raise TypeError(f"{where}: fields annotated as {hint} cannot be read")


_SCALARS = (str, int, float, bool)


def _scalar(kind: type, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"{where}: expected {kind.__name__}, found {value!r}")
    return value


def _list(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: expected a list, found {value!r}")
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    elif len(kinds) != len(value):
        raise ConfigError(f"{where}: expected {len(kinds)} values, found {len(value)}")
    pairs = zip(kinds, value, strict=True)
    return tuple(_read(kind, item, f"{where}[{index}]") for index, (kind, item) in enumerate(pairs))


def _annotated(hint: Any, marks: tuple[Any, ...], value: Any, where: str) -> Any:
    for mark in marks:
        if isinstance(mark, Tag):
            return _tagged(get_args(hint), mark.key, value, where)
        if isinstance(mark, Named):
            table = {mark.key: value} if isinstance(value, str) else value
            if not isinstance(table, Mapping) or not isinstance(table.get(mark.key), str):
                raise ConfigError(f'{where}: expected "name" or {{{mark.key} = "name", …}}, found {value!r}')
            return _read(hint, table, where)
    return _read(hint, value, where)


def _tagged(kinds: tuple[Any, ...], key: str, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected a table of keys, found {value!r}")
    by_tag: dict[str, Any] = {}  # in the order of the union
    for kind in kinds:
        defaults = [item.default for item in dataclasses.fields(kind) if item.name == key]
        by_tag.update({default: kind for default in defaults if isinstance(default, str)})
    if len(by_tag) != len(kinds):
        raise TypeError(f"{where}: the defaults of {key!r} do not tell {', '.join(k.__name__ for k in kinds)} apart")
    tag = value.get(key, next(iter(by_tag)))
    if not isinstance(tag, str) or tag not in by_tag:
        raise ConfigError(f"{where}: {key}: unknown {key} {tag!r}{suggest(str(tag), by_tag)}")
    return read_table(by_tag[tag], value, where)


def _union(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    """Reads a value as the first kind that fits the value's type; errors within the value refer to this kind."""
    if value is None and type(None) in kinds:
        return None
    for kind in kinds:
        if _fits(kind, value):
            return _read(kind, value, where)
    raise ConfigError(f"{where}: expected {' or '.join(map(_describe, kinds))}, found {value!r}")


def _fits(kind: Any, value: Any) -> bool:
    if kind in _SCALARS:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole if kind is int else isinstance(value, kind) or (kind is float and is_whole)
    if get_origin(kind) is tuple:
        return isinstance(value, list | tuple)
    return isinstance(value, Mapping) and kind is not type(None)


def _describe(kind: Any) -> str:
    if kind in _SCALARS:
        return str(kind.__name__)
    return "a list" if get_origin(kind) is tuple else "nothing" if kind is type(None) else "a table of keys"
