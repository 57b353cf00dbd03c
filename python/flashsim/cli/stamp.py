"""``flashsim stamp``: a checksum for flows that other programs have written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .errors import user_errors

__all__ = ["stamp"]


def stamp(
    flows: Annotated[list[Path], typer.Argument(metavar="FLOW.onnx ...", help="Flows to change.", show_default=False)],
) -> None:
    """Write a checksum into the metadata of flows: damage to their files is then noticed.

    `flashsim export` and `optimize-steps` write it too. Weights and graph stay as they are. Needs `pip install
    "flashsim[validate]"`.
    """
    for flow in flows:
        with user_errors():
            from ..flows.file import stamp as run

            checksum = run(flow)
        typer.echo(f"{flow}: {checksum}")
