"""ROC curves of taggers and the area between two of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["RocCurve", "Tagger", "area_between_curves", "default_taggers", "efficiency_range"]

Array = npt.NDArray[Any]

_LIGHT = (0, 1, 2, 3, 21)
_GRID = 400
_LEAST_SIGNAL = 50


@dataclass(frozen=True)
class Tagger:
    """A score that separates signal from background objects.

    Attributes
    ----------
    score
        Target variable, larger for signal.
    flavour
        Context variable with the true class, whose absolute value counts.
    signal, background
        Codes of the classes. Rows with other codes are not used.
    lowest_efficiency
        Lower limit of the range where curves are compared.
    least_background
        The range starts at the signal efficiency where this many background rows of a half of the target pass. With
        fewer, the logarithm of the misidentification probability is noise.
    """

    score: str
    flavour: str = "partonFlavour"
    signal: tuple[int, ...] = (5,)
    background: tuple[int, ...] = _LIGHT
    lowest_efficiency: float = 0.1
    least_background: int = 10


@dataclass(frozen=True, eq=False)
class RocCurve:
    """Misidentification probability as a function of the signal efficiency.

    Attributes
    ----------
    efficiency, misidentification
        Fractions of signal and of background rows at or above each cut, both ascending, from 0 to 1.
    signal, background
        Numbers of rows.
    """

    efficiency: Array
    misidentification: Array
    signal: int
    background: int

    @classmethod
    def of(cls, score: Array, flavour: Array, tagger: Tagger) -> RocCurve:
        """The curve of scores [n] of objects with flavours [n]."""
        signal = np.sort(score[np.isin(np.abs(flavour), tagger.signal)])
        background = np.sort(score[np.isin(np.abs(flavour), tagger.background)])
        cuts = np.unique(np.concatenate([signal, background]))[::-1]
        passing = [
            np.concatenate([[0.0], (len(scores) - np.searchsorted(scores, cuts)) / max(1, len(scores))])
            for scores in (signal, background)
        ]
        return cls(passing[0], passing[1], len(signal), len(background))

    def at(self, efficiency: Array) -> Array:
        """Misidentification probabilities at some efficiencies, linear between cuts."""
        # Of cuts with the same efficiency keep the first, the tightest.
        kept = np.concatenate([[True], np.diff(self.efficiency) > 0])
        return np.interp(efficiency, self.efficiency[kept], self.misidentification[kept])


def default_taggers(context: Collection[str], target: Collection[str]) -> tuple[Tagger, ...]:
    """The taggers of a flow with these variables: ``btag`` (b against light quarks and gluons), ``ctag`` (c likewise).

    Light means ``|partonFlavour|`` 1, 2, 3, 21, and 0 for jets without a parton. A tagger needs its score as a target
    and ``partonFlavour`` as a context variable.

    Examples
    --------
    >>> [tagger.score for tagger in default_taggers(["pt", "partonFlavour"], ["pt", "ctag", "btag"])]
    ['btag', 'ctag']
    """
    if "partonFlavour" not in context:
        return ()
    known = (Tagger("btag", signal=(5,)), Tagger("ctag", signal=(4,)))
    return tuple(tagger for tagger in known if tagger.score in target)


def efficiency_range(score: Array, flavour: Array, tagger: Tagger) -> tuple[float, float]:
    """Signal efficiencies between which the curves of halves of these rows are compared.

    Parameters
    ----------
    score, flavour
        [n], of the whole target.

    Raises
    ------
    ValueError
        If there are fewer than 100 signal rows, or too few background rows for any range.
    """
    curve = RocCurve.of(score, flavour, tagger)
    if curve.signal < 2 * _LEAST_SIGNAL:
        raise ValueError(f"{curve.signal} signal rows ({tagger.flavour} {tagger.signal}), {2 * _LEAST_SIGNAL} needed")
    if curve.background < 4 * tagger.least_background:
        raise ValueError(
            f"{curve.background} background rows ({tagger.flavour} {tagger.background}), "
            f"{4 * tagger.least_background} needed"
        )
    enough = curve.misidentification * curve.background >= 2 * tagger.least_background
    lowest = max(tagger.lowest_efficiency, float(curve.efficiency[enough][0]))
    if lowest > 0.95:
        raise ValueError(f"{tagger.least_background} background rows pass only above an efficiency of {lowest:.3f}")
    return lowest, 1.0


def area_between_curves(first: RocCurve, second: RocCurve, efficiencies: tuple[float, float]) -> float:
    r"""Area between two ROC curves with a logarithmic axis, arXiv:2402.13684.

    .. math:: \int |\log_{10} m_1(\epsilon) - \log_{10} m_2(\epsilon)| \, d\epsilon

    m is the misidentification probability at the signal efficiency ε. The area is not divided by the width of the
    range. Where no background row passes, m counts as half a row.

    Parameters
    ----------
    efficiencies
        Range of ε.

    Examples
    --------
    A curve that is everywhere ten times lower, over half of the efficiencies:

    >>> grid = np.linspace(0, 1, 101)
    >>> curves = [RocCurve(grid, scale * grid, 10000, 10000) for scale in (1.0, 0.1)]
    >>> round(area_between_curves(*curves, (0.5, 1.0)), 6)
    0.5
    """
    low, high = efficiencies
    grid = low + (high - low) * (np.arange(_GRID) + 0.5) / _GRID
    logarithms = [np.log10(np.maximum(curve.at(grid), 0.5 / curve.background)) for curve in (first, second)]
    return float(np.abs(logarithms[0] - logarithms[1]).mean() * (high - low))
