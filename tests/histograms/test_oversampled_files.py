"""Oversampled histograms in files: read back by other processes with and without the library, and summed by hadd."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import ROOT
import uproot

import flashsim
from oracle import check
from samples import Rows, expected, make_rows, together
from stored_histograms import EDGES, KINDS, edges_of, fill, names_of, numbers_of

pytestmark = pytest.mark.usefixtures("no_directory")


@pytest.fixture(scope="module")
def rows():
    return make_rows(n_gen=80)


@pytest.fixture(scope="module")
def other_rows():
    return make_rows(n_gen=50, seed=2)


def write(path: Path, *histograms, as_object: bool = False) -> str:
    with ROOT.TFile(str(path), "recreate") as file:
        for histogram in histograms:
            if as_object:
                file.WriteTObject(histogram)
            else:
                histogram.Write()
    return str(path)


def read(path: str, name: str = "h"):
    with ROOT.TFile(path) as file:
        histogram = file.Get(name)
        histogram.SetDirectory(ROOT.nullptr)
        ROOT.SetOwnership(histogram, True)
        return histogram


def write_all(path: Path, rows: Rows, **options) -> str:
    return write(path, *[fill(rows, kind, f"h{kind}") for kind in KINDS], **options)


LIBRARIES = [str(Path(flashsim.__file__).parent / "lib"), str(Path(ROOT.__file__).parent / "lib")]


ROOTMAP = Path(ROOT.__file__).parent / "lib" / "libFlashSim.rootmap"


def run(arguments: list[str], *, library: bool = False) -> subprocess.CompletedProcess:
    """Runs a program in a bare environment, with or without the path of the library."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"], "PYTHONWARNINGS": "ignore"}
    if library:
        environment["LD_LIBRARY_PATH"] = ":".join([*LIBRARIES, os.environ.get("LD_LIBRARY_PATH", "")])
        environment["PYTHONPATH"] = str(Path(flashsim.__file__).parents[1])
    return subprocess.run(arguments, capture_output=True, text=True, env=environment, check=False, timeout=120)


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(Path(ROOT.__file__).parent / "bin"))
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


READ = """
import json, sys
import ROOT
if "flashsim" in sys.argv:
    import flashsim
file, found = ROOT.TFile(sys.argv[1]), {}
for key in file.GetListOfKeys():
    h = file.Get(key.GetName())
    if not isinstance(h, ROOT.TH1):
        continue
    cells = range(h.GetNcells())
    numbers = [[h.GetBinContent(i) for i in cells], [h.GetBinError(i) for i in cells]]
    if "flashsim" in sys.argv and hasattr(h, "HasCovariance"):
        numbers += [[h.GetBinErrorNaive(i) for i in cells], [h.GetBinErrorForFoldSize(i, 3) for i in cells]]
        numbers += [list(h.GetFoldSums().GetCovariances()), [h.GetNGenEvents()]]
    found[key.GetName()] = [h.ClassName(), h.GetEntries(), h.GetMean(), numbers]
print("JSON", json.dumps(found))
"""


def read_in_new_process(path: str, *words: str) -> dict:
    finished = run([sys.executable, "-c", READ, path, *words], library="flashsim" in words)
    assert finished.returncode == 0, finished.stderr[-2000:]
    return json.loads(finished.stdout.split("JSON")[1])


def test_reads_back(rows, tmp_path):
    path = write_all(tmp_path / "h.root", rows)
    for kind in KINDS:
        check(read(path, f"h{kind}"), expected(rows, names_of(kind), edges_of(kind)), covariance=True)


