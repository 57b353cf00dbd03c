"""Cost of a production: the table of arXiv:2402.13684, the speed of this machine, and the fold size for a budget."""

from __future__ import annotations

import re

import numpy as np
import pytest
import ROOT
from typer.testing import CliRunner

import flashsim
from flashsim.cli import app
from flashsim.histograms.fold_size import relative_variance
from flashsim.throughput import (
    SCENARIOS,
    SPEEDS,
    events_per_day,
    events_per_day_on_cores,
    throughput_on_cores,
    throughput_table,
)
from flashsim.throughput.measure import measure
from flashsim.throughput.plan import FOLD_SIZES, plan_production, read_oversampled

# Table 2 as it was printed: generator seconds, fold size; conventional; at 1, 5, 10, 50, 100 kHz; their ratios.
PRINTED = [
    ("0", 1, "0.138", "17.3 86.4 172.8 864.0 1728.0", "125 625 1250 6250 12500"),
    ("0.02", 1, "0.138", "15.4 53.2 76.8 119.2 128.0", "111 385 556 863 927"),
    ("0.02", 10, "0.138", "17.1 81.3 153.6 531.7 768.0", "123 588 1111 3847 5556"),
    ("1", 1, "0.132", "2.4 2.7 2.7 2.8 2.8", "18 20 21 21 21"),
    ("1", 10, "0.138", "10.6 20.9 23.8 26.8 27.2", "77 152 173 195 198"),
    ("20", 1, "0.069", "0.14 0.14 0.14 0.14 0.14", "2 2 2 2 2"),
    ("20", 10, "0.126", "1.28 1.4 1.4 1.4 1.4", "10 11 11 11 11"),
]
PRINTED_SPEEDS = (1, 5, 10, 50, 100)


def as_printed(number: float, printed: str) -> str:
    return f"{number:.{len(printed.partition('.')[2])}f}"


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")


@pytest.mark.parametrize(("seconds", "fold_size", "conventional", "simulated", "ratios"), PRINTED)
def test_every_number_of_table_2(seconds, fold_size, conventional, simulated, ratios):
    without_flow = events_per_day(float(seconds), fold_size)
    assert as_printed(without_flow, conventional) == conventional
    for speed, printed, ratio in zip(PRINTED_SPEEDS, simulated.split(), ratios.split(), strict=True):
        number = events_per_day(float(seconds), fold_size, speed)
        assert as_printed(number, printed) == printed
        assert as_printed(number / without_flow, ratio) == ratio


def test_table_has_the_rows_and_columns_of_table_2():
    assert [(scenario.generator_seconds, scenario.fold_size) for scenario in SCENARIOS] == [
        (float(row[0]), row[1]) for row in PRINTED
    ]
    assert SPEEDS == PRINTED_SPEEDS
    for row in throughput_table():
        seconds, fold_size = row.scenario.generator_seconds, row.scenario.fold_size
        assert row.conventional == events_per_day(seconds, fold_size)
        assert row.simulated == tuple(events_per_day(seconds, fold_size, speed) for speed in SPEEDS)
        np.testing.assert_allclose(row.ratios, np.divide(row.simulated, row.conventional), rtol=1e-12)


def test_another_node():
    # 1 s / (fold size 4 × 8 cores) + 10 objects / (2 GPUs × 5000 objects/s) = 1/32 + 1/1000 s
    node = {"cores": 8, "gpus": 2, "objects_per_event": 10}
    assert events_per_day(1, 4, 5, **node) == pytest.approx(86400 / (1 / 32 + 1 / 1000) / 1e6)
    assert events_per_day(1, 4, **node, conventional_seconds=3) == pytest.approx(86400 * 8 / (3 + 1 / 4) / 1e6)
    assert throughput_table([5], cores=8, gpus=2)[3].simulated == (events_per_day(1, 1, 5, 8, 2),)


