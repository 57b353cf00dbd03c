"""The picture of the demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..style import BLUE, NAIVE, ORANGE, new_figure, styled

if TYPE_CHECKING:
    from .result import Demo, Spectrum

__all__ = ["draw"]

_TARGET, _ONCE, _OFTEN = "black", ORANGE, BLUE
_SHIFT = 0.18  # of a bin's width, so that error bars do not hide one another
_STYLE: dict[Any, Any] = {
    "font.size": 17,
    "axes.labelsize": 18,
    "xtick.labelsize": 16,
    "ytick.labelsize": 16,
    "axes.linewidth": 1.2,
    "hatch.linewidth": 1.2,
}


def draw(demo: Demo, path: str | Path) -> None:
    """Draws the spectra of a demo, their ratio to the target, and the relative error of each bin, as PNG.

    Parameters
    ----------
    demo
        Result of `flashsim.demo.run_demo`.
    path
        File to write.
    """
    with styled(_STYLE):
        figure = new_figure(10, 11)
        upper, ratio, errors = figure.subplots(
            3, 1, sharex=True, gridspec_kw={"height_ratios": (3.2, 1.3, 1.8), "hspace": 0.07}
        )
        _draw_spectra(upper, demo)
        _draw_ratio(ratio, demo)
        _draw_errors(errors, demo)
        edges = demo.spectra["target"].edges
        errors.set_xlim(edges[0], edges[-1])
        errors.set_xlabel("W candidate mass [GeV]")
        figure.align_ylabels()
        figure.savefig(path, dpi=100, bbox_inches="tight")


def _draw_spectra(axes: Any, demo: Demo) -> None:
    target, once, often = (demo.spectra[name] for name in ("target", "one_to_one", "oversampled"))
    _steps(axes, often, often.contents)
    _band(axes, often, often.contents, often.errors)
    _hatched(axes, often, often.contents, demo.spectra["oversampled_naive"].errors)
    _points(axes, once, once.contents, once.errors, _ONCE, _SHIFT)
    _points(axes, target, target.contents, target.errors, _TARGET, -_SHIFT)
    axes.set_ylim(0, 1.25 * max((spectrum.contents + spectrum.errors).max() for spectrum in (target, once, often)))
    width = target.edges[1] - target.edges[0]
    axes.set_ylabel(f"Events / {width:g} GeV")
    axes.text(0, 1.02, r"$\bf{FlashSim}$ simulation", transform=axes.transAxes)
    axes.text(1, 1.02, r"$t\bar{t}$, 13 TeV", transform=axes.transAxes, ha="right")
    axes.legend(
        [
            _handle(_TARGET, "o"),
            _handle(_ONCE, "s"),
            Line2D([], [], color=_OFTEN),
            Patch(facecolor=_OFTEN, alpha=0.35),
            Patch(facecolor="none", edgecolor=NAIVE, hatch="////", linewidth=0),
        ],
        [
            "Target",
            "FlashSim, 1 RECO event per GEN event",
            f"FlashSim, {demo.fold_size} RECO events per GEN event",
            "correct uncertainty (OversampledTH1D)",
            "naive uncertainty (TH1::Fill)",
        ],
        handler_map={tuple: HandlerTuple(ndivide=None)},
        loc="upper right",
        fontsize=15,
        frameon=False,
    )


def _draw_ratio(axes: Any, demo: Demo) -> None:
    target = demo.spectra["target"]

    def to_target(values: Any) -> Any:
        return np.divide(values, target.contents, out=np.full_like(values, np.nan), where=target.contents > 0)

    once, often = demo.spectra["one_to_one"], demo.spectra["oversampled"]
    relative = to_target(target.errors)
    axes.stairs(1 + relative, target.edges, baseline=1 - relative, fill=True, color="grey", alpha=0.3)
    axes.axhline(1, color=_TARGET, linewidth=1)
    _steps(axes, often, to_target(often.contents))
    _band(axes, often, to_target(often.contents), to_target(often.errors))
    _points(axes, once, to_target(once.contents), to_target(once.errors), _ONCE, _SHIFT)
    axes.set_ylim(0.25, 1.75)
    axes.set_ylabel("Ratio to target", fontsize=16)


def _draw_errors(axes: Any, demo: Demo) -> None:
    target, once, often, naive = (
        demo.spectra[name] for name in ("target", "one_to_one", "oversampled", "oversampled_naive")
    )
    for spectrum, colour, marker in ((target, _TARGET, "o"), (once, _ONCE, "s")):
        axes.plot(
            spectrum.centres, 100 * spectrum.relative_errors, marker, markersize=5, color=colour, **_filling(colour)
        )
    axes.stairs(100 * often.relative_errors, often.edges, color=_OFTEN, linewidth=2)
    axes.stairs(100 * naive.relative_errors, naive.edges, color=NAIVE, linewidth=1)
    axes.stairs(
        100 * naive.relative_errors,
        naive.edges,
        fill=True,
        facecolor="none",
        edgecolor=NAIVE,
        hatch="////",
        linewidth=0,
    )
    axes.set_ylim(0, 1.15 * 100 * np.nanmax([target.relative_errors, once.relative_errors]))
    axes.set_ylabel("Uncertainty [%]", fontsize=16)


def _filling(colour: str) -> dict[str, Any]:
    return {} if colour == _TARGET else {"markerfacecolor": "white", "markeredgewidth": 1.4}


def _handle(colour: str, marker: str) -> Line2D:
    return Line2D([], [], color=colour, marker=marker, linestyle="", markersize=6, **_filling(colour))


def _points(axes: Any, spectrum: Spectrum, values: Any, errors: Any, colour: str, shift: float) -> None:
    axes.errorbar(
        spectrum.centres + shift * np.diff(spectrum.edges),
        values,
        errors,
        fmt="o" if colour == _TARGET else "s",
        markersize=5,
        linewidth=1.4,
        color=colour,
        **_filling(colour),
    )


def _steps(axes: Any, spectrum: Spectrum, values: Any) -> None:
    axes.stairs(values, spectrum.edges, color=_OFTEN, linewidth=1.6)


def _band(axes: Any, spectrum: Spectrum, values: Any, errors: Any) -> None:
    axes.stairs(values + errors, spectrum.edges, baseline=values - errors, fill=True, color=_OFTEN, alpha=0.35)


def _hatched(axes: Any, spectrum: Spectrum, values: Any, errors: Any) -> None:
    axes.stairs(
        values + errors,
        spectrum.edges,
        baseline=values - errors,
        fill=True,
        facecolor="none",
        edgecolor=NAIVE,
        hatch="////",
        linewidth=0,
    )
