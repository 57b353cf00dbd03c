"""The six metrics of a validation in eight numbers: those of single variables as their mean and their largest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..validation import Validation

__all__ = ["Number", "summarise"]


@dataclass(frozen=True)
class Number:
    """A metric and its noise floor."""

    value: float
    floor: float


def summarise(validation: Validation) -> dict[str, Number]:
    """Numbers by heading, in the order of the tables; smaller is better.

    Parameters
    ----------
    validation
        Result of `flashsim.validation.validate`. Tagging is left out if the flow has no taggers.

    Returns
    -------
    dict
        Wasserstein and KS over all target variables, as mean and as largest (floor: of the same variable), Fréchet,
        covariance, area between the ROC curves of each tagger, and c2st.
    """
    numbers: dict[str, Number] = {}
    for family, heading in (("wasserstein", "Wasserstein"), ("ks", "KS")):
        metrics = [metric for metric in validation.metrics.values() if metric.family == family]
        worst = max(metrics, key=lambda metric: metric.value)
        values, floors = ([getattr(metric, kind) for metric in metrics] for kind in ("value", "floor"))
        numbers[f"{heading}, mean"] = Number(float(np.mean(values)), float(np.mean(floors)))
        numbers[f"{heading}, largest"] = Number(worst.value, worst.floor)
    others = [metric for metric in validation.metrics.values() if metric.family not in ("wasserstein", "ks")]
    headings = {"frechet": "Fréchet", "covariance": "covariance", "c2st": "c2st"}
    for metric in others:
        heading = headings.get(metric.name, f"ROC area, {metric.variable}")
        numbers[heading] = Number(metric.value, metric.floor)
    return numbers
