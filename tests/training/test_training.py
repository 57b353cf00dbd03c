"""A training repeats, resumes bit for bit, stops when it should, and never loses a good checkpoint."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

import toy_training  # noqa: E402
from flashsim.training import FlowConfig, Pairs, TrainingDiverged, train  # noqa: E402
from flashsim.training.checkpoint import load_checkpoint  # noqa: E402
from flashsim.training.device import choose_device  # noqa: E402
from flashsim.training.improvement import Improvement  # noqa: E402
from flashsim.training.loss_plot import LOSS_LABELS, plot_loss  # noqa: E402
from flashsim.training.recipe.sections import (  # noqa: E402
    AffineConfig,
    FlowMatchingConfig,
    TrainingConfig,
    VariableConfig,
)
from flashsim.training.schedule import Schedule  # noqa: E402
from flashsim.training.trainer import Trainer  # noqa: E402
from toy_training import CONFIG, MODELS, changed, quietly, run_until, toy_pairs  # noqa: E402

pytestmark = pytest.mark.training


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def pairs() -> Pairs:
    return toy_pairs()


def finish(config: FlowConfig, pairs: Pairs, path: Path, resume: bool = False) -> None:
    """As `train`, without pictures."""
    trainer = Trainer(config, pairs, path, saved=load_checkpoint(path) if resume else None)
    while not trainer.finished:
        trainer.run_epoch()
        trainer.save()


def weights(path: Path) -> dict[str, torch.Tensor]:
    """Everything that a resumed training must share with an uninterrupted one."""
    saved = load_checkpoint(path)
    tensors = {f"{part}.{key}": value for part in ("model", "average", "best") for key, value in saved[part].items()}
    for index, state in saved["optimiser"]["state"].items():
        tensors |= {f"optimiser.{index}.{key}": value for key, value in state.items()}
    return tensors


def history(path: Path) -> list[dict[str, float]]:
    entries = json.loads(path.with_name(f"{path.name}.history.json").read_text())
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in entries]


def assert_same(first: Path, second: Path) -> None:
    assert history(first) == history(second)
    one, other = weights(first), weights(second)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_training_repeats_and_depends_on_the_seed(tmp_path: Path, pairs: Pairs) -> None:
    for name, seed in (("once", 3), ("again", 3), ("other", 4)):
        quietly(changed(seed=seed), pairs, tmp_path / f"{name}.pt")
    assert_same(tmp_path / "once.pt", tmp_path / "again.pt")
    once, other = weights(tmp_path / "once.pt"), weights(tmp_path / "other.pt")
    assert not torch.equal(once["model.velocity.output.weight"], other["model.velocity.output.weight"])
    assert (tmp_path / "once.pt.loss.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("family", MODELS)
@pytest.mark.parametrize("schedule", ["cosine", "constant", "plateau"])
@pytest.mark.parametrize("batch", [0, 4], ids=["between epochs", "within an epoch"])
def test_a_resumed_training_is_bit_identical(
    tmp_path: Path, pairs: Pairs, family: str, schedule: str, batch: int
) -> None:
    config = replace(changed(epochs=2, schedule=schedule, plateau_epochs=1), model=MODELS[family])
    whole, parts = tmp_path / "whole.pt", tmp_path / "parts.pt"
    finish(config, pairs, whole)
    torn = Trainer(config, pairs, parts)
    run_until(torn, epoch=1, batch=batch)
    saved = load_checkpoint(parts)
    assert (saved["epoch"], saved["batch"]) == (1, batch)
    finish(config, pairs, parts, resume=True)
    assert_same(whole, parts)


KILLED = """
import sys
import torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
from toy_training import changed, quietly, toy_pairs
from pathlib import Path
quietly(changed(epochs=100_000, checkpoint_minutes=0), toy_pairs(), Path(sys.argv[2]))
"""


def test_a_killed_training_resumes_bit_identically(tmp_path: Path, pairs: Pairs) -> None:
    """Killed at any moment, while it does little but write checkpoints."""
    path, kept = tmp_path / "killed.pt", tmp_path / "kept.pt"
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(Path(toy_training.__file__).parent), str(path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 120
        while not path.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors.decode()
    config = changed(epochs=100_000, checkpoint_minutes=0)
    resumed = Trainer(config, pairs, path, saved=load_checkpoint(path))
    whole = Trainer(config, pairs, kept)
    reached = (resumed.epoch, resumed.batch)
    assert reached > (0, 0)
    resumed.run_epoch()
    while whole.epoch < resumed.epoch:
        whole.run_epoch()
    for trainer in (resumed, whole):
        trainer.save()
    assert_same(path, kept)


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(
    tmp_path: Path, pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "toys.pt"
    trainer = Trainer(CONFIG, pairs, path)
    trainer.run_epoch()
    trainer.save()
    good = path.read_bytes()

    def full(content: Any, file: Any) -> None:
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    trainer.run_epoch()
    with pytest.raises(OSError, match="No space left"):
        trainer.save()
    assert path.read_bytes() == good
    assert [file.name for file in tmp_path.glob("toys.pt*")] != []
    assert not list(tmp_path.glob("*.tmp"))


def test_memory_mapped_pairs_train_the_same_bits(tmp_path: Path, pairs: Pairs) -> None:
    arrays = {}
    for name in ("context", "target", "event"):
        array = getattr(pairs, name)
        array.tofile(tmp_path / name)
        arrays[name] = np.memmap(tmp_path / name, array.dtype, mode="r", shape=array.shape)
    mapped = Pairs(**arrays, files=pairs.files, events=pairs.events)
    finish(CONFIG, pairs, tmp_path / "memory.pt")
    finish(CONFIG, mapped, tmp_path / "mapped.pt")
    assert_same(tmp_path / "memory.pt", tmp_path / "mapped.pt")


def test_training_approaches_the_least_possible_loss(tmp_path: Path, pairs: Pairs) -> None:
    """The prepared toys are standard normal and independent: the least loss is ∫ dt / (t² + (1-t)²) = π/2."""
    path = tmp_path / "toys.pt"
    flow = quietly(changed(epochs=30, batch_size=50, learning_rate=0.01, average_decay=0.99), pairs, path)
    entries = history(path)
    assert entries[0]["training_loss"] > 1.75
    assert entries[-1]["training_loss"] == pytest.approx(np.pi / 2, rel=0.06)
    assert abs(entries[-1]["validation_loss"] - np.pi / 2) < 4 * entries[-1]["validation_error"]
    assert entries[-1]["learning_rate"] < 0.1 * entries[1]["learning_rate"]
    provenance = flow.provenance
    assert provenance["files"] == ["toys.root"]
    assert provenance["pairs"] + provenance["validation_pairs"] == 600
    assert (provenance["epochs"], provenance["device"]) == (30, "cpu")
    assert provenance["parameters"] == sum(parameter.numel() for parameter in flow.model.parameters())
    assert provenance["data_sha256"] == pairs.checksum()
    best = min(entries, key=lambda entry: entry["validation_loss"])
    assert provenance["best_epoch"] == best["epoch"]
    assert provenance["validation_loss"] == best["validation_loss"]


@pytest.mark.parametrize("family", ["affine", "spline"])
def test_discrete_families_approach_the_entropy(tmp_path: Path, pairs: Pairs, family: str) -> None:
    """The least negative log likelihood of the toys is the entropy of a standard normal, ½ ln(2πe) per variable."""
    path = tmp_path / "toys.pt"
    config = changed(epochs=12, batch_size=50, learning_rate=0.01, average_decay=0.95)
    finish(replace(config, model=MODELS[family]), pairs, path)
    last = history(path)[-1]
    entropy = 2 * 0.5 * math.log(2 * math.pi * math.e)
    assert abs(last["training_loss"] - entropy) < 0.1
    assert abs(last["validation_loss"] - entropy) < 4 * last["validation_error"]


def rates(settings: TrainingConfig, waited: list[int]) -> list[float]:
    """Learning rate at the first step of every epoch of ten batches."""
    schedule = Schedule(settings, batches=10)
    result = []
    for epoch, epochs_without in enumerate(waited):
        result.append(schedule.rate(10 * epoch))
        schedule.end_epoch(epochs_without)
    return result


def test_schedules() -> None:
    settings = TrainingConfig(epochs=5, learning_rate=1.0, final_learning_rate=0.01, warmup_epochs=1, plateau_epochs=2)
    idle = [0, 0, 0, 0, 0]
    warm = Schedule(settings, batches=10)
    assert [warm.rate(step) for step in range(10)] == pytest.approx([(step + 1) / 11 for step in range(10)])
    quarters = [0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * part)) for part in (0, 0.25, 0.5, 0.75)]
    assert rates(settings, idle)[1:] == pytest.approx(quarters)
    assert warm.rate(50) == pytest.approx(0.01)
    assert warm.rate(1000) == pytest.approx(0.01)
    assert rates(replace(settings, schedule="constant"), idle)[1:] == [1, 1, 1, 1]
    plateau = replace(settings, schedule="plateau", plateau_factor=0.1, final_learning_rate=0.001)
    assert rates(plateau, idle)[1:] == [1, 1, 1, 1]
    assert rates(plateau, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])[1:] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001, 0.001]
    )


def test_an_improvement_exceeds_its_noise() -> None:
    """Losses of two epochs share their fluctuations: a small common shift counts, a shift within the noise does not."""
    generator = np.random.default_rng(5)
    common, noise = generator.normal(1, 0.5, 100), generator.normal(0, 0.01, 100)
    noise -= noise.mean()
    improvement = Improvement([10] * 100)
    assert improvement.add(1, common)
    assert improvement.add(2, common - 0.001 + noise)  # standard error 0.001
    assert (improvement.best_epoch, improvement.waited) == (2, 1)
    assert improvement.add(3, common - 0.005 + noise)
    assert (improvement.best_epoch, improvement.waited) == (3, 0)
    assert not improvement.add(4, common)
    assert (improvement.best_epoch, improvement.waited) == (3, 1)
    assert improvement.best_loss == pytest.approx(np.mean(common) - 0.005)


def test_small_improvements_add_up() -> None:
    generator = np.random.default_rng(6)
    improvement = Improvement([10] * 100)
    waited = []
    for epoch in range(1, 13):
        noise = generator.normal(0, 0.01, 100)
        improvement.add(epoch, 1 - 0.0007 * epoch + noise - noise.mean())
        waited.append(improvement.waited)
    assert waited[1] == 1
    assert 0 in waited[2:]


def test_early_stopping_keeps_the_best_epoch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Few rows and a large network: the validation loss rises again while the training loss still falls."""
    path = tmp_path / "toys.pt"
    config = replace(
        changed(epochs=400, schedule="constant", patience=8, learning_rate=0.01, average_decay=0.9, batch_size=20),
        model=FlowMatchingConfig(hidden=(64, 64), time_frequencies=2),
        dataset=replace(CONFIG.dataset, validation_fraction=0.3),
    )
    flow = train(config, toy_pairs(120), path, threads=1, device="cpu")
    entries = history(path)
    losses = [entry["validation_loss"] for entry in entries]
    assert 8 < len(entries) < 400
    assert flow.provenance["best_epoch"] == 1 + int(np.argmin(losses)) < len(entries)
    assert "stopped: no improvement beyond its noise in the last 8 epochs" in capsys.readouterr().out
    saved = load_checkpoint(path)
    assert any(not torch.equal(saved["best"][name], value) for name, value in saved["average"].items())
    exported = flow.model.state_dict()
    assert all(torch.equal(exported[name], value) for name, value in saved["best"].items())
    # It is over, also for a resumed one, until it may wait longer.
    quietly(config, toy_pairs(120), path, resume=True)
    assert len(history(path)) == len(entries)
    longer = replace(config, training=replace(config.training, patience=9))
    quietly(longer, toy_pairs(120), path, resume=True)
    assert len(history(path)) > len(entries)


