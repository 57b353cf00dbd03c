"""The best epoch, and the number of epochs without a significant improvement."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["Improvement", "weighted_mean"]

_SIGNIFICANCE = 2.0


def weighted_mean(values: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """Mean of two or more independent values and its standard error.

    Example:
        >>> mean, error = weighted_mean([1.0, 3.0], [1.0, 1.0])
        >>> mean, round(error, 6)
        (2.0, 1.0)
    """
    x, w = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    mean = float(np.sum(w * x) / np.sum(w))
    error = math.sqrt(len(x) / (len(x) - 1) * np.sum((w * (x - mean)) ** 2)) / np.sum(w)
    return mean, float(error)


class Improvement:
    """Compares the validation losses of the epochs, batch by batch.

    All epochs are validated with the same rows and the same random numbers. So the losses of two epochs fluctuate
    together, and the error of their difference is far below that of either. An epoch is an improvement if its mean
    difference from the last improvement exceeds twice its standard error; small steps add up.

    Args:
        rows: rows of each validation batch; two batches at least.
    """

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = list(rows)
        self._reference: list[float] = []
        self.best_epoch = 0
        """Epoch with the lowest validation loss; 0 before the first."""
        self.best_loss = math.inf
        self.waited = 0
        """Epochs since the last improvement."""

    def add(self, epoch: int, losses: Sequence[float]) -> bool:
        """Add an epoch's loss in every validation batch; True if it is the best epoch so far."""
        mean, _ = weighted_mean(losses, self.rows)
        self.waited += 1
        if not self._reference or self._improves(losses):
            self._reference, self.waited = list(losses), 0
        is_best = mean < self.best_loss
        if is_best:
            self.best_epoch, self.best_loss = epoch, mean
        return is_best

    def _improves(self, losses: Sequence[float]) -> bool:
        gain, error = weighted_mean(np.subtract(self._reference, losses).tolist(), self.rows)
        return gain > _SIGNIFICANCE * error

    def state(self) -> dict[str, Any]:
        """Everything that changes, for `load_state`."""
        return {
            "reference": self._reference,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
            "waited": self.waited,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore the result of `state`."""
        self._reference = list(state["reference"])
        self.best_epoch, self.best_loss, self.waited = state["best_epoch"], state["best_loss"], state["waited"]
