"""``flashsim info``: what a flow takes, what it gives and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .errors import user_errors

if TYPE_CHECKING:
    from ..flows.flow import Flow, Variable

__all__ = ["info"]

_NO_CHECKSUM = "none: damage to the file would go unnoticed; flashsim stamp writes one"

_ROWS = {
    "same bits": "yes: the same bits in any batch, in the rows that were compared",
    "last bits": "but for the last bits: RECO events do not repeat bit for bit when blocks or threads change",
}

_LONGEST_VALUE = 300  # characters of an entry of the provenance


def info(
    flow: Annotated[str, typer.Argument(metavar="FLOW.onnx", help="ONNX file, or a shipped flow such as jets.")],
) -> None:
    """Print the contract of a flow: its variables, how it samples, and how it was trained."""
    with user_errors():
        from ..flows.flow import Flow

        opened = Flow(flow)
    try:
        rows, problem = _ROWS[opened.check_rows()], None
    except RuntimeError as error:
        rows, problem = "no: see the error below", error
    console = Console()
    console.print(_summary(opened, rows))
    console.print(_variables(f"context: columns {opened.source}_<name>", opened.context))
    console.print(_variables(f"target: columns {opened.collection}_<name>", opened.target))
    console.print(_provenance(opened.metadata.get("training", {})))
    if problem is not None:
        with user_errors():
            raise problem


def _summary(flow: Flow, rows: str) -> Table:
    sampling = "one shot" if flow.solver is None else f"{flow.solver} solver, {flow.default_steps} steps by default"
    grid = flow.metadata.get("grid", [0, 1])
    if len(grid) > 2:
        sampling += f", times {', '.join(f'{time:.3g}' for time in grid)}"
    order = f", sorted by {flow.sort_by}, descending" if flow.sort_by else ""
    return _pairs(
        f"flow '{flow.name}'",
        {
            "file": flow.path,
            "makes": f"{flow.collection} from {flow.source}{order}",
            "sampling": sampling,
            "noise dimension": flow.noise_dimension,
            **({"weights in": ", ".join(flow.data_files)} if flow.data_files else {}),
            "checksum": f"fits: SHA-256 {flow.checksum[:12]}…" if flow.checksum else _NO_CHECKSUM,
            "independent rows": rows,
        },
    )


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
    return _pairs("training", entries or {"": "The flow does not say."})


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
