"""Tables of ``flashsim throughput``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ..throughput.cost import SPEEDS, ScenarioThroughput

if TYPE_CHECKING:
    from ..throughput.measure import MeasuredSpeed
    from ..throughput.plan import ProductionPlan

__all__ = ["events_table", "machine_table", "number_of", "plan_table", "ratio_table", "speed_lines", "verdict"]

_SPEEDS_CAPTION = f"{SPEEDS[0]} ... {SPEEDS[-1]}: objects that one GPU samples, in kHz"


def events_table(rows: Iterable[ScenarioThroughput], node: str) -> Table:
    """Millions of RECO events per day, for the speeds of Table 2."""
    title = f"millions of RECO events per day: {node}"
    table = _table(title, "generator", ("fold\nsize", "conventional", *_speed_names()), _SPEEDS_CAPTION)
    for row in rows:
        table.add_row(*_scenario(row), f"{row.conventional:.3g}", *map(_millions, row.simulated))
    return table


def ratio_table(rows: Iterable[ScenarioThroughput]) -> Table:
    """The same over conventional simulation."""
    table = _table("ratio to conventional simulation", "generator", ("fold\nsize", *_speed_names()), _SPEEDS_CAPTION)
    for row in rows:
        table.add_row(*_scenario(row), *(f"{ratio:.0f}" for ratio in row.ratios))
    return table


def machine_table(rows: Iterable[ScenarioThroughput], cores: int) -> Table:
    """Millions of RECO events per day of a machine without GPUs, and the ratio to conventional simulation."""
    table = _table(
        f"millions of RECO events per day: {number_of(cores, 'core')}",
        "generator",
        ("fold\nsize", "conventional", "flow", "ratio"),
    )
    for row in rows:
        table.add_row(*_scenario(row), *map(_three_digits, (row.conventional, *row.simulated, *row.ratios)))
    return table


def speed_lines(speed: MeasuredSpeed) -> str:
    """The measured speed of one core."""
    steps = "" if speed.steps is None else f", {number_of(speed.steps, 'step')}"
    return (
        f"flow '{speed.flow}'{steps}, fold size {speed.fold_size}, one core: "
        f"{speed.objects} objects in {speed.seconds:.2f} s\n"
        f"{speed.objects_per_second:.0f} objects/s, {speed.events_per_second:.0f} RECO events/s of "
        f"{speed.objects_per_event:.1f} objects, {speed.simulation_seconds:.3g} s for each"
    )


def plan_table(plan: ProductionPlan, histogram: str) -> Table:
    """Errors for a budget against the fold size, the optimum marked."""
    best = plan.best
    table = _table(
        f"{plan.core_hours:g} core-hours, {best.t_gen:.3g} s per GEN event, {best.t_sim:.3g} s per RECO event",
        "fold\nsize",
        ("10⁶ GEN", "10⁶ RECO", "generator h", "simulation h", "error %", "naive %", ""),
        caption=f"relative statistical error of histogram {histogram!r}, root mean square over its bins",
    )
    for choice in plan.choices():
        is_best = choice.fold_size == best.fold_size
        table.add_row(
            str(choice.fold_size),
            f"{choice.gen_events / 1e6:,.4g}",
            f"{choice.reco_events / 1e6:,.4g}",
            f"{choice.generator_hours:,.1f}",
            f"{choice.simulation_hours:,.1f}",
            f"{100 * choice.error:.3g}",
            f"{100 * choice.naive_error:.3g}",
            "best" if is_best else "",
            style="bold green" if is_best else "",
        )
    return table


def verdict(plan: ProductionPlan, is_told_gen_events: bool) -> str:
    """The optimum in words, and the assumption behind it."""
    best = (
        f"The best fold size is {plan.best.fold_size}: a fold size of 1 would take {plan.best.gain:.3g} times the "
        "budget for the same error."
    )
    if is_told_gen_events:
        return best
    return (
        f"{best}\nAssumed: the {plan.gen_events} GEN events that filled the histogram are all that it was made from. "
        "If some were not selected, errors are larger by a common factor: give the number of all with --gen-events."
    )


def number_of(number: int, noun: str) -> str:
    """``1 core``, ``2 cores``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _table(title: str, first: str, others: Iterable[str], caption: str | None = None) -> Table:
    table = Table(
        title=Text(f"\n{title}", style="bold"),
        title_justify="left",
        caption=None if caption is None else Text(caption),
        caption_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _speed_names() -> list[str]:
    return [f"{speed:g}" for speed in SPEEDS]


def _scenario(row: ScenarioThroughput) -> tuple[str, str]:
    scenario = row.scenario
    return f"{scenario.generator}, {scenario.generator_seconds:g} s", str(scenario.fold_size)


def _millions(number: float) -> str:
    """With the digits of Table 2."""
    return f"{number:.1f}" if number >= 2 else f"{number:.2f}" if number >= 0.1 else f"{number:.2g}"


def _three_digits(number: float) -> str:
    return f"{float(f'{number:.3g}'):,g}"
