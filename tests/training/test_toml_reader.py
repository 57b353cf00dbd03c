"""The reader of TOML files: each kind of field, and the errors of wrong files."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytest

from flashsim.toml_reader import ConfigError, Named, Tag, read_table, read_toml


@dataclass(frozen=True)
class Constant:
    value: float
    kind: str = "constant"


@dataclass(frozen=True)
class Network:
    hidden: tuple[int, ...]
    kind: str = "network"


@dataclass(frozen=True)
class Window:
    low: float
    high: float = 1.0


Model = Constant | Network


@dataclass(frozen=True)
class Source:
    name: str
    model: Annotated[Model, Tag("kind")]
    fallbacks: tuple[Annotated[Model, Tag("kind")], ...] = ()
    efficiency: float | str | Window | None = 1.0
    match: Window | tuple[int, ...] = ()
    steps: tuple[Annotated[dict[str, Any], Named("op")], ...] = ()
    context: dict[str, str] = field(default_factory=dict)
    cuts: dict[str, Window] = field(default_factory=dict)
    edges: tuple[tuple[float, float], ...] = ()
    mixed: tuple[str, int] = ("", 0)
    maximum: int = 0
    is_sorted: bool = False


@dataclass(frozen=True)
class Document:
    source: tuple[Source, ...]


TEXT = """
[[source]]
name = "electron"
model = { value = 1 }
maximum = 3
is_sorted = true
edges = [[0, 1], [1, 2.5]]
mixed = ["a", 2]
efficiency = "mlp"
match = [1, 2]
steps = ["log", { op = "saturate", at = 3 }]
context = { pt = "GenPart_pt" }
cuts = { pt = { low = 20 } }

[[source]]
name = "jet"
efficiency = { low = 0 }
match = { low = 0.3 }
fallbacks = [{ kind = "constant", value = 2.5 }, { kind = "network", hidden = [] }]

