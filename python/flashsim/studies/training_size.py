"""Study c: the size of the training sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ..pairs import Pairs
from ..style import COLOURS
from ..training import FlowConfig
from ..validation import validate
from .pictures import figure_of, save
from .study import Cell, Study
from .summary import Number, summarise
from .trainings import train_for, with_budget

__all__ = ["SIZES", "compare_sizes"]

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
"""Pairs, by default."""


def compare_sizes(
    config: FlowConfig,
    data: Pairs,
    unseen: Pairs,
    folder: str | Path,
    *,
    sizes: Sequence[int] = SIZES,
    budget: int = 10_000_000,
    threads: int | None = None,
    tell: Callable[[str], None] = print,
) -> Study:
    """Trains the same recipe on growing parts of the data, with the same number of steps, and validates all on the same
    data.

    Parameters
    ----------
    config
        Recipe. Its early stopping, if any, limits overtraining on small sets.
    data
        Pairs to train on: the first ``sizes`` of them, in whole events.
    unseen
        Pairs to judge by.
    folder
        For checkpoints, flows, and ``training-size.{json,md,png}``. Finished trainings found there are used again.
    sizes
        Numbers of pairs.
    budget
        Rows of each training, over all its epochs.
    threads
        For training.
    tell
        Called with the name of each stage.

    Returns
    -------
    Study
        A row per size: metrics, epochs and the validation loss of the exported weights.

    Raises
    ------
    ValueError
        If a size exceeds the data.
    """
    if max(sizes) > len(data):
        raise ValueError(f"a size of {max(sizes)} pairs exceeds the data, {len(data)} pairs: generate more events.")
    folder = Path(folder)
    rows: list[tuple[Cell, ...]] = []
    numbers: list[dict[str, Number]] = []
    for size in sorted(sizes):
        part = data.head(size)
        trained = train_for(f"{size}", with_budget(config, size, budget), part, folder / "flows", threads, tell)
        tell(f"{size}: validation")
        numbers.append(summarise(validate(trained.flow, unseen, label=f"{size}")))
        rows.append((len(part), trained.epochs, *(float(number.value) for number in numbers[-1].values())))
    headings = tuple(numbers[0])
    rows.append(("noise floor", "", *(float(number.floor) for number in numbers[0].values())))
    study = Study(
        "training-size",
        "Size of the training sample",
        ("pairs", "epochs", *headings),
        rows,
        [f"Each training took {budget} rows; all were validated on {len(unseen)} unseen pairs."],
    )
    save(_draw(sorted(sizes), headings, numbers), study.write(folder))
    return study


def _draw(sizes: Sequence[int], headings: Sequence[str], numbers: Sequence[Mapping[str, Number]]) -> Figure:
    with figure_of(13, 6.5) as figure:
        panels = list(figure.subplots(2, -(-len(headings) // 2), sharex=True).flat)
        for index, (axes, heading) in enumerate(zip(panels, headings, strict=False)):
            axes.plot(sizes, [row[heading].value for row in numbers], "o-", color=COLOURS[0], label="flow")
            axes.axhline(numbers[0][heading].floor, color="black", linestyle="--", label="noise floor")
            axes.set(xscale="log", ylim=(0, None) if heading != "c2st" else None)
            axes.set_title(heading, fontsize=14)
            if index == 0:
                axes.legend(fontsize=12)
        for axes in panels[len(headings) :]:
            axes.set_visible(False)
        figure.supxlabel("pairs in the training sample", fontsize=15)
        return figure
