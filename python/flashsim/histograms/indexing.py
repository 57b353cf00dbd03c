"""Indexing of oversampled histograms: UHI, with correct errors and covariances."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import translated
from .._library import root

__all__ = ["get_item"]


@dataclass(frozen=True)
class _Selection:
    """Bins ``first`` to ``last`` of one axis, in ROOT's numbers (0 is underflow), and the operation on them."""

    first: int
    last: int
    group: int = 1
    is_summed: bool = False
    is_one_bin: bool = False


def get_item(histogram: Any, index: Any) -> Any:
    """Content of a bin, or a histogram of some of the bins: ``h[3]``, ``h[2:5]``, ``h[::ROOT.uhi.rebin(2), 4]``.

    As for all histograms of ROOT (https://uhi.readthedocs.io/en/latest/indexing.html): one item per axis, or ``...``,
    or a dictionary from axis number to item. Bins are counted from 0, from the end if negative;
    ``ROOT.uhi.loc(value)``, ``ROOT.uhi.underflow``, ``ROOT.uhi.overflow`` and ``len`` name bins too.

    =======================================  ===================================================================
    item                                     gives
    =======================================  ===================================================================
    a bin                                    this bin alone; the axis goes away
    ``a:b``                                  bins a to b - 1; the others go to under- and overflow
    ``a:b:ROOT.uhi.rebin(n)``                the same, n bins made one
    ``a:b:ROOT.uhi.sum`` (or ``sum``)        their sum; the axis goes away. A side left open includes under- or
                                             overflow, ``0:len:sum`` neither
    =======================================  ===================================================================

    Returns
    -------
    float or FlashSim.OversampledTH...
        The content (or the sum of contents) if no axis is left; else a new histogram, owned by Python, in no directory.

    Raises
    ------
    IndexError, TypeError, ValueError
        If bins do not exist, none is left, or an item is invalid.
    NotImplementedError
        For underflow alone on one or two of three axes.
    RuntimeError
        If bins are merged and the histogram does not hold its covariance. Leaving bins out merges them into under- and
        overflow.

    Notes
    -----
    Bins that are cut off go to under- and overflow axis by axis: in two dimensions ``h[2:5, :]`` puts bins below 2 in x
    into x's underflow at the same bin of y. (``TH2`` itself gathers all of them in the corners.) ``GetBinError`` and
    the covariance of the result include the correlations between bins.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("x", "", 6, 0, 30), "x", fold_size=10, covariance=True).GetValue()
    >>> h[0], h[1:3:sum]
    (0.5, 1.0)
    >>> h[:: ROOT.uhi.rebin(3)].values().tolist()
    [1.5, 0.5]
    """
    selections = [_select(histogram, axis, item) for axis, item in enumerate(_one_per_axis(histogram, index))]
    if all(selection.is_one_bin for selection in selections):
        return histogram.GetBinContent(histogram.GetBin(*(selection.first for selection in selections)))
    if all(selection.is_summed for selection in selections):
        ranges = tuple(slice(selection.first, selection.last + 1) for selection in selections)
        return float(histogram.values(flow=True)[ranges].sum(dtype=np.float64))
    with translated(), _no_directory():
        if any(selection.is_summed for selection in selections):
            histogram = _project(histogram, selections)
        kept = [selection for selection in selections if not selection.is_summed]
        return _rebin(_slice(histogram, kept), kept)


def _one_per_axis(histogram: Any, index: Any) -> list[Any]:
    n = histogram.GetDimension()
    if isinstance(index, Mapping):
        unknown = [axis for axis in index if axis not in range(n)]
        if unknown:
            message = f"histogram {histogram.GetName()!r} has the axes 0 to {n - 1}, not {unknown[0]!r}."
            raise IndexError(message)
        return [index.get(axis, slice(None)) for axis in range(n)]
    items = list(index) if isinstance(index, tuple) else [index]
    gaps = [i for i, item in enumerate(items) if item is ...]
    if len(gaps) == 1:
        items[gaps[0] : gaps[0] + 1] = [slice(None)] * (n - len(items) + 1)
    if len(items) != n or len(gaps) > 1:
        message = (
            f"histogram {histogram.GetName()!r} has {n} axes, the index {index!r} has another number. Expected one "
            "item per axis, or one `...` for the other axes."
        )
        raise IndexError(message)
    return items


