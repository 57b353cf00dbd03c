"""Rows of GEN and RECO objects, read from ROOT files: what models are trained and judged on. No torch."""

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
