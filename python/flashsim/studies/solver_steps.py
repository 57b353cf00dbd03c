"""Study d: the accuracy of the ODE solver, and its cost."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import onnx
from matplotlib.figure import Figure

from ..flows.file import write_model
from ..flows.flow import Flow
from ..flows.ode.loop import with_solver
from ..flows.ode.solvers import SOLVERS
from ..pairs import columns_of_flow, read_pairs
from ..style import COLOURS
from ..validation import validate
from .pictures import figure_of, save
from .study import Cell, Study
from .summary import Number, summarise

__all__ = ["EVALUATIONS", "compare_steps"]

EVALUATIONS = (4, 8, 12, 20, 40, 100)
"""Network evaluations per sample, by default; a solver takes those that make whole steps."""


def compare_steps(
    flow: str | Path,
    unseen: Sequence[str | Path],
    folder: str | Path,
    *,
    solvers: Sequence[str] = tuple(SOLVERS),
    evaluations: Sequence[int] = EVALUATIONS,
    rows: int | None = None,
    tell: Callable[[str], None] = print,
) -> Study:
    """Validates a continuous flow with every solver and number of steps.

    Parameters
    ----------
    flow
        ONNX file, or name of a shipped flow, exported by this package: its graph marks the velocity.
    unseen
        Files to judge by.
    folder
        Folder for ``steps.{json,md,png}``.
    solvers, evaluations
        Names of solvers, and network evaluations per sample; steps are equally long.
    rows
        Pairs to judge by; by default all.
    tell
        Called with the name of each stage.

    Returns
    -------
    Study
        A row per solver and number of steps: metrics, and rows per second on one core.

    Raises
    ------
    ValueError
        If the flow samples in one shot, or has no marked velocity.
    """
    opened = Flow(flow)
    if opened.default_steps is None:
        raise ValueError(f"flow '{opened.name}' samples in one shot: it has no steps to vary.")
    model = onnx.load(opened.path)
    pairs = read_pairs(unseen, columns_of_flow(opened.metadata), rows=rows)
    body: list[tuple[Cell, ...]] = []
    points: list[tuple[str, int, dict[str, Number]]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in solvers:
            solver = SOLVERS[name]
            variant = Path(scratch) / f"{name}.onnx"
            write_model(with_solver(model, solver, (0.0, 1.0)), variant)
            for count in evaluations:
                steps, rest = divmod(count, solver.evaluations_per_step)
                if rest or not steps:
                    continue
                tell(f"{name}, {steps} steps")
                validation = validate(Flow(variant), pairs, steps=steps, repeat=3, label=f"{name} {steps}")
                numbers = summarise(validation)
                rate = validation.rows / validation.seconds["sampling"]
                points.append((name, count, numbers))
                body.append((name, steps, count, *(float(number.value) for number in numbers.values()), round(rate)))
    headings = tuple(points[0][2])
    body.append(("noise floor", "", "", *(float(number.floor) for number in points[0][2].values()), ""))
    study = Study(
        "steps",
        f"Steps of the ODE solver, flow '{opened.name}'",
        ("solver", "steps", "evaluations", *headings, "rows/s, one core"),
        body,
        [f"{len(pairs)} pairs; equal steps. The flow's default: {opened.default_steps} {opened.solver} steps."],
    )
    save(_draw(headings, points), study.write(folder))
    return study


def _draw(headings: Sequence[str], points: Sequence[tuple[str, int, Mapping[str, Number]]]) -> Figure:
    with figure_of(14, 7) as figure:
        panels = list(figure.subplots(2, -(-len(headings) // 2), sharex=True).flat)
        for index, (axes, heading) in enumerate(zip(panels, headings, strict=False)):
            for colour, solver in zip(COLOURS, dict.fromkeys(name for name, _, _ in points), strict=False):
                mine = [(count, numbers[heading].value) for name, count, numbers in points if name == solver]
                axes.plot(*zip(*mine, strict=True), "o-", color=colour, label=solver)
            axes.axhline(points[0][2][heading].floor, color="black", linestyle="--", label="noise floor")
            axes.set(xscale="log", yscale="linear" if heading == "c2st" else "log")
            axes.set_title(heading, fontsize=14)
            if index == 0:
                axes.legend(fontsize=11)
        for axes in panels[len(headings) :]:
            axes.set_visible(False)
        figure.supxlabel("network evaluations per sample", fontsize=15)
        return figure
