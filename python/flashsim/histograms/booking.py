"""Histograms with the right errors for several RECO events per GEN event."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._errors import translated
from .._library import namespace
from .fold_options import FoldOptions, takes_options
from .histogram_model import make_model

__all__ = ["METHODS", "Booking", "oversampled_th1d", "oversampled_th2d", "oversampled_th3d"]


@takes_options()
def oversampled_th1d(
    node: Any,
    model: Any,
    value: str,
    weight: str | None = None,
    **options: Any,
) -> Any:
    r"""Books a histogram of oversampled events: ``node.OversampledTH1D(("pt", ";pt", 50, 0, 250), "pt", "genWeight")``.

    Let :math:`w_{ji}` be the weight of fill i of GEN event j, which was simulated :math:`N_j` times, and
    :math:`A_{jb} = \sum_{i \in b} w_{ji} / N_j`. Bin b has the content :math:`\sum_j A_{jb}` and the squared error
    :math:`\sum_j A_{jb}^2`. RECO events of the same GEN event are correlated: ``Histo1D`` counts them as independent,
    and its errors are too small. Under- and overflow are bins like the others.

    With a column of GEN events, one entry is one RECO event, and an RVec holds the fills of this RECO event (its jets,
    say). The entries of a GEN event must be consecutive; files, clusters and threads may cut the dataset anywhere.
    Entries that a ``Filter`` has dropped count in N. In *inline mode* (``event=None``), one entry is one GEN event, and
    the value is an RVec with one element for each RECO event.

    Parameters
    ----------
    node
        Any RDataFrame node.
    model
        ``(name, title, nbins, low, high)`` or ``(name, title, nbins, edges)``, as for ``Histo1D``, or a
        ``ROOT.RDF.TH1DModel``. Limits must be given.
    value
        Column to histogram: a number, or an RVec of numbers, each of which is a fill.
    weight
        Column of weights: a number, the same for all elements of an RVec, or an RVec with as many elements as the
        value. By default all weights are 1.
    event
        Integer column, or up to four of them (``("run", "luminosityBlock", "event")``), that identify the GEN event in
        the whole dataset; None for inline mode.
    fold_size
        Integer column with N, the number of RECO events simulated from the GEN event, selected or not; or N itself, if
        all GEN events have the same. In inline mode, with the default and no column ``foldSize``, N is the size of the
        RVec: right as long as no elements were masked away.
    contiguous
        False if the RECO events of a GEN event may lie anywhere in the dataset (``Snapshot`` with several threads does
        not keep the order). Memory then grows with the number of GEN events, some 400 bytes each. If True, a
        GEN event that appears again after others is an error. The check uses a sample of 16384 GEN events: it always
        finds unordered entries, but may miss a few GEN events among millions.
    covariance
        Whether the covariance of all pairs of bins is kept. ``Rebin``, ``IntegralAndError``, ``GetSlice`` and
        ``Chi2WithCovariance`` need it. At most 4096 bins, under- and overflow included; 12 bytes times their square in
        each thread.
    group
        Integer column, or up to four of them, that identify a group of correlated GEN events: an NLO generator's event
        and its counter-events, which share one event number, or several showers of one matrix-element event. The group
        replaces the GEN event in all errors: RECO events of its GEN events with the same fold index (the position among
        the N of each) count as one. Contents do not change. Give it instead of `event`; with ``fold_size=1`` for the
        GEN events themselves.
    fold_index
        Integer column with the fold index, 0 to N-1; only read with `group`, unless ``fold_size=1``.

    Returns
    -------
    RResultPtr
        Result of type ``FlashSim::OversampledTH1D``: a ``TH1D`` with ``GetBinErrorNaive(bin)``,
        ``GetBinErrorForFoldSize(bin, n)``, ``GetBinErrorLimit(bin)``, ``GetBinCovariance(bin, bin)``,
        ``GetNGenEvents()``, ``Normalize(sum_of_weights)``, ``WriteTH()`` and more. The C++ class
        ``FlashSim::OversampledTH`` defines each of its numbers.

    Raises
    ------
    TypeError, ValueError
        If ``model``, ``event`` or ``fold_size`` are invalid, an axis has no bins, limits or ascending edges, or there
        are too many bins for a covariance.
    RuntimeError
        If a column does not exist.
        During the event loop, if a weight is not finite, N is below 1 or not the same within a GEN event (or group),
        there are more RECO events than N, a GEN event appears again, RVecs differ in size, or columns are of the wrong
        type. An error found only at the end of a multi-threaded loop is printed, and all contents become NaN.

    Notes
    -----
    *Lazy*: the event loop starts at the first access to the result. ``VariationsFor`` and ``OnPartialResult`` work as
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
    return Booking("OversampledTH1D", model, [value], weight, **options).book(node)


