"""Checkpoints that do not belong to a training, are damaged, or would be lost."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from flashsim.training import CheckpointError, Pairs, TrainedFlow  # noqa: E402
from flashsim.training.checkpoint import load_checkpoint  # noqa: E402
from flashsim.training.trainer import Trainer  # noqa: E402
from toy_training import CONFIG, changed, quietly, run_until, toy_pairs  # noqa: E402


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("training") / "toys.pt"
    quietly(changed(epochs=1), toy_pairs(), path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, trained: bytes) -> Path:
    (tmp_path / "toys.pt").write_bytes(trained)
    return tmp_path / "toys.pt"


def test_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"toys\.pt"):
        quietly(CONFIG, toy_pairs(), tmp_path / "toys.pt", resume=True)


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        quietly(CONFIG, toy_pairs(), tmp_path / "nowhere" / "toys.pt")


def test_an_existing_checkpoint_is_not_overwritten_silently(path: Path, trained: bytes) -> None:
    with pytest.raises(
        CheckpointError, match=r"toys.pt exists. Continue from it with --resume, or start over with --over"
    ):
        quietly(changed(epochs=1, seed=9), toy_pairs(), path)
    with pytest.raises(ValueError, match="exclude each other"):
        quietly(changed(epochs=1), toy_pairs(), path, resume=True, overwrite=True)
    assert path.read_bytes() == trained
    flow = quietly(changed(epochs=1, seed=9), toy_pairs(), path, overwrite=True)
    assert flow.config.training.seed == 9


def test_another_recipe_is_refused_with_every_difference(path: Path) -> None:
    pt, muons = CONFIG.target
    other = replace(
        changed(epochs=1, batch_size=50),
        model=replace(CONFIG.model, hidden=(16, 32)),
        target=(replace(pt, range=(0.0, 500.0)), muons),
    )
    with pytest.raises(CheckpointError) as caught:
        quietly(other, toy_pairs(), path, resume=True)
    message = str(caught.value)
    for difference in (
        "training.batch_size: 50 here, 100 in the checkpoint",
        "model.hidden: [16, 32] here, [16, 16] in the checkpoint",
        "target.pt.range: [0.0, 500.0] here, [0.0, 1000.0] in the checkpoint",
    ):
        assert difference in message
    assert message.count(" here, ") == 3


def test_another_list_of_variables_is_refused(path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"target: \['pt'\] here, \['pt', 'nMuons'\] in the checkpoint"):
        quietly(replace(changed(epochs=1), target=CONFIG.target[:1]), toy_pairs(), path, resume=True)


def test_another_number_of_epochs_must_be_asked_for(path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"training.epochs: 9 here, 1 in the checkpoint. To train longer or shorter"
    ):
        quietly(changed(epochs=9), toy_pairs(), path, resume=True)
    quietly(changed(epochs=1), toy_pairs(), path, resume=True, epochs=2)
    with pytest.raises(CheckpointError, match="2 epochs are done, more than 1"):
        quietly(changed(epochs=1), toy_pairs(), path, resume=True, epochs=1)
    with pytest.raises(ValueError, match="epochs = 0: at least 1"):
        quietly(changed(epochs=1), toy_pairs(), path, resume=True, epochs=0)


def test_what_does_not_change_the_training_may_change(path: Path) -> None:
    config = replace(
        changed(epochs=1, checkpoint_minutes=1.0, patience=3),
        sampling=replace(CONFIG.sampling, default_steps=3),
        dataset=replace(CONFIG.dataset, chunk="1 MB"),
    )
    quietly(config, toy_pairs(), path, resume=True, epochs=2)
    assert TrainedFlow.load(path).config.sampling.default_steps == 3


def test_other_data_are_refused(path: Path) -> None:
    pairs = toy_pairs()
    fewer = Pairs(pairs.context[:500], pairs.target[:500])
    with pytest.raises(CheckpointError, match=r"made from other data \(toys.root\)"):
        quietly(changed(epochs=1), fewer, path, resume=True)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x80\x04K\x01.", b"PK\x03\x04 not quite a zip"])
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "flow.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"flow\.pt: not a checkpoint"):
        TrainedFlow.load(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_checkpoint_cut_short(path: Path, trained: bytes, share: float) -> None:
    path.write_bytes(trained[: int(share * len(trained))])
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load_checkpoint(path)


def test_a_checkpoint_with_wrong_bytes(path: Path, trained: bytes) -> None:
    """Wherever a byte is wrong, the checkpoint is refused or reads as it was: padding between entries holds nothing."""
    good = load_checkpoint(path)
    refused = 0
    for position in np.random.default_rng(8).integers(0, len(trained), 40):
        damaged = bytearray(trained)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            read = load_checkpoint(path)
        except CheckpointError:
            refused += 1
            continue
        for name, value in good["best"].items():
            assert torch.equal(read["best"][name], value), position
    assert refused > 10


def test_a_checkpoint_of_another_version(path: Path) -> None:
    content = load_checkpoint(path)
    torch.save({**content, "version": 2}, path)
    with pytest.raises(
        CheckpointError, match=r"not a checkpoint of version 3 \(found 2\). Use the flashsim that wrote it"
    ):
        TrainedFlow.load(path)
    del content["improvement"]
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"a checkpoint without improvement. Train again"):
        TrainedFlow.load(path)


def test_nothing_but_data_is_unpickled(path: Path) -> None:
    torch.save({**load_checkpoint(path), "best": re.compile("code")}, path)
    with pytest.raises(CheckpointError, match="not a checkpoint of a flow, or a damaged one"):
        TrainedFlow.load(path)


def test_a_checkpoint_within_the_first_epoch_is_no_flow_yet(tmp_path: Path) -> None:
    path = tmp_path / "toys.pt"
    run_until(Trainer(CONFIG, toy_pairs(), path), epoch=0, batch=2)
    with pytest.raises(CheckpointError, match=r"no epoch is complete yet. Continue with `flashsim train --resume`"):
        TrainedFlow.load(path)
