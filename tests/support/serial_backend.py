"""A backend of distributed RDataFrame that runs all tasks in this process."""

from __future__ import annotations

from functools import reduce

from ROOT._distrdf import DataFrame, HeadNode, _graph_cache
from ROOT._distrdf.Backends.Base import BaseBackend


class Serial(BaseBackend):
    """Runs all tasks in this process, one after the other."""

    client = reduce  # any object stands for the cluster

    def ProcessAndMerge(self, ranges, mapper, reducer):
        return reduce(reducer, [mapper(part) for part in ranges])

    def distribute_unique_paths(self, paths):
        pass

    def optimize_npartitions(self):
        return 2

    def make_dataframe(self, *source, npartitions=None):
        return DataFrame.RDataFrame(HeadNode.get_headnode(self, npartitions, *source))

    def cleanup_cache(self, execution):
        _graph_cache._ACTIONS_REGISTER.pop(execution, None)
        _graph_cache._RDF_REGISTER.pop(execution, None)
