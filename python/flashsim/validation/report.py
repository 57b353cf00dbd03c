"""The HTML report: one file with tables and pictures that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from .metric import DEVIATIONS, FAMILIES, Metric
from .pictures import draw_pictures
from .result import Validation

__all__ = ["write_report"]

_TEMPLATE = "report.html.j2"
_SAME_SIZE = 1.1  # up to this ratio of rows


def write_report(validations: Validation | Sequence[Validation], path: str | Path, title: str | None = None) -> None:
    """Writes one self-contained HTML file: provenance, metrics beside their floors, and pictures with captions.

    With several validations (other samples, or other flows) a table at the top compares them with the first.

    Parameters
    ----------
    validations
        One or more. Those read from JSON have tables but no pictures.
    path
        File to write.
    title
        Of the page; by default made of the flow's name.

    Raises
    ------
    ValueError
        If there is no validation.

    Examples
    --------
    >>> from flashsim.validation import validate, write_report
    >>> samples = {"ttbar": "ttbar.root", "QCD": "qcd.root"}
    >>> found = [validate("jets", file, label=label) for label, file in samples.items()]  # doctest: +SKIP
    >>> write_report(found, "report.html")  # doctest: +SKIP
    """
    chosen = [validations] if isinstance(validations, Validation) else list(validations)
    if not chosen:
        raise ValueError("no validation to report.")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"number": _number, "limit": lambda value: f"{value:g}"}
    template = environment.from_string(files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8"))
    names = list(dict.fromkeys(f"'{validation.flow['name']}'" for validation in chosen))
    page = template.render(
        title=title or f"Validation of the flow {', '.join(names)}",
        sections=[_section(index, validation) for index, validation in enumerate(chosen)],
        comparison=_comparison(chosen) if len(chosen) > 1 else None,
        families=FAMILIES,
        deviations=DEVIATIONS,
    )
    Path(path).write_text(page, encoding="utf-8")


def _section(index: int, validation: Validation) -> dict[str, Any]:
    by_variable: dict[str, dict[str, Metric]] = {}
    for metric in validation.metrics.values():
        if metric.family in ("wasserstein", "ks"):
            by_variable.setdefault(metric.variable, {})[metric.family] = metric
    pictures = [] if validation.samples is None else draw_pictures(validation)
    return {
        "anchor": f"sample{index}",
        "name": _name(index, validation),
        "validation": validation,
        "overall": [metric for metric in validation.metrics.values() if metric.family not in ("wasserstein", "ks")],
        "by_variable": by_variable,
        "hint": _hint(validation),
        "pictures": [
            {
                "title": picture.title,
                "caption": picture.caption,
                "source": "data:image/png;base64," + base64.b64encode(picture.png).decode("ascii"),
            }
            for picture in pictures
        ],
    }


def _hint(validation: Validation) -> str:
    """Variables that the classifier used, where it found a difference."""
    if validation.metrics["c2st"].at_floor or not validation.importance:
        return ""
    best = list(validation.importance.items())[:3]
    return ", ".join(f"{name} ({importance:.4f})" for name, importance in best)


def _comparison(validations: Sequence[Validation]) -> dict[str, Any]:
    """Each metric in each sample, with its ratio to the first sample where that is not centred at zero."""
    names = list(dict.fromkeys(name for validation in validations for name in validation.metrics))
    rows = []
    for name in names:
        metrics = [validation.metrics.get(name) for validation in validations]
        first = metrics[0]
        ratios = [
            metric.value / first.value if metric is not None and first is not None and first.value > 0 else None
            for metric in metrics
        ]
        rows.append({"name": name, "metrics": metrics, "ratios": ratios})
    sizes = [validation.rows for validation in validations]
    return {
        "names": [_name(index, validation) for index, validation in enumerate(validations)],
        "rows": rows,
        "unequal": max(sizes) > _SAME_SIZE * min(sizes),
        "smallest": min(sizes),
    }


def _name(index: int, validation: Validation) -> str:
    return validation.label or (f"sample {index + 1}" if index else "sample")


def _number(value: float) -> str:
    """Four decimals, or four digits of a large number."""
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"
