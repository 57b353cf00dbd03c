"""A NanoAOD-like file of simulated events, readable without FlashSim.

You learn how to write RECO events with Snapshot as a TTree and as an RNTuple, how to read them back with uproot, and
how an ordinary RDataFrame analysis runs on the file, with errors that include the correlation of RECO events.

Writes gen.root, nano_tree.root and nano_rntuple.root. Run it from any folder: python 04_write_nanoaod.py
"""

import awkward as ak
import ROOT
import uproot

import flashsim

FOLD_SIZE = 4

# A file with GEN columns alone, as a generator gives it. (The shipped sample has target jets beside them.)
shipped = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(500)
identity = ["run", "luminosityBlock", "event", "genWeight"]
columns = [str(name) for name in shipped.GetColumnNames()]
gen_columns = [name for name in columns if name in identity or name.startswith(("GenJet", "nGenJet", "GenMET"))]
shipped.Snapshot("Events", "gen.root", gen_columns)

# Without a prefix, the RECO columns have the names of NanoAOD.
gen = ROOT.RDataFrame("Events", "gen.root")
sim = gen.FlashSim("jets", fold_size=FOLD_SIZE, seed=1)

# The columns to write: the identity of events, some GEN columns, the jets, and the columns of the fold.
jets = [f"Jet_{variable.name}" for variable in flashsim.Flow("jets").target]
output = [*identity, "GenMET_pt", "GenMET_phi", "nJet", *jets, "Jet_genJetIdx", "foldIndex", "genEvent", "foldSize"]

lazy = ROOT.RDF.RSnapshotOptions()
lazy.fLazy = True
rntuple = ROOT.RDF.RSnapshotOptions()
rntuple.fLazy = True
rntuple.fOutputFormat = ROOT.RDF.ESnapshotOutputFormat.kRNTuple
written = [
    sim.Snapshot("Events", "nano_tree.root", output, lazy),
    sim.Snapshot("Events", "nano_rntuple.root", output, rntuple),
]
ROOT.RDF.RunGraphs(written)  # both files in one event loop

# Read with uproot and awkward: no ROOT, no FlashSim.
for name in ("nano_tree.root", "nano_rntuple.root"):
    events = uproot.open(name)["Events"].arrays(["nJet", "Jet_pt", "Jet_jetId", "genEvent", "foldIndex"])
    print(f"{name}: {len(events)} RECO events from {len(set(events.genEvent.tolist()))} GEN events")
    print(f"    leading jets of the first GEN event: {ak.to_list(ak.firsts(events.Jet_pt[:FOLD_SIZE]))} GeV")

# An ordinary NanoAOD analysis, on either file.
for name in ("nano_tree.root", "nano_rntuple.root"):
    analysis = (
        ROOT.RDataFrame("Events", name)
        .Define("good", "Jet_pt > 30 && abs(Jet_eta) < 2.5 && Jet_jetId == 6")
        .Filter("Sum(good) >= 4", "four good jets")
        .Define("ht", "Sum(Jet_pt[good])")
    )
    # Right errors need the columns genEvent and foldSize of the file, and nothing else.
    ht = analysis.OversampledTH1D(("ht", ";H_{T} [GeV];events", 10, 0, 1000), "ht")
    peak = ht.GetMaximumBin()
    print(f"{name}: {ht.GetBinContent(peak):.1f} ± {ht.GetBinError(peak):.1f} events in the highest bin")
