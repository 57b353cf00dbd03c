"""``flashsim optimize-steps``: the fewest evaluations of the network for converged samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .errors import user_errors
from .outputs import Overwrite, check_outputs

if TYPE_CHECKING:
    from ..steps.optimise import OptimalSteps
    from ..steps.trials import Trial

__all__ = ["optimize_steps"]

_NONE_PASSED = 1  # exit status


def optimize_steps(
    flow: Annotated[Path, typer.Argument(metavar="FLOW.onnx", help="A continuous flow.", show_default=False)],
    more: Annotated[list[Path] | None, typer.Argument(hidden=True)] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(metavar="A.root B.root ...", help="Files with GEN and RECO objects.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="NEW.onnx", help="File to write.", show_default="FLOW.onnx, if --overwrite is given"),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows of each of the two compared samples.")] = 50_000,
    tolerance: Annotated[float, typer.Option(help="Largest result of the classifier test.")] = 0.005,
    maximum: Annotated[int, typer.Option(min=1, help="Most evaluations of the network per sample.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Of noise, choice of rows and classifier.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of the network.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    plot: Annotated[Path | None, typer.Option(metavar="STEPS.png", help="Picture to draw.", show_default=False)] = None,
    overwrite: Overwrite = False,
) -> None:
    """Find the cheapest solver with converged samples, and make it the flow's default.

    `flashsim optimize-steps FLOW.onnx --data a.root b.root --out NEW.onnx`

    Needs `pip install "flashsim[validate]"`. Exits with 1, and writes nothing, if none is found.
    """
    console, progress = Console(soft_wrap=as_json), Console(stderr=True)
    # An option takes one value: further files after --data arrive as arguments.
    files = [*(data or []), *(more or [])]
    with user_errors():
        if not files:
            raise ValueError("no data: name one or more ROOT files with GEN and RECO objects after --data.")
        # The flow itself may be replaced: only its default solver and steps change.
        check_outputs(
            [flow if out is None else out, *([] if plot is None else [plot])],
            files,
            overwrite=overwrite,
            remedy="Choose another file with --out or --plot, or replace the file with --overwrite.",
        )
        if plot is not None:
            check_outputs([plot], [flow], overwrite=overwrite)
        from ..steps.optimise import optimize_steps as run

        with progress.status(Text("solving for the converged samples")) as status:

            def watch(trial: Trial) -> None:
                status.update(Text(f"{trial.candidate.evaluations} evaluations: c2st {_result(trial)}; trying more"))

            found = run(
                flow, files, out, rows=rows, seed=seed, tolerance=tolerance, maximum=maximum, threads=threads,
                watch=watch,
            )  # fmt: skip
        if plot is not None:
            from ..steps.plot import plot_optimal_steps

            plot_optimal_steps(found, plot)
    if as_json:
        console.print(json.dumps(found.to_dict()), highlight=False, markup=False)
    else:
        console.print(_table(found))
        console.print(_verdict(found, flow if out is None else out), highlight=False, markup=False)
    if found.best is None:
        raise typer.Exit(_NONE_PASSED)


def _table(found: OptimalSteps) -> Table:
    table = Table(
        title=f"flow '{found.flow}' against {found.reference_evaluations:.0f} evaluations of dopri5",
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        caption="cost: network evaluations per sample; Fréchet: distance in units of its noise floor\n"
        "rms, largest: deviation from the converged sample of the same noise, in standard deviations",
        caption_justify="left",
    )
    for name in ("solver", "grid"):
        table.add_column(name)
    for name in ("steps", "cost", "c2st", "again", "Fréchet", "rms", "largest", "µs/row"):
        table.add_column(name, justify="right")
    for trial in found.trials:
        candidate = trial.candidate
        table.add_row(
            candidate.solver,
            Text(candidate.grid_name),
            str(candidate.steps),
            str(candidate.evaluations),
            _result(trial),
            "" if trial.confirmation is None else f"{trial.confirmation:.4f}",
            "" if trial.confirmation is None else f"{trial.frechet / trial.frechet_floor:.1f}",
            f"{trial.rms_deviation:.4f}",
            f"{trial.largest_deviation:.2f}",
            f"{trial.microseconds:.1f}",
            style="bold green" if trial is found.best else "",
        )
    return table


def _result(trial: Trial) -> str:
    """With the error in units of the last digit: 0.0015(16) is 0.0015 ± 0.0016."""
    return f"{trial.c2st:.4f}({1e4 * trial.c2st_error:.0f})"


def _verdict(found: OptimalSteps, written: Path) -> str:
    if found.best is not None:
        candidate = found.best.candidate
        return (
            f"{written}: by default {candidate.steps} steps of {candidate.solver}, grid {candidate.grid_name}: "
            f"{candidate.evaluations} network evaluations a sample."
        )
    closest = found.closest.candidate
    return (
        f"Nothing was written: no solver came below a c2st of {found.tolerance:g}. Closest: {closest.steps} steps of "
        f"{closest.solver}, grid {closest.grid_name}, c2st {_result(found.closest)}. "
        "Allow more evaluations (--maximum) or a larger --tolerance."
    )
