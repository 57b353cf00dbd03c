"""OversampledTH1D on FlashSim's own folds, and in inline mode, against a plain numpy computation."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

EDGES = np.linspace(0, 300, 21)
MODEL = ("pt", ";p_{T} [GeV];events", 20, 0.0, 300.0)
WEIGHT = "event % 3 == 0 ? -1.5 : 1.0 + 0.01 * (event % 7)"


def expected(gen_event, reco_event, fold_size, values, weights):
    """Content, variance, naive variance and limit variance of all bins, flow bins included.

    The naive variance counts fills, as TH1::Fill does. The limit needs the spread of a GEN event's RECO events, which
    are independent of each other; a RECO event may fill a bin more than once.
    """
    n_bins = len(EDGES) + 1
    bins = np.digitize(values, EDGES)
    result = np.zeros((4, n_bins))
    for event in np.unique(gen_event):
        mine = gen_event == event
        a = np.bincount(bins[mine], weights[mine] / fold_size, n_bins)
        naive = np.bincount(bins[mine], (weights[mine] / fold_size) ** 2, n_bins)
        squares = np.zeros(n_bins)
        for reco in np.unique(reco_event[mine]):
            one = mine & (reco_event == reco)
            squares += np.bincount(bins[one], weights[one] / fold_size, n_bins) ** 2
        result += [a, a**2, naive, (a**2 - squares) * fold_size / (fold_size - 1)]
    return result


def check(histogram, reference):
    n = histogram.GetNbinsX() + 2
    content = [histogram.GetBinContent(i) for i in range(n)]
    scale = np.abs(reference[1]).max()
    np.testing.assert_allclose(content, reference[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        [histogram.GetBinError(i) ** 2 for i in range(n)], reference[1], rtol=1e-12, atol=1e-12 * scale
    )
    np.testing.assert_allclose(
        [histogram.GetBinErrorNaive(i) ** 2 for i in range(n)], reference[2], rtol=1e-12, atol=1e-12 * scale
    )
    # Zero where the estimate of the limit is negative, as an error must be.
    limit = np.sqrt(np.maximum(reference[3], 0))
    np.testing.assert_allclose(
        [histogram.GetBinErrorLimit(i) for i in range(n)], limit, rtol=1e-9, atol=1e-6 * np.sqrt(scale)
    )


@pytest.mark.parametrize("fold_size", [2, pytest.param(7, marks=pytest.mark.slow)])
def test_scalar_values_after_filters(gen_dataset, threads, tiny_flow, fold_size):
    sim = (
        ROOT.RDataFrame("Events", gen_dataset)
        .Define("w", WEIGHT)
        .FlashSim(tiny_flow, fold_size=fold_size, block_size=30)
    )
    leading = sim.Filter("nJet > 0").Define("leading", "Jet_pt[0]").Filter("(event + foldIndex) % 4 != 0")
    histogram = leading.OversampledTH1D(MODEL, "leading", "w")
    arrays = leading.AsNumpy(["genEvent", "foldIndex", "leading", "w"])
    assert len(arrays["w"]) < 240 * fold_size
    assert arrays["leading"].max() > 300  # there is an overflow
    check(histogram, expected(arrays["genEvent"], arrays["foldIndex"], fold_size, arrays["leading"], arrays["w"]))


def test_collections(gen_files, threads, tiny_flow):
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).Define("w", WEIGHT).FlashSim(tiny_flow, fold_size=4)
    histogram = sim.OversampledTH1D(MODEL, "Jet_pt", "w")
    arrays = sim.AsNumpy(["genEvent", "foldIndex", "Jet_pt", "w"])
    sizes = [len(pt) for pt in arrays["Jet_pt"]]
    values = np.concatenate([np.asarray(pt) for pt in arrays["Jet_pt"]])
    per_jet = {name: np.repeat(arrays[name], sizes) for name in ("genEvent", "foldIndex", "w")}
    check(histogram, expected(per_jet["genEvent"], per_jet["foldIndex"], 4, values, per_jet["w"]))


def test_inline_mode_equals_look_ahead(gen_files, threads, tiny_flow):
    df = ROOT.RDataFrame("Events", gen_files["TTree"]).Filter("GenJet_pt.size() > 0").Define("w", WEIGHT)
    leading = "return ROOT::VecOps::Map(Jet_pt, [](const ROOT::RVecF &pt) { return pt[0]; });"
    inline = df.DefineFolds(tiny_flow, fold_size=5).Define("leading", leading)
    inline_histogram = inline.OversampledTH1D(MODEL, "leading", "w", event=None)
    sim = df.FlashSim(tiny_flow, fold_size=5).Define("leading", "Jet_pt[0]")
    histogram = sim.OversampledTH1D(MODEL, "leading", "w")
    for i in range(22):
        assert inline_histogram.GetBinContent(i) == pytest.approx(histogram.GetBinContent(i), rel=1e-12)
        assert inline_histogram.GetBinError(i) == pytest.approx(histogram.GetBinError(i), rel=1e-12)
        assert inline_histogram.GetBinErrorNaive(i) == pytest.approx(histogram.GetBinErrorNaive(i), rel=1e-12)


def test_fold_size_one_is_an_ordinary_histogram(gen_files, tiny_flow):
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(tiny_flow).Filter("nJet > 0").Define("pt", "Jet_pt[0]")
    oversampled, ordinary = sim.OversampledTH1D(MODEL, "pt", "genWeight"), sim.Histo1D(MODEL, "pt", "genWeight")
    for i in range(22):
        assert oversampled.GetBinContent(i) == pytest.approx(ordinary.GetBinContent(i), rel=1e-12)
        assert oversampled.GetBinError(i) == pytest.approx(
            ordinary.GetBinError(i) if ordinary.GetSumw2N() else np.sqrt(ordinary.GetBinContent(i)), rel=1e-12
        )