def _select(histogram: Any, axis: int, item: Any) -> _Selection:
    n = _n_bins(histogram, axis)
    if _is_sum(item) or _is_rebin(item):
        item = slice(None, None, item)
    if not isinstance(item, slice):
        number = _bin(histogram, axis, item)
        if not 0 <= number <= n + 1:
            raise IndexError(_no_such_bin(histogram, axis, item))
        return _Selection(number, number, is_summed=True, is_one_bin=True)

    first = 0 if item.start is None else _bin(histogram, axis, item.start)
    stop = n + 2 if item.stop is None else _bin(histogram, axis, item.stop, is_stop=True)
    if not 0 <= first <= stop <= n + 2:
        raise IndexError(_no_such_bin(histogram, axis, f"{item.start}:{item.stop}"))
    is_summed = _is_sum(item.step)
    if not (is_summed or item.step is None or _is_rebin(item.step)):
        message = f"the step {item.step!r} of an index is unknown. Expected ROOT.uhi.rebin(n), ROOT.uhi.sum or sum."
        raise ValueError(message)
    if not is_summed:
        first, stop = max(first, 1), min(stop, n + 1)
    if first >= stop:
        message = f"histogram {histogram.GetName()!r}: {item.start}:{item.stop} leaves no bin of axis {axis}."
        raise IndexError(message)
    group = item.step.ngroup if _is_rebin(item.step) else 1
    return _Selection(first, stop - 1, group, is_summed)


def _bin(histogram: Any, axis: int, item: Any, is_stop: bool = False) -> int:
    """ROOT's number of the bin at an index."""
    n = _n_bins(histogram, axis)
    if item is builtins.len:
        return n + 1
    if callable(item):  # loc, underflow and overflow of ROOT.uhi
        return int(item(histogram, axis))
    try:
        number = operator.index(item)
    except TypeError:
        message = f"{item!r} names no bin. Expected an integer, ROOT.uhi.loc(value), underflow, overflow, or len."
        raise TypeError(message) from None
    if not -n <= number < n + is_stop:
        raise IndexError(_no_such_bin(histogram, axis, item))
    return number + 1 if number >= 0 else number + n + 1


def _no_such_bin(histogram: Any, axis: int, item: Any) -> str:
    n = _n_bins(histogram, axis)
    return f"histogram {histogram.GetName()!r} has the bins 0 to {n - 1} on axis {axis}, not {item}."


def _n_bins(histogram: Any, axis: int) -> int:
    return (histogram.GetNbinsX, histogram.GetNbinsY, histogram.GetNbinsZ)[axis]()


def _is_sum(item: Any) -> bool:
    return item is builtins.sum or item is root().uhi.sum


def _is_rebin(item: Any) -> bool:
    return isinstance(item, root().uhi.rebin)


def _slice(histogram: Any, selections: list[_Selection]) -> Any:
    ROOT = root()
    ranges = [number for selection in selections for number in (selection.first, selection.last)]
    return _owned(histogram.GetSlice(histogram.GetName(), ROOT.std.vector["int"](ranges)))


def _rebin(histogram: Any, selections: list[_Selection]) -> Any:
    groups = [selection.group for selection in selections]
    if all(group == 1 for group in groups):
        return histogram
    method = ("Rebin", "Rebin2D", "Rebin3D")[len(groups) - 1]
    getattr(histogram, method)(*groups)
    return histogram


def _project(histogram: Any, selections: list[_Selection]) -> Any:
    """Sums over the bins selected on some axes, with under- and overflow of the other axes."""
    name = histogram.GetName()
    kept = "".join(letter for letter, selection in zip("xyz", selections, strict=False) if not selection.is_summed)
    summed = [selection for selection in selections if selection.is_summed]
    if len(selections) == 3 and any(selection.last == 0 for selection in summed):
        message = (
            f"histogram {name!r}: underflow alone cannot be taken out of three dimensions, since ROOT's projections "
            "take the range from bin 0 to 0 for all bins. Fill a histogram with a bin for the values below."
        )
        raise NotImplementedError(message)
    whole = _owned(histogram.Clone())
    for letter in "XYZ"[: len(selections)]:
        getattr(whole, f"Get{letter}axis")().SetRange()  # a zoom is for drawing only
    if len(kept) == 1:
        ranges = [number for selection in summed for number in (selection.first, selection.last)]
        return _owned(getattr(whole, f"Projection{kept.upper()}")(f"{name}_p{kept}", *ranges))
    axis = next(axis for axis, selection in enumerate(selections) if selection.is_summed)
    getattr(whole, f"Get{'XYZ'[axis]}axis")().SetRange(summed[0].first, summed[0].last)
    return _owned(whole.Project3D(kept[::-1]))


def _owned(histogram: Any) -> Any:
    root().SetOwnership(histogram, True)
    return histogram


@contextmanager
def _no_directory() -> Iterator[None]:
    """Keeps new histograms out of the current directory, where they would replace others of the same name."""
    ROOT = root()
    was_added = ROOT.TH1.AddDirectoryStatus()
    ROOT.TH1.AddDirectory(False)
    try:
        yield
    finally:
        ROOT.TH1.AddDirectory(was_added)
