"""The solver and the steps of a continuous flow: how few evaluations give the samples of many.

Needs ``pip install "flashsim[validate]"``.
"""

from __future__ import annotations

from .optimise import Candidate, OptimalSteps, Trial, optimize_steps

__all__ = ["Candidate", "OptimalSteps", "Trial", "optimize_steps"]
