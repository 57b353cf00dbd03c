"""``flashsim export``: from a checkpoint to a flow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .errors import user_errors
from .outputs import Overwrite, check_outputs

__all__ = ["export"]


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint written by `flashsim train`.", show_default=False)],
    flow: Annotated[Path, typer.Argument(metavar="FLOW.onnx", help="File to write.", show_default=False)],
    solver: Annotated[
        str | None,
        typer.Option(
            help="euler, midpoint, heun or rk4: 1, 2, 2, 4 network evaluations a step.", show_default="recipe's"
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Default number of steps.", show_default="recipe's")] = None,
    grid: Annotated[
        str | None,
        typer.Option(metavar="0,0.7,0.9,1", help="Times at equal fractions of the steps.", show_default="recipe's"),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the trained flow of a checkpoint as one ONNX file.

    The options are for continuous flows; others sample in one shot. Needs `pip install "flashsim[train]"`.
    """
    with user_errors():
        times = None if grid is None else _times(grid)
        check_outputs([flow], [checkpoint], overwrite=overwrite)
        from ..training import export_flow

        export_flow(checkpoint, flow, solver=solver, default_steps=steps, grid=times)
    typer.echo(f"{flow} written. Next: flashsim info {flow}")


def _times(text: str) -> list[float]:
    try:
        return [float(time) for time in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--grid {text}: expected numbers from 0 to 1 with commas between, as in 0,0.7,0.9,1."
        ) from None
