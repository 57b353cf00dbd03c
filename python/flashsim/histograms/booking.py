"""Histograms whose errors are right when several RECO events were simulated from each GEN event."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import translated
from .._library import namespace

__all__ = ["METHODS", "Booking", "oversampled_th1d", "oversampled_th2d", "oversampled_th3d"]


def oversampled_th1d(
    node: Any,
    model: Any,
    value: str,
    weight: str | None = None,
    *,
    event: str | Sequence[str] | None = "genEvent",
    fold_size: str | int = "foldSize",
    contiguous: bool = True,
    covariance: bool = False,
    group: str | Sequence[str] | None = None,
    fold_index: str = "foldIndex",
) -> Any:
    r"""Books a histogram of oversampled events: ``node.OversampledTH1D(("pt", ";pt", 50, 0, 250), "pt", "genWeight")``.

    With :math:`w_{ji}` the weight of fill i of GEN event j, which was simulated :math:`N_j` times, and
    :math:`A_{jb} = \sum_{i \in b} w_{ji} / N_j`, bin b has the content :math:`\sum_j A_{jb}` and the squared error
    :math:`\sum_j A_{jb}^2`: RECO events made from the same GEN event are correlated, and counting them as independent,
    as ``Histo1D`` does, gives errors that are too small. Under- and overflow are bins like the others.

    With a column of GEN events, one entry is one RECO event, and an RVec holds what this RECO event fills (its jets,
    say). The entries of a GEN event follow one another, wherever files, clusters and threads cut the dataset; those
    that a ``Filter`` has dropped count in N. In *inline mode* (``event=None``), one entry is one GEN event, and the
    value is an RVec with one element for each RECO event.

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
        Integer column, or up to four of them (``("run", "luminosityBlock", "event")``), that identify the GEN event in
        the whole dataset; None for inline mode.
    fold_size
        Integer column with N, the RECO events simulated from the GEN event, selected or not; or the number itself, if
        all GEN events have the same. In inline mode, N is the size of the RVec if this is left as it is and there is no
        column ``foldSize``, which is right as long as no elements were masked away.
    contiguous
        False if the RECO events of a GEN event may lie anywhere in the dataset (``Snapshot`` with several threads does
        not keep the order). Memory then grows with the number of GEN events, some 400 bytes each. If True, a
        GEN event that appears again after others is an error; this is noticed by a sample of 16384 GEN events, which
        finds entries without order for sure, and may miss a few GEN events among millions.
    covariance
        Whether the covariance of all pairs of bins is kept, which ``Rebin``, ``IntegralAndError``, ``GetSlice`` and
        ``Chi2WithCovariance`` need; up to 4096 bins, under- and overflow included, 12 bytes times their square in each
        thread.
    group
        Integer column, or up to four of them, that identify a group of GEN events which are not independent: an NLO
        generator's event and its counter-events, which share one event number, or several showers of one
        matrix-element event. The group takes the place of the GEN event in all errors: RECO events of its GEN events
        that have the same fold index, the position among the N of each, count as one. Contents do not change. Give it
        instead of `event`; with ``fold_size=1`` for the GEN events themselves.
    fold_index
        Integer column with the fold index, 0 to N-1; only read with `group`, unless ``fold_size=1``.

    Returns
    -------
    RResultPtr
        Result of type ``FlashSim::OversampledTH1D``: a ``TH1D`` with ``GetBinErrorNaive(bin)``,
        ``GetBinErrorForFoldSize(bin, n)``, ``GetBinErrorLimit(bin)``, ``GetBinCovariance(bin, bin)``,
        ``GetNGenEvents()``, ``Normalize(sum_of_weights)``, ``WriteTH()`` and more. The C++ class
        ``FlashSim::OversampledTH`` says what each of its numbers means.

    Raises
    ------
    TypeError, ValueError
        If ``model``, ``event`` or ``fold_size`` make no sense, an axis has no bins, limits or ascending edges, or there
        are too many bins for a covariance.
    RuntimeError
        If a column does not exist.
        During the event loop, if a weight is not finite, N is below 1 or not the same within a GEN event (or group),
        there are more RECO events than N, a GEN event appears again, RVecs differ in size, or columns are of types that
        make no sense. What only the end of a multi-threaded loop can tell makes all contents NaN and prints an error.

    Notes
    -----
    *Lazy*: the event loop starts when the result is first looked at. ``VariationsFor`` and ``OnPartialResult`` work as
    for ``Histo1D``. Under ``ROOT.EnableImplicitMT()`` slots fill in parallel; results then agree to rounding (1e-15),
    not bit for bit. See arXiv:2402.13684 and root-project/root #16740.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.Filter("x > 3").OversampledTH1D(("x", ";x;events", 2, 0, 20), "x", fold_size=10)
    >>> round(h.GetBinContent(1), 3), round(h.GetBinError(1), 3), round(h.GetBinErrorNaive(1), 3)
    (0.6, 0.6, 0.245)

    Pairs of an event and its counter-event, at GEN level:

    >>> gen = ROOT.RDataFrame(8).Define("event", "rdfentry_ / 2").Define("w", "rdfentry_ % 2 ? -2. : 3.")
    >>> h = gen.Define("x", "0.5").OversampledTH1D(("x", ";x", 1, 0, 1), "x", "w", group="event", fold_size=1)
    >>> h.GetBinContent(1), h.GetBinError(1), round(h.GetBinErrorNaive(1), 3)
    (4.0, 2.0, 7.211)
    """
    return Booking(
        "OversampledTH1D", model, [value], weight, event, fold_size, contiguous, covariance, group, fold_index
    ).book(node)


def oversampled_th2d(
    node: Any,
    model: Any,
    x: str,
    y: str,
    weight: str | None = None,
    *,
    event: str | Sequence[str] | None = "genEvent",
    fold_size: str | int = "foldSize",
    contiguous: bool = True,
    covariance: bool = False,
    group: str | Sequence[str] | None = None,
    fold_index: str = "foldIndex",
) -> Any:
    """Books a histogram of two columns of oversampled events: ``node.OversampledTH2D(model, "pt", "eta")``.

    As ``OversampledTH1D``, which see for parameters, errors and notes. The model is that of ``Histo2D``: ``(name,
    title, nbinsx, xlow, xup, nbinsy, ylow, yup)``, with an array of edges in the place of the limits of either axis, or
    a ``ROOT.RDF.TH2DModel``. RVecs among the columns have the same size and fill element by element. Projections and
    rebinning need ``covariance=True``.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> model = ("h", ";x;y", 2, 0, 20, 2, [0, 5, 20])
    >>> h = reco.OversampledTH2D(model, "x", "x", fold_size=10, covariance=True)
    >>> h.ProjectionX().GetBinError(1)
    1.0
    """
    return Booking(
        "OversampledTH2D", model, [x, y], weight, event, fold_size, contiguous, covariance, group, fold_index
    ).book(node)


def oversampled_th3d(
    node: Any,
    model: Any,
    x: str,
    y: str,
    z: str,
    weight: str | None = None,
    *,
    event: str | Sequence[str] | None = "genEvent",
    fold_size: str | int = "foldSize",
    contiguous: bool = True,
    covariance: bool = False,
    group: str | Sequence[str] | None = None,
    fold_index: str = "foldIndex",
) -> Any:
    """Books a histogram of three columns of oversampled events: ``node.OversampledTH3D(model, "pt", "eta", "phi")``.

    As ``OversampledTH2D``, with a model of three axes, or a ``ROOT.RDF.TH3DModel``.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH3D(("h", "", 2, 0, 20, 2, 0, 20, 2, 0, 20), "x", "x", "x", fold_size=10)
    >>> h.GetBinContent(1, 1, 1)
    1.0
    """
    return Booking(
        "OversampledTH3D", model, [x, y, z], weight, event, fold_size, contiguous, covariance, group, fold_index
    ).book(node)


@dataclass
class Booking:
    """What is to be booked: plain data, as long as the model is."""

    histogram: str
    """Name of the class, such as OversampledTH1D."""
    model: Any
    values: list[str]
    weight: str | None
    event: str | Sequence[str] | None
    fold_size: str | int
    contiguous: bool
    covariance: bool
    group: str | Sequence[str] | None = None
    fold_index: str = "foldIndex"

    @classmethod
    def parse(cls, method: Callable[..., Any], *positional: Any, **keywords: Any) -> tuple[Any, Booking]:
        """The node and the booking that a call of one of METHODS stands for. Raises TypeError as the call would."""
        bound = inspect.signature(method).bind(*positional, **keywords)
        bound.apply_defaults()
        given = bound.arguments
        node = given.pop("node")
        values = [given.pop(column) for column in ("value", "x", "y", "z") if column in given]
        (name,) = (name for name, known in METHODS.items() if known is method)
        return node, cls(name, values=values, **given)

    def book(self, node: Any, is_part: bool = False) -> Any:
        """Books on a local node; `is_part` if others fill from other parts of the same dataset."""
        model = _make_model(self.model, len(self.values))
        options = self._make_options(is_part)
        book = getattr(namespace("FlashSim").Booking, self.histogram.replace("Oversampled", "Book"))
        with translated():
            return book(namespace("RDF").AsRNode(node), model, self.values, self.weight or "", options)

    def _make_options(self, is_part: bool) -> Any:
        options = namespace("FlashSim").FoldOptions()
        options.fEvent = _check_columns("event", self.event, "None for inline mode")
        options.fGroup = _check_columns("group", self.group, "None if there are no groups of GEN events")
        options.fFoldIndex = _check_fold_index(self.fold_index)
        options.fContiguous = self.contiguous
        options.fCovariance = self.covariance
        options.fIsPart = is_part
        if isinstance(self.fold_size, str):
            options.fFoldSize = self.fold_size
        else:
            options.fConstantFoldSize = _check_fold_size(self.fold_size)
        return options


def _in_single_precision(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The method that books the same histogram with contents of type float."""

    def single_precision(*positional: Any, **keywords: Any) -> Any:
        node, booking = Booking.parse(single_precision, *positional, **keywords)
        return booking.book(node)

    single_precision.__name__ = single_precision.__qualname__ = name
    single_precision.__doc__ = f"As ``{name[:-1]}D``, with contents in single precision."
    single_precision.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return single_precision


