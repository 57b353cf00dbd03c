"""Oversampled histograms of one, two and three axes, filled with the same few GEN events."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

EDGES = (np.linspace(-3, 3, 8), np.array([-2, -1, 0, 0.5, 2.5]), np.linspace(-1.5, 1.5, 4))


TITLE = ";p_{T} [GeV];#eta;#phi"


CLASSES = [f"OversampledTH{dimension}{letter}" for dimension in (1, 2, 3) for letter in "DF"]


def marked(kinds):
    """As parameters, of which those of single precision in two and three dimensions are left out by default."""
    return [pytest.param(kind, marks=pytest.mark.slow if kind[-2:] in ("2F", "3F") else ()) for kind in kinds]


def make_rows(n_gen: int = 80, fold_size: int = 6, seed: int = 1) -> dict[str, np.ndarray]:
    """RECO events scattered around their GEN event, in three variables, with weights of both signs."""
    rng = np.random.default_rng(seed)
    gen = np.repeat(np.arange(n_gen), fold_size)
    x, y, z = rng.normal(0, 1.5, (3, n_gen))[:, gen] + rng.normal(0, 0.5, (3, n_gen * fold_size))
    weights = rng.normal(1, 0.7, n_gen)[gen]
    return {"genEvent": gen.astype(np.uint64), "x": x, "y": y, "z": z, "w": weights}


def book(rows, kind="OversampledTH1D", name="h", *, fold_size=6, covariance=True, edges=EDGES):
    """The RResultPtr of a histogram; regular axes where the edges are equidistant."""
    n = int(kind[-2])
    axes = []
    for of_axis in edges[:n]:
        axes += [len(of_axis) - 1, *((of_axis[0], of_axis[-1]) if _is_regular(of_axis) else (of_axis,))]
    if any(not _is_regular(of_axis) for of_axis in edges[:n]):  # ROOT's models are regular or variable on all axes
        axes = [item for of_axis in edges[:n] for item in (len(of_axis) - 1, of_axis)]
    node = ROOT.RDF.FromNumpy(rows)
    return getattr(node, kind)((name, TITLE, *axes), *"xyz"[:n], "w", fold_size=fold_size, covariance=covariance)


def fill(*args, **options):
    """The filled histogram, independent of the dataframe."""
    clone = book(*args, **options).Clone()
    clone.SetDirectory(ROOT.nullptr)
    return clone


def _is_regular(edges) -> bool:
    return bool(np.allclose(np.diff(edges), edges[1] - edges[0]))


def per_event(rows, dimension: int, fold_size: int = 6, edges=EDGES) -> np.ndarray:
    """A[j, ...]: contribution of GEN event j to each bin, under- and overflow included."""
    values = [rows[name] for name in "xyz"[:dimension]]
    bins = [np.searchsorted(of_axis, v, side="right") for of_axis, v in zip(edges, values, strict=False)]
    gen = rows["genEvent"].astype(int)
    result = np.zeros((gen.max() + 1, *(len(of_axis) + 1 for of_axis in edges[:dimension])))
    np.add.at(result, (gen, *bins), rows["w"] / fold_size)
    return result


def tolerance(kind: str) -> dict[str, float]:
    return {"rtol": 1e-12, "atol": 1e-12} if kind.endswith("D") else {"rtol": 2e-6, "atol": 2e-6}
