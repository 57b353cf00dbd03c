"""The cheapest solver of a continuous flow with converged samples: the fewest evaluations of its network.

Needs the packages onnx, scipy and scikit-learn; neither PyTorch nor the checkpoint of the flow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from ..flows.file import read_flow, set_metadata, write_model
from ..flows.ode.loop import velocity_of, with_solver
from ..flows.ode.solvers import SOLVERS
from ..pairs import columns_of_flow, read_pairs
from .grids import grids
from .reference import TOLERANCE
from .trials import Candidate, Comparison, Trial

__all__ = ["Candidate", "OptimalSteps", "Trial", "optimize_steps"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class OptimalSteps:
    """Result of `optimize_steps`.

    Attributes
    ----------
    flow, files
        Names of the flow and of the files with GEN objects.
    trials
        Candidates that the classifier tested, in ascending cost.
    best
        The first trial that passed, or None.
    rows
        Rows of each of the two samples that the classifier compared.
    seed, tolerance
        As given.
    reference_evaluations
        Evaluations of the network for one sample of the reference.
    """

    flow: str
    files: tuple[str, ...]
    trials: tuple[Trial, ...]
    best: Trial | None
    rows: int
    seed: int
    tolerance: float
    reference_evaluations: float

    @property
    def closest(self) -> Trial:
        """The trial with the smallest result of the classifier."""
        return min(self.trials, key=lambda trial: trial.c2st)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "flow": self.flow,
            "files": list(self.files),
            "rows": self.rows,
            "seed": self.seed,
            "tolerance": self.tolerance,
            "reference": {"method": "dopri5", "tolerance": TOLERANCE, "evaluations": self.reference_evaluations},
            "best": self.best.to_dict() if self.best else None,
            "trials": [trial.to_dict() for trial in self.trials],
        }


def optimize_steps(
    flow: str | Path,
    data: str | Path | Iterable[str | Path],
    output: str | Path | None = None,
    *,
    rows: int = 50_000,
    seed: int = 1,
    tolerance: float = 0.005,
    maximum: int = 30,
    threads: int = 1,
    watch: Callable[[Trial], None] = lambda trial: None,
) -> OptimalSteps:
    """Finds the cheapest solver with converged samples, and makes it the flow's default.

    The reference solves the flow's differential equation with adaptive steps and a tolerance of 1e-6. Costs, counted in
    evaluations of the network, are tried in ascending order. Of all solvers, steps and grids of one cost, the candidate
    is the one closest to the reference for the same noise (root mean square). A classifier (scikit-learn's
    HistGradientBoostingClassifier with default parameters, GEN variables included) compares its samples with reference
    samples from other noise and other GEN objects. The candidate passes if the result is below two standard deviations
    and below the tolerance, again so with fresh noise, and if the Fréchet distance between the samples is at most one
    and a half times its noise floor.

    Parameters
    ----------
    flow
        ONNX file of a continuous flow.
    data
        ROOT files with the GEN objects of the samples, as for training.
    output
        File to write, by default ``flow`` itself; only the solver and its metadata change. Nothing is written if no
        candidate passes.
    rows
        Rows of each of the two samples; fewer if the data have less than twice as many.
    seed
        Of noise, choice of rows and classifier.
    tolerance
        Largest result of the classifier test (0.5 - P).
    maximum
        Largest number of evaluations per sample.
    threads
        CPU threads for the network.
    watch
        Called with every finished trial.

    Raises
    ------
    FileNotFoundError
        If the flow or the folder to write to does not exist.
    ValueError
        If the file is not a continuous flow with a marked velocity, or the rows are too few for the tolerance.
    DatasetError
        If the data cannot be used.

    Examples
    --------
    >>> found = optimize_steps("jets.onnx", ["ttbar.root"])  # doctest: +SKIP
    >>> found.best.candidate.evaluations  # doctest: +SKIP
    8
    """
    if not 0 < tolerance < 0.5:
        raise ValueError(f"the tolerance is {tolerance:g}, expected a number between 0 and 0.5.")
    output = Path(flow if output is None else output)
    if not output.parent.is_dir():
        raise FileNotFoundError(f"{output}: there is no folder {output.parent} to write it in.")
    model, metadata = read_flow(flow)
    if not metadata.get("default_steps"):
        raise ValueError(f"{flow}: flow '{metadata.get('name')}' samples in one shot; it has no steps to optimise.")
    try:
        velocity_of(model)
    except ValueError as error:
        raise ValueError(f"{flow}: {error}") from None
    files = [data] if isinstance(data, str | Path) else list(data)
    pairs = read_pairs(files, columns_of_flow(metadata), rows=2 * rows)
    usable = min(rows, len(pairs) // 2)
    enough = math.ceil(0.5 / tolerance**2)  # two standard deviations are the tolerance
    if usable < enough:
        raise ValueError(
            f"a tolerance of {tolerance:g} takes two samples of {enough} rows at least, that is {2 * enough} objects "
            f"in the data; there are {usable} for each. Ask for more rows, give more data or a larger tolerance."
        )
    comparison = Comparison(model, np.asarray(pairs.context[: 2 * usable]), seed, threads)
    trials: list[Trial] = []
    for trial in _ascend(comparison, tolerance, maximum):
        trials.append(trial)
        watch(trial)
    found = OptimalSteps(
        flow=metadata["name"],
        files=tuple(pairs.files),
        trials=tuple(trials),
        best=trials[-1] if trials[-1].passes(tolerance) else None,
        rows=usable,
        seed=seed,
        tolerance=tolerance,
        reference_evaluations=comparison.reference_evaluations,
    )
    if found.best is not None:
        write_model(_with_default(model, metadata, found), output)
    return found


def _ascend(comparison: Comparison, tolerance: float, maximum: int) -> Iterator[Trial]:
    jerk = comparison.jerk()
    for evaluations in range(1, maximum + 1):
        deviations = [comparison.deviation(candidate) for candidate in _candidates(evaluations, jerk)]
        trial = comparison.judge(min(deviations, key=lambda trial: trial.rms_deviation), tolerance)
        yield trial
        if trial.passes(tolerance):
            return


def _candidates(evaluations: int, jerk: Array) -> Iterator[Candidate]:
    for name, solver in SOLVERS.items():
        steps, rest = divmod(evaluations, solver.evaluations_per_step)
        if not rest:
            for grid_name, grid in grids(steps, jerk):
                yield Candidate(name, steps, grid_name, grid)


def _with_default(model: onnx.ModelProto, metadata: Mapping[str, Any], found: OptimalSteps) -> onnx.ModelProto:
    assert found.best is not None
    candidate = found.best.candidate
    solver = SOLVERS[candidate.solver]
    provenance = {
        **metadata.get("training", {}),
        "evaluations_per_step": solver.evaluations_per_step,
        "optimal_steps": {
            **{key: value for key, value in found.to_dict().items() if key not in ("flow", "trials")},
            "replaced": {key: metadata.get(key) for key in ("solver", "default_steps", "grid")},
        },
    }
    changes = {"solver": candidate.solver, "default_steps": candidate.steps, "grid": list(candidate.grid)}
    changed = with_solver(model, solver, candidate.grid)
    set_metadata(changed, {**metadata, **changes, "training": provenance})
    return changed
