"""``flashsim demo``: the whole chain in a minute."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from .errors import user_errors
from .outputs import Overwrite, check_outputs

if TYPE_CHECKING:
    from ..demo.run import Demo

__all__ = ["demo"]


def demo(
    output_dir: Annotated[Path, typer.Option(help="Folder for the histograms and the picture.")] = Path(),
    events: Annotated[
        int | None, typer.Option(min=1, help="GEN events.", show_default="all of the sample, 5000")
    ] = None,
    fold_size: Annotated[int, typer.Option(min=2, help="RECO events per GEN event.")] = 10,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads.", show_default="2, or 1 on one core")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other RECO events.")] = 1,
    overwrite: Overwrite = False,
) -> None:
    """Reconstruct the W boson in simulated top-quark pairs, once and many times per GEN event.

    Writes flashsim-demo.root (histograms) and flashsim-demo.png: the W peak from the sample's own jets (the target),
    from FlashSim, and from oversampled FlashSim with naive and with correct uncertainties.
    """
    with user_errors():
        from ..demo.run import output_files, run_demo

        check_outputs(
            output_files(output_dir),
            overwrite=overwrite,
            remedy="Choose another folder with --output-dir, or replace the files with --overwrite.",
        )
        found = run_demo(output_dir, events=events, fold_size=fold_size, threads=threads, seed=seed)
    console = Console(soft_wrap=True)
    console.print(_speed(found))
    console.print(_uncertainties(found))
    console.print(_worth(found), highlight=False)
    console.print(f"histograms: {found.file}\npicture:    {found.picture}", highlight=False, markup=False)


def _speed(found: Demo) -> Table:
    table = _table("time", ("GEN events", "RECO events", "seconds", "GEN/s", "RECO/s"))
    for stage in found.stages:
        if stage.reco_events == 0:
            table.add_row(stage.name, "", "", f"{stage.seconds:.1f}", "", "")
            continue
        rates = (f"{number / stage.seconds:.0f}" for number in (stage.gen_events, stage.reco_events))
        table.add_row(stage.name, str(stage.gen_events), str(stage.reco_events), f"{stage.seconds:.1f}", *rates)
    return table


def _uncertainties(found: Demo) -> Table:
    target, once, naive, often = (
        found.spectra[name].peak_error() for name in ("target", "one_to_one", "oversampled_naive", "oversampled")
    )
    table = _table("relative uncertainty in a bin of the W peak", ("average", "/ FlashSim ×1", "/ naive"))
    table.add_row("target", f"{target:.1%}", f"{target / once:.2f}", "")
    table.add_row("FlashSim ×1", f"{once:.1%}", "1.00", "")
    table.add_row(f"FlashSim ×{found.fold_size}, naive", f"{naive:.1%}", f"{naive / once:.2f}", "1.00")
    table.add_row(
        f"FlashSim ×{found.fold_size}, correct", f"{often:.1%}", f"{often / once:.2f}", f"{often / naive:.2f}"
    )
    return table


def _worth(found: Demo) -> str:
    once, naive, often = (
        found.spectra[name].peak_error() for name in ("one_to_one", "oversampled_naive", "oversampled")
    )
    return (
        f"{found.fold_size} RECO events per GEN event correspond to {(once / often) ** 2:.1f} times as many GEN events "
        f"here; naive uncertainties would correspond to {(once / naive) ** 2:.1f} times as many."
    )


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    return table
