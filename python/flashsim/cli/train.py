"""``flashsim train``: from files of pairs to a checkpoint."""

from __future__ import annotations

from importlib.resources import files as package_files
from pathlib import Path
from typing import Annotated

import typer

from .errors import user_errors
from .outputs import check_outputs

__all__ = ["shipped_recipe", "train"]


def shipped_recipe() -> Path:
    """The recipe of the shipped flow: the default."""
    return Path(str(package_files("flashsim.recipes") / "jets.toml"))


_INTERRUPTED = 130  # as shells report Ctrl-C


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
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the checkpoint, bit for bit.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start over and replace the checkpoint.")] = False,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Epochs, also of a checkpoint that was planned for fewer.", show_default="recipe's"),
    ] = None,
    device: Annotated[
        str, typer.Option(help="auto (a CUDA GPU if there is one, else the CPU), cpu, cuda, cuda:N or mps.")
    ] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="torch's own")] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Keep the pairs here, for data larger than the memory.", show_default="in memory"
        ),
    ] = None,
) -> None:
    """Train a flow: `flashsim train CONFIG.toml --data a.root b.root`.

    The checkpoint keeps the epoch with the lowest validation loss, for the export, and the state that `--resume`
    continues from, with the bits of an uninterrupted training. Needs `pip install "flashsim[train]"`.
    """
    # An option takes one value: further files after --data arrive as arguments.
    recipes = [file for file in files or [] if file.suffix == ".toml"]
    samples = [*(data or []), *(file for file in files or [] if file.suffix != ".toml")]
    try:
        with user_errors():
            if len(recipes) > 1:
                raise ValueError(f"expected one recipe, found {len(recipes)}: {', '.join(map(str, recipes))}.")
            if not samples:
                raise ValueError("no data to train on: name one or more ROOT files after --data.")
            from ..training import load_config, written_files
            from ..training import train as run

            check_outputs(
                written_files(out),
                [*samples, *recipes],
                overwrite=overwrite or resume,
                remedy="Continue from it with --resume, or start over with --overwrite.",
            )
            recipe = recipes[0] if recipes else shipped_recipe()
            flow = run(
                load_config(recipe),
                samples,
                out,
                resume=resume,
                overwrite=overwrite,
                epochs=epochs,
                device=device,
                threads=threads,
                store=store,
            )
    except KeyboardInterrupt:
        typer.echo(f"interrupted. If {out} exists, --resume continues from it.", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    typer.echo(f"{out}: flow '{flow.config.name}'. Next: flashsim export {out} {flow.config.name}.onnx")
