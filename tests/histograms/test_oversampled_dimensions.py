"""How oversampled histograms of one to three dimensions are filled: against the definitions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

import flashsim  # noqa: F401
from oracle import check, in_range_cells, matrix
from samples import (
    define_collection,
    expected,
    implicit_multi_threading,
    make_rows,
    select,
    write,
    write_files,
)

EDGES = {
    "x": np.linspace(0, 10, 7),
    "y": np.array([-0.5, 1.0, 1.5, 4.0, 9.0]),
    "z": np.array([2.0, 5.0, 6.0, 8.5]),
}
NAMES = ["x", "xy", "xyz"]


def edges_of(names: str):
    """Of one axis as an array, of more as a list."""
    return EDGES["x"] if names == "x" else [EDGES[name] for name in names]


def model_of(names: str, name: str = "h"):
    return (name, ";x;y;z", *[part for axis in names for part in (len(EDGES[axis]) - 1, EDGES[axis])])


def book(node, names: str, *columns, precision: str = "D", model=None, **options):
    """Books with the model of these axes; columns are those of the axes, then that of weights."""
    method = getattr(node, f"OversampledTH{len(names)}{precision}")
    return method(model or model_of(names), *columns, **options)


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@st.composite
def rows_of_any_kind(draw):
    """Fold sizes of 1 to 6, some RECO events dropped; values on edges, off the axes, NaN; weights of both signs."""
    fold_sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=10))
    left = [draw(st.integers(0, n)) for n in fold_sizes]
    n_rows = sum(left)
    values = st.floats(-2, 12) | st.sampled_from([*EDGES["x"], *EDGES["y"], np.nan, np.inf, -np.inf])
    weights = st.floats(-10, 10).filter(lambda w: w == 0 or abs(w) > 1e-3)
    rows = {
        "genEvent": np.repeat(np.arange(len(left), dtype=np.uint64) * np.uint64(2**60 - 1), left),
        "foldSize": np.repeat(np.array(fold_sizes, np.int32), left),
        "reco": np.arange(n_rows, dtype=np.uint64),
        "w": np.array(draw(st.lists(weights, min_size=n_rows, max_size=n_rows)), float),
    }
    for axis in "xyz":
        rows[axis] = np.array(draw(st.lists(values, min_size=n_rows, max_size=n_rows)), float)
    return rows


@pytest.mark.parametrize("names", ["x", "xy", pytest.param("xyz", marks=pytest.mark.slow)])
@given(rows=rows_of_any_kind())
@settings(max_examples=60)
def test_any_fold_sizes(names, rows):
    if len(rows["x"]) > 0:
        histogram = book(ROOT.RDF.FromNumpy(rows), names, *names, "w", covariance=True)
        check(histogram, expected(rows, names, edges_of(names)), covariance=True)


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("layout", ["memory", "TTree", pytest.param("TChain", marks=pytest.mark.slow), "RNTuple"])
def test_datasets(names, layout, rows, threads, tmp_path):
    """Clusters of 1 to 40 rows: some GEN events are cut into several, by files, too."""
    ends = np.cumsum(np.random.default_rng(5).integers(1, 40, 100))
    ends = [*range(5), *ends[ends < len(rows["x"]) - 20] + 5]
    if layout == "memory":
        df = ROOT.RDF.FromNumpy(rows)
    elif layout == "TTree":
        df = ROOT.RDataFrame("Events", write(tmp_path / "tree.root", rows, cluster_ends=ends))
    else:
        df = ROOT.RDataFrame("Events", write_files(tmp_path, rows, files=3, ntuple=layout == "RNTuple", cluster=11))
    # The last filter drops GEN events as a whole.
    df = df.Filter("z < 9 && reco % 5 != 0").Filter("genEvent % 7 != 0")
    left = (rows["z"] < 9) & (rows["reco"] % np.uint64(5) != 0) & (rows["genEvent"] % np.uint64(7) != 0)
    weighted = book(df, names, *names, "w", covariance=True)
    unweighted = book(df, names, *names)
    kept = select(rows, left)
    check(weighted, expected(kept, names, edges_of(names)), covariance=True)
    check(unweighted, expected(kept, names, edges_of(names), weights=None))
    assert not unweighted.HasCovariance()


def test_folds_that_span_several_files(tmp_path):
    rows = make_rows(n_gen=5, fold_size=60)
    for ntuple in (False, True):
        files = write_files(tmp_path, rows, files=7, ntuple=ntuple, cluster=6)
        with implicit_multi_threading():
            df = ROOT.RDataFrame("Events", files).Filter("reco % 3 != 0")
            histogram = book(df, "xy", "x", "y", "w", covariance=True)
            wanted = expected(select(rows, rows["reco"] % np.uint64(3) != 0), "xy", edges_of("xy"))
            check(histogram, wanted, covariance=True)


@pytest.mark.slow
@pytest.mark.parametrize("names", NAMES)
def test_numbers_and_collections(names, threads, rows):
    """Each axis and the weight are a number or a collection of 0 to 3 values, many of them in the same cell."""
    rng = np.random.default_rng(7)
    n_rows = len(rows["x"])
    sizes = rng.integers(0, 4, n_rows)
    index = np.repeat(np.arange(n_rows), sizes)
    elements = {axis: rows[axis][index] + rng.normal(0, 0.5, len(index)) for axis in names}
    elements["w"] = rows["w"][index] * rng.normal(1, 0.5, len(index))

    df = ROOT.RDF.FromNumpy({**rows, "row": np.arange(n_rows, dtype=np.uint64)})
    for name, values in elements.items():
        df = define_collection(df, f"{name}s", values, sizes)
    booked = []
    for kinds in product([False, True], repeat=len(names)):
        for weight in ("", "w", "ws"):
            columns = [f"{axis}s" if many else axis for axis, many in zip(names, kinds, strict=True)]
            result = book(df, names, *columns, *([weight] if weight else []), covariance=True)
            fills = rows
            if any(kinds) or weight == "ws":
                fills = select(rows, index)
                fills.update({axis: elements[axis] for axis, many in zip(names, kinds, strict=True) if many})
                if weight == "ws":
                    fills["w"] = elements["w"]
            booked.append((result, fills, weight or None))
    for result, fills, weight in booked:
        wanted = expected(fills, names, edges_of(names), weights="w" if weight else None)
        check(result, wanted, covariance=True)


@pytest.mark.parametrize("names", NAMES)
def test_float_classes(names, rows):
    result = book(ROOT.RDF.FromNumpy(rows), names, *names, "w", precision="F", covariance=True)
    assert result.ClassName() == f"FlashSim::OversampledTH{len(names)}F"
    assert isinstance(result.GetValue(), getattr(ROOT, f"TH{len(names)}F"))
    wanted = expected(rows, names, edges_of(names))
    check(result, wanted, covariance=True)
    assert result.GetBinContent(30) == np.float32(result.GetBinContent(30))


@pytest.mark.parametrize("names", NAMES)
def test_classes_are_those_of_root(names, rows):
    histogram = book(ROOT.RDF.FromNumpy(rows), names, *names, "w").GetValue()
    assert isinstance(histogram, getattr(ROOT, f"TH{len(names)}D"))
    assert (histogram.GetDimension(), histogram.GetTitle()) == (len(names), "")
    titles = [axis.GetTitle() for axis in (histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis())]
    assert titles == ["x", "y", "z"]
    shape = tuple(len(EDGES[axis]) - 1 for axis in names)
    content = expected(rows, names, edges_of(names)).content
    in_range = in_range_cells(edges_of(names))
    assert histogram.values().shape == shape
    np.testing.assert_allclose(histogram.values().flatten(order="F"), content[in_range], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("names", NAMES)
def test_contents_and_naive_errors_are_those_of_root(names, rows):
    """ROOT's own histogram, filled with w / N."""
    df = ROOT.RDF.FromNumpy(rows).Define("share", "w / foldSize")
    result = book(df, names, *names, "w")
    (n, *n_others) = [len(EDGES[axis]) - 1 for axis in names]
    if names == "xyz":
        model = ROOT.RDF.TH3DModel("r", "", n, EDGES["x"], n_others[0], EDGES["y"], n_others[1], EDGES["z"])
        roots = df.Histo3D(model, *names, "share")
    else:
        roots = getattr(df, f"Histo{len(names)}D")(model_of(names, "r"), *names, "share")
    for cell in range(roots.GetNcells()):
        assert result.GetBinContent(cell) == pytest.approx(roots.GetBinContent(cell), rel=1e-12, abs=1e-13)
        assert result.GetBinErrorNaive(cell) == pytest.approx(roots.GetBinError(cell), rel=1e-12)
    ours, theirs = np.zeros((2, 13))
    result.GetStats(ours)
    roots.GetStats(theirs)
    np.testing.assert_allclose(np.delete(ours, 1), np.delete(theirs, 1), rtol=1e-12, atol=1e-12)
    assert result.GetEntries() == roots.GetEntries()


