"""The learning rate in the course of a training."""

from __future__ import annotations

import math

from .recipe.sections import TrainingConfig

__all__ = ["Schedule"]


class Schedule:
    """The learning rate of every step: a linear warm-up, then ``training.schedule``.

    - ``cosine``: half a cosine from ``learning_rate`` to ``final_learning_rate``, reached with the last step of the
      last epoch (arXiv:1608.03983, without restarts).
    - ``constant``: ``learning_rate``.
    - ``plateau``: ``learning_rate``, multiplied by ``plateau_factor`` whenever ``plateau_epochs`` epochs have brought
      no improvement, down to ``final_learning_rate``.

    Args:
        settings: the section ``[training]`` of the recipe.
        batches: steps in an epoch.

    Example:
        >>> schedule = Schedule(TrainingConfig(epochs=10, warmup_epochs=1, learning_rate=0.01), batches=100)
        >>> [round(schedule.rate(step), 6) for step in (0, 100, 550, 1000)]
        [9.9e-05, 0.01, 0.005001, 1e-06]
    """

    def __init__(self, settings: TrainingConfig, batches: int) -> None:
        self._settings = settings
        self._batches = batches
        self.reductions = 0
        """How often ``plateau`` has lowered the learning rate."""

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        settings = self._settings
        warmup = settings.warmup_epochs * self._batches
        if step < warmup:
            return settings.learning_rate * (step + 1) / (warmup + 1)
        if settings.schedule == "constant":
            return settings.learning_rate
        if settings.schedule == "plateau":
            lowered = settings.learning_rate * settings.plateau_factor**self.reductions
            return max(lowered, settings.final_learning_rate)
        done = min(1.0, (step - warmup) / max(1.0, settings.epochs * self._batches - warmup))
        span = settings.learning_rate - settings.final_learning_rate
        return settings.final_learning_rate + 0.5 * span * (1 + math.cos(math.pi * done))

    def end_epoch(self, waited: int) -> None:
        """Lower the rate of a ``plateau`` after enough epochs.

        Args:
            waited: epochs since the last improvement.
        """
        if self._settings.schedule == "plateau" and waited and waited % self._settings.plateau_epochs == 0:
            self.reductions += 1