def test_cores_that_simulate():
    # A core spends 2 s / 4 on generating and 0.3 s on simulating each RECO event.
    assert events_per_day_on_cores(2, 4, 0.3, cores=5) == pytest.approx(5 * 86400 / 0.8 / 1e6)
    rows = throughput_on_cores(0.3, cores=5, conventional_seconds=20)
    assert [row.scenario for row in rows] == list(SCENARIOS)
    slow = rows[-1]
    assert slow.simulated == pytest.approx([5 * 86400 / (2 + 0.3) / 1e6])
    assert slow.conventional == pytest.approx(5 * 86400 / (2 + 20) / 1e6)
    assert slow.ratios == pytest.approx([22 / 2.3])


GOOD = {
    "generator_seconds": 1,
    "fold_size": 2,
    "rate_khz": 3,
    "cores": 4,
    "gpus": 5,
    "objects_per_event": 6,
    "conventional_seconds": 7,
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "7", True, 0])
def test_numbers_that_make_no_sense(name, value):
    if (name, value) == ("generator_seconds", 0):
        assert events_per_day(**{**GOOD, name: value}) > 0
        return
    with pytest.raises(ValueError, match=name):
        events_per_day(**{**GOOD, name: value})


def test_folds_are_whole():
    with pytest.raises(ValueError, match="fold_size"):
        events_per_day(1, 2.5)
    for arguments in [(-1, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)]:
        with pytest.raises(ValueError, match=r"-1|0"):
            events_per_day_on_cores(*arguments)
    with pytest.raises(ValueError, match="conventional_seconds"):
        throughput_on_cores(1, conventional_seconds=0)


@pytest.mark.parametrize(("fold_size", "steps"), [(1, None), (3, 1)])
def test_measured_speed(gen_files, fold_size, steps):
    speed = measure("jets", gen_files["TTree"][0], fold_size=fold_size, steps=steps, seconds=0.02)
    read = ROOT.RDataFrame("Events", gen_files["TTree"][0]).Range(speed.gen_events)
    assert 20 <= speed.gen_events <= 240
    assert speed.objects == fold_size * read.Sum("nGenJet").GetValue() > 0
    assert speed.reco_events == fold_size * speed.gen_events
    assert (speed.flow, speed.fold_size, speed.steps) == (
        "jets",
        fold_size,
        steps or flashsim.Flow("jets").default_steps,
    )
    assert speed.simulation_seconds * speed.events_per_second == pytest.approx(1)
    assert speed.objects_per_second == pytest.approx(speed.objects / speed.seconds)
    assert speed.objects_per_event * speed.events_per_second == pytest.approx(speed.objects_per_second)


def test_measures_all_of_a_small_sample(gen_files, tiny_flow):
    for files in gen_files["TTree"], gen_files["RNTuple"]:
        assert measure(tiny_flow, files[0], fold_size=2, seconds=60).gen_events == 240


def test_what_cannot_be_measured(tmp_path, tiny_flow):
    with pytest.raises(FileNotFoundError, match=r"missing\.root"):
        measure("jets", tmp_path / "missing.root")
    empty = str(tmp_path / "empty.root")
    none = ROOT.RDataFrame(30).Define("nGenJet", "0").Define("GenJet_pt", "ROOT::RVecF()")
    none.Define("GenJet_eta", "ROOT::RVecF()").Snapshot("Events", empty)
    with pytest.raises(ValueError, match=r"empty\.root: no GenJet in 30 GEN events"):
        measure(tiny_flow, empty)
    other = tmp_path / "other.root"
    ROOT.RDataFrame(3).Define("x", "1").Snapshot("Other", str(other))
    with pytest.raises(ValueError, match=r"other\.root: there is no 'Events'. There is: Other"):
        measure(tiny_flow, other)
    with ROOT.TFile(str(other), "recreate"):
        ROOT.TNamed("Events", "").Write()
    with pytest.raises(ValueError, match=r"other\.root: 'Events' is a TNamed"):
        measure(tiny_flow, other)
    with pytest.raises(RuntimeError, match="GenJet_eta"):
        ROOT.RDataFrame(3).Define("nGenJet", "1").Define("GenJet_pt", "ROOT::RVecF{1.f}").Snapshot("Events", empty)
        measure(tiny_flow, empty)
    with pytest.raises(ValueError, match="seconds"):
        measure("jets", seconds=0)
    with pytest.raises(ValueError, match="fold_size"):
        measure("jets", fold_size=0)


