"""Damaged data files, a TTree or an RNTuple of GEN events; simulated by flashsim, or read by ROOT alone."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import ROOT

import flashsim
import tiny_flows
from fuzz_bytes import damage
from gen_events import GEN_COLUMNS, snapshot

REFUSALS: tuple[str, ...] = ()
"""ROOT's exceptions are of many kinds: any may be met."""

_LAYOUTS = ("TTree", "RNTuple")
_EVENTS = 120
_SUMS = {  # of bits, whose order does not matter
    "GenJet_pt": "FuzzBits(GenJet_pt)",
    "GenJet_eta": "FuzzBits(GenJet_eta)",
    "run": "(ULong64_t)run",
    "luminosityBlock": "(ULong64_t)luminosityBlock",
    "event": "(ULong64_t)event",
    "genWeight": "FuzzBits(ROOT::RVecF{(float)genWeight})",
}


def prepare(folder: Path) -> None:
    """Writes the files to damage, and the expected results of reading them."""
    tiny_flows.write_smearing_flow(folder / "tiny.onnx")
    source = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(_EVENTS)
    for layout in _LAYOUTS:
        snapshot(source, folder / f"{layout}.root", GEN_COLUMNS, ntuple=layout == "RNTuple", cluster=40)
        case = {"path": str(folder / f"{layout}.root"), "flow": str(folder / "tiny.onnx"), "threads": 1}
        numbers = {"ours": _simulate(case), "plain": _read(case)}
        (folder / f"{layout}.json").write_text(json.dumps(numbers))


def make(number: int, seed: int, bases: Path, folder: Path) -> dict[str, Any]:
    """Writes mutation `number` into `folder`."""
    random = Random(f"data {seed} {number}")
    layout = random.choice(_LAYOUTS)
    content = (bases / f"{layout}.root").read_bytes()
    damaged = content
    while damaged == content:
        damaged, mutation = damage(content, random)
    path = folder / "data.root"
    path.write_bytes(damaged)
    return {
        "base": layout, "path": str(path), "expected": str(bases / f"{layout}.json"), "flow": str(bases / "tiny.onnx"),
        "threads": random.choice([1, 2]), "covered": False, "mutation": mutation,
    }  # fmt: skip


def use(case: dict[str, Any]) -> bool:
    """Simulates the events; whether the results are those of the file before it was damaged."""
    return _simulate(case) == json.loads(Path(case["expected"]).read_text())["ours"]


def use_plain(case: dict[str, Any]) -> bool:
    """Reads the same columns with ROOT alone."""
    return _read(case) == json.loads(Path(case["expected"]).read_text())["plain"]


def _simulate(case: dict[str, Any]) -> list[int]:
    def book(gen: Any) -> Any:
        return gen.FlashSim(case["flow"], fold_size=2, seed=1)

    return _sum(case, book, {**_SUMS, "Jet_pt": "FuzzBits(Jet_pt)"})


def _read(case: dict[str, Any]) -> list[int]:
    return _sum(case, lambda gen: gen, _SUMS)


def _sum(case: dict[str, Any], book: Any, sums: dict[str, str]) -> list[int]:
    if not hasattr(ROOT, "FuzzBits"):
        ROOT.gInterpreter.Declare("""
            ULong64_t FuzzBits(const ROOT::RVecF &values) {
               ULong64_t sum = values.size();
               for (float value : values) { unsigned int bits; memcpy(&bits, &value, 4); sum += 2654435761ull * bits; }
               return sum;
            }""")
    if case["threads"] > 1:
        ROOT.EnableImplicitMT(case["threads"])
    try:
        node = book(ROOT.RDataFrame("Events", case["path"]))
        count = node.Count()
        for column, expression in sums.items():
            node = node.Define(f"fuzz_{column}", expression)
        results = [node.Sum["ULong64_t"](f"fuzz_{column}") for column in sums]
        return [int(count.GetValue()), *(int(result.GetValue()) for result in results)]
    finally:
        if case["threads"] > 1:
            ROOT.DisableImplicitMT()
