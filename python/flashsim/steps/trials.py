"""Ways to solve the differential equation of a flow, compared with converged samples."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper

from ..flows.ode.loop import END, with_solver
from ..flows.ode.solvers import SOLVERS
from ..validation.classifier import classifier_test
from ..validation.distances import frechet_distance
from .reference import ROWS_AT_ONCE, ConvergedFlow, open_session

__all__ = ["Candidate", "Comparison", "Trial"]

Array = npt.NDArray[Any]

_FOLDS = 5
_PAIRED_ROWS = 2048
_FIRST_LOOK = 8  # the first test takes 1/8 of the rows, enough to reject bad candidates
_FAR_OFF = 3.0  # standard deviations
_FRECHET_LIMIT = 1.5  # times the noise floor: the solver's part is then half that of chance
_PERMUTATIONS = 8
_TRAJECTORIES = 512
_INTERVALS = 64


@dataclass(frozen=True)
class Candidate:
    """A way to solve the flow's differential equation: a solver, its number of steps, and a grid of times."""

    solver: str
    steps: int
    grid_name: str
    grid: tuple[float, ...]

    @property
    def evaluations(self) -> int:
        """Evaluations of the network for one sample."""
        return self.steps * SOLVERS[self.solver].evaluations_per_step


@dataclass(frozen=True)
class Trial:
    """A candidate against the converged flow.

    Attributes
    ----------
    candidate
        Solver, steps and grid.
    rms_deviation, largest_deviation
        Distance from the converged sample of the same noise and context, root mean square and largest, in standard
        deviations of each variable in the network's units (before whole numbers are rounded).
    c2st
        Classifier two-sample test between samples of independent noise and contexts: 0.5 − P with P the fraction of
        rows classified wrongly: 0 for equal distributions, 0.5 for disjoint ones.
    c2st_error
        Its standard deviation.
    rows
        Rows of each of the two tested samples.
    microseconds
        CPU time of one sample, in calls of 256 rows.
    confirmation
        The test with fresh noise, independent of the choice; None if the first test failed.
    frechet, frechet_floor
        Squared Fréchet distance between the tested samples, which is sensitive to tails; and its noise floor: the mean
        after their rows were exchanged at random.
    """

    candidate: Candidate
    rms_deviation: float
    largest_deviation: float
    c2st: float = np.nan
    c2st_error: float = np.nan
    rows: int = 0
    microseconds: float = np.nan
    confirmation: float | None = None
    frechet: float = np.nan
    frechet_floor: float = np.nan

    def passes(self, tolerance: float) -> bool:
        """Whether both tests gave less than two standard deviations and less than the tolerance, and Fréchet is small.

        The limit is one and a half times the noise floor: the solver then adds half of the statistical fluctuation.
        """
        return (
            self.confirmation is not None
            and self._small(self.c2st, tolerance)
            and self._small(self.confirmation, tolerance)
            and self.frechet <= _FRECHET_LIMIT * self.frechet_floor
        )

    def _small(self, value: float, tolerance: float) -> bool:
        return value < min(2 * self.c2st_error, tolerance)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        document = asdict(self)
        candidate = document.pop("candidate")
        numbers = {name: None if value is None or math.isnan(value) else value for name, value in document.items()}
        return {**candidate, "evaluations": self.candidate.evaluations, **numbers}


