"""Right errors where RECO events share GEN events, on the mass of the W boson.

You learn, without any formula, why the errors of Histo1D are wrong for oversampled events; how bins are correlated, and
the effect on merged bins; and how many RECO events per GEN event are worth their CPU time. docs/statistics.md derives
the formulas.

Writes 05_right_errors.png and 05_fold_size.png. Run it from any folder: python 05_right_errors.py
"""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import ROOT

import flashsim
from flashsim.demo.w_mass import w_candidate

SAMPLES = 250
BINS, LOW, HIGH = 32, 40, 200  # GeV
PEAK = slice(4, 12)  # 60 to 100 GeV

gen = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(2500)
sim = gen.FlashSim("jets", fold_size=10, seed=1, prefix="Flash")

# To see how much a result scatters, get it many times: each GEN event goes, with all its RECO events, into one of 250
# small samples, which are independent. The choice is random: the sizes of the samples vary as those of real ones do.
selected = w_candidate(sim.Define("sample", f"std::mt19937(event)() % {SAMPLES}"), "Flash")

title = "W candidates;W candidate mass [GeV];events"
narrow = selected.OversampledTH1D(("narrow", title, BINS, LOW, HIGH), "FlashW_mass", covariance=True)
wide = selected.OversampledTH1D(("wide", title, BINS // 4, LOW, HIGH), "FlashW_mass")
small = selected.OversampledTH2D(("small", title, BINS, LOW, HIGH, SAMPLES, 0, SAMPLES), "FlashW_mass", "sample")

# 1. Merging bins. One GEN event fills several bins: they are correlated, and their errors do not add in quadrature.
# With the covariance, merged bins have the same errors as wide bins filled from the start.
rebinned = narrow.Rebin(4, "rebinned")
variances = narrow.variances()
peak = rebinned.FindBin(80.4)
print(f"Bin of 20 GeV with the W mass: {rebinned.GetBinContent(peak):.1f} events")
print(f"    error, TH1::Fill                         {rebinned.GetBinErrorNaive(peak):.2f}")
print(f"    error, bins of 5 GeV, in quadrature      {np.sqrt(variances[4 * peak - 4 : 4 * peak].sum()):.2f}")
print(f"    error, bins of 5 GeV, with covariance    {rebinned.GetBinError(peak):.2f}")
print(f"    error, filled with bins of 20 GeV        {wide.GetBinError(peak):.2f}")

# 2. Which is right? A small sample has 1/250 of the GEN events, and hence of the variance. The scatter of the small
# samples, divided by the error claimed for them, must be 1. The covariance of merged bins is J C J^T.
naive = np.array([narrow.GetBinErrorNaive(b) ** 2 for b in range(1, BINS + 1)])
covariance, contents = narrow.covariance(), small.values()
resampled = contents[:, np.random.default_rng(1).integers(SAMPLES, size=(200, SAMPLES))]  # bootstrap, for error bars
widths = [1, 2, 4, 8, 16, 32]
ratios = {"TH1::Fill": [], "bins of 5 GeV in quadrature": [], "bins of 5 GeV with covariance": []}
for width in widths:
    J = np.kron(np.eye(BINS // width), np.ones(width))  # merges so many bins
    claimed = J @ naive, J @ variances, (J @ covariance @ J.T).diagonal()
    scatter = SAMPLES * (J @ contents).var(axis=-1, ddof=1)
    scatters = SAMPLES * np.tensordot(J, resampled, axes=1).var(axis=-1, ddof=1)
    for of_claim, variance in zip(ratios.values(), claimed, strict=True):
        of_claim.append((np.sqrt(np.mean(scatter / variance)), np.sqrt((scatters.T / variance).mean(axis=1)).std()))

gev = [width * (HIGH - LOW) // BINS for width in widths]
print("Scatter of the small samples, divided by the error claimed")
print(f"    {'bins of':30}" + "".join(f"{width:>8} GeV" for width in gev))
for claim, of_claim in ratios.items():
    print(f"    {claim:30}" + "".join(f" {ratio:6.2f}±{error:.2f}" for ratio, error in of_claim))

plt.rcParams["font.size"] = 13
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.6), layout="constrained")
for (claim, of_claim), marker, colour in zip(ratios.items(), "s^o", ("#832db6", "#e76300", "#3f90da"), strict=True):
    left.errorbar(gev, *np.transpose(of_claim), marker=marker, capsize=3, color=colour, label=claim)
left.axhline(1, color="black", linewidth=1)
left.set(xscale="log", xlabel="bin width [GeV]", ylabel=f"scatter of {SAMPLES} samples / error claimed", ylim=(0, None))
left.set_xticks(gev, gev)
left.minorticks_off()
left.legend(title="error claimed by", frameon=False)
left.set_title("10 RECO events per GEN event", fontsize="medium")
flashsim.plot.correlation(narrow, axes=right)
figure.savefig("05_right_errors.png", dpi=100)

# 3. Which fold size? That depends on the cost of events: here 0.1 s to generate a GEN event, and 0.3 ms to simulate
# and analyse a RECO event on one core.
best = flashsim.optimal_fold_size(narrow, t_gen=0.1, t_sim=3e-4, bins=PEAK)
print(
    f"Best for the W peak in bins of 5 GeV: fold size {best.fold_size}, {best.gain:.1f} times faster than fold size 1"
)
flashsim.plot.fold_size(narrow, t_gen=0.1, t_sim=3e-4, bins=PEAK).savefig("05_fold_size.png", dpi=100)
