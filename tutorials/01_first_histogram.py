"""A first histogram with right errors.

You learn how to turn GEN events into several RECO events each with `FlashSim`, how to continue with them as in any
RDataFrame analysis, and why the histogram is booked with `OversampledTH1D` instead of `Histo1D`.

Writes 01_first_histogram.png. Run it from any folder: python 01_first_histogram.py
"""

import ROOT

import flashsim

ROOT.gROOT.SetBatch(True)

# GEN events of top-quark pairs, shipped with the package: tree "Events" with GenJet_pt, GenJet_eta, ...
gen = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(500)

# Ten RECO events for each of them. The shipped flow "jets" makes Jet_pt, Jet_btag, ... from GenJet_*. This sample has
# Jet_* columns of its own to compare with, so the new ones get the names FlashJet_*.
sim = gen.FlashSim("jets", fold_size=10, seed=1, prefix="Flash")

# From here on it is an ordinary RDataFrame with ten times as many entries.
selected = sim.Filter("nFlashJet >= 2 && FlashJet_pt[1] > 30", "two jets above 30 GeV").Define("ht", "Sum(FlashJet_pt)")

# The ten RECO events of a GEN event are correlated: they count for less than ten independent ones. The errors of
# OversampledTH1D include this correlation. Its contents are per GEN event: no weight of 1/10 is needed.
histogram = selected.OversampledTH1D(("ht", ";H_{T} [GeV];events", 20, 0, 1000), "ht")
n_reco, n_gen = sim.Count(), gen.Count()

# Nothing has run so far. The first look at a result starts the event loop.
peak = histogram.GetMaximumBin()
print(f"{n_reco.GetValue()} RECO events from {n_gen.GetValue()} GEN events")
print(f"highest bin: {histogram.GetBinContent(peak):.1f} events")
print(f"    error                        {histogram.GetBinError(peak):.2f}")
print(f"    error if taken independent   {histogram.GetBinErrorNaive(peak):.2f}")
print(f"    error with infinitely many   {histogram.GetBinErrorLimit(peak):.2f}")

canvas = ROOT.TCanvas("canvas", "", 800, 600)
histogram.SetStats(False)
histogram.Draw("E")
canvas.SaveAs("01_first_histogram.png")
