"""The studies, on a toy detector and few events: their tables, output files and errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import flashsim
from flashsim.cli import app

for _package in ("torch", "zuko", "onnx", "sklearn", "scipy", "jinja2"):
    pytest.importorskip(_package)

from flashsim.pairs import Pairs  # noqa: E402
from flashsim.studies import (  # noqa: E402
    Study,
    compare_families,
    compare_processes,
    compare_sizes,
    compare_statistics,
    compare_steps,
)
from flashsim.studies.families import DISCRETE_LEARNING_RATE  # noqa: E402
from flashsim.studies.trainings import with_budget  # noqa: E402
from flashsim.training import FlowConfig, load_config, read_pairs  # noqa: E402
from flashsim.training.recipe.sections import AffineConfig, FlowMatchingConfig  # noqa: E402
from toy_jets import RECIPE, write_events  # noqa: E402

MODELS = {
    "velocity": FlowMatchingConfig(hidden=(16,), time_frequencies=1),
    "affine": AffineConfig(transforms=2, hidden=(16,)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("studies")


@pytest.fixture(scope="module")
def config(folder) -> FlowConfig:
    recipe = folder / "toys.toml"
    recipe.write_text(RECIPE)
    return load_config(recipe)


@pytest.fixture(scope="module")
def training_file(folder) -> Path:
    return write_events(folder / "training.root", seed=1, events=6000, jets_per_event=1)


@pytest.fixture(scope="module")
def unseen_file(folder) -> Path:
    return write_events(folder / "unseen.root", seed=2, events=3000, jets_per_event=1)


@pytest.fixture(scope="module")
def data(training_file, config) -> Pairs:
    return read_pairs([training_file], config)


@pytest.fixture(scope="module")
def unseen(unseen_file, config) -> Pairs:
    return read_pairs([unseen_file], config)


@pytest.fixture(scope="module")
def families(folder, config, data, unseen) -> Study:
    return compare_families(
        config, data, unseen, folder / "families", budget=60_000, models=MODELS, threads=1, tell=lambda _: None
    )


def column(study: Study, heading: str) -> list:
    return [row[study.columns.index(heading)] for row in study.rows]


def assert_written(study: Study, folder: Path) -> None:
    document = json.loads((folder / f"{study.name}.json").read_text())
    assert document["columns"] == list(study.columns)
    assert document["rows"] == [list(row) for row in study.rows]
    table = [line for line in (folder / f"{study.name}.md").read_text().splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(study.rows)
    assert all(line.count("|") == len(study.columns) + 1 for line in table)
    assert (folder / f"{study.name}.png").read_bytes().startswith(b"\x89PNG")


def test_budget_is_in_rows(config):
    assert with_budget(config, 1000, 95_000).training.epochs == 100
    assert with_budget(config, 10**6, 1000).training.epochs == 1


@pytest.mark.training
def test_families_are_trained_alike_and_judged_by_all_metrics(families, folder, config):
    assert_written(families, folder / "families")
    assert column(families, "flow") == [*MODELS, "noise floor"]
    headings = ("Wasserstein, mean", "KS, largest", "Fréchet", "covariance", "c2st")
    assert set(headings) <= set(families.columns)
    for heading in headings[:-1]:
        assert min(column(families, heading)) > 0
    histories = {
        name: json.loads((folder / "families" / "flows" / f"{name}.pt.history.json").read_text()) for name in MODELS
    }
    assert len(histories["velocity"]) == len(histories["affine"]) == round(60_000 / (6000 * 0.95))
    assert histories["velocity"][0]["learning_rate"] == pytest.approx(config.training.learning_rate, rel=0.1)
    assert histories["affine"][0]["learning_rate"] == pytest.approx(DISCRETE_LEARNING_RATE, rel=0.1)
    assert column(families, "rows/s, one core")[0] > 0


@pytest.mark.training
def test_finished_trainings_are_used_again(families, folder, config, data, unseen):
    checkpoint = folder / "families" / "flows" / "affine.pt"
    before = checkpoint.read_bytes()
    again = compare_families(
        config, data, unseen, folder / "families", budget=60_000, models=MODELS, threads=1, tell=lambda _: None
    )
    assert checkpoint.read_bytes() == before
    metrics = families.columns.index("parameters")
    assert [row[:metrics] for row in again.rows] == [row[:metrics] for row in families.rows]


@pytest.mark.training
def test_sizes(folder, config, data, unseen):
    study = compare_sizes(
        config, data, unseen, folder / "sizes", sizes=(500, 5000), budget=20_000, threads=1, tell=lambda _: None
    )
    assert_written(study, folder / "sizes")
    assert column(study, "pairs") == [500, 5000, "noise floor"]
    assert column(study, "epochs")[:2] == [42, 4]
    with pytest.raises(ValueError, match=r"10000 pairs exceeds the data, 6000 pairs"):
        compare_sizes(config, data, unseen, folder / "sizes", sizes=(10_000,), tell=lambda _: None)


@pytest.mark.training
def test_steps_of_a_continuous_flow(families, folder, unseen_file):
    flow = folder / "families" / "flows" / "velocity.onnx"
    study = compare_steps(
        flow, [unseen_file], folder / "steps", solvers=("euler", "heun"), evaluations=(1, 2, 40), tell=lambda _: None
    )
    assert_written(study, folder / "steps")
    assert [row[:3] for row in study.rows] == [
        ("euler", 1, 1), ("euler", 2, 2), ("euler", 40, 40), ("heun", 1, 2), ("heun", 20, 40), ("noise floor", "", ""),
    ]  # fmt: skip
    euler, heun = ([row[3:8] for row in study.rows if row[0] == solver] for solver in ("euler", "heun"))
    assert euler[0][1] > 2 * euler[2][1]  # one step of Euler distorts the worst variable
    assert euler[2][1] == pytest.approx(heun[1][1], rel=0.5)  # two converged solvers agree
    with pytest.raises(ValueError, match=r"samples in one shot"):
        compare_steps(folder / "families" / "flows" / "affine.onnx", [unseen_file], folder / "steps")


@pytest.mark.training
def test_processes_name_what_differs(families, folder, unseen_file, monkeypatch):
    flow = folder / "families" / "flows" / "velocity.onnx"
    same = write_events(folder / "same.root", seed=3, events=2500, jets_per_event=1)
    with monkeypatch.context() as patch:
        patch.setattr("toy_jets.shift", lambda pt: 0.3 + 0 * pt)
        other = write_events(folder / "other.root", seed=4, events=2500, jets_per_event=1)
    samples = {"toys": [unseen_file], "same": [same], "shifted": [other]}
    study, validations = compare_processes(flow, samples, folder / "processes", tell=lambda _: None)
    assert_written(study, folder / "processes")
    assert [validation.label for validation in validations] == list(samples)
    assert {validation.rows for validation in validations} == {2500}
    (named,) = [note for note in study.notes if note.startswith("More than 2 times")]
    exceptions = named.partition(": ")[2].rstrip(".").split("; ")
    assert any(text.startswith("ks/pt of shifted") and "noise" not in text for text in exceptions)
    assert all("noise" in text for text in exceptions if "of same" in text)
    with pytest.raises(ValueError, match=r"at least two processes"):
        compare_processes(flow, {"toys": [unseen_file]}, folder / "processes")


@pytest.mark.slow
def test_w_mass_by_the_command(tmp_path):
    pytest.importorskip("ROOT")
    arguments = ["w-mass", "--data", flashsim.data.path("ttbar.root"), "--events", "150", "--fold-size", "5"]
    result = CliRunner().invoke(app, ["study", *arguments, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "w-mass.json").read_text())
    contents, errors = np.array([[float(part) for part in row[1].split(" ± ")] for row in document["rows"]]).T
    few, many, flow, naive = errors
    assert naive < flow < few
    assert many < few
    assert contents[2] == contents[3]
    assert abs(contents[2] - contents[1]) < 4 * np.hypot(flow, many)
    assert (tmp_path / "w-mass.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"the files hold \d+ events, \d+ are needed"):
        compare_statistics("jets", [flashsim.data.path("ttbar.root")], tmp_path, events=10**6)


def test_samples_without_a_label_are_refused():
    result = CliRunner().invoke(app, ["study", "processes", "jets", "--data", "qcd.root"])
    assert result.exit_code == 2
    assert "LABEL=A.root" in result.stderr
