"""The studies of arXiv:2402.13684, repeated with this project's generator: one function, one table, one picture each.

Needs the extras ``train`` and ``validate``. On the command line: ``flashsim study --help``.
"""

from __future__ import annotations

from .families import compare_families
from .processes import compare_processes
from .solver_steps import compare_steps
from .study import Study
from .training_size import compare_sizes
from .w_mass import compare_statistics

__all__ = [
    "Study",
    "compare_families",
    "compare_processes",
    "compare_sizes",
    "compare_statistics",
    "compare_steps",
]
