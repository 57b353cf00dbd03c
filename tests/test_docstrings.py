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
    "flashsim.histograms.conversion",
    "flashsim.histograms.correlated_hist",
    "flashsim.data",
    "flashsim.rdataframe.methods",
    "flashsim.histograms.efficiency",
    "flashsim.flows.flow",
    "flashsim.histograms.histfactory",
    "flashsim.histograms.booking",
    "flashsim.histograms.files",
    "flashsim.histograms.indexing",
    "flashsim.optimal_folds",
    "flashsim.plot",
    "flashsim.progress",
    "flashsim.root_file",
    "flashsim.rdataframe.run_graphs",
    "flashsim.snapshot",
    "flashsim.throughput",
    "flashsim.throughput.measure",
    "flashsim.throughput.plan",
]

EXTRAS = {
    ("awkward", "uproot"): ["flashsim.pairs", "flashsim.pairs.columns"],
    ("onnx",): ["flashsim.flows.graph", "flashsim.flows.ode.solvers"],
    ("torch", "onnx", "zuko"): [
        "flashsim.training.recipe.config",
        "flashsim.training.families.coupling",
        "flashsim.training.preparation.gaussianise",
        "flashsim.training.families.network",
        "flashsim.training.preparation.preprocessing",
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
