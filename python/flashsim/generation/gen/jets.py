"""Jets of generated particles: clustering, removal of lone leptons, flavour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .events import Booleans, Floats, Integers
from .particles import History

__all__ = ["JET_RADIUS", "LEPTON_FRACTION", "MAX_ABS_ETA", "MIN_PT", "GenJets", "cluster"]

JET_RADIUS = 0.4
"""Radius parameter of the anti-kt algorithm."""

MIN_PT = 15.0
"""Smallest pt [GeV] of a stored jet."""

MAX_ABS_ETA = 5.0
"""Largest |eta| of a stored jet: the acceptance of calorimeters."""

LEPTON_FRACTION = 0.8
"""A jet is dropped if a lone lepton with its prompt photons carries more than this part of the jet's pt."""

_MIN_PARTON_PT = 5.0
_GHOST_SCALE = 1e-18
_OUTGOING = (23, 24, 33, 34, 43, 44, 51, 52)


@dataclass(frozen=True)
class GenJets:
    """Jets of several events, sorted by pt within each event.

    Parameters
    ----------
    counts
        Shape [events]; jets of each event.
    pt, eta, phi, mass
        Shape [jets]; GeV, rad.
    parton_flavour
        Shape [jets]; signed PDG id: ±5 or ±4 exactly if `hadron_flavour` is 5 or 4, else ±1, ±2, ±3 or 21 of the
        hardest parton, 0 if there is none.
    hadron_flavour
        Shape [jets]; 5 with a b hadron, else 4 with a c hadron, else 0.
    muons
        Shape [jets]; muons among the constituents.
    constituent_jet, constituent
        Shape [constituents]; which jet, and which particle of the record.
    """

    counts: Integers
    pt: Floats
    eta: Floats
    phi: Floats
    mass: Floats
    parton_flavour: Integers
    hadron_flavour: Integers
    muons: Integers
    constituent_jet: Integers
    constituent: Integers


def _silence_banner() -> None:
    import fastjet

    # FastJet prints a banner at the first clustering, which would break the progress bar of every worker.
    fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)