class Comparison:
    """Judges candidates for one flow.

    Args:
        model: the flow.
        context: rows [2 n, C] in physical units; n of them are for the candidate, n for the reference.
        seed: of noise, order of rows and classifier.
        threads: CPU threads for the network.

    Raises:
        ValueError: as in `ConvergedFlow`.
    """

    def __init__(self, model: onnx.ModelProto, context: Array, seed: int, threads: int) -> None:
        self._model, self._seed, self._threads = model, seed, threads
        self._converged = ConvergedFlow(model, threads)
        half = len(context) // 2
        order = self._generator(0).permutation(len(context))
        self._halves = context[order[:half]], context[order[half : 2 * half]]
        self._references: dict[int, Array] = {}
        self._confirmations = 0
        self._context = self._halves[0][:_PAIRED_ROWS]
        self._noise = self._generator(1).standard_normal((len(self._context), self._dimension), dtype=np.float32)
        self._end = self._converged.end(self._noise, self._context)
        self.reference_evaluations = self._converged.evaluations / len(self._context)
        """Evaluations of the network for one sample of the reference."""

    @property
    def rows(self) -> int:
        """Rows of each of the two compared samples."""
        return len(self._halves[0])

    def jerk(self) -> Array:
        """|d³x/dt³| on average over some trajectories, in equal intervals of the time from 0 to 1."""
        context, x = self._context[:_TRAJECTORIES], self._noise[:_TRAJECTORIES].astype(np.float64)
        step = 1 / _INTERVALS
        slopes = []
        for index in range(_INTERVALS + 2):
            slopes.append(self._converged.velocity(x, min(index * step, 1.0), context))
            if index < _INTERVALS:
                middle = x + step / 2 * slopes[-1]
                x = x + step * self._converged.velocity(middle, (index + 0.5) * step, context)
        jerk = np.linalg.norm(np.diff(slopes[:-1], n=2, axis=0), axis=2).mean(axis=1) / step**2
        return np.concatenate([jerk[:1], jerk])

    def deviation(self, candidate: Candidate) -> Trial:
        """Distance of the samples from the converged ones of the same noise; the rest of the trial is not filled."""
        sampler = self._sampler(candidate)
        ends = [
            self._run(sampler, END, candidate, self._noise[rows], self._context[rows])
            for rows in _batches(len(self._noise))
        ]
        distance = np.abs(np.concatenate(ends) - self._end) / self._end.std(axis=0)
        distance = np.where(np.isfinite(distance), distance, np.inf)
        return Trial(candidate, float(np.sqrt(np.mean(distance**2))), float(distance.max()))

    def judge(self, trial: Trial, tolerance: float) -> Trial:
        """The trial with all tests of the classifier: on a part of the rows, on all, and on all with fresh noise."""
        found = self._tested(trial, 0, self.rows // _FIRST_LOOK)
        if found.c2st - _FAR_OFF * found.c2st_error > tolerance:
            return found
        found = self._tested(trial, 0, self.rows)
        if found.c2st < min(2 * found.c2st_error, tolerance):
            self._confirmations += 1
            again = self._tested(trial, self._confirmations, self.rows)
            found = replace(
                found,
                confirmation=again.c2st,
                frechet=(found.frechet + again.frechet) / 2,
                frechet_floor=(found.frechet_floor + again.frechet_floor) / 2,
            )
            del self._references[self._confirmations]
        return found

    def _tested(self, trial: Trial, draw: int, rows: int) -> Trial:
        candidate, generator = trial.candidate, self._generator(2, draw, trial.candidate.evaluations)
        context = self._halves[(draw + 1) % 2][:rows]
        noise = generator.standard_normal((rows, self._dimension), dtype=np.float32)
        sampler = self._sampler(candidate)
        samples, seconds = [], []
        for batch in _batches(rows):
            start = process_time()
            samples.append(self._run(sampler, "sample", candidate, noise[batch], context[batch]))
            seconds.append((process_time() - start) / len(samples[-1]))
        sample = np.concatenate([context, np.concatenate(samples)], axis=1)
        reference = self._reference(draw)[:rows]
        return replace(
            trial,
            c2st=self._c2st(reference, sample),
            frechet=self._frechet(reference, sample),
            frechet_floor=self._frechet_floor(reference, sample),
            c2st_error=0.5 / math.sqrt(2 * rows),
            rows=rows,
            microseconds=1e6 * float(np.median(seconds)),
        )

    def _c2st(self, first: Array, second: Array) -> float:
        """Every row is scored once, by a classifier trained on the other folds."""
        fold = self._generator(3).permutation(len(first)) % _FOLDS
        tests = [
            classifier_test(
                (first[fold != index], second[fold != index]), (first[fold == index], second[fold == index]), self._seed
            )
            for index in range(_FOLDS)
        ]
        return float(np.mean([test.value for test in tests]))

    def _frechet(self, first: Array, second: Array) -> float:
        columns = self._context.shape[1]
        targets = [rows[:, columns:] for rows in (self._reference(0), first, second)]
        scale = targets[0].std(axis=0, dtype=np.float64)
        scale[scale == 0] = 1.0
        return frechet_distance(targets[1] / scale, targets[2] / scale)

    def _frechet_floor(self, first: Array, second: Array) -> float:
        rows, generator = np.concatenate([first, second]), self._generator(5)
        halves = (np.split(generator.permutation(rows), 2) for _ in range(_PERMUTATIONS))
        return float(np.mean([self._frechet(*half) for half in halves]))

    def _reference(self, draw: int) -> Array:
        """Converged samples, context and target side by side."""
        if draw not in self._references:
            context = self._halves[draw % 2]
            noise = self._generator(4, draw).standard_normal((self.rows, self._dimension), dtype=np.float32)
            target = self._converged.decode(self._converged.end(noise, context), context)
            self._references[draw] = np.concatenate([context, target], axis=1)
        return self._references[draw]

    @property
    def _dimension(self) -> int:
        return self._converged.dimension

    def _generator(self, *purpose: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, *purpose])

    def _sampler(self, candidate: Candidate) -> onnxruntime.InferenceSession:
        model = with_solver(self._model, SOLVERS[candidate.solver], candidate.grid)
        model.graph.output.append(helper.make_tensor_value_info(END, TensorProto.FLOAT, ["n", self._dimension]))
        return open_session(model, self._threads)

    def _run(
        self,
        sampler: onnxruntime.InferenceSession,
        output: str,
        candidate: Candidate,
        noise: Array,
        context: Array,
    ) -> Array:
        feed = {"noise": noise, "context": context, "steps": np.array(candidate.steps, dtype=np.int64)}
        return sampler.run([output], feed)[0]


def _batches(rows: int) -> list[slice]:
    return [slice(start, start + ROWS_AT_ONCE) for start in range(0, rows, ROWS_AT_ONCE)]