def test_a_plateau_lowers_the_learning_rate(tmp_path: Path) -> None:
    path = tmp_path / "toys.pt"
    config = changed(epochs=20, schedule="plateau", plateau_epochs=2, patience=0, learning_rate=0.01, average_decay=0.5)
    quietly(config, toy_pairs(200), path)
    rate = [entry["learning_rate"] for entry in history(path)][1:]
    assert load_checkpoint(path)["reductions"] >= 1
    assert rate == sorted(rate, reverse=True)
    steps = sorted(set(rate), reverse=True)
    assert steps == pytest.approx([max(0.01 * 0.3**power, 1e-6) for power in range(len(steps))])
    assert len(steps) > 1


def test_more_epochs_than_planned(tmp_path: Path, pairs: Pairs, capsys: pytest.CaptureFixture[str]) -> None:
    """A constant rate gives the bits of a training planned that long; a cosine goes over to the longer one."""
    for schedule in ("constant", "cosine"):
        planned, extended = (tmp_path / f"{schedule}_planned.pt", tmp_path / f"{schedule}_extended.pt")
        config = changed(epochs=4, schedule=schedule)
        quietly(config, pairs, planned)
        quietly(changed(epochs=2, schedule=schedule), pairs, extended)
        train(changed(epochs=2, schedule=schedule), pairs, extended, resume=True, epochs=4, threads=1, device="cpu")
        said = capsys.readouterr().out
        assert "4 epochs instead of the 2 planned" in said
        if schedule == "constant":
            assert_same(planned, extended)
            assert "learning rate continues" not in said
        else:
            assert [entry["learning_rate"] for entry in history(extended)][2:] == [
                entry["learning_rate"] for entry in history(planned)
            ][2:]
            assert "the learning rate continues from 0.00075 instead of 1e-06" in said


