"""Recipes: what they may say, and what is said about one that cannot be used."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from flashsim.training import ConfigError, load_config
from flashsim.training.recipe.config import config_from_dict, config_to_dict

RECIPE = """
name = "toys"
collection = "Jet"
source = "GenJet"
sort_by = "pt"

[dataset]
index = "Jet_genJetIdx"
validation_fraction = 0.1

[model]
hidden = [16, 16]
time_frequencies = 2

[training]
epochs = 4
batch_size = 100
seed = 3

[[context]]
name = "pt"
unit = "GeV"
range = [0, 1000]
operations = ["log", "saturate", "standardise"]

[[target]]
name = "pt"
unit = "GeV"
range = [0, 1000]
operations = [{ op = "ratio", to = "pt" }, "gaussianise"]

[[target]]
name = "nMuons"
dtype = "uint8"
range = [0, 255]
operations = ["dequantise", "gaussianise"]
"""


def test_shipped_recipe_is_valid_and_survives_a_round_trip() -> None:
    shipped = load_config(Path(str(files("flashsim.recipes") / "jets.toml")))
    assert len(shipped.context) == 6
    assert len(shipped.target) == 16
    assert shipped.model.hidden == (32, 64, 128, 128, 64, 32)
    assert config_from_dict(json.loads(json.dumps(config_to_dict(shipped)))) == shipped


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 4", "epoch = 4", r"toys.toml: training: unknown key 'epoch'; did you mean 'epochs'"),
        ("epochs = 4", "epochs = 0", r"training.epochs: expected at least 1, found 0"),
        ("epochs = 4", 'epochs = "4"', r"training: epochs: expected int, found '4'"),
        ("[model]", "[modl]", r"unknown key 'modl'; did you mean 'model'"),
        ("hidden = [16, 16]", "hidden = [16, 0]", r"model.hidden"),
        ('index = "Jet_genJetIdx"', "", r"dataset: missing key 'index'"),
        ('dtype = "uint8"', 'dtype = "unit8"', r"target variable 'nMuons': dtype 'unit8'; did you mean 'uint8'"),
        ("range = [0, 255]", "range = [0]", r"target\[1\]: range: expected 2 values, found 1"),
        ("range = [0, 255]", "range = [255, 0]", r"target variable 'nMuons': range .* has no values"),
        ('name = "nMuons"', 'name = "pt"', r"target variable 'pt' is declared twice"),
        ('sort_by = "pt"', 'sort_by = "p"', r"sort_by: 'p' is no target variable; did you mean 'pt'"),
        ('"dequantise"', '"dequantize"', r"unknown operation 'dequantize'; did you mean 'dequantise'"),
        ('"dequantise"', "3", r'operations\[0\]: expected "name" or'),
        ("seed = 3", "seed = -3", r"training.seed: expected 0 or more, found -3"),
        (
            "seed = 3",
            'schedule = "cosin"',
            r"training.schedule: expected one of cosine, constant, plateau, found 'cosin'",
        ),
        (
            "seed = 3",
            "final_learning_rate = 0.1",
            r"training.final_learning_rate: expected above 0 and at most learning_ra",
        ),
        (
            "seed = 3",
            'schedule = "plateau"\npatience = 5',
            r"training.patience: expected 0, or more than plateau_epochs = 5",
        ),
        ("seed = 3", "plateau_factor = 1", r"training.plateau_factor: expected in \(0, 1\), found 1.0"),
        ("name = ", "name : ", r"not a TOML file"),
        ("[training]", '[sampling]\nsolver = "rk5"\n[training]', r"sampling.solver: expected one of euler, midp"),
    ],
)
def test_recipe_errors_name_file_key_and_remedy(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "toys.toml"
    path.write_text(RECIPE.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        load_config(path)
