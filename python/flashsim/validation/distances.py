"""Distances between two samples of rows: of one variable, and of all together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.stats

__all__ = ["covariance_distance", "frechet_distance", "kolmogorov_smirnov", "wasserstein"]

Array = npt.NDArray[Any]


def wasserstein(first: Array, second: Array) -> float:
    """Area between the distribution functions of two samples, in the unit of the variable.

    Parameters
    ----------
    first, second
        [n] and [m].

    Examples
    --------
    A shift is its own Wasserstein distance.

    >>> values = np.linspace(0, 1, 100)
    >>> round(wasserstein(values, values + 0.25), 6)
    0.25
    """
    return float(scipy.stats.wasserstein_distance(first, second))


def kolmogorov_smirnov(first: Array, second: Array) -> float:
    """Largest difference between the distribution functions of two samples, in [0, 1].

    Parameters
    ----------
    first, second
        [n] and [m].

    Examples
    --------
    >>> kolmogorov_smirnov(np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.5, 3.5, 4.5, 5.5]))
    0.5
    """
    return float(scipy.stats.ks_2samp(first, second, method="asymp").statistic)


def frechet_distance(first: Array, second: Array) -> float:
    r"""Squared Fréchet distance between the Gaussians that have the means and covariances of two samples.

    .. math:: d^2 = |\mu_1 - \mu_2|^2 + \mathrm{Tr}(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})

    formula (8) of arXiv:2402.13684, the Fréchet Gaussian distance; d² is given, not d.

    Parameters
    ----------
    first, second
        [n, T] and [m, T]; standardise them, or the variable with the largest unit decides.

    Examples
    --------
    >>> rows = np.random.default_rng(1).normal(size=(1000, 3))
    >>> round(frechet_distance(rows, rows + [0.3, 0.0, 0.4]), 6)
    0.25
    """
    shift = first.mean(axis=0, dtype=np.float64) - second.mean(axis=0, dtype=np.float64)
    covariances = [_covariance(first), _covariance(second)]
    # With Σ = R Rᵀ the eigenvalues of Σ1 Σ2 are the squared singular values of R1ᵀ R2: exact for singular Σ, too.
    roots = [_root(covariance) for covariance in covariances]
    overlap = np.linalg.svd(roots[0].T @ roots[1], compute_uv=False).sum()
    return max(0.0, float(shift @ shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * overlap))


def covariance_distance(first: Array, second: Array) -> float:
    """Frobenius norm of the difference of the covariance matrices, formula (9) of arXiv:2402.13684.

    Parameters
    ----------
    first, second
        [n, T] and [m, T]; standardise them, or the variable with the largest unit decides.

    Examples
    --------
    >>> rows = np.array([[-1.0, 0.0], [1.0, 0.0]])
    >>> covariance_distance(rows, 2 * rows)  # variances of 2 and 8
    6.0
    """
    return float(np.linalg.norm(_covariance(first) - _covariance(second)))


def _covariance(rows: Array) -> Array:
    return np.atleast_2d(np.cov(rows, rowvar=False, dtype=np.float64))


def _root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0))
