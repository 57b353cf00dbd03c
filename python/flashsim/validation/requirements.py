"""Limits that a flow must keep, as ``c2st=0.03`` or ``frechet=3x``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .metric import FAMILIES, Metric
from .result import Validation

__all__ = ["Requirement", "broken"]


@dataclass(frozen=True)
class Requirement:
    """An upper limit on a metric or on all metrics of a family.

    Attributes
    ----------
    name
        ``"ks"``: every KS distance; ``"ks/pt"``: one of them.
    limit
        Largest value allowed.
    in_floors
        The limit is a multiple of the metric's own noise floor.

    Examples
    --------
    >>> Requirement.parse("frechet=3x")
    Requirement(name='frechet', limit=3.0, in_floors=True)
    """

    name: str
    limit: float
    in_floors: bool = False

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """From ``NAME=LIMIT``; with an x behind the limit it counts noise floors.

        Raises
        ------
        ValueError
            If the text is not of this form, the family is unknown, or the limit is a multiple of a floor that is zero
            on average.
        """
        name, _, limit = text.partition("=")
        in_floors = limit.endswith("x")
        try:
            number = float(limit.removesuffix("x"))
        except ValueError:
            number = math.nan
        if not name or not math.isfinite(number):
            raise ValueError(f"a requirement is NAME=LIMIT, such as c2st=0.03 or frechet=3x, not {text!r}.")
        family = name.partition("/")[0]
        if family not in FAMILIES:
            raise ValueError(f"requirement {text!r}: unknown metric {family!r}; the metrics are {', '.join(FAMILIES)}.")
        if in_floors and FAMILIES[family].centred:
            raise ValueError(f"requirement {text!r}: the floor of {family} is zero on average; give a plain number.")
        return cls(name, number, in_floors)

    def metrics(self, validation: Validation) -> list[Metric]:
        """The metrics under this limit.

        Raises
        ------
        ValueError
            If the validation has none of them.
        """
        found = [metric for metric in validation.metrics.values() if self.name in (metric.name, metric.family)]
        if not found:
            known = ", ".join(validation.metrics)
            raise ValueError(f"the validation{_of(validation)} has no metric {self.name!r}; its metrics are {known}.")
        return found


def broken(validation: Validation, requirements: Iterable[Requirement]) -> list[str]:
    """A line for each metric that is above a limit.

    Raises
    ------
    ValueError
        If the validation has no metric for a requirement.
    """
    lines = []
    for requirement in requirements:
        for metric in requirement.metrics(validation):
            limit = requirement.limit * metric.floor if requirement.in_floors else requirement.limit
            if not metric.value <= limit:
                times = f" = {requirement.limit:g} × its floor" if requirement.in_floors else ""
                lines.append(f"{metric.name} = {metric.value:.4g}{_of(validation)} is above {limit:.4g}{times}")
    return lines


def _of(validation: Validation) -> str:
    return f" of {validation.label}" if validation.label else ""
