"""The statistics of oversampled histograms, from their definitions: in numpy, slow, one GEN event at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FLOAT_PRECISION = 4 * np.finfo(np.float32).eps


@dataclass(frozen=True)
class Expected:
    """Expected content of an oversampled histogram; arrays over cells, numbered as in TH1::GetBin, with flow bins."""

    content: np.ndarray
    naive: np.ndarray
    covariance: np.ndarray  # matrices over cells
    limit_covariance: np.ndarray  # NaN where a GEN event with N = 1 filled both cells
    fold_covariance: np.ndarray  # so that the covariance with a fold size of n is limit + fold / n
    scale_matrix: (
        np.ndarray
    )  # sum over GEN events of the products of their sums of |w| / N, to which rounding is relative
    entries: int
    gen_events: int
    statistics: np.ndarray  # as GetStats gives them: 4, 7 or 11 numbers
    statistics_size: np.ndarray  # what rounding of the statistics is relative to

    @property
    def variance(self) -> np.ndarray:
        return np.diagonal(self.covariance)

    @property
    def limit(self) -> np.ndarray:
        return np.diagonal(self.limit_covariance)

    @property
    def fold(self) -> np.ndarray:
        return np.diagonal(self.fold_covariance)

    @property
    def scale(self) -> np.ndarray:
        return np.diagonal(self.scale_matrix)


def find_bins(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Bin of each value on one axis: 0 is underflow, len(edges) overflow, which is where NaN goes."""
    return np.searchsorted(edges, values, side="right")


def number_cells(bins: Sequence[np.ndarray], n_bins: Sequence[int]) -> np.ndarray:
    """Numbers cells as TH1::GetBin does, x fastest."""
    cells, stride = np.zeros(len(bins[0]), dtype=np.int64), 1
    for of_axis, n in zip(bins, n_bins, strict=True):
        cells += stride * of_axis
        stride *= n + 2
    return cells


def in_range_cells(edges) -> np.ndarray:
    """Numbers of the cells that are neither under- nor overflow of any axis, ascending."""
    n_bins = [len(of_axis) - 1 for of_axis in _axes(edges)]
    grid = np.meshgrid(*[np.arange(1, n + 1) for n in n_bins], indexing="ij")
    return np.sort(number_cells([bins.ravel() for bins in grid], n_bins))


def oversampled(gen_event, reco_event, fold_size, values, weights, edges) -> Expected:
    """One row is one fill, with its RECO event, GEN event and fold size.

    Values are an array for one dimension, a sequence of arrays for more; edges likewise.
    """
    axes = _axes(edges)
    columns = [values] if np.ndim(edges[0]) == 0 else values
    columns = [np.asarray(column, float) for column in columns]
    bins = [find_bins(column, of_axis) for column, of_axis in zip(columns, axes, strict=True)]
    n_bins = [len(of_axis) - 1 for of_axis in axes]
    in_range = np.logical_and.reduce([(b > 0) & (b <= n) for b, n in zip(bins, n_bins, strict=True)])
    n_cells = int(np.prod([n + 2 for n in n_bins]))
    cells = number_cells(bins, n_bins)
    return oversampled_cells(gen_event, reco_event, fold_size, cells, n_cells, weights, columns, in_range)


def oversampled_cells(gen_event, reco_event, fold_size, cells, n_cells, weights, columns=(), in_range=True) -> Expected:
    """The same with the cell of each row given. Statistics are those of `columns` in the rows `in_range`."""
    gen_event, reco_event, fold_size, cells = (np.asarray(array) for array in (gen_event, reco_event, fold_size, cells))
    weights = np.asarray(weights, float)
    in_range = np.broadcast_to(in_range, cells.shape)
    content, naive = np.zeros((2, n_cells))
    covariance, limit, fold, scale = np.zeros((4, n_cells, n_cells))
    statistics, statistics_size = np.zeros((2, len(_moments(np.zeros(0), [np.zeros(0)] * len(columns))) + 1))

    order = np.argsort(gen_event, kind="stable")
    starts = np.flatnonzero(gen_event[order][1:] != gen_event[order][:-1]) + 1
    rows_of_events = np.split(order, starts) if len(order) else []
    for of_event in rows_of_events:
        (n,) = np.unique(fold_size[of_event])
        touched, own_cells = np.unique(cells[of_event], return_inverse=True)
        # x[l, b]: contribution of the l-th remaining RECO event to cell b. Dropped ones contribute nothing.
        reco_events, own_reco = np.unique(reco_event[of_event], return_inverse=True)
        share = weights[of_event] / n
        x = np.zeros((len(reco_events), len(touched)))
        np.add.at(x, (own_reco, own_cells), share)
        absolute = np.bincount(own_cells, np.abs(share), len(touched))
        a = x.sum(axis=0)
        aa, r = np.outer(a, a), x.T @ x

        content[touched] += a
        naive[touched] += np.bincount(own_cells, share**2, len(touched))
        block = np.ix_(touched, touched)
        covariance[block] += aa
        scale[block] += np.outer(absolute, absolute)
        if n > 1:
            limit[block] += (aa - r) * n / (n - 1)
            fold[block] += n * (n * r - aa) / (n - 1)
        else:
            unknown = np.ix_(touched[absolute > 0], touched[absolute > 0])
            limit[unknown] = fold[unknown] = np.nan

        counted = in_range[of_event]
        moments = _moments(share[counted], [column[of_event][counted] for column in columns])
        statistics += [moments[0], moments[0] ** 2, *moments[1:]]
        sizes = _moments(np.abs(share[counted]), [np.abs(column[of_event][counted]) for column in columns])
        statistics_size += [sizes[0], sizes[0] ** 2, *sizes[1:]]

    n_events = len(rows_of_events)
    return Expected(content, naive, covariance, limit, fold, scale, len(cells), n_events, statistics, statistics_size)