def test_one_core_is_measured(two_threads):
    with pytest.raises(RuntimeError, match="DisableImplicitMT"):
        measure("jets", fold_size=1)


def make_histogram(fold_size: int = 4, n_gen: int = 2000, name: str = "mass"):
    """RECO events that scatter around their GEN event by the width of a bin."""
    rng = np.random.default_rng(3)
    x = rng.normal(5, 1.5, n_gen).repeat(fold_size) + rng.normal(0, 1, n_gen * fold_size)
    rows = {"x": x, "genEvent": np.arange(n_gen, dtype=np.uint64).repeat(fold_size)}
    book = ROOT.RDF.FromNumpy(rows).OversampledTH1D
    histogram = ROOT.FlashSim.OversampledTH1D(book((name, ";x", 8, 1, 9), "x", fold_size=fold_size).GetValue())
    histogram.SetDirectory(ROOT.nullptr)
    return histogram


@pytest.fixture(scope="module")
def histogram():
    return make_histogram()


@pytest.fixture(scope="module")
def file(tmp_path_factory, histogram):
    path = tmp_path_factory.mktemp("histograms") / "histograms.root"
    with ROOT.TFile(str(path), "recreate") as opened:
        histogram.Write()
        histogram.WriteTH("plain")
        make_histogram(fold_size=1, name="once").Write()
        lost = make_histogram(name="lost")
        lost.SetBinContent(1, 7)
        lost.Write()
        opened.mkdir("folder").cd()
        histogram.Write()
    return path


def test_plan_agrees_with_optimal_fold_size(histogram):
    plan = plan_production(histogram, core_hours=2, generator_seconds=0.5, simulation_seconds=0.01)
    best = flashsim.optimal_fold_size(histogram, 0.5, 0.01)
    assert plan.best.fold_size == best.fold_size > 2
    assert plan.gen_events == histogram.GetNGenEvents()
    choices = plan.choices()
    assert [choice.fold_size for choice in choices] == sorted({*FOLD_SIZES, best.fold_size})
    errors = {choice.fold_size: choice.error for choice in choices}
    assert min(errors, key=errors.get) == best.fold_size
    np.testing.assert_allclose(
        plan.choose(np.array(FOLD_SIZES)).error, [errors[fold_size] for fold_size in FOLD_SIZES], rtol=1e-12
    )


def test_choice_against_the_definitions(histogram):
    plan = plan_production(histogram, core_hours=2, generator_seconds=0.5, simulation_seconds=0.01)
    for fold_size in (1, 4, 30):
        choice = plan.choose(fold_size)
        assert choice.gen_events == pytest.approx(2 * 3600 / (0.5 + 0.01 * fold_size))
        assert choice.reco_events == pytest.approx(fold_size * choice.gen_events)
        assert choice.generator_hours * 3600 == pytest.approx(0.5 * choice.gen_events)
        assert choice.simulation_hours * 3600 == pytest.approx(0.01 * choice.reco_events)
        scale = histogram.GetNGenEvents() / choice.gen_events
        relative = [histogram.GetBinErrorForFoldSize(b, fold_size) / histogram.GetBinContent(b) for b in range(1, 9)]
        assert choice.error == pytest.approx(np.sqrt(np.mean(np.square(relative)) * scale), rel=1e-9)
    naive = [histogram.GetBinErrorNaive(b) / histogram.GetBinContent(b) for b in range(1, 9)]
    scale = histogram.GetNGenEvents() / plan.choose(4).gen_events
    assert plan.choose(4).naive_error == pytest.approx(np.sqrt(np.mean(np.square(naive)) * scale), rel=1e-9)
    assert plan.choose(1).naive_error == pytest.approx(plan.choose(1).error, rel=1e-9)


