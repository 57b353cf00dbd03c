"""Rows for a histogram of one axis, and the expected contents of its bins."""

from __future__ import annotations

import numpy as np

from oracle import oversampled

EDGES = np.linspace(0, 10, 11)


MODEL = ("h", ";x;events", 10, 0.0, 10.0)


def make_rows(n_gen: int = 300, seed: int = 1, fold_size: int | None = None) -> dict[str, np.ndarray]:
    """A flattened sample: RECO events around their GEN event, also beyond the axis, some with negative weight."""
    rng = np.random.default_rng(seed)
    n = np.full(n_gen, fold_size) if fold_size else rng.integers(1, 8, n_gen)
    gen = np.repeat(np.arange(n_gen), n)
    true = rng.uniform(-1, 11, n_gen)
    return {
        "genEvent": (1_000_000_007 * np.arange(n_gen, dtype=np.uint64) % 1_000_003)[gen] + np.uint64(2**63),
        "foldSize": n[gen].astype(np.int32),
        "reco": np.arange(len(gen), dtype=np.uint64),
        "x": true[gen] + rng.normal(0, 0.7, len(gen)),
        "w": (rng.normal(1, 1, n_gen)[gen]) * rng.choice([1.0, 0.8], len(gen)),
    }


def expected(rows: dict[str, np.ndarray], keep=slice(None), edges=EDGES, weights="w"):
    w = rows[weights] if weights else np.ones(len(rows["x"]))
    return oversampled(*(a[keep] for a in (rows["genEvent"], rows["reco"], rows["foldSize"], rows["x"], w)), edges)
