"""Recipes: valid ones, and the errors of invalid ones."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from flashsim.training import ConfigError, load_config
from flashsim.training.recipe.config import config_from_dict, config_to_dict
from toy_jets import RECIPE


def test_shipped_recipe_is_valid_and_survives_a_round_trip() -> None:
    shipped = load_config(Path(str(files("flashsim.recipes") / "jets.toml")))
    assert len(shipped.context) == 6
    assert len(shipped.target) == 16
    assert shipped.model.hidden == (32, 64, 128, 128, 64, 32)
    assert config_from_dict(json.loads(json.dumps(config_to_dict(shipped)))) == shipped


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs = 20", "epoch = 20", r"toys.toml: training: unknown key 'epoch'; did you mean 'epochs'"),
        ("epochs = 20", "epochs = 0", r"training.epochs: expected at least 1, found 0"),
        ("epochs = 20", 'epochs = "20"', r"training: epochs: expected int, found '20'"),
        ("[model]", "[modl]", r"unknown key 'modl'; did you mean 'model'"),
        ("hidden = [32, 32]", "hidden = [32, 0]", r"model.hidden"),
        ('index = "Jet_genJetIdx"', "", r"dataset: missing key 'index'"),
        ('dtype = "uint8"', 'dtype = "unit8"', r"target variable 'nMuons': dtype 'unit8'; did you mean 'uint8'"),
        ("range = [0, 255]", "range = [0]", r"target\[1\]: range: expected 2 values, found 1"),
        ("range = [0, 255]", "range = [255, 0]", r"target variable 'nMuons': range .*: expected \[low, high\]"),
        ('name = "nMuons"', 'name = "pt"', r"target variable 'pt' is declared twice"),
        ('sort_by = "pt"', 'sort_by = "p"', r"sort_by: 'p' is not a target variable; did you mean 'pt'"),
        ('"dequantise"', '"dequantize"', r"unknown operation 'dequantize'; did you mean 'dequantise'"),
        ('"dequantise"', "3", r'operations\[0\]: expected "name" or'),
        ("seed = 5", "seed = -3", r"training.seed: expected 0 or more, found -3"),
        (
            "seed = 5",
            'schedule = "cosin"',
            r"training.schedule: expected one of cosine, constant, plateau, found 'cosin'",
        ),
        (
            "seed = 5",
            "final_learning_rate = 0.1",
            r"training.final_learning_rate: expected above 0 and at most learning_ra",
        ),
        (
            "seed = 5",
            'schedule = "plateau"\npatience = 5',
            r"training.patience: expected 0, or more than plateau_epochs = 5",
        ),
        ("seed = 5", "plateau_factor = 1", r"training.plateau_factor: expected in \(0, 1\), found 1.0"),
        ("name = ", "name : ", r"not a TOML file"),
        ("default_steps = 5", 'solver = "rk5"', r"sampling.solver: expected one of euler, midp"),
    ],
)
def test_recipe_errors_name_file_key_and_remedy(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "toys.toml"
    assert old in RECIPE
    path.write_text(RECIPE.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        load_config(path)
