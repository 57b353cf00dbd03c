"""The branches of a flow's variables in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .queries import Column, Matched

__all__ = ["columns_of_flow"]


def columns_of_flow(metadata: Mapping[str, Any], index: str | None = None, tree: str = "Events") -> Matched:
    """Query of the pairs for a comparison with a flow, from the JSON document of its contract.

    Parameters
    ----------
    metadata
        The document, see `flashsim.Flow.metadata`: branches are ``<source>_<name>`` and ``<collection>_<name>``.
    index
        Branch that points from the RECO to the GEN object; by default NanoAOD's name, ``Jet_genJetIdx`` for the
        collection ``Jet`` and the source ``GenJet``.
    tree
        Name of the TTree or RNTuple.

    Raises
    ------
    ValueError
        If the flow's level is not ``"object"``.

    Examples
    --------
    >>> variable = {"name": "pt", "unit": "GeV", "dtype": "float32", "range": [0, 1000]}
    >>> flow = {"collection": "Jet", "source": "GenJet", "context": [variable], "target": [variable]}
    >>> columns = columns_of_flow(flow)
    >>> columns.index, columns.context[0]
    ('Jet_genJetIdx', Column(name='pt', branch='GenJet_pt', low=0.0, high=1000.0))
    """
    if metadata.get("level", "object") != "object":
        raise ValueError(f"the flow makes a row for each {metadata['level']}, and pairs are of objects")
    source, collection = metadata["source"], metadata["collection"]
    context, target = (
        tuple(
            Column(item["name"], f"{prefix}_{item['name']}", float(item["range"][0]), float(item["range"][1]))
            for item in metadata[kind]
        )
        for kind, prefix in (("context", source), ("target", collection))
    )
    return Matched(context, target, index or f"{collection}_{source[0].lower()}{source[1:]}Idx", tree)
