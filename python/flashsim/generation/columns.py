"""The branches of a generated file, and how a block of events fills them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .detector.jets import respond
from .gen.events import PYTHIA_SEEDS, EventRecord, run_pythia
from .gen.jets import GenJets, cluster
from .gen.particles import History, invisible_pt, prune
from .gen.processes import Process
from .variables import CONTEXT, TARGETS, reduce_angle, reduce_mantissa

__all__ = ["BRANCHES", "Block", "Branch", "fill_block", "simulate_block"]


@dataclass(frozen=True)
class Branch:
    """One branch of the tree `Events`.

    Parameters
    ----------
    name
        Branch name, as in NanoAOD.
    dtype
        NumPy name of the stored type.
    counter
        Branch that holds the number of elements per event, empty for one number per event.
    title
        Documentation stored with the branch.
    """

    name: str
    dtype: str
    counter: str
    title: str


def _collection(prefix: str, columns: dict[str, tuple[str, str]]) -> list[Branch]:
    return [Branch(f"{prefix}_{name}", dtype, f"n{prefix}", title) for name, (dtype, title) in columns.items()]


BRANCHES: tuple[Branch, ...] = (
    Branch("run", "uint32", "", "run number, 1"),
    Branch("luminosityBlock", "uint32", "", "number of the block of events, from 1"),
    Branch("event", "uint64", "", "event number, unique and ascending"),
    Branch("genWeight", "float32", "", "generator weight"),
    Branch("nGenJet", "int32", "", "generated jets: anti-kt 0.4 of visible final particles, pt > 15 GeV, |eta| < 5"),
    *_collection(
        "GenJet",
        {
            "pt": ("float32", "transverse momentum [GeV]"),
            "eta": ("float32", "pseudorapidity"),
            "phi": ("float32", "azimuth [rad]"),
            "mass": ("float32", "invariant mass [GeV]"),
            "partonFlavour": ("int16", "signed PDG id of the matched parton, 0 if there is none"),
            "hadronFlavour": ("uint8", "5 with a b hadron, 4 with a c hadron, else 0"),
            "nMuon": ("uint8", "muons among the constituents"),
        },
    ),
    Branch("nGenPart", "int32", "", "pruned generator particles"),
    *_collection(
        "GenPart",
        {
            "pt": ("float32", "transverse momentum [GeV]"),
            "eta": ("float32", "pseudorapidity, about 30 along the beam"),
            "phi": ("float32", "azimuth [rad]"),
            "mass": ("float32", "mass [GeV]"),
            "pdgId": ("int32", "PDG id"),
            "status": ("int32", "1 final, 2 decayed hadron or lepton, else Pythia's status code"),
            "statusFlags": (
                "uint16",
                "bits: 0 isPrompt, 1 isDecayedLeptonHadron, 2 isTauDecayProduct, 3 isPromptTauDecayProduct,"
                " 4 isDirectTauDecayProduct, 5 isDirectPromptTauDecayProduct, 6 isDirectHadronDecayProduct,"
                " 7 isHardProcess, 8 fromHardProcess, 9 isHardProcessTauDecayProduct,"
                " 10 isDirectHardProcessTauDecayProduct, 12 isFirstCopy, 13 isLastCopy; 11 and 14 are not filled",
            ),
            "genPartIdxMother": ("int16", "index of the nearest kept ancestor, -1 for none"),
        },
    ),
    Branch("GenMET_pt", "float32", "", "transverse momentum of the sum of neutrinos [GeV]"),
    Branch("GenMET_phi", "float32", "", "azimuth of the sum of neutrinos [rad]"),
    Branch("nJet", "int32", "", "reconstructed jets, one for each generated jet, sorted by pt"),
    *_collection(
        "Jet",
        {
            variable.name: (variable.dtype, f"{variable.title} [{variable.unit}]" if variable.unit else variable.title)
            for variable in TARGETS
        }
        | {"genJetIdx": ("int16", "index of the generated jet that it stems from")},
    ),
)
"""Every branch of the tree, in order."""


@dataclass(frozen=True)
class Block:
    """Some events as columns.

    Parameters
    ----------
    events
        Number of events.
    columns
        One flat array per branch of `BRANCHES`, of the branch's type: a number per event, or the elements of all events
        one after the other. The branch's counter has their number per event.
    """

    events: int
    columns: dict[str, NDArray[Any]]


def simulate_block(process: Process, seed: int, block: int, first_event: int, events: int) -> Block:
    """Generate one block of events: the same arguments give the same block, in any process and order.

    Parameters
    ----------
    process
        Hard process.
    seed
        The user's seed; Pythia's seed and the response's stream follow from it, the process and the block.
    block
        Number of the block, from 0.
    first_event
        Event number of its first event.
    events
        Number of events.
    """
    for_pythia, for_response = np.random.SeedSequence([seed, process.number, block]).spawn(2)
    pythia_seed = int(np.random.default_rng(for_pythia).integers(1, PYTHIA_SEEDS, endpoint=True))
    record = run_pythia(process, pythia_seed, events)
    return fill_block(record, block, first_event, np.random.default_rng(for_response))


def fill_block(record: EventRecord, block: int, first_event: int, generator: np.random.Generator) -> Block:
    """Turn generated events into columns and add the reconstructed jets.

    The response takes the stored (rounded) numbers: a file's context is that of its target.
    """
    history = History(record)
    jets = cluster(history)
    columns: dict[str, NDArray[Any]] = {
        "run": np.ones(record.events),
        "luminosityBlock": np.full(record.events, block + 1),
        "event": np.arange(first_event, first_event + record.events),
        "genWeight": record.weight,
        **_gen_jets(jets),
        **_gen_parts(history),
    }
    missing_pt, missing_phi = invisible_pt(record)
    columns["GenMET_pt"], columns["GenMET_phi"] = reduce_mantissa(missing_pt), reduce_angle(missing_phi)
    columns.update(_reco_jets(jets, columns, generator))
    return Block(record.events, {branch.name: _cast(columns[branch.name], branch) for branch in BRANCHES})


def _cast(values: NDArray[Any], branch: Branch) -> NDArray[Any]:
    dtype = np.dtype(branch.dtype)
    if np.issubdtype(dtype, np.integer) and values.size:
        limits = np.iinfo(dtype)
        if values.min() < limits.min or values.max() > limits.max:
            raise OverflowError(f"{branch.name}: {values.min()} to {values.max()} does not fit into {branch.dtype}")
    return np.ascontiguousarray(values, dtype=dtype)


def _gen_jets(jets: GenJets) -> dict[str, NDArray[Any]]:
    return {
        "nGenJet": jets.counts,
        "GenJet_pt": reduce_mantissa(jets.pt),
        "GenJet_eta": reduce_mantissa(jets.eta),
        "GenJet_phi": reduce_angle(jets.phi),
        "GenJet_mass": reduce_mantissa(jets.mass),
        "GenJet_partonFlavour": jets.parton_flavour,
        "GenJet_hadronFlavour": jets.hadron_flavour,
        "GenJet_nMuon": jets.muons,
    }


def _gen_parts(history: History) -> dict[str, NDArray[Any]]:
    record = history.record
    pruned = prune(history)
    kept = pruned.index
    return {
        "nGenPart": pruned.counts,
        "GenPart_pt": reduce_mantissa(record.pt[kept]),
        "GenPart_eta": reduce_mantissa(record.eta[kept]),
        "GenPart_phi": reduce_angle(record.phi[kept]),
        "GenPart_mass": reduce_mantissa(record.mass[kept]),
        "GenPart_pdgId": record.pdg_id[kept],
        "GenPart_status": history.hepmc_status[kept],
        "GenPart_statusFlags": history.status_flags[kept],
        "GenPart_genPartIdxMother": pruned.mother,
    }


def _reco_jets(
    jets: GenJets, columns: dict[str, NDArray[Any]], generator: np.random.Generator
) -> dict[str, NDArray[Any]]:
    context = np.column_stack([columns[f"GenJet_{variable.name}"].astype(np.float64) for variable in CONTEXT])
    drawn = respond(context, generator)
    stored: dict[str, NDArray[Any]] = {}
    for variable, values in zip(TARGETS, drawn.T, strict=True):
        if variable.integral:
            stored[variable.name] = values
        elif variable.name == "phi":
            stored[variable.name] = reduce_angle(values)
        else:
            stored[variable.name] = reduce_mantissa(values)
    event = np.repeat(np.arange(len(jets.counts)), jets.counts)
    order = np.lexsort((-stored["pt"], event))
    first = np.repeat(np.cumsum(jets.counts) - jets.counts, jets.counts)
    return {
        "nJet": jets.counts,
        "Jet_genJetIdx": order - first,
        **{f"Jet_{name}": values[order] for name, values in stored.items()},
    }
