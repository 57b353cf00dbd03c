"""Particle history: ancestry, NanoAOD's status flags, and the pruned list of generator particles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .events import Booleans, EventRecord, Floats, Integers
from .flavour import heavy_flavour

__all__ = ["History", "PrunedParticles", "invisible_pt", "prune"]

_DOUBLINGS = 40  # more generations than any record can hold
_CYCLE = "the event record is broken: a particle is its own ancestor"


@dataclass(frozen=True)
class History:
    """Properties of the ancestors of every particle of a record; all arrays have shape [particles]."""

    record: EventRecord

    @cached_property
    def heavy(self) -> Integers:
        """Signed heavy flavour of each hadron, see `heavy_flavour`."""
        return heavy_flavour(self.record.pdg_id)

    @cached_property
    def hadron(self) -> Booleans:
        """Whether it is a hadron (the beams excepted)."""
        absolute = self.record.absolute_id
        return (absolute > 100) & (absolute < 1_000_000) & ((absolute // 10) % 10 != 0) & ~self.record.beam

    @cached_property
    def same_as_mother(self) -> Booleans:
        """Whether it is a later copy of its mother: same PDG id."""
        record = self.record
        return (record.mother >= 0) & (record.pdg_id[record.mother] == record.pdg_id)

    @cached_property
    def last_copy(self) -> Booleans:
        """Whether no daughter is a copy of it."""
        last = np.ones(len(self.record.pdg_id), dtype=bool)
        last[self.record.mother[self.same_as_mother]] = False
        return last

    @cached_property
    def decayed(self) -> Booleans:
        """Whether it is a hadron or charged lepton that decayed (HepMC's status 2)."""
        absolute = self.record.absolute_id
        lepton = (absolute == 13) | (absolute == 15)
        return (self.hadron | lepton) & ~self.record.final & self.last_copy

    @cached_property
    def tau(self) -> Booleans:
        """Whether it is a tau lepton that decayed."""
        return self.decayed & (self.record.absolute_id == 15)

    @cached_property
    def last_heavy(self) -> Integers:
        """Heavy flavour of the hadrons that decay weakly: no daughter carries the same flavour; 0 elsewhere."""
        record, flavour = self.record, np.abs(self.heavy)
        has_heir = np.zeros(len(flavour), dtype=bool)
        heir = (flavour > 0) & (record.mother >= 0)
        heir &= np.where(heir, flavour[record.mother], 0) == flavour
        has_heir[record.mother[heir]] = True
        return np.where(has_heir, 0, self.heavy)

    @cached_property
    def from_hadron(self) -> Booleans:
        """Whether a hadron is among the ancestors."""
        return self.any_ancestor(self.hadron)

    @cached_property
    def from_tau(self) -> Booleans:
        """Whether a tau lepton is among the ancestors, itself excepted."""
        return self.any_ancestor(self.tau)

    @cached_property
    def hard(self) -> Booleans:
        """Whether it takes part in the hard process or in the decay of its resonances (status 21 to 29)."""
        code = np.abs(self.record.status)
        return (code >= 21) & (code <= 29)

    @cached_property
    def from_hard(self) -> Booleans:
        """Whether it is in the hard process or a copy of such a particle."""
        return self.hard | self._along(np.where(self.same_as_mother, self.record.mother, -1), self.hard)

    def any_ancestor(self, wanted: Booleans) -> Booleans:
        """Whether any ancestor has a property, the particle itself excepted."""
        return self._along(self.record.mother, wanted)

    def _along(self, mother: Integers, wanted: Booleans) -> Booleans:
        # Pointer doubling: after k rounds the flag covers 2^k generations, so a shower's depth costs its logarithm.
        size = len(mother)
        parent = np.append(np.where(mother >= 0, mother, size), size)
        found = np.append(wanted, False)[parent]
        for _ in range(_DOUBLINGS):
            if np.all(parent == size):
                return found[:size]
            found |= found[parent]
            parent = parent[parent]
        raise RuntimeError(_CYCLE)

    def nearest_ancestor(self, kept: Booleans) -> Integers:
        """Index of the nearest ancestor out of some, -1 for none."""
        size = len(kept)
        mother = self.record.mother
        target = np.append(np.where(mother >= 0, mother, size), size)
        stop = np.append(kept, True)
        # Jump over an ancestor that is not kept to that ancestor's own target, doubling the distance each time.
        for _ in range(_DOUBLINGS):
            if np.all(stop[target]):
                return np.where(target[:size] == size, -1, target[:size])
            target = np.where(stop[target], target, target[target])
        raise RuntimeError(_CYCLE)

    @cached_property
    def status_flags(self) -> Integers:
        """NanoAOD's ``GenPart_statusFlags``; bits 0 to 10, 12 and 13 are filled.

        0 isPrompt, 1 isDecayedLeptonHadron, 2 isTauDecayProduct, 3 isPromptTauDecayProduct, 4 isDirectTauDecayProduct,
        5 isDirectPromptTauDecayProduct, 6 isDirectHadronDecayProduct, 7 isHardProcess, 8 fromHardProcess,
        9 isHardProcessTauDecayProduct, 10 isDirectHardProcessTauDecayProduct, 12 isFirstCopy, 13 isLastCopy.
        Prompt means: not from the decay of a hadron or a tau. The flags before final-state radiation (11, 14) stay 0.
        """
        record = self.record
        has_mother = record.mother >= 0
        prompt_tau = self.tau & ~self.from_hadron
        hard_tau = self.tau & self.from_hard
        bits = {
            0: ~self.from_hadron & ~self.from_tau & ~record.beam,
            1: self.decayed,
            2: self.from_tau,
            3: self.any_ancestor(prompt_tau),
            4: has_mother & self.tau[record.mother],
            5: has_mother & prompt_tau[record.mother],
            6: has_mother & (self.hadron & self.decayed)[record.mother],
            7: self.hard,
            8: self.from_hard,
            9: self.any_ancestor(hard_tau),
            10: has_mother & hard_tau[record.mother],
            12: ~self.same_as_mother,
            13: self.last_copy,
        }
        return np.sum([value.astype(np.int64) << bit for bit, value in bits.items()], axis=0, dtype=np.int64)

    @cached_property
    def hepmc_status(self) -> Integers:
        """1 for a final particle, 2 for a decayed hadron or lepton, 4 for a beam, else Pythia's code."""
        record = self.record
        code = np.abs(record.status)
        return np.select([record.final, self.decayed, record.beam], [1, 2, 4], code)


@dataclass(frozen=True)
class PrunedParticles:
    """The particles worth keeping, in the order of the record (a mother comes before its daughters).

    Parameters
    ----------
    counts
        Shape [events]; particles kept of each event.
    index
        Shape [kept]; where each is in the record.
    mother
        Shape [kept]; position of the nearest kept ancestor within the same event's kept particles, -1 for none.
    """

    counts: Integers
    index: Integers
    mother: Integers


def prune(history: History, photon_pt: float = 10.0, quark_pt: float = 5.0, lepton_pt: float = 3.0) -> PrunedParticles:
    """Choose the particles for analyses, some tens per event.

    Kept are: the hard process with the decays of its resonances; first and last copies of t, W, Z and H; last copies of
    b and c quarks above `quark_pt`; b and c hadrons that decay weakly; charged leptons and neutrinos that do not stem
    from hadrons (taus and the products of their decays included); leptons of hadrons above `lepton_pt` if charged;
    prompt photons above `photon_pt`.

    Parameters
    ----------
    history
        Events and their ancestry.
    photon_pt, quark_pt, lepton_pt
        Thresholds [GeV].
    """
    record = history.record
    absolute, final, last = record.absolute_id, record.final, history.last_copy
    resonance = ((absolute == 6) | ((absolute >= 23) & (absolute <= 25))) & (~history.same_as_mother | last)
    quark = ((absolute == 4) | (absolute == 5)) & last & (record.pt > quark_pt) & ~history.from_hadron
    charged = (absolute == 11) | (absolute == 13) | (absolute == 15)
    neutrino = (absolute == 12) | (absolute == 14) | (absolute == 16)
    lepton = (charged | neutrino) & (final | history.tau) & ~history.from_hadron
    soft = charged & (final | history.tau) & history.from_hadron & (record.pt > lepton_pt)
    photon = (absolute == 22) & final & (record.pt > photon_pt) & ~history.from_hadron & ~history.from_tau
    kept = (history.hard | resonance | quark | (history.last_heavy != 0) | lepton | soft | photon) & ~record.beam
    index = np.flatnonzero(kept)
    position = np.full(len(kept), -1, dtype=np.int64)
    counts = np.bincount(record.event[index], minlength=record.events)
    position[index] = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    ancestor = history.nearest_ancestor(kept)[index]
    return PrunedParticles(counts, index, np.where(ancestor >= 0, position[ancestor], -1))


def invisible_pt(record: EventRecord) -> tuple[Floats, Floats]:
    """Transverse momentum [GeV] and azimuth [rad] of the sum of all neutrinos, each of shape [events]."""
    absolute = record.absolute_id
    neutrino = record.final & ((absolute == 12) | (absolute == 14) | (absolute == 16))
    event = record.event[neutrino]
    px = np.bincount(event, weights=record.px[neutrino], minlength=record.events)
    py = np.bincount(event, weights=record.py[neutrino], minlength=record.events)
    return np.hypot(px, py), np.arctan2(py, px)