def test_a_diverging_training_stops_and_keeps_the_last_good_checkpoint(tmp_path: Path, pairs: Pairs) -> None:
    path = tmp_path / "toys.pt"
    trainer = Trainer(CONFIG, pairs, path)
    with pytest.raises(TrainingDiverged, match="no epoch was saved yet"):
        spoilt = Trainer(CONFIG, pairs, path)
        spoil(spoilt, math.nan)
        spoilt.run_epoch()
    trainer.run_epoch()
    trainer.save()
    good = path.read_bytes()
    spoil(trainer, 1e4)
    with pytest.raises(
        TrainingDiverged, match=r"epoch 2: the loss rose to .*toys.pt keeps epoch 1. Lower training.lea"
    ):
        trainer.run_epoch()
    trainer = Trainer(CONFIG, pairs, path, saved=load_checkpoint(path))
    spoil(trainer, 1e4)
    with pytest.raises(TrainingDiverged, match=r"epoch 2: the loss rose to"):  # nor within an epoch
        trainer.run_epoch(trainer.save)
    trainer = Trainer(CONFIG, pairs, path, saved=load_checkpoint(path))
    spoil(trainer, math.nan)
    with pytest.raises(TrainingDiverged, match=r"epoch 2: the loss became nan by batch 1 of 6"):
        trainer.run_epoch(trainer.save)
    assert path.read_bytes() == good
    assert len(history(path)) == 1


