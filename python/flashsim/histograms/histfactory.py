"""Oversampled histograms as samples of a HistFactory model, with the correlations between their bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .conversion import covariance

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["independent_shifts", "to_pyhf"]

_ROUNDING = 1e-9
"""Precision of the eigenvalues of the correlation matrix, which average to 1: some n * 1e-16. A value below minus this
is more than rounding."""


def to_pyhf(
    histogram: Any,
    name: str,
    *,
    modifiers: Sequence[Mapping[str, Any]] = (),
    uncertainty: str | None = None,
    tolerance: float = 1e-4,
) -> dict[str, Any]:
    r"""A sample of a pyhf (HistFactory) channel, its statistical uncertainty included: ``h.to_pyhf("ttbar")``.

    The modifier ``staterror`` takes bins as independent; those of an oversampled histogram are correlated. Here the
    covariance C of the bins is written as :math:`\sum_k d_k d_k^T`, and each :math:`d_k` becomes a ``histosys``
    modifier of its own, whose unit-Gaussian nuisance parameter shifts the contents by :math:`\pm d_k`. With R the
    correlation matrix, :math:`\sigma_b` the bins' errors and :math:`R = \sum_k \lambda_k u_k u_k^T` its
    eigen-decomposition, :math:`d_{kb} = \sigma_b \sqrt{\lambda_k} u_{kb}`. The correlation matrix is decomposed rather
    than C, so that a bin with little content counts as much as any other when small eigenvalues are dropped.

    Parameters
    ----------
    histogram
        Booked with ``covariance=True``. In two or three dimensions, bins are put in a row in the order of
        ``h.values().ravel()``. Under- and overflow are left out.
    name
        Name of the sample, unique in its channel.
    modifiers
        Further modifiers of the sample, put first: a ``normfactor``, say.
    uncertainty
        Modifiers are called ``<uncertainty>_0``, ``<uncertainty>_1``, ...; by default ``<name>_<name of the
        histogram>_stat``. pyhf takes modifiers of the same name as one: if two channels of a workspace have the same
        sample and histograms of the same name, give them different uncertainties.
    tolerance
        Largest fraction of its variance that a bin may lose: the modifiers with the smallest eigenvalues are dropped up
        to this limit. A covariance then loses at most this fraction of the product of errors. At least 0, below 1.

    Returns
    -------
    dict
        ``{"name": ..., "data": [...], "modifiers": [...]}``, of plain Python types: ready for ``pyhf.Workspace`` and
        for ``json.dump``.

    Raises
    ------
    RuntimeError
        If the histogram does not hold its covariance.
    ValueError
        If contents are not finite, the covariance has a negative eigenvalue, or `tolerance` is out of range.

    Notes
    -----
    *Precision*: the modifiers reproduce the covariance in the Gaussian limit. It is estimated from the sample itself:
    bins that fluctuate low get too small an error, and fits follow bins of less than some hundred GEN events too
    closely. Merge such bins, with ``h.Rebin``; their contents, shifted by several standard deviations, may also become
    negative.

    *Several samples*, and several histograms, are taken as independent of one another, even if they are filled from the
    same GEN events.

    Format: https://pyhf.readthedocs.io/en/stable/likelihood.html.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("x", "", 2, 0, 30), "x", fold_size=10, covariance=True)
    >>> mu = {"name": "mu", "type": "normfactor", "data": None}
    >>> sample = h.to_pyhf("signal", modifiers=[mu])
    >>> sample["data"], [modifier["name"] for modifier in sample["modifiers"]]
    ([1.5, 0.5], ['mu', 'signal_x_stat_0', 'signal_x_stat_1'])
    """
    if not 0 <= tolerance < 1:
        message = f"tolerance is {tolerance}. Expected the fraction of a bin's variance that may be lost, 0 to 1."
        raise ValueError(message)
    contents = np.asarray(histogram.values(), dtype=np.float64).ravel()
    matrix = covariance(histogram)
    if not (np.isfinite(contents).all() and np.isfinite(matrix).all()):
        message = f"histogram {histogram.GetName()!r} has contents or errors that are not finite: no fit can use them."
        raise ValueError(message)
    shifts = independent_shifts(matrix, tolerance)
    stem = uncertainty or f"{name}_{histogram.GetName()}_stat"
    statistics = [
        {
            "name": f"{stem}_{k}",
            "type": "histosys",
            "data": {"hi_data": (contents + shift).tolist(), "lo_data": (contents - shift).tolist()},
        }
        for k, shift in enumerate(shifts)
    ]
    return {"name": name, "data": contents.tolist(), "modifiers": [*map(dict, modifiers), *statistics]}


def independent_shifts(matrix: NDArray[np.float64], tolerance: float = 0) -> NDArray[np.float64]:
    """Shifts [k, n] of n numbers; their outer products add up to the covariance [n, n], and k is at most its rank.

    The shift of the largest eigenvalue comes first. `tolerance` and errors as for `to_pyhf`.

    >>> shifts = independent_shifts(np.array([[4.0, 2.0], [2.0, 4.0]]))
    >>> (shifts.T @ shifts).round(12)
    array([[4., 2.],
           [2., 4.]])
    """
    errors = np.sqrt(matrix.diagonal())
    filled = np.flatnonzero(errors)
    correlation = matrix[np.ix_(filled, filled)] / np.outer(errors[filled], errors[filled])
    eigenvalues, eigenvectors = np.linalg.eigh(correlation)  # ascending
    if (eigenvalues < -_ROUNDING).any():
        message = (
            f"the correlation matrix has the eigenvalue {eigenvalues[0]:.3g}, so this is not a covariance matrix. "
            "Expected the covariance of bins, none of whose eigenvalues is below 0."
        )
        raise ValueError(message)
    eigenvalues = eigenvalues.clip(min=0)
    lost = np.cumsum(eigenvalues * eigenvectors**2, axis=1).max(axis=0, initial=0)  # fraction, if 0 ... k are dropped
    kept = lost > max(tolerance, _ROUNDING)
    shifts = np.zeros((np.count_nonzero(kept), len(errors)))
    shifts[:, filled] = (errors[filled, None] * eigenvectors[:, kept] * np.sqrt(eigenvalues[kept])).T
    return shifts[::-1]
