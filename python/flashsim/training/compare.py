"""Pictures and numbers that compare simulated with target RECO objects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import mplhep
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, ScalarFormatter

from .config import VariableConfig

__all__ = ["kolmogorov_smirnov", "marginal_distances", "plot_loss", "plot_marginals", "plot_response", "simulate"]

Array = npt.NDArray[Any]

_TARGET, _FLOW = "#3f90da", "#bd1f01"
_FLAVOURS = {"light quark": (1, 2, 3), "gluon": (21,), "c": (4,), "b": (5,)}
_COLOURS = {"light quark": "#3f90da", "gluon": "#ffa90e", "c": "#94a4a2", "b": "#bd1f01"}


def simulate(flow: str | Path, context: Array, seed: int = 1, steps: int | None = None, rows: int = 512) -> Array:
    """Sample an exported flow with ONNX Runtime, once per context row.

    Args:
        flow: ONNX file.
        context: [n, C], physical units.
        seed: of the noise.
        steps: solver steps; by default those in the metadata.
        rows: rows per call.

    Returns:
        Target rows [n, T] in physical units.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(flow), options, providers=["CPUExecutionProvider"])
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["flashsim"])
    context = np.ascontiguousarray(context, dtype=np.float32)
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((len(context), metadata["noise_dimension"]), dtype=np.float32)
    count = np.array(metadata["default_steps"] if steps is None else steps, dtype=np.int64)
    parts = [
        session.run(None, {"noise": noise[i : i + rows], "context": context[i : i + rows], "steps": count})[0]
        for i in range(0, len(context), rows)
    ]
    return np.concatenate(parts)


def kolmogorov_smirnov(first: Array, second: Array) -> float:
    """Largest distance between the empirical distribution functions of two samples, in [0, 1]."""
    values = np.sort(np.concatenate([first, second]))
    cumulative = [np.searchsorted(np.sort(sample), values, side="right") / len(sample) for sample in (first, second)]
    return float(np.abs(cumulative[0] - cumulative[1]).max())


def marginal_distances(target: Array, flow: Array, variables: Sequence[VariableConfig]) -> dict[str, float]:
    """Kolmogorov-Smirnov distance of every target variable, by name."""
    return {
        variable.name: kolmogorov_smirnov(target[:, index], flow[:, index]) for index, variable in enumerate(variables)
    }


def plot_marginals(
    target: Array, flow: Array, variables: Sequence[VariableConfig], output: str | Path, bins: int = 40
) -> None:
    """Draw every target variable, target against flow, with the ratio below.

    Args:
        target: [n, T], physical units.
        flow: [m, T]; scaled to the same area.
        variables: the T variables.
        output: picture to write.
        bins: bins of a continuous variable.
    """
    with _style():
        columns = 4
        rows = -(-len(variables) // columns)
        figure = Figure(figsize=(4.3 * columns, 4.1 * rows))
        FigureCanvasAgg(figure)
        outer = figure.add_gridspec(rows, columns, wspace=0.33, hspace=0.33)
        for index, variable in enumerate(variables):
            cell = outer[divmod(index, columns)].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.06)
            upper = figure.add_subplot(cell[0])
            lower = figure.add_subplot(cell[1], sharex=upper)
            _marginal(upper, lower, target[:, index], flow[:, index], variable, bins)
            if index == 0:
                upper.legend(fontsize=11, frameon=False)
        figure.savefig(output, dpi=80, bbox_inches="tight")


def _marginal(upper: Any, lower: Any, target: Array, flow: Array, variable: VariableConfig, bins: int) -> None:
    edges = _edges(target, variable, bins)
    centres, widths = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    wanted, wanted_error = _density(target, edges, len(target))
    found, found_error = _density(flow, edges, len(flow))
    upper.stairs(wanted, edges, color=_TARGET, fill=True, alpha=0.3)
    upper.stairs(wanted, edges, color=_TARGET, linewidth=1.2, label="target")
    upper.errorbar(
        centres, found, found_error, fmt="o", markersize=2.5, linewidth=1, color=_FLOW, capsize=0, label="flow"
    )
    positive = wanted[wanted > 0]
    steep = positive.max() > 30 * (positive.min() if len(positive) < 10 else np.median(positive))
    if steep:
        upper.set_yscale("log")
        upper.set_ylim(positive.min() * 0.3, positive.max() * 5)
    else:
        upper.set_ylim(0, 1.35 * max(wanted.max(), found.max()))
    filled = wanted > 0
    centres, widths, band = centres[filled], widths[filled], wanted_error[filled] / wanted[filled]
    ratio, ratio_error = found[filled] / wanted[filled], found_error[filled] / wanted[filled]
    lower.bar(centres, 2 * band, widths, bottom=1 - band, color=_TARGET, alpha=0.3)
    lower.errorbar(centres, ratio, ratio_error, fmt="o", markersize=2.5, linewidth=1, color=_FLOW, capsize=0)
    lower.axhline(1, color="black", linewidth=0.7)
    lower.set(ylim=(0.7, 1.3), yticks=(0.8, 1.0, 1.2))
    unit = f" [{variable.unit}]" if variable.unit else ""
    lower.set_xlabel(f"{variable.name}{unit}", fontsize=13)
    lower.set_ylabel("ratio", fontsize=11, loc="center")
    upper.set_ylabel(f"density{f' [1/{variable.unit}]' if variable.unit else ''}", fontsize=11)
    upper.tick_params(labelbottom=False)
    for axes in (upper, lower):
        axes.tick_params(labelsize=10)


