"""The command line: its output, its files, and its errors."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from onnx import helper
from typer.testing import CliRunner

import flashsim
import tiny_flows
import tiny_models
from flashsim.cli import app

COMMANDS = (
    "demo", "info", "generate", "train", "export", "optimize-steps", "validate", "stamp", "throughput", "study",
    "config",
)  # fmt: skip


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def error_of(*arguments):
    """The one line that a user's mistake is answered with."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def test_help_lists_all_commands():
    result = run("--help")
    assert result.exit_code == 0
    assert all(f" {command} " in result.output for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"flashsim {command}" in result.output or f"{command} [OPTIONS]" in result.output


def test_version():
    result = run("--version")
    assert result.exit_code == 0
    assert result.output.split() == ["flashsim", flashsim.__version__]


def test_command_line_starts_without_heavy_packages():
    heavy = (
        "torch",
        "onnx",
        "pythia8mc",
        "fastjet",
        "matplotlib",
        "mplhep",
        "uproot",
        "awkward",
        "scipy",
        "sklearn",
        "zuko",
        "jinja2",
    )
    code = f"import sys, flashsim.cli; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert result.stdout.strip() == "[]"


def test_info_prints_the_whole_contract():
    result = run("info", "jets")
    assert result.exit_code == 0, result.output
    flow = flashsim.Flow("jets")
    assert flow.path in result.output
    assert f"{flow.default_steps} steps" in result.output
    assert "Jet from GenJet, sorted by pt" in result.output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines() if "│" in line]
    assert [row[0] for row in rows] == [variable.name for variable in (*flow.context, *flow.target)]
    assert rows[0][:3] == ["pt", "GeV", "float32"]
    assert ["jetId", "", "uint8", "0", "6"] in rows
    for entry in ("files", "events", "training_loss"):
        assert entry in result.output


def test_info_takes_a_path():
    assert run("info", flashsim.data.path("jets.onnx")).output == run("info", "jets").output


def test_info_tells_how_a_flow_may_be_trusted(tmp_path):
    flow = flashsim.Flow("jets")
    assert f"fits: SHA-256 {flow.checksum[:12]}" in run("info", "jets").output
    assert "the same bits in any batch" in " ".join(run("info", "jets").output.split())
    path = tiny_flows.write_smearing_flow(tmp_path / "tiny.onnx")
    assert "none: damage to the file is not noticed" in " ".join(run("info", path).output.split())


def test_info_on_models_of_other_kinds(tmp_path):
    text = run("info", tiny_models.write_efficiency(tmp_path / "efficiency.onnx")).output
    assert "efficiency 'seen'" in text
    assert "the probability that an object of GenJet makes Jet" in " ".join(text.split())
    assert "columns GenJet_<name>" in text
    assert "target" not in text
    text = run("info", tiny_models.write_multiplicity(tmp_path / "multiplicity.onnx", level="event")).output
    assert "the probabilities that a GEN event (scalar columns) makes 0 to 3 Jet" in " ".join(text.split())
    text = run("info", tiny_models.write_event_flow(tmp_path / "met.onnx")).output
    assert "MET from a GEN event (scalar columns)" in text
    assert "context: columns <name>" in text
    assert "target: columns MET_<name>" in text


def test_info_on_a_flow_that_mixes_rows(tmp_path):
    nodes = [
        helper.make_node("Constant", [], ["axis"], value_ints=[0]),
        helper.make_node("ReduceMean", ["noise", "axis"], ["mean"]),
        helper.make_node("Add", ["context", "mean"], ["shifted"]),
        helper.make_node("Constant", [], ["columns"], value_ints=[0, 1, 1]),
        helper.make_node("Gather", ["shifted", "columns"], ["sample"], axis=1),
    ]
    result = run("info", tiny_flows.write_expression_flow(tmp_path / "tiny.onnx", nodes))
    assert result.exit_code == 2
    assert "independent rows" in result.output
    assert "mixes the objects of a batch" in " ".join(result.stderr.split())


