"""All metrics of two sets of rows, over random splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .classifier import ClassifierTest, classifier_test
from .distances import Array, covariance_distance, frechet_distance, kolmogorov_smirnov, wasserstein
from .halves import halves
from .metric import Metric
from .samples import Samples
from .tagging import RocCurve, Tagger, area_between_curves, default_taggers, efficiency_range

__all__ = ["classifier_metric", "distance_metrics", "tagger_ranges"]

Distance = Callable[[Array, Array], float]
Split = tuple[Array, Array]


def distance_metrics(
    samples: Samples, splits: Sequence[Split], taggers: Sequence[tuple[Tagger, tuple[float, float]]] = ()
) -> dict[str, Metric]:
    """All metrics but the classifier's, over given splits.

    Parameters
    ----------
    samples
        The rows.
    splits
        Pairs of row indices, as `halves` makes them.
    taggers
        Taggers with the range of signal efficiencies to compare.
    """
    scale = samples.target.std(axis=0, dtype=np.float64)
    scale[scale == 0] = 1.0
    target, flow = samples.target / scale, samples.flow / scale
    names = [variable.name for variable in samples.target_variables]
    found: dict[str, list[tuple[float, float]]] = {}
    for first, second in splits:
        made, other, reference = flow[first], target[first], target[second]

        def add(name: str, distance: Distance, *rows: Array) -> None:
            value, floor, wanted = rows
            found.setdefault(name, []).append((distance(value, wanted), distance(floor, wanted)))

        for family, distance in (("wasserstein", wasserstein), ("ks", kolmogorov_smirnov)):
            for index, name in enumerate(names):
                add(f"{family}/{name}", distance, made[:, index], other[:, index], reference[:, index])
        add("frechet", frechet_distance, made, other, reference)
        add("covariance", covariance_distance, made, other, reference)
        for tagger, efficiencies in taggers:
            found.setdefault(f"abc/{tagger.score}", []).append(
                _curve_areas(samples, first, second, tagger, efficiencies)
            )
    return {name: _summary(name, pairs) for name, pairs in found.items()}


def classifier_metric(samples: Samples, seed: int, repeat: int) -> tuple[Metric, dict[str, float]]:
    """The classifier two-sample test and the importance of the variables, over `repeat` splits."""
    rows = {
        "flow": np.concatenate([samples.context, samples.flow], axis=1),
        "target": np.concatenate([samples.context, samples.target], axis=1),
    }
    names = [f"GEN {variable.name}" for variable in samples.context_variables]
    names += [variable.name for variable in samples.target_variables]
    tests: dict[str, list[ClassifierTest]] = {"flow": [], "target": []}
    for index in range(repeat):
        generator = np.random.default_rng([seed, index, 1])
        parts = [
            [half[part] for part in halves(samples.event[half], generator)] for half in halves(samples.event, generator)
        ]
        for compared, found in tests.items():
            training, scoring = (
                (rows[compared][first], rows["target"][second]) for first, second in zip(*parts, strict=True)
            )
            wanted = names if compared == "flow" and index == 0 else None
            found.append(classifier_test(training, scoring, seed % 2**32, wanted))
    value, floor = (float(np.mean([test.value for test in found])) for found in tests.values())
    errors = [float(np.mean([test.error for test in found])) for found in tests.values()]
    return Metric("c2st", value, errors[0], floor, errors[1], repeat), tests["flow"][0].importance


def tagger_ranges(
    samples: Samples, taggers: Sequence[Tagger] | None
) -> tuple[list[tuple[Tagger, tuple[float, float]]], list[str]]:
    """Taggers with the range of signal efficiencies, and a note for each tagger that cannot be compared.

    Raises
    ------
    ValueError
        If the flow lacks a variable of a requested tagger.
    """
    context = [variable.name for variable in samples.context_variables]
    target = [variable.name for variable in samples.target_variables]
    wanted = default_taggers(context, target) if taggers is None else taggers
    notes = []
    if not wanted:
        notes.append("No ROC curves: the flow has no target btag or ctag, or no context partonFlavour.")
    ranges = []
    for tagger in wanted:
        if tagger.flavour not in context or tagger.score not in target:
            raise ValueError(
                f"tagger {tagger.score!r} needs the target {tagger.score!r} and the context {tagger.flavour!r}; "
                f"the flow has {', '.join(target)} and {', '.join(context)}."
            )
        score, flavour = samples.target[:, target.index(tagger.score)], samples.context_column(tagger.flavour)
        try:
            ranges.append((tagger, efficiency_range(score, flavour, tagger)))
        except ValueError as error:
            notes.append(f"No ROC curve of {tagger.score}: {error}.")
    return ranges, notes


def _curve_areas(
    samples: Samples, first: Array, second: Array, tagger: Tagger, efficiencies: tuple[float, float]
) -> tuple[float, float]:
    column, flavour = samples.target_column(tagger.score), samples.context_column(tagger.flavour)
    made, other, reference = (
        RocCurve.of(scores[rows, column], flavour[rows], tagger)
        for scores, rows in ((samples.flow, first), (samples.target, first), (samples.target, second))
    )
    return area_between_curves(made, reference, efficiencies), area_between_curves(other, reference, efficiencies)


def _summary(name: str, pairs: Sequence[tuple[float, float]]) -> Metric:
    (value, floor), (value_error, floor_error) = np.mean(pairs, axis=0), np.std(pairs, axis=0, ddof=1)
    return Metric(name, float(value), float(value_error), float(floor), float(floor_error), len(pairs))