def _edges(values: Array, variable: VariableConfig, bins: int) -> Array:
    if variable.is_integer:
        low, high = np.quantile(values, [0.0002, 0.9998])
        step = max(1, round((high - low) / bins))
        return np.arange(np.floor(low) - 0.5, high + step, step)
    low, high = np.quantile(values, [0.001, 0.999])
    if variable.range == (0.0, 1.0):
        low, high = 0.0, min(1.0, high * 1.02)
    return np.linspace(low, high, bins + 1)


def _density(values: Array, edges: Array, total: int) -> tuple[Array, Array]:
    counts, _ = np.histogram(values, edges)
    scale = 1 / (total * np.diff(edges))
    return counts * scale, np.sqrt(counts) * scale


def plot_response(
    context: Mapping[str, Array], target: Mapping[str, Array], flow: Mapping[str, Array], output: str | Path
) -> None:
    """Draw what RECO jets owe to their GEN jets: response and resolution of pt by flavour, b-tagging by flavour.

    Args:
        context: GEN columns ``pt`` [GeV] and ``partonFlavour``, by name, each [n].
        target: RECO columns ``pt`` [GeV] and ``btag`` of the target, likewise.
        flow: the same of the flow.
        output: picture to write.
    """
    with _style():
        figure = Figure(figsize=(18, 5.2))
        FigureCanvasAgg(figure)
        response, resolution, curves = figure.subplots(1, 3)
        figure.subplots_adjust(wspace=0.27)
        flavour = np.abs(context["partonFlavour"])
        edges = np.array([15, 20, 25, 30, 40, 50, 65, 80, 100, 130, 170, 250])
        for name, codes in _FLAVOURS.items():
            mine = np.isin(flavour, codes)
            _response(response, resolution, context["pt"][mine], target["pt"][mine], edges, name, None)
            _response(response, resolution, context["pt"][mine], flow["pt"][mine], edges, name, "o")
        for background in ("light quark", "gluon", "c"):
            for sample, dashes in ((target, "-"), (flow, "--")):
                signal = sample["btag"][flavour == 5]
                other = sample["btag"][np.isin(flavour, _FLAVOURS[background])]
                efficiency = np.linspace(0.3, 0.98, 120)
                cuts = np.quantile(signal, 1 - efficiency)
                mistag = 1 - np.searchsorted(np.sort(other), cuts) / len(other)
                curves.plot(efficiency, mistag, dashes, color=_COLOURS[background], linewidth=1.6)
            curves.plot([], [], color=_COLOURS[background], label=background)
        for dashes, name in (("-", "target"), ("--", "flow")):
            curves.plot([], [], dashes, color="black", label=name)
        curves.set(yscale="log", xlabel="b-jet efficiency", ylabel="misidentification probability")
        curves.legend(fontsize=12, frameon=False)
        for axes, label in ((response, "median of $p_T$ / GEN $p_T$"), (resolution, "half width of the central 68 %")):
            axes.set(xscale="log", xlabel="GEN $p_T$ [GeV]", ylabel=label)
            axes.xaxis.set_major_locator(FixedLocator([20, 30, 50, 100, 200]))
            axes.xaxis.set_major_formatter(ScalarFormatter())
            axes.xaxis.set_minor_formatter(NullFormatter())
        resolution.plot([], [], color="black", label="target")
        resolution.plot([], [], "o", color="black", markersize=4, label="flow")
        resolution.legend(fontsize=12, frameon=False)
        for axes in (response, resolution, curves):
            axes.tick_params(labelsize=13)
            axes.xaxis.label.set_size(15)
            axes.yaxis.label.set_size(15)
        figure.savefig(output, dpi=85, bbox_inches="tight")


def _response(
    response: Any, resolution: Any, gen: Array, reco: Array, edges: Array, name: str, marker: str | None
) -> None:
    centres, medians, widths, median_errors, width_errors = [], [], [], [], []
    for low, high in pairwise(edges):
        ratio = reco[(gen >= low) & (gen < high)] / gen[(gen >= low) & (gen < high)]
        if len(ratio) < 100:
            continue
        lower, median, upper = np.quantile(ratio, [0.16, 0.5, 0.84])
        centres.append(np.sqrt(low * high))
        medians.append(median)
        widths.append((upper - lower) / 2)
        median_errors.append(1.25 * widths[-1] / np.sqrt(len(ratio)))
        width_errors.append(widths[-1] / np.sqrt(len(ratio)))
    for axes, values, errors in ((response, medians, median_errors), (resolution, widths, width_errors)):
        if marker is None:
            axes.plot(centres, values, color=_COLOURS[name], linewidth=1.6, label=name)
        else:
            axes.errorbar(centres, values, errors, fmt=marker, markersize=4, color=_COLOURS[name])


def plot_loss(history: Sequence[Mapping[str, float]], output: Path) -> None:
    """Draw training and validation loss against the epoch."""
    with _style():
        figure = Figure(figsize=(8, 5))
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        epochs = [entry["epoch"] for entry in history]
        axes.plot(epochs, [entry["training_loss"] for entry in history], color=_TARGET, label="training")
        axes.plot(epochs, [entry["validation_loss"] for entry in history], color=_FLOW, label="validation")
        axes.set(xlabel="epoch", ylabel="flow-matching loss")
        axes.legend(frameon=False)
        temporary = output.with_name(output.name + ".tmp")
        figure.savefig(temporary, dpi=80, bbox_inches="tight", format="png")
        temporary.replace(output)


def _style() -> Any:
    return mpl.rc_context(mplhep.style.CMS)