def test_stamp_writes_a_checksum(tmp_path):
    path = tiny_flows.write_smearing_flow(tmp_path / "tiny.onnx")
    result = run("stamp", path)
    assert result.exit_code == 0, result.output
    checksum = flashsim.Flow(path).checksum
    assert f"sha256:{checksum}" in "".join(result.output.split())
    assert "missing.onnx" in error_of("stamp", "missing.onnx")


def test_info_on_a_missing_file():
    assert "missing.onnx" in error_of("info", "missing.onnx")


def test_info_on_a_text_file(tmp_path):
    text = tmp_path / "text.onnx"
    text.write_text("I am no flow.\n", encoding="utf-8")
    message = error_of("info", text)
    assert "text.onnx" in message
    assert "not an ONNX model" in message


def test_errors_keep_their_traceback_on_demand(monkeypatch):
    monkeypatch.setenv("FLASHSIM_TRACEBACK", "1")
    assert isinstance(run("info", "missing.onnx").exception, FileNotFoundError)


COMMAND = str(Path(sys.executable).with_name("flashsim"))


@pytest.mark.parametrize("command", [[COMMAND], [sys.executable, "-m", "flashsim.cli"]], ids=["flashsim", "module"])
def test_commands_are_quiet_about_root(command):
    """ROOT's wheel warns at each import that it is in alpha stage."""
    result = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False, timeout=120)
    assert (result.returncode, result.stderr) == (0, "")


def test_python_warns_as_root_does():
    """Only commands are quiet, and of this one warning."""
    said = [
        subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, text=True, timeout=120).stderr
        for module in ("ROOT", "flashsim")
    ]
    assert [text.count("alpha stage") for text in said] == [said[0].count("alpha stage")] * 2


def test_unknown_command():
    result = run("simulate")
    assert result.exit_code == 2
    assert "simulate" in result.stderr


def test_config_paths_exist():
    result = run("config")
    assert result.exit_code == 0, result.output
    paths = {line.split()[0]: line.split(maxsplit=1)[1] for line in result.output.splitlines()}
    assert set(paths) == {"--include-dir", "--lib-dir", "--data-dir", "--onnxruntime"}
    for option, path in paths.items():
        assert Path(path).exists()
        assert run("config", option).output == f"{path}\n"
    assert (Path(paths["--include-dir"]) / "FlashSim" / "Simulate.hxx").is_file()
    assert (Path(paths["--lib-dir"]) / "libFlashSim.so").is_file()
    assert (Path(paths["--data-dir"]) / "jets.onnx").is_file()


def test_config_for_the_shell():
    result = run("config", "--shell")
    script = 'ROOT_INCLUDE_PATH=/old; unset LD_LIBRARY_PATH; eval "$1"; '
    script += 'echo "$ROOT_INCLUDE_PATH|$LD_LIBRARY_PATH|$FLASHSIM_DATA"'
    shell = subprocess.run(["sh", "-c", script, "sh", result.output], capture_output=True, text=True, check=True)
    include, library, data = (
        run("config", option).output.strip() for option in ("--include-dir", "--lib-dir", "--data-dir")
    )
    assert shell.stdout.strip() == f"{include}:/old|{library}|{data}"


def test_config_for_a_macro():
    lines = run("config", "--root-macro").output.splitlines()
    assert lines[0] == f"R__ADD_INCLUDE_PATH({run('config', '--include-dir').output.strip()})"
    assert any(line.startswith("R__LOAD_LIBRARY(libFlashSim") for line in lines)


def test_config_answers_one_question():
    assert "--lib-dir and --data-dir exclude each other" in error_of("config", "--lib-dir", "--data-dir")


def test_demo_needs_several_reco_events():
    result = run("demo", "--fold-size", "1")
    assert result.exit_code == 2
    assert "--fold-size" in result.stderr


