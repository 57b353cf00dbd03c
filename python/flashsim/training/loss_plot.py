"""The picture of a training: losses and learning rate against the epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.ticker import MaxNLocator, NullFormatter

from ..style import BLUE, RED, new_figure, styled

__all__ = ["LOSS_LABELS", "plot_loss"]

LOSS_LABELS = {
    "flow_matching": "mean squared error of the velocity",
    "affine": "negative log likelihood",
    "spline": "negative log likelihood",
}
"""Name of the loss of each family of flows."""

_TRAINING, _VALIDATION = BLUE, RED


def plot_loss(history: Sequence[Mapping[str, float]], output: str | Path, family: str, best_epoch: int) -> None:
    """Draw training and validation loss, and the learning rate below, against the epoch.

    Very large losses of the first epochs are cut off, to show the later ones.

    Args:
        history: entries with ``epoch``, ``training_loss``, ``validation_loss``, ``validation_error`` (the standard
            error of the validation loss) and ``learning_rate``.
        output: picture to write; replaced once the new one is complete.
        family: of the flow, one of `LOSS_LABELS`.
        best_epoch: epoch to mark.
    """
    columns = {name: [entry[name] for entry in history] for name in history[0]}
    epochs = columns["epoch"]
    marker = "o" if len(history) < 20 else None
    with styled():
        figure = new_figure(9, 8)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1), gridspec_kw={"hspace": 0.07})
        for name, colour in (("training", _TRAINING), ("validation", _VALIDATION)):
            upper.plot(epochs, columns[f"{name}_loss"], color=colour, marker=marker, markersize=4, label=name)
        losses, errors = columns["validation_loss"], columns["validation_error"]
        band = [loss - error for loss, error in zip(losses, errors, strict=True)]
        band_top = [loss + error for loss, error in zip(losses, errors, strict=True)]
        upper.fill_between(
            epochs, band, band_top, color=_VALIDATION, alpha=0.2, linewidth=0, label="its standard error"
        )
        low, high = min(columns["training_loss"] + losses), _highest(columns["training_loss"] + losses)
        margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
        upper.set_ylim(low - margin, high + margin)
        lower.plot(epochs, columns["learning_rate"], color="black", marker=marker, markersize=4)
        lower.set_yscale("log")
        lower.set_ylim(*_decades(columns["learning_rate"]))
        lower.yaxis.set_minor_formatter(NullFormatter())
        for axes in (upper, lower):
            axes.axvline(best_epoch, color="grey", linestyle="--", linewidth=1.2, label=f"best epoch: {best_epoch}")
            axes.tick_params(labelsize=15)
        upper.legend(frameon=False, fontsize=16)
        upper.set_ylabel(LOSS_LABELS[family], fontsize=18)
        lower.set_ylabel("learning rate", fontsize=18)
        lower.set_xlabel("epoch", fontsize=18)
        lower.xaxis.set_major_locator(MaxNLocator(integer=True))
        output = Path(output)
        temporary = output.with_name(output.name + ".tmp")
        figure.savefig(temporary, dpi=80, bbox_inches="tight", format="png")
        temporary.replace(output)


def _decades(rates: Sequence[float]) -> tuple[float, float]:
    low, high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))
    return 0.8 * 10.0**low, 1.25 * 10.0 ** max(high, low + 1)


def _highest(losses: Sequence[float]) -> float:
    """Upper end of the frame: the largest loss, unless it is far above nine tenths of them."""
    ordered = sorted(losses)
    usual = ordered[round(0.9 * (len(ordered) - 1))]
    return min(ordered[-1], usual + 2 * (usual - ordered[0])) if usual > ordered[0] else ordered[-1]
