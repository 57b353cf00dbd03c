"""The whole chain, by its commands, on a detector that is known: train, export, simulate in RDataFrame, validate."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import ROOT
import typer
from typer.testing import CliRunner

import flashsim  # noqa: F401  gives RDataFrame its method
from flashsim.cli import app

for _package in ("torch", "onnx", "sklearn", "scipy", "jinja2"):
    pytest.importorskip(_package)
from toy_jets import RECIPE, muon_probability, resolution, shift, write_events  # noqa: E402

pytestmark = pytest.mark.training

TRAINING_EVENTS, EVENTS, FOLD_SIZE = 15_000, 4_000, 10
BINS = [20.0, 28.0, 40.0, 60.0, 200.0]


def run(*arguments: object, command: typer.Typer = app) -> str:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chain")


@pytest.fixture(scope="module")
def flow(folder: Path) -> Path:
    recipe, checkpoint, flow = folder / "toys.toml", folder / "toys.pt", folder / "toys.onnx"
    recipe.write_text(RECIPE)
    files = [write_events(folder / f"{seed}.root", seed, TRAINING_EVENTS // 2, 2.0) for seed in (1, 2)]
    options = ("--out", checkpoint, "--threads", 1, "--device", "cpu", "--store", folder / "store")
    said = run("train", recipe, "--data", *files, *options)
    assert f"Next: flashsim export {checkpoint} toys.onnx" in said
    run("export", checkpoint, flow)
    return flow


@pytest.fixture(scope="module")
def simulated(flow: Path, folder: Path) -> dict[str, np.ndarray]:
    """Ten RECO events for each GEN event with one jet."""
    gen = write_events(folder / "gen.root", 3, EVENTS, 1)
    df = ROOT.RDataFrame("Events", str(gen)).FlashSim(str(flow), fold_size=FOLD_SIZE, seed=11, prefix="Flash")
    columns = {"gen": "GenJet_pt[0]", "reco": "FlashJet_pt[0]", "muons": "FlashJet_nMuons[0]"}
    for name, expression in columns.items():
        df = df.Define(name, expression)
    return {name: values.astype(float) for name, values in df.AsNumpy(list(columns)).items()}


def error_of_mean(width: float, low: float, high: float, sampled: int) -> float:
    """Statistical error of a mean in a range of GEN pt: of the samples, and of the pairs that the flow learnt from."""
    learnt = 2.0 * TRAINING_EVENTS * (np.exp(-(low - 20) / 30) - np.exp(-(high - 20) / 30))
    return width * float(np.hypot(1 / np.sqrt(sampled), 1 / np.sqrt(learnt)))


@pytest.mark.parametrize(("low", "high"), list(pairwise(BINS)))
def test_simulated_jets_have_the_response_of_the_detector(
    simulated: dict[str, np.ndarray], low: float, high: float
) -> None:
    here = (simulated["gen"] >= low) & (simulated["gen"] < high)
    gen, reco, muons = (simulated[name][here] for name in ("gen", "reco", "muons"))
    assert len(simulated["gen"]) == EVENTS * FOLD_SIZE
    pull = (np.log(reco / gen) - shift(gen)) / resolution(gen)
    error = error_of_mean(1.0, low, high, len(gen))
    wanted = muon_probability(gen)
    spread = float(np.sqrt(np.mean(wanted * (1 - wanted))))
    assert abs(pull.mean()) < 4 * error
    assert abs(pull.std() - 1) < 4 * error / np.sqrt(2)
    assert set(muons) <= {0.0, 1.0}
    assert abs(muons.mean() - wanted.mean()) < 4 * error_of_mean(spread, low, high, len(gen))


def test_validation_finds_the_flow_as_good_as_its_noise_floor(flow: Path, folder: Path) -> None:
    from flashsim.cli.validate import validate

    command = typer.Typer()
    command.command()(validate)
    target = write_events(folder / "target.root", 4, 4_000, 2.0)
    out = folder / "report"
    run(flow, "--data", target, "--out", out, "--repeat", 3, command=command)
    (found,) = json.loads((out / "validation.json").read_text())["validations"]
    metrics = found["metrics"]
    assert {"wasserstein/pt", "wasserstein/nMuons", "ks/pt", "ks/nMuons", "frechet", "covariance"} < set(metrics)
    far = {
        name: metric
        for name, metric in metrics.items()
        if metric["value"] > 2 * metric["floor"] + 5 * metric["floor_error"]
    }
    assert far == {}
    assert abs(metrics["c2st"]["value"]) < 0.03
    assert (out / "report.html").stat().st_size > 10_000