def test_reads_back_in_a_new_process_with_the_library(rows, tmp_path):
    found = read_in_new_process(write_all(tmp_path / "h.root", rows), "flashsim")
    for kind in KINDS:
        h = fill(rows, kind)
        class_name, entries, mean, numbers = found[f"h{kind}"]
        assert (class_name, entries, mean) == (f"FlashSim::OversampledTH{kind}", h.GetEntries(), h.GetMean())
        cells = range(h.GetNcells())
        wanted = numbers_of(h)
        wanted += [[h.GetBinErrorNaive(i) for i in cells], [h.GetBinErrorForFoldSize(i, 3) for i in cells]]
        wanted += [list(h.GetFoldSums().GetCovariances()), [80]]
        for actual, of_ours in zip(numbers, wanted, strict=True):
            np.testing.assert_array_equal(actual, of_ours)


PRINT = """
void read(const char *path) {
   TFile file(path);
   for (auto *key : *file.GetListOfKeys()) {
      auto *h = file.Get<TH1>(key->GetName());
      if (!h)
         continue;
      printf("%s %s %.17g %.17g\\n", h->GetName(), h->ClassName(), h->GetBinContent(30), h->GetBinError(30));
   }
}
"""


def check_in_the_root_program(path: str, rows: Rows, folder: Path):
    """ROOT without the library reads all six as its own histograms."""
    macro = folder / "read.C"
    macro.write_text(PRINT)
    finished = run([program("root.exe"), "-l", "-b", "-q", f'{macro}("{path}")'])
    assert finished.returncode == 0, finished.stderr[-2000:]
    lines = [line.split() for line in finished.stdout.splitlines() if line.startswith("h")]
    assert len(lines) == 6
    for name, class_name, content, error in lines:
        h = fill(rows, name[1:])
        assert class_name == f"TH{name[1:]}"
        assert (float(content), float(error)) == (h.GetBinContent(30), h.GetBinError(30))


def test_without_the_library(rows, tmp_path):
    """Plain histograms for the ROOT program, PyROOT, rootls and uproot."""
    path = write_all(tmp_path / "h.root", rows)
    check_in_the_root_program(path, rows, tmp_path)
    found = read_in_new_process(path)
    for kind in KINDS:
        assert found[f"h{kind}"][0] == f"TH{kind}"
        np.testing.assert_array_equal(found[f"h{kind}"][3], numbers_of(fill(rows, kind)))
    finished = run([program("rootls"), "-l", path])
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert "OversampledTH" not in finished.stdout
    with uproot.open(path) as file:
        for kind in KINDS:
            check_uproot(file[f"h{kind}"], fill(rows, kind), kind)
        covariance = file["h2D_folds/covariance"].values()
    np.testing.assert_allclose(covariance, expected(rows, "xy", edges_of("2D")).covariance, rtol=1e-12, atol=1e-12)


def test_objects_in_files_are_read_as_what_they_are_asked_for(rows, tmp_path):
    """WriteObject, canvases and collections store the class, of which uproot finds the ROOT histogram inside."""
    path = write_all(tmp_path / "h.root", rows, as_object=True)
    for kind in KINDS:
        check(read(path, f"h{kind}"), expected(rows, names_of(kind), edges_of(kind)), covariance=True)
    with uproot.open(path) as file:
        for kind in KINDS:
            found = file[f"h{kind}"]
            assert found.classname == f"FlashSim::OversampledTH{kind}"
            (base,) = found.bases
            check_uproot(base.bases[0], fill(rows, kind), kind)


@pytest.mark.skipif(not ROOTMAP.exists(), reason="ROOT is no wheel: it has to be told where the library is")
def test_root_finds_the_library_by_itself(rows, other_rows, tmp_path):
    """A bare environment: hadd, PyROOT without flashsim and the ROOT program meet objects of our classes."""
    paths = [
        write(tmp_path / f"{i}.root", fill(part, "1D"), as_object=True) for i, part in enumerate((rows, other_rows))
    ]
    merged = str(tmp_path / "merged.root")
    finished = run([program("hadd"), merged, *paths])
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert "Error" not in finished.stderr
    assert "Warning" not in finished.stderr
    check(read(merged), expected(together(rows, other_rows), "x", EDGES["x"]), covariance=True)
    finished = run([sys.executable, "-c", READ, paths[0]])
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert "FlashSim::OversampledTH1D" in finished.stdout
    macro = tmp_path / "draw.C"
    macro.write_text("""
void draw(const char *path) {
   TFile file(path);
   auto *h = file.Get<FlashSim::OversampledTH1D>("h");
   h->Draw();
   printf("%s %d\\n", h->ClassName(), h->HasCovariance());
}
""")
    finished = run([program("root.exe"), "-l", "-b", "-q", f'{macro}("{paths[0]}")'])
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert "FlashSim::OversampledTH1D 1" in finished.stdout


