"""The demo and its analysis: one small run, checked from all sides."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import ROOT
from typer.testing import CliRunner

import flashsim
from flashsim.cli import app
from flashsim.demo import SPECTRA, Spectrum, run_demo
from flashsim.demo.w_mass import PEAK, SELECTION, w_candidate, w_mass_model

EVENTS, FOLD_SIZE, THREADS = 400, 5, 2


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    found = run_demo(tmp_path_factory.mktemp("demo"), events=EVENTS, fold_size=FOLD_SIZE, threads=THREADS, seed=7)
    assert not ROOT.IsImplicitMTEnabled(), "the demo leaves ROOT as it was"
    return found


@pytest.fixture(scope="module")
def target():
    return ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root"))


@pytest.mark.slow
def test_one_thread(tmp_path):
    """In a process of its own: compiling in two threads at once was a crash, and only before ROOT has used threads."""
    arguments = ["--threads", "1", "--events", "200", "--fold-size", "2", "--output-dir", str(tmp_path)]
    found = subprocess.run([sys.executable, "-m", "flashsim.cli", "demo", *arguments], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr[-2000:]
    assert (tmp_path / "flashsim-demo.png").exists()


def test_stages_count_events(demo, target):
    passing = target.Filter(f"event <= {EVENTS} && nGenJet >= 4").Count().GetValue()
    expected = [(0, 0), (passing, passing), (passing, passing), (passing, FOLD_SIZE * passing)]
    assert [(stage.gen_events, stage.reco_events) for stage in demo.stages] == expected
    assert all(stage.seconds > 0 for stage in demo.stages)


def test_target_is_the_file_itself(demo, target):
    selected = w_candidate(target.Filter(f"event <= {EVENTS}"))
    masses = selected.AsNumpy(["W_mass"])["W_mass"]
    contents, _ = np.histogram(masses, demo.spectra["target"].edges)
    np.testing.assert_array_equal(demo.spectra["target"].contents, contents)
    np.testing.assert_allclose(demo.spectra["target"].errors, np.sqrt(contents))


def test_oversampling_keeps_the_normalisation(demo):
    """The RECO events of a GEN event share its weight: the same number of events, up to fluctuations."""
    integral = {name: spectrum.contents.sum() for name, spectrum in demo.spectra.items()}
    error = np.sqrt(integral["one_to_one"])
    assert integral["target"] > 50
    assert abs(integral["oversampled"] - integral["one_to_one"]) < 4 * error
    assert abs(integral["one_to_one"] - integral["target"]) < 4 * np.sqrt(2) * error


def test_naive_and_correct_differ_in_errors_alone(demo):
    naive, correct = demo.spectra["oversampled_naive"], demo.spectra["oversampled"]
    np.testing.assert_allclose(naive.contents, correct.contents, rtol=1e-12)
    filled = correct.contents > 0
    assert filled.sum() > 20
    assert (correct.errors[filled] >= naive.errors[filled] * (1 - 1e-12)).all()
    assert correct.peak_error() > 1.05 * naive.peak_error()


def test_errors_lie_between_one_and_independent_reco_events(demo):
    """GEN events of weight 1 that bring the share A to a bin: sum of A / N <= sum of A² <= sum of A."""
    naive, correct = demo.spectra["oversampled_naive"], demo.spectra["oversampled"]
    np.testing.assert_allclose(naive.errors**2, naive.contents / FOLD_SIZE, rtol=1e-12)
    assert (correct.errors**2 <= correct.contents * (1 + 1e-12)).all()
    gain = (correct.errors**2).sum() / correct.contents.sum()
    assert 1.05 / FOLD_SIZE < gain < 0.95, "oversampling pays, less than independent events would"


def test_file_opens_with_root(demo):
    with ROOT.TFile.Open(str(demo.file)) as file:
        for name in SPECTRA:
            histogram = file[f"W_mass_{name}"]
            assert histogram.GetName() == f"W_mass_{name}"
            assert histogram.ClassName() == "TH1D"
            spectrum = demo.spectra[name]
            assert histogram.GetXaxis().GetTitle() == "W candidate mass [GeV]"
            np.testing.assert_array_equal(histogram.values(), spectrum.contents)
            np.testing.assert_allclose(np.sqrt(histogram.variances()), spectrum.errors, rtol=1e-12)
        oversampled = file["W_mass_with_folds"]
        assert oversampled.ClassName() == "FlashSim::OversampledTH1D"
        naive = [oversampled.GetBinErrorNaive(b) for b in range(1, oversampled.GetNbinsX() + 1)]
    # TH1::Fill with weights of 1 / N adds up the same squares, one by one.
    np.testing.assert_allclose(naive, demo.spectra["oversampled_naive"].errors, rtol=1e-12)


def test_file_opens_with_uproot(demo):
    uproot = pytest.importorskip("uproot")
    with uproot.open(demo.file) as file:
        for name in SPECTRA:
            contents, edges = file[f"W_mass_{name}"].to_numpy()
            spectrum = demo.spectra[name]
            np.testing.assert_array_equal(edges, spectrum.edges)
            np.testing.assert_array_equal(contents, spectrum.contents)
            np.testing.assert_allclose(file[f"W_mass_{name}"].errors(), spectrum.errors, rtol=1e-12)


def test_picture(demo):
    from matplotlib.image import imread

    pixels = imread(demo.picture)[..., :3]
    height, width, _ = pixels.shape
    assert height > 500
    assert width > 500
    colours = np.unique((pixels.reshape(-1, 3) * 255).astype(int), axis=0)
    assert len(colours) > 50, "axes, four spectra, their bands and smooth letters"
    drawn = (pixels < 0.95).any(axis=2)
    assert 0.02 < drawn.mean() < 0.6
    for third in np.array_split(drawn, 3):
        assert third.mean() > 0.01, "every panel has something in it"


def test_command_prints_the_tables(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    arguments = ["demo", "--output-dir", tmp_path / "new", "--events", 30, "--fold-size", 2, "--threads", 1]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    for text in (
        "RECO/s",
        "FlashSim ×2, naive",
        "FlashSim ×2, correct",
        "2 RECO events per GEN event correspond to",
        "flashsim-demo.root",
    ):
        assert text in result.stdout
    assert {file.name for file in (tmp_path / "new").iterdir()} == {"flashsim-demo.root", "flashsim-demo.png"}


@pytest.mark.parametrize(("name", "value"), [("events", 0), ("fold_size", 1), ("threads", 0)])
def test_numbers_that_do_not_fit(tmp_path, name, value):
    with pytest.raises(ValueError, match=name):
        run_demo(tmp_path, **{name: value})


def test_relative_errors_of_empty_bins_are_not_a_number():
    spectrum = Spectrum(np.array([50.0, 70.0, 90.0]), np.array([0.0, 4.0]), np.array([0.0, 2.0]))
    np.testing.assert_array_equal(spectrum.relative_errors, [np.nan, 0.5])
    assert spectrum.peak_error() == 0.5
    assert np.isnan(Spectrum(np.array([0.0, 10.0]), np.array([3.0]), np.array([1.0])).peak_error())


def test_w_candidate_by_hand():
    """Two b jets and three others, of which the last two make the pair of highest pt; an event that fails each cut."""
    columns = {
        "pt": ("{120, 60, 50, 90, 80}", "60"),
        "eta": ("{0, 1, -1, 0.2, -0.1}", "0"),
        "phi": ("{0, 2, -2, 1.0, 1.4}", "0"),
        "mass": ("{10, 5, 5, 8, 7}", "5"),
        "btag": ("{0.95, 0.1, 0.8, 0.2, 0.3}", "0"),
        "jetId": ("{6, 6, 6, 6, 6}", "6"),
    }
    good = {name: f"ROOT::RVecF{values}" for name, (values, _) in columns.items()}
    failing = [
        {**good, "pt": "ROOT::RVecF{120, 60, 29, 90, 80}"},
        {**good, "eta": "ROOT::RVecF{0, 1, -2.6, 0.2, -0.1}"},
        {**good, "jetId": "ROOT::RVecF{2, 6, 6, 6, 6}"},
        {**good, "btag": "ROOT::RVecF{0.95, 0.1, 0.7, 0.2, 0.3}"},
        {**good, "btag": "ROOT::RVecF{0.95, 0.9, 0.8, 0.9, 0.3}"},
    ]
    node = ROOT.RDataFrame(1 + len(failing))
    for name in columns:
        events = ", ".join(event[name] for event in (good, *failing))
        node = node.Define(f"TestJet_{name}", f"std::vector<ROOT::RVecF>{{{events}}}[rdfentry_]")
    found = w_candidate(node, "Test").AsNumpy(["TestW_mass", "TestW_pt"])

    pt, eta, phi, mass = np.array([90.0, 80]), np.array([0.2, -0.1]), np.array([1.0, 1.4]), np.array([8.0, 7])
    px, py, pz = (pt * np.cos(phi)).sum(), (pt * np.sin(phi)).sum(), (pt * np.sinh(eta)).sum()
    energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2).sum()
    np.testing.assert_allclose(found["TestW_pt"], [np.hypot(px, py)], rtol=1e-5)
    np.testing.assert_allclose(found["TestW_mass"], [np.sqrt(energy**2 - px**2 - py**2 - pz**2)], rtol=1e-5)


def test_target_peaks_at_the_w_mass(target):
    selected = w_candidate(target)
    report = selected.Report()
    histogram = selected.Histo1D(w_mass_model("w"), "W_mass")
    assert abs(histogram.GetBinCenter(histogram.GetMaximumBin()) - 80.4) < 6
    peak = histogram.Integral(histogram.FindBin(PEAK[0]), histogram.FindBin(PEAK[1] - 0.1))
    beside = histogram.Integral(histogram.FindBin(110), histogram.FindBin(149.9))
    assert peak > 1.5 * beside
    assert report.At(SELECTION).GetPass() > 1000