[source.model]
kind = "network"
hidden = [8, 8]
"""

FIRST = Source(
    name="electron",
    model=Constant(1.0),
    maximum=3,
    is_sorted=True,
    edges=((0.0, 1.0), (1.0, 2.5)),
    mixed=("a", 2),
    efficiency="mlp",
    match=(1, 2),
    steps=({"op": "log"}, {"op": "saturate", "at": 3}),
    context={"pt": "GenPart_pt"},
    cuts={"pt": Window(20.0)},
)
SECOND = Source(
    name="jet",
    model=Network((8, 8)),
    efficiency=Window(0.0),
    match=Window(0.3),
    fallbacks=(Constant(2.5), Network(())),
)


def test_every_kind_of_field(tmp_path: Path) -> None:
    path = tmp_path / "detector.toml"
    path.write_text(TEXT)
    found = read_toml(Document, path)
    assert found == Document((FIRST, SECOND))
    assert isinstance(found.source[0].model.value, float)
    assert [type(edge) for pair in found.source[0].edges for edge in pair] == [float] * 4


def read(**changes: object) -> Source:
    return read_table(Source, {"name": "jet", "model": {"value": 1}, **changes}, "file.toml: source[1]")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nmae": 1}, "unknown key 'nmae'; did you mean 'name'?"),
        ({"MAXIMUM": 1}, "unknown key 'MAXIMUM'; did you mean 'maximum'?"),
        ({"zzz": 1}, "unknown key 'zzz'; known are context, cuts, edges, efficiency, fallbacks, is_sorted, match"),
        ({"name": 3}, "name: expected str, found 3"),
        ({"maximum": 2.0}, "maximum: expected int, found 2.0"),
        ({"maximum": True}, "maximum: expected int, found True"),
        ({"is_sorted": 1}, "is_sorted: expected bool, found 1"),
        ({"model": "network"}, "model: expected a table of keys, found 'network'"),
        ({"model": {"kind": "netwokr"}}, "model: kind: unknown kind 'netwokr'; did you mean 'network'?"),
        ({"model": {"kind": 3}}, "model: kind: unknown kind 3; known are constant, network"),
        ({"model": {"kind": "network"}}, "model: missing key 'hidden'"),
        ({"model": {"hidden": [1]}}, "model: unknown key 'hidden'; known are kind, value"),
        ({"model": {"kind": "network", "hidden": [1, "2"]}}, "model: hidden[1]: expected int, found '2'"),
        ({"model": {"value": True}}, "model: value: expected float, found True"),
        ({"fallbacks": [{"value": 1}, {"kind": "x"}]}, "fallbacks[1]: kind: unknown kind 'x'; known are constant"),
        ({"fallbacks": {"value": 1}}, "fallbacks: expected a list, found {'value': 1}"),
        ({"efficiency": [1]}, "efficiency: expected float or str or a table of keys or nothing, found [1]"),
        ({"efficiency": True}, "efficiency: expected float or str or a table of keys or nothing, found True"),
        ({"efficiency": {"lwo": 1}}, "efficiency: unknown key 'lwo'; did you mean 'low'?"),
        ({"match": 3}, "match: expected a table of keys or a list, found 3"),
        ({"match": [1, 2.5]}, "match[1]: expected int, found 2.5"),
        ({"steps": [3]}, 'steps[0]: expected "name" or {op = "name", …}, found 3'),
        ({"steps": ["a", {"to": "pt"}]}, "steps[1]: expected \"name\" or {op = \"name\", …}, found {'to': 'pt'}"),
        ({"context": {"pt": 3}}, "context: pt: expected str, found 3"),
        ({"context": ["pt"]}, "context: expected a table of keys, found ['pt']"),
        ({"cuts": {"pt": {"high": 3}}}, "cuts: pt: missing key 'low'"),
        ({"edges": [[0, 1], [2]]}, "edges[1]: expected 2 values, found 1"),
        ({"edges": [[0, 1], [2, "3"]]}, "edges[1][1]: expected float, found '3'"),
        ({"edges": [0, 1]}, "edges[0]: expected a list, found 0"),
        ({"mixed": ["a", "b"]}, "mixed[1]: expected int, found 'b'"),
    ],
)
def test_errors_say_where_and_what(changes: dict, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(**changes)
    assert str(error.value).startswith(f"file.toml: source[1]: {message}")


def test_missing_keys_and_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^here: missing key 'model'$"):
        read_table(Source, {"name": "jet"}, "here")
    with pytest.raises(ConfigError, match=r"^here: expected a table of keys, found \[\]$"):
        read_table(Source, [], "here")
    with pytest.raises(FileNotFoundError):
        read_toml(Document, tmp_path / "absent.toml")
    path = tmp_path / "broken.toml"
    path.write_text("a = 1\na = 2")
    with pytest.raises(ConfigError, match=r"broken.toml: not a TOML file: "):
        read_toml(Document, path)


def test_nothing_where_it_is_allowed() -> None:
    assert read(efficiency=None).efficiency is None
    assert read(efficiency=1).efficiency == 1.0
    with pytest.raises(ConfigError, match="name: expected str, found None"):
        read(name=None)


def test_a_table_is_not_changed() -> None:
    document = {"name": "jet", "model": {"value": 1}, "steps": [{"op": "log"}]}
    read_table(Source, document, "here").steps[0]["op"] = "other"
    assert document == {"name": "jet", "model": {"value": 1}, "steps": [{"op": "log"}]}


@dataclass
class Unreadable:
    values: set[int] = field(default_factory=set)


@dataclass
class Ambiguous:
    model: Annotated[Constant | Window, Tag("kind")] = field(default_factory=lambda: Constant(1.0))


def test_dataclasses_that_cannot_be_read() -> None:
    with pytest.raises(TypeError, match=r"here: values: fields annotated as set\[int\] cannot be read"):
        read_table(Unreadable, {"values": [1]}, "here")
    with pytest.raises(TypeError, match="here: model: the defaults of 'kind' do not tell Constant, Window apart"):
        read_table(Ambiguous, {"model": {}}, "here")


def test_neither_torch_nor_training_is_needed() -> None:
    program = "import sys, flashsim.toml_reader; print([n for n in sys.modules if 'torch' in n or 'training' in n])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "[]\n"
