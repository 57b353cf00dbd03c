"""Commands that write files: they replace none without --overwrite, and never one that they read."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

import flashsim
import flashsim.generation
from flashsim.cli import app
from flashsim.output_files import check_outputs

OLD = b"of weeks of work"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def error_of(*arguments) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def occupy(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(OLD)


SAMPLE = flashsim.data.path("ttbar.root")
STUDY = ("--data", SAMPLE, "--unseen", SAMPLE)
COMMANDS = {
    "demo": (["demo", "--events", 20, "--fold-size", 2, "--threads", 1], ["flashsim-demo.root", "flashsim-demo.png"]),
    "generate": (["generate", "new.root", "--events", 2, "--jobs", 1], ["new.root"]),
    "export": (["export", "trained.pt", "new.onnx"], ["new.onnx"]),
    "train": (["train", "--data", SAMPLE], ["checkpoint.pt", "checkpoint.pt.history.json", "checkpoint.pt.loss.png"]),
    "validate": (["validate", "jets", "--data", SAMPLE], ["validation/report.html", "validation/validation.json"]),
    "optimize-steps": (
        ["optimize-steps", "flow.onnx", "--data", SAMPLE, "--out", "new.onnx", "--plot", "steps.png"],
        ["new.onnx", "steps.png"],
    ),
    "throughput": (["throughput", "--histogram", "h.root:h", "--output", "plan.png"], ["plan.png"]),
    "families": (["study", "families", *STUDY], [f"studies/families.{end}" for end in ("md", "json", "png")]),
    "processes": (["study", "processes", "jets", "--data", f"a={SAMPLE}"], ["studies/processes.html"]),
    "training-size": (["study", "training-size", *STUDY], ["studies/training-size.md"]),
    "steps": (["study", "steps", "jets", "--unseen", SAMPLE], ["studies/steps.json"]),
    "w-mass": (["study", "w-mass", "--data", SAMPLE], ["studies/w-mass.png"]),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_replaced_unasked(command):
    """Whichever of the files is there; it is said before any work is done."""
    if command == "train":
        pytest.importorskip("torch")
    arguments, outputs = COMMANDS[command]
    shutil.copy(flashsim.data.path("jets.onnx"), "flow.onnx")
    if command == "throughput":
        make_histogram()
    for output in outputs:
        occupy(output)
        message = error_of(*arguments)
        assert f"{output} exists." in message
        assert "--overwrite" in message
        assert Path(output).read_bytes() == OLD
        Path(output).unlink()
    occupy(*outputs)
    assert ("exist." in error_of(*arguments)) == (len(outputs) > 1)
    assert "--overwrite" in run(*arguments[: 2 if arguments[0] == "study" else 1], "--help").output


def make_histogram() -> None:
    import ROOT

    reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    histogram = reco.OversampledTH1D(("h", "", 2, 0, 20), "x", fold_size=10)
    with ROOT.TFile("h.root", "recreate") as file:
        file.WriteObject(histogram.GetValue(), "h")


@pytest.mark.slow
def test_demo_twice():
    arguments = ["demo", "--output-dir", "new", "--events", 20, "--fold-size", 2, "--threads", 1]
    assert run(*arguments).exit_code == 0
    first = Path("new/flashsim-demo.png").read_bytes()
    message = error_of(*arguments)
    assert "flashsim-demo.root and new/flashsim-demo.png exist. Choose another folder with --output-dir" in message
    assert Path("new/flashsim-demo.png").read_bytes() == first
    occupy("new/flashsim-demo.png")
    assert run(*arguments, "--overwrite").exit_code == 0
    assert Path("new/flashsim-demo.png").read_bytes() != OLD


@pytest.mark.generation
def test_generate_twice():
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    arguments = ["generate", "new.root", "--process", "zjets", "--jobs", 1]
    assert run(*arguments, "--events", 3).exit_code == 0
    first = Path("new.root").read_bytes()
    assert "new.root exists." in error_of(*arguments, "--events", 4)
    assert Path("new.root").read_bytes() == first
    result = run(*arguments, "--events", 4, "--overwrite")
    assert "4 zjets events" in result.stdout, result.output
    assert Path("new.root").read_bytes() != first


@pytest.mark.generation
def test_generate_goes_on_after_an_interruption(monkeypatch):
    """Without and with --overwrite: existing files are replaced at the end only."""
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    monkeypatch.setattr("flashsim.generation.production.production.BLOCK_EVENTS", 1)
    monkeypatch.setattr("flashsim.generation.production.production.PART_BLOCKS", 1)
    make_output = flashsim.generation.production.production.PartFolder.make_output
    arguments = ["generate", "new.root", "--process", "zjets", "--jobs", 1, "--events", 2]

    def interrupt(folder):
        raise KeyboardInterrupt

    for options in ([], ["--overwrite"]):
        monkeypatch.setattr("flashsim.generation.production.production.PartFolder.make_output", interrupt)
        before = Path("new.root").read_bytes() if options else None
        assert run(*arguments, *options).exit_code != 0
        assert (Path("new.root").read_bytes() if options else None) == before
        assert len(list(Path("new.root.parts").glob("*.root"))) == 2
        monkeypatch.setattr("flashsim.generation.production.production.PartFolder.make_output", make_output)
        result = run(*arguments, *options)
        assert "2 were there" in result.stdout, result.output
        assert not Path("new.root.parts").exists()


ALIASES = {
    "same": lambda path: path,
    "other spelling": lambda path: f"nowhere/../{path}",
    "absolute": lambda path: Path(path).absolute(),
    "symbolic link": lambda path: link(path, "symbolic"),
    "hard link": lambda path: link(path, "hard"),
}


def link(path: str, kind: str) -> str:
    name = f"{kind}{Path(path).suffix}"
    Path(name).symlink_to(path) if kind == "symbolic" else Path(name).hardlink_to(path)
    return name


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("options", [[], ["--overwrite"]], ids=["", "overwrite"])
def test_an_input_is_never_replaced(alias, options):
    pytest.importorskip("torch")
    occupy("a.pt", "a.root", "nowhere/x")
    output = {name: ALIASES[alias](name) for name in ("a.pt", "a.root")}
    message = error_of("export", "a.pt", output["a.pt"], *options)
    assert f"{output['a.pt']} is read" in message
    assert "cannot be written too" in message
    assert "is read" in error_of("train", "--data", "a.root", "--out", output["a.root"], *options)
    assert Path("a.pt").read_bytes() == Path("a.root").read_bytes() == OLD


def test_inputs_of_other_commands():
    shutil.copy(flashsim.data.path("jets.onnx"), "flow.onnx")
    occupy("a.root", "validation/report.html")
    flow = Path("flow.onnx").read_bytes()
    steps = ["optimize-steps", "flow.onnx", "--overwrite", "--data", "a.root"]
    assert "a.root is read" in error_of(*steps, "--out", "a.root")
    assert "flow.onnx is read" in error_of(*steps, "--out", "new.onnx", "--plot", "flow.onnx")
    assert "would be written twice" in error_of(*steps, "--out", "new.png", "--plot", "new.png")
    shutil.copy("flow.onnx", "validation/report.html")
    assert "report.html is read" in error_of("validate", "validation/report.html", "--data", "a.root", "--overwrite")
    make_histogram()
    plan = ["throughput", "--histogram", "h.root:h", "--output", "h.root", "--overwrite"]
    assert "h.root is read" in error_of(*plan)
    assert Path("flow.onnx").read_bytes() == flow


def test_library_functions_do_not_destroy_what_they_read():
    for package in ("torch", "zuko"):
        pytest.importorskip(package)
    training = pytest.importorskip("flashsim.training")
    occupy("a.pt", "a.root")
    with pytest.raises(ValueError, match=r"a\.pt is read, as a\.pt, and cannot be written too"):
        training.export_flow("a.pt", "./a.pt")
    recipe = training.load_config(files("flashsim.recipes") / "jets.toml")
    with pytest.raises(ValueError, match=r"a\.root is read"):
        training.train(recipe, ["a.root"], "a.root", overwrite=True)
    assert Path("a.pt").read_bytes() == Path("a.root").read_bytes() == OLD


def test_devices_folders_and_dangling_links():
    check_outputs(["/dev/null"], ["root://far.away//a.root"], overwrite=False)
    Path("dangling").symlink_to("nowhere")
    with pytest.raises(FileExistsError, match="dangling exists"):
        check_outputs(["dangling"], overwrite=False)
    Path("folder").mkdir()
    with pytest.raises(IsADirectoryError, match="folder is a folder"):
        check_outputs(["folder"], overwrite=True)
