"""``FlashSim``, ``DefineFolds`` and ``OversampledTH1D`` ... on distributed dataframes.

With ROOT's distributed RDataFrame (on Dask or Spark), the methods are those of local nodes, and so are their results:
RECO events are the same bit for bit, and histograms the same up to the order of sums, whatever the partitions.

>>> df = ROOT.RDataFrame("Events", files, executor=dask_client)  # doctest: +SKIP
>>> sim = df.Filter("nGenJet >= 2").FlashSim("jets", fold_size=10)  # doctest: +SKIP
>>> h = sim.OversampledTH1D(("pt", ";p_{T} [GeV];jets", 50, 0, 500), "Jet_pt")  # doctest: +SKIP

Importing ``flashsim`` on the client is all that is needed. Workers need the package installed; flows are found there
under the client's path, or sent. Neither Dask nor Spark is imported here.
"""

from __future__ import annotations

from .distrdf import is_available

__all__ = ["enable", "register"]


def register() -> None:
    """Adds the methods, if this ROOT has distributed RDataFrame where 6.40 has it."""
    if is_available():
        from . import nodes

        nodes.register()


def enable() -> None:
    """Prepares this process, a worker, for tasks that call the methods."""
    from . import nodes

    nodes.enable()
