"""Rows of GEN and RECO objects from ROOT files, to train and validate models. No torch."""

from __future__ import annotations

from .columns import columns_of_flow
from .queries import Column, Efficiency, Match, Matched, PerEvent, Query, Unmatched
from .reading import read_pairs, read_queries
from .rows import CountedRows, DatasetError, GenObjects, Pairs

__all__ = [
    "Column",
    "CountedRows",
    "DatasetError",
    "Efficiency",
    "GenObjects",
    "Match",
    "Matched",
    "Pairs",
    "PerEvent",
    "Query",
    "Unmatched",
    "columns_of_flow",
    "read_pairs",
    "read_queries",
]
