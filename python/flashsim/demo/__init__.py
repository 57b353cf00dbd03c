"""The W-mass pseudo-analysis on the shipped sample and flow."""

from __future__ import annotations

from .result import SPECTRA, Demo, Spectrum, Stage
from .run import run_demo

__all__ = ["SPECTRA", "Demo", "Spectrum", "Stage", "run_demo"]
