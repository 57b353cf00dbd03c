"""Study b: a flow trained on one process, validated on others without retraining."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ..flows.flow import Flow
from ..pairs import columns_of_flow, read_pairs
from ..style import COLOURS
from ..validation import Validation, validate
from .pictures import figure_of, save
from .study import Cell, Study
from .summary import summarise

__all__ = ["LARGEST_RATIO", "compare_processes"]

LARGEST_RATIO = 2.0
"""Notes name metrics that exceed those of the first process by more than this factor."""


def compare_processes(
    flow: str | Path,
    samples: Mapping[str, Sequence[str | Path]],
    folder: str | Path,
    *,
    rows: int | None = None,
    tell: Callable[[str], None] = print,
) -> tuple[Study, list[Validation]]:
    """Validates a flow on several processes, with equally many pairs of each.

    Parameters
    ----------
    flow
        ONNX file or name of a shipped flow.
    samples
        Files of each process by name; the first is the reference.
    folder
        For ``processes.{json,md,png}``.
    rows
        Pairs of each; by default as many as the smallest sample has.
    tell
        Called with the name of each stage.

    Returns
    -------
    Study
        A row per metric: value of each process, and its ratio to that of the first. The notes name metrics that differ
        by more than `LARGEST_RATIO`, and mark those within the noise.
    list of Validation
        One for each process.

    Raises
    ------
    ValueError
        If there is only one sample.
    """
    if len(samples) < 2:
        raise ValueError(f"{len(samples)} sample: a comparison needs at least two processes.")
    opened = Flow(flow)
    columns = columns_of_flow(opened.metadata)
    pairs = {}
    for name, files in samples.items():
        tell(f"{name}: reading")
        pairs[name] = read_pairs(files, columns, rows=rows)
    size = min(map(len, pairs.values()))
    validations = []
    for name, here in pairs.items():
        tell(f"{name}: validation")
        validations.append(validate(opened, here.head(size), label=name))
    first = validations[0]
    body: list[tuple[Cell, ...]] = []
    exceptions = []
    for metric in first.metrics.values():
        cells: list[Cell] = [metric.name, metric.value]
        for other in validations[1:]:
            if metric.name not in other.metrics:
                cells += ["", ""]
                continue
            theirs = other.metrics[metric.name]
            difference = f"{theirs.value - metric.value:+.2g}"
            cells += [theirs.value, difference if metric.ratio is None else theirs.value / metric.value]
            if theirs.value > LARGEST_RATIO * metric.value:
                noise = 2 * max(theirs.value_error, metric.value_error, theirs.floor_error)
                chance = "" if theirs.value > theirs.floor + noise else " (within its noise)"
                if metric.ratio is not None or not chance:
                    change = f"{metric.value:.2g} → {theirs.value:.2g}{chance}"
                    exceptions.append(f"{metric.name} of {other.label}: {change}")
        body.append(tuple(cells))
    headings = [first.label, *(text for other in validations[1:] for text in (other.label, "ratio"))]
    study = Study(
        "processes",
        f"Flow '{opened.name}' on processes that it was not trained on",
        ("metric", *headings),
        body,
        [
            f"{size} pairs of each process. Ratios are to {first.label}; of c2st, whose floor is zero, the difference.",
            f"More than {LARGEST_RATIO:g} times the value of {first.label}: {'; '.join(exceptions) or 'none'}.",
        ],
    )
    save(_draw(validations), study.write(folder))
    return study, validations


def _draw(validations: Sequence[Validation]) -> Figure:
    with figure_of(11, 6) as figure:
        axes = figure.subplots()
        summaries = [summarise(validation) for validation in validations]
        headings = [heading for heading in summaries[0] if heading != "c2st"]
        width = 0.8 / len(validations)
        for index, (validation, numbers) in enumerate(zip(validations, summaries, strict=True)):
            offset = (index - (len(validations) - 1) / 2) * width
            present = [position for position, heading in enumerate(headings) if heading in numbers]
            places = [position + offset for position in present]
            values = [numbers[headings[position]].value for position in present]
            floors = [numbers[headings[position]].floor for position in present]
            axes.bar(places, values, width, color=COLOURS[index], label=validation.label)
            axes.hlines(
                floors, [place - width / 2 for place in places], [place + width / 2 for place in places],
                color="black", linewidth=2, label="noise floor" if index == len(validations) - 1 else "_",
            )  # fmt: skip
        axes.set(yscale="log", ylabel="metric", xlim=(-0.6, len(headings) - 0.4))
        axes.set_xticks(range(len(headings)), [heading.replace(", ", "\n") for heading in headings], fontsize=11)
        axes.tick_params(axis="x", which="both", length=0)
        axes.legend(fontsize=12, ncols=len(validations) + 1, loc="upper center", bbox_to_anchor=(0.5, 1.12))
        return figure
