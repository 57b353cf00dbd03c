"""The speed of one core of this machine with a flow."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass

from .. import data
from .._errors import translated
from .._library import root
from ..flows.flow import Flow
from ..rdataframe.methods import flash_sim
from ..rdataframe.plain_histograms import silenced
from ..root_file import stored
from .cost import check_positive

__all__ = ["MeasuredSpeed", "measure"]

_PREFIX = "Measured"  # files with a target have columns of the flow's own names
_DATASET = "Events"
_FIRST_GEN_EVENTS = 20
_LARGEST_STEP = 20  # from one event loop to the next, which is longer


@dataclass(frozen=True)
class MeasuredSpeed:
    """Events that one core simulated with a flow, and the time. Made by `measure`.

    Attributes
    ----------
    flow
        Name of the flow.
    fold_size, steps
        RECO events per GEN event; ODE steps, None for a flow that samples in one shot.
    gen_events, objects
        GEN events that were read, and objects that were sampled from them, in all RECO events.
    seconds
        Of wall-clock time.
    """

    flow: str
    fold_size: int
    steps: int | None
    gen_events: int
    objects: int
    seconds: float

    @property
    def reco_events(self) -> int:
        """RECO events that were simulated."""
        return self.gen_events * self.fold_size

    @property
    def objects_per_event(self) -> float:
        """Objects in a RECO event, on average."""
        return self.objects / self.reco_events

    @property
    def objects_per_second(self) -> float:
        """Objects that one core samples in a second."""
        return self.objects / self.seconds

    @property
    def events_per_second(self) -> float:
        """RECO events that one core simulates in a second."""
        return self.reco_events / self.seconds

    @property
    def simulation_seconds(self) -> float:
        """Core-seconds that a RECO event takes."""
        return self.seconds / self.reco_events


def measure(
    flow: Flow | str | os.PathLike[str] = "jets",
    sample: str | os.PathLike[str] | None = None,
    *,
    fold_size: int = 10,
    steps: int | None = None,
    seconds: float = 3,
) -> MeasuredSpeed:
    """Simulates with ``FlashSim`` in RDataFrame for a few seconds on one core.

    The time includes reading, looking ahead, sampling and a histogram of one column. It excludes the opening of the
    flow and just-in-time compilation, which a production needs once.

    Parameters
    ----------
    flow
        A flow, its path, or the name of a shipped one.
    sample
        File with the dataset ``Events`` (TTree or RNTuple), which has the flow's context; by default the shipped one.
    fold_size
        RECO events per GEN event.
    steps
        ODE steps; by default the flow's own.
    seconds
        Shortest time to simulate, if the sample suffices; a slow start may take a few times as long.

    Raises
    ------
    FileNotFoundError, OSError
        If there is no such flow or sample, or it is not a ROOT file.
    ValueError
        If a number makes no sense, or the sample has no ``Events``, or nothing to simulate.
    RuntimeError
        If ROOT runs several threads, or as ``FlashSim``: columns are missing, and the like.

    Examples
    --------
    >>> from flashsim.throughput.measure import measure
    >>> speed = measure(fold_size=2, steps=1, seconds=0.01)
    >>> speed.reco_events == 2 * speed.gen_events, speed.events_per_second > 0
    (True, True)
    """
    check_positive("seconds", seconds)
    if root().IsImplicitMTEnabled():
        message = "measure() needs one thread, and ROOT runs several: call ROOT.DisableImplicitMT() before."
        raise RuntimeError(message)
    opened = flow if isinstance(flow, Flow) else Flow(flow)
    path = data.path("ttbar.root") if sample is None else os.fspath(sample)
    with stored(path, _DATASET) as dataset:
        if not isinstance(dataset, (root().TTree, root().RNTuple)):
            message = f"{path}: {_DATASET!r} is a {type(dataset).__name__}, expected a TTree or an RNTuple."
            raise ValueError(message)
    chosen = opened.default_steps if steps is None else steps

    entries = _FIRST_GEN_EVENTS
    _simulate(opened, path, fold_size, steps, entries)  # compiles
    while True:
        gen_events, objects, spent = _simulate(opened, path, fold_size, steps, entries)
        if spent >= seconds or gen_events < entries:
            break
        entries = math.ceil(entries * min(_LARGEST_STEP, 1.2 * seconds / spent))
    if objects == 0:
        message = f"{path}: no {opened.source} in {gen_events} GEN events: nothing to simulate for '{opened.name}'."
        raise ValueError(message)
    return MeasuredSpeed(opened.name, fold_size, chosen, gen_events, objects, spent)


def _simulate(flow: Flow, path: str, fold_size: int, steps: int | None, entries: int) -> tuple[int, int, float]:
    """GEN events, objects and seconds of one event loop."""
    simulated = flash_sim(
        root().RDataFrame(_DATASET, path).Range(entries), flow, fold_size=fold_size, steps=steps, prefix=_PREFIX
    )
    reco_events = simulated.Count()
    target = f"{_PREFIX}{flow.collection}_{flow.target[0].name}"
    with silenced():  # its entries are counted
        histogram = simulated.Histo1D(("objects", "", 1, 0, 1), target)
    start = time.perf_counter()
    with translated():
        objects = int(histogram.GetEntries())
    return int(reco_events.GetValue()) // fold_size, objects, time.perf_counter() - start
