"""Values on and beside the edges of bins go where TH1 puts them."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401


@pytest.mark.parametrize(
    ("n_bins", "low", "high"),
    [(10, 0.0, 1.0), (7, -0.3, 0.4), (100, 0.1, 10.1), (1000, -3.7, 8.9), (3, 1e9, 1e9 + 0.3), (10_000, 0.0, 1 / 3)],
)
def test_edges(n_bins, low, high):
    edges = low + (high - low) * np.arange(n_bins + 1) / n_bins
    others = np.linspace(low, high, n_bins + 1)  # the same but for rounding
    values = np.concatenate([edges, others])
    values = np.concatenate([values, np.nextafter(values, -np.inf), np.nextafter(values, np.inf)])
    values = np.concatenate([values, [np.nan, np.inf, -np.inf, low - 1, high + 1]])
    model = ("h", "", n_bins, low, high)
    df = ROOT.RDF.FromNumpy({"x": values, "genEvent": np.arange(len(values), dtype=np.uint64)})
    histogram, plain = df.OversampledTH1D(model, "x", fold_size=1), df.Histo1D(model, "x")
    cells = range(n_bins + 2)
    assert [histogram.GetBinContent(i) for i in cells] == [plain.GetBinContent(i) for i in cells]
    assert plain.GetEntries() == histogram.GetEntries() == len(values)
