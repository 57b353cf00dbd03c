"""Checks documents against a JSON schema: the part of JSON Schema 2020-12 that ``flow.schema.json`` uses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["problems"]

Schema = Mapping[str, Any] | bool

_IGNORED = {"$schema", "$defs", "$comment", "title", "description", "default", "then", "else"}

_LONGEST_VALUE = 60  # characters of a value in a message


def problems(document: Any, schema: Schema, root: Mapping[str, Any] | None = None, where: str = "") -> Iterator[str]:
    """All violations of a schema in a document: the field, the value found, and the expectation.

    Parameters
    ----------
    document
        Result of ``json.loads``: dictionaries with text as keys, lists, text, numbers, True, False and None.
    schema
        The schema, or a part of it.
    root
        Target of references (``$ref``); by default `schema`.
    where
        Place of the document in a larger one, as in ``"target[1].range"``.

    Raises
    ------
    NotImplementedError
        If the schema has a keyword that this module does not support.

    Examples
    --------
    >>> list(problems({"n": 0}, {"properties": {"n": {"type": "integer", "minimum": 1}}}))
    ['n is 0, expected at least 1']
    """
    if isinstance(schema, bool):
        if not schema:
            yield f"{where} does not belong there"
        return
    for keyword, value in schema.items():
        if keyword in _IGNORED:
            continue
        if keyword not in _KEYWORDS:
            raise NotImplementedError(f"the keyword {keyword!r} of JSON Schema is not supported")
        yield from _KEYWORDS[keyword](document, value, schema, schema if root is None else root, where)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: _is_number(value),
    "integer": lambda value: _is_number(value) and value % 1 == 0,
    "null": lambda value: value is None,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(one: Any, other: Any) -> bool:
    """Equality in JSON, where true differs from 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _found(document: Any, where: str, expected: str) -> str:
    text = repr(document)
    text = text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
    return f"{where or 'the document'} is {text}, expected {expected}"


def _plain(choice: Any) -> str:
    return choice if isinstance(choice, str) and choice else json.dumps(choice)


def _inside(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _ref(document: Any, value: str, schema: Any, root: Any, where: str) -> Iterator[str]:
    target = root
    for part in value.removeprefix("#/").split("/"):
        target = target[part]
    yield from problems(document, target, root, where)


def _type(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    kinds = [value] if isinstance(value, str) else value
    if not any(_TYPES[kind](document) for kind in kinds):
        article = "an" if kinds[0][0] in "aio" else "a"
        yield _found(document, where, f"{article} {' or '.join(kinds)}")


def _enum(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if not any(_equal(document, choice) for choice in value):
        yield _found(document, where, f"one of {', '.join(map(_plain, value))}")


def _const(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if not _equal(document, value):
        yield _found(document, where, repr(value))


def _minimum(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if _is_number(document) and not document >= value:
        yield _found(document, where, f"at least {value}")


def _maximum(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if _is_number(document) and not document <= value:
        yield _found(document, where, f"at most {value}")


def _min_length(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if isinstance(document, str) and len(document) < value:
        yield _found(document, where, f"at least {value} characters")


def _pattern(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if isinstance(document, str) and re.search(value, document) is None:
        yield _found(document, where, f"text that matches {value}")


def _min_items(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if isinstance(document, list) and len(document) < value:
        yield _found(document, where, f"at least {value} entries")


def _max_items(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if isinstance(document, list) and len(document) > value:
        yield _found(document, where, f"at most {value} entries")


def _items(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if isinstance(document, list):
        for index, item in enumerate(document):
            yield from problems(item, value, root, f"{where}[{index}]")


def _prefix_items(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if isinstance(document, list):
        for index, (item, part) in enumerate(zip(document, value, strict=False)):
            yield from problems(item, part, root, f"{where}[{index}]")


def _required(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if isinstance(document, Mapping):
        yield from (f"{_inside(where, key)} is missing" for key in value if key not in document)


def _properties(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if isinstance(document, Mapping):
        for key, part in value.items():
            if key in document:
                yield from problems(document[key], part, root, _inside(where, key))


def _additional_properties(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    if value is not False:
        raise NotImplementedError("the keyword 'additionalProperties' of JSON Schema is only supported with false")
    if isinstance(document, Mapping):
        yield from (f"{_inside(where, str(key))} is unknown" for key in document if key not in schema["properties"])


def _all_of(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    for part in value:
        yield from problems(document, part, root, where)


def _if(document: Any, value: Any, schema: Any, root: Any, where: str) -> Iterator[str]:
    fits = next(problems(document, value, root, where), None) is None
    branch = schema.get("then" if fits else "else", True)
    reason = branch.get("$comment") if isinstance(branch, Mapping) else None
    for problem in problems(document, branch, root, where):
        yield f"{problem} ({reason})" if reason else problem


_KEYWORDS: dict[str, Callable[[Any, Any, Any, Any, str], Iterator[str]]] = {
    "$ref": _ref,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
    "pattern": _pattern,
    "minItems": _min_items,
    "maxItems": _max_items,
    "items": _items,
    "prefixItems": _prefix_items,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional_properties,
    "allOf": _all_of,
    "if": _if,
}
