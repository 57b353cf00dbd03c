"""Does a production with fold size 10 predict the errors of others? GetBinErrorForFoldSize against real productions.

    python benchmarks/fold_size_limit.py [--experiments 200] [--seed 1] [--flow] [--output FOLDER]

Pseudo-experiments as in coverage.py: what each predicts, averaged, against productions with fold size n of the same
GEN events and of other ones. Uncertainties come from the scatter of the experiments. With `--flow`, the same for the
shipped flow, FlashSim("jets"), in the W-mass analysis of the shipped GEN events (some minutes): new RECO events of the
same GEN events; uncertainties come from the scatter of the GEN events.

Writes fold-size-limit.png to the folder.
"""

from __future__ import annotations

import argparse
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from coverage import FOLD_SIZE, GEN_EVENTS, N_BINS, make_table, produce
from scipy import stats

OTHER_FOLD_SIZES = (1, 2, 5, 20, 50)
W_MASS_EDGES = np.array([30.0, 50.0, 65.0, 75.0, 85.0, 95.0, 120.0, 200.0])  # GeV


@dataclass
class Production:
    """Variances of a production with some fold size, each [samples, bins]."""

    contents: np.ndarray
    variance: np.ndarray
    limit: np.ndarray
    fold: np.ndarray

    @classmethod
    def of(cls, histograms: list[Any]) -> Production:
        def gather(method: str) -> np.ndarray:
            return np.array([np.array(getattr(h.GetFoldSums(), method)())[1:-1] for h in histograms])

        return cls(
            np.array([h.values() for h in histograms]),
            np.array([h.variances() for h in histograms]),
            gather("GetLimitVariances"),
            gather("GetFoldVariances"),
        )

    def predict(self, fold_size: int) -> np.ndarray:
        """Variance with another fold size, as GetBinVarianceForFoldSize does."""
        return self.limit + self.fold / fold_size


@dataclass
class Comparison:
    """Predicted and actual variance with a fold size [bins]; covariance of the difference [bins, bins]."""

    fold_size: int
    gen_events: str
    predicted: np.ndarray
    actual: np.ndarray
    covariance: np.ndarray
    samples: int

    @property
    def pulls(self) -> np.ndarray:
        return (self.predicted - self.actual) / np.sqrt(np.diag(self.covariance))

    @property
    def probability(self) -> float:
        """Of a larger difference, all bins together: Hotelling's test, since the covariance is estimated."""
        difference = self.predicted - self.actual
        bins, free = len(difference), self.samples - len(difference)
        squared = difference @ np.linalg.solve(self.covariance, difference)
        return float(stats.f(bins, free).sf(squared * free / (bins * (self.samples - 1))))

    @property
    def ratio(self) -> tuple[float, float]:
        """Predicted over actual error, averaged over bins, and its uncertainty."""
        weights = 1 / self.actual / len(self.actual)
        ratio = (weights @ self.predicted) ** 0.5
        return float(ratio), float((weights @ self.covariance @ weights) ** 0.5 / 2 / ratio)


def covariance_of_mean(samples: np.ndarray) -> np.ndarray:
    return np.cov(samples, rowvar=False) / len(samples)


def compare_experiments(n_experiments: int, seed: int) -> tuple[Production, list[Comparison]]:
    """Means over pseudo-experiments: predictions, and productions of the same GEN events and of others."""

    def run(fold_size: int, gen: int, reco: int) -> Production:
        experiments = range(n_experiments)
        return Production.of([produce(fold_size, [gen, k], [reco, fold_size, k]) for k in experiments])

    ten = run(FOLD_SIZE, seed, seed)
    comparisons = []
    for fold_size in OTHER_FOLD_SIZES:
        predicted = ten.predict(fold_size)
        same, other = (run(fold_size, gen, seed + 1).variance for gen in (seed, seed + 1000 + fold_size))
        means = predicted.mean(axis=0)
        of_same = covariance_of_mean(predicted - same)
        of_other = covariance_of_mean(predicted) + covariance_of_mean(other)
        comparisons += [
            Comparison(fold_size, "the same", means, same.mean(axis=0), of_same, n_experiments),
            Comparison(fold_size, "others", means, other.mean(axis=0), of_other, n_experiments),
        ]
    return ten, comparisons


