"""Datasets of GEN events for tests."""

from __future__ import annotations

from pathlib import Path

import ROOT


def snapshot(node, path: Path, columns=None, *, ntuple=False, cluster=None) -> str:
    """Writes a node as the dataset Events, as a TTree with small clusters or as an RNTuple."""
    options = ROOT.RDF.RSnapshotOptions()
    if ntuple:
        options.fOutputFormat = ROOT.RDF.ESnapshotOutputFormat.kRNTuple
        options.fVector2RVec = True
    else:
        options.fOutputFormat = ROOT.RDF.ESnapshotOutputFormat.kTTree
        if cluster:
            options.fAutoFlush = cluster
    names = (
        ROOT.std.vector["std::string"](columns) if columns else ROOT.std.vector["std::string"](node.GetColumnNames())
    )
    node.Snapshot("Events", str(path), names, options)
    return str(path)


GEN_COLUMNS = [
    "run",
    "luminosityBlock",
    "event",
    "genWeight",
    "GenJet_pt",
    "GenJet_eta",
    "GenJet_phi",
    "GenJet_mass",
    "GenJet_partonFlavour",
    "GenJet_nMuon",
]
