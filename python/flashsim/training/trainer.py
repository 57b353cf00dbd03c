"""The state of a training and its one step forward, deterministic for a given seed and resumable bit for bit."""

from __future__ import annotations

import json
import math
import platform
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..pairs import Pairs
from .checkpoint import CheckpointError, save_checkpoint
from .families.registry import make_model
from .improvement import Improvement, weighted_mean
from .preparation.preprocessing import Preprocessing
from .recipe.config import config_to_dict
from .recipe.sections import FlowConfig
from .rows import TrainingRows
from .schedule import Schedule

__all__ = ["Trainer", "TrainingDiverged", "beside"]

_VALIDATION_BATCHES = 32  # at least, if there are enough rows, for the error of the validation loss
_CHECK_INTERVAL = 100  # steps between two checks of the loss; each check stalls a GPU


class TrainingDiverged(RuntimeError):
    """The loss is NaN, infinite or far above that of an untrained flow; the last good checkpoint is kept."""


def beside(checkpoint: str | Path, suffix: str) -> Path:
    """A file that accompanies a checkpoint."""
    path = Path(checkpoint)
    return path.with_name(f"{path.name}.{suffix}")


class Trainer:
    """The state of one training.

    Life cycle: construction prepares the data; then `run_epoch` and `save` in turn, until `finished`. The random
    numbers of a step depend on the seed, the epoch and the batch alone: a state is complete without any generator.

    On a CPU, with the same number of threads and the same torch, a resumed training gives the bits of an uninterrupted
    one. On a GPU sums may be made in any order and the last bits differ.

    Args:
        config: the recipe.
        pairs: training data in physical units; a part is held out for the validation loss.
        output: checkpoint file.
        device: where to compute, see `choose_device`.
        saved: checkpoint to continue from, made with the same recipe; by default the training is new.

    Raises:
        ValueError: too few rows, or values that cannot be prepared as declared.
        CheckpointError: ``saved`` was made from other data.
    """

    def __init__(
        self,
        config: FlowConfig,
        pairs: Pairs,
        output: Path,
        device: torch.device | str = "cpu",
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        settings = config.training
        self.config, self.output, self.device = config, output, torch.device(device)
        self._pairs, self._checksum = pairs, pairs.checksum()
        if saved is not None and saved["checksum"] != self._checksum:
            files = ", ".join(saved["provenance"]["files"]) or "unnamed"
            raise CheckpointError(f"{output}: made from other data ({files}) than the given rows")
        self.rows = TrainingRows(pairs, config.dataset.validation_fraction, settings.seed)
        self.batches = math.ceil(self.rows.training / settings.batch_size)
        self.preprocessing = Preprocessing(config.context, config.target)
        if saved is None:
            self.rows.fit(self.preprocessing)
        else:
            self.preprocessing.load_state(saved["preprocessing"])
        with torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            model = make_model(config.model, self.preprocessing.target_features, self.preprocessing.context_features)
        self.model = model.to(self.device)
        self.average = deepcopy(self.model).requires_grad_(False).eval()
        self._weights: list[Tensor] = list(self.model.parameters())
        self._averages: list[Tensor] = list(self.average.parameters())
        self._optimiser = torch.optim.AdamW(
            self._weights,
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )
        self._generator = torch.Generator(self.device)
        self._schedule = Schedule(settings, self.batches)
        held_out = self.rows.validation
        if held_out < 2:
            raise ValueError("only one pair is held out: raise dataset.validation_fraction or give more data")
        self._validation_size = min(settings.batch_size, math.ceil(held_out / _VALIDATION_BATCHES))
        starts = range(0, held_out, self._validation_size)
        self.improvement = Improvement([min(self._validation_size, held_out - start) for start in starts])
        self.history: list[dict[str, Any]] = []
        self.epoch = self.batch = 0
        self._loss_sum = self._seconds = 0.0
        self._best: dict[str, Tensor] | None = None
        self._saved_epoch = 0
        self._untrained_loss = math.inf
        if saved is None:
            self._untrained_loss = self._validate()[1]
            if not math.isfinite(self._untrained_loss):
                self._diverged(f"the loss of the untrained flow is {self._untrained_loss}")
        else:
            self._restore(saved)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or ``patience`` of them brought no improvement."""
        settings = self.config.training
        return self.epoch >= settings.epochs or 0 < settings.patience <= self.improvement.waited

    @property
    def rows_done(self) -> int:
        """Rows trained on since the beginning, each counted once per epoch."""
        return self.epoch * self.rows.training + self._rows_of_epoch

    @property
    def running_loss(self) -> float:
        """Mean loss of the epoch so far, or of the last epoch between two; NaN before the first."""
        if self.batch:
            return self._loss_sum / self._rows_of_epoch
        return self.history[-1]["training_loss"] if self.history else math.nan

    @property
    def _rows_of_epoch(self) -> int:
        return min(self.batch * self.config.training.batch_size, self.rows.training)

    def run_epoch(self, after_batches: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Train on every pair once, or on the rest after a checkpoint within the epoch, with freshly spread atoms.

        Args:
            after_batches: called whenever the state is complete and the loss known to be finite; may `save`.

        Returns:
            The entry added to the history.

        Raises:
            TrainingDiverged: the loss or its gradient is not finite, or the mean loss exceeds the limit.
        """
        start = time.perf_counter() - self._seconds
        settings = self.config.training
        interval = 1 if self.device.type == "cpu" else _CHECK_INTERVAL
        order = np.random.default_rng([settings.seed, self.epoch + 1])
        batches = self.rows.batches(self.preprocessing, settings.batch_size, order)
        self.model.train()
        loss_sum = torch.zeros((), device=self.device)
        for context, x in islice(batches, self.batch, None):
            # A copy begins at a multiple of 64 bytes, unlike a slice; the last bits of a CPU's sums can depend on it.
            loss, norm = self._step(x.to(self.device, copy=True), context.to(self.device, copy=True))
            loss_sum += loss * len(x)
            self.batch += 1
            if self.batch % interval == 0 or self.batch == self.batches:
                self._loss_sum += self._finite("loss", loss_sum.item())
                self._finite("gradient", norm.item())
                loss_sum.zero_()
                self._seconds = time.perf_counter() - start
                if self.batch < self.batches:
                    after_batches()
        record = self._end_epoch()
        record["seconds"] = time.perf_counter() - start
        return record

    def _step(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and norm of its gradient, before the weights change."""
        settings = self.config.training
        step = self.epoch * self.batches + self.batch
        self._generator.manual_seed(_seed(settings.seed, self.epoch + 1, self.batch))
        loss = self.model.loss(x, context, self._generator)
        for weight in self._weights:
            weight.grad = None
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._weights, settings.gradient_clip)
        for group in self._optimiser.param_groups:
            group["lr"] = self._schedule.rate(step)
        self._optimiser.step()
        # The average forgets the first steps faster than later ones.
        decay = min(settings.average_decay, (2 + step) / (11 + step))
        with torch.no_grad():
            torch._foreach_lerp_(self._averages, self._weights, 1 - decay)
        return loss.detach(), norm

    def _end_epoch(self) -> dict[str, Any]:
        self._refuse_rise()
        losses, mean, error = self._validate()
        if not math.isfinite(mean):
            self._diverged(f"the validation loss became {mean}")
        record = {
            "epoch": self.epoch + 1,
            "training_loss": self.running_loss,
            "validation_loss": mean,
            "validation_error": error,
            "learning_rate": self._schedule.rate((self.epoch + 1) * self.batches - 1),
        }
        self.epoch += 1
        self.batch, self._loss_sum, self._seconds = 0, 0.0, 0.0
        if self.improvement.add(self.epoch, losses):
            self._best = {name: value.clone() for name, value in self.average.state_dict().items()}
        self._schedule.end_epoch(self.improvement.waited)
        self.history.append(record)
        return record

    @torch.no_grad()
    def _validate(self) -> tuple[list[float], float, float]:
        """Loss of the averaged weights in every validation batch, always with the same noise; mean and its error."""
        losses = []
        for batch, (context, x) in enumerate(self.rows.validation_batches(self.preprocessing, self._validation_size)):
            self._generator.manual_seed(_seed(self.config.training.seed, 0, batch))
            x, context = x.to(self.device, copy=True), context.to(self.device, copy=True)
            losses.append(self.average.loss(x, context, self._generator))
        values = torch.stack(losses).tolist()
        return values, *weighted_mean(values, self.improvement.rows)

    def save(self) -> None:
        """Write the checkpoint, and the history (JSON) beside it.

        Raises:
            TrainingDiverged: this epoch's loss is above the limit; the last checkpoint is kept.
            OSError: it cannot be written; the last checkpoint is kept.
        """
        self._refuse_rise()
        save_checkpoint(
            self.output,
            {
                "config": config_to_dict(self.config),
                "checksum": self._checksum,
                "preprocessing": self.preprocessing.state(),
                "epoch": self.epoch,
                "batch": self.batch,
                "loss_sum": self._loss_sum,
                "seconds": self._seconds,
                "untrained_loss": self._untrained_loss,
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "best": self._best,
                "optimiser": self._optimiser.state_dict(),
                "reductions": self._schedule.reductions,
                "improvement": self.improvement.state(),
                "history": self.history,
                "provenance": self._provenance(),
            },
        )
        self._saved_epoch = self.epoch
        history = self.beside("history.json")
        temporary = history.with_name(history.name + ".tmp")
        temporary.write_text(json.dumps(self.history, indent=1), encoding="utf-8")
        temporary.replace(history)

    def beside(self, suffix: str) -> Path:
        """A file that accompanies the checkpoint."""
        return beside(self.output, suffix)

    def _restore(self, saved: Mapping[str, Any]) -> None:
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self._optimiser.load_state_dict(saved["optimiser"])
        self._schedule.reductions = saved["reductions"]
        self.improvement.load_state(saved["improvement"])
        self.epoch, self.batch, self.history = saved["epoch"], saved["batch"], saved["history"]
        self._loss_sum, self._seconds = saved["loss_sum"], saved["seconds"]
        self._best, self._untrained_loss = saved["best"], saved["untrained_loss"]
        self._saved_epoch = self.epoch

    def _finite(self, what: str, value: float) -> float:
        if not math.isfinite(value):
            self._diverged(f"the {what} became {value} by batch {self.batch} of {self.batches}")
        return value

    def _refuse_rise(self) -> None:
        """Stop if the mean loss of the epoch so far is far above that of the untrained flow."""
        excess = (self.config.training.divergence_factor - 1) * max(abs(self._untrained_loss), 1.0)
        if self.batch and self.running_loss > self._untrained_loss + excess:
            self._diverged(
                f"the loss rose to {self.running_loss:.4g}, that of the untrained flow is {self._untrained_loss:.4g}"
            )

    def _diverged(self, what: str) -> None:
        kept = f"{self.output} keeps epoch {self._saved_epoch}" if self._saved_epoch else "no epoch was saved yet"
        raise TrainingDiverged(
            f"epoch {self.epoch + 1}: {what}; {kept}. Lower training.learning_rate or training.gradient_clip, "
            "or lengthen training.warmup_epochs, and start over"
        )

    def _provenance(self) -> dict[str, Any]:
        best = self.history[self.improvement.best_epoch - 1] if self.history else {}
        return {
            "method": self.model.method,
            "files": list(self._pairs.files),
            "events": self._pairs.events,
            "pairs": self.rows.training,
            "validation_pairs": self.rows.validation,
            "dropped": dict(self._pairs.dropped),
            "data_sha256": self._checksum,
            "parameters": self.model.parameter_count(),
            "epochs": self.epoch,
            "best_epoch": self.improvement.best_epoch,
            "planned_epochs": self.config.training.epochs,
            "training_loss": best.get("training_loss"),
            "validation_loss": best.get("validation_loss"),
            "seconds": round(sum(entry["seconds"] for entry in self.history)),
            "device": str(self.device),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "python": platform.python_version(),
            "recipe": config_to_dict(self.config),
        }


def _seed(seed: int, epoch: int, batch: int) -> int:
    return int(np.random.SeedSequence((seed, epoch, batch)).generate_state(1, np.uint64)[0] >> 1)
