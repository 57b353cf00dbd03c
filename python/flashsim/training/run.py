"""A training from the data to the trained flow, with its messages on the screen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..output_files import check_not_inputs
from .checkpoint import CheckpointError, check_same_recipe, load_checkpoint
from .dataset import Pairs, read_pairs
from .device import choose_device
from .loss_plot import plot_loss
from .recipe.config import config_to_dict
from .recipe.sections import FlowConfig
from .schedule import Schedule
from .trained_flow import TrainedFlow
from .trainer import Trainer, beside

__all__ = ["train", "written_files"]


def written_files(output: str | Path) -> tuple[Path, Path, Path]:
    """Files that a training writes: the checkpoint, its history and the plot of the loss."""
    return Path(output), beside(output, "history.json"), beside(output, "loss.png")


def train(
    config: FlowConfig,
    data: Iterable[str | Path] | Pairs,
    output: str | Path = "checkpoint.pt",
    resume: bool = False,
    threads: int | None = None,
    progress: bool = True,
    *,
    overwrite: bool = False,
    epochs: int | None = None,
    device: str = "auto",
    store: str | Path | None = None,
) -> TrainedFlow:
    """Train a flow and write checkpoints, a history (JSON) and a plot of the loss.

    The flow is that of the epoch with the lowest validation loss: the loss of the averaged weights on held-out rows,
    always with the same random numbers. The checkpoint keeps it, and the state of the training to resume.

    Args:
        config: the recipe, see `load_config`.
        data: ROOT files of pairs, or pairs already read.
        output: checkpoint; ``<output>.history.json`` and ``<output>.loss.png`` are written beside it.
        resume: continue from ``output``, with the bits of an uninterrupted training.
        threads: CPU threads, by default torch's own number; another number may change the last bits.
        progress: show a progress bar and one line per epoch.
        overwrite: start over although ``output`` exists; it is replaced after the first epoch.
        epochs: instead of those of the recipe. A checkpoint may be resumed with another number; ``schedule = "cosine"``
            continues on the cosine of the new number, which may raise the learning rate again.
        device: see `choose_device`.
        store: folder for memory-mapped arrays of the pairs, which need not fit into memory then, and need not be read
            from the files again by a training that resumes.

    Returns:
        The flow with the averaged weights of the best epoch.

    Raises:
        DatasetError: unusable data.
        CheckpointError: ``output`` exists and neither `resume` nor `overwrite` is set; it was made with another
            recipe or from other data; it is damaged.
        FileNotFoundError: nothing to resume, or no such folder to write to.
        TrainingDiverged: the loss diverged.
        ValueError: no such device; a file of the data would be replaced.

    Example:
        >>> config = load_config("jets.toml")  # doctest: +SKIP
        >>> train(config, ["ttbar_0.root", "ttbar_1.root"], "jets.pt", threads=1)  # doctest: +SKIP
    """
    console = Console(quiet=not progress, soft_wrap=True, highlight=False)
    output = Path(output)
    place = choose_device(device)
    if epochs is not None:
        if epochs < 1:
            raise ValueError(f"epochs = {epochs}: at least 1 is needed")
        config = replace(config, training=replace(config.training, epochs=epochs))
    saved = _saved(config, output, resume, overwrite, epochs is not None)
    if not isinstance(data, Pairs):
        data = list(data)
        check_not_inputs(written_files(output), data)
    pairs = data if isinstance(data, Pairs) else read_pairs(data, config, store)
    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads_before if threads is None else threads)
    try:
        trainer = Trainer(config, pairs, output, place, saved)
        _describe(trainer, pairs, saved, console)
        _run(trainer, console)
    finally:
        torch.set_num_threads(threads_before)
    return TrainedFlow.load(output)


def _saved(
    config: FlowConfig, output: Path, resume: bool, overwrite: bool, epochs_given: bool
) -> dict[str, Any] | None:
    """The checkpoint to continue from; all checks that need no data are here."""
    output.absolute().parent.stat()  # FileNotFoundError
    if resume and overwrite:
        raise ValueError("resume and overwrite exclude each other")
    if not resume:
        if output.exists() and not overwrite:
            raise CheckpointError(f"{output} exists. Continue from it with --resume, or start over with --overwrite")
        return None
    saved = load_checkpoint(output)
    check_same_recipe(output, config_to_dict(config), saved["config"], epochs_given)
    if config.training.epochs < saved["epoch"]:
        raise CheckpointError(f"{output}: {saved['epoch']} epochs are done, more than {config.training.epochs}")
    return saved


def _describe(trainer: Trainer, pairs: Pairs, saved: Mapping[str, Any] | None, console: Console) -> None:
    console.print(f"{len(pairs)} pairs from {pairs.events} events in {len(pairs.files)} files")
    for reason, count in pairs.dropped.items():
        console.print(f"dropped {count} rows: {reason}")
    config = trainer.config
    where = f"{torch.get_num_threads()} CPU threads" if trainer.device.type == "cpu" else str(trainer.device)
    console.print(
        f"flow '{config.name}': {config.model.family}, {trainer.model.parameter_count()} parameters, on {where}; "
        f"{trainer.rows.training} pairs to train on, {trainer.rows.validation} held out"
    )
    if saved is None:
        return
    console.print(f"continuing after epoch {trainer.epoch}, batch {trainer.batch} of {trainer.batches}")
    planned = saved["config"]["training"]["epochs"]
    if planned != config.training.epochs:
        step = trainer.epoch * trainer.batches + trainer.batch
        before, now = (
            Schedule(replace(config.training, epochs=epochs), trainer.batches).rate(step)
            for epochs in (planned, config.training.epochs)
        )
        note = f": the learning rate continues from {now:.3g} instead of {before:.3g}" if before != now else ""
        console.print(f"{config.training.epochs} epochs instead of the {planned} planned{note}")


def _run(trainer: Trainer, console: Console) -> None:
    settings = trainer.config.training
    saved_at = drawn_at = time.monotonic()
    interval = 60 * settings.checkpoint_minutes
    with _Bar(trainer, console) as bar:

        def after_batches() -> None:
            nonlocal saved_at
            bar.show()
            if time.monotonic() - saved_at >= interval:
                trainer.save()
                saved_at = time.monotonic()

        try:
            while not trainer.finished:
                record = trainer.run_epoch(after_batches)
                trainer.save()
                saved_at = time.monotonic()
                bar.show(now=trainer.finished)
                console.print(_line(record, trainer.improvement.best_epoch))
                if saved_at - drawn_at >= interval:
                    _draw(trainer)
                    drawn_at = saved_at
        finally:
            if trainer.history:
                _draw(trainer)
    if trainer.epoch < settings.epochs:
        console.print(f"stopped: no improvement beyond its noise in the last {settings.patience} epochs")
    console.print(f"best epoch: {trainer.improvement.best_epoch}, validation loss {trainer.improvement.best_loss:.4f}")


class _Bar(Progress):
    """Epoch, loss, rate and best epoch; refreshed once in a while: a step may take a millisecond."""

    _PERIOD = 0.5  # seconds

    def __init__(self, trainer: Trainer, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(),
            console=console,
            refresh_per_second=1 / self._PERIOD,
            speed_estimate_period=60,
        )
        self._trainer, self._shown_at = trainer, 0.0
        total = trainer.config.training.epochs * trainer.rows.training
        self._line = self.add_task("training", total=total, completed=trainer.rows_done, state="")

    def show(self, now: bool = False) -> None:
        """Refresh the line, if its period is over or at once if ``now``."""
        if not now and time.monotonic() - self._shown_at < self._PERIOD:
            return
        self._shown_at = time.monotonic()
        trainer, task = self._trainer, self.tasks[self._line]
        epochs = trainer.config.training.epochs
        self.update(
            self._line,
            completed=trainer.rows_done,
            description=f"epoch {min(trainer.epoch + 1, epochs)}/{epochs}",
            state=f"loss {trainer.running_loss:.4f}, {task.speed or 0:.0f} rows/s, "
            f"best epoch {trainer.improvement.best_epoch or '–'}",
        )


def _line(record: Mapping[str, Any], best_epoch: int) -> str:
    return (
        f"epoch {record['epoch']}: training loss {record['training_loss']:.4f}, "
        f"validation loss {record['validation_loss']:.4f} ± {record['validation_error']:.4f}"
        f"{' (best)' if record['epoch'] == best_epoch else ''}, "
        f"learning rate {record['learning_rate']:.2g}, {record['seconds']:.1f} s"
    )


def _draw(trainer: Trainer) -> None:
    family = trainer.config.model.family
    plot_loss(trainer.history, trainer.beside("loss.png"), family, trainer.improvement.best_epoch)
