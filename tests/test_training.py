"""Recipes, data, probability path, solvers, and a training that repeats and resumes bit for bit."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
uproot = pytest.importorskip("uproot")
ak = pytest.importorskip("awkward")

from flashsim.training import (  # noqa: E402
    CheckpointError,
    ConfigError,
    DatasetError,
    FlowConfig,
    Pairs,
    TrainedFlow,
    TrainingDiverged,
    load_config,
    read_pairs,
    train,
)
from flashsim.training.compare import (  # noqa: E402
    kolmogorov_smirnov,
    marginal_distances,
    plot_marginals,
    plot_response,
)
from flashsim.training.config import config_from_dict, config_to_dict  # noqa: E402
from flashsim.training.flow_matching import (  # noqa: E402
    flow_matching_loss,
    integrate,
    path_point,
    path_velocity,
    stratified_times,
)
from flashsim.training.network import VelocityNetwork  # noqa: E402
from flashsim.training.trainer import Trainer  # noqa: E402

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


@pytest.fixture
def config(tmp_path: Path) -> FlowConfig:
    path = tmp_path / "toys.toml"
    path.write_text(RECIPE)
    return load_config(path)


@pytest.fixture
def pairs() -> Pairs:
    generator = np.random.default_rng(1)
    gen = generator.uniform(20, 200, 600)
    reco = np.stack([gen * generator.normal(1, 0.1, 600), generator.integers(0, 3, 600)], axis=1)
    return Pairs(gen[:, None].astype(np.float32), reco.astype(np.float32), ["toys.root"], 100)


def test_shipped_recipe_is_valid_and_survives_a_round_trip() -> None:
    shipped = load_config(Path(str(files("flashsim.training") / "jets.toml")))
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
        ("name = ", "name : ", r"not a TOML file"),
        (
            "[training]",
            '[sampling]\nsolver = "rk5"\n[training]',
            r"sampling.solver: expected one of euler, midp",
        ),
    ],
)
def test_recipe_errors_name_file_key_and_remedy(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "toys.toml"
    path.write_text(RECIPE.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_point_of_the_path_moves_with_its_velocity() -> None:
    generator = torch.Generator().manual_seed(1)
    x, noise = torch.randn(50, 3, generator=generator).double(), torch.randn(50, 3, generator=generator).double()
    time = stratified_times(50, generator).double() * 0.999
    z = path_point(x, noise, time, 0.01)
    expected = x - 0.99 * noise
    torch.testing.assert_close(path_velocity(x, z, time, 0.01), expected)
    torch.testing.assert_close((path_point(x, noise, time + 1e-6, 0.01) - z) / 1e-6, expected, rtol=1e-6, atol=1e-6)
    assert torch.equal(path_point(x, noise, torch.zeros(50, 1).double(), 0.01), noise)


def test_the_path_has_the_mean_and_width_of_the_paper() -> None:
    generator = torch.Generator().manual_seed(2)
    noise = torch.randn(200_000, 1, generator=generator)
    z = path_point(torch.tensor([[2.0]]), noise, torch.tensor([[0.75]]), 0.1)
    assert z.mean().item() == pytest.approx(0.75 * 2.0, abs=0.005)
    assert z.std().item() == pytest.approx(1 - 0.9 * 0.75, rel=0.01)


def test_stratified_times_are_uniform() -> None:
    times = stratified_times(1000, torch.Generator().manual_seed(3)).squeeze(1)
    assert torch.equal((times * 1000).floor(), torch.arange(1000.0))


def test_the_loss_is_least_for_the_exact_velocity() -> None:
    """For x ~ N(m, s²) the marginal velocity is known: E[x - (1-σ) noise | z], linear in z."""
    mean, width, sigma = 1.5, 0.5, 1e-3
    generator = torch.Generator().manual_seed(4)
    x = mean + width * torch.randn(100_000, 1, generator=generator)
    noise = torch.randn(100_000, 1, generator=generator)
    time = stratified_times(100_000, generator)[torch.randperm(100_000, generator=generator)]

    def velocity(z, t, context, shift: float = 0.0):
        remaining = 1 - (1 - sigma) * t
        slope = (t * width**2 - (1 - sigma) * remaining) / (t**2 * width**2 + remaining**2)
        return mean + slope * (z - t * mean) + shift

    def loss(shift: float) -> float:
        return flow_matching_loss(lambda *a: velocity(*a, shift=shift), x, x, noise, time, sigma).item()

    assert loss(0.0) < loss(0.05)
    assert loss(0.0) < loss(-0.05)
    sample = integrate(velocity, noise, x, steps=100, solver="midpoint")
    assert sample.mean().item() == pytest.approx(mean, abs=0.01)
    assert sample.std().item() == pytest.approx(width, rel=0.02)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2)])
def test_solvers_converge_with_their_order(solver: str, order: int) -> None:
    start = torch.ones(1, 1, dtype=torch.float64)

    def error(steps: int) -> float:
        end = integrate(lambda x, t, c: x * torch.cos(t.double()), start, start, steps, solver)
        return abs(end.item() - np.exp(np.sin(1.0)))

    assert np.log2(error(20) / error(40)) == pytest.approx(order, abs=0.15)


def test_impossible_integrations_are_refused() -> None:
    start = torch.ones(1, 1)
    with pytest.raises(ValueError, match="solver 'rk5' is not one of euler, midpoint, heun, rk4"):
        integrate(lambda x, t, c: x, start, start, 1, "rk5")
    with pytest.raises(ValueError, match="steps = 0"):
        integrate(lambda x, t, c: x, start, start, 0, "euler")


def test_network_uses_position_time_and_context_row_by_row() -> None:
    torch.manual_seed(0)
    network = VelocityNetwork(dimension=3, context_features=2, hidden=(8, 16, 16), frequencies=2)
    x, time, context = torch.randn(6, 3), torch.rand(6, 1), torch.randn(6, 2)
    result = network(x, time, context)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(network(x[order], time[order], context[order]), result[order])
    for changed in ((x + 1, time, context), (x, time + 0.1, context), (x, time, context + 1)):
        assert (network(*changed) - result).abs().min() > 0


def write_events(path: Path, kind: str = "TTree", **changes: object) -> Path:
    columns = {
        "GenJet_pt": ak.Array([[50.0, 30.0], [], [90.0, 80.0, 20.0]]),
        "Jet_pt": ak.Array([[52.0, 33.0], [], [95.0, 71.0, 22.0]]),
        "Jet_nMuons": ak.values_astype(ak.Array([[1, 0], [], [0, 2, 0]]), np.uint8),
        "Jet_genJetIdx": ak.values_astype(ak.Array([[0, 1], [], [1, 0, 2]]), np.int16),
        **changes,
    }
    with uproot.recreate(path) as file:
        make = file.mktree if kind == "TTree" else file.mkrntuple
        make("Events", columns)
    return path


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
def test_pairs_follow_the_index(tmp_path: Path, config: FlowConfig, kind: str) -> None:
    path = write_events(tmp_path / "events.root", kind)
    pairs = read_pairs([path, path], config)
    assert pairs.context[:5, 0].tolist() == [50, 30, 80, 90, 20]
    assert pairs.target[:5].tolist() == [[52, 1], [33, 0], [95, 0], [71, 2], [22, 0]]
    assert (len(pairs), pairs.events, pairs.files, pairs.dropped) == (10, 6, ["events.root", "events.root"], {})
    assert pairs.checksum() != read_pairs([path], config).checksum()


def test_unusable_rows_are_counted_by_reason(tmp_path: Path, config: FlowConfig) -> None:
    broken = ak.Array([[np.nan, 33.0], [], [5000.0, 71.0, 22.0]])
    path = write_events(tmp_path / "events.root", Jet_pt=broken, Jet_genJetIdx=ak.Array([[0, -1], [], [1, 0, 2]]))
    with pytest.raises(DatasetError, match=r"2 of 4 rows are unusable.*Jet_pt not finite: 1 rows"):
        read_pairs([path], config)
    tolerant = replace(config, dataset=replace(config.dataset, maximum_dropped_fraction=0.9))
    pairs = read_pairs([path], tolerant)
    assert pairs.target[:, 0].tolist() == [71, 22]
    assert pairs.dropped == {
        "Jet_genJetIdx below 0 (no GEN partner)": 1,
        "Jet_pt not finite": 1,
        "Jet_pt outside [0, 1000]": 1,
    }


def test_unusable_files_are_named(tmp_path: Path, config: FlowConfig) -> None:
    path = write_events(tmp_path / "events.root")
    beyond = write_events(tmp_path / "beyond.root", Jet_genJetIdx=ak.Array([[0, 1], [], [1, 0, 3]]))
    with pytest.raises(DatasetError, match=r"beyond.root: Jet_genJetIdx = \[1, 0, 3\] in an event with 3 objects"):
        read_pairs([beyond], config)
    with pytest.raises(DatasetError, match=r"events.root: no tree 'Runs'"):
        read_pairs([path], replace(config, dataset=replace(config.dataset, tree="Runs")))
    other = replace(config, target=(replace(config.target[0], branch="Jet_energy"), config.target[1]))
    with pytest.raises(DatasetError, match=r"events.root: 'Events' has no branch 'Jet_energy'"):
        read_pairs([path], other)
    with pytest.raises(DatasetError, match=r"absent.root: cannot be opened"):
        read_pairs([tmp_path / "absent.root"], config)


def test_kolmogorov_smirnov_distance_of_known_samples() -> None:
    assert kolmogorov_smirnov(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == pytest.approx(0.5)
    assert kolmogorov_smirnov(np.array([0.0, 0, 1]), np.array([0.0, 1, 1])) == pytest.approx(1 / 3)
    assert kolmogorov_smirnov(np.arange(5.0), np.arange(5.0)) == 0


def test_comparison_pictures_are_drawn(tmp_path: Path, config: FlowConfig, pairs: Pairs) -> None:
    distances = marginal_distances(pairs.target, pairs.target[:300], config.target)
    assert list(distances) == ["pt", "nMuons"]
    assert 0 < max(distances.values()) < 0.2
    plot_marginals(pairs.target, pairs.target[:300], config.target, tmp_path / "marginals.png")
    generator = np.random.default_rng(2)
    context = {"pt": generator.uniform(20, 200, 4000), "partonFlavour": generator.choice([1, 21, -4, 5], 4000)}
    reco = {"pt": context["pt"] * generator.normal(1, 0.1, 4000), "btag": generator.random(4000)}
    plot_response(context, reco, reco, tmp_path / "response.png")
    for name in ("marginals.png", "response.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def weights(flow: TrainedFlow) -> dict[str, torch.Tensor]:
    return flow.model.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_training_repeats_and_resumes_bit_for_bit(tmp_path: Path, config: FlowConfig, pairs: Pairs) -> None:
    whole = train(config, pairs, tmp_path / "whole.pt", threads=1, progress=False)
    again = train(config, pairs, tmp_path / "again.pt", threads=1, progress=False)
    trainer = Trainer(config, pairs, tmp_path / "parts.pt")
    trainer.run_epoch()
    trainer.save()
    trainer.run_epoch()
    parts = train(config, pairs, tmp_path / "parts.pt", resume=True, threads=1, progress=False)
    assert same(weights(whole), weights(again))
    assert same(weights(whole), weights(parts))
    losses = [
        [(entry["epoch"], entry["training_loss"], entry["validation_loss"]) for entry in json.loads(path.read_text())]
        for path in sorted(tmp_path.glob("*.history.json"))
    ]
    assert len(losses[0]) == config.training.epochs
    assert losses[0] == losses[1] == losses[2]
    other = train(
        replace(config, training=replace(config.training, seed=4)), pairs, tmp_path / "other.pt", progress=False
    )
    assert not same(weights(whole), weights(other))
    assert (tmp_path / "whole.pt.loss.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("*.tmp"))


def test_training_approaches_the_least_possible_loss(tmp_path: Path, config: FlowConfig, pairs: Pairs) -> None:
    """The prepared toys are standard normal and independent: the least loss is ∫ dt / (t² + (1-t)²) = π/2."""
    longer = replace(config, training=replace(config.training, epochs=30, batch_size=50, learning_rate=0.01))
    flow = train(longer, pairs, tmp_path / "toys.pt", threads=1, progress=False)
    history = json.loads((tmp_path / "toys.pt.history.json").read_text())
    assert history[0]["training_loss"] > 1.75
    assert history[-1]["training_loss"] == pytest.approx(np.pi / 2, rel=0.06)
    assert history[-1]["learning_rate"] < 0.1 * history[1]["learning_rate"]
    provenance = flow.provenance
    assert provenance["files"] == ["toys.root"]
    assert provenance["pairs"] + provenance["validation_pairs"] == 600
    assert provenance["epochs"] == 30
    assert provenance["parameters"] == sum(parameter.numel() for parameter in flow.model.parameters())
    assert provenance["data_sha256"] == pairs.checksum()


def test_resuming_something_else_is_refused(tmp_path: Path, config: FlowConfig, pairs: Pairs) -> None:
    path = tmp_path / "toys.pt"
    with pytest.raises(FileNotFoundError, match=re.escape(str(path))):
        train(config, pairs, path, resume=True, progress=False)
    train(config, pairs, path, progress=False)
    longer = replace(config, training=replace(config.training, epochs=9))
    with pytest.raises(CheckpointError, match="another recipe, which differs in training"):
        train(longer, pairs, path, resume=True, progress=False)
    fewer = Pairs(pairs.context[:500], pairs.target[:500])
    with pytest.raises(CheckpointError, match=r"made from other data \(toys.root\)"):
        train(config, fewer, path, resume=True, progress=False)
    path.write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="not a checkpoint of a flow"):
        TrainedFlow.load(path)


def test_a_diverging_training_stops_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, config: FlowConfig, pairs: Pairs
) -> None:
    path = tmp_path / "toys.pt"
    trainer = Trainer(config, pairs, path)
    trainer.run_epoch()
    trainer.save()
    good = path.read_bytes()
    with torch.no_grad():
        trainer.model.velocity.output.weight.mul_(1e4)
    with pytest.raises(TrainingDiverged, match=r"epoch 2: the loss rose to .*toys.pt keeps epoch 1"):
        trainer.run_epoch()
    with torch.no_grad():
        trainer.model.velocity.output.weight.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match=r"epoch 2: the loss became nan in batch 0"):
        trainer.run_epoch()
    assert path.read_bytes() == good
    assert len(json.loads((tmp_path / "toys.pt.history.json").read_text())) == 1


def test_sampling_checks_its_input(tmp_path: Path, config: FlowConfig, pairs: Pairs) -> None:
    flow = train(replace(config, training=replace(config.training, epochs=1)), pairs, tmp_path / "t.pt", progress=False)
    with pytest.raises(ValueError, match=r"noise has shape \(3, 5\), expected \(3, 2\)"):
        flow.sample(np.ones((3, 1)), np.ones((3, 5)))
    with pytest.raises(ValueError, match=r"context has shape \(3, 2\), expected \(3, 1\)"):
        flow.sample(np.ones((3, 2)), np.ones((3, 2)))


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x80\x04K\x01.", b"PK\x03\x04 not quite a zip"])
def test_a_file_that_is_no_checkpoint(tmp_path, content):
    path = tmp_path / "flow.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"flow\.pt: not a checkpoint"):
        TrainedFlow.load(path)
