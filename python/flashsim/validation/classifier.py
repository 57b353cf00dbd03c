"""The classifier two-sample test between the flow's rows and those of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance

__all__ = ["ClassifierTest", "classifier_test"]

Array = npt.NDArray[Any]

_IMPORTANCE_ROWS = 20_000
_IMPORTANCE_REPEAT = 3


@dataclass(frozen=True)
class ClassifierTest:
    """Outcome of a classifier two-sample test.

    Attributes
    ----------
    value
        0.5 − P with P the fraction of rows classified wrongly: 0 for equal distributions (a fluctuation may make it
        negative), 0.5 for disjoint ones.
    error
        Its binomial standard deviation, from the number of rows scored.
    importance
        Loss of correctly classified rows, as a fraction, when a variable is shuffled; for each variable, largest first;
        empty if not requested.
    """

    value: float
    error: float
    importance: dict[str, float] = field(default_factory=dict)


def classifier_test(
    training: tuple[Array, Array],
    scoring: tuple[Array, Array],
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> ClassifierTest:
    """Trains a classifier to separate two samples, and scores it on unseen rows.

    The classifier is scikit-learn's HistGradientBoostingClassifier with default parameters, as in arXiv:2402.13684.

    Parameters
    ----------
    training
        The two samples [n, V] and [m, V], context and target variables side by side.
    scoring
        The same, other rows, both of (about) one size.
    seed
        Of the classifier.
    names
        Names of the V variables: requests their importance, by permutation.
    """
    features, labels = _labelled(training)
    classifier = HistGradientBoostingClassifier(random_state=seed).fit(features, labels)
    features, labels = _labelled(scoring)
    wrong = float(np.mean(classifier.predict(features) != labels))
    error = float(np.sqrt(wrong * (1 - wrong) / len(labels)))
    importance = {} if names is None else _importance(classifier, features, labels, names, seed)
    return ClassifierTest(0.5 - wrong, error, importance)


def _labelled(samples: tuple[Array, Array]) -> tuple[Array, Array]:
    return np.concatenate(samples), np.repeat([0, 1], [len(sample) for sample in samples])


def _importance(
    classifier: HistGradientBoostingClassifier, features: Array, labels: Array, names: Sequence[str], seed: int
) -> dict[str, float]:
    rows = np.random.default_rng(seed).permutation(len(labels))[:_IMPORTANCE_ROWS]
    found = permutation_importance(
        classifier, features[rows], labels[rows], n_repeats=_IMPORTANCE_REPEAT, random_state=seed
    ).importances_mean
    return {names[index]: float(found[index]) for index in np.argsort(-found)}
