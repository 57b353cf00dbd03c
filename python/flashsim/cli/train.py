"""``flashsim train`` and ``flashsim export``: from files of pairs to a flow."""

from __future__ import annotations

from importlib.resources import files as package_files
from pathlib import Path
from typing import Annotated

import typer

from .errors import user_errors

__all__ = ["export", "train"]


def train(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CONFIG.toml", help="Recipe; without one, that of the shipped flow.", show_default=False
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="A.root B.root ...", help="Files with GEN and RECO objects.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="Checkpoint to write; history and loss plot go beside it.")] = Path(
        "checkpoint.pt"
    ),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="what torch takes")] = None,
) -> None:
    """Train a flow by flow matching: `flashsim train CONFIG.toml --data a.root b.root`.

    Needs `pip install "flashsim[train]"`.
    """
    # An option takes one value: what follows the first file after --data arrives as an argument.
    recipes = [file for file in files or [] if file.suffix == ".toml"]
    samples = [*(data or []), *(file for file in files or [] if file.suffix != ".toml")]
    with user_errors():
        if len(recipes) > 1:
            raise ValueError(f"one recipe is needed, not {len(recipes)}: {', '.join(map(str, recipes))}.")
        if not samples:
            raise ValueError("no data to train on: name one or more ROOT files after --data.")
        from ..training import load_config
        from ..training import train as run

        recipe = recipes[0] if recipes else Path(str(package_files("flashsim.training") / "jets.toml"))
        flow = run(load_config(recipe), samples, out, resume=resume, threads=threads)
    typer.echo(f"{out}: flow '{flow.config.name}'. Next: flashsim export {out} {flow.config.name}.onnx")


def export(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint written by `flashsim train`.", show_default=False)],
    flow: Annotated[Path, typer.Argument(metavar="FLOW.onnx", help="File to write.", show_default=False)],
    solver: Annotated[
        str | None,
        typer.Option(help="euler (one network evaluation a step) or midpoint (two).", show_default="recipe's"),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps unless the flow's user says otherwise.", show_default="recipe's")
    ] = None,
) -> None:
    """Write the trained flow of a checkpoint as one ONNX file. Needs `pip install "flashsim[train]"`."""
    with user_errors():
        from ..training import export_flow

        export_flow(checkpoint, flow, solver=solver, default_steps=steps)
    typer.echo(f"{flow} written. Look at it: flashsim info {flow}")
