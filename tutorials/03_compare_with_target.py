"""How well does a flow reproduce its target?

You learn how to put the file's own jets (Jet_pt, the target) and simulated ones (FlashJet_pt) into the same dataframe,
how to relate both to their GEN jets, and how to compare target and oversampled simulation with right errors in a ratio.

Writes 03_compare_with_target.png. Run it from any folder: python 03_compare_with_target.py
"""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import mplhep
import numpy as np
import ROOT

import flashsim

FOLD_SIZE = 5

gen = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(1000)
sim = gen.FlashSim("jets", fold_size=FOLD_SIZE, seed=1, prefix="Flash")


def add_response(node, jet):
    """Defines <jet>_response, RECO pt over GEN pt of the jets whose GEN jet has 30 < pt < 100 GeV and |eta| < 2.5."""
    return (
        node.Define(f"{jet}_genPt", f"Take(GenJet_pt, {jet}_genJetIdx)")
        .Define(f"{jet}_genEta", f"Take(GenJet_eta, {jet}_genJetIdx)")
        .Define(f"{jet}_use", f"{jet}_genPt > 30 && {jet}_genPt < 100 && abs({jet}_genEta) < 2.5")
        .Define(f"{jet}_response", f"{jet}_pt[{jet}_use] / {jet}_genPt[{jet}_use]")
    )


both = add_response(add_response(sim, "Jet"), "FlashJet")
model = ("response", "", 40, 0.4, 1.6)

# Each RECO event has all upstream columns. The target exists once per GEN event, so one RECO event of each fills it.
target = both.Filter("foldIndex == 0").OversampledTH1D(model, "Jet_response", fold_size=1)
flash = both.OversampledTH1D(model, "FlashJet_response")

# ROOT histograms follow the UHI protocol: hist, mplhep and matplotlib read them as they are.
edges = np.array([target.GetXaxis().GetBinLowEdge(b) for b in range(1, target.GetNbinsX() + 2)])
centres = (edges[1:] + edges[:-1]) / 2
wanted, wanted_error = target.values(), np.sqrt(target.variances())
found, found_error = flash.values(), np.sqrt(flash.variances())

filled = (wanted > 0) & (found > 0)
pulls = (found - wanted)[filled] / np.hypot(found_error, wanted_error)[filled]
print(f"mean response: target {target.GetMean():.3f}, FlashSim {flash.GetMean():.3f}")
print(f"resolution:    target {target.GetStdDev():.3f}, FlashSim {flash.GetStdDev():.3f}")
print(f"largest difference in a bin: {np.abs(pulls).max():.1f} standard deviations")

with plt.style.context(mplhep.style.CMS):
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(10, 10), sharex=True, gridspec_kw={"height_ratios": (3, 1), "hspace": 0.08}
    )
    upper.errorbar(centres, wanted, wanted_error, fmt="o", color="black", label="Target")
    upper.stairs(found, edges, color="#3f90da", linewidth=2, label=f"FlashSim ×{FOLD_SIZE}")
    upper.stairs(found + found_error, edges, baseline=found - found_error, fill=True, color="#3f90da", alpha=0.3)
    upper.set_ylabel("Jets")
    upper.set_ylim(bottom=0)
    upper.legend(loc="upper right")
    with np.errstate(divide="ignore", invalid="ignore"):
        lower.errorbar(centres, np.ones_like(wanted), wanted_error / wanted, fmt="o", color="black")
        ratio, ratio_error = found / wanted, found_error / wanted
    lower.stairs(ratio, edges, color="#3f90da", linewidth=2)
    lower.stairs(ratio + ratio_error, edges, baseline=ratio - ratio_error, fill=True, color="#3f90da", alpha=0.3)
    lower.set_ylim(0.5, 1.5)
    lower.set_ylabel("Ratio")
    lower.set_xlabel("Jet $p_T$ / GEN jet $p_T$")
    lower.set_xlim(edges[0], edges[-1])
    figure.savefig("03_compare_with_target.png", dpi=80, bbox_inches="tight")
