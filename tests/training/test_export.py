"""The exported graph must be the trained flow: same numbers, same bits anywhere, the contract in its metadata."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("zuko")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

import typer  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from flashsim.cli.export import export as command  # noqa: E402
from flashsim.flows.contract import check_metadata  # noqa: E402
from flashsim.flows.file import read_flow, write_model  # noqa: E402
from flashsim.flows.ode.solvers import SOLVERS  # noqa: E402
from flashsim.training import Pairs, TrainedFlow, export_flow, train  # noqa: E402
from flashsim.training.export import build_model  # noqa: E402
from flashsim.training.families.registry import make_model  # noqa: E402
from flashsim.training.preparation.preprocessing import Preprocessing  # noqa: E402
from flashsim.training.recipe.sections import (  # noqa: E402
    AffineConfig,
    DatasetConfig,
    FlowConfig,
    FlowMatchingConfig,
    SamplingConfig,
    SplineConfig,
    TrainingConfig,
    VariableConfig,
)

DISCRETE = ({"op": "dequantise", "width": 0.15}, {"op": "standardise"})

CONFIG = FlowConfig(
    name="toys",
    collection="Jet",
    source="GenJet",
    sort_by="pt",
    dataset=DatasetConfig(index="Jet_genJetIdx", validation_fraction=0.1),
    context=(
        VariableConfig("pt", (0.0, 1000.0), ({"op": "log"}, {"op": "saturate"}, {"op": "standardise"}), unit="GeV"),
        VariableConfig("phi", (-3.1415927, 3.1415927), ({"op": "saturate"}, {"op": "standardise"}), unit="rad"),
    ),
    target=(
        VariableConfig("pt", (0.0, 1000.0), ({"op": "ratio", "to": "pt"}, {"op": "standardise"}), unit="GeV"),
        VariableConfig(
            "phi", (-3.1415927, 3.1415927),
            ({"op": "difference", "to": "phi", "period": 6.283185307179586}, {"op": "gaussianise"}), unit="rad",
        ),
        VariableConfig("muEF", (0.0, 1.0), ({"op": "present", "of": "nMuons"}, {"op": "gaussianise"})),
        VariableConfig("nMuons", (0.0, 255.0), DISCRETE, dtype="uint8"),
    ),
    model=FlowMatchingConfig(hidden=(32, 32), time_frequencies=2),
    training=TrainingConfig(epochs=25, batch_size=250, learning_rate=5e-3, average_decay=0.99, seed=2),
)  # fmt: skip


def resolution(pt: np.ndarray) -> np.ndarray:
    return 0.05 + 2.0 / pt


def muon_probability(pt: np.ndarray) -> np.ndarray:
    return 0.1 + 0.5 * np.log(pt / 20) / np.log(10)


def toy_pairs(rows: int, seed: int) -> Pairs:
    """Known answer: a normal response of mean 1 + 0.2 log(pt/50) and width `resolution`, muons with a known chance."""
    generator = np.random.default_rng(seed)
    pt, phi = generator.uniform(20, 200, rows), generator.uniform(-np.pi, np.pi, rows)
    response = 1 + 0.2 * np.log(pt / 50) + resolution(pt) * generator.standard_normal(rows)
    smeared = (phi + 0.1 * generator.standard_normal(rows) + np.pi) % (2 * np.pi) - np.pi
    muons = (generator.random(rows) < muon_probability(pt)).astype(float)
    share = np.where(muons > 0, generator.beta(2, 4, rows), 0.0)
    context, target = np.stack([pt, phi], axis=1), np.stack([pt * response, smeared, share, muons], axis=1)
    return Pairs(context.astype(np.float32), target.astype(np.float32), ["toys.root"], rows)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("training") / "toys.pt"
    train(CONFIG, toy_pairs(10_000, seed=1), path, threads=1, progress=False)
    return path


@pytest.fixture(scope="module")
def flow(checkpoint: Path) -> TrainedFlow:
    return TrainedFlow.load(checkpoint)


def session_of(model: bytes | str | Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run(session: onnxruntime.InferenceSession, context: np.ndarray, noise: np.ndarray, steps: int | None) -> np.ndarray:
    """Samples; a flow that samples in one shot ignores ``steps``."""
    inputs = {"noise": noise, "context": context, "steps": np.array(steps or 0, dtype=np.int64)}
    return session.run(None, {item.name: inputs[item.name] for item in session.get_inputs()})[0]


def noise_of(rows: int, dimension: int, seed: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dimension), dtype=np.float32)


MODELS = {
    "flow_matching": FlowMatchingConfig(hidden=(32, 32), time_frequencies=2),
    "flow_matching, widths that change": FlowMatchingConfig(hidden=(8, 16, 16, 24), time_frequencies=3),
    "flow_matching, one block": FlowMatchingConfig(hidden=(8,), time_frequencies=0),
    "affine": AffineConfig(transforms=3, hidden=(16, 16)),
    "spline": SplineConfig(transforms=2, hidden=(16,), bins=5),
}
GRIDS = {"uniform": (0.0, 1.0), "to the end": (0.0, 0.7, 0.9, 1.0)}
CONTINUOUS = [name for name, model in MODELS.items() if isinstance(model, FlowMatchingConfig)]
ONE_SHOT = [name for name in MODELS if name not in CONTINUOUS]
SAMPLINGS = [(name, solver, grid) for name in CONTINUOUS for solver in SOLVERS for grid in GRIDS]


@cache
def untrained(name: str, solver: str = "midpoint", grid: str = "uniform") -> TrainedFlow:
    """A flow with weights that make every part of it count."""
    sampling = SamplingConfig(solver=solver, default_steps=5, grid=GRIDS[grid])
    config = replace(CONFIG, model=MODELS[name], sampling=sampling)
    preprocessing, pairs = Preprocessing(config.context, config.target), toy_pairs(2000, seed=1)
    preprocessing.fit(pairs.context, pairs.target, np.random.default_rng(1))
    torch.manual_seed(5)
    model = make_model(config.model, preprocessing.target_features, preprocessing.context_features)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape)
    return TrainedFlow(config, preprocessing, model.eval(), {"note": "untrained"})


def assert_samples_agree(found: np.ndarray, expected: np.ndarray) -> None:
    """To float32 accuracy, but for whole numbers that rounding takes to either side."""
    agree = found[:, 3] == expected[:, 3]
    assert agree.mean() > 0.995
    np.testing.assert_allclose(found[agree], expected[agree], rtol=1e-4, atol=3e-5)


def assert_bits_do_not_depend_on_the_batch(session: onnxruntime.InferenceSession, steps: int | None) -> None:
    rows = 523
    context, noise = toy_pairs(rows, seed=5).context, noise_of(rows, 4)
    whole = run(session, context, noise, steps)
    for size, upto in ((1, 20), (3, 60), (256, rows)):
        pieces = [run(session, context[i : i + size], noise[i : i + size], steps) for i in range(0, upto, size)]
        assert np.array_equal(np.concatenate(pieces)[:upto], whole[:upto]), size
    order = np.random.default_rng(4).permutation(rows)
    assert np.array_equal(run(session, context[order], noise[order], steps), whole[order])


@pytest.mark.parametrize(("name", "solver", "grid"), SAMPLINGS)
def test_continuous_flows_sample_in_the_graph_as_in_torch(name: str, solver: str, grid: str) -> None:
    flow = untrained(name, solver, grid)
    context, noise = toy_pairs(1000, seed=5).context, noise_of(1000, 4)
    session = session_of(build_model(flow).SerializeToString())
    for steps in (1, 3, 7):
        assert_samples_agree(run(session, context, noise, steps), flow.sample(context, noise, steps=steps))
    assert_bits_do_not_depend_on_the_batch(session, 3)


@pytest.mark.parametrize("name", ONE_SHOT)
def test_one_shot_flows_sample_in_the_graph_as_in_torch(name: str) -> None:
    flow = untrained(name)
    context, noise = toy_pairs(1000, seed=5).context, noise_of(1000, 4)
    session = session_of(build_model(flow).SerializeToString())
    assert_samples_agree(run(session, context, noise, None), flow.sample(context, noise))
    assert_bits_do_not_depend_on_the_batch(session, None)


def test_all_solvers_approach_the_same_samples_and_differ_on_the_way() -> None:
    context, noise = toy_pairs(100, seed=5).context, noise_of(100, 4)

    def samples(steps: int) -> list[np.ndarray]:
        models = [build_model(untrained("flow_matching", solver, grid)) for solver in SOLVERS for grid in GRIDS]
        return [run(session_of(model.SerializeToString()), context, noise, steps)[:, :2] for model in models]

    few, many = samples(2), samples(150)
    for index, sample in enumerate(few):
        assert all(np.abs(sample - other).max() > 1e-3 for other in few[:index])
    for sample in many:
        np.testing.assert_allclose(sample, many[-1], rtol=0.01, atol=0.01)


@pytest.mark.parametrize("name", ONE_SHOT)
def test_one_shot_flows_have_no_steps(name: str) -> None:
    model = build_model(untrained(name))
    metadata = json.loads(model.metadata_props[0].value)
    assert [item.name for item in model.graph.input] == ["noise", "context"]
    assert not {"default_steps", "solver", "grid"} & metadata.keys()
    assert "evaluations_per_step" not in metadata["training"]
    for key, value in (("solver", "euler"), ("default_steps", 3), ("grid", (0, 1))):
        with pytest.raises(ValueError, match=rf"family '{name}' samples in one shot and takes no {key}. Leave"):
            build_model(untrained(name), **{key: value})


@pytest.mark.parametrize("name", ["flow_matching", *ONE_SHOT])
def test_exported_flows_are_what_the_engine_takes(name: str, tmp_path: Path) -> None:
    flashsim = pytest.importorskip("flashsim")
    jsonschema = pytest.importorskip("jsonschema")
    trained = untrained(name, "heun", "to the end") if name == "flow_matching" else untrained(name)
    opened = flashsim.Flow(str(write_model(build_model(trained), tmp_path / "toys.onnx")))
    schema = json.loads((Path(flashsim.__file__).parent / "flows" / "flow.schema.json").read_text())
    jsonschema.validate(opened.metadata, schema)
    assert opened.metadata["checksum"] == f"sha256:{opened.checksum}"
    assert opened.check_rows() == "same bits"
    assert (opened.solver, opened.default_steps) == (("heun", 5) if name == "flow_matching" else (None, None))
    context, noise = np.tile(np.float32([[60.0, 0.5]]), (2000, 1)), noise_of(2000, 4)
    found, expected = opened.sample(context)[:, 0, 0], trained.sample(context, noise)[:, 0]
    assert found.mean() == pytest.approx(expected.mean(), abs=5 * expected.std() / np.sqrt(1000))
    assert found.std() == pytest.approx(expected.std(), rel=0.15)


@pytest.mark.training
def test_training_learns_a_known_conditional_distribution(flow: TrainedFlow) -> None:
    rows = 10_000
    session = session_of(build_model(flow, "midpoint", default_steps=10).SerializeToString())
    truth = toy_pairs(rows, seed=6)
    for pt in (30.0, 80.0, 170.0):
        context = truth.context.copy()
        context[:, 0] = pt
        sample = run(session, context, noise_of(rows, 4), 10)
        response = sample[:, 0] / pt
        assert response.mean() == pytest.approx(1 + 0.2 * np.log(pt / 50), abs=0.02)
        assert response.std() == pytest.approx(resolution(pt), rel=0.15)
        turned = (sample[:, 1] - context[:, 1] + np.pi) % (2 * np.pi) - np.pi
        assert turned.std() == pytest.approx(0.1, rel=0.15)
        assert np.mean(sample[:, 3]) == pytest.approx(muon_probability(pt), abs=0.06)
        assert np.array_equal(sample[:, 2] > 0, sample[:, 3] > 0)
        assert sample[sample[:, 3] > 0, 2].mean() == pytest.approx(1 / 3, abs=0.04)


@pytest.mark.training
def test_contexts_outside_the_training_range_are_held_at_its_edge(flow: TrainedFlow) -> None:
    session = session_of(build_model(flow, "euler", default_steps=5).SerializeToString())
    noise = noise_of(500, 4)
    response = [run(session, np.tile(np.float32([[pt, 0.0]]), (500, 1)), noise, 10)[:, 0] / pt for pt in (200.0, 800.0)]
    assert response[0].mean() == pytest.approx(1.28, abs=0.05)
    np.testing.assert_allclose(np.minimum(response[1], 1000 / 800), np.minimum(response[0], 1000 / 800), rtol=1e-3)


@pytest.mark.training
def test_metadata_follow_the_contract(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "toys.onnx"
    export_flow(checkpoint, path, solver="euler", default_steps=12, grid=[0, 0.5, 1], training={"note": "toys"})
    assert [item.name for item in tmp_path.iterdir()] == ["toys.onnx"]
    session = session_of(path)
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["flashsim"])
    assert {item.name: (item.type, item.shape) for item in session.get_inputs()} == {
        "noise": ("tensor(float)", ["n", 4]),
        "context": ("tensor(float)", ["n", 2]),
        "steps": ("tensor(int64)", []),
    }
    assert [(item.name, item.shape) for item in session.get_outputs()] == [("sample", ["n", 4])]
    training = metadata.pop("training")
    assert re.fullmatch("sha256:[0-9a-f]{64}", metadata.pop("checksum"))
    assert metadata == {
        "schema": 2,
        "kind": "flow",
        "level": "object",
        "name": "toys",
        "collection": "Jet",
        "source": "GenJet",
        "sort_by": "pt",
        "context": [
            {"name": "pt", "unit": "GeV", "dtype": "float32", "range": [0, 1000]},
            {"name": "phi", "unit": "rad", "dtype": "float32", "range": [-3.1415927, 3.1415927]},
        ],
        "target": [
            {"name": "pt", "unit": "GeV", "dtype": "float32", "range": [0, 1000]},
            {"name": "phi", "unit": "rad", "dtype": "float32", "range": [-3.1415927, 3.1415927]},
            {"name": "muEF", "unit": "", "dtype": "float32", "range": [0, 1]},
            {"name": "nMuons", "unit": "", "dtype": "uint8", "range": [0, 255]},
        ],
        "default_steps": 12,
        "solver": "euler",
        "grid": [0, 0.5, 1],
        "noise_dimension": 4,
    }
    assert training["note"] == "toys"
    assert training["evaluations_per_step"] == 1
    assert training["pairs"] + training["validation_pairs"] == 10_000
    assert training["recipe"]["training"]["seed"] == 2


@pytest.mark.training
def test_impossible_exports_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'toys': sampling.solver: expected one of euler, midpoint, heun, rk4, found"):
        export_flow(checkpoint, tmp_path / "toys.onnx", solver="rk5")
    with pytest.raises(ValueError, match=r"sampling.default_steps: expected at least 1, found 0"):
        export_flow(checkpoint, tmp_path / "toys.onnx", default_steps=0)
    for grid in ((0.0, 0.9), (0.1, 1.0), (0.0, 0.5, 0.5, 1.0), (0.0, 0.7, 0.3, 1.0), (1.0,), (0.0, float("nan"), 1.0)):
        with pytest.raises(ValueError, match=r"sampling.grid: expected ascending times from 0 to 1"):
            export_flow(checkpoint, tmp_path / "toys.onnx", grid=grid)
    with pytest.raises(FileNotFoundError, match=r"absent\.pt"):
        export_flow(tmp_path / "absent.pt", tmp_path / "toys.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.training
def test_the_command_takes_solver_steps_and_grid(checkpoint: Path, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    path = tmp_path / "toys.onnx"
    arguments = [str(checkpoint), str(path), "--solver", "heun", "--steps", "3"]
    result = CliRunner().invoke(app, [*arguments, "--grid", "0,0.7,0.9,1"])
    assert result.exit_code == 0, result.output
    metadata = read_flow(path)[1]
    assert (metadata["solver"], metadata["default_steps"], metadata["grid"]) == ("heun", 3, [0, 0.7, 0.9, 1])
    for grid, message in (
        ("0,high,1", "expected numbers from 0 to 1"),
        ("0,0.5", "expected ascending times from 0 to 1"),
    ):
        result = CliRunner().invoke(app, [*arguments, "--grid", grid, "--overwrite"])
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())


SHIPPED = sorted(Path(str(files("flashsim") / "data")).glob("*.onnx"))


@pytest.fixture(scope="module", params=SHIPPED, ids=lambda path: path.stem)
def shipped_file(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(scope="module")
def shipped(shipped_file: Path) -> onnxruntime.InferenceSession:
    return session_of(shipped_file)


def gen_jets(rows: int, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    pt = 15 + generator.exponential(40, rows)
    flavour = generator.choice([-5, -4, -2, -1, 0, 1, 2, 3, 4, 5, 21], rows)
    columns = [
        pt,
        np.clip(generator.normal(0, 1.5, rows), -4.9, 4.9),
        generator.uniform(-np.pi, np.pi, rows),
        pt * generator.uniform(0.05, 0.25, rows),
        flavour,
        generator.random(rows) < 0.07,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def test_shipped_flow_gives_the_same_bits_in_any_batch(shipped: onnxruntime.InferenceSession) -> None:
    rows = 2048
    context, noise = gen_jets(rows), noise_of(rows, 16)
    whole = run(shipped, context, noise, 3)
    for size, upto in ((1, 60), (2, 120), (7, 420), (256, rows)):
        pieces = [run(shipped, context[i : i + size], noise[i : i + size], 3) for i in range(0, upto, size)]
        assert np.array_equal(np.concatenate(pieces)[:upto], whole[:upto]), size
    order = np.random.default_rng(4).permutation(rows)
    for size in (7, 256, rows):
        pieces = [run(shipped, context[rows_], noise[rows_], 3) for rows_ in np.split(order, range(size, rows, size))]
        assert np.array_equal(np.concatenate(pieces), whole[order]), size


def test_shipped_flow_keeps_its_promises(shipped_file: Path, shipped: onnxruntime.InferenceSession) -> None:
    metadata = json.loads(shipped.get_modelmeta().custom_metadata_map["flashsim"])
    check_metadata(metadata)
    assert [variable["name"] for variable in metadata["context"]] == [
        "pt", "eta", "phi", "mass", "partonFlavour", "nMuon",
    ]  # fmt: skip
    assert [variable["name"] for variable in metadata["target"]] == [
        "pt", "eta", "phi", "mass", "btag", "ctag", "qgl", "jetId", "nConstituents",
        "chHEF", "neHEF", "chEmEF", "neEmEF", "muEF", "nMuons", "nSVs",
    ]  # fmt: skip
    assert metadata["training"]["pairs"] >= 200_000
    assert shipped_file.stat().st_size <= 1_000_000
    model = onnx.load(str(shipped_file))
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 10
    assert [(item.domain, item.version <= 20) for item in model.opset_import] == [("", True)]
    extreme = 10 * noise_of(4000, 16)
    sample = run(shipped, gen_jets(4000), extreme, metadata.get("default_steps"))
    assert np.isfinite(sample).all()
    for column, variable in zip(sample.T, metadata["target"], strict=True):
        low, high = np.float32(variable["range"])
        assert low <= column.min(), variable["name"]
        assert column.max() <= high, variable["name"]
        if not variable["dtype"].startswith("float"):
            assert np.array_equal(column, np.rint(column)), variable["name"]
    assert set(np.unique(sample[:, 7])) <= {0, 2, 6}
    assert np.array_equal(sample[:, 13] > 0, sample[:, 14] > 0)


def test_a_value_that_is_no_number_spoils_its_own_row_alone(shipped: onnxruntime.InferenceSession) -> None:
    context, noise = gen_jets(9), noise_of(9, 16)
    expected = run(shipped, context, noise, 2)
    for column in (0, 1, 2, 3, 5):
        broken = context.copy()
        broken[4, column] = np.nan
        sample = run(shipped, broken, noise, 2)
        assert np.isnan(sample[4, [0, 1, 2, 3, 4]]).all()
        assert np.array_equal(np.delete(sample, 4, axis=0), np.delete(expected, 4, axis=0))


def test_shipped_flow_knows_what_the_detector_does(shipped: onnxruntime.InferenceSession) -> None:
    rows = 4000
    steps = json.loads(shipped.get_modelmeta().custom_metadata_map["flashsim"]).get("default_steps")
    context, noise = gen_jets(rows), noise_of(rows, 16)
    context[:, 1] = np.clip(context[:, 1], -2, 2)

    def with_flavour(code: int) -> np.ndarray:
        changed = context.copy()
        changed[:, 4] = code
        return run(shipped, changed, noise, steps)

    b, anti_b, light, gluon = (with_flavour(code) for code in (5, -5, 1, 21))
    assert np.array_equal(b, anti_b)
    assert np.median(b[:, 4]) > 0.7 > 0.2 > np.median(light[:, 4])
    assert light[:, 6].mean() > gluon[:, 6].mean() + 0.2
    response = light[:, 0] / context[:, 0]
    assert np.median(response) == pytest.approx(1, abs=0.05)
    turned = (light[:, 2] - context[:, 2] + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(np.median(turned)) < 0.005
    assert np.quantile(np.abs(turned), 0.9) < 0.1
    assert np.quantile(np.abs(light[:, 1] - context[:, 1]), 0.9) < 0.1
