"""Fast, machine-learned event simulation inside ROOT's RDataFrame, with histograms whose uncertainties are right.

Importing the package adds three methods to every RDataFrame node:

* ``FlashSim``: GEN events in, ``folds`` RECO events out for each of them;
* ``DefineFolds``: the same inside one entry, without look-ahead;
* ``OversampledTH1D``: a histogram that knows which RECO events share a GEN event.

>>> import ROOT, flashsim
>>> df = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(10)
>>> sim = df.FlashSim("jets", folds=2, prefix="Flash")
>>> leading = sim.Filter("nFlashJet >= 2").Define("leading", "FlashJet_pt[0]")
>>> h = leading.OversampledTH1D(("pt", ";p_{T};events", 10, 0, 500), "leading")
>>> sim.Count().GetValue()
20
"""

from __future__ import annotations

from . import data
from ._library import onnxruntime_version
from .dataframe import register
from .flow import Flow

__all__ = ["Flow", "__version__", "data", "onnxruntime_version"]

__version__ = "0.1.0"

register()
