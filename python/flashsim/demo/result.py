"""Results of the demo: stages, spectra and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .w_mass import PEAK

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SPECTRA", "Demo", "Spectrum", "Stage"]

SPECTRA = ("target", "one_to_one", "oversampled_naive", "oversampled")
"""Names of the four spectra: the file's own jets, one RECO event per GEN event, and several, with the errors of
``TH1::Fill`` and with those of ``OversampledTH1D``."""


@dataclass(frozen=True)
class Stage:
    """A step of the demo: its name, its GEN and RECO events, its time."""

    name: str
    gen_events: int
    reco_events: int
    seconds: float


@dataclass(frozen=True)
class Spectrum:
    """A histogram as arrays: edges [n + 1] in GeV, contents [n] and errors [n] in events."""

    edges: NDArray[np.float64]
    contents: NDArray[np.float64]
    errors: NDArray[np.float64]

    @property
    def centres(self) -> NDArray[np.float64]:
        """Of the bins [n], in GeV."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def relative_errors(self) -> NDArray[np.float64]:
        """Errors divided by contents [n], NaN in empty bins."""
        return np.divide(self.errors, self.contents, out=np.full_like(self.errors, np.nan), where=self.contents > 0)

    def peak_error(self) -> float:
        """Mean relative error of the bins of the W peak that are not empty, NaN if all are."""
        inside = (self.centres > PEAK[0]) & (self.centres < PEAK[1]) & (self.contents > 0)
        return float(self.relative_errors[inside].mean()) if inside.any() else float("nan")


@dataclass(frozen=True)
class Demo:
    """Result of `run_demo`.

    Attributes
    ----------
    fold_size
        RECO events per GEN event of the oversampled simulation.
    stages
        Just-in-time compilation and the event loops, in order.
    spectra
        The spectra by their names in `SPECTRA`.
    file
        ROOT file with ``W_mass_<name>`` (TH1D) for each spectrum and ``W_mass_with_folds`` (OversampledTH1D).
    picture
        PNG file.
    """

    fold_size: int
    stages: list[Stage]
    spectra: Mapping[str, Spectrum]
    file: Path
    picture: Path
