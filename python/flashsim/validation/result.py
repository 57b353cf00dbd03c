"""Result of a validation, and its JSON document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from rich.table import Table

from .metric import Metric
from .samples import Samples
from .tagging import Tagger

__all__ = ["Validation", "read_json", "write_json"]

_SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Validation:
    """Metrics of a flow on one sample of pairs, and where they come from.

    Attributes
    ----------
    label
        Name of the sample; may be empty.
    flow
        Name, file, SHA-256, collection, source, solver, steps of the flow.
    training
        The flow's metadata on its training: numbers and texts, no nested documents.
    files
        Files of pairs.
    rows, events
        Usable rows, and events that they belong to.
    dropped
        Rows left out of the data, by reason.
    outside
        Number of samples outside the flow's declared range, which were clipped, by variable.
    seed
        Of noise, splits and classifier.
    metrics
        By name: ``"wasserstein/<variable>"``, ``"ks/<variable>"``, ``"frechet"``, ``"covariance"``, ``"abc/<score>"``,
        ``"c2st"``.
    importance
        Importance of the variables for the classifier, see `ClassifierTest`; largest first.
    taggers
        The taggers compared, each with the range of signal efficiencies.
    notes
        Omissions, with the reason.
    seconds
        Time of each stage.
    versions
        Of the packages.
    samples
        The rows themselves, to draw; not part of the document, so None after reading one.
    """

    label: str
    flow: dict[str, Any]
    training: dict[str, Any]
    files: list[str]
    rows: int
    events: int
    dropped: dict[str, int]
    outside: dict[str, int]
    seed: int
    metrics: dict[str, Metric]
    importance: dict[str, float]
    taggers: list[tuple[Tagger, tuple[float, float]]]
    notes: list[str]
    seconds: dict[str, float]
    versions: dict[str, str]
    samples: Samples | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """All but the rows, for JSON."""
        document = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "samples"}
        document["metrics"] = {
            name: metric.to_dict() | {"ratio": metric.ratio, "at_floor": metric.at_floor, "verdict": metric.verdict}
            for name, metric in self.metrics.items()
        }
        document["taggers"] = [
            {item.name: getattr(tagger, item.name) for item in fields(tagger)} | {"efficiencies": list(efficiencies)}
            for tagger, efficiencies in self.taggers
        ]
        return json.loads(json.dumps(document, allow_nan=False))

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Validation:
        """From the document that `to_dict` makes.

        Raises
        ------
        ValueError
            If an entry is missing; the message names it.
        """
        missing = [item.name for item in fields(cls) if item.name != "samples" and item.name not in document]
        if missing:
            raise ValueError(f"not a document of a validation: {', '.join(missing)} missing.")
        numbers = [item.name for item in fields(Metric) if item.name != "name"]
        entries = {item.name: document[item.name] for item in fields(cls) if item.name != "samples"}
        entries["metrics"] = {
            name: Metric(name, **{number: metric[number] for number in numbers})
            for name, metric in document["metrics"].items()
        }
        entries["taggers"] = [
            (Tagger(**{item.name: _frozen(entry[item.name]) for item in fields(Tagger)}), tuple(entry["efficiencies"]))
            for entry in document["taggers"]
        ]
        return cls(**entries)

    def table(self) -> Table:
        """The metrics, to print with rich."""
        title = " ".join(filter(None, (f"flow '{self.flow['name']}'", f"on {self.label}" if self.label else "")))
        table = Table(title=f"{title}: {self.rows} rows of {self.events} events", title_justify="left")
        table.add_column("metric", no_wrap=True)
        for name in ("value", "±", "noise floor", "±"):
            table.add_column(name, justify="right")
        table.add_column("verdict")
        family = ""
        for metric in self.metrics.values():
            if family and metric.family != family:
                table.add_section()
            family = metric.family
            numbers = (metric.value, metric.value_error, metric.floor, metric.floor_error)
            style = None if metric.at_floor else "bold"
            table.add_row(metric.name, *(f"{number:.5f}" for number in numbers), metric.verdict, style=style)
        return table


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def write_json(validations: Sequence[Validation], path: str | Path) -> None:
    """Writes one or more validations as one document: ``{"schema": 1, "validations": [...]}``."""
    document = {"schema": _SCHEMA, "validations": [validation.to_dict() for validation in validations]}
    Path(path).write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> list[Validation]:
    """Reads what `write_json` has written. The rows are not in it: reports made of it have no pictures.

    Raises
    ------
    ValueError
        If the file is not such a document.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        if document["schema"] != _SCHEMA:
            raise ValueError(f"schema {document['schema']}, expected {_SCHEMA}")
        return [Validation.from_dict(entry) for entry in document["validations"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a document of validations: {error}") from error
