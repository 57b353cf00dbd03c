"""A filled OversampledTH1D: arithmetic, files, loss of fold information, and errors."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import ROOT

import flashsim
from oracle import check
from th1d_rows import MODEL, expected, make_rows

CELLS = range(12)


def fill(rows, name="h"):
    """The filled histogram, independent of the dataframe."""
    result = ROOT.RDF.FromNumpy(rows).OversampledTH1D((name, *MODEL[1:]), "x", "w")
    return ROOT.FlashSim.OversampledTH1D(result.GetValue())


def together(first, second):
    """The rows of two samples with different GEN events, as one."""
    second = {**second, "genEvent": second["genEvent"] + np.uint64(2**32)}
    return {name: np.concatenate([first[name], second[name]]) for name in first}


def scaled(rows, factor):
    return {**rows, "w": factor * rows["w"]}


pytestmark = pytest.mark.usefixtures("no_directory")


@pytest.fixture(scope="module")
def rows():
    return make_rows(n_gen=60)


@pytest.fixture(scope="module")
def other_rows():
    return make_rows(n_gen=40, seed=2)


def test_is_a_th1d(rows):
    histogram, wanted = fill(rows), expected(rows)
    assert isinstance(histogram, ROOT.TH1D)
    assert (histogram.ClassName(), histogram.GetTitle()) == ("FlashSim::OversampledTH1D", "")
    np.testing.assert_allclose(histogram.values(flow=True), wanted.content, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(histogram.variances(), wanted.variance[1:-1], rtol=1e-12)
    total, variance, moment, _ = wanted.statistics
    assert histogram.GetMean() == pytest.approx(moment / total)
    assert histogram.GetEffectiveEntries() == pytest.approx(total**2 / variance)
    assert histogram.GetSumOfWeights() == pytest.approx(total)


def test_effective_entries_count_gen_events():
    rows = make_rows(n_gen=50, fold_size=8)
    rows.update(x=np.clip(rows["x"], 0.1, 9.9), w=np.ones(400))
    histogram = fill(rows)
    assert (histogram.GetEntries(), histogram.GetNGenEvents()) == (400, 50)
    assert histogram.GetEffectiveEntries() == pytest.approx(50)


def test_copies(rows):
    histogram, wanted = fill(rows), expected(rows)
    assigned = ROOT.FlashSim.OversampledTH1D("other", "", 3, 0.0, 1.0)
    assigned.__assign__(histogram)
    clone, copy = histogram.Clone("clone"), ROOT.FlashSim.OversampledTH1D(histogram)
    plain = ROOT.TH1D()
    histogram.Copy(plain)
    histogram.Reset()
    for one in (clone, copy, assigned):
        assert isinstance(one, ROOT.FlashSim.OversampledTH1D)
        check(one, wanted)
    assert plain.GetBinContent(5) == clone.GetBinContent(5)
    assert (histogram.GetBinContent(5), histogram.GetBinErrorNaive(5), histogram.GetNGenEvents()) == (0, 0, 0)


def test_constructors_of_root():
    edges = [0.0, 1.0, 4.0]
    empty = ROOT.FlashSim.OversampledTH1F("h", "", 2, np.array(edges, np.float32))
    assert [empty.GetBinLowEdge(i) for i in (1, 2, 3)] == edges and empty.GetSumw2N() == 4
    assert empty.HasFoldInformation() and empty.GetNGenEvents() == 0
    contents = ROOT.TVectorD(2)
    contents[0] = 3
    of_vector = ROOT.FlashSim.OversampledTH1D(contents)
    assert of_vector.GetBinContent(1) == 3 and not of_vector.HasFoldInformation()


def test_scale(rows):
    histogram = fill(rows)
    histogram.Scale(-0.25)
    check(histogram, expected(scaled(rows, -0.25)))
    histogram *= 4
    check(histogram, expected(scaled(rows, -1)))


def test_scale_by_width(rows):
    edges = np.array([0.0, 1, 3, 7, 10])
    model = ("h", "", 4, edges)
    result = ROOT.RDF.FromNumpy(rows).OversampledTH1D(model, "x", "w")
    histogram, before = result.Clone(), result.Clone()
    histogram.Scale(3, "width")
    for i in range(6):
        factor = 3 / histogram.GetBinWidth(i)
        for method in ("GetBinContent", "GetBinError", "GetBinErrorNaive", "GetBinErrorLimit"):
            wanted = factor * getattr(before, method)(i)
            assert getattr(histogram, method)(i) == pytest.approx(wanted, rel=1e-12, nan_ok=True)


def test_normalize(rows):
    histogram = fill(rows)
    histogram.Normalize(50.0)
    check(histogram, expected(scaled(rows, 1 / 50)))
    for wrong in (0.0, float("nan")):
        with pytest.raises(Exception, match="cannot normalize to a sum of weights of"):
            histogram.Normalize(wrong)


@pytest.mark.parametrize("factor", [1.0, 0.5, -2.0])
def test_add(rows, other_rows, factor):
    wanted = expected(together(rows, scaled(other_rows, factor)))
    histogram, other = fill(rows), fill(other_rows)
    both = ROOT.FlashSim.OversampledTH1D("both", "", 10, 0.0, 10.0)
    assert both.Add(histogram, other, 1.0, factor)
    assert histogram.Add(other, factor)
    for one in (histogram, both):
        for method, values in {"GetBinContent": wanted.content, "GetBinVarianceNaive": wanted.naive}.items():
            np.testing.assert_allclose([getattr(one, method)(i) for i in CELLS], values, rtol=1e-12, atol=1e-12)
        if factor == 1:  # in other cases, entries and statistics are as TH1::Add makes them
            check(one, wanted)
        assert one.GetNGenEvents() == 100
        np.testing.assert_allclose([one.GetBinVarianceLimit(i) for i in CELLS], wanted.limit, rtol=1e-11, atol=1e-12)


def test_merge(rows, other_rows):
    histogram = fill(rows)
    others = ROOT.TList()
    parts = [fill(other_rows), ROOT.FlashSim.OversampledTH1D("empty", "", 10, 0.0, 10.0)]
    for part in parts:
        others.Add(part)
    assert histogram.Merge(others) == histogram.GetEntries()
    check(histogram, expected(together(rows, other_rows)))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: ROOT.TH1D("plain", "", 10, 0.0, 10.0), "cannot merge with 'plain', a TH1D"),
        (lambda: ROOT.FlashSim.OversampledTH1D("wide", "", 10, 0.0, 20.0), "cannot add 'wide', whose axes differ"),
        (lambda: ROOT.FlashSim.OversampledTH1D("fine", "", 20, 0.0, 10.0), "cannot add 'fine', whose axes differ"),
    ],
)
def test_refuses_to_merge(rows, other, message):
    histogram, others, part = fill(rows), ROOT.TList(), other()
    others.Add(part)
    with pytest.raises(Exception, match=message):
        histogram.Merge(others)
    check(histogram, expected(rows))


def write(path, *histograms) -> str:
    with ROOT.TFile(str(path), "recreate") as file:
        for histogram in histograms:
            file.WriteObject(histogram, histogram.GetName())
    return str(path)


def read(path, name="h"):
    with ROOT.TFile(path) as file:
        histogram = file.Get(name)
        histogram.SetDirectory(ROOT.nullptr)
        ROOT.SetOwnership(histogram, True)
        return histogram


def test_file(rows, tmp_path):
    path = write(tmp_path / "h.root", fill(rows))
    check(read(path), expected(rows))
    # In a process that has not seen the class.
    code = """
