"""Oversampled histograms in the Python ecosystem: numpy, hist, uproot, UHI and mplhep."""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import weakref

import hist
import matplotlib as mpl
import matplotlib.pyplot as plt
import mplhep
import numpy as np
import pytest
import ROOT
import uproot
from matplotlib.figure import Figure
from uhi.typing.plottable import PlottableHistogram

from filled_histograms import CLASSES, EDGES, book, fill, make_rows, marked, per_event, tolerance

mpl.use("Agg")


def inside(array: np.ndarray) -> np.ndarray:
    """Without under- and overflow, of all but the first axis."""
    return array[(slice(None), *(slice(1, -1),) * (array.ndim - 1))]


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.fixture(scope="module", params=marked(CLASSES))
def filled(request, rows):
    """Each class: its name, the histogram, and A per GEN event."""
    return request.param, fill(rows, request.param), per_event(rows, int(request.param[-2]))


@pytest.mark.parametrize("flow", [False, True])
def test_values_and_variances(filled, flow):
    kind, histogram, a = filled
    a = a if flow else inside(a)
    np.testing.assert_allclose(histogram.values(flow=flow), a.sum(axis=0), **tolerance(kind))
    np.testing.assert_allclose(histogram.variances(flow=flow), (a**2).sum(axis=0), rtol=1e-12, atol=1e-12)


def test_uhi(filled):
    _, histogram, a = filled
    assert isinstance(histogram, PlottableHistogram)
    assert histogram.kind == "COUNT"
    assert tuple(len(axis) for axis in histogram.axes) == inside(a).shape[1:]
    for axis, edges in zip(histogram.axes, EDGES, strict=False):
        np.testing.assert_allclose(list(axis), np.stack([edges[:-1], edges[1:]], axis=1), atol=1e-15)
    effective = np.divide(a.sum(axis=0) ** 2, (a**2).sum(axis=0), where=(a != 0).any(axis=0), out=np.zeros(a.shape[1:]))
    np.testing.assert_allclose(histogram.counts(flow=True), effective, rtol=1e-5, atol=1e-9)


def test_to_hist(filled):
    kind, histogram, a = filled
    result = histogram.to_hist()
    assert isinstance(result, hist.Hist)
    assert isinstance(result.storage_type(), hist.storage.Weight)
    assert (result.name, result.label) == ("h", "")
    n = a.ndim - 1
    assert [axis.name for axis in result.axes] == ["xaxis", "yaxis", "zaxis"][:n]
    assert [axis.label for axis in result.axes] == ["p_{T} [GeV]", "#eta", "#phi"][:n]
    assert {type(axis) for axis in result.axes} == {hist.axis.Regular if n == 1 else hist.axis.Variable}
    for axis, edges in zip(result.axes, EDGES, strict=False):
        np.testing.assert_allclose(axis.edges, edges, atol=1e-15)
    np.testing.assert_allclose(result.values(flow=True), a.sum(axis=0), **tolerance(kind))
    np.testing.assert_allclose(result.variances(flow=True), (a**2).sum(axis=0), rtol=1e-12, atol=1e-12)


def test_to_hist_is_what_uproot_makes_of_the_file(filled, tmp_path):
    _, histogram, _ = filled
    path = str(tmp_path / "h.root")
    with ROOT.TFile(path, "recreate"):
        histogram.WriteTH("plain")
    read = uproot.open(path)["plain"].to_hist()
    read.name = "h"
    assert histogram.to_hist() == read
    assert [axis.label for axis in histogram.to_hist().axes] == [axis.label for axis in read.axes]


@pytest.mark.parametrize("flow", [False, True])
def test_to_numpy(filled, flow):
    _, histogram, _ = filled
    values, *edges = histogram.to_numpy(flow)
    wanted, *wanted_edges = histogram.to_hist().to_numpy(flow=flow)
    np.testing.assert_array_equal(values, wanted)
    assert values.dtype == histogram.values().dtype
    assert len(edges) == len(wanted_edges) == histogram.GetDimension()
    for actual, of_axis in zip(edges, wanted_edges, strict=True):
        np.testing.assert_allclose(actual, of_axis, atol=1e-15)


