"""Efficiencies with the right errors for several RECO events per GEN event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import translated
from .._library import root
from .conversion import axes_of, edges_of, in_shape, to_array
from .fold_options import takes_options
from .histogram_model import make_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["METHODS", "OversampledEfficiency", "oversampled_efficiency_1d", "oversampled_efficiency_2d", "register"]


@takes_options("event", "fold_size", "contiguous")
def oversampled_efficiency_1d(
    node: Any,
    model: Any,
    value: str,
    passed: str,
    weight: str | None = None,
    **options: Any,
) -> OversampledEfficiency:
    r"""Books an efficiency: ``node.OversampledEfficiency1D(("eff", ";p_{T}", 20, 0, 200), "pt", "isTagged", "w")``.

    Passed and failed values are filled at once, since they come from the same GEN events. Let :math:`P_j` be the
    passed and :math:`T_j` the total weight of GEN event j in a bin, averaged over its RECO events. The efficiency is
    :math:`e = \sum_j P_j / \sum_j T_j` and its squared error :math:`\sum_j (P_j - e T_j)^2 / (\sum_j T_j)^2`.
    ``TEfficiency`` of two histograms takes RECO events as independent: its errors are wrong.

    Parameters
    ----------
    node
        Any RDataFrame node, upstream of the selection under study.
    model
        As for ``OversampledTH1D``. The title's last part names the efficiency: ``";p_{T} [GeV];b tag efficiency"``.
    value
        Column: a number, or an RVec of numbers.
    passed
        Column of bool, or of numbers 0 and 1; an RVec if the value is one.
    weight, event, fold_size, contiguous
        As for ``OversampledTH1D``.

    Returns
    -------
    OversampledEfficiency
        Lazy: the event loop starts at the first access.

    Raises
    ------
    TypeError, ValueError, RuntimeError, std::runtime_error
        As ``OversampledTH1D``. RuntimeError also if a value of `passed` is neither 0 nor 1.

    Examples
    --------
    Two GEN events with ten RECO events each, of which 5 and 10 pass:

    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> e = reco.Define("passed", "x >= 5").OversampledEfficiency1D(("e", "", 1, 0, 20), "x", "passed", fold_size=10)
    >>> e.GetEfficiency(1), round(e.GetEfficiencyError(1), 4), round(e.GetEfficiencyErrorNaive(1), 4)
    (0.75, 0.1768, 0.0968)
    """
    return _book("OversampledTH2D", node, model, [value], passed, weight, options)


@takes_options("event", "fold_size", "contiguous")
def oversampled_efficiency_2d(
    node: Any,
    model: Any,
    x: str,
    y: str,
    passed: str,
    weight: str | None = None,
    **options: Any,
) -> OversampledEfficiency:
    """Books an efficiency in bins of two columns: ``node.OversampledEfficiency2D(model, "pt", "eta", "isTagged")``.

    As ``OversampledEfficiency1D``, with a model as for ``OversampledTH2D``.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> model = ("e", "", 1, 0, 20, 2, 0, 20)
    >>> e = reco.Define("passed", "x >= 5").OversampledEfficiency2D(model, "x", "x", "passed", fold_size=10)
    >>> e.values().tolist()
    [[0.5, 1.0]]
    """
    return _book("OversampledTH3D", node, model, [x, y], passed, weight, options)


METHODS: dict[str, Callable[..., Any]] = {
    "OversampledEfficiency1D": oversampled_efficiency_1d,
    "OversampledEfficiency2D": oversampled_efficiency_2d,
}
"""New methods of RDataFrame nodes, by name."""


class OversampledEfficiency:
    """An efficiency, filled or booked: the methods of ``FlashSim::OversampledTEfficiency``, and arrays.

    ``GetEfficiency(bin)``, ``GetEfficiencyError(bin)``, ``GetEfficiencyErrorLow(bin)``, ``GetEfficiencyErrorUp(bin)``,
    ``GetEfficiencyErrorNaive(bin)``, ``GetEfficiencyErrorForFoldSize(bin, n)``, ``GetEfficiencyErrorLimit(bin)``,
    ``GetEfficiencyCovariance(bin, bin)``, ``GetPassed(bin)``, ``GetTotal(bin)``, ``MakeTH()``, ``MakeGraph()`` and
    ``Draw()`` are explained there. ``GetValue()`` returns the C++ object itself.

    Parameters
    ----------
    filled
        Histogram of values and whether they passed, or an RResultPtr of it: the ``filled`` of another efficiency, its
        ``VariationsFor(...)["tag"]``, or the result of `flashsim.read`. Rebin it for coarser bins.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> e = reco.Define("passed", "x >= 5").OversampledEfficiency1D(("e", "", 2, 0, 20), "x", "passed", fold_size=10)
    >>> e.values().tolist(), flashsim.OversampledEfficiency(e.filled.RebinX(2, "coarse")).values().tolist()
    ([0.5, 1.0], [0.75])
    """

    def __init__(self, filled: Any) -> None:
        self.filled = filled
        self._efficiency: Any = None

    def GetValue(self) -> Any:
        """The ``FlashSim::OversampledTEfficiency``. Runs the event loop if it has not run."""
        if self._efficiency is None:
            filled = self.filled.GetValue() if hasattr(self.filled, "GetValue") else self.filled
            with translated():
                self._efficiency = root().FlashSim.OversampledTEfficiency(filled)
        return self._efficiency

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.GetValue(), name)

    def __repr__(self) -> str:
        return f"<OversampledEfficiency of {self.filled!r}>"


def register() -> None:
    """Adds arrays to the C++ class."""
    ROOT = root()

    @ROOT.pythonization("OversampledTEfficiency", ns="FlashSim")
    def add_arrays(klass: Any) -> None:
        klass.values, klass.variances, klass.covariance, klass.to_numpy = values, variances, covariance, to_numpy


def values(efficiency: Any, flow: bool = False) -> NDArray[np.float64]:
    """Efficiencies in the shape of the bins, with under- and overflow if `flow`; NaN where nothing was filled."""
    return _of_bins(efficiency, efficiency.GetEfficiency, flow)


def variances(efficiency: Any, flow: bool = False) -> NDArray[np.float64]:
    """Squared errors in the shape of the bins; NaN where nothing was filled."""
    return _of_bins(efficiency, efficiency.GetEfficiencyError, flow) ** 2


def covariance(efficiency: Any, flow: bool = False) -> NDArray[np.float64]:
    """Covariance [n, n] of efficiencies, in the order of ``values(flow).ravel()``; NaN where nothing was filled."""
    return to_array(efficiency.GetBins(), efficiency.GetCovarianceMatrix(flow), flow)


def to_numpy(efficiency: Any, flow: bool = False) -> tuple[NDArray[np.float64], ...]:
    """Efficiencies and the edges of each axis, as ``to_numpy`` of histograms."""
    return values(efficiency, flow), *(edges_of(axis, flow) for axis in axes_of(efficiency.GetBins()))


def _of_bins(efficiency: Any, of_bin: Callable[[int], float], flow: bool) -> NDArray[np.float64]:
    bins = efficiency.GetBins()
    return in_shape(bins, [of_bin(cell) for cell in range(bins.GetNcells())], flow)


def _book(
    histogram: str,
    node: Any,
    model: Any,
    columns: list[str],
    passed: str,
    weight: str | None,
    options: dict[str, Any],
) -> OversampledEfficiency:
    of_values = make_model(model, len(columns))
    model = (*model, 2, -0.5, 1.5) if isinstance(model, tuple) else root().FlashSim.Booking.AddPassedAxis(of_values)
    book = getattr(node, histogram)
    return OversampledEfficiency(book(model, *columns, passed, weight, covariance=True, **options))
