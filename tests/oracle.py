"""The statistics of oversampled histograms, from their definitions: in numpy, slow, one GEN event at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Expected:
    """What an oversampled histogram must hold; arrays over cells, underflow first, overflow last."""

    content: np.ndarray
    variance: np.ndarray
    naive: np.ndarray
    limit: np.ndarray  # NaN where a GEN event with one fold filled
    fold: np.ndarray  # so that the variance with n folds is limit + fold / n
    scale: np.ndarray  # sum over GEN events of (sum of |w| / N)^2, to which rounding is relative
    entries: int
    gen_events: int
    statistics: np.ndarray  # as TH1::GetStats: sum of w, its variance, sum of w x, sum of w x^2


def find_cells(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Cell of each value: 0 is underflow, len(edges) overflow, which is where NaN goes."""
    return np.searchsorted(edges, values, side="right")


def oversampled(gen_event, reco_event, folds, values, weights, edges) -> Expected:
    """One row is one fill: by which RECO event, made from which GEN event, which has how many folds."""
    gen_event, reco_event, folds = np.asarray(gen_event), np.asarray(reco_event), np.asarray(folds)
    values, weights, edges = np.asarray(values, float), np.asarray(weights, float), np.asarray(edges, float)
    cells = find_cells(values, edges)
    n_cells = len(edges) + 1
    content, variance, naive, limit, fold, scale = np.zeros((6, n_cells))
    statistics = np.zeros(4)
    in_range = (cells > 0) & (cells < len(edges))

    for event in np.unique(gen_event):
        of_event = gen_event == event
        (n,) = np.unique(folds[of_event])
        # x[l, b]: what the l-th RECO event that is left adds to cell b. The others add nothing.
        reco_events = np.unique(reco_event[of_event])
        x = np.zeros((len(reco_events), n_cells))
        for i, reco in enumerate(reco_events):
            rows = of_event & (reco_event == reco)
            np.add.at(x[i], cells[rows], weights[rows])
        a = x.sum(axis=0) / n
        r = ((x / n) ** 2).sum(axis=0)

        content += a
        variance += a**2
        np.add.at(naive, cells[of_event], (weights[of_event] / n) ** 2)
        touched = np.zeros(n_cells, dtype=bool)
        touched[cells[of_event & (weights != 0)]] = True
        if n > 1:
            limit += (a**2 - r) * n / (n - 1)
            fold += n * (n * r - a**2) / (n - 1)
        else:
            limit[touched] = fold[touched] = np.nan
        absolute = np.zeros(n_cells)
        np.add.at(absolute, cells[of_event], np.abs(weights[of_event]) / n)
        scale += absolute**2

        share = weights[of_event & in_range] / n
        x_values = values[of_event & in_range]
        statistics += [share.sum(), share.sum() ** 2, (share * x_values).sum(), (share * x_values**2).sum()]

    return Expected(content, variance, naive, limit, fold, scale, len(values), len(np.unique(gen_event)), statistics)


def check(histogram, expected: Expected, relative: float = 1e-12) -> None:
    """Compares everything, to `relative` of the sums of absolute values."""
    cells = range(len(expected.content))
    scale = expected.scale

    def assert_close(actual, wanted, size):
        actual, wanted = np.asarray(actual), np.asarray(wanted)
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(wanted))
        assert (np.nan_to_num(np.abs(actual - wanted)) <= relative * size).all(), (actual, wanted)

    assert histogram.GetNcells() == len(expected.content)
    assert_close([histogram.GetBinContent(i) for i in cells], expected.content, np.sqrt(scale * expected.gen_events))
    assert_close([histogram.GetBinError(i) ** 2 for i in cells], expected.variance, 2 * scale)
    assert_close([histogram.GetBinVarianceNaive(i) for i in cells], expected.naive, scale)
    # Differences of sums that may each be N times larger.
    assert_close([histogram.GetBinVarianceLimit(i) for i in cells], expected.limit, 4 * scale)
    for n in (1, 7):
        wanted = expected.limit + expected.fold / n
        assert_close([histogram.GetBinVarianceForFolds(i, n) for i in cells], wanted, 20 * scale)
        error = np.sqrt(np.maximum(wanted, 0))
        actual = np.array([histogram.GetBinErrorForFolds(i, n) for i in cells])
        assert_close(actual**2, error**2, 20 * scale)
    statistics = np.zeros(13)
    histogram.GetStats(statistics)
    size = np.abs(expected.statistics) + 1000 * scale.sum()
    assert_close(statistics[:4], expected.statistics, size)
    assert histogram.GetEntries() == expected.entries
    assert histogram.GetNGenEvents() == expected.gen_events
    assert histogram.HasFoldInformation()
