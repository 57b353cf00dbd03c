"""A flow of your own: train it, export it, judge it, simulate with it.

You learn the contents of a recipe, how to train and export a flow, how to compare its metrics with their noise floors,
and how to run it in RDataFrame, like the shipped one. It takes half a minute. A flow for physics takes a million jets
and twenty minutes: docs/training.md has the commands. Needs the extras: pip install "flashsim[train,validate]"

Writes 06_jets5.pt, 06_jets5.pt.history.json, 06_jets5.pt.loss.png, 06_jets5.onnx, 06_report.html. Run it from any
folder: python 06_train_your_own.py
"""

from dataclasses import replace
from importlib.resources import files

import ROOT
from rich import print

import flashsim
from flashsim.pairs import Pairs
from flashsim.training import export_flow, load_config, read_pairs, train
from flashsim.validation import validate, write_report

# The recipe: which branches, how each is prepared, the network, the optimisation. Copy it and make it yours.
recipe = load_config(files("flashsim.recipes") / "jets5.toml")
recipe = replace(recipe, training=replace(recipe.training, epochs=15, batch_size=256, average_decay=0.99))
print("GEN:", [variable.name for variable in recipe.context], "→ RECO:", [variable.name for variable in recipe.target])

# Pairs of a GEN jet and its RECO jet. Unseen events are kept to judge the flow.
pairs = read_pairs([flashsim.data.path("ttbar.root")], recipe)
known = pairs.head(3 * len(pairs) // 4)
rest = slice(len(known), None)
unseen = Pairs(pairs.context[rest], pairs.target[rest], event=pairs.event[rest])

train(recipe, known, "06_jets5.pt", overwrite=True, threads=1)
export_flow("06_jets5.pt", "06_jets5.onnx")

# Beside each metric stands its noise floor: the same metric between two samples of the target.
validation = validate("06_jets5.onnx", unseen, label="ttbar")
print(validation.table())
write_report([validation], "06_report.html")

# It runs where the shipped flow runs.
gen = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(500)
sim = gen.FlashSim("06_jets5.onnx", fold_size=10, seed=1, prefix="Mine").Filter("nMineJet >= 2")
h = sim.Define("leading", "MineJet_pt[0]").OversampledTH1D(("pt", "", 20, 0, 400), "leading", "genWeight")
print(f"{h.GetBinContent(5):.1f} ± {h.GetBinError(5):.1f} events with a leading jet of 80 to 100 GeV")
