"""Study e: the W-mass pseudo-analysis, with few target events, ten times more, and the flow ten times on the few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .._library import root
from ..demo.w_mass import PEAK, w_candidate, w_mass_model
from ..histograms.booking import oversampled_th1d
from ..rdataframe.methods import flash_sim
from ..style import COLOURS
from .pictures import figure_of, save
from .study import Cell, Study

__all__ = ["compare_statistics"]


def compare_statistics(
    flow: str | Path,
    files: Sequence[str | Path],
    folder: str | Path,
    *,
    events: int = 10_000,
    fold_size: int = 10,
    seed: int = 1,
    tell: Callable[[str], None] = print,
) -> Study:
    """The mass of the hadronic W boson from ``events`` target events, ``fold_size`` times as many, and oversampling.

    Parameters
    ----------
    flow
        ONNX file or name of a shipped flow, which was not trained on these files.
    files
        tt̄ events with GEN and RECO jets, at least ``events`` × (``fold_size`` + 1) of them. The first ``events`` are
        the small sample, for target and flow. The others are the large sample: it shares no GEN event with the flow.
    folder
        For ``w-mass.{json,md,png}``.
    events, fold_size
        GEN events of the small sample, and RECO events made of each.
    seed
        Of the flow's noise.
    tell
        Called with the name of each stage.

    Returns
    -------
    Study
        A row per spectrum: events in the peak per thousand GEN events with their error, the mean relative error of the
        bins in the peak, and the number of target events that this error corresponds to. Errors of the flow are those
        of `OversampledTH1D`, and, for comparison, those of ``TH1::Fill``.

    Raises
    ------
    ValueError
        If there are too few events.
    """
    ROOT = root()
    names = ROOT.std.vector["std::string"]([str(file) for file in files])
    available = ROOT.RDataFrame("Events", names).Count().GetValue()
    needed = events * (fold_size + 1)
    if available < needed:
        raise ValueError(f"the files hold {available} events, {needed} are needed: generate more.")

    def between(start: int, stop: int) -> Any:
        return ROOT.RDataFrame("Events", names).Range(start, stop)

    few, many = f"target, {events} events", f"target, {events * fold_size} events"
    tell(few)
    histograms = {few: w_candidate(between(0, events)).Histo1D(w_mass_model("few"), "W_mass").GetValue()}
    tell(many)
    histograms[many] = w_candidate(between(events, needed)).Histo1D(w_mass_model("many"), "W_mass").GetValue()
    tell(f"flow, {events} events x {fold_size}")
    simulated = w_candidate(
        flash_sim(between(0, events), str(flow), fold_size=fold_size, seed=seed, prefix="Flash"), "Flash"
    )
    model = w_mass_model("flow")
    oversampled = oversampled_th1d(simulated, model, "FlashW_mass", covariance=True).GetValue()

    edges = oversampled.to_numpy()[1]
    peak = (edges[:-1] >= PEAK[0]) & (edges[1:] <= PEAK[1])
    inside = 1 + np.flatnonzero(peak)
    first_bin, last_bin = int(inside[0]), int(inside[-1])
    spectra = {
        name: (histogram.values() / size, np.sqrt(histogram.variances()) / size)
        for (name, histogram), size in zip(histograms.items(), (events, events * fold_size), strict=True)
    }
    name, naive = f"flow, {events} events x {fold_size}", "the same, errors as of TH1::Fill"
    spectra[name] = (oversampled.values() / events, np.sqrt(oversampled.variances()) / events)
    spectra[naive] = (
        spectra[name][0],
        np.array([oversampled.GetBinErrorNaive(1 + bin) for bin in range(len(edges) - 1)]) / events,
    )
    integral_errors = {
        few: float(np.sqrt(histograms[few].variances()[peak].sum())) / events,
        many: float(np.sqrt(histograms[many].variances()[peak].sum())) / (events * fold_size),
        name: float(np.sqrt(oversampled.covariance()[np.ix_(peak, peak)].sum())) / events,
        naive: float(np.sqrt((spectra[naive][1][peak] ** 2).sum())),
    }
    reference = _relative_error(spectra[few], peak)
    rows: list[tuple[Cell, ...]] = []
    for label, (contents, errors) in spectra.items():
        relative = _relative_error((contents, errors), peak)
        rows.append(
            (
                label,
                f"{1000 * contents[peak].sum():.2f} ± {1000 * integral_errors[label]:.2f}",
                f"{100 * relative:.2f} %",
                int(round(events * (reference / relative) ** 2, -2)),
            )
        )
    compatible = oversampled.covariance()[np.ix_(peak, peak)] / events**2 + np.diag(spectra[many][1][peak] ** 2)
    difference = (spectra[name][0] - spectra[many][0])[peak]
    chi2 = float(difference @ np.linalg.solve(compatible, difference))
    study = Study(
        "w-mass",
        f"Hadronic W mass: {fold_size} RECO events of each GEN event against {fold_size} times as many events",
        ("spectrum", "in the peak, per 1000 GEN events", "error of a peak bin", "corresponds to target events"),
        rows,
        [
            f"Peak: {PEAK[0]:g} to {PEAK[1]:g} GeV, bins {first_bin} to {last_bin}. Flow against {many}: chi-squared "
            f"{chi2:.1f} of {peak.sum()} bins, with the covariance of the oversampled bins."
        ],
    )
    save(_draw(edges, spectra, (few, many, name)), study.write(folder))
    return study


def _relative_error(spectrum: tuple[Any, Any], peak: Any) -> float:
    contents, errors = spectrum
    return float(np.mean(errors[peak] / contents[peak]))


def _draw(edges: Any, spectra: dict[str, tuple[Any, Any]], names: Sequence[str]) -> Figure:
    few, many, flow = names
    centres, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    with figure_of(9, 8.5) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
        for name, colour, shift in ((few, COLOURS[2], -0.2), (flow, COLOURS[1], 0.2)):
            contents, errors = spectra[name]
            upper.errorbar(
                centres + shift * widths,
                1000 * contents,
                1000 * errors,
                fmt="o",
                markersize=4,
                color=colour,
                label=name,
            )
        contents, errors = spectra[many]
        upper.stairs(1000 * contents, edges, color=COLOURS[0], linewidth=1.5, label=many)
        upper.bar(centres, 2000 * errors, widths, 1000 * (contents - errors), color=COLOURS[0], alpha=0.3)
        upper.set(ylabel=f"W candidates / 1000 GEN events / {widths[0]:g} GeV", ylim=(0, None))
        upper.legend(fontsize=13)
        for name, colour in ((few, COLOURS[2]), (many, COLOURS[0]), (flow, COLOURS[1])):
            here, error = spectra[name]
            filled = here > 0
            lower.stairs(
                np.where(filled, 100 * error / np.where(filled, here, 1), np.nan), edges, color=colour, linewidth=1.8
            )
        lower.set(xlabel="W candidate mass [GeV]", ylabel="relative error [%]", ylim=(0, None))
        lower.set_xlim(edges[0], edges[-1])
        return figure
