"""Study a: families of flows at an equal training budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ..pairs import Pairs
from ..training import FlowConfig
from ..training.recipe.sections import MODELS, ModelConfig
from ..validation import validate
from .pictures import figure_of, save
from .study import Cell, Study
from .summary import Number, summarise
from .trainings import train_for, with_budget

__all__ = ["DISCRETE_LEARNING_RATE", "compare_families"]

DISCRETE_LEARNING_RATE = 2e-3
"""Learning rate of families other than the recipe's."""


def compare_families(
    config: FlowConfig,
    data: Pairs,
    unseen: Pairs,
    folder: str | Path,
    *,
    budget: int = 10_000_000,
    models: Mapping[str, ModelConfig] | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = print,
) -> Study:
    """Trains each family on the same rows, equally many of them, and validates all on the same unseen data.

    Parameters
    ----------
    config
        Recipe; its model is replaced by each of ``models``.
    data
        Pairs to train on.
    unseen
        Pairs to judge by.
    folder
        For checkpoints, flows, and ``families.{json,md,png}``. Finished trainings found there are used again.
    budget
        Rows of each training, over all its epochs.
    models
        By name; by default the recipe's own flow matching, and affine and spline couplings of their default sizes.
    threads
        For training.
    tell
        Called with the name of each stage.

    Returns
    -------
    Study
        A row per family: metrics, parameters, minutes of training and sampling rate in jets per second and core.
    """
    chosen = dict(models) if models else {family: kind() for family, kind in MODELS.items()}
    if models is None and config.model.family in chosen:
        chosen[config.model.family] = config.model
    folder = Path(folder)
    rows: list[tuple[Cell, ...]] = []
    numbers: list[dict[str, Number]] = []
    for name, model in chosen.items():
        recipe = with_budget(replace(config, model=model), len(data), budget)
        if model.family != config.model.family:
            settings = replace(recipe.training, learning_rate=DISCRETE_LEARNING_RATE)
            recipe = replace(recipe, training=settings)
        trained = train_for(name, recipe, data, folder / "flows", threads, tell)
        tell(f"{name}: validation")
        validation = validate(trained.flow, unseen, label=name)
        numbers.append(summarise(validation))
        rate = validation.rows / validation.seconds["sampling"]
        costs = (trained.parameters, round(trained.seconds / 60, 1), round(rate))
        rows.append((name, *(float(number.value) for number in numbers[-1].values()), *costs))
    headings = tuple(numbers[0])
    rows.append(("noise floor", *(float(number.floor) for number in numbers[0].values()), "", "", ""))
    study = Study(
        "families",
        "Families of flows at an equal training budget",
        ("flow", *headings, "parameters", "training [min]", "rows/s, one core"),
        rows,
        [
            f"Each was trained on {len(data)} pairs, over {budget} rows, and validated on {len(unseen)} unseen pairs. "
            "Smaller is better."
        ],
    )
    save(_draw(list(chosen), headings, numbers), study.write(folder))
    return study


def _draw(names: Sequence[str], headings: Sequence[str], numbers: Sequence[Mapping[str, Number]]) -> Figure:
    values = np.array([[number.value for number in row.values()] for row in numbers])
    floors = np.array([number.floor for number in numbers[0].values()])
    # A c2st may fluctuate to zero or below: for the colour it is not better than half a percent.
    least = np.where([heading == "c2st" for heading in headings], 0.005, 1e-9)
    relative = np.maximum(values, least) / np.maximum(values, least).min(axis=0)
    with figure_of(2.2 + 1.45 * len(headings), 2.2 + 0.75 * len(names)) as figure:
        axes = figure.subplots()
        image = axes.imshow(relative, cmap="cividis_r", norm=LogNorm(1, max(10.0, relative.max())), aspect="auto")
        for row, column in np.ndindex(values.shape):
            dark = relative[row, column] > 4
            axes.text(
                column, row, f"{values[row, column]:.2g}", ha="center", va="center", fontsize=13,
                color="white" if dark else "black",
            )  # fmt: skip
        labels = [f"{heading}\n(floor {floor:.2g})" for heading, floor in zip(headings, floors, strict=True)]
        axes.set_xticks(range(len(headings)), labels, fontsize=11)
        axes.set_yticks(range(len(names)), names, fontsize=13)
        axes.tick_params(which="both", length=0)
        figure.colorbar(image, ax=axes, pad=0.02).set_label("value / best value", fontsize=12)
        return figure