def test_fold_size_one_is_an_ordinary_histogram():
    rows = make_rows(fold_size=1)
    df = ROOT.RDF.FromNumpy(rows)
    ours = book(df, "xy", "x", "y", "w", covariance=True)
    theirs = df.Histo2D(model_of("xy", "r"), "x", "y", "w")
    for cell in range(theirs.GetNcells()):
        assert ours.GetBinContent(cell) == pytest.approx(theirs.GetBinContent(cell), rel=1e-12, abs=1e-13)
        assert ours.GetBinError(cell) == pytest.approx(theirs.GetBinError(cell), rel=1e-12)
    assert ours.GetEffectiveEntries() == pytest.approx(theirs.GetEffectiveEntries(), rel=1e-12)
    # No GEN event fills two bins.
    covariance = matrix(ours.GetCovarianceMatrix())
    np.testing.assert_array_equal(covariance, np.diag(np.diag(covariance)))


UNIFORM = {"x": (6, 0.0, 10.0), "y": (4, -1.0, 9.0), "z": (3, 2.0, 8.0)}


@pytest.mark.parametrize("variable", [*product([False, True], repeat=2), *product([False, True], repeat=3)])
def test_models_with_edges_for_any_axis(variable, rows):
    names = "xyz"[: len(variable)]
    parts, edges = [], []
    for axis, has_edges in zip(names, variable, strict=True):
        if has_edges:
            parts += [len(EDGES[axis]) - 1, list(EDGES[axis])]
            edges.append(EDGES[axis])
        else:
            n, low, high = UNIFORM[axis]
            parts += [n, low, high]
            edges.append(np.linspace(low, high, n + 1))
    histogram = book(ROOT.RDF.FromNumpy(rows), names, *names, "w", model=("h", "", *parts))
    check(histogram, expected(rows, names, edges))
    for axis, has_edges in zip([histogram.GetXaxis(), histogram.GetYaxis(), histogram.GetZaxis()], variable):  # noqa: B905
        assert bool(axis.IsVariableBinSize()) == has_edges