METHODS: dict[str, Callable[..., Any]] = {
    "OversampledTH1D": oversampled_th1d,
    "OversampledTH2D": oversampled_th2d,
    "OversampledTH3D": oversampled_th3d,
    "OversampledTH1F": _in_single_precision(oversampled_th1d, "OversampledTH1F"),
    "OversampledTH2F": _in_single_precision(oversampled_th2d, "OversampledTH2F"),
    "OversampledTH3F": _in_single_precision(oversampled_th3d, "OversampledTH3F"),
}
"""What RDataFrame nodes gain, by the name of the method."""


def _check_columns(parameter: str, value: Any, meaning_of_none: str) -> list[str]:
    columns = [value] if isinstance(value, str) else list(value) if isinstance(value, Sequence) else []
    if (value is not None and not columns) or not all(isinstance(column, str) and column for column in columns):
        message = (
            f"{parameter} must be the name of a column, names of columns, or {meaning_of_none}, not {value!r}. "
            f'Example: {parameter}=("run", "luminosityBlock", "event").'
        )
        raise TypeError(message)
    return columns


def _check_fold_index(fold_index: Any) -> str:
    if not isinstance(fold_index, str):
        message = f"fold_index must be the name of a column, not {fold_index!r}. The number N is fold_size."
        raise TypeError(message)
    return fold_index


