"""Do the errors of OversampledTH1D cover? Thousands of pseudo-experiments whose expectation is known exactly.

    python benchmarks/coverage.py [--experiments 4000] [--seed 1] [--output FOLDER]

An experiment is a Poisson number of GEN events (10 000 on average; some 180 to 1240 in each bin) with random
weights, a peak over a flat background. Each has ten RECO events; the resolution is as large as a bin, so that these
fill several bins, and a turn-on curve selects some of them. Each experiment is one OversampledTH1D with
``covariance=True``. The table shows mean and width of (content - expectation) / error for bin contents, for an integral
and for rebinned bins, with three errors:

* covariance: what OversampledTH1D gives;
* independent bins: its errors of the bins, added in quadrature as if bins were not correlated;
* naive: what TH1::Fill would claim, as if all RECO events were independent.

The width must be 1. It tends to that from above for many GEN events, since an error that is estimated from few events
fluctuates together with the content (as for the Poisson distribution); hence their number. The chi-squared of an
experiment against the expectation must have the chi-squared distribution of as many degrees of freedom as bins.

Writes coverage.png to the folder.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import integrate, stats

LOW, HIGH, N_BINS = 50.0, 110.0, 12  # GeV
PEAK, WIDTH, SIGNAL = 80.0, 4.0, 0.4
GEN_RANGE = (20.0, 140.0)  # of the background; its edges are five resolutions off
RESOLUTION = (HIGH - LOW) / N_BINS
GEN_EVENTS = 10_000
FOLD_SIZE = 10
INTEGRAL = (5, 8)  # bins of the peak
GROUP = 3  # bins that are merged
COLOURS = {"covariance": "#3f90da", "independent bins": "#e76300", "naive": "#832db6"}


def efficiency(x: Any) -> Any:
    """Probability to select a RECO event."""
    return 0.9 * stats.norm.cdf(x, 40, 15)


def expected_contents() -> np.ndarray:
    """Exact expectation of each bin [N_BINS]: the smeared density, times the efficiency, integrated."""
    peak = stats.norm(PEAK, np.hypot(WIDTH, RESOLUTION))
    first, last = GEN_RANGE

    def selected(x: float) -> float:
        flat = (stats.norm.cdf((x - first) / RESOLUTION) - stats.norm.cdf((x - last) / RESOLUTION)) / (last - first)
        return efficiency(x) * (SIGNAL * peak.pdf(x) + (1 - SIGNAL) * flat)

    edges = np.linspace(LOW, HIGH, N_BINS + 1)
    integrals = [integrate.quad(selected, a, b)[0] for a, b in itertools.pairwise(edges)]
    return GEN_EVENTS * np.array(integrals)  # weights are 1 on average


def produce(fold_size: int, gen_seed: list[int], reco_seed: list[int], covariance: bool = False) -> Any:
    """One experiment: an OversampledTH1D of N_BINS bins. The seeds determine its GEN events and their RECO events."""
    import ROOT

    gen, reco = np.random.default_rng(gen_seed), np.random.default_rng(reco_seed)
    n = gen.poisson(GEN_EVENTS)
    true = np.where(gen.random(n) < SIGNAL, gen.normal(PEAK, WIDTH, n), gen.uniform(*GEN_RANGE, n))
    weight = gen.normal(1, 0.5, n)
    x = np.repeat(true, fold_size)
    x += reco.normal(0, RESOLUTION, len(x))
    event = np.repeat(np.arange(n, dtype=np.uint64), fold_size)
    kept = reco.random(len(x)) < efficiency(x)
    node = ROOT.RDF.FromNumpy({"genEvent": event[kept], "x": x[kept], "w": weight[event[kept]]})
    model = ("h", "", N_BINS, LOW, HIGH)
    return node.OversampledTH1D(model, "x", "w", fold_size=fold_size, covariance=covariance).GetValue()


@dataclass
class Pulls:
    """(content - expectation) / error of one quantity with one kind of errors, [experiments, bins]."""

    quantity: str
    errors: str
    values: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def mean_error(self) -> float:
        return float(self.values.mean(axis=1).std() / np.sqrt(len(self.values)))

    @property
    def width(self) -> float:
        return float(self.values.std())

    @property
    def width_error(self) -> float:
        """From the scatter of the experiments, which are independent; their bins are not."""
        squares = ((self.values - self.mean) ** 2).mean(axis=1)
        return float(squares.std() / np.sqrt(len(squares)) / (2 * self.width))


def run_experiments(n_experiments: int, seed: int) -> tuple[list[Pulls], dict[str, np.ndarray]]:
    """Pulls, and chi-squared [experiments] by kind of errors."""
    import ROOT

    expected = expected_contents()
    groups = (-1, GROUP)
    integral = slice(INTEGRAL[0] - 1, INTEGRAL[1])
    names = ("bin content", "integral of 4 bins", f"Rebin({GROUP})")
    deviations: dict[str, list[Any]] = {name: [] for name in names}
    errors: dict[tuple[str, str], list[Any]] = {(name, kind): [] for name in names for kind in COLOURS}
    chi2: dict[str, list[float]] = {kind: [] for kind in COLOURS}
    error = ctypes.c_double()
    model = ROOT.TH1D("model", "", N_BINS, LOW, HIGH)
    for i, value in enumerate(expected):
        model.SetBinContent(i + 1, value)
        model.SetBinError(i + 1, 0)
    for k in range(n_experiments):
        h = produce(FOLD_SIZE, [seed, k], [seed, k, 1], covariance=True)
        variances = h.variances()
        naive = np.array(h.GetFoldSums().GetNaiveVariances())[1:-1]
        content = h.values() - expected
        total = h.IntegralAndError(*INTEGRAL, error) - expected[integral].sum()
        rebinned = h.Rebin(GROUP, "rebinned")
        merged = rebinned.values() - expected.reshape(groups).sum(axis=1)
        for name, deviation, with_covariance, as_independent, without_folds in (
            (names[0], content, variances, variances, naive),
            (names[1], [total], [error.value**2], [variances[integral].sum()], [naive[integral].sum()]),
            (
                names[2],
                merged,
                rebinned.variances(),
                variances.reshape(groups).sum(axis=1),
                np.array(rebinned.GetFoldSums().GetNaiveVariances())[1:-1],
            ),
        ):
            deviations[name].append(deviation)
            for kind, variance in zip(COLOURS, (with_covariance, as_independent, without_folds), strict=True):
                errors[name, kind].append(np.sqrt(variance))
        chi2["covariance"].append(h.Chi2WithCovariance(model).fChi2)
        chi2["independent bins"].append((content**2 / variances).sum())
        chi2["naive"].append((content**2 / naive).sum())
    pulls = [
        Pulls(name, kind, np.array(deviations[name]) / np.array(errors[name, kind]))
        for name in names
        for kind in COLOURS
        if (name, kind) != (names[0], "independent bins")  # one bin has no neighbours
    ]
    return pulls, {kind: np.array(values) for kind, values in chi2.items()}


def make_table(title: str, *columns: str) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in ("quantity", "errors", "GEN events") else "right")
    return table


def show_coverage(console: Any, pulls: list[Pulls], chi2: dict[str, np.ndarray]) -> None:
    table = make_table(
        "(content - expectation) / error. Wanted with covariance: width 1.00 ± 0.03",
        *("quantity", "errors", "mean", "width", "the error should be"),
    )
    for p in pulls:
        table.add_row(
            *(p.quantity, p.errors, f"{p.mean:+.3f} ± {p.mean_error:.3f}", f"{p.width:.3f} ± {p.width_error:.3f}"),
            "as it is" if abs(p.width - 1) < 0.03 else f"{p.width:.2f} times larger",
        )
    console.print(table)
    table = make_table(
        f"Chi-squared of {N_BINS} bins against the expectation. Wanted: mean {N_BINS}, variance {2 * N_BINS}",
        *("errors", "mean", "variance", "p < 0.05", "Kolmogorov-Smirnov p"),
    )
    for kind, values in chi2.items():
        n = len(values)
        variance_error = np.sqrt(stats.moment(values, 4) / n - values.var() ** 2 / n)
        rejected = (stats.chi2(N_BINS).sf(values) < 0.05).mean()
        table.add_row(
            *(kind, f"{values.mean():.2f} ± {values.std() / np.sqrt(n):.2f}"),
            *(f"{values.var():.1f} ± {variance_error:.1f}", f"{100 * rejected:.1f} %"),
            f"{stats.kstest(values, stats.chi2(N_BINS).cdf).pvalue:.2g}",
        )
    console.print(table)


def draw_coverage(pulls: list[Pulls], chi2: dict[str, np.ndarray], path: Path) -> None:
    import matplotlib as mpl
    import mplhep
    from matplotlib.figure import Figure

    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context({"font.size": 16}):
        figure = Figure(figsize=(21, 6.5), layout="constrained")
        axes = figure.subplots(1, 3)
        edges = np.linspace(-6, 6, 61)
        fine = np.linspace(-6, 6, 400)
        for panel, quantity, title in (
            (axes[0], "bin content", "Contents of bins"),
            (axes[1], f"Rebin({GROUP})", f"Contents after Rebin({GROUP})"),
        ):
            for p in (p for p in pulls if p.quantity == quantity):
                counts, _ = np.histogram(p.values, edges)
                errors = "OversampledTH1D" if p.errors == "covariance" else p.errors
                scale = p.values.size * np.diff(edges)
                panel.stairs(
                    counts / scale, edges, color=COLOURS[p.errors], linewidth=2, label=f"{errors}: width {p.width:.2f}"
                )
                centres = (edges[1:] + edges[:-1]) / 2
                panel.errorbar(centres, counts / scale, np.sqrt(counts) / scale, fmt="none", color=COLOURS[p.errors])
            panel.plot(fine, stats.norm.pdf(fine), "k--", label="unit Gaussian")
            panel.set_xlabel("(content − expectation) / error")
            panel.set_ylabel("Pulls, normalised")
            panel.set_title(title, fontsize=17)
            panel.set_xlim(-6, 6)
            panel.set_ylim(0, 0.6)
            panel.legend(loc="upper left", fontsize=14)
        edges = np.linspace(0, 1, 21)
        top = 0.0
        for kind in ("covariance", "independent bins"):
            counts, _ = np.histogram(stats.chi2(N_BINS).sf(chi2[kind]), edges)
            axes[2].stairs(counts, edges, color=COLOURS[kind], linewidth=2, label=kind)
            axes[2].errorbar(edges[:-1] + 0.025, counts, np.sqrt(counts), fmt="none", color=COLOURS[kind])
            top = max(top, counts.max())
        flat = len(chi2["covariance"]) / 20
        axes[2].axhline(flat, color="k", linestyle="--", label="flat ± 1σ")
        axes[2].axhspan(flat - np.sqrt(flat), flat + np.sqrt(flat), color="grey", alpha=0.25)
        axes[2].set_xlabel(r"p-value of $\chi^2$ against the expectation")
        axes[2].set_ylabel("Experiments / 0.05")
        axes[2].set_title("Chi-squared test", fontsize=17)
        axes[2].set_xlim(0, 1)
        axes[2].set_ylim(0, 1.25 * top)
        axes[2].legend(fontsize=14)
        figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path(), help="folder of the picture; default: this one")
    options = parser.parse_args()

    from importlib.metadata import version

    import ROOT
    from rich.console import Console

    import flashsim

    ROOT.TH1.AddDirectory(False)
    console = Console(width=140)
    console.print(
        f"flashsim {flashsim.__version__}, ROOT wheel {version('ROOT')}, Python {platform.python_version()}, "
        f"seed {options.seed}"
    )
    start = time.perf_counter()
    pulls, chi2 = run_experiments(options.experiments, options.seed)
    console.print(
        f"{options.experiments} experiments of {GEN_EVENTS} GEN events, fold size {FOLD_SIZE}: "
        f"{time.perf_counter() - start:.0f} s"
    )
    show_coverage(console, pulls, chi2)
    draw_coverage(pulls, chi2, options.output / "coverage.png")


if __name__ == "__main__":
    main()