def test_demo_into_a_file(tmp_path):
    occupied = tmp_path / "occupied"
    occupied.touch()
    assert "occupied" in error_of("demo", "--output-dir", occupied)


@pytest.mark.generation
def test_generate(tmp_path):
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    uproot = pytest.importorskip("uproot")
    output = tmp_path / "generated.root"
    result = run("generate", "--process", "zjets", "--events", 4, "--seed", 3, "--jobs", 1, output)
    assert result.exit_code == 0, result.output
    assert "4 zjets events" in result.stdout
    assert list(tmp_path.iterdir()) == [output]
    with uproot.open(output) as file:
        assert file["Events"].num_entries == 4
        assert {"GenJet_pt", "Jet_pt", "Jet_genJetIdx"} <= set(file["Events"].keys())


def test_generate_with_an_unknown_process(tmp_path):
    message = error_of("generate", "--process", "higgs", tmp_path / "x.root")
    assert "'higgs'" in message
    assert "ttbar" in message
    assert "expected one of them" in error_of("generate", "--events", 5, "--jets", 5, tmp_path / "x.root")


def test_generate_into_a_missing_folder(tmp_path):
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    assert "nowhere" in error_of("generate", tmp_path / "nowhere" / "x.root")


def test_missing_extra_names_the_remedy(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("flashsim.training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(flashsim, "training", raising=False)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name))
    message = error_of("train", "--data", "pairs.root")
    assert "torch" in message
    assert 'pip install "flashsim[train]"' in message


def test_train_without_data():
    assert "--data" in error_of("train")


def test_train_with_missing_data(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    assert "missing.root" in error_of("train", "--data", tmp_path / "missing.root", "--out", tmp_path / "x.pt")


def test_train_with_a_broken_recipe(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('nmae = "jets"\n', encoding="utf-8")
    message = error_of("train", recipe, "--data", flashsim.data.path("ttbar.root"))
    assert "recipe.toml" in message
    assert "nmae" in message


def test_export_of_a_missing_checkpoint(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    assert "missing.pt" in error_of("export", tmp_path / "missing.pt", tmp_path / "x.onnx")


@pytest.mark.training
def test_train_export_info(tmp_path):
    """The whole chain on a small recipe: the exported flow is one that simulates."""
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    recipe = tmp_path / "small.toml"
    recipe.write_text(SMALL_RECIPE, encoding="utf-8")
    sample = flashsim.data.path("ttbar.root")
    checkpoint, flow = tmp_path / "small.pt", tmp_path / "small.onnx"
    # As typed: everything after --data is data.
    result = run("train", recipe, "--data", sample, sample, "--out", checkpoint, "--threads", 1)
    assert result.exit_code == 0, result.output
    assert checkpoint.exists()
    result = run("export", checkpoint, flow, "--solver", "euler", "--steps", 3)
    assert result.exit_code == 0, result.output
    opened = flashsim.Flow(flow)
    assert (opened.name, opened.solver, opened.default_steps) == ("small", "euler", 3)
    assert opened.metadata["training"]["events"] == 2 * 5000
    assert opened.sample([[50.0, 0.0]], fold_size=4).shape == (1, 4, 1)
    assert "euler solver, 3 steps by default" in run("info", flow).output


SMALL_RECIPE = """
name = "small"
collection = "Jet"
source = "GenJet"
sort_by = "pt"

[dataset]
index = "Jet_genJetIdx"

[model]
hidden = [8]

[training]
epochs = 1
batch_size = 4096

[[context]]
name = "pt"
unit = "GeV"
range = [0, 7000]
operations = ["log", "saturate", "standardise"]

[[context]]
name = "eta"
range = [-10, 10]
operations = ["saturate", "standardise"]

[[target]]
name = "pt"
unit = "GeV"
range = [0, 14000]
operations = [{ op = "ratio", to = "pt" }, "gaussianise"]
"""
