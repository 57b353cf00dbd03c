"""Content of the pictures."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import flashsim
import flashsim.histograms.plot
from filled_histograms import EDGES, fill, make_rows

mpl.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def histogram():
    rows = make_rows(n_gen=2000)
    rows["w"] = np.abs(rows["w"])
    return fill(rows)


def lines(axes) -> dict[str, np.ndarray]:
    """The labelled curves: [(x, y), point]."""
    return {
        line.get_label(): np.array(line.get_data(), dtype=float) for line in axes.lines if line.get_label()[0] != "_"
    }


def rms_error(histogram, error) -> float:
    """Root of the mean over bins of the squared relative errors, in per cent."""
    relative = [error(i) / histogram.GetBinContent(i) for i in range(1, 8)]
    return 100 * float(np.sqrt(np.mean(np.square(relative))))


def test_correlation(histogram, tmp_path):
    figure = flashsim.plot.correlation(histogram)
    axes, colours = figure.axes
    (mesh,) = axes.collections
    np.testing.assert_array_equal(mesh.get_array(), histogram.correlation())
    np.testing.assert_allclose(mesh.get_coordinates()[0, :, 0], EDGES[0])
    np.testing.assert_allclose(mesh.get_coordinates()[:, 0, 1], EDGES[0])
    assert mesh.get_clim() == (-1, 1)
    assert axes.get_xlabel() == axes.get_ylabel() == "$p_{T}$ [GeV]"
    assert colours.get_ylabel() == "correlation of bin contents"
    figure.savefig(tmp_path / "correlation.png")
    assert (tmp_path / "correlation.png").stat().st_size > 5000


def test_correlation_of_two_dimensions_in_given_axes():
    histogram = fill(make_rows(), "OversampledTH2D")
    figure, axes = plt.subplots()
    assert flashsim.plot.correlation(histogram, axes=axes) is figure
    (mesh,) = axes.collections
    np.testing.assert_array_equal(mesh.get_array(), histogram.correlation())
    np.testing.assert_array_equal(mesh.get_coordinates()[0, :, 0], np.arange(29) - 0.5)
    assert axes.get_xlabel() == "bin number (y runs fastest)"


def test_correlation_needs_the_covariance():
    with pytest.raises(RuntimeError, match="covariance=True"):
        flashsim.plot.correlation(fill(make_rows(), covariance=False))


def test_errors_against_the_fold_size(histogram):
    best = flashsim.optimal_fold_size(histogram, 0.5, 0.01)
    left, _ = flashsim.plot.fold_size(histogram, 0.5, 0.01, max_fold_size=60).axes
    curves = lines(left)
    for label, error in {
        "fixed number of GEN events": lambda n: lambda i: histogram.GetBinErrorForFoldSize(i, n),
        "limit of an infinite fold size": lambda n: histogram.GetBinErrorLimit,
    }.items():
        x, y = curves[label]
        assert y[0] == pytest.approx(rms_error(histogram, error(1)), rel=1e-9)
        assert y[-1] == pytest.approx(rms_error(histogram, error(60)), rel=1e-9)
    x, y = curves["naive: RECO events as independent"]
    assert np.interp(6, x, y) == pytest.approx(rms_error(histogram, histogram.GetBinErrorNaive), rel=1e-3)
    x, y = curves["fixed CPU time (fewer GEN events)"]
    assert y[0] == pytest.approx(rms_error(histogram, lambda i: histogram.GetBinErrorForFoldSize(i, 1)), rel=1e-9)
    assert x[y.argmin()] == pytest.approx(best.exact, rel=0.03)
    (n,), (optimum,) = curves[f"optimum: fold size {best.fold_size}"]
    assert n == best.fold_size
    assert optimum == pytest.approx(y.min(), rel=1e-3)


@pytest.mark.parametrize(("gen_events", "unit"), [(None, 1 / 0.51), (7200, 2)])
def test_errors_against_cpu_time(histogram, gen_events, unit):
    best = flashsim.optimal_fold_size(histogram, 0.5, 0.01)
    _, right = flashsim.plot.fold_size(histogram, 0.5, 0.01, max_fold_size=60, gen_events=gen_events).axes
    curves = lines(right)
    x, y = curves["these GEN events, larger fold size"]
    assert x[[0, -1]] == pytest.approx(unit * np.array([0.51, 1.1]))
    assert y[-1] == pytest.approx(rms_error(histogram, lambda i: histogram.GetBinErrorForFoldSize(i, 60)), rel=1e-9)
    once, often = curves["fold size 1, more GEN events"], curves[f"fold size {best.fold_size}, more GEN events"]
    np.testing.assert_allclose(once[:, 0], [x[0], y[0]])
    np.testing.assert_allclose(once[1, 0] / once[1, 1], np.sqrt(once[0, 1] / once[0, 0]))
    # The line of the optimum touches the curve from below.
    line = often[1, 0] * np.sqrt(often[0, 0] / x)
    assert (line <= y * (1 + 1e-3)).all()
    assert (line / y).max() == pytest.approx(1, rel=1e-3)
    assert (once[1, 0] / often[1, 0]) ** 2 == pytest.approx(best.gain)
    assert right.get_xlabel() == ("CPU time [h]" if gen_events else "CPU time / CPU time of fold size 1")


def test_fold_size_of_some_bins(histogram, tmp_path):
    figure = flashsim.plot.fold_size(histogram, 0.5, 0.01, bins=3)
    best = flashsim.optimal_fold_size(histogram, 0.5, 0.01, bins=3)
    assert f"optimum: fold size {best.fold_size}" in lines(figure.axes[0])
    figure.savefig(tmp_path / "fold_size.png")
    assert (tmp_path / "fold_size.png").stat().st_size > 5000


@pytest.mark.parametrize("max_fold_size", [0, 1])
def test_fold_size_refuses_an_axis_of_one_point(histogram, max_fold_size):
    with pytest.raises(ValueError, match=f"max_fold_size is {max_fold_size}"):
        flashsim.plot.fold_size(histogram, 0.5, 0.01, max_fold_size=max_fold_size)


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("p_{T}^{leading jet} [GeV]", "$p_{T}^{leading jet}$ [GeV]"),
        ("#Delta#phi(j,j)", r"$\Delta\phi(j,j)$"),
        ("W mass [GeV]", "W mass [GeV]"),
        ("a_b_c", "a_b_c"),
        ("#frac{a", "#frac{a"),
        ("", ""),
    ],
)
def test_titles_in_the_notation_of_root(title, label):
    one = fill(make_rows())
    one.GetXaxis().SetTitle(title)
    axes = flashsim.plot.correlation(one).axes[0]
    assert axes.get_xlabel() == label
    axes.figure.canvas.draw()
