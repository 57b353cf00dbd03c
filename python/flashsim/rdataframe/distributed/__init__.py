"""``FlashSim``, ``DefineFolds`` and ``OversampledTH1D`` ... on distributed dataframes.

With ROOT's distributed RDataFrame (on Dask or Spark), methods and results are those of local nodes: for any partitions,
RECO events are the same bit for bit, and histograms the same up to the order of sums.

>>> df = ROOT.RDataFrame("Events", files, executor=dask_client)  # doctest: +SKIP
>>> sim = df.Filter("nGenJet >= 2").FlashSim("jets", fold_size=10)  # doctest: +SKIP
>>> h = sim.OversampledTH1D(("pt", ";p_{T} [GeV];jets", 50, 0, 500), "Jet_pt")  # doctest: +SKIP

On the client, ``import flashsim`` is enough. Workers need the package installed; they find flows under the client's
path, or receive them. Neither Dask nor Spark is imported here.
"""

from __future__ import annotations

from .distrdf import is_available

__all__ = ["enable", "register"]


def register() -> None:
    """Adds the methods, if this ROOT has the package of distributed RDataFrame, as 6.40 does."""
    if is_available():
        from . import nodes

        nodes.register()


def enable() -> None:
    """Prepares this process, a worker, for tasks that call the methods."""
    from . import nodes

    nodes.enable()