def write_plain(path: Path, rows: Rows) -> str:
    with ROOT.TFile(str(path), "recreate"):
        for kind in KINDS:
            histogram = fill(rows, kind, f"h{kind}")
            histogram.WriteTH()
            histogram.WriteTH(f"named{kind}")
    return str(path)


def test_plain_histograms_for_those_without_the_library(rows, tmp_path):
    found = read_in_new_process(write_plain(tmp_path / "plain.root", rows))
    assert set(found) == {f"{name}{kind}" for name in ("h", "named") for kind in KINDS}
    for kind in KINDS:
        h = fill(rows, kind)
        for name in ("h", "named"):
            class_name, entries, mean, numbers = found[f"{name}{kind}"]
            assert (class_name, entries, mean) == (f"TH{kind}", h.GetEntries(), h.GetMean())
            np.testing.assert_array_equal(numbers, numbers_of(h))


def test_plain_histograms_in_the_root_program(rows, tmp_path):
    path = tmp_path / "plain.root"
    with ROOT.TFile(str(path), "recreate"):
        for kind in KINDS:
            fill(rows, kind, f"h{kind}").WriteTH()
    check_in_the_root_program(str(path), rows, tmp_path)


def test_plain_histograms_by_themselves(rows):
    for kind in KINDS:
        histogram = fill(rows, kind)
        plain = histogram.MakeTH()
        assert plain.ClassName() == f"TH{kind}"
        assert (plain.GetName(), plain.GetTitle()) == ("h", "title")
        assert plain.GetXaxis().GetTitle() == "x"
        assert not plain.GetDirectory()
        np.testing.assert_array_equal(numbers_of(plain), numbers_of(histogram))
        ours, theirs = np.zeros((2, 13))
        histogram.GetStats(ours)
        plain.GetStats(theirs)
        np.testing.assert_array_equal(ours, theirs)
        plain.SetBinContent(3, 1.0)
        check(histogram, expected(rows, names_of(kind), edges_of(kind)), covariance=True)


def check_uproot(found, histogram, kind: str):
    names = names_of(kind)
    assert found.classname == f"TH{kind}"
    axes = ["fXaxis", "fYaxis", "fZaxis"][: len(names)]
    for axis, name in zip(axes, names, strict=True):
        np.testing.assert_allclose(found.member(axis).edges(), EDGES[name])
    shape = [len(EDGES[name]) + 1 for name in names]
    contents, errors = (np.reshape(numbers, shape, order="F") for numbers in numbers_of(histogram))
    np.testing.assert_array_equal(found.values(flow=True), contents)
    np.testing.assert_allclose(found.errors(flow=True), errors, rtol=1e-15)
    np.testing.assert_allclose(found.variances(), errors[(slice(1, -1),) * len(names)] ** 2, rtol=1e-14)
    assert found.member("fEntries") == histogram.GetEntries()
    assert found.title == "title"


def test_plain_histograms_in_uproot(rows, tmp_path):
    with uproot.open(write_plain(tmp_path / "plain.root", rows)) as file:
        for kind in KINDS:
            check_uproot(file[f"h{kind}"], fill(rows, kind), kind)
            hist = file[f"named{kind}"].to_hist()
            np.testing.assert_array_equal(hist.values(), file[f"h{kind}"].values())


