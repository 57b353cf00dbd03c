"""Validation of a flow: from files of pairs to metrics beside their noise floors."""

from __future__ import annotations

import hashlib
import math
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn

from .._version import __version__
from ..flows.flow import Flow
from ..pairs import Pairs, columns_of_flow, read_pairs
from .comparison import classifier_metric, distance_metrics, tagger_ranges
from .halves import halves
from .result import Validation
from .samples import Samples, simulate
from .tagging import Tagger

__all__ = ["LEAST_EVENTS", "LEAST_ROWS", "validate"]

LEAST_ROWS, LEAST_EVENTS = 1000, 100
"""Below these a metric is noise."""


def validate(
    flow: Flow | str | Path,
    data: Iterable[str | Path] | str | Path | Pairs,
    *,
    rows: int | None = None,
    seed: int = 1,
    steps: int | None = None,
    repeat: int = 10,
    classifier_repeat: int = 3,
    label: str = "",
    taggers: Sequence[Tagger] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Validation:
    """Compares a flow's samples for GEN objects with the RECO objects of the data.

    The flow is sampled once for each pair of a GEN and a RECO object. The rows are then split at random into two halves
    of the same size that share no event, A and B. A metric is

    * value = distance(flow given the contexts of A, target of B),
    * noise floor = distance(target of A, target of B):

    the same sizes, independent samples and the same distribution of contexts. On average, the value of a perfect flow
    is the floor. Both are averaged over several random splits. Their errors are the spread over the splits, that of one
    split: splits of the same data are not independent, and more splits do not make the data larger. Value and floor of
    all but ``c2st`` grow smaller with more rows: compare numbers made from equally many rows, or their ratios.

    ``c2st`` halves A and B once more, trains on one part and scores on the other; its errors are binomial. Wasserstein,
    Fréchet and covariance use variables divided by the standard deviation of the whole target, unless it is zero.

    Parameters
    ----------
    flow
        An opened flow, an ONNX file, or the name of a shipped flow.
    data
        ROOT files with the branches that `flashsim.pairs.columns_of_flow` derives from the flow's names, or pairs in
        memory. The flow must not have been trained on them; a note names files of the same name.
    rows
        Largest number of rows to read.
    seed
        Of noise, splits and classifier. 0 ... 2**64 - 1.
    steps
        ODE steps, at least 1; by default the flow's own. Not for flows that sample in one shot.
    repeat, classifier_repeat
        Random splits for all metrics but ``c2st``, at least 2; and for ``c2st``, at least 1.
    label
        Name of the sample in tables and reports.
    taggers
        Scores whose ROC curves are compared; by default ``btag`` and ``ctag``, see `default_taggers`.
    progress
        Called with the name of each stage.

    Returns
    -------
    Validation
        Metrics, provenance, and the rows to draw.

    Raises
    ------
    FileNotFoundError
        If there is no such flow.
    RuntimeError
        If the file is no flow.
    ValueError
        If the data lack branches (named), have too many unusable rows (counted by reason), too few rows or events, or
        do not fit the flow; if a number is out of its range, steps are given to a flow that samples in one shot, or a
        tagger's variable is not there.

    Examples
    --------
    >>> from flashsim.validation import validate
    >>> validation = validate("jets", ["ttbar.root"], rows=200_000)  # doctest: +SKIP
    >>> validation.metrics["c2st"].value  # doctest: +SKIP
    0.021
    """
    if repeat < 2 or classifier_repeat < 1:
        raise ValueError(f"repeat = {repeat} and classifier_repeat = {classifier_repeat}: at least 2 and 1 are needed.")
    tell = progress or (lambda _: None)
    clock = _Clock()
    if not isinstance(flow, Flow):
        flow = Flow(flow)
    if steps is not None and flow.default_steps is None:
        raise ValueError(f"flow '{flow.name}' samples in one shot: it takes no steps.")
    with clock("reading"):
        tell("reading the pairs")
        pairs = data if isinstance(data, Pairs) else read_pairs(_paths(data), columns_of_flow(flow.metadata), rows=rows)
        _check(pairs, flow)
    with clock("sampling"):
        total = len(pairs)
        clipped = flow.clipped
        made = simulate(flow, pairs.context, seed, steps, lambda done: tell(f"sampling the flow: {done} of {total}"))
        outside = _outside(flow, clipped)
    samples = Samples(
        np.asarray(pairs.context),
        np.asarray(pairs.target),
        made,
        np.asarray(pairs.event),
        tuple(flow.context),
        tuple(flow.target),
    )
    ranges, notes = tagger_ranges(samples, taggers)
    files, training = [Path(file).name for file in pairs.files], flow.metadata.get("training", {})
    trained = training.get("files")
    known = [file for file in files if isinstance(trained, list) and file in trained]
    if known:
        notes.append(f"The flow was trained on {', '.join(known)}, by its metadata: this is not a validation.")
    splits = [halves(samples.event, np.random.default_rng([seed, index])) for index in range(repeat)]
    if any(len(first) < len(samples) // 4 for first, _ in splits):
        raise ValueError("a few events hold most of the rows: they cannot be split into halves that share no event.")
    with clock("distances"):
        tell("distances")
        metrics = distance_metrics(samples, splits, ranges)
    with clock("classifier"):
        tell("training classifiers (c2st)")
        metrics["c2st"], importance = classifier_metric(samples, seed, classifier_repeat)
    return Validation(
        label=label,
        flow=_describe(flow, steps),
        training={name: value for name, value in training.items() if _is_plain(value)},
        files=files,
        rows=len(samples),
        events=len(np.unique(samples.event)),
        dropped=dict(pairs.dropped),
        outside=outside,
        seed=int(seed),
        metrics=metrics,
        importance=importance,
        taggers=ranges,
        notes=notes,
        seconds=clock.seconds,
        versions=_versions(),
        samples=samples,
    )


def _paths(data: Iterable[str | Path] | str | Path) -> list[str | Path]:
    return [data] if isinstance(data, str | Path) else list(data)


def _check(pairs: Pairs, flow: Flow) -> None:
    for kind, array, width in (
        ("context", pairs.context, len(flow.context)),
        ("target", pairs.target, len(flow.target)),
    ):
        if array.ndim != 2 or array.shape[1] != width:
            raise ValueError(
                f"the {kind} of the pairs has shape {list(array.shape)}, flow '{flow.name}' needs [n, {width}]."
            )
    events = len(np.unique(pairs.event))
    if len(pairs) < LEAST_ROWS or events < LEAST_EVENTS:
        raise ValueError(
            f"{len(pairs)} rows of {events} events are too few to judge flow '{flow.name}': "
            f"at least {LEAST_ROWS} rows of {LEAST_EVENTS} events are needed."
        )


def _describe(flow: Flow, steps: int | None) -> dict[str, Any]:
    return {
        "name": flow.name,
        "file": Path(flow.path).name,
        "sha256": hashlib.sha256(Path(flow.path).read_bytes()).hexdigest(),
        "collection": flow.collection,
        "source": flow.source,
        "solver": flow.solver,
        "steps": steps if steps is not None else flow.default_steps,
    }


def _outside(flow: Flow, before: dict[str, int]) -> dict[str, int]:
    """Number of clipped samples since `before`, by target variable. Raises ValueError if contexts were."""
    counts = {name: count - before.get(name, 0) for name, count in flow.clipped.items()}
    counts = {name: count for name, count in counts.items() if count > 0}
    wrong = {name.removeprefix("context "): n for name, n in counts.items() if name.startswith("context ")}
    if wrong:
        told = ", ".join(f"{name} ({n} rows)" for name, n in wrong.items())
        raise ValueError(
            f"the context of the pairs is outside the ranges that flow '{flow.name}' declares: {told}. "
            "Leave such rows out, or check units and conventions."
        )
    return {name.removeprefix("target "): n for name, n in counts.items()}


def _versions() -> dict[str, str]:
    versions = {"flashsim": __version__, "python": platform.python_version()}
    return versions | {module.__name__: module.__version__ for module in (np, scipy, sklearn)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int) and value != ""


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - start
