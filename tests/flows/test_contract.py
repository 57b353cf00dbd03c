"""The published schema, the reader in C++ and the one in Python give the same verdict on any document."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import ROOT

import flashsim
import tiny_flows
import tiny_models
from flashsim.flows import contract
from flashsim.flows.schema import problems

jsonschema = pytest.importorskip("jsonschema")

TINY, LARGEST = 5e-324, 1.7976931348623157e308

VALUES = [
    None, True, False, -1, 0, 1, 2, 3, 2.0, 2.5, 32767, 32768, 1000000, 1000001, 2**64, 10**400, 1e300, TINY, "", "a",
    "é", "Jet", "J t", "0J", "Jet\n", "_", "sha256:" + "0" * 64, "sha256:" + "A" * 64, "sha256:" + "0" * 64 + "\n",
    [], {}, [[]], [0, 1], [0, 0.5, 1], [0, 0.5, 0.5, 1], [0, 0.5], [0.1, 1], [0, True], [0, 2, 1], ["a"], [None],
    {"a": [1, {"b": None}]}, "flow", "efficiency", "multiplicity", "object", "event",
    "float32", "float16", "bool", "uint64",
]  # fmt: skip
"""Values for each field of a document, in turn."""

RANGES = [
    [0, 0], [1, 0], [0, 1], [0.0, 1.0], [-LARGEST, LARGEST], [0, 10**400], [True, 2], [0], [0, 1, 2], [0, None],
    [0, "1"], "0 1", [2**63, 2**64], [-TINY, TINY], [0, -0.0],
]  # fmt: skip


def continuous() -> dict:
    """A document of schema 1 in which all that is optional is there."""
    solving = {"default_steps": 3, "solver": "euler", "grid": [0, 0.7, 1]}
    return tiny_flows.smearing_metadata() | solving | {"checksum": "sha256:" + "12" * 32}


def bases() -> dict[str, dict]:
    """Valid documents of all kinds and levels."""
    flow = tiny_flows.smearing_metadata() | {"schema": 2, "kind": "flow", "level": "object"}
    return {
        "schema 1": tiny_flows.smearing_metadata(),
        "schema 1, continuous": continuous(),
        "flow": flow,
        "flow, nothing optional": {
            key: flow[key] for key in ("name", "collection", "source", "context", "target", "noise_dimension")
        }
        | {"schema": 2},
        "continuous flow": continuous() | {"schema": 2, "kind": "flow"},
        "flow of events": tiny_models.event_metadata(),
        "flow of events with a source": tiny_models.event_metadata() | {"source": "GenMET", "sort_by": None},
        "efficiency": tiny_models.efficiency_metadata() | {"noise_dimension": 0},
        "efficiency of events": tiny_models.efficiency_metadata() | {"level": "event"},
        "multiplicity": tiny_models.multiplicity_metadata() | {"level": "object"},
        "multiplicity of events": {
            key: value for key, value in tiny_models.multiplicity_metadata().items() if key != "source"
        }
        | {"level": "event"},
    }


FIELDS = list(contract.schema()["properties"])


def variants(document: dict) -> Iterator[dict]:
    """The document with each field absent, set to each of the values, or accompanied by an unknown one."""
    yield document
    yield document | {"sortBy": "pt"}
    for field in FIELDS:
        if field in document:
            yield {key: value for key, value in document.items() if key != field}
        yield from (document | {field: value} for value in VALUES)
    for kind in ("context", "target"):
        for changed in _variables(document.get(kind, [])):
            yield document | {kind: changed}


def _variables(variables: list[dict]) -> Iterator[list]:
    if not variables:
        return
    first, *others = variables
    for field in first:
        yield [{key: value for key, value in first.items() if key != field}, *others]
        yield from ([first | {field: value}, *others] for value in (RANGES if field == "range" else VALUES))
    yield [first | {"title": "unknown"}, *others]
    yield [first, first]
    yield [*variables, 1]


def is_ascending(document: dict) -> bool:
    """Rules beyond a JSON schema, see the description of ours; for documents that fit the schema."""
    for kind in ("context", "target"):
        variables = document.get(kind, [])
        names = [variable["name"] for variable in variables]
        if len(set(names)) < len(names) or any(v["range"][0] > v["range"][1] for v in variables):
            return False
    grid = document.get("grid", [0, 1])
    targets = [variable["name"] for variable in document.get("target", [])]
    return (
        document.get("sort_by") in (None, "", *targets) and sorted(set(grid)) == grid and (grid[0], grid[-1]) == (0, 1)
    )


@pytest.fixture(scope="module")
def read_in_cpp():
    """Reads many documents at once; the first words of the error of each, or nothing."""
    flashsim._library.cpp()
    ROOT.gInterpreter.Declare(
        """
        namespace FlashSimTest {
        std::vector<std::string> ReadContracts(const std::vector<std::string> &documents)
        {
           std::vector<std::string> errors;
           for (const auto &document : documents) {
              errors.emplace_back();
              try {
                 FlashSim::FlowContract::FromJson(document, "test.onnx");
              } catch (const std::runtime_error &error) {
                 errors.back() = error.what();
              }
           }
           return errors;
        }
        }
        """
    )
    return lambda documents: [str(error) for error in ROOT.FlashSimTest.ReadContracts(documents)]


def read_in_python(document: Any) -> str:
    try:
        contract.check_metadata(document)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", bases())
def test_three_readers_agree(read_in_cpp, name):
    documents = list(variants(bases()[name]))
    validator = jsonschema.Draft202012Validator(contract.schema())
    expected = [validator.is_valid(document) and is_ascending(document) for document in documents]
    assert expected[0]
    assert 0 < sum(expected) < len(documents) / 2
    cpp = read_in_cpp([json.dumps(document) for document in documents])
    for document, valid, error in zip(documents, expected, cpp, strict=True):
        assert (error == "") == valid, (document, error)
        assert (read_in_python(document) == "") == valid, (document, read_in_python(document))
        if not valid:
            assert error.startswith("FlashSim: model 'test.onnx'"), error


@pytest.mark.parametrize("name", bases())
def test_our_validator_finds_what_jsonschema_finds(name):
    validator = jsonschema.Draft202012Validator(contract.schema())
    for document in variants(bases()[name]):
        assert (next(problems(document, contract.schema()), None) is None) == validator.is_valid(document), document


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(contract.schema())
    for document in bases().values():
        jsonschema.validate(document, contract.schema())


def test_types_are_those_of_cpp():
    cpp = flashsim._library.cpp()
    assert [str(cpp.GetName(getattr(cpp.EValueType, f"k{name}"))) for name in (
        "Float32", "Float64", "Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Bool"
    )] == list(contract.DTYPES)  # fmt: skip
    assert str(cpp.ListValueTypes()) == ", ".join(contract.DTYPES)


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "NaN", '{"schema": NaN}', '{"schema": 1e999}', "[" * 40 + "]" * 40, "[" * 100000]
)
def test_texts_that_are_no_documents(read_in_cpp, text):
    assert read_in_cpp([text])[0].startswith("FlashSim: model 'test.onnx'")
    with pytest.raises(ValueError, match="metadata: "):
        contract.read_metadata(text)


@pytest.mark.parametrize(("levels", "fine"), [(30, True), (31, True), (32, False), (2000, False)])
def test_nesting_has_a_limit(read_in_cpp, levels, fine):
    nested: Any = 0
    text = json.dumps(tiny_flows.smearing_metadata() | {"training": {"deep": nested}})
    text = text.replace('"deep": 0', '"deep": ' + "[" * (levels - 1) + "0" + "]" * (levels - 1))
    assert (read_in_cpp([text])[0] == "") == fine
    if fine:
        assert contract.read_metadata(text)["name"] == "tiny"
    else:
        with pytest.raises(ValueError, match="metadata: "):
            contract.read_metadata(text)


@pytest.mark.parametrize(
    ("base", "change", "message"),
    [
        ("flow", {"schema": 3}, "schema is 3, expected one of 1, 2; a newer version of FlashSim may read it"),
        ("flow", {"sortBy": "pt"}, "sortBy is unknown"),
        ("flow", {"sort_by": "mass"}, "sort_by is 'mass', expected the name of a target"),
        ("flow", {"noise_dimension": 0}, r"noise_dimension is 0, expected at least 1 \(of a flow\)"),
        ("flow", {"solver": "euler"}, r"solver does not belong there \(it goes together with default_steps\)"),
        ("flow", {"maximum": 3}, r"maximum does not belong there \(only a multiplicity has it\)"),
        ("schema 1", {"kind": "flow"}, r"kind does not belong there \(it is of schema 2\)"),
        ("efficiency", {"target": []}, r"target does not belong there|target is \[\]"),
        ("continuous flow", {"grid": [0, 0.5]}, r"grid is \[0, 0.5\], expected ascending times from 0 to 1"),
        (
            "flow of events",
            {"sort_by": "pt"},
            'sort_by is .pt., expected one of null, "" .a row is an event: there is nothing to sort',
        ),
    ],
)
def test_messages_name_field_value_and_expectation(base, change, message):
    with pytest.raises(ValueError, match=f"metadata: ({message})"):
        contract.check_metadata(bases()[base] | change)


def test_messages_name_the_variable():
    document = copy.deepcopy(bases()["flow"])
    document["target"][1]["dtype"] = "float16"
    with pytest.raises(ValueError, match=r"metadata: target\[1\].dtype is 'float16', expected one of float32, float64"):
        contract.check_metadata(document)


def test_unknown_keywords_of_a_schema_are_not_passed_over():
    with pytest.raises(NotImplementedError, match="'multipleOf'"):
        list(problems(4, {"multipleOf": 3}))
    with pytest.raises(NotImplementedError, match="additionalProperties"):
        list(problems({}, {"additionalProperties": {"type": "string"}}))


def test_columns_of_the_context():
    assert contract.context_columns(tiny_flows.smearing_metadata()) == ["GenJet_pt", "GenJet_eta"]
    assert contract.context_columns(tiny_models.event_metadata()) == ["pt", "eta"]
    cpp = flashsim._library.cpp()
    read = cpp.FlowContract.FromJson
    assert str(read(json.dumps(tiny_flows.smearing_metadata()), "").GetContextColumn("pt")) == "GenJet_pt"
    assert str(read(json.dumps(tiny_models.event_metadata()), "").GetContextColumn("pt")) == "pt"
