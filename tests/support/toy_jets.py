"""Jets of a detector that is known exactly, in files, and the recipe of a flow that learns it in seconds."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import uproot

RECIPE = """
name = "toys"
collection = "Jet"
source = "GenJet"
sort_by = "pt"

[dataset]
index = "Jet_genJetIdx"

[model]
hidden = [32, 32]
time_frequencies = 2

[training]
epochs = 20
batch_size = 256
learning_rate = 1e-2
average_decay = 0.99
seed = 5

[sampling]
default_steps = 5

[[context]]
name = "pt"
unit = "GeV"
range = [0, 1000]
operations = ["log", "saturate", "standardise"]

[[target]]
name = "pt"
unit = "GeV"
range = [0, 2000]
operations = [{ op = "ratio", to = "pt" }, "log", "saturate", "standardise"]

[[target]]
name = "nMuons"
dtype = "uint8"
range = [0, 255]
operations = [{ op = "dequantise", width = 0.15 }, "standardise"]
"""


def shift(pt: np.ndarray) -> np.ndarray:
    """Mean of the logarithm of the response."""
    return 0.05 * np.log(pt / 50)


def resolution(pt: np.ndarray) -> np.ndarray:
    """Width of the logarithm of the response."""
    return 0.08 + 1.5 / pt


def muon_probability(pt: np.ndarray) -> np.ndarray:
    return 0.1 + 0.6 * (1 - np.exp(-(pt - 20) / 60))


def write_events(path: Path, seed: int, events: int, jets_per_event: float) -> Path:
    """Exponential GEN pt, log-normal response, at most one muon; the order of RECO jets is that of their pt."""
    generator = np.random.default_rng(seed)
    counts = generator.poisson(jets_per_event, events) if jets_per_event > 1 else np.ones(events, int)
    pt = np.minimum(20 + generator.exponential(30, counts.sum()), 900)
    reco = pt * np.exp(shift(pt) + resolution(pt) * generator.standard_normal(len(pt)))
    muons = (generator.random(len(pt)) < muon_probability(pt)).astype(np.uint8)
    gen, reco, muons = (ak.unflatten(values, counts) for values in (pt.astype("f4"), reco.astype("f4"), muons))
    order = ak.argsort(reco, ascending=False)
    with uproot.recreate(path) as file:
        file.mktree(
            "Events",
            {
                "GenJet": ak.zip({"pt": gen}),
                "Jet": ak.zip(
                    {"pt": reco[order], "nMuons": muons[order], "genJetIdx": ak.values_astype(order, np.int16)}
                ),
            },
        )
    return path
