"""``flashsim info``: the variables of a flow, its sampling and its training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .errors import user_errors

if TYPE_CHECKING:
    from ..flows.flow import Flow
    from ..flows.model import Variable
    from ..flows.probability import ProbabilityModel

__all__ = ["info"]

_NO_CHECKSUM = "none: damage to the file is not noticed; flashsim stamp writes one"

_ROWS = {
    "same bits": "yes: the compared rows have the same bits in any batch",
    "last bits": "except for the last bits: other blocks or threads change the last bits of RECO events",
}

_LONGEST_VALUE = 300  # characters of an entry of the provenance


def info(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL.onnx", help="ONNX file of any kind of model, or a shipped flow such as jets."),
    ],
) -> None:
    """Print the contract of a flow, an efficiency or a multiplicity: its variables, and how it was trained."""
    with user_errors():
        from ..flows.flow import Flow
        from ..flows.opening import open_model

        opened = open_model(model)
    try:
        rows, problem = _ROWS[opened.check_rows()], None
    except RuntimeError as error:
        rows, problem = "no: see the error below", error
    purpose = _sampling(opened) if isinstance(opened, Flow) else _probabilities(opened)
    console = Console()
    console.print(_summary(opened, purpose, rows))
    start = f"{opened.source}_" if opened.source else ""
    console.print(_variables(f"context: columns {start}<name>", opened.context))
    if isinstance(opened, Flow):
        console.print(_variables(f"target: columns {opened.collection}_<name>", opened.target))
    console.print(_provenance(opened.metadata.get("training", {})))
    if problem is not None:
        with user_errors():
            raise problem


def _summary(opened: Flow | ProbabilityModel, purpose: Mapping[str, Any], rows: str) -> Table:
    return _pairs(
        f"{opened.kind} '{opened.name}'",
        {
            "file": opened.path,
            **purpose,
            **({"weights in": ", ".join(opened.data_files)} if opened.data_files else {}),
            "checksum": f"fits: SHA-256 {opened.checksum[:12]}…" if opened.checksum else _NO_CHECKSUM,
            "independent rows": rows,
        },
    )


def _sampling(flow: Flow) -> dict[str, Any]:
    sampling = "one shot" if flow.solver is None else f"{flow.solver} solver, {flow.default_steps} steps by default"
    grid = flow.metadata.get("grid", [0, 1])
    if len(grid) > 2:
        sampling += f", times {', '.join(f'{time:.3g}' for time in grid)}"
    order = f", sorted by {flow.sort_by}, descending" if flow.sort_by else ""
    return {
        "makes": f"{flow.collection} from {_source(flow)}{order}",
        "sampling": sampling,
        "noise dimension": flow.noise_dimension,
    }


def _probabilities(model: ProbabilityModel) -> dict[str, Any]:
    if model.maximum is None:
        return {"gives": f"the probability that {_source(model)} makes {model.collection}"}
    return {"gives": f"the probabilities that {_source(model)} makes 0 to {model.maximum} {model.collection}"}


def _source(opened: Flow | ProbabilityModel) -> str:
    """What a row stands for, in words."""
    if opened.level == "event":
        return "a GEN event (scalar columns)"
    return opened.source if opened.kind == "flow" else f"an object of {opened.source}"


def _variables(title: str, variables: Iterable[Variable]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in ("name", "unit", "dtype"):
        table.add_column(name)
    for name in ("from", "to"):
        table.add_column(name, justify="right")
    for variable in variables:
        low, high = (f"{limit:g}" for limit in variable.range)
        table.add_row(variable.name, variable.unit, variable.dtype, low, high)
    return table


def _provenance(training: Mapping[str, Any]) -> Table:
    entries = {name: value for name, value in training.items() if value and not isinstance(value, Mapping)}
    longer = [name for name, value in training.items() if value and isinstance(value, Mapping)]
    if longer:
        entries["more"] = f"{', '.join(longer)}: see flashsim.Flow(...).metadata['training']"
    return _pairs("training", entries or {"": "no information in the flow"})


def _pairs(title: str, entries: Mapping[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False, box=None)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in entries.items():
        table.add_row(Text(name), Text(_shorten(value)))
    return table


def _shorten(value: Any) -> str:
    if isinstance(value, list):
        text = ", ".join(map(str, value))
    elif isinstance(value, float):
        text = f"{value:.6g}"
    else:
        text = str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
