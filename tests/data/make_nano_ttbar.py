"""Makes nano_ttbar.root: 60 real simulated events of CMS in the format NanoAOD, for tests and documentation.

The source is ``nanoAOD_2015_CMS_Open_Data_ttbar.root`` of the Python package scikit-hep-testdata
(https://github.com/scikit-hep/scikit-hep-testdata, added there by pull request 107): 200 events of simulated top-quark
pairs from the CMS open data of 2015 (https://opendata.cern.ch), which are released under CC0. Its SHA-256 is checked.

The first 60 events are kept, with the branches below as they are. The source has no tree ``Runs``; one is made in the
layout of NanoAOD, with the sums of the generator weights of these 60 events.

    pip install scikit-hep-testdata
    python tests/data/make_nano_ttbar.py $(python -m skhep_testdata nanoAOD_2015_CMS_Open_Data_ttbar.root)
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from pathlib import Path

import ROOT

SHA256 = "c14a29b25b15b837226f396e920b5d9fb134f3558bef5b0a9db5d6d9606c5f3a"
EVENTS = 60
BRANCHES = [
    "run",
    "luminosityBlock",
    "event",
    "genWeight",
    "Generator_weight",
    "LHEWeight_originalXWGTUP",
    "*LHEScaleWeight",
    "*PSWeight",
    "Pileup_nTrueInt",
    "nGenJet",
    "GenJet_*",
    "GenMET_*",
    "nGenPart",
    "GenPart_pt",
    "GenPart_eta",
    "GenPart_phi",
    "GenPart_pdgId",
    "GenPart_statusFlags",
    "nJet",
    "Jet_pt",
    "Jet_eta",
    "Jet_phi",
    "Jet_mass",
    "Jet_btagDeepFlavB",
    "Jet_jetId",
    "Jet_nConstituents",
    "Jet_genJetIdx",
    "Jet_muonIdx1",
    "nMuon",
    "Muon_pt",
    "Muon_eta",
    "Muon_phi",
    "Muon_charge",
    "Muon_tightId",
    "Muon_jetIdx",
    "nElectron",
    "Electron_pt",
    "Electron_jetIdx",
    "MET_pt",
    "MET_phi",
    "HLT_IsoMu20",
    "Flag_goodVertices",
]


def main(source: Path) -> None:
    content = source.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        sys.exit(f"{source} is not the file that this script is about: its SHA-256 is another one.")
    target = Path(__file__).with_name("nano_ttbar.root")
    with ROOT.TFile.Open(str(source)) as file:
        events = file.Get("Events")
        events.SetBranchStatus("*", False)
        for branch in BRANCHES:
            events.SetBranchStatus(branch, True)
        with ROOT.TFile.Open(str(target), "recreate", "", 209) as small:  # LZMA, level 9
            events.CloneTree(EVENTS).Write("", ROOT.TObject.kOverwrite)
            small.WriteTObject(make_runs(str(source)), "Runs")
    print(f"{target}: {target.stat().st_size} bytes")


def make_runs(source: str) -> ROOT.TTree:
    """The tree Runs: sums over the events that are kept."""
    weights = ROOT.RDataFrame("Events", source).Range(EVENTS).AsNumpy(["run", "genWeight"])
    weight = weights["genWeight"].astype(float)
    sums = {
        "run": array("I", [int(weights["run"][0])]),
        "genEventCount": array("q", [len(weight)]),
        "genEventSumw": array("d", [weight.sum()]),
        "genEventSumw2": array("d", [(weight**2).sum()]),
    }
    runs = ROOT.TTree("Runs", "sums of the generator weights of the events kept here")
    for (name, value), leaf in zip(sums.items(), "iLDD", strict=True):
        runs.Branch(name, value, f"{name}/{leaf}")
    runs.Fill()
    return runs


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
