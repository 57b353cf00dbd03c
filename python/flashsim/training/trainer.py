"""Training of a flow by flow matching, deterministic for a given seed and resumable bit for bit."""

from __future__ import annotations

import json
import math
import platform
import time
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from .checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from .compare import plot_loss
from .config import FlowConfig, config_to_dict
from .dataset import Pairs, read_pairs
from .flow import TrainedFlow
from .models import make_model
from .preprocessing import Preprocessing

__all__ = ["Trainer", "TrainingDiverged", "train"]


class TrainingDiverged(RuntimeError):
    """The loss is no number any more or far above its best; the last good checkpoint is kept."""


def train(
    config: FlowConfig,
    data: Iterable[str | Path] | Pairs,
    output: str | Path = "checkpoint.pt",
    resume: bool = False,
    threads: int | None = None,
    progress: bool = True,
) -> TrainedFlow:
    """Train a flow and write checkpoints, a history (JSON) and a plot of the loss.

    Args:
        config: the recipe, see `load_config`.
        data: ROOT files of pairs, or pairs already read.
        output: checkpoint; ``<output>.history.json`` and ``<output>.loss.png`` are written beside it.
        resume: go on from ``output``, bit for bit as if the training had not stopped.
        threads: CPU threads, by default what torch takes; another number may change the last bits.
        progress: show a progress bar and one line per checkpoint.

    Returns:
        The flow with averaged weights.

    Raises:
        DatasetError: unusable data.
        CheckpointError: resuming with another recipe or other data.
        TrainingDiverged: the loss diverged.

    Example:
        >>> config = load_config("jets.toml")  # doctest: +SKIP
        >>> train(config, ["ttbar_0.root", "ttbar_1.root"], "jets.pt", threads=1)  # doctest: +SKIP
    """
    console = Console(quiet=not progress)
    pairs = data if isinstance(data, Pairs) else read_pairs(data, config)
    console.print(f"{len(pairs)} pairs from {pairs.events} events in {len(pairs.files)} files")
    for reason, count in pairs.dropped.items():
        console.print(f"dropped {count} rows: {reason}")
    trainer = Trainer(config, pairs, Path(output))
    if resume:
        trainer.resume()
    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads_before if threads is None else threads)
    try:
        _run(trainer, console)
    finally:
        torch.set_num_threads(threads_before)
        if trainer.history:
            plot_loss(trainer.history, trainer.beside("loss.png"))
    return TrainedFlow.load(output)


def _run(trainer: Trainer, console: Console) -> None:
    settings = trainer.config.training
    columns = TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("training", total=settings.epochs, completed=trainer.epoch)
        while trainer.epoch < settings.epochs:
            record = trainer.run_epoch()
            bar.update(task, completed=trainer.epoch)
            if trainer.epoch % settings.checkpoint_epochs == 0 or trainer.epoch == settings.epochs:
                trainer.save()
                bar.console.print(
                    f"epoch {record['epoch']}: training loss {record['training_loss']:.4f}, "
                    f"validation loss {record['validation_loss']:.4f}, {record['seconds']:.0f} s"
                )


