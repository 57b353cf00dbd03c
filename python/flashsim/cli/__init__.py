"""The command line: ``flashsim --help``."""

from __future__ import annotations

from typing import Annotated

import typer

from .._version import __version__
from .config import config
from .demo import demo
from .export import export
from .generate import generate
from .info import info
from .optimize_steps import optimize_steps
from .stamp import stamp
from .study import study
from .throughput import throughput
from .train import train
from .validate import validate

__all__ = ["app"]

app = typer.Typer(
    name="flashsim",
    help="Fast, machine-learned event simulation inside ROOT's RDataFrame.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

for _command in (demo, info, generate, train, export, optimize_steps, validate, stamp, throughput, config):
    app.command()(_command)
app.add_typer(study, name="study")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"flashsim {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
