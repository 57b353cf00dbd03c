"""Oversampled histograms as arrays and as histograms of the Python ecosystem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import translated

if TYPE_CHECKING:
    import hist
    from numpy.typing import NDArray

__all__ = ["axes_of", "correlation", "covariance", "edges_of", "in_shape", "to_array", "to_hist", "to_numpy"]


def to_hist(histogram: Any) -> hist.Hist[Any]:
    """The histogram as a ``hist.Hist`` with Weight storage: ``h.to_hist()``.

    Contents and squared errors of all bins, under- and overflow included, become values and variances. Names and
    labels are those of ``uproot.open(...)["h"].to_hist()``: the name and title of the histogram, and of each axis its
    name (``"xaxis"``, unless the axis was renamed) and its title. Axes are regular where ROOT's are, and variable where
    bins have edges of their own.

    A ``hist.Hist`` cannot hold the covariance of the bins: its slices, sums and projections take bins as independent.
    Those of the result raise RuntimeError: rebin, slice and project before, ``h.Rebin(2).to_hist()``.
    ``hist.Hist(h.to_hist())`` gives up this protection.

    Returns
    -------
    flashsim.histograms.correlated_hist.CorrelatedHist
        A copy, of as many dimensions, with double precision: a ``hist.Hist`` that refuses to merge bins.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("x", ";x [GeV];events", 2, 0, 20), "x", fold_size=10).to_hist()
    >>> h.axes[0].label, h.values().tolist(), h.variances().tolist()
    ('x [GeV]', [1.0, 1.0], [1.0, 1.0])
    """
    import hist

    from .correlated_hist import CorrelatedHist

    axes = [_to_hist_axis(axis) for axis in axes_of(histogram)]
    result = CorrelatedHist(*axes, storage=hist.storage.Weight(), name=histogram.GetName(), label=histogram.GetTitle())
    view: Any = result.view(flow=True)
    view.value = histogram.values(flow=True)
    view.variance = histogram.variances(flow=True)
    return result


def to_numpy(histogram: Any, flow: bool = False) -> tuple[NDArray[Any], ...]:
    """Contents and edges, as in ``numpy.histogramdd``, hist and uproot: ``h.to_numpy()``.

    Parameters
    ----------
    histogram
        Of one to three dimensions.
    flow
        Whether under- and overflow are included, with edges at minus and plus infinity.

    Returns
    -------
    tuple
        Contents [nx], [nx, ny] or [nx, ny, nz], of the histogram's precision, and for each axis its edges [n + 1] in
        the axis' units. All are copies. The squared errors are ``h.variances(flow)``, in the same shape.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> values, edges = reco.OversampledTH1D(("x", "", 2, 0, 20), "x", fold_size=10).to_numpy()
    >>> values.tolist(), edges.tolist()
    ([1.0, 1.0], [0.0, 10.0, 20.0])
    """
    return np.array(histogram.values(flow=flow)), *(edges_of(axis, flow) for axis in axes_of(histogram))


def covariance(histogram: Any, flow: bool = False) -> NDArray[np.float64]:
    """Covariance of the bin contents: ``h.covariance()``.

    Row i and column i belong to the i-th bin of ``h.values(flow).ravel()``: the last axis runs fastest. (In
    ``h.GetCovarianceMatrix(flow)`` the first axis does, as in ROOT's bin numbers.) The diagonal is
    ``h.variances(flow).ravel()``.

    Parameters
    ----------
    histogram
        Booked with ``covariance=True``.
    flow
        Whether under- and overflow are included.

    Returns
    -------
    numpy.ndarray
        A copy [n, n], n the number of bins.

    Raises
    ------
    RuntimeError
        If the histogram does not hold its covariance.

    Examples
    --------
    Two GEN events with ten RECO events each. The first fills the first bin only, the second both:

    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("x", "", 2, 0, 30), "x", fold_size=10, covariance=True)
    >>> h.covariance()
    array([[1.25, 0.25],
           [0.25, 0.25]])
    """
    with translated():
        return to_array(histogram, histogram.GetCovarianceMatrix(flow), flow)


def correlation(histogram: Any, flow: bool = False) -> NDArray[np.float64]:
    """Correlation of the bin contents: ``h.correlation()``.

    The covariance divided by the errors of both bins: between -1 and 1, NaN for bins without error. Parameters, order
    of bins, result and errors are those of ``covariance``. ``flashsim.plot.correlation(h)`` draws it.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("x", "", 2, 0, 30), "x", fold_size=10, covariance=True)
    >>> h.correlation().round(3)
    array([[1.   , 0.447],
           [0.447, 1.   ]])
    """
    with translated():
        return to_array(histogram, histogram.GetCorrelationMatrix(flow), flow)


def in_shape(histogram: Any, cells: Any, flow: bool = False) -> NDArray[np.float64]:
    """Numbers of all cells, in the order of ROOT's bin numbers, as a copy in the shape of ``h.values(flow)``."""
    shape = _shape(histogram, flow=True)
    array = np.array(cells, dtype=np.float64).reshape(shape, order="F")
    return array if flow else array[(slice(1, -1),) * len(shape)]


def to_array(histogram: Any, matrix: Any, flow: bool) -> NDArray[np.float64]:
    """A TMatrixDSym of bins in ROOT's order as an array in the order of ``h.values(flow).ravel()``."""
    n = matrix.GetNrows()
    array = np.frombuffer(matrix.GetMatrixArray(), dtype=np.float64, count=n * n).reshape(n, n)
    order = np.arange(n).reshape(_shape(histogram, flow), order="F").ravel()
    return array[np.ix_(order, order)]


def axes_of(histogram: Any) -> list[Any]:
    """The axes of a histogram: one to three ``TAxis``."""
    return [getattr(histogram, f"Get{letter}axis")() for letter in "XYZ"[: histogram.GetDimension()]]


def _shape(histogram: Any, flow: bool) -> tuple[int, ...]:
    return tuple(axis.GetNbins() + 2 * flow for axis in axes_of(histogram))


def edges_of(axis: Any, flow: bool = False) -> NDArray[np.float64]:
    """Edges of an axis' bins, between minus and plus infinity if `flow`."""
    inside = np.array([axis.GetBinLowEdge(i) for i in range(1, axis.GetNbins() + 2)])
    return np.concatenate([[-np.inf], inside, [np.inf]]) if flow else inside


def _to_hist_axis(axis: Any) -> Any:
    import hist

    names = {"name": axis.GetName(), "label": axis.GetTitle()}
    if axis.IsVariableBinSize():
        return hist.axis.Variable(edges_of(axis), **names)
    return hist.axis.Regular(axis.GetNbins(), axis.GetXmin(), axis.GetXmax(), **names)