def test_models_of_root(rows):
    df = ROOT.RDF.FromNumpy(rows)
    uniform = [number for axis in "xyz" for number in UNIFORM[axis]]
    variable = [part for axis in "xyz" for part in (len(EDGES[axis]) - 1, EDGES[axis])]
    uniform_edges = [np.linspace(low, high, n + 1) for n, low, high in UNIFORM.values()]
    for parts, edges in ((uniform, uniform_edges), (variable, edges_of("xyz"))):
        n = len(parts)
        for precision in "DF":
            two = ROOT.RDF.TH2DModel("h", "", *parts[: n * 2 // 3])
            three = ROOT.RDF.TH3DModel("h", "", *parts)
            check(book(df, "xy", *"xy", "w", model=two, precision=precision), expected(rows, "xy", edges[:2]))
            check(book(df, "xyz", *"xyz", "w", model=three, precision=precision), expected(rows, "xyz", edges))


def test_overflows_in_statistics(rows):
    ROOT.TH1.StatOverflows(True)
    try:
        result = book(ROOT.RDF.FromNumpy(rows), "xy", "x", "y", "w")
        means = result.GetMean(1), result.GetMean(2)
    finally:
        ROOT.TH1.StatOverflows(False)
    share = rows["w"] / rows["foldSize"]
    assert means == pytest.approx([(share * rows[axis]).sum() / share.sum() for axis in "xy"], rel=1e-12)


def test_moments(rows):
    result = book(ROOT.RDF.FromNumpy(rows), "xy", "x", "y")
    inside = np.logical_and.reduce([(rows[a] >= EDGES[a][0]) & (rows[a] < EDGES[a][-1]) for a in "xy"])
    share, x, y = (values[inside] for values in (1 / rows["foldSize"], rows["x"], rows["y"]))
    covariance = np.cov(x, y, aweights=share, ddof=0)
    assert result.GetStdDev(1) == pytest.approx(np.sqrt(covariance[0, 0]))
    assert result.GetCorrelationFactor() == pytest.approx(covariance[0, 1] / np.sqrt(np.prod(np.diag(covariance))))


def test_inline_mode(threads):
    rows = make_rows(n_gen=80, fold_size=5)
    df = ROOT.RDF.FromNumpy({"row": np.arange(80, dtype=np.uint64)})
    for name in ("x", "y", "z", "w"):
        df = define_collection(df, name, rows[name], np.full(80, 5))
    for names in NAMES:
        histogram = book(df, names, *names, "w", event=None, covariance=True)
        check(histogram, expected(rows, names, edges_of(names)), covariance=True)


def test_fold_sums_are_what_the_bins_say(rows):
    result = book(ROOT.RDF.FromNumpy(rows), "xy", "x", "y", "w", covariance=True)
    sums, cells = result.GetFoldSums(), range(result.GetNcells())
    vectors = {
        "GetBinVarianceNaive": sums.GetNaiveVariances(),
        "GetBinVarianceLimit": sums.GetLimitVariances(),
    }
    for method, vector in vectors.items():
        np.testing.assert_array_equal(np.asarray(vector), [getattr(result, method)(cell) for cell in cells])
    predicted = np.asarray(sums.GetLimitVariances()) + np.asarray(sums.GetFoldVariances()) / 3
    np.testing.assert_array_equal(predicted, [result.GetBinVarianceForFoldSize(cell, 3) for cell in cells])
    packed = np.asarray(sums.GetCovariances())
    np.testing.assert_array_equal(packed, matrix(result.GetCovarianceMatrix(True))[np.triu_indices(len(cells))])
    without = book(ROOT.RDF.FromNumpy(rows), "xy", "x", "y", "w")
    assert len(without.GetFoldSums().GetCovariances()) == 0


@pytest.mark.parametrize("names", NAMES)
def test_nothing_selected(names, rows, threads):
    result = book(ROOT.RDF.FromNumpy(rows).Filter("x > 1e9"), names, *names, "w", covariance=True)
    assert (result.GetEntries(), result.GetNGenEvents(), result.GetBinErrorLimit(9)) == (0, 0, 0)
    assert not matrix(result.GetCovarianceMatrix(True)).any()


@pytest.mark.parametrize(
    ("names", "columns", "message"),
    [
        ("xy", ("x", "nothing"), "OversampledTH2D 'h': there is no column 'nothing'"),
        ("xyz", ("x", "y", "nothing"), "OversampledTH3D 'h': there is no column 'nothing'"),
        ("xyz", ("x", "y", "z", "nothing"), "OversampledTH3D 'h': there is no column 'nothing'"),
    ],
)
def test_missing_columns(names, columns, message, rows):
    with pytest.raises(RuntimeError, match=message):
        book(ROOT.RDF.FromNumpy(rows), names, *columns)


@pytest.mark.parametrize(
    ("names", "model"),
    [
        ("xy", ("h", "", 0, 0.0, 1.0, 5, 0.0, 1.0)),
        ("xy", ("h", "", 5, 0.0, 1.0, -1, 0.0, 1.0)),
        ("xy", ("h", "", 5, 1.0, 0.0, 5, 0.0, 1.0)),
        ("xy", ("h", "", 5, 0.0, 1.0, 2, [0.0, 2.0, 1.0])),
        ("xy", ("h", "", 5, 0.0, 1.0, 2, [0.0, float("nan"), 1.0])),
        ("xy", ("h", "", 5, 0.0, float("nan"), 2, [0.0, 0.5, 1.0])),
        ("xyz", ("h", "", 5, 0.0, 1.0, 2, 0.0, 1.0, 3, 1.0, 1.0)),
        ("xy", ("h", "", 5, 0.0, 1.0)),
        ("x", ("h", "", 5, 0.0, 1.0, 5, 0.0, 1.0)),
        ("xy", ("h", "", 5, 0.0, 1.0, 3, [0.0, 2.0, 3.0])),
    ],
)
def test_bad_models(names, model, rows):
    with pytest.raises((TypeError, ValueError, RuntimeError), match=r"model|'h'"):
        book(ROOT.RDF.FromNumpy(rows), names, *names, model=model)


def test_collections_of_different_sizes():
    df = ROOT.RDataFrame(4).Define("genEvent", "rdfentry_").Define("three", "ROOT::RVecD{1, 2, 3}")
    df = df.Define("two", "ROOT::RVecD{1, 2}")
    histogram = book(df, "xy", "three", "two", fold_size=1)
    with pytest.raises(Exception, match=r"column 'three' .* has 3 elements and column 'two' .* has 2"):
        histogram.GetValue()
