"""Errors of OversampledTH1D, their words, and its state after a failed event loop."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import ROOT

from flashsim.histograms.booking import METHODS

MODEL = ("h", ";x;events", 10, 0.0, 10.0)


def make_dataframe(**replaced):
    """Three GEN events of four RECO events."""
    columns = {
        "genEvent": np.repeat(np.array([11, 12, 13], np.uint64), 4),
        "foldSize": np.full(12, 4, np.int32),
        "x": np.linspace(0.5, 9.5, 12),
        "w": np.ones(12),
        **replaced,
    }
    return ROOT.RDF.FromNumpy(columns)


OPTIONS = ["event", "fold_size", "contiguous", "covariance", "group", "fold_index"]


@pytest.mark.parametrize("precision", ["D", "F"])
@pytest.mark.parametrize(("dimension", "columns"), [(1, ["value"]), (2, ["x", "y"]), (3, ["x", "y", "z"])])
def test_options(dimension, columns, precision):
    name = f"OversampledTH{dimension}{precision}"
    shown = inspect.signature(METHODS[name]).parameters
    assert list(shown) == ["node", "model", *columns, "weight", *OPTIONS]
    assert {shown[option].kind for option in OPTIONS} == {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError, match="unexpected keyword argument 'folds'"):
        getattr(make_dataframe(), name)(MODEL, *columns, folds=10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"value": "y"}, "OversampledTH1D 'h': there is no column 'y'. Expected a column to histogram; Define one"),
        ({"value": "2 * x"}, "there is no column '2 \\* x'"),
        ({"value": "x", "weight": "genWeight"}, "there is no column 'genWeight'. Expected a column of weights"),
        ({"value": "x", "event": "event"}, "there is no column 'event'. Expected the number of the GEN event"),
        ({"value": "x", "fold_size": "missing"}, "there is no column 'missing'. Expected the number of RECO events"),
        ({"value": "x", "fold_size": ""}, "neither a column with the fold size was given nor the fold size itself"),
    ],
)
def test_missing_columns(arguments, message):
    with pytest.raises(RuntimeError, match=message):
        make_dataframe().OversampledTH1D(MODEL, **arguments)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (("h", "", 50), TypeError, "model must be"),
        ("h", TypeError, "model must be"),
        (
            ("h", "", 50, 0.0, 0.0),
            ValueError,
            "'h' was asked for with 50 bins from 0.0+ to 0.0+ in x. Expected at least one",
        ),
        (("h", "", 0, 0.0, 1.0), ValueError, "0 bins"),
        (
            ("h", "", 2, [0, 2, 1]),
            ValueError,
            "the bin edge 1.0+ after 2.0+ in x. Expected each edge above the one before",
        ),
        (("h", "", 4, [0, 1, 2]), ValueError, "'h' has 4 bins and edges of shape \\(3,\\) in x; expected 5 edges"),
    ],
)
def test_models(model, error, message):
    with pytest.raises(error, match=message):
        make_dataframe().OversampledTH1D(model, "x")


@pytest.mark.parametrize(
    ("fold_size", "error"), [(0, ValueError), (-3, ValueError), (2.0, TypeError), (True, TypeError)]
)
def test_fold_sizes(fold_size, error):
    with pytest.raises(error, match="fold_size"):
        make_dataframe().OversampledTH1D(MODEL, "x", fold_size=fold_size)


@pytest.mark.parametrize(
    ("replaced", "arguments", "message"),
    [
        ({}, {"fold_size": 3}, "GEN event 1[123] \\(column 'genEvent'\\) has more RECO events than its fold size of 3"),
        ({"foldSize": np.zeros(12, np.int32)}, {}, "GEN event 1[123] .* has a fold size of 0 \\(column 'foldSize'\\)"),
        (
            {"foldSize": np.r_[4, 4, 4, 4, 4, 7, 4, 4, 4, 4, 4, 4].astype(np.int32)},
            {},
            "event 12 .* has a fold size of 4 .* and of 7 in",
        ),
        ({"w": np.r_[np.ones(9), np.nan, 1, 1]}, {"weight": "w"}, "GEN event 13 .* has a weight of nan"),
        ({"w": np.r_[np.inf, np.ones(11)]}, {"weight": "w"}, "GEN event 11 .* has a weight of inf"),
        ({}, {"event": "x"}, "column 'x' \\(double\\) cannot be used. Expected an integer"),
        ({}, {"fold_size": "x"}, "column 'x' \\(double\\) cannot be used. Expected an integer"),
        (
            {},
            {"event": None},
            "column 'x' \\(double\\) cannot be used. Expected an RVec with one element for each RECO",
        ),
    ],
)
def test_bad_values(threads, replaced, arguments, message):
    histogram = make_dataframe(**replaced).OversampledTH1D(MODEL, "x", **arguments)
    with pytest.raises(RuntimeError, match=message):
        histogram.GetValue()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"value": "three", "weight": "two"}, "column 'three' .* has 3 elements and column 'two' .* has 2"),
        ({"value": "text"}, "column 'text' \\(.*string.*\\) cannot be used. Expected a number, or an RVec of numbers"),
        ({"value": "nested"}, "column 'nested' .* cannot be used. Expected a number, or an RVec of numbers"),
        ({"value": "three", "event": "three"}, "column 'three' .* cannot be used. Expected an integer"),
        (
            {"value": "three", "event": None, "fold_size": 2},
            "column 'three' .* has 3 elements, more than the fold size of 2",
        ),
        ({"value": "none", "event": None, "fold_size": "zero"}, "a GEN event has a fold size of 0 \\(column 'zero'\\)"),
        ({"value": "three", "weight": "bad", "event": None}, "a GEN event has a weight of nan"),
    ],
)
def test_bad_collections(arguments, message):
    df = make_dataframe().Define("three", "ROOT::RVecD{1, 2, 3}").Define("two", "ROOT::RVecF{1, 2}")
    df = df.Define("none", "ROOT::RVecD{}").Define("text", 'std::string("a")').Define("zero", "0")
    df = df.Define("nested", "ROOT::RVec<ROOT::RVecF>{{1}, {2}}").Define("bad", 'std::nan("")')
    with pytest.raises(Exception, match=message):
        df.OversampledTH1D(MODEL, **arguments).GetValue()


def test_masked_collection_in_inline_mode():
    df = ROOT.RDataFrame(1).Define("none", "ROOT::RVecD{}")
    with pytest.raises(Exception, match=r"column 'none' .* is empty, so that the fold size is not known"):
        df.OversampledTH1D(MODEL, "none", event=None).GetValue()
    assert df.OversampledTH1D(MODEL, "none", event=None, fold_size=5).GetEntries() == 0


def test_interrupted_event_loop_leaves_nan(threads):
    df = make_dataframe(w=np.r_[np.ones(11), np.nan])
    good, bad = df.OversampledTH1D(MODEL, "x"), df.OversampledTH1D(MODEL, "x", "w")
    with pytest.raises(Exception, match="weight of nan"):
        good.GetValue()
    for histogram in (good, bad):
        assert np.isnan([histogram.GetBinContent(i) for i in range(12)]).all()
        assert np.isnan([histogram.GetBinError(i) for i in range(12)]).all()
        assert not histogram.HasFoldInformation()
        with pytest.raises(Exception, match="loop that was to fill the histogram failed"):
            histogram.GetBinErrorNaive(1)
    # The dataframe is not harmed.
    assert df.OversampledTH1D(MODEL, "x").GetNGenEvents() == 3


def test_parts_of_folds_that_do_not_fit(capfd):
    # FromNumpy makes two tasks; both start with GEN event 11.
    event = np.repeat(np.array([11, 12, 13, 11, 14, 15], np.uint64), 4)
    columns = {"genEvent": event, "foldSize": np.full(24, 4, np.int32), "x": np.linspace(0.1, 9.9, 24)}
    said = ""
    ROOT.EnableImplicitMT(2)
    try:
        histogram = ROOT.RDF.FromNumpy(columns).OversampledTH1D(MODEL, "x")
        histogram.GetValue()
    except RuntimeError as error:  # one thread took both tasks
        said = str(error)
    finally:
        ROOT.DisableImplicitMT()
    # RDataFrame offers no way to throw once all entries are read.
    assert np.isnan([histogram.GetBinContent(i) for i in range(12)]).all()
    said += capfd.readouterr().err
    assert "GEN event 11 (column 'genEvent') has more RECO events than its fold size of 4" in said
