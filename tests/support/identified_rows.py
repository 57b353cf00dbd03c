"""RECO events whose GEN event is identified by columns."""

from __future__ import annotations

from itertools import product

import numpy as np

import flashsim  # noqa: F401
from samples import (
    Rows,
    make_rows,
    select,
)

EDGES = np.linspace(0, 10, 11)


MODEL = ("h", ";x;events", 10, 0.0, 10.0)


MODEL_2D = ("h", ";x;y", 10, 0.0, 10.0, 10, 0.0, 10.0)


def shuffled(rows: Rows, seed: int = 4) -> Rows:
    return select(rows, np.random.default_rng(seed).permutation(len(rows["x"])))


def numbers(rows: Rows) -> np.ndarray:
    """The GEN events as 0, 1, 2, ... in the order of rows."""
    return np.r_[0, np.cumsum(rows["genEvent"][1:] != rows["genEvent"][:-1])]


def make_identities(n_gen: int):
    """Runs, luminosity blocks and events, of which many agree in all but one, or are swapped or shifted by 32 bits."""
    runs, blocks = [0, 1, 2, 2**32 - 1], [0, 1, 2, 2**32 - 1]
    events = [0, 1, 2, 2**32 - 1, 2**32, 2**33, 2**63, 2**64 - 2**32, 2**64 - 1]
    identities = list(product(runs, blocks, events))[:n_gen]
    assert len(identities) == n_gen
    return [np.array(column, kind) for column, kind in zip(zip(*identities, strict=True), "IIL", strict=True)]


IDENTITY = ("run", "luminosityBlock", "event")


def identified_rows(seed: int = 1) -> Rows:
    rows = make_rows(n_gen=144, seed=seed)
    for name, values in zip(IDENTITY, make_identities(144), strict=True):
        rows[name] = values[numbers(rows)]
    return rows


def failure(histogram, capfd) -> str:
    """The error of an event loop: that of an exception, or, for errors found at its end, the printed one (with NaN)."""
    try:
        histogram.GetValue()
    except Exception as error:
        return str(error)
    assert np.isnan([histogram.GetBinContent(i) for i in range(histogram.GetNcells())]).all()
    assert not histogram.HasFoldInformation()
    message = capfd.readouterr().err
    assert "Error in <" in message
    return message