def _check_fold_size(fold_size: Any) -> int:
    if not isinstance(fold_size, numbers.Integral) or isinstance(fold_size, bool):
        message = f"fold_size must be the name of a column or an integer, not {fold_size!r}."
        raise TypeError(message)
    if fold_size < 1:
        message = (
            f"fold_size is {fold_size}. Expected how many RECO events were simulated from each GEN event, at least 1."
        )
        raise ValueError(message)
    return int(fold_size)


def _make_model(model: Any, dimension: int) -> Any:
    model_class = getattr(namespace("RDF"), f"TH{dimension}DModel")
    if isinstance(model, model_class):
        return model
    if not isinstance(model, tuple) or len(model) < 2:
        raise TypeError(_describe_models(model, dimension))
    name, title, *rest = model
    made = model_class()
    made.fName, made.fTitle = name, title
    for axis in "XYZ"[:dimension]:
        if len(rest) >= 2 and not isinstance(rest[1], numbers.Real):
            n_bins, edges, *rest = rest
            _set_edges(made, axis, n_bins, edges)
        elif len(rest) >= 3 and isinstance(rest[2], numbers.Real):
            n_bins, low, high, *rest = rest
            setattr(made, f"fNbins{axis}", int(n_bins))
            setattr(made, f"f{axis}Low", float(low))
            setattr(made, f"f{axis}Up", float(high))
        else:
            raise TypeError(_describe_models(model, dimension))
    if rest:
        raise TypeError(_describe_models(model, dimension))
    return made


def _set_edges(model: Any, axis: str, n_bins: int, edges: Any) -> None:
    edges = np.ascontiguousarray(edges, dtype=np.float64)
    if edges.shape != (n_bins + 1,):
        message = (
            f"histogram {str(model.fName)!r} has {n_bins} bins and edges of shape {edges.shape} in {axis.lower()}; "
            f"expected {n_bins + 1} edges."
        )
        raise ValueError(message)
    setattr(model, f"fNbins{axis}", int(n_bins))
    setattr(model, f"fBin{axis}Edges", edges.tolist())


def _describe_models(model: Any, dimension: int) -> str:
    axes = ", ".join(f"nbins{axis}, {axis}low, {axis}high" for axis in "xyz"[:dimension])
    return (
        f"model must be (name, title, {axes}), with edges in the place of low and high where bins differ in width, or "
        f"a ROOT.RDF.TH{dimension}DModel, not {model!r}."
    )
