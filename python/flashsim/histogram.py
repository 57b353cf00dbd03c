"""Histograms whose errors are right when several RECO events were simulated from each GEN event."""

from __future__ import annotations

from typing import Any

import numpy as np
import ROOT

__all__ = ["oversampled_th1d"]


def oversampled_th1d(
    node: Any,
    model: Any,
    value: str,
    weight: str | None = None,
    *,
    event: str | None = "genEvent",
    folds: str | int = "nFolds",
    folds_straddle_tasks: bool = True,
) -> Any:
    r"""Books an `OversampledTH1D`; the method `OversampledTH1D` of RDataFrame nodes.

    With :math:`w_{ji}` the weight of fill i of GEN event j, which was simulated :math:`N_j` times, and
    :math:`A_{jb} = \sum_{i \in b} w_{ji} / N_j`, bin b has the content :math:`\sum_j A_{jb}` and the squared error
    :math:`\sum_j A_{jb}^2`: RECO events made from the same GEN event are correlated, and counting them as
    independent, as `Histo1D` does, gives errors that are too small. Under- and overflow are bins like the others.

    With a column of GEN events, one entry is one RECO event, and an RVec holds what this RECO event fills (its jets, for
    example). The entries of a GEN event follow one another. Those that a `Filter` has dropped count in N. In
    *inline mode* (`event=None`), one entry is one GEN event, and the value is an RVec with one element for each RECO
    event.

    Args:
        node: Any node of an RDataFrame graph.
        model: `(name, title, nbins, low, high)` or `(name, title, nbins, edges)`, as for `Histo1D`, or a
            `ROOT.RDF.TH1DModel`. Limits must be given.
        value: Column to histogram: a number, or an RVec of numbers that fill one by one.
        weight: Column of weights: a number, which holds for all elements of an RVec, or an RVec with as many elements as
            the value. Default: weights of 1.
        event: Integer column with the number of the GEN event, unique in the dataset; None for inline mode.
        folds: Integer column with N, the RECO events simulated from the GEN event, selected or not; or the number itself,
            if it is the same for all. In inline mode, N is the size of the RVec if there is no column `nFolds` and
            nothing else is given, which is right as long as no elements were masked away.
        folds_straddle_tasks: Whether RDataFrame may split the entries of a GEN event between two tasks, as it does for
            files. Where it never does, False saves memory.

    Returns:
        A `RResultPtr` of `FlashSim::OversampledTH1D`, which is a `TH1D` and has `GetBinErrorNaive(bin)`,
        `GetBinErrorForFolds(bin, n)` and `GetBinErrorLimit(bin)` beside `GetBinError(bin)`. Lazy: the event loop starts
        when the result is first looked at.

    Raises:
        TypeError: If `model` or `folds` are of another type.
        ValueError: If `folds` is a number below 1.
        std::runtime_error: If a column does not exist. While the event loop runs, if a weight is not finite, N is below 1 or
            not the same within a GEN event, there are more RECO events than N, or RVecs differ in size.
        std::invalid_argument: If the model has no limits, or edges that do not ascend.

    Source: arXiv:2402.13684 (oversampling), root-project/root #16740 (the request).

    Example:
        >>> import ROOT, flashsim
        >>> flat = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
        >>> h = flat.Filter("x > 3").OversampledTH1D(("x", ";x;events", 2, 0., 20.), "x", folds=10)
        >>> round(h.GetBinContent(1), 3), round(h.GetBinError(1), 3), round(h.GetBinErrorNaive(1), 3)
        (0.6, 0.6, 0.245)
    """
    columns = ROOT.FlashSim.FoldColumns()
    columns.fEvent = event or ""
    columns.fFoldsStraddleTasks = folds_straddle_tasks
    if isinstance(folds, str):
        columns.fFolds = folds
    elif isinstance(folds, int | np.integer) and not isinstance(folds, bool):
        if folds < 1:
            raise ValueError(f"folds is {folds}. Expected the number of RECO events per GEN event, at least 1.")
        columns.fConstantFolds = int(folds)
    else:
        raise TypeError(f"folds is a {type(folds).__name__}. Expected the name of a column, or an integer.")
    return ROOT.FlashSim.Booking.BookTH1D(ROOT.RDF.AsRNode(node), _make_model(model), value, weight or "", columns)


def _make_model(model: Any) -> Any:
    if isinstance(model, ROOT.RDF.TH1DModel):
        return model
    if not isinstance(model, tuple) or len(model) not in (4, 5):
        raise TypeError(
            f"The model is {model!r}. Expected (name, title, nbins, low, high), (name, title, nbins, edges) or a "
            "ROOT.RDF.TH1DModel."
        )
    if len(model) == 5:
        return ROOT.RDF.TH1DModel(*model)
    name, title, n_bins, edges = model
    edges = np.ascontiguousarray(edges, dtype=np.float64)
    if edges.shape != (n_bins + 1,):
        raise ValueError(
            f"Histogram {name!r} has {n_bins} bins and edges of shape {edges.shape}. Expected {n_bins + 1} edges."
        )
    return ROOT.RDF.TH1DModel(name, title, n_bins, edges)