@pytest.mark.parametrize("covariance", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("kind", KINDS)
def test_hadd(kind, covariance, rows, other_rows, tmp_path):
    paths = [
        write(tmp_path / f"{i}.root", fill(part, kind, covariance=covariance))
        for i, part in enumerate((rows, other_rows))
    ]
    merged = str(tmp_path / "merged.root")
    finished = run([program("hadd"), merged, *paths])
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert "Error" not in finished.stderr
    assert "Warning" not in finished.stderr
    wanted = expected(together(rows, other_rows), names_of(kind), edges_of(kind))
    check(read(merged), wanted, covariance=covariance)
    assert read(merged).HasCovariance() == covariance


def test_hadd_of_three_in_pairs(tmp_path):
    samples = [make_rows(n_gen=30, seed=seed) for seed in range(3)]
    a, b, c = [write(tmp_path / f"{i}.root", fill(part, "2D")) for i, part in enumerate(samples)]
    ab, abc = str(tmp_path / "ab.root"), str(tmp_path / "abc.root")
    for arguments in ([ab, a, b], [abc, ab, c]):
        finished = run([program("hadd"), *arguments])
        assert finished.returncode == 0, finished.stderr[-2000:]
    check(read(abc), expected(together(*samples), "xy", edges_of("2D")), covariance=True)


def test_compressed_and_large_and_many_cycles(rows, tmp_path):
    histogram = fill(rows, "2D")
    with ROOT.TFile(str(tmp_path / "h.root"), "recreate", "", ROOT.RCompressionSetting.EDefaults.kUseAnalysis) as file:
        folder = file.mkdir("deep")
        folder.cd()
        histogram.Write("h")
        histogram.Scale(2)
        histogram.Write("h")
        file.WriteObject(histogram, "twice")
    for name in ("deep/h", "twice"):
        check(read(str(tmp_path / "h.root"), name), expected({**rows, "w": 2 * rows["w"]}, "xy", edges_of("2D")))
    assert read(str(tmp_path / "h.root"), "deep/h;1").GetBinContent(20) == histogram.GetBinContent(20) / 2


def first_version_rows() -> Rows:
    """Rows that filled tests/data/oversampled_v1.root."""
    number = np.arange(40)
    n = np.where(number == 7, 1, 2 + number % 4)
    gen = np.repeat(number, n)
    reco = np.arange(len(gen))
    return {
        "genEvent": gen,
        "foldSize": n[gen],
        "reco": reco,
        "x": (gen * 37 % 120) / 10 - 0.95 + (reco * 13 % 7 - 3) / 4,
        "w": np.array([1.0, -0.5, 1.5, 0.75])[gen % 4],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_files_describe_the_classes_as_ever(kind):
    stored = ROOT.FlashSim.FoldSums.Class()
    histogram = getattr(ROOT.FlashSim, f"OversampledTH{kind}").Class()
    base = ROOT.TClass.GetClass(f"FlashSim::OversampledTH<TH{kind}>")
    assert [type.GetClassVersion() for type in (histogram, base, stored)] == [1, 1, 2]
    assert [element.GetName() for element in histogram.GetStreamerInfo().GetElements()] == [base.GetName()]
    assert [element.GetName() for element in base.GetStreamerInfo().GetElements()] == [f"TH{kind}", "fFoldSums"]


def test_files_of_the_first_version():
    """Written by class version 1, which had no covariance. The histogram `lost` was given a content by hand."""
    path = str(Path(__file__).parents[1] / "data" / "oversampled_v1.root")
    histogram, lost = read(path), read(path, "lost")
    wanted = expected(first_version_rows(), "x", np.linspace(0, 10, 11))
    assert wanted.content[1] == pytest.approx(2.825)
    check(histogram, wanted)
    assert (histogram.ClassName(), histogram.GetTitle()) == ("FlashSim::OversampledTH1D", "first version")
    assert not histogram.HasCovariance()
    with pytest.raises(Exception, match="does not hold their covariance"):
        histogram.Rebin(2)
    assert not lost.HasFoldInformation()
    assert lost.GetBinContent(3) == 2.5
    with pytest.raises(Exception, match="is not known"):
        lost.GetBinErrorNaive(4)
    histogram.Scale(2)
    check(
        histogram, expected({**first_version_rows(), "w": 2 * first_version_rows()["w"]}, "x", np.linspace(0, 10, 11))
    )


def test_lost_fold_information_stays_lost_in_a_file(rows, tmp_path):
    for kind in KINDS:
        histogram = fill(rows, kind)
        histogram.SetBinContent(5, 1000)
        again = read(write(tmp_path / f"{kind}.root", histogram))
        assert again.GetBinContent(5) == 1000
        assert not again.HasFoldInformation()
        assert not again.HasCovariance()


def hadd(path: Path, *parts: str) -> str:
    finished = run([program("hadd"), str(path), *parts])
    assert finished.returncode == 0, finished.stderr[-2000:]
    return str(path)


def test_all_ways_to_read(rows, tmp_path):
    path = write(tmp_path / "h.root", fill(rows, "1D"), fill(rows, "2F", "h2F"))
    wanted = expected(rows, "x", EDGES["x"])
    check(flashsim.read(path, "h"), wanted, covariance=True)
    with ROOT.TFile(path) as file:
        found = [file.Get("h"), file["h"], file.GetListOfKeys()[0].ReadObj(), flashsim.read(file, "h")]
        for histogram in found:
            check(histogram, wanted, covariance=True)
        assert file.Get("h_folds").ClassName() == "TDirectoryFile"
        assert not file.Get("nothing")
        ROOT.TH1.AddDirectory(True)
        assert file.Get("h").GetDirectory() == file
        assert file.Get("h") == file.Get("h")
        assert not flashsim.read(file, "h").GetDirectory()
    check(flashsim.read(path, "h2F"), expected(rows, "xy", edges_of("2F")), covariance=True)


def test_what_cannot_be_read(rows, tmp_path):
    path = tmp_path / "h.root"
    with ROOT.TFile(str(path), "recreate"):
        fill(rows, "1D").WriteTH("plain")
        ROOT.TNamed("other", "").Write()
    with pytest.raises(FileNotFoundError):
        flashsim.read(tmp_path / "nothing.root", "h")
    with pytest.raises(ValueError, match=r"there is no 'h'\. There is: other, plain"):
        flashsim.read(path, "h")
    with pytest.raises(RuntimeError, match=r"'plain' in .* is a TH1D without fold information. Expected"):
        flashsim.read(path, "plain")
    with pytest.raises(RuntimeError, match=r"'other' in .* is a TNamed without fold information. Expected"):
        flashsim.read(path, "other")
    with ROOT.TFile(str(path)) as file:
        assert file.Get("plain").ClassName() == "TH1D"


def test_write_does_not_take_over_another_name(rows, tmp_path):
    with ROOT.TFile(str(tmp_path / "h.root"), "recreate"):
        ROOT.TNamed("h_folds", "").Write()
        with pytest.raises(Exception, match="its fold information goes into the folder 'h_folds', and something else"):
            fill(rows, "1D").Write()


def test_plain_and_whole_under_one_name(rows, other_rows, tmp_path):
    """WriteTH() after Write(), for files with both: hadd keeps the covariance."""
    paths = []
    for i, part in enumerate((rows, other_rows)):
        paths.append(str(tmp_path / f"{i}.root"))
        with ROOT.TFile(paths[-1], "recreate"):
            histogram = fill(part, "1D")
            histogram.Write()
            histogram.WriteTH()
    merged = hadd(tmp_path / "merged.root", *paths)
    check(read(merged), expected(together(rows, other_rows), "x", EDGES["x"]), covariance=True)


@pytest.mark.parametrize("plain_first", [False, True])
def test_hadd_with_a_plain_histogram(plain_first, rows, other_rows, tmp_path):
    """The folds of the sum are unknown."""
    whole = write(tmp_path / "whole.root", fill(rows, "1D"))
    plain = str(tmp_path / "plain.root")
    with ROOT.TFile(plain, "recreate"):
        fill(other_rows, "1D").WriteTH()
    merged = read(hadd(tmp_path / "merged.root", *([plain, whole] if plain_first else [whole, plain])))
    assert merged.ClassName() == "FlashSim::OversampledTH1D"
    wanted = expected(together(rows, other_rows), "x", EDGES["x"])
    np.testing.assert_allclose([merged.GetBinContent(i) for i in range(10)], wanted.content, rtol=1e-12)
    np.testing.assert_allclose([merged.GetBinError(i) ** 2 for i in range(10)], wanted.variance, rtol=1e-12)
    assert not merged.HasFoldInformation()
    with pytest.raises(Exception, match="hadd with a plain histogram"):
        merged.Rebin(2)


@pytest.mark.parametrize("kind", ["1D", "2F"])
def test_hadd_of_one_with_and_one_without_covariance(kind, rows, other_rows, tmp_path):
    paths = [
        write(tmp_path / f"{i}.root", fill(part, kind, covariance=i == 0)) for i, part in enumerate((rows, other_rows))
    ]
    merged = read(hadd(tmp_path / "merged.root", *paths))
    check(merged, expected(together(rows, other_rows), names_of(kind), edges_of(kind)))
    assert not merged.HasCovariance()
    with pytest.raises(Exception, match="does not hold their covariance"):
        merged.GetCovarianceMatrix()


def test_hadd_of_one_that_lost_its_folds(rows, other_rows, tmp_path):
    lost = fill(other_rows, "1D")
    lost.SetBinContent(5, 1000)
    paths = [write(tmp_path / "a.root", fill(rows, "1D")), write(tmp_path / "b.root", lost)]
    assert not read(hadd(tmp_path / "merged.root", *paths)).HasFoldInformation()


def test_hadd_with_an_empty_one(rows, tmp_path):
    empty = fill(rows, "1D")
    empty.Reset()
    paths = [write(tmp_path / "a.root", empty), write(tmp_path / "b.root", fill(rows, "1D"))]
    check(read(hadd(tmp_path / "merged.root", *paths)), expected(rows, "x", EDGES["x"]), covariance=True)


def test_file_write_writes_what_lies_in_the_file(rows, tmp_path):
    path = str(tmp_path / "h.root")
    with ROOT.TFile(path, "recreate") as file:
        histogram = fill(rows, "1D")
        histogram.SetDirectory(file)
        file.Write()
        histogram.SetDirectory(ROOT.nullptr)
    with uproot.open(path) as file:
        assert file["h"].classname == "TH1D"
    check(read(path), expected(rows, "x", EDGES["x"]), covariance=True)


def test_write_object(rows, tmp_path):
    """Python's usual way to write writes the same."""
    path = str(tmp_path / "h.root")
    histogram = fill(rows, "1D")
    with ROOT.TFile(path, "recreate") as file:
        folder = file.mkdir("folder")
        assert folder.WriteObject(histogram, "again") > 0
        file.WriteObject(fill(rows, "2F"), "h")
        file.WriteObject(histogram, "h", "Overwrite")
        file.WriteObject(ROOT.std.vector["int"]([1, 2]), "numbers")
        assert ROOT.gDirectory == file
    with uproot.open(path) as file:
        assert sorted(file.keys(recursive=False)) == ["folder;1", "h;1", "h_folds;1", "numbers;1"]
        assert file["folder/again"].classname == "TH1D"
    for name in ("h", "folder/again"):
        check(read(path, name), expected(rows, "x", EDGES["x"]), covariance=True)


def test_overwriting(rows, other_rows, tmp_path):
    path = str(tmp_path / "h.root")
    with ROOT.TFile(path, "recreate"):
        fill(rows, "1D").Write()
        fill(other_rows, "1D").Write("", ROOT.TObject.kOverwrite)
    check(read(path), expected(other_rows, "x", EDGES["x"]), covariance=True)
    with uproot.open(path) as file:
        assert sorted(file.keys(cycle=True, recursive=False)) == ["h;1", "h_folds;1"]
