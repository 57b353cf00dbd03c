"""The best number of RECO events per GEN event."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import translated
from .conversion import in_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OptimalFoldSize", "RelativeVariance", "optimal_fold_size", "relative_variance"]


@dataclass(frozen=True)
class RelativeVariance:
    """Squared relative error against the fold size n, averaged over bins: limit + fold / n.

    Attributes
    ----------
    limit
        For n → ∞.
    fold
        Addition for a fold size of 1.
    """

    limit: float
    fold: float

    def __call__(self, fold_size: Any) -> Any:
        """The value for a fold size, or for an array of them."""
        return self.limit + self.fold / fold_size

    def naive(self, fold_size: Any) -> Any:
        """The value if all RECO events were independent."""
        return (self.limit + self.fold) / fold_size


@dataclass(frozen=True)
class OptimalFoldSize:
    """The fold size that gives the smallest errors for the CPU time. Made by `optimal_fold_size`.

    Attributes
    ----------
    fold_size
        RECO events per GEN event, at least 1.
    exact
        The same as a real number, before rounding to the neighbour that costs less CPU time.
    per_bin
        The real number for each bin by itself, in the shape of ``h.values()``: NaN in bins that are empty or left out,
        infinity where the estimate of the limit variance is not positive.
    gain
        CPU time for a fold size of 1, divided by that for `fold_size`, at the same errors: at least 1.
    variance
        Squared relative error against the fold size.
    t_gen, t_sim
        As given.
    """

    fold_size: int
    exact: float
    per_bin: NDArray[np.float64] = field(repr=False, compare=False)
    gain: float
    variance: RelativeVariance
    t_gen: float
    t_sim: float

    def cpu_time(self, fold_size: Any) -> Any:
        """CPU time for a fold size, or an array of them, relative to a fold size of 1 at the same errors."""
        return _cost(fold_size, self.variance, self.t_gen, self.t_sim) / _cost(1, self.variance, self.t_gen, self.t_sim)


def optimal_fold_size(histogram: Any, t_gen: float, t_sim: float, *, bins: Any = None) -> OptimalFoldSize:
    r"""The fold size with the smallest errors of this histogram for a given CPU time.

    M GEN events with a fold size of n take the time :math:`T = M (t_{gen} + n t_{sim})` and give a bin the variance
    :math:`V_\infty + D/n`, times a constant over M. For a given T, the variance is smallest at

    .. math:: n = \sqrt{\frac{t_{gen}}{t_{sim}} \cdot \frac{D}{V_\infty}} .

    For several bins, the sum of their squared relative errors is minimised: V∞ and D are sums over the filled bins,
    each bin divided by its squared content.

    Parameters
    ----------
    histogram
        Oversampled histogram of any dimension, filled with a fold size of at least 2. A small sample will do.
    t_gen
        CPU time to generate one GEN event, in seconds (any unit will do: only the ratio counts).
    t_sim
        CPU time to simulate and analyse one RECO event, in the same unit.
    bins
        The bins to use, as an index of ``h.values()``: a slice, a mask, integers. By default all, without under- and
        overflow. Leave out tails of a few GEN events: they count as much as a peak, with poor precision.

    Raises
    ------
    ValueError
        If a time is out of range; no bin has content; a bin was filled by GEN events with a fold size of 1, which
        carry no information on the spread of RECO events; or the estimate of V∞ is not positive, so that a larger fold
        size always seems to pay.
    RuntimeError
        If the histogram has lost its fold information.

    Notes
    -----
    V∞ and D are estimated from the histogram, D with the better precision. The optimum is flat: twice or half the fold
    size costs 12.5 % more CPU time at most (see ``optimal_fold_size(...).cpu_time(n)``).

    Examples
    --------
    Twenty RECO events of two GEN events; generating one takes 90 times as long as simulating one:

    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("x", "", 2, 0, 30), "x", fold_size=10)
    >>> best = flashsim.optimal_fold_size(h, t_gen=0.9, t_sim=0.01)
    >>> best.fold_size, round(best.exact, 2), round(best.gain, 1)
    (9, 8.81, 1.6)
    """
    _check_times(t_gen, t_sim)
    ratio = t_gen / t_sim
    limit, fold = _variances(histogram, bins)
    with np.errstate(divide="ignore", invalid="ignore"):
        per_bin = np.where(limit > 0, np.sqrt(ratio * fold / limit), np.where(np.isnan(limit), np.nan, np.inf))
    variance = _average(limit, fold)
    if variance.limit <= 0:
        message = (
            f"histogram {histogram.GetName()!r}: the limit variance is estimated as {variance.limit:.3g} relative to "
            "the squared content, which is not positive: there are too few GEN events for an estimate. Fill from "
            "more GEN events, or choose bins with more of them."
        )
        raise ValueError(message)
    exact = math.sqrt(ratio * variance.fold / variance.limit)
    candidates = {max(1, math.floor(exact)), max(1, math.ceil(exact))}
    fold_size = min(sorted(candidates), key=lambda n: _cost(n, variance, t_gen, t_sim))
    gain = _cost(1, variance, t_gen, t_sim) / _cost(fold_size, variance, t_gen, t_sim)
    return OptimalFoldSize(fold_size, exact, per_bin, gain, variance, t_gen, t_sim)


def relative_variance(histogram: Any, bins: Any = None) -> RelativeVariance:
    """Squared relative error against the fold size, averaged over the filled bins.

    Parameters and errors as for `optimal_fold_size`, except that the limit may be negative.
    """
    return _average(*_variances(histogram, bins))


def _variances(histogram: Any, bins: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Limit and fold variance divided by the squared content, in the shape of ``h.values()``, NaN in bins that are
    empty or left out."""
    name = histogram.GetName()
    with translated():
        sums = histogram.GetFoldSums()
        limit = in_shape(histogram, sums.GetLimitVariances())
        fold = in_shape(histogram, sums.GetFoldVariances())
    contents = np.asarray(histogram.values(), dtype=np.float64)
    counts = np.zeros(contents.shape, dtype=bool)
    counts[... if bins is None else bins] = True
    counts &= contents != 0
    if not counts.any():
        message = f"histogram {name!r} has no content in the chosen bins. Choose bins with content."
        raise ValueError(message)
    unknown = np.argwhere(counts & ~(np.isfinite(limit) & np.isfinite(fold)))
    if len(unknown):
        message = (
            f"histogram {name!r}: bin {tuple(map(int, unknown[0]))} (counted from 0) was filled by a GEN event with "
            "a fold size of 1: the spread of RECO events is unknown. Fill it with a fold size of at least 2."
        )
        raise ValueError(message)
    squares = np.where(counts, contents, np.nan) ** 2
    # Equal RECO events have a variance of zero, or slightly below by rounding.
    return limit / squares, fold.clip(min=0) / squares


def _average(limit: NDArray[np.float64], fold: NDArray[np.float64]) -> RelativeVariance:
    return RelativeVariance(float(np.nanmean(limit)), float(np.nanmean(fold)))


def _cost(fold_size: Any, variance: RelativeVariance, t_gen: float, t_sim: float) -> Any:
    """CPU time times variance, independent of the number of GEN events."""
    return variance(fold_size) * (t_gen + fold_size * t_sim)


def _check_times(t_gen: float, t_sim: float) -> None:
    if not (math.isfinite(t_gen) and t_gen >= 0):
        message = f"t_gen is {t_gen}. Expected the CPU time of a GEN event, at least 0."
        raise ValueError(message)
    if not (math.isfinite(t_sim) and t_sim > 0):
        message = f"t_sim is {t_sim}. Expected the CPU time of a RECO event, above 0."
        raise ValueError(message)