def _moments(w, columns) -> list[float]:
    """The sums of w, w x, w x^2, w y, w y^2, w x y, w z, w z^2, w x z, w y z, in the order of TH3::GetStats."""
    sums = [w.sum()]
    for i, column in enumerate(columns):
        sums += [(w * column).sum(), (w * column**2).sum()]
        sums += [(w * other * column).sum() for other in columns[:i]]
    return sums


def _axes(edges) -> list[np.ndarray]:
    return [np.asarray(of_axis, float) for of_axis in ([edges] if np.ndim(edges[0]) == 0 else edges)]


def matrix(symmetric) -> np.ndarray:
    """A TMatrixDSym as an array."""
    n = symmetric.GetNrows()
    return np.array([[symmetric[i][j] for j in range(n)] for i in range(n)]).reshape(n, n)


def assert_close(actual, wanted, size) -> None:
    """Differences of at most `size`, and NaN in the same places."""
    actual, wanted = np.asarray(actual), np.asarray(wanted)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(wanted))
    bad = ~(np.nan_to_num(np.abs(actual - wanted)) <= size)
    assert not bad.any(), (np.argwhere(bad)[:5], actual[bad][:5], wanted[bad][:5])


def check(
    histogram,
    expected: Expected,
    relative: float = 1e-12,
    *,
    bins_only: bool = False,
    covariance: bool = False,
    floats: bool | None = None,
) -> None:
    """Compares everything, to `relative` of the sums of absolute values.

    `bins_only` leaves out entries, GEN events and statistics, which not every operation on histograms can know.
    Contents are compared to the precision of `floats` if they come from such, by default if the histogram is a TH1F or
    the like.
    """
    cells = range(len(expected.content))
    scale = expected.scale
    if floats is None:
        floats = str(histogram.ClassName()).endswith("F")

    assert histogram.GetNcells() == len(expected.content)
    size = (FLOAT_PRECISION if floats else relative) * np.sqrt(scale * expected.gen_events)
    assert_close([histogram.GetBinContent(i) for i in cells], expected.content, size)
    assert_close([histogram.GetBinError(i) ** 2 for i in cells], expected.variance, relative * 2 * scale)
    assert_close([histogram.GetBinVarianceNaive(i) for i in cells], expected.naive, relative * scale)
    # Differences of sums that may each be N times larger.
    assert_close([histogram.GetBinVarianceLimit(i) for i in cells], expected.limit, relative * 4 * scale)
    for n in (1, 7):
        wanted = expected.limit + expected.fold / n
        assert_close([histogram.GetBinVarianceForFoldSize(i, n) for i in cells], wanted, relative * 20 * scale)
        error = np.sqrt(np.maximum(wanted, 0))
        actual = np.array([histogram.GetBinErrorForFoldSize(i, n) for i in cells])
        assert_close(actual**2, error**2, relative * 20 * scale)
    assert histogram.HasFoldInformation()
    if covariance:
        assert histogram.HasCovariance()
        actual = matrix(histogram.GetCovarianceMatrix(True))
        assert_close(actual, expected.covariance, relative * 2 * expected.scale_matrix)
        np.testing.assert_array_equal(np.diagonal(actual), np.array(histogram.GetSumw2()))
    if bins_only:
        return
    statistics = np.zeros(13)
    histogram.GetStats(statistics)
    assert_close(statistics[: len(expected.statistics)], expected.statistics, 10 * relative * expected.statistics_size)
    assert histogram.GetEntries() == expected.entries
    assert histogram.GetNGenEvents() == expected.gen_events