def simulate_w_mass(fold_size: int, seed: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """The histogram; and of each GEN event and bin, sum and sum of squares of w / N, [GEN events, bins]."""
    import ROOT

    import flashsim
    from flashsim.demo.w_mass import w_candidate

    gen = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root"))
    sim = gen.Filter("nGenJet >= 4").FlashSim("jets", fold_size=fold_size, seed=seed, prefix="Flash")
    selected = w_candidate(sim, "Flash")
    n_bins = len(W_MASS_EDGES) - 1
    result = selected.OversampledTH1D(("h", "", n_bins, W_MASS_EDGES), "FlashW_mass", "genWeight")
    reco = selected.AsNumpy(["FlashW_mass", "genWeight", "genEvent"])
    bins = np.digitize(reco["FlashW_mass"], W_MASS_EDGES) - 1
    inside = (bins >= 0) & (bins < n_bins)
    n_gen = gen.Count().GetValue()
    cells = reco["genEvent"].astype(np.int64)[inside] * n_bins + bins[inside]
    weights = reco["genWeight"][inside] / fold_size
    sums = [np.bincount(cells, weights**power, n_gen * n_bins).reshape(n_gen, n_bins) for power in (1, 2)]
    return result.GetValue(), *sums


def compare_flow(seed: int, console: Any) -> tuple[Production, list[Comparison]]:
    """Productions of the same GEN events; the covariance is that of a sum over GEN events, which are independent."""
    h, sums, squares = simulate_w_mass(FOLD_SIZE, seed)
    ten = Production.of([h])
    limit = (sums**2 - squares) * FOLD_SIZE / (FOLD_SIZE - 1)
    fold = (FOLD_SIZE * squares - sums**2) * FOLD_SIZE / (FOLD_SIZE - 1)
    comparisons = []
    for fold_size in OTHER_FOLD_SIZES:
        start = time.perf_counter()
        real, real_sums, _ = simulate_w_mass(fold_size, seed + fold_size)
        covariance = len(sums) * np.cov(limit + fold / fold_size - real_sums**2, rowvar=False)
        predicted, actual = ten.predict(fold_size)[0], np.array(real.variances())
        comparisons.append(Comparison(fold_size, "the same", predicted, actual, covariance, len(sums)))
        console.print(f"[dim]FlashSim, fold size {fold_size}: {time.perf_counter() - start:.0f} s")
    return ten, comparisons


def show_comparisons(console: Any, title: str, ten: Production, comparisons: list[Comparison]) -> None:
    table = make_table(
        f"{title}: error for fold size n, predicted from N = {FOLD_SIZE}, over that of a production",
        *("n", "GEN events", "predicted / actual", "pull", "largest pull of a bin", "p of all bins"),
        *("error / error at N = 10", "naive"),
    )
    for c in comparisons:
        ratio, error = c.ratio
        change = np.sqrt(c.actual / ten.variance.mean(axis=0)).mean()
        table.add_row(
            *(str(c.fold_size), c.gen_events, f"{ratio:.4f} ± {error:.4f}", f"{(ratio - 1) / error:+.1f}"),
            *(f"{c.pulls[np.abs(c.pulls).argmax()]:+.1f} of {len(c.pulls)}", f"{c.probability:.2f}"),
            *(f"{change:.2f}", f"{(FOLD_SIZE / c.fold_size) ** 0.5:.2f}"),
        )
    console.print(table)
    if len(ten.variance) > 1:
        errors = {n: np.sqrt(ten.predict(n)) for n in OTHER_FOLD_SIZES}
        spreads = ", ".join(
            f"{100 * (e.std(axis=0) / e.mean(axis=0)).mean():.1f} % (n = {n})" for n, e in errors.items()
        )
        console.print(f"One experiment alone predicts the error of a bin to {spreads}.\n")


def draw_comparisons(studies: list[Any], path: Path) -> None:
    """Relative error of some bins against n: predicted from fold size 10 (band: its uncertainty), and produced."""
    import matplotlib as mpl
    import mplhep
    from matplotlib.figure import Figure

    with mpl.rc_context(mplhep.style.CMS), mpl.rc_context({"font.size": 16}):
        figure = Figure(figsize=(9 * len(studies), 7), layout="constrained")
        n = np.geomspace(1, 100, 100)
        for panel, (title, labels, ten, comparisons) in zip(
            figure.subplots(1, len(studies), squeeze=False)[0], studies, strict=True
        ):
            contents = ten.contents.mean(axis=0)
            for (index, label), colour in zip(labels, ("#3f90da", "#e76300", "#832db6"), strict=True):
                limit, fold = ten.limit[:, index].mean(), ten.fold[:, index].mean()
                panel.plot(n, 100 * np.sqrt(limit + fold / n) / contents[index], color=colour, label=label)
                panel.axhline(100 * np.sqrt(limit) / contents[index], color=colour, linestyle=":")
                naive = np.sqrt((limit + fold) / n)
                panel.plot(n, 100 * naive / contents[index], color=colour, linestyle="--", alpha=0.4)
                for c in comparisons:
                    error = np.sqrt(c.actual[index])
                    panel.errorbar(
                        c.fold_size * (1 if c.gen_events == "the same" else 1.07),
                        100 * error / contents[index],
                        100 * np.sqrt(c.covariance[index, index]) / (2 * error) / contents[index],
                        fmt="o" if c.gen_events == "the same" else "s",
                        color=colour,
                        markerfacecolor=colour if c.gen_events == "the same" else "white",
                    )
            for style, label in (
                ({"color": "k"}, f"predicted from N = {FOLD_SIZE}"),
                ({"color": "k", "linestyle": ":"}, "limit n → ∞"),
                ({"color": "k", "linestyle": "--", "alpha": 0.4}, "naive"),
                ({"color": "k", "marker": "o", "linestyle": ""}, "produced, same GEN events"),
                ({"color": "k", "marker": "s", "linestyle": "", "markerfacecolor": "white"}, "other GEN events"),
            )[: 5 if any(c.gen_events == "others" for c in comparisons) else 4]:
                panel.plot([], [], label=label, **style)
            panel.set_xscale("log")
            panel.set_xticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
            panel.set_xlim(0.9, 100)
            panel.set_ylim(0, None)
            panel.set_xlabel("Fold size n (RECO events per GEN event)")
            panel.set_ylabel("Error / bin content [%]")
            panel.set_title(title, fontsize=17)
            panel.legend(fontsize=13)
        figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flow", action="store_true", help="the shipped flow, too")
    parser.add_argument("--output", type=Path, default=Path(), help="folder of the picture; default: this one")
    options = parser.parse_args()

    from importlib.metadata import version

    from rich.console import Console

    import flashsim

    console = Console(width=140)
    console.print(
        f"flashsim {flashsim.__version__}, ROOT wheel {version('ROOT')}, Python {platform.python_version()}, "
        f"seed {options.seed}"
    )
    ten, comparisons = compare_experiments(options.experiments, options.seed)
    show_comparisons(console, f"{options.experiments} pseudo-experiments of {GEN_EVENTS} GEN events", ten, comparisons)
    bins = [(0, "50–55 GeV"), (5, "75–80 GeV, peak"), (N_BINS - 1, "105–110 GeV")]
    studies = [("Pseudo-experiments", bins, ten, comparisons)]
    if options.flow:
        ten, comparisons = compare_flow(options.seed, console)
        show_comparisons(console, "FlashSim, W mass in top-quark pairs", ten, comparisons)
        bins = [(i, f"{W_MASS_EDGES[i]:g}–{W_MASS_EDGES[i + 1]:g} GeV") for i in (0, 3, 5)]
        studies.append(("FlashSim, W mass in top-quark pairs", bins, ten, comparisons))
    draw_comparisons(studies, options.output / "fold-size-limit.png")


if __name__ == "__main__":
    main()
