"""Tiny flows whose target is known exactly, and pairs that follow them or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from onnx import TensorProto, helper

import tiny_flows
from flashsim.pairs import Pairs

SEPARATION = 2.0


def write_tagging_flow(path: Path) -> str:
    """pt = GenJet_pt + noise, btag = sigmoid(noise + 2 for b jets), nMuons = (noise > 1)."""

    def constant(name, value):
        return helper.make_node("Constant", [], [name], value_floats=[float(value)])

    def cast(source, name):
        return helper.make_node("Cast", [source], [name], to=TensorProto.FLOAT)

    nodes = [
        constant("five", 5),
        constant("one", 1),
        constant("separation", SEPARATION),
        helper.make_node("Split", ["noise"], ["z0", "z1", "z2"], axis=1, num_outputs=3),
        helper.make_node("Split", ["context"], ["pt", "flavour"], axis=1, num_outputs=2),
        helper.make_node("Add", ["pt", "z0"], ["smeared"]),
        helper.make_node("Abs", ["flavour"], ["absolute"]),
        helper.make_node("Equal", ["absolute", "five"], ["is_b"]),
        cast("is_b", "b"),
        helper.make_node("Mul", ["b", "separation"], ["shift"]),
        helper.make_node("Add", ["z1", "shift"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["score"]),
        helper.make_node("Greater", ["z2", "one"], ["has_muon"]),
        cast("has_muon", "muons"),
        helper.make_node("Concat", ["smeared", "score", "muons"], ["sample"], axis=1),
    ]
    metadata = tiny_flows.smearing_metadata() | {
        "name": "tagging",
        "noise_dimension": 3,
        "context": [
            {"name": "pt", "unit": "GeV", "dtype": "float32", "range": [0, 7000]},
            {"name": "partonFlavour", "unit": "", "dtype": "int16", "range": [-21, 21]},
        ],
        "target": [
            {"name": "pt", "unit": "GeV", "dtype": "float32", "range": [-10, 7000]},
            {"name": "btag", "unit": "", "dtype": "float32", "range": [0, 1]},
            {"name": "nMuons", "unit": "", "dtype": "uint8", "range": [0, 255]},
        ],
    }
    return tiny_flows.write_flow(path, nodes, metadata, noise=("n", 3))


def tagging_pairs(rows: int, seed: int, separation: float = SEPARATION, shift: float = 0.0) -> Pairs:
    """Pairs, two per event, that follow the tagging flow unless told otherwise."""
    generator = np.random.default_rng(seed)
    pt = generator.exponential(10, rows)
    flavour = generator.choice([-5, 5, 4, 1, -2, 3, 21], rows)
    noise = generator.normal(size=(rows, 3))
    score = 1 / (1 + np.exp(-noise[:, 1] - separation * (np.abs(flavour) == 5)))
    target = np.stack([pt + noise[:, 0] + shift, score, noise[:, 2] > 1], axis=1)
    return _pairs(np.stack([pt, flavour], axis=1), target)


def smearing_pairs(rows: int, seed: int) -> Pairs:
    """Pairs, two per event, that follow the smearing flow of `tiny_flows`."""
    generator = np.random.default_rng(seed)
    context = np.stack([generator.uniform(20, 70, rows), generator.normal(size=rows)], axis=1)
    noise = generator.normal(size=(rows, 2))
    target = np.stack([context[:, 0] + noise[:, 0], np.full(rows, 3), noise[:, 1] > 0], axis=1)
    return _pairs(context, target)


def write_smearing_events(path: Path, rows: int, not_finite: Sequence[int] = ()) -> Path:
    """The smearing pairs as a file of events; in some rows Jet_pt is NaN."""
    pairs = smearing_pairs(rows, seed=4)
    pairs.target[list(not_finite), 0] = np.nan
    columns = {
        "GenJet_pt": pairs.context[:, 0],
        "GenJet_eta": pairs.context[:, 1],
        "Jet_pt": pairs.target[:, 0],
        "Jet_nConstituents": pairs.target[:, 1].astype(np.uint8),
        "Jet_isTight": pairs.target[:, 2].astype(np.uint8),
        "Jet_genJetIdx": np.tile(np.int16([0, 1]), rows // 2),
    }
    with uproot.recreate(path) as file:
        file.mktree("Events", {name: ak.from_regular(ak.unflatten(values, 2)) for name, values in columns.items()})
    return path


def _pairs(context: np.ndarray, target: np.ndarray) -> Pairs:
    rows = len(context)
    event = np.arange(rows, dtype=np.int64) // 2
    return Pairs(context.astype(np.float32), target.astype(np.float32), events=rows // 2, event=event)
