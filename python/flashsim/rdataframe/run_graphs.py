"""ROOT.RDF.RunGraphs with results of FlashSim among others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from typing import Any

from .._errors import translating
from .._library import cpp, root

__all__ = ["register"]


def register() -> None:
    """Extends ``ROOT.RDF.RunGraphs`` to FlashSim, whose event loop runs its upstream graph.

    Results of the upstream graph are filled first, and event loops that need the same graph run one after the other:
    see ``FlashSim::RunGraphs``. Distributed results go to ROOT's own function.

    >>> import ROOT, flashsim
    >>> gen = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(10)
    >>> n_gen, n_reco = gen.Count(), gen.FlashSim("jets", fold_size=3, prefix="Flash").Count()
    >>> ROOT.RDF.RunGraphs([n_reco, n_gen])
    2
    >>> n_gen.GetValue(), n_reco.GetValue()
    (10, 30)
    """
    namespace = root().RDF
    run_in_any_order = namespace.RunGraphs

    @wraps(run_in_any_order)
    def run_graphs(handles: Sequence[Any]) -> int:
        # Access to an attribute of a result would start its event loop.
        if any("_distrdf" in str(type(handle)) for handle in handles):
            return int(run_in_any_order(handles))
        return int(cpp().RunGraphs(handles))

    namespace.RunGraphs = translating(run_graphs)
