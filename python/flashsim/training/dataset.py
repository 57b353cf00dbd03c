"""Pairs of a GEN object and the RECO object made from it, as a recipe declares them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..pairs import Column, DatasetError, Matched, Pairs
from ..pairs import read_pairs as read_columns
from .recipe.sections import FlowConfig, VariableConfig

__all__ = ["DatasetError", "Pairs", "columns_of_config", "read_pairs"]


def columns_of_config(config: FlowConfig) -> Matched:
    """Columns of the pairs that a recipe trains on.

    Example:
        >>> from importlib.resources import files
        >>> from flashsim.training import load_config
        >>> columns = columns_of_config(load_config(files("flashsim.recipes") / "jets.toml"))
        >>> columns.index, columns.target[0].branch
        ('Jet_genJetIdx', 'Jet_pt')
    """
    return Matched(
        tuple(_column(variable, config.source) for variable in config.context),
        tuple(_column(variable, config.collection) for variable in config.target),
        config.dataset.index,
        config.dataset.tree,
    )


def read_pairs(files: Iterable[str | Path], config: FlowConfig, store: str | Path | None = None) -> Pairs:
    """Read the pairs of a recipe: `flashsim.pairs.read_pairs` with its columns and its ``[dataset]`` settings.

    Args:
        files: ROOT files (TTree or RNTuple named as in ``[dataset] tree``).
        config: recipe that names the branches.
        store: folder for memory-mapped arrays; by default they are in memory.

    Raises:
        DatasetError: as `flashsim.pairs.read_pairs`.
    """
    return read_columns(
        files,
        columns_of_config(config),
        maximum_dropped_fraction=config.dataset.maximum_dropped_fraction,
        chunk=config.dataset.chunk,
        store=store,
    )


def _column(variable: VariableConfig, prefix: str) -> Column:
    return Column(variable.name, variable.branch or f"{prefix}_{variable.name}", *variable.range)
