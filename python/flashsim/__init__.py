"""Fast, machine-learned event simulation inside ROOT's RDataFrame, with histograms whose uncertainties are right.

Importing the package adds methods to every RDataFrame node, where there is a ROOT:

* ``FlashSim``: GEN events in, ``fold_size`` RECO events out for each of them;
* ``DefineFolds``: the same inside one entry, without look-ahead;
* ``OversampledTH1D``, ``2D``, ``3D`` (``1F``, ...): histograms that know which RECO events share a GEN event, and which
  go on into numpy, hist, UHI and pyhf by methods of their own; `read` reads them from files;
* ``OversampledEfficiency1D``, ``2D``: efficiencies whose uncertainties are right.

>>> import ROOT, flashsim
>>> df = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(10)
>>> sim = df.FlashSim("jets", fold_size=2, prefix="Flash")
>>> leading = sim.Filter("nFlashJet >= 2").Define("leading", "FlashJet_pt[0]")
>>> h = leading.OversampledTH1D(("pt", ";p_{T};events", 10, 0, 500), "leading")
>>> sim.Count().GetValue()
20
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from . import data, throughput
from ._library import is_root_wanted, onnxruntime_version
from ._version import __version__
from .flows.flow import Flow
from .flows.probability import ProbabilityModel
from .histograms import efficiency, files, plain_statistics
from .histograms import methods as histogram_methods
from .histograms.efficiency import OversampledEfficiency
from .histograms.files import read
from .histograms.fold_size import OptimalFoldSize, optimal_fold_size
from .rdataframe import distributed, event_loops, methods, plain_histograms, run_graphs
from .rdataframe.plain_histograms import OversamplingWarning
from .rdataframe.progress import progress
from .rdataframe.snapshot import snapshot

__all__ = [
    "Flow",
    "OptimalFoldSize",
    "OversampledEfficiency",
    "OversamplingWarning",
    "ProbabilityModel",
    "__version__",
    "data",
    "distributed",
    "onnxruntime_version",
    "optimal_fold_size",
    "plot",
    "progress",
    "read",
    "snapshot",
    "throughput",
]

if is_root_wanted():
    for _module in (
        methods,
        distributed,
        histogram_methods,
        files,
        efficiency,
        plain_statistics,
        run_graphs,
        event_loops,
        plain_histograms,
    ):
        _module.register()


def __getattr__(name: str) -> ModuleType:
    if name == "plot":  # imported when it is used, since matplotlib takes time
        return import_module(".histograms.plot", __name__)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
