"""Pairs of GEN context and RECO target, read from ROOT files: what flows are trained and judged on. No torch."""

from __future__ import annotations

from .reading import Column, DatasetError, PairColumns, Pairs, columns_of_flow, read_pairs

__all__ = ["Column", "DatasetError", "PairColumns", "Pairs", "columns_of_flow", "read_pairs"]