class Trainer:
    """The state of one training.

    Life cycle: construction reads nothing and writes nothing; optionally `resume`; then `run_epoch` and `save` in turn.

    Args:
        config: the recipe.
        pairs: training data in physical units; a part is held out for the validation loss.
        output: checkpoint file.
    """

    def __init__(self, config: FlowConfig, pairs: Pairs, output: Path) -> None:
        settings = config.training
        self.config, self.output, self.epoch = config, output, 0
        self._saved_epoch = 0
        self.history: list[dict[str, Any]] = []
        self._pairs = pairs
        self._checksum = pairs.checksum()
        self._numpy = np.random.default_rng(settings.seed)
        self._torch = torch.Generator().manual_seed(settings.seed)
        shuffled = np.random.default_rng(settings.seed).permutation(len(pairs))
        held_out = max(1, round(config.dataset.validation_fraction * len(pairs)))
        if held_out >= len(pairs):
            raise ValueError(f"{len(pairs)} pairs are too few to hold some out for validation")
        self._training_rows, self._validation_rows = shuffled[held_out:], shuffled[:held_out]
        self.preprocessing = Preprocessing(config.context, config.target)
        self.preprocessing.fit(
            pairs.context[self._training_rows], pairs.target[self._training_rows], np.random.default_rng(settings.seed)
        )
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            self.model = make_model(
                config.model, self.preprocessing.target_features, self.preprocessing.context_features
            )
        self.average = deepcopy(self.model).requires_grad_(False)
        self._optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self._batches = math.ceil(len(self._training_rows) / settings.batch_size)
        self._scheduler = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._learning_rate_factor)
        self._context = torch.from_numpy(self.preprocessing.encode_context(pairs.context))

    def run_epoch(self) -> dict[str, Any]:
        """Train on every pair once, with freshly spread atoms, and return the entry added to the history.

        Raises:
            TrainingDiverged: the loss is not finite, or `divergence_factor` times the best one.
        """
        start = time.perf_counter()
        settings = self.config.training
        target = torch.from_numpy(
            self.preprocessing.encode_target(self._pairs.context, self._pairs.target, self._numpy)
        )
        order = torch.from_numpy(self._training_rows)[torch.randperm(len(self._training_rows), generator=self._torch)]
        self.model.train()
        total = 0.0
        for batch, rows in enumerate(order.split(settings.batch_size)):
            x, context = target[rows], self._context[rows]
            loss = self.model.loss(x, context, self._torch)
            value = loss.item()
            if not math.isfinite(value):
                self._diverged(f"the loss became {value} in batch {batch} of {self._batches}")
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.gradient_clip)
            self._optimiser.step()
            self._scheduler.step()
            self._update_average()
            total += value * len(rows)
        record = {
            "epoch": self.epoch + 1,
            "training_loss": total / len(order),
            "validation_loss": self._validation_loss(target),
            "learning_rate": self._scheduler.get_last_lr()[0],
            "seconds": time.perf_counter() - start,
        }
        best = min((entry["training_loss"] for entry in self.history), default=math.inf)
        if record["training_loss"] > settings.divergence_factor * best:
            self._diverged(f"the loss rose to {record['training_loss']:.4g}, the best epoch had {best:.4g}")
        self.epoch += 1
        self.history.append(record)
        return record

    def beside(self, suffix: str) -> Path:
        """A file that accompanies the checkpoint."""
        return self.output.with_name(f"{self.output.name}.{suffix}")

    def save(self) -> None:
        """Write the checkpoint and the history."""
        save_checkpoint(
            self.output,
            {
                "config": config_to_dict(self.config),
                "checksum": self._checksum,
                "preprocessing": self.preprocessing.state(),
                "epoch": self.epoch,
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "scheduler": self._scheduler.state_dict(),
                "torch_generator": self._torch.get_state(),
                "numpy_generator": self._numpy.bit_generator.state,
                "history": self.history,
                "provenance": self._provenance(),
            },
        )
        self._saved_epoch = self.epoch
        history = self.beside("history.json")
        temporary = history.with_name(history.name + ".tmp")
        temporary.write_text(json.dumps(self.history, indent=1), encoding="utf-8")
        temporary.replace(history)

    def resume(self) -> None:
        """Continue from the checkpoint at ``output``.

        Raises:
            FileNotFoundError: there is none.
            CheckpointError: it was made with another recipe or from other data.
        """
        saved = load_checkpoint(self.output)
        mine = config_to_dict(self.config)
        different = sorted(key for key in mine if key != "sampling" and mine[key] != saved["config"].get(key))
        if different:
            raise CheckpointError(f"{self.output}: made with another recipe, which differs in {', '.join(different)}")
        if saved["checksum"] != self._checksum:
            files = ", ".join(saved["provenance"]["files"])
            raise CheckpointError(f"{self.output}: made from other data ({files}), not from the rows given now")
        self.preprocessing.load_state(saved["preprocessing"])
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self._optimiser.load_state_dict(saved["optimiser"])
        self._scheduler.load_state_dict(saved["scheduler"])
        self._torch.set_state(saved["torch_generator"])
        self._numpy.bit_generator.state = saved["numpy_generator"]
        self.epoch, self.history = saved["epoch"], saved["history"]
        self._saved_epoch = self.epoch

    @torch.no_grad()
    def _validation_loss(self, target: Tensor) -> float:
        generator = torch.Generator().manual_seed(self.config.training.seed)
        rows = torch.from_numpy(self._validation_rows)
        total = 0.0
        for part in rows.split(self.config.training.batch_size):
            total += self.average.loss(target[part], self._context[part], generator).item() * len(part)
        return total / len(rows)

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential average that forgets the first steps faster than the later ones."""
        step = self._scheduler.last_epoch
        decay = min(self.config.training.average_decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)

    def _learning_rate_factor(self, step: int) -> float:
        settings = self.config.training
        warmup = settings.warmup_epochs * self._batches
        if step < warmup:
            return (step + 1) / (warmup + 1)
        final = settings.final_learning_rate / settings.learning_rate
        done = min(1.0, (step - warmup) / max(1.0, settings.epochs * self._batches - warmup))
        return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * done))

    def _diverged(self, what: str) -> None:
        kept = (
            f"{self.output} keeps epoch {self._saved_epoch}" if self._saved_epoch else "no checkpoint was written yet"
        )
        raise TrainingDiverged(
            f"epoch {self.epoch + 1}: {what}; {kept}. Lower training.learning_rate or training.gradient_clip"
        )

    def _provenance(self) -> dict[str, Any]:
        last = self.history[-1]
        return {
            "method": self.model.method,
            "files": list(self._pairs.files),
            "events": self._pairs.events,
            "pairs": len(self._training_rows),
            "validation_pairs": len(self._validation_rows),
            "dropped": dict(self._pairs.dropped),
            "data_sha256": self._checksum,
            "parameters": self.model.parameter_count(),
            "epochs": self.epoch,
            "planned_epochs": self.config.training.epochs,
            "training_loss": last["training_loss"],
            "validation_loss": last["validation_loss"],
            "seconds": round(sum(entry["seconds"] for entry in self.history)),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "python": platform.python_version(),
            "recipe": config_to_dict(self.config),
        }