def cluster(history: History) -> GenJets:
    """Cluster the visible final particles with anti-kt, R = 0.4 (Cacciari, Salam, Soyez, arXiv:0802.1189).

    Neutrinos are excluded. Jets have pt > `MIN_PT` and |eta| < `MAX_ABS_ETA`.

    *Lone leptons.* A jet is removed if its hardest electron or muon that stems from no hadron (so from W, Z or a tau)
    carries, together with the photons of the jet that stem from no hadron, more than `LEPTON_FRACTION` of its pt.

    *Flavour* is found by ghost association (Cacciari, Salam, arXiv:0707.1378): b and c hadrons that decay weakly, and
    outgoing partons above 5 GeV of every step of the shower, are clustered with a negligible momentum, and belong to
    the jet that contains them. A b hadron makes a b jet, else a c hadron makes a c jet; the sign comes from the hardest
    such quark of the jet or, without one, from the hadron. Any other jet takes the flavour of its hardest light quark
    or gluon, the one that started it.

    Parameters
    ----------
    history
        Events and their ancestry.
    """
    import awkward
    import fastjet

    record = history.record
    absolute = record.absolute_id
    invisible = (absolute == 12) | (absolute == 14) | (absolute == 16)
    visible = record.final & ~invisible
    heavy_hadron = (history.last_heavy != 0) & ~record.final
    parton = ((absolute >= 1) & (absolute <= 5)) | (absolute == 21)
    parton &= np.isin(np.abs(record.status), _OUTGOING) & (record.pt > _MIN_PARTON_PT)
    used = np.flatnonzero(visible | heavy_hadron | parton)
    used_offsets = np.searchsorted(used, record.offsets)
    scale = np.where(visible[used], 1.0, _GHOST_SCALE)
    momenta = awkward.Array(
        awkward.contents.ListOffsetArray(
            awkward.index.Index64(used_offsets),
            awkward.contents.RecordArray(
                [
                    awkward.contents.NumpyArray(component[used] * scale)
                    for component in (record.px, record.py, record.pz, record.energy)
                ],
                ["px", "py", "pz", "E"],
            ),
        )
    )
    _silence_banner()
    sequence = fastjet.ClusterSequence(momenta, fastjet.JetDefinition(fastjet.antikt_algorithm, JET_RADIUS))
    jets = sequence.inclusive_jets(min_pt=MIN_PT)
    members = sequence.constituent_index(min_pt=MIN_PT)

    jet_event = np.repeat(np.arange(record.events), awkward.to_numpy(awkward.num(jets)))
    px, py, pz, energy = (
        awkward.to_numpy(awkward.flatten(jets[name])).astype(np.float64) for name in ("px", "py", "pz", "E")
    )
    sizes = awkward.to_numpy(awkward.num(awkward.flatten(members, axis=1)))
    member_jet = np.repeat(np.arange(len(px)), sizes)
    local = awkward.to_numpy(awkward.flatten(members, axis=None)).astype(np.int64)
    member = used[local + used_offsets[jet_event[member_jet]]]

    pt = np.hypot(px, py)
    eta = np.arcsinh(pz / pt)
    count = len(pt)
    ghost = ~visible[member]
    constituent, constituent_jet = member[~ghost], member_jet[~ghost]
    hadron_flavour, parton_flavour = _flavours(history, member[ghost], member_jet[ghost], count)
    muons = np.bincount(constituent_jet[absolute[constituent] == 13], minlength=count)

    good = (np.abs(eta) < MAX_ABS_ETA) & ~_lone_lepton(history, constituent, constituent_jet, pt)
    order = np.lexsort((-pt, jet_event))
    order = order[good[order]]
    rank = np.full(count, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    keep = good[constituent_jet]
    return GenJets(
        counts=np.bincount(jet_event[order], minlength=record.events),
        pt=pt[order],
        eta=eta[order],
        phi=np.arctan2(py, px)[order],
        mass=np.sqrt(np.maximum((energy - pz) * (energy + pz) - pt**2, 0.0))[order],
        parton_flavour=parton_flavour[order],
        hadron_flavour=hadron_flavour[order],
        muons=muons[order],
        constituent_jet=rank[constituent_jet[keep]],
        constituent=constituent[keep],
    )


def _lone_lepton(history: History, constituent: Integers, jet: Integers, pt: Floats) -> Booleans:
    record = history.record
    absolute, count = record.absolute_id[constituent], len(pt)
    direct = ~history.from_hadron[constituent]
    lepton = direct & ((absolute == 11) | (absolute == 13))
    photon = direct & (absolute == 22)
    hardest = np.zeros(count)
    np.maximum.at(hardest, jet[lepton], record.pt[constituent[lepton]])
    radiated = np.bincount(jet[photon], weights=record.pt[constituent[photon]], minlength=count)
    return (hardest > 0.0) & (hardest + radiated > LEPTON_FRACTION * pt)


def _hardest(values: Integers, pt: Floats, jet: Integers, count: int) -> Integers:
    """Value of the hardest entry of each jet, 0 where a jet has none."""
    order = np.lexsort((pt, jet))
    result = np.zeros(count, dtype=np.int64)
    result[jet[order]] = values[order]  # the last assignment to a jet wins, and that is its hardest
    return result


def _flavours(history: History, ghost: Integers, jet: Integers, count: int) -> tuple[Integers, Integers]:
    """Hadron and parton flavour of each jet from the ghosts that it holds."""
    record = history.record
    pt, identity = record.pt[ghost], record.pdg_id[ghost]
    heavy = history.last_heavy[ghost]
    hadron_flavour = np.zeros(count, dtype=np.int64)
    light = (heavy == 0) & np.isin(np.abs(identity), (1, 2, 3, 21))
    parton_flavour = _hardest(identity[light], pt[light], jet[light], count)
    for flavour in (4, 5):
        hadron, quark = np.abs(heavy) == flavour, np.abs(identity) == flavour
        from_hadron = _hardest(heavy[hadron], pt[hadron], jet[hadron], count)
        from_quark = _hardest(identity[quark], pt[quark], jet[quark], count)
        matched = from_hadron != 0
        hadron_flavour[matched] = flavour
        parton_flavour[matched] = np.where(from_quark != 0, from_quark, from_hadron)[matched]
    return hadron_flavour, parton_flavour