@pytest.mark.parametrize("flow", [False, True])
def test_covariance(filled, flow):
    _, histogram, a = filled
    a = (a if flow else inside(a)).reshape(len(a), -1)
    wanted = a.T @ a
    covariance = histogram.covariance(flow)
    np.testing.assert_allclose(covariance, wanted, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(covariance.diagonal(), histogram.variances(flow=flow).ravel())
    errors = np.sqrt(wanted.diagonal())
    with np.errstate(invalid="ignore"):
        correlation = wanted / np.outer(errors, errors)  # NaN for bins without error
    np.testing.assert_allclose(histogram.correlation(flow), correlation, rtol=1e-9, atol=1e-12)
    assert np.nanmax(np.abs(correlation - np.eye(len(errors)))) > 0.5  # not trivial


def test_rows_of_the_covariance_are_bins_of_values(rows):
    """One GEN event in bins (0, 2) and (1, 0), by hand."""
    one = {"genEvent": np.zeros(2, np.uint64), "x": np.array([0.5, 1.5]), "y": np.array([2.5, 0.5]), "w": np.ones(2)}
    h = fill(one, "OversampledTH2D", fold_size=2, edges=(np.arange(3.0), np.arange(4.0)))
    assert np.flatnonzero(h.values().ravel()).tolist() == [2, 3]
    assert np.argwhere(h.covariance()).tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]


def test_arrays_outlive_the_histogram(rows):
    histogram = fill(rows)
    arrays = [histogram.to_numpy(flow=True)[0], histogram.covariance(True), histogram.to_hist().values(flow=True)]
    before = [array.copy() for array in arrays]
    histogram.Reset()
    del histogram
    gc.collect()
    for array, wanted in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize("make", [lambda rows: fill(rows)[1:4], book], ids=["histogram", "RResultPtr"])
@pytest.mark.parametrize("method", ["values", "variances"])
def test_views_keep_the_histogram_alive(rows, make, method):
    owner = make(rows)
    alive = weakref.ref(owner)
    view = getattr(owner, method)(flow=True)
    before = view.copy()
    del owner
    gc.collect()
    assert alive() is not None
    assert not view.flags.owndata
    np.testing.assert_array_equal(view, before)
    del view
    gc.collect()
    assert alive() is None


def test_views_show_and_allow_changes(rows):
    histogram = fill(rows)
    view = histogram.values()
    assert not view.flags.writeable
    histogram.Scale(2)
    assert view[2] == histogram.GetBinContent(3)
    histogram.values(writable=True)[2] = 7
    assert histogram.GetBinContent(3) == view[2] == 7
    assert not histogram.HasFoldInformation()


def test_results_of_a_dataframe_have_the_methods(rows):
    result = book(rows)
    assert "RResultPtr" in type(result).__name__
    assert isinstance(result, PlottableHistogram)
    histogram = result.GetValue()
    assert result.to_hist() == histogram.to_hist()
    assert result[2] == histogram[2] == histogram.GetBinContent(3)
    assert list(result) == list(histogram)
    np.testing.assert_array_equal(result.covariance(), histogram.covariance())
    np.testing.assert_array_equal(result[1:4].values(), histogram.values()[1:4])


@pytest.mark.parametrize("method", ["covariance", "correlation"])
def test_refuses_without_covariance(rows, method):
    histogram = fill(rows, covariance=False)
    with pytest.raises(RuntimeError, match=r"'h'.*covariance=True"):
        getattr(histogram, method)()


