"""The option of all commands that write files."""

from __future__ import annotations

from typing import Annotated

import typer

from ..output_files import check_outputs

__all__ = ["Overwrite", "check_outputs"]

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]
