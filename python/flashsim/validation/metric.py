"""A number that compares flow and target, beside the same number between two samples of the target."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["DEVIATIONS", "FAMILIES", "Family", "Metric"]

DEVIATIONS = 2.0
"""A metric is at its noise floor up to this many standard deviations above it."""


@dataclass(frozen=True)
class Family:
    """Metrics of one kind.

    Attributes
    ----------
    title
        Its name in tables.
    meaning
        Its definition, in a sentence.
    centred
        True if its noise floor is zero on average: a multiple of the floor has no meaning.
    """

    title: str
    meaning: str
    centred: bool = False


FAMILIES = {
    "wasserstein": Family(
        "Wasserstein",
        "Area between the distribution functions of flow and target, in standard deviations of the target.",
    ),
    "ks": Family("KS", "Largest difference between the distribution functions of flow and target."),
    "frechet": Family(
        "Fréchet (d²)",
        "Squared Fréchet distance between the Gaussians with the means and covariances of flow and target; variables "
        "standardised by mean and standard deviation of the target.",
    ),
    "covariance": Family(
        "covariance",
        "Frobenius norm of the difference of the covariance matrices of flow and target; variables standardised "
        "likewise.",
    ),
    "abc": Family(
        "ROC area (ABC)",
        "Area between the log10 ROC curves of flow and target, over the signal efficiencies where enough background "
        "passes.",
    ),
    "c2st": Family(
        "c2st (0.5 − P)",
        "0.5 minus the fraction of rows that a classifier given the GEN inputs attributes wrongly to flow or target: 0 "
        "if they cannot be told apart, 0.5 if they always can.",
        centred=True,
    ),
}
"""Families by ``NAME`` in ``NAME/variable``."""


@dataclass(frozen=True)
class Metric:
    """A metric with its noise floor.

    Attributes
    ----------
    name
        Family and variable, as ``"ks/pt"``; or the family alone.
    value
        Between the flow and the target: mean over the splits.
    value_error
        Spread (standard deviation) over the splits; for ``c2st`` the binomial standard deviation of one split.
    floor, floor_error
        The same between two samples of the target.
    splits
        Number of random splits.

    Examples
    --------
    >>> metric = Metric("ks/pt", value=0.012, value_error=0.001, floor=0.004, floor_error=0.001, splits=5)
    >>> metric.at_floor, metric.ratio, metric.verdict
    (False, 3.0, '3.0 × its floor')
    """

    name: str
    value: float
    value_error: float
    floor: float
    floor_error: float
    splits: int

    @property
    def family(self) -> str:
        """Key of `FAMILIES`."""
        return self.name.partition("/")[0]

    @property
    def variable(self) -> str:
        """The variable in the name; empty for a metric of all variables."""
        return self.name.partition("/")[2]

    @property
    def ratio(self) -> float | None:
        """Value over floor; None where the floor is zero, or zero on average."""
        if FAMILIES[self.family].centred or self.floor <= 0:
            return None
        return self.value / self.floor

    @property
    def deviation(self) -> float:
        """Standard deviations of the value above the floor.

        The standard deviation is that of the floor in one split; for a floor that is zero on average, that of the
        difference.
        """
        error = math.hypot(self.value_error, self.floor_error) if self._centred else self.floor_error
        excess = self.value - self.floor
        if error > 0:
            return excess / error
        return 0.0 if excess <= 0 else math.inf

    @property
    def at_floor(self) -> bool:
        """Whether the value is at most `DEVIATIONS` standard deviations above the floor."""
        return self.deviation <= DEVIATIONS

    @property
    def verdict(self) -> str:
        """``"at the noise floor"``, or the distance from it."""
        if self.at_floor:
            return "at the noise floor"
        if self.ratio is not None:
            return f"{self.ratio:.1f} × its floor"
        return f"{self.deviation:.0f} σ above its floor" if math.isfinite(self.deviation) else "above a floor of 0"

    @property
    def _centred(self) -> bool:
        return FAMILIES[self.family].centred

    def to_dict(self) -> dict[str, Any]:
        """The fields but for the name."""
        return {name: value for name, value in asdict(self).items() if name != "name"}
