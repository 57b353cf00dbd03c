"""``flashsim generate``: events with Pythia 8."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from .errors import user_errors
from .outputs import Overwrite, check_outputs

__all__ = ["generate"]


def generate(
    output: Annotated[Path, typer.Argument(help="ROOT file to write.", show_default=False)],
    process: Annotated[str, typer.Option(help="Hard process: ttbar, qcd, zjets or diboson.")] = "ttbar",
    events: Annotated[int | None, typer.Option(min=1, help="Number of events.", show_default="1000")] = None,
    jets: Annotated[
        int | None,
        typer.Option(min=1, help="Instead of --events: the least number of generated jets."),
    ] = None,
    seed: Annotated[int, typer.Option(min=1, help="Another seed gives other events.")] = 1,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes.", show_default="one for each core")] = None,
    resume: Annotated[bool, typer.Option(help="Continue from the parts of an interrupted production, if any.")] = True,
    overwrite: Overwrite = False,
) -> None:
    """Generate events with Pythia 8, with pseudo-reconstructed jets to train flows on.

    Proton-proton collisions at 13 TeV, anti-kt 0.4 jets. Needs `pip install "flashsim[generate]"`.

    The same arguments make the same file, byte for byte, with any number of jobs. Parts of 5000 events are kept in the
    folder OUTPUT.parts until the production is complete. After an interruption or a kill, the same command continues
    from these parts. Other arguments are then an error: complete the old production, remove the folder, or start over
    with --no-resume. An existing file is an error without --overwrite; with it, the file is replaced when the
    production is complete.
    """
    with user_errors(), _notes_shown(), _termination_as_exit():
        check_outputs([output], overwrite=overwrite)
        from ..generation import generate as produce

        made = produce(output, process=process, events=events, jets=jets, seed=seed, jobs=jobs, resume=resume)
    new = made.events - made.resumed_events
    resumed = f", {made.resumed_events} were there" if made.resumed_events else ""
    typer.echo(
        f"{made.path}: {made.events} {made.process} events, {made.jets} jets, "
        f"in {made.seconds:.0f} s ({new / made.seconds:.0f} events/s{resumed})"
    )


@contextmanager
def _notes_shown() -> Iterator[None]:
    """Prints the notes on an exception, Ctrl-C included: they say how to continue the production."""
    try:
        yield
    except BaseException as error:
        for note in getattr(error, "__notes__", ()):
            typer.echo(note, err=True)
        raise


@contextmanager
def _termination_as_exit() -> Iterator[None]:
    """Turns SIGTERM, which batch systems send at the end of the time, into an exception: workers end, files close."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
