"""A ``hist.Hist`` that refuses to merge correlated bins."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import hist

__all__ = ["CorrelatedHist"]


class CorrelatedHist(hist.Hist[hist.storage.Weight], family=hist):
    """Result of ``h.to_hist()``: a ``hist.Hist`` with Weight storage and correlated bins.

    The same GEN event fills several bins, and a ``hist.Hist`` cannot hold their covariance. Operations that merge bins
    would give wrong variances, and raise RuntimeError: slices (bins that are cut off go to under- and overflow),
    rebinning, ``sum``, ``project``, ``integrate``, ``profile``. Do these before: ``h.Rebin(2).to_hist()``. Single bins,
    arithmetic, plots and arrays work as in ``hist``. ``hist.Hist(h)`` gives up the protection.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("x", "", 4, 0, 20), "x", fold_size=10, covariance=True)
    >>> h.to_hist()[::2j]
    Traceback (most recent call last):
    ...
    RuntimeError: bins of histogram 'x' are correlated, and a hist.Hist does not know how: ...
    """

    def __getitem__(self, index: Any) -> Any:
        items = index.values() if isinstance(index, dict) else index if isinstance(index, tuple) else (index,)
        if any(_merges_bins(item) for item in items):
            self._refuse()
        return super().__getitem__(index)

    def sum(self, flow: bool = False) -> NoReturn:
        """Refused: the variance of a sum needs the covariance."""
        self._refuse()

    def project(self, *args: int | str, flow: bool = True) -> Any:
        """Reorders the axes; refused if axes are summed."""
        if len(args) < self.ndim:
            self._refuse()
        return super().project(*args, flow=flow)

    def integrate(self, *args: Any, **keywords: Any) -> NoReturn:
        """Refused: the variance of an integral needs the covariance."""
        self._refuse()

    def profile(self, axis: int | str) -> NoReturn:
        """Refused: the variance of a mean needs the covariance."""
        self._refuse()

    def __repr__(self) -> str:
        return repr(hist.Hist(self)).replace("Hist(", f"{type(self).__name__}(", 1).partition(" # Sum:")[0]

    def _repr_html_(self) -> str | None:
        picture = hist.Hist(self)._repr_html_()
        return None if picture is None else re.sub(r"Σ=.*", "", picture)  # its variance would be wrong

    def _refuse(self) -> NoReturn:
        message = (
            f"bins of histogram {self.name!r} are correlated, and a hist.Hist does not know how: it would merge them "
            "with wrong variances. Rebin, slice, project or integrate the oversampled histogram before to_hist() "
            "(h.Rebin(2).to_hist()); hist.Hist(...) of this one takes bins as independent."
        )
        raise RuntimeError(message)


def _merges_bins(item: Any) -> bool:
    if isinstance(item, slice):
        return not (item.start is None and item.stop is None and item.step is None)
    return item is sum or isinstance(item, list) or hasattr(item, "factor")
