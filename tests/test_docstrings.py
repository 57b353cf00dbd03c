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
    "flashsim.correlated_hist",
    "flashsim.data",
    "flashsim.dataframe",
    "flashsim.efficiency",
    "flashsim.flow",
    "flashsim.histfactory",
    "flashsim.histogram",
    "flashsim.histogram_files",
    "flashsim.indexing",
    "flashsim.optimal_folds",
    "flashsim.plot",
    "flashsim.progress",
    "flashsim.root_file",
    "flashsim.run_graphs",
    "flashsim.snapshot",
    "flashsim.throughput",
    "flashsim.throughput_measure",
    "flashsim.throughput_plan",
]

EXTRAS = {
    ("awkward", "uproot"): ["flashsim.pairs", "flashsim.pair_columns"],
    ("onnx",): ["flashsim.onnx_graph", "flashsim.ode.solvers"],
    ("torch", "onnx", "zuko"): [
        "flashsim.training.config",
        "flashsim.training.coupling",
        "flashsim.training.gaussianise",
        "flashsim.training.network",
        "flashsim.training.preprocessing",
        "flashsim.training.rows",
    ],
    ("sklearn", "scipy", "jinja2"): [
        "flashsim.validation.distances",
        "flashsim.validation.metric",
        "flashsim.validation.tagging",
    ],
    ("torch", "sklearn", "scipy", "jinja2"): ["flashsim.studies.study"],
}


@pytest.mark.parametrize(
    ("name", "packages"),
    [(name, ()) for name in MODULES] + [(name, packages) for packages, names in EXTRAS.items() for name in names],
)
def test_examples(name, packages):
    for package in packages:
        pytest.importorskip(package)
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0