def test_methods_of_a_histogram_from_a_file(rows, tmp_path):
    """In a process that meets the class there for the first time."""
    histogram, path = fill(rows), str(tmp_path / "h.root")
    with ROOT.TFile(path, "recreate") as file:
        file.WriteObject(histogram, "h")
    code = """
import sys, ROOT, flashsim
file = ROOT.TFile(sys.argv[1])
h = file["h"]
print(h.to_hist().values(flow=True).sum(), h.covariance().sum(), h[1:3].covariance().sum())
"""
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code, path], capture_output=True, text=True, check=True)
    wanted = [histogram.values(flow=True).sum(), histogram.covariance().sum(), histogram[1:3].covariance().sum()]
    np.testing.assert_allclose([float(word) for word in run.stdout.split()], wanted, rtol=1e-12)


def test_histplot_draws_the_right_errors(rows):
    histogram = fill(rows)
    axes = Figure().subplots()
    (artists,) = mplhep.histplot(histogram, ax=axes, histtype="errorbar")
    _, _, (bars,) = artists.errorbar
    segments = np.array(bars.get_segments())  # [bin, end, (x, y)]
    errors = [histogram.GetBinError(i) for i in range(1, 8)]
    np.testing.assert_allclose(segments[:, :, 1].mean(axis=1), histogram.values(), rtol=1e-9)
    np.testing.assert_allclose(np.diff(segments[:, :, 1])[:, 0] / 2, errors, rtol=1e-9)


def test_hist2dplot_draws_the_contents(rows):
    histogram = fill(rows, "OversampledTH2D")
    artists = mplhep.hist2dplot(histogram, ax=Figure().subplots(), cbar=False)
    np.testing.assert_allclose(artists.pcolormesh.get_array(), histogram.values().T)


MERGING = {
    "rebin": lambda h: h[::2j],
    "slice": lambda h: h[1:4],
    "slice by value": lambda h: h[: hist.loc(1.0)],
    "sum": lambda h: h[sum],
    "sum of a slice": lambda h: h[0:len:sum],
    "rebin without slice": lambda h: h[hist.rebin(2)],
    "by axis number": lambda h: h[{0: slice(None, None, 2j)}],
    "list": lambda h: h[[1, 2]],
    "sum()": lambda h: h.sum(),
    "project": lambda h: h.project(),
    "integrate": lambda h: h.integrate(0),
    "profile": lambda h: h.profile(0),
    "a multiple": lambda h: (2 * h)[::2j],
    "a sum": lambda h: (h + h)[::2j],
    "a copy": lambda h: h.copy()[::2j],
    "pickled": lambda h: pickle.loads(pickle.dumps(h))[::2j],
}


@pytest.mark.parametrize("case", MERGING)
def test_hist_does_not_merge_correlated_bins(rows, case):
    with pytest.raises(RuntimeError, match=r"bins of histogram 'h' are correlated.*h\.Rebin\(2\)\.to_hist\(\)"):
        MERGING[case](book(rows).to_hist())


def test_hist_projects_no_correlated_bins(rows):
    converted = book(rows, "OversampledTH2D").to_hist()
    for project in (lambda: converted.project(0), lambda: converted[:, sum], lambda: converted[2:, 3]):
        with pytest.raises(RuntimeError, match="are correlated"):
            project()
    np.testing.assert_array_equal(converted.project(1, 0).variances(), converted.variances().T)
    np.testing.assert_array_equal(converted[3, :].variances(), converted.variances()[3])
    assert type(converted[3, :]) is type(converted)


def test_hist_of_oversampled_histograms_is_a_hist(rows):
    histogram = book(rows)
    converted = histogram.to_hist()
    assert isinstance(converted, hist.Hist)
    assert converted[3].variance == histogram.variances()[3]
    assert converted[hist.loc(1.0)].value == histogram.values()[histogram.FindBin(1.0) - 1]
    np.testing.assert_allclose((2 * converted).variances(), 4 * histogram.variances())
    assert repr(converted).startswith("CorrelatedHist(")
    assert "name='xaxis'" in repr(converted)
    assert str(converted)
    picture = converted._repr_html_()
    assert "svg" in picture
    assert "WeightedSum(" not in picture
    converted.plot()
    plt.close("all")
    unprotected = hist.Hist(converted)
    assert unprotected[::2j].variances()[0] == pytest.approx(converted.variances()[:2].sum())
