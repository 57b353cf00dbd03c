"""``flashsim generate``: events with Pythia 8."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .errors import user_errors

__all__ = ["generate"]


def generate(
    output: Annotated[Path, typer.Argument(help="ROOT file to write.", show_default=False)],
    process: Annotated[str, typer.Option(help="Hard process: ttbar, qcd, zjets or diboson.")] = "ttbar",
    events: Annotated[int, typer.Option(min=1, help="Number of events.")] = 1000,
    seed: Annotated[int, typer.Option(min=1, help="Another seed gives other events.")] = 1,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes.", show_default="one for each core")] = None,
) -> None:
    """Generate events with Pythia 8, with pseudo-reconstructed jets to train flows on.

    Proton-proton collisions at 13 TeV, anti-kt 0.4 jets. Needs `pip install "flashsim[generate]"`.
    """
    with user_errors():
        from ..generation import generate as produce

        made = produce(output, process=process, events=events, seed=seed, jobs=jobs)
    rate = made.events / made.seconds
    typer.echo(
        f"{made.path}: {made.events} {made.process} events, {made.jets} jets, "
        f"in {made.seconds:.0f} s ({rate:.0f} events/s)"
    )