@takes_options()
def oversampled_th2d(
    node: Any,
    model: Any,
    x: str,
    y: str,
    weight: str | None = None,
    **options: Any,
) -> Any:
    """Books a histogram of two columns of oversampled events: ``node.OversampledTH2D(model, "pt", "eta")``.

    Parameters, errors and notes as for ``OversampledTH1D``. The model is that of ``Histo2D``: ``(name, title, nbinsx,
    xlow, xup, nbinsy, ylow, yup)``, with an array of edges in place of the limits of either axis, or a
    ``ROOT.RDF.TH2DModel``. RVecs among the columns have the same size and fill element by element. Projections and
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
    return Booking("OversampledTH2D", model, [x, y], weight, **options).book(node)


@takes_options()
def oversampled_th3d(
    node: Any,
    model: Any,
    x: str,
    y: str,
    z: str,
    weight: str | None = None,
    **options: Any,
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
    return Booking("OversampledTH3D", model, [x, y, z], weight, **options).book(node)


@dataclass
class Booking(FoldOptions):
    """Arguments of a booking: plain data, if the model is plain data."""

    histogram: str
    """Name of the class, such as OversampledTH1D."""
    model: Any
    values: list[str]
    weight: str | None

    @classmethod
    def parse(cls, method: Callable[..., Any], *positional: Any, **keywords: Any) -> tuple[Any, Booking]:
        """The node and the booking of a call of one of METHODS. Raises TypeError as the call itself does."""
        bound = inspect.signature(method).bind(*positional, **keywords)
        bound.apply_defaults()
        given = bound.arguments
        node = given.pop("node")
        values = [given.pop(column) for column in ("value", "x", "y", "z") if column in given]
        (name,) = (name for name, known in METHODS.items() if known is method)
        return node, cls(name, values=values, **given)

    def book(self, node: Any, is_part: bool = False) -> Any:
        """Books on a local node; `is_part` if the node reads one of several parts of the dataset."""
        model = make_model(self.model, len(self.values))
        options = self.to_cpp(is_part)
        book = getattr(namespace("FlashSim").Booking, self.histogram.replace("Oversampled", "Book"))
        with translated():
            return book(namespace("RDF").AsRNode(node), model, self.values, self.weight or "", options)


def _in_single_precision(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The method for the same histogram with contents of type float."""

    def single_precision(*positional: Any, **keywords: Any) -> Any:
        node, booking = Booking.parse(single_precision, *positional, **keywords)
        return booking.book(node)

    single_precision.__name__ = single_precision.__qualname__ = name
    single_precision.__doc__ = f"As ``{name[:-1]}D``, with contents in single precision."
    single_precision.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return single_precision


_BY_DIMENSION: dict[int, Callable[..., Any]] = {1: oversampled_th1d, 2: oversampled_th2d, 3: oversampled_th3d}

METHODS: dict[str, Callable[..., Any]] = {
    **{f"OversampledTH{n}D": method for n, method in _BY_DIMENSION.items()},
    **{f"OversampledTH{n}F": _in_single_precision(method, f"OversampledTH{n}F") for n, method in _BY_DIMENSION.items()},
}
"""New methods of RDataFrame nodes, by name."""
