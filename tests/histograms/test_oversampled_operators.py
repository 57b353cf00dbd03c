"""Arithmetic of oversampled histograms: results keep class and covariance, or there is no result."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401
from histories import EDGES, FILLS, OTHER_FILLS, edges_of, fill
from oracle import check
from samples import define_collection, expected, scaled, select, together

pytestmark = pytest.mark.usefixtures("no_directory")

KINDS = ["xD", "xF", "xyD", "xyzD", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("xyF", "xyzF"))]


def pair(kind: str):
    return fill(FILLS, kind[:-1], kind[-1]), fill(OTHER_FILLS, kind[:-1], kind[-1])


def check_result(result, fills, kind: str, operand) -> None:
    assert type(result) is type(operand)
    assert not result.GetDirectory()
    check(result, expected(fills, kind[:-1], edges_of(kind[:-1])), bins_only=True, covariance=True)


MULTIPLES = {
    "2 * h": 2,
    "h * 2": 2,
    "numpy.float64(0.5) * h": 0.5,
    "h / 4": 0.25,
    "-h": -1,
    "0 + h": 1,
    "h + h": 2,
}


@pytest.mark.parametrize("kind", KINDS)
def test_multiples(kind):
    h = fill(FILLS, kind[:-1], kind[-1])
    for expression, factor in MULTIPLES.items():
        if kind.startswith("xyz") and expression not in ("2 * h", "h + h"):
            continue
        result = eval(expression, {"h": h, "numpy": np})
        check_result(result, scaled(FILLS, factor), kind, h)
    check(h, expected(FILLS, kind[:-1], edges_of(kind[:-1])), covariance=True)


@pytest.mark.parametrize("kind", KINDS)
def test_sums(kind):
    h, other = pair(kind)
    check_result(h + other, together(FILLS, OTHER_FILLS), kind, h)
    check_result(h - other, together(FILLS, scaled(OTHER_FILLS, -1)), kind, h)
    if not kind.startswith("xyz"):
        check_result(2 * h + other / 4, together(scaled(FILLS, 2), scaled(OTHER_FILLS, 0.25)), kind, h)
        check_result(sum([h, other]), together(FILLS, OTHER_FILLS), kind, h)
    assert (h + other).GetNGenEvents() == h.GetNGenEvents() + other.GetNGenEvents()
    assert not np.any((h - h).variances(flow=True))


@pytest.mark.parametrize("kind", KINDS)
def test_in_place(kind):
    h, other = pair(kind)
    same = h
    h *= 4
    h /= 2
    h += other
    h -= other
    assert h is same
    check_result(h, together(scaled(FILLS, 2), OTHER_FILLS, scaled(OTHER_FILLS, -1)), kind, other)
    h = fill(FILLS, kind[:-1], kind[-1])
    h += h
    check_result(h, scaled(FILLS, 2), kind, other)


@pytest.mark.parametrize("names", ["x", "xy", "xyz"])
def test_rebinned_results(names):
    """ROOT's own operators give plain histograms with wrong errors: 12.6 instead of 15.4."""
    h, other = pair(names + "D")
    coarse = [EDGES["x"][::3], *edges_of(names)[1:]] if len(names) > 1 else EDGES["x"][::3]
    rebin = {"x": "Rebin", "xy": "RebinX", "xyz": "RebinX"}[names]
    for result, fills in (
        (2 * h, scaled(FILLS, 2)),
        (h + other, together(FILLS, OTHER_FILLS)),
        (-h, scaled(FILLS, -1)),
    ):
        check(getattr(result, rebin)(3), expected(fills, names, coarse), bins_only=True, covariance=True)


def results():
    """Two results of RDataFrame."""
    booked = []
    for fills in (FILLS, OTHER_FILLS):
        _, first, sizes = np.unique(fills["reco"], return_index=True, return_counts=True)
        df = ROOT.RDF.FromNumpy({**select(fills, first), "row": np.arange(len(first), dtype=np.uint64)})
        df = define_collection(df, "xs", fills["x"], sizes)
        booked.append(df.OversampledTH1D(("h", "", 12, EDGES["x"]), "xs", "w", covariance=True))
    return booked


