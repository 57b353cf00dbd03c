"""Generate GEN events with Pythia 8 and FastJet, and pseudo-reconstructed jets to train flows on.

Needs ``pip install "flashsim[generate]"`` to generate; the response, its tables and the list of processes need NumPy
alone.

Examples
--------
>>> from flashsim.generation import generate
>>> generate("ttbar.root", process="ttbar", events=1000, seed=1)  # doctest: +SKIP
"""

from __future__ import annotations

from .detector.jets import respond
from .gen.processes import PROCESSES, Process
from .production.production import BLOCK_EVENTS, Production, generate
from .variables import CONTEXT, TARGETS, Variable

__all__ = [
    "BLOCK_EVENTS",
    "CONTEXT",
    "PROCESSES",
    "TARGETS",
    "Process",
    "Production",
    "Variable",
    "generate",
    "respond",
]
