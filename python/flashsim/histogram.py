"""Histograms whose errors are right when several RECO events were simulated from each GEN event."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from ._errors import translated
from ._library import root

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
    r"""Books a histogram of oversampled events: ``node.OversampledTH1D(("pt", ";pt", 50, 0, 250), "pt", "genWeight")``.

    With :math:`w_{ji}` the weight of fill i of GEN event j, which was simulated :math:`N_j` times, and
    :math:`A_{jb} = \sum_{i \in b} w_{ji} / N_j`, bin b has the content :math:`\sum_j A_{jb}` and the squared error
    :math:`\sum_j A_{jb}^2`: RECO events made from the same GEN event are correlated, and counting them as independent,
    as ``Histo1D`` does, gives errors that are too small. Under- and overflow are bins like the others.

    With a column of GEN events, one entry is one RECO event, and an RVec holds what this RECO event fills (its jets,
    say). The entries of a GEN event follow one another; those that a ``Filter`` has dropped count in N. In *inline
    mode* (``event=None``), one entry is one GEN event, and the value is an RVec with one element for each RECO event.

    Parameters
    ----------
    node
        Any RDataFrame node.
    model
        ``(name, title, nbins, low, high)`` or ``(name, title, nbins, edges)``, as for ``Histo1D``, or a
        ``ROOT.RDF.TH1DModel``. Limits must be given.
    value
        Column to histogram: a number, or an RVec of numbers that fill one by one.
    weight
        Column of weights: a number, which holds for all elements of an RVec, or an RVec with as many elements as the
        value. By default all weights are 1.
    event
        Integer column with the number of the GEN event, unique in the dataset; None for inline mode.
    folds
        Integer column with N, the RECO events simulated from the GEN event, selected or not; or the number itself, if
        all GEN events have the same. In inline mode, N is the size of the RVec if this is left as it is and there is no
        column ``nFolds``, which is right as long as no elements were masked away.
    folds_straddle_tasks
        Whether RDataFrame may split the entries of a GEN event between two tasks, as it does for files. False, where it
        never does, saves memory.

    Returns
    -------
    RResultPtr
        Result of type ``FlashSim::OversampledTH1D``: a ``TH1D`` with ``GetBinErrorNaive(bin)``,
        ``GetBinErrorForFolds(bin, n)``, ``GetBinErrorLimit(bin)``, ``GetNGenEvents()`` and
        ``Normalize(sum_of_weights)``. The C++ class ``FlashSim::OversampledTH`` says what each of its numbers means.

    Raises
    ------
    TypeError, ValueError
        If ``model`` or ``folds`` make no sense.
    RuntimeError
        If a column does not exist.
    std::runtime_error
        During the event loop, if a weight is not finite, N is below 1 or not the same within a GEN event, there are
        more RECO events than N, RVecs differ in size, or columns are of types that make no sense.

    Notes
    -----
    *Lazy*: the event loop starts when the result is first looked at. ``VariationsFor`` and ``OnPartialResult`` work as
    for ``Histo1D``. Under ``ROOT.EnableImplicitMT()`` slots fill in parallel; results then agree to rounding (1e-15),
    not bit for bit. See arXiv:2402.13684 and root-project/root #16740.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.Filter("x > 3").OversampledTH1D(("x", ";x;events", 2, 0, 20), "x", folds=10)
    >>> round(h.GetBinContent(1), 3), round(h.GetBinError(1), 3), round(h.GetBinErrorNaive(1), 3)
    (0.6, 0.6, 0.245)
    """
    ROOT = root()
    columns = ROOT.FlashSim.FoldColumns()
    columns.fEvent = event or ""
    columns.fFoldsStraddleTasks = folds_straddle_tasks
    if isinstance(folds, str):
        columns.fFolds = folds
    else:
        columns.fConstantFolds = _check_folds(folds)
    with translated():
        return ROOT.FlashSim.Booking.BookTH1D(ROOT.RDF.AsRNode(node), _make_model(model), value, weight or "", columns)


def _check_folds(folds: Any) -> int:
    if not isinstance(folds, numbers.Integral) or isinstance(folds, bool):
        message = f"folds must be the name of a column or an integer, not {folds!r}."
        raise TypeError(message)
    if folds < 1:
        message = f"folds is {folds}. Expected the number of RECO events simulated from each GEN event, at least 1."
        raise ValueError(message)
    return int(folds)


def _make_model(model: Any) -> Any:
    ROOT = root()
    if isinstance(model, ROOT.RDF.TH1DModel):
        return model
    if not isinstance(model, tuple) or len(model) not in (4, 5):
        message = (
            "model must be (name, title, nbins, low, high), (name, title, nbins, edges) or a ROOT.RDF.TH1DModel, "
            f"not {model!r}."
        )
        raise TypeError(message)
    if len(model) == 5:
        return ROOT.RDF.TH1DModel(*model)
    name, title, n_bins, edges = model
    edges = np.ascontiguousarray(edges, dtype=np.float64)
    if edges.shape != (n_bins + 1,):
        message = f"histogram {name!r} has {n_bins} bins and edges of shape {edges.shape}; expected {n_bins + 1} edges."
        raise ValueError(message)
    return ROOT.RDF.TH1DModel(name, title, n_bins, edges)