import sys, ROOT, flashsim
file = ROOT.TFile(sys.argv[1])
h = file["h"]
print(h.GetBinContent(5), h.GetBinError(5), h.GetBinErrorNaive(5), h.GetBinErrorForFoldSize(5, 3), h.GetNGenEvents())
"""
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code, path], capture_output=True, text=True, check=True)
    h = fill(rows)
    wanted = [h.GetBinContent(5), h.GetBinError(5), h.GetBinErrorNaive(5), h.GetBinErrorForFoldSize(5, 3), 60]
    np.testing.assert_array_equal([float(word) for word in run.stdout.split()], wanted)


def test_lost_fold_information_stays_lost_in_a_file(rows, tmp_path):
    histogram = fill(rows)
    histogram.SetBinContent(5, 1000)
    again = read(write(tmp_path / "h.root", histogram))
    assert again.GetBinContent(5) == 1000
    assert not again.HasFoldInformation()
    with pytest.raises(Exception, match="GetBinErrorNaive is not known"):
        again.GetBinErrorNaive(4)


def test_merge_files(rows, other_rows, tmp_path):
    paths = [write(tmp_path / "a.root", fill(rows)), write(tmp_path / "b.root", fill(other_rows))]
    merger = ROOT.TFileMerger(False)
    merger.OutputFile(str(tmp_path / "merged.root"))
    for path in paths:
        merger.AddFile(path)
    assert merger.Merge()
    check(read(str(tmp_path / "merged.root")), expected(together(rows, other_rows)))


def test_hadd(rows, other_rows, tmp_path):
    hadd = shutil.which("hadd") or shutil.which("hadd", path=str(Path(ROOT.__file__).parent / "bin"))
    if not hadd:
        pytest.skip("hadd is not installed")
    paths = [write(tmp_path / "a.root", fill(rows)), write(tmp_path / "b.root", fill(other_rows))]
    libraries = [str(Path(flashsim.__file__).parent / "lib"), str(Path(ROOT.__file__).parent / "lib")]
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")])}
    merged = str(tmp_path / "merged.root")
    run = subprocess.run([hadd, merged, *paths], capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    check(read(merged), expected(together(rows, other_rows)))


def test_results_of_distributed_tasks(rows, other_rows):
    """Tasks send their results as pickled mergeables."""
    mergeables = []
    for part in (rows, other_rows):
        result = ROOT.RDF.FromNumpy(part).OversampledTH1D(MODEL, "x", "w")
        mergeables.append(pickle.loads(pickle.dumps(ROOT.Detail.RDF.GetMergeableValue(result))))
    ROOT.Detail.RDF.MergeValues(*mergeables)
    check(mergeables[0].GetValue(), expected(together(rows, other_rows)))


def set_array(histogram):
    histogram.values(writable=True)[4] = 7


def set_slice(histogram):
    histogram[3:6] = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.SetBinContent(5, 3.0),
        lambda h: h.AddBinContent(5, 3.0),
        lambda h: h.SetBinError(5, 3.0),
        lambda h: h.Fill(4.5),
        lambda h: h.Multiply(h.MakeTH()),
        lambda h: h.Divide(h.MakeTH()),
        lambda h: h.Add(fill_plain()),
        lambda h: h.Add(ROOT.TF1("f", "1", 0, 10)),
        lambda h: h.Smooth(),
        lambda h: h.Sumw2(False),
        lambda h: h.GetSumw2().SetAt(3.0, 5),
        set_array,
        set_slice,
    ],
)
def test_loses_fold_information(rows, change):
    histogram = fill(rows)
    change(histogram)
    assert not histogram.HasFoldInformation()
    for method in ("GetBinErrorNaive", "GetBinErrorLimit", "GetBinVarianceNaive", "GetBinVarianceLimit"):
        with pytest.raises(Exception, match=r"OversampledTH1D 'h': GetBinError(Naive|Limit) is not known"):
            getattr(histogram, method)(5)
    with pytest.raises(Exception, match="GetBinErrorForFoldSize is not known"):
        histogram.GetBinErrorForFoldSize(5, 2)
    with pytest.raises(Exception, match="GetNGenEvents is not known"):
        histogram.GetNGenEvents()
    # Sums with it and copies of it have none either, until a reset.
    fresh = fill(rows)
    fresh.Add(histogram)
    assert not fresh.HasFoldInformation()
    assert not histogram.Clone().HasFoldInformation()
    fresh.Reset()
    assert fresh.HasFoldInformation()


def fill_plain():
    plain = ROOT.TH1D("plain", "", 10, 0.0, 10.0)
    plain.Fill(4.5)
    return plain


@pytest.mark.parametrize(
    "refused",
    [
        lambda h: h.Rebin(2),
        lambda h: h.RebinX(2),
        lambda h: h.GetCumulative(),
        lambda h: h.IntegralAndError(1, 5, np.zeros(1)),
        lambda h: h.SetBins(5, 0.0, 10.0),
        lambda h: h.SetBins(2, np.array([0.0, 1.0, 10.0])),
        lambda h: h[2:5],
        lambda h: h[:: ROOT.uhi.rebin(2)],
    ],
)
def test_refuses_what_needs_the_covariance(rows, refused):
    histogram = fill(rows)
    with pytest.raises(Exception, match="does not hold their covariance"):
        refused(histogram)
    check(histogram, expected(rows))


def test_allows_what_does_not_need_the_covariance(rows):
    histogram = fill(rows)
    error = np.zeros(1)
    assert histogram.IntegralAndError(5, 5, error) == histogram.GetBinContent(5)
    assert error[0] == histogram.GetBinError(5)
    assert histogram.Integral(1, 10) == pytest.approx(histogram.GetSumOfWeights())
    assert histogram[4] == histogram.GetBinContent(5)
    histogram.SetBins(10, 0.0, 1.0)
    assert (histogram.GetBinErrorNaive(5), histogram.GetXaxis().GetXmax()) == (fill(rows).GetBinErrorNaive(5), 1.0)
    histogram.Reset()
    histogram.SetBins(3, 0.0, 1.0)
    assert histogram.HasFoldInformation()
    assert histogram.GetNcells() == 5


@pytest.mark.parametrize("fold_size", [0, -1])
def test_refuses_impossible_fold_sizes(rows, fold_size):
    with pytest.raises(Exception, match="GetBinErrorForFoldSize takes a fold size of at least 1"):
        fill(rows).GetBinErrorForFoldSize(3, fold_size)
