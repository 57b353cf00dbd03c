"""The examples in the docstrings run and give what they say."""

from __future__ import annotations

import doctest
import importlib

import matplotlib
import pytest

matplotlib.use("Agg")

MODULES = [
    "flashsim",
    "flashsim._library",
    "flashsim.conversion",
    "flashsim.data",
    "flashsim.dataframe",
    "flashsim.flow",
    "flashsim.histfactory",
    "flashsim.histogram",
    "flashsim.indexing",
    "flashsim.optimal_folds",
    "flashsim.plot",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0
