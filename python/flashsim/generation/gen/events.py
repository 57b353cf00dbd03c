"""Events of Pythia 8 as flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .flavour import heavy_flavour
from .processes import COMMON_SETTINGS, Process

if TYPE_CHECKING:
    import awkward

__all__ = ["PYTHIA_SEEDS", "EventRecord", "require_extras", "run_pythia"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

PYTHIA_SEEDS = 900_000_000
"""Pythia accepts seeds from 1 to this number."""

_BEAM = (11, 12)
_ATTEMPTS = 20


def require_extras() -> None:
    """Check that the generator's optional packages are installed.

    Raises
    ------
    ImportError
        If a package is missing; the message says how to install it.
    """
    missing = []
    for module in ("pythia8mc", "fastjet", "awkward"):
        try:
            __import__(module)
        except ImportError:
            missing.append(module)
    if missing:
        raise ImportError(
            f'the event generator needs {", ".join(missing)}: pip install "flashsim[generate]"', name=missing[0]
        )


@dataclass(frozen=True)
class EventRecord:
    """The complete particle history of several events, one flat array per quantity.

    Parameters
    ----------
    offsets
        Shape [events + 1]; event k owns the particles ``offsets[k]:offsets[k + 1]``. Its first is the event as a whole.
    pdg_id, status
        Shape [particles]; Pythia's codes. The status of a final particle is positive, of any other it is negative.
    mother
        Shape [particles]; index of the leading mother into these same arrays, -1 for none.
    px, py, pz, energy, mass
        Shape [particles], GeV.
    weight
        Shape [events]; weight of each event, 1 unless the process is sampled with a bias.
    """

    offsets: Integers
    pdg_id: Integers
    status: Integers
    mother: Integers
    px: Floats
    py: Floats
    pz: Floats
    energy: Floats
    mass: Floats
    weight: Floats

    @property
    def events(self) -> int:
        """Number of events."""
        return len(self.offsets) - 1

    @cached_property
    def event(self) -> Integers:
        """Event number within the record of each particle, shape [particles]."""
        return np.repeat(np.arange(self.events), np.diff(self.offsets))

    @cached_property
    def absolute_id(self) -> Integers:
        """Absolute PDG id, shape [particles]."""
        return np.abs(self.pdg_id)

    @cached_property
    def final(self) -> Booleans:
        """Whether a particle reaches the detector (or would, for a neutrino), shape [particles]."""
        return self.status > 0

    @cached_property
    def beam(self) -> Booleans:
        """Whether an entry is a beam particle or the event as a whole, shape [particles]."""
        return np.isin(np.abs(self.status), _BEAM)

    @cached_property
    def pt(self) -> Floats:
        """Transverse momentum [GeV], shape [particles]."""
        return np.hypot(self.px, self.py)

    @cached_property
    def eta(self) -> Floats:
        """Pseudorapidity, finite (about ±30) along the beam, shape [particles]."""
        return np.arcsinh(self.pz / np.maximum(self.pt, 1e-9))

    @cached_property
    def phi(self) -> Floats:
        """Azimuth [rad] in -π..π, shape [particles]."""
        return np.arctan2(self.py, self.px)


def _flat(values: awkward.Array, dtype: type) -> NDArray[Any]:
    import awkward

    return awkward.to_numpy(awkward.flatten(values, axis=None)).astype(dtype, copy=False)


def _record(batch: awkward.Array) -> EventRecord:
    import awkward

    particles = batch.prt
    counts = awkward.to_numpy(awkward.num(particles.id)).astype(np.int64)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    start = np.repeat(offsets[:-1], counts)
    pdg_id = _flat(particles.id, np.int64)
    status = _flat(particles.status, np.int64)
    first, second = (_flat(particles[name], np.int64) for name in ("mother1", "mother2"))
    return EventRecord(
        offsets=offsets,
        pdg_id=pdg_id,
        status=status,
        mother=_leading_mother(pdg_id, status, np.where(first > 0, first + start, -1), second + start),
        px=_flat(particles.p.px, np.float64),
        py=_flat(particles.p.py, np.float64),
        pz=_flat(particles.p.pz, np.float64),
        energy=_flat(particles.p.e, np.float64),
        mass=_flat(particles.m, np.float64),
        weight=awkward.to_numpy(batch.info.weights[:, 0]).astype(np.float64),
    )


def _leading_mother(pdg_id: Integers, status: Integers, first: Integers, second: Integers) -> Integers:
    """Choose the heavy quark among the two ends of the string that a heavy hadron comes from, else the first mother."""
    code = np.abs(status)
    hadron = np.flatnonzero((code >= 81) & (code <= 89))
    flavour = heavy_flavour(pdg_id[hadron])
    hadron, flavour = hadron[flavour != 0], flavour[flavour != 0]
    other_end = (pdg_id[second[hadron]] == flavour) & (pdg_id[first[hadron]] != flavour)
    mother = first.copy()
    mother[hadron[other_end]] = second[hadron[other_end]]
    return mother


def run_pythia(process: Process, seed: int, events: int) -> EventRecord:
    """Generate events of proton-proton collisions at 13 TeV.

    Each call starts a fresh generator: the result depends on the arguments alone.

    Parameters
    ----------
    process
        Hard process.
    seed
        Pythia's seed, 1 to 900000000.
    events
        Number of events, at least 1. Events that Pythia aborts are replaced.

    Raises
    ------
    RuntimeError
        If Pythia rejects its settings, or fails too often.
    """
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for line in (*COMMON_SETTINGS, *process.settings, "Random:setSeed = on", f"Random:seed = {seed}"):
        if not pythia.readString(line):
            raise RuntimeError(f"process {process.name}: Pythia rejects the setting {line!r}")
    if not pythia.init():
        raise RuntimeError(f"process {process.name}: Pythia could not be initialised with seed {seed}")
    import awkward

    batches: list[awkward.Array] = []
    missing = events
    for _ in range(_ATTEMPTS):
        batch = pythia.nextBatch(missing, errorMode="skip")
        batches.append(batch)
        missing -= len(batch)
        if missing == 0:
            return _record(batches[0] if len(batches) == 1 else awkward.concatenate(batches))
    raise RuntimeError(
        f"process {process.name}, seed {seed}: Pythia failed too often, {missing} of {events} events are missing"
    )
