"""Histogram models from a tuple of name, title and axes, as for ``Histo1D``."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from .._library import namespace

__all__ = ["make_model"]


def make_model(model: Any, dimension: int) -> Any:
    """A ``ROOT.RDF.TH1DModel`` (2, 3). Raises TypeError for anything but a model, ValueError if edges do not fit.

    >>> model = make_model(("pt", ";p_{T}", 2, [0, 20, 50]), 1)
    >>> str(model.fName), model.fNbinsX, list(model.fBinXEdges)
    ('pt', 2, [0.0, 20.0, 50.0])
    """
    model_class = getattr(namespace("RDF"), f"TH{dimension}DModel")
    if isinstance(model, model_class):
        return model
    if not isinstance(model, tuple) or len(model) < 2:
        raise TypeError(_describe_models(model, dimension))
    name, title, *rest = model
    made = model_class()
    made.fName, made.fTitle = name, title
    for axis in "XYZ"[:dimension]:
        if len(rest) >= 2 and not isinstance(rest[1], numbers.Real):
            n_bins, edges, *rest = rest
            _set_edges(made, axis, n_bins, edges)
        elif len(rest) >= 3 and isinstance(rest[2], numbers.Real):
            n_bins, low, high, *rest = rest
            setattr(made, f"fNbins{axis}", int(n_bins))
            setattr(made, f"f{axis}Low", float(low))
            setattr(made, f"f{axis}Up", float(high))
        else:
            raise TypeError(_describe_models(model, dimension))
    if rest:
        raise TypeError(_describe_models(model, dimension))
    return made


def _set_edges(model: Any, axis: str, n_bins: int, edges: Any) -> None:
    edges = np.ascontiguousarray(edges, dtype=np.float64)
    if edges.shape != (n_bins + 1,):
        message = (
            f"histogram {str(model.fName)!r} has {n_bins} bins and edges of shape {edges.shape} in {axis.lower()}; "
            f"expected {n_bins + 1} edges."
        )
        raise ValueError(message)
    setattr(model, f"fNbins{axis}", int(n_bins))
    setattr(model, f"fBin{axis}Edges", edges.tolist())


def _describe_models(model: Any, dimension: int) -> str:
    axes = ", ".join(f"nbins{axis}, {axis}low, {axis}high" for axis in "xyz"[:dimension])
    return (
        f"model must be (name, title, {axes}), with edges in place of low and high where bins differ in width, or "
        f"a ROOT.RDF.TH{dimension}DModel, not {model!r}."
    )