def test_prediction_comes_true():
    """A production of as many GEN events as predicted, from another sample, has the error predicted."""
    small = make_histogram(fold_size=3, n_gen=1500)
    plan = plan_production(small, core_hours=1, generator_seconds=0.3, simulation_seconds=0.02)
    choice = plan.choose(10)
    large = make_histogram(fold_size=10, n_gen=round(choice.gen_events))
    assert choice.error == pytest.approx(np.sqrt(relative_variance(large)(10)), rel=0.1)


def test_gen_events_that_were_not_selected(histogram):
    times = {"core_hours": 2, "generator_seconds": 0.5, "simulation_seconds": 0.01}
    filled = histogram.GetNGenEvents()
    assumed, told = (plan_production(histogram, **times, gen_events=n) for n in (None, 4 * filled))
    assert told.best.fold_size == assumed.best.fold_size
    assert told.choose(7).error == pytest.approx(2 * assumed.choose(7).error)
    with pytest.raises(ValueError, match=f"{filled} GEN events filled"):
        plan_production(histogram, **times, gen_events=filled - 1)
    for name in times:
        with pytest.raises(ValueError, match=name):
            plan_production(histogram, **{**times, name: -1})


def test_read_oversampled(file, histogram):
    for name in ("mass", "folder/mass"):
        read = read_oversampled(f"{file}:{name}")
        assert read.GetNGenEvents() == histogram.GetNGenEvents()
        assert not read.GetDirectory()


def run(*arguments):
    return CliRunner().invoke(app, ["throughput", *map(str, arguments)])