def spoil(trainer: Trainer, factor: float) -> None:
    with torch.no_grad():
        trainer.model.velocity.output.weight.mul_(factor)


def test_a_gradient_that_is_no_number_stops_the_training(tmp_path: Path, pairs: Pairs) -> None:
    trainer = Trainer(CONFIG, pairs, tmp_path / "toys.pt")
    trainer.model.velocity.output.bias.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(TrainingDiverged, match=r"epoch 1: the gradient became (inf|nan) by batch 1 of 6"):
        trainer.run_epoch()


def test_a_negative_loss_is_no_divergence(tmp_path: Path) -> None:
    """Likelihoods of narrow distributions exceed 1: the loss passes 0 on its way down."""
    generator = np.random.default_rng(7)
    gen = generator.uniform(20, 200, (400, 1)).astype(np.float32)
    reco = np.concatenate([gen, gen], axis=1)
    plain = tuple(VariableConfig(name, (0.0, 1000.0), ({"op": "standardise"},)) for name in ("pt", "mass"))
    config = replace(
        changed(epochs=15, learning_rate=0.01, batch_size=20, average_decay=0.9),
        target=plain,
        context=(VariableConfig("pt", (0.0, 1000.0), ({"op": "standardise"},)),),
        model=AffineConfig(transforms=3, hidden=(16,)),
    )
    path = tmp_path / "toys.pt"
    finish(config, Pairs(gen, reco, ["toys.root"], 400), path)
    losses = [entry["training_loss"] for entry in history(path)]
    assert losses[0] > 0 > losses[-1]


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for name in ("gpu", "cuda:x", "cpu:1", ""):
        with pytest.raises(ValueError, match=f"device '{name}' is not one of auto, cpu, cuda"):
            choose_device(name)
    with pytest.raises(
        ValueError, match=r"device 'cuda:99': torch .* finds \d+ CUDA GPUs here. Use --device cpu, or inst"
    ):
        choose_device("cuda:99")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_refused_before_the_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"device 'cuda': torch .* finds 0 CUDA GPUs here"):
        train(CONFIG, [tmp_path / "absent.root"], tmp_path / "toys.pt", device="cuda")


def test_sampling_checks_its_input(tmp_path: Path, pairs: Pairs) -> None:
    flow = quietly(changed(epochs=1), pairs, tmp_path / "t.pt")
    with pytest.raises(ValueError, match=r"noise has shape \(3, 5\), expected \(3, 2\)"):
        flow.sample(np.ones((3, 1)), np.ones((3, 5)))
    with pytest.raises(ValueError, match=r"context has shape \(3, 2\), expected \(3, 1\)"):
        flow.sample(np.ones((3, 2)), np.ones((3, 2)))


@pytest.mark.parametrize("family", LOSS_LABELS)
@pytest.mark.parametrize("epochs", [1, 50])
def test_loss_plots_are_drawn(tmp_path: Path, family: str, epochs: int) -> None:
    entries = [
        {
            "epoch": n,
            "training_loss": 1 / n - 0.5,
            "validation_loss": 1.1 / n - 0.5,
            "validation_error": 0.01 + 1 / n**2,
            "learning_rate": 1e-3 / n,
        }
        for n in range(1, epochs + 1)
    ]
    plot_loss(entries, tmp_path / "loss.png", family, best_epoch=epochs)
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert set(LOSS_LABELS) == set(MODELS)