def test_results_of_rdataframe():
    h, other = results()
    for result, fills in (
        (2 * h, scaled(FILLS, 2)),
        (h / 2, scaled(FILLS, 0.5)),
        (np.float64(3) * h, scaled(FILLS, 3)),
        (-h, scaled(FILLS, -1)),
        (h + other, together(FILLS, OTHER_FILLS)),
        (h.GetValue() - other, together(FILLS, scaled(OTHER_FILLS, -1))),
        (h + other.GetValue(), together(FILLS, OTHER_FILLS)),
        (h + h, scaled(FILLS, 2)),
    ):
        check_result(result, fills, "xD", h.GetValue())
    h += other
    h *= 2
    check_result(h.GetValue(), scaled(together(FILLS, OTHER_FILLS), 2), "xD", other.GetValue())
    with pytest.raises(RuntimeError, match="Multiply of two oversampled histograms is not supported"):
        h * other
    with pytest.raises(RuntimeError, match="Divide of two oversampled histograms is not supported"):
        h /= other


@pytest.mark.parametrize("kind", KINDS)
def test_products_and_quotients_are_refused(kind):
    h, other = pair(kind)
    before = np.array(h.values(flow=True))
    for method, operate in (
        ("Multiply", lambda: h * other),
        ("Divide", lambda: h / other),
        ("Multiply", lambda: h.Multiply(other)),
        ("Divide", lambda: h.Divide(other)),
        ("Multiply", lambda: h.Multiply(h, other)),
        ("Divide", lambda: h.Divide(h, other, 1, 1, "B")),
    ):
        with pytest.raises(Exception, match=f"{method} of two oversampled histograms is not supported.*MakeTH"):
            operate()
    with pytest.raises(Exception, match="Divide with binomial errors of two oversampled histograms"):
        h.Divide(other, other.MakeTH(), 1, 1, "B")
    np.testing.assert_array_equal(h.values(flow=True), before)
    assert h.HasCovariance()


def test_independent_quotients_are_known_bin_by_bin():
    h, other = pair("xD")
    h.Divide(other.MakeTH())
    assert not h.HasFoldInformation()
    with pytest.raises(Exception, match="Rebin is not known"):
        h.Rebin(2)


def test_mixing_with_plain_histograms_is_refused():
    h, _ = pair("xD")
    single, _ = pair("xF")
    plain = h.MakeTH()
    for operate in (
        lambda: h + plain,
        lambda: plain + h,
        lambda: h - plain,
        lambda: plain - h,
        lambda: h * plain,
        lambda: plain * h,
        lambda: h / plain,
        lambda: plain / h,
    ):
        with pytest.raises(RuntimeError, match=r"are of different classes.*MakeTH"):
            operate()
    with pytest.raises(RuntimeError, match="OversampledTH1D 'h' and OversampledTH1F 'h' are of different classes"):
        h + single


def test_what_makes_no_sense():
    h, _ = pair("xD")
    with pytest.raises(ZeroDivisionError, match="'h' divided by 0"):
        h / 0
    for operate in (lambda: h + "text", lambda: h + 1, lambda: h * None, lambda: 2 / h, lambda: 2 - h):
        with pytest.raises(TypeError):
            operate()
    with pytest.raises(TypeError):
        h += 1
    with pytest.raises(TypeError):
        h *= "text"


def test_without_covariance():
    h, other = fill(FILLS, "x", covariance=False), fill(OTHER_FILLS, "x", covariance=False)
    total = 2 * h + other
    check(total, expected(together(scaled(FILLS, 2), OTHER_FILLS), "x", EDGES["x"]), bins_only=True)
    with pytest.raises(Exception, match="does not hold their covariance"):
        total.Rebin(3)