def error_of(*arguments):
    """The one line that a user's mistake is answered with."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def cells(output: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]


def scenarios(output: str) -> list[list[str]]:
    """The rows that begin with a generator and its time, as in "Average, 1 s"."""
    return [row for row in cells(output) if re.fullmatch(r".+, \S+ s", row[0]) and len(row) > 1]


def test_command_prints_table_2():
    result = run()
    assert result.exit_code == 0, result.output
    rows = scenarios(result.output)
    assert len(rows) == 2 * len(PRINTED)
    for (seconds, fold_size, conventional, simulated, _), row in zip(PRINTED, rows, strict=False):
        assert row[0].endswith(f", {seconds} s")
        assert row[1] == str(fold_size)
        assert as_printed(float(row[2]), conventional) == conventional
        for shown, printed in zip(row[3:], simulated.split(), strict=True):
            assert as_printed(float(shown), printed) == printed
    for (*_, ratios), row in zip(PRINTED, rows[len(PRINTED) :], strict=True):
        assert row[2:] == ratios.split()


def test_command_for_another_node():
    output = run("--cores", 64, "--gpus", 8, "--objects-per-event", 10, "--conventional-seconds", 40).output
    assert "64 cores, 8 GPUs, 10 objects per event" in output
    existing = scenarios(output)[0]
    assert existing[2:4] == ["0.138", "69.1"]  # twice the cores and the time; twice the GPUs, half the objects


def test_command_measures(gen_files):
    result = run("--measure", "--input", gen_files["TTree"][0], "--fold-size", 2, "--steps", 1, "--cores", 3)
    assert result.exit_code == 0, result.output
    assert "flow 'jets', 1 step, fold size 2" in result.output
    assert "3 cores" in result.output
    seconds = float(re.search(r"(\S+) s for each", result.output)[1])
    rows = scenarios(result.output)
    assert len(rows) == len(SCENARIOS)
    for row, expected in zip(rows, throughput_on_cores(seconds, cores=3), strict=True):
        shown = [float(number.replace(",", "")) for number in row[2:]]
        expected = [expected.conventional, *expected.simulated, *expected.ratios]
        np.testing.assert_allclose(shown, expected, rtol=0.02)  # three digits of three digits


def test_command_finds_the_fold_size(file, histogram, tmp_path):
    picture = tmp_path / "fold_size.png"
    times = ("--generator-seconds", 0.5, "--simulation-seconds", 0.01)
    result = run("--histogram", f"{file}:mass", *times, "--core-hours", 2, "--output", picture)
    assert result.exit_code == 0, result.output
    best = flashsim.optimal_fold_size(histogram, 0.5, 0.01)
    rows = [row for row in cells(result.output) if row[0].isdigit()]
    assert [int(row[0]) for row in rows] == sorted({*FOLD_SIZES, best.fold_size})
    assert [int(row[0]) for row in rows if row[-1] == "best"] == [best.fold_size]
    plan = plan_production(histogram, 2, 0.5, 0.01)
    for row in rows:
        choice = plan.choose(int(row[0]))
        assert float(row[1]) == pytest.approx(choice.gen_events / 1e6, rel=1e-3)
        assert float(row[3]) + float(row[4]) == pytest.approx(2, abs=0.11)
        assert float(row[5]) == pytest.approx(100 * choice.error, rel=1e-2)
        assert float(row[6]) == pytest.approx(100 * choice.naive_error, rel=1e-2)
    assert f"the {histogram.GetNGenEvents()} GEN events that filled" in result.output
    assert picture.read_bytes().startswith(b"\x89PNG")

    told = run("--histogram", f"{file}:mass", *times, "--gen-events", 5000)
    assert "Assumed" not in told.output


def test_command_measures_where_it_is_not_told(file, gen_files):
    measured = ("--input", gen_files["TTree"][0], "--steps", 1)
    result = run("--histogram", f"{file}:mass", *measured)
    assert result.exit_code == 0, result.output
    seconds = re.search(r"(\S+) s for each", result.output)[1]
    assert f"{seconds} s per RECO event" in result.output
    assert "conventional" not in result.output
    both = run("--histogram", f"{file}:mass", "--measure", *measured)
    assert both.exit_code == 0, both.output
    assert "conventional" in both.output
    assert "per RECO event" in both.output


def test_fold_size_one_is_best_for_events_that_exist(file):
    result = run("--histogram", f"{file}:mass", "--generator-seconds", 0, "--simulation-seconds", 1)
    assert result.exit_code == 0, result.output
    assert next(row for row in cells(result.output) if row[-1] == "best")[0] == "1"


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("mass", "expected FILE:NAME"),
        ("missing.root:mass", "missing.root: there is no such file"),
        ("{file}:nothing", "no 'nothing'. There is: folder, lost, mass, once, plain."),
        ("{file}:plain", "'plain' is a TH1D, expected an oversampled histogram"),
        ("{file}:folder", "'folder' is a TDirectoryFile, expected an oversampled"),
        ("{file}:once", "histogram 'once': bin (0,) (counted from 0) was filled by a GEN event with a fold size of 1"),
        ("{file}:lost", "'lost'"),
    ],
)
def test_histograms_without_folds(file, place, says):
    assert says in error_of("--histogram", place.format(file=file), "--simulation-seconds", 1)


def test_a_file_that_is_not_of_root(tmp_path):
    text = tmp_path / "text.root"
    text.write_text("I am no ROOT file.\n", encoding="utf-8")
    assert "text.root" in error_of("--histogram", f"{text}:mass", "--simulation-seconds", 1)
    assert "text.root" in error_of("--measure", "--input", text)


def test_options_that_mean_nothing(file):
    assert "--core-hours" in error_of("--core-hours", 5)
    assert "--fold-size" in error_of("--fold-size", 5)
    assert "--gpus" in error_of("--measure", "--gpus", 5)
    given = ("--histogram", f"{file}:mass", "--simulation-seconds", 1)
    assert "--cores" in error_of(*given, "--cores", 5)
    assert "--input" in error_of(*given, "--input", "x.root")
    assert "exclude each other" in error_of(*given, "--measure")
    assert "objects_per_event" in error_of("--objects-per-event", 0)


def test_pictures_that_cannot_be_written(file, tmp_path):
    given = ("--histogram", f"{file}:mass", "--simulation-seconds", 1)
    assert "nowhere" in error_of(*given, "--output", tmp_path / "nowhere" / "fold_size.png")
    assert "'xyz'" in error_of(*given, "--output", tmp_path / "fold_size.xyz")
