"""``flashsim throughput``: the cost of a production, and the best fold size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from .._machine import available_cores
from .errors import user_errors
from .outputs import Overwrite, check_outputs
from .throughput_tables import events_table, machine_table, number_of, plan_table, ratio_table, speed_lines, verdict

if TYPE_CHECKING:
    from ..throughput.measure import MeasuredSpeed

__all__ = ["throughput"]

_NODE_CORES = 32  # Table 2

_NODE = ("gpus", "objects_per_event")
_TABLE = ("cores", "conventional_seconds")
_MEASUREMENT = ("flow", "fold_size", "steps", "input")
_PLAN = ("core_hours", "generator_seconds", "simulation_seconds", "gen_events", "output")


def throughput(
    context: typer.Context,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Of the machine.", show_default="32; with --measure, those of this one")
    ] = None,
    gpus: Annotated[int, typer.Option(min=1, help="Of the node.")] = 4,
    objects_per_event: Annotated[float, typer.Option(help="Objects in a RECO event.")] = 20,
    conventional_seconds: Annotated[float, typer.Option(help="Of conventional simulation for a RECO event.")] = 20,
    measure: Annotated[
        bool, typer.Option("--measure", help="Simulate for a few seconds, and print the table for this machine.")
    ] = False,
    flow: Annotated[
        str, typer.Option(metavar="FLOW", help="To measure: ONNX file, or the name of a shipped flow.")
    ] = "jets",
    fold_size: Annotated[int, typer.Option(min=1, help="To measure: RECO events per GEN event.")] = 10,
    steps: Annotated[
        int | None, typer.Option(min=1, help="To measure: ODE steps.", show_default="the flow's own")
    ] = None,
    input: Annotated[
        str | None, typer.Option(metavar="FILE", help="To measure: GEN events.", show_default="the shipped ones")
    ] = None,
    histogram: Annotated[
        str | None,
        typer.Option(
            metavar="FILE:NAME",
            help="Oversampled histogram that Write() has written: print the fold size to choose for it.",
            show_default=False,
        ),
    ] = None,
    core_hours: Annotated[float, typer.Option(help="With --histogram: the budget.")] = 1000,
    generator_seconds: Annotated[float, typer.Option(help="With --histogram: core-seconds per GEN event.")] = 1,
    simulation_seconds: Annotated[
        float | None, typer.Option(help="With --histogram: core-seconds per RECO event.", show_default="measured")
    ] = None,
    gen_events: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With --histogram: GEN events that it was made from, selected or not.",
            show_default="those that filled it",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="PLOT.png", help="With --histogram: picture to draw.", show_default=False)
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Print how many RECO events a machine makes in a day, or which fold size gives a histogram the smallest errors.

    Without options, Table 2 of arXiv:2402.13684: a node with GPUs. With `--measure`, the same for this machine, where
    each core generates or simulates. With `--histogram`, the errors for a budget, against the fold size.
    """
    is_table = not measure and histogram is None
    is_measured = measure or (histogram is not None and simulation_seconds is None)
    console = Console(soft_wrap=True)
    with user_errors():
        if not is_table:
            _refuse(context, _NODE, "for a node with GPUs: without --measure and --histogram")
        if histogram is None:
            _refuse(context, _PLAN, "for --histogram FILE:NAME")
        elif not measure:
            _refuse(context, _TABLE, "for tables of throughput; the fold size to choose does not depend on it")
        if not is_measured:
            _refuse(context, _MEASUREMENT, "for --measure, or for --histogram without --simulation-seconds")
        if measure and simulation_seconds is not None:
            raise ValueError("--measure and --simulation-seconds exclude each other: --measure finds the seconds.")
        if output is not None:
            files = [flow, *([] if input is None else [input]), (histogram or "").rpartition(":")[0]]
            check_outputs([output], files, overwrite=overwrite)
        from ..throughput.cost import throughput_on_cores, throughput_table
        from ..throughput.plan import plan_production, read_oversampled

        if is_table:
            cores = cores or _NODE_CORES
            rows = throughput_table(
                cores=cores,
                gpus=gpus,
                objects_per_event=objects_per_event,
                conventional_seconds=conventional_seconds,
            )
            node = f"{number_of(cores, 'core')}, {number_of(gpus, 'GPU')}, {objects_per_event:g} objects per event"
            console.print(events_table(rows, node))
            console.print(ratio_table(rows))
            return
        # Before the measurement, which takes seconds: a wrong name is an error.
        filled = None if histogram is None else read_oversampled(histogram)
        if simulation_seconds is None:
            speed = _measure(flow, input, fold_size, steps)
            console.print(speed_lines(speed), highlight=False, markup=False)
            simulation_seconds = speed.simulation_seconds
        if measure:
            cores = cores or available_cores()
            rows = throughput_on_cores(simulation_seconds, cores=cores, conventional_seconds=conventional_seconds)
            console.print(machine_table(rows, cores))
        if filled is not None:
            plan = plan_production(filled, core_hours, generator_seconds, simulation_seconds, gen_events=gen_events)
            console.print(plan_table(plan, filled.GetName()))
            console.print(verdict(plan, gen_events is not None), highlight=False, markup=False)
            if output is not None:
                from ..throughput.plot import plot_plan

                plot_plan(plan, output)
                console.print(f"{output} written.", highlight=False, markup=False)


def _refuse(context: typer.Context, names: tuple[str, ...], place: str) -> None:
    """Raises ValueError for options that have no meaning here."""
    sources = {name: context.get_parameter_source(name) for name in names}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        raise ValueError(f"{', '.join('--' + name.replace('_', '-') for name in given)}: {place}.")


def _measure(flow: str, sample: str | None, fold_size: int, steps: int | None) -> MeasuredSpeed:
    from ..throughput.measure import measure

    with Console(stderr=True).status(Text("simulating, to measure the speed")):
        return measure(flow, sample, fold_size=fold_size, steps=steps)
