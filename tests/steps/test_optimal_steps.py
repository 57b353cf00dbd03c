"""The search for the cheapest solver, on a flow whose converged samples are known in closed form."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("scipy")
pytest.importorskip("sklearn")
pytest.importorskip("jinja2")
ak = pytest.importorskip("awkward")
uproot = pytest.importorskip("uproot")

import typer  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

import flashsim  # noqa: E402
from flashsim.cli.optimize_steps import optimize_steps as command  # noqa: E402
from flashsim.flows.file import read_flow, set_metadata, write_model  # noqa: E402
from flashsim.flows.graph import GraphBuilder  # noqa: E402
from flashsim.flows.ode.loop import END, VELOCITY, VelocityGraph, emit_solver  # noqa: E402
from flashsim.flows.ode.solvers import SOLVERS  # noqa: E402
from flashsim.steps.optimise import OptimalSteps, optimize_steps  # noqa: E402
from flashsim.steps.plot import plot_optimal_steps  # noqa: E402
from flashsim.steps.reference import ConvergedFlow  # noqa: E402
from flashsim.steps.trials import Candidate, Comparison, Trial  # noqa: E402

ROWS, TOLERANCE = 1000, 0.025


def variable(name: str) -> dict:
    return {"name": name, "unit": "", "dtype": "float32", "range": [-100, 100]}


METADATA = {
    "schema": 1,
    "name": "shrinking",
    "collection": "Jet",
    "source": "GenJet",
    "context": [variable("rate")],
    "target": [variable("a"), variable("b")],
    "default_steps": 40,
    "solver": "euler",
    "grid": [0, 1],
    "noise_dimension": 2,
    "training": {"note": "made by hand", "evaluations_per_step": 1},
}


def shrinking_flow(path: Path, **changes: object) -> Path:
    """v(x, t; rate) = -rate (1 + t) x, hence x(1) = x(0) exp(-1.5 rate); a sample is 3 + x(1)."""
    velocity = GraphBuilder(prefix=VELOCITY)
    x, time = f"{VELOCITY}x", f"{VELOCITY}time"
    growth = velocity.node("Mul", velocity.node("Add", time, velocity.constant([[1.0]])), "minus_rate")
    output = velocity.node("Mul", x, growth)
    built = velocity.graph("velocity")
    marked = VelocityGraph(tuple(built.node), tuple(built.initializer), x, time, output, dimension=2)
    graph = GraphBuilder()
    noise, context = graph.input("noise", ["n", 2]), graph.input("context", ["n", 1])
    steps = graph.input("steps", [], onnx.TensorProto.INT64)
    graph.add([onnx.helper.make_node("Neg", [context], ["minus_rate"], name="minus_rate")])
    loop = emit_solver(marked, noise, steps, SOLVERS["euler"], (0.0, 1.0))
    graph.add(loop.node, loop.initializer)
    graph.output(graph.node("Add", END, graph.constant(3.0)), "sample", ["n", 2])
    model = graph.model("shrinking")
    set_metadata(model, METADATA | changes)
    return write_model(model, path)


def exact(noise: np.ndarray, rate: np.ndarray) -> np.ndarray:
    return noise * np.exp(-1.5 * rate)


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shrinking_flow(tmp_path_factory.mktemp("flows") / "shrinking.onnx")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, generator = tmp_path_factory.mktemp("data") / "pairs.root", np.random.default_rng(1)
    events, per_event = 600, 4
    columns = {name: generator.uniform(0.5, 1.5, (events, per_event)) for name in ("GenJet_rate", "Jet_a", "Jet_b")}
    columns["Jet_genJetIdx"] = np.tile(np.arange(per_event, dtype=np.int16), (events, 1))
    with uproot.recreate(path) as file:
        file.mktree("Events", {name: ak.from_regular(ak.Array(values)) for name, values in columns.items()})
    return path


@pytest.fixture(scope="module")
def written(flow: Path) -> Path:
    return flow.with_name("optimal.onnx")


@pytest.fixture(scope="module")
def found(flow: Path, data: Path, written: Path) -> OptimalSteps:
    return optimize_steps(flow, [data], written, rows=ROWS, tolerance=TOLERANCE)


def rates(rows: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(0.5, 1.5, (rows, 1)).astype(np.float32)


def test_the_reference_has_converged(flow: Path) -> None:
    noise, rate = np.random.default_rng(2).standard_normal((300, 2), dtype=np.float32), rates(300)
    converged = ConvergedFlow(read_flow(flow)[0])
    end = converged.end(noise, rate)
    np.testing.assert_allclose(end, exact(noise, rate), atol=1e-5)
    assert 300 * 7 <= converged.evaluations < 300 * 200
    np.testing.assert_allclose(converged.decode(end, rate), 3 + end, rtol=1e-6)


def test_deviations_are_those_of_the_solver(flow: Path) -> None:
    """One Euler step multiplies by 1 - rate, two midpoint steps by the factor of the formula."""
    rate = rates(1000)
    comparison = Comparison(read_flow(flow)[0], rate, seed=1, threads=1)
    midpoint = 1.0
    for start, h in ((0.0, 0.5), (0.5, 0.5)):
        midpoint = midpoint * (1 - h * rate * (1 + start + h / 2) * (1 - h / 2 * rate * (1 + start)))
    for candidate, factor in (
        (Candidate("euler", 1, "uniform", (0.0, 1.0)), 1 - rate),
        (Candidate("midpoint", 2, "uniform", (0.0, 1.0)), midpoint),
    ):
        trial = comparison.deviation(candidate)
        spread = np.sqrt(np.mean(np.exp(-3 * rate)))
        expected = np.sqrt(np.mean((factor - np.exp(-1.5 * rate)) ** 2)) / spread
        assert trial.rms_deviation == pytest.approx(expected, rel=0.2)
        assert trial.largest_deviation > 2 * trial.rms_deviation


def test_the_jerk_is_that_of_the_trajectories(flow: Path) -> None:
    """d³x/dt³ of x = x(0) exp(-rate (t + t²/2)) is (-s³ + 3 rate s) x with s = rate (1 + t)."""
    rate = np.full((1000, 1), 0.8, np.float32)
    jerk = Comparison(read_flow(flow)[0], rate, seed=1, threads=1).jerk()
    time = np.linspace(0, 1, len(jerk))
    slope = 0.8 * (1 + time)
    expected = np.abs(-(slope**3) + 3 * 0.8 * slope) * np.exp(-0.8 * (time + time**2 / 2))
    np.testing.assert_allclose(jerk / jerk.mean(), expected / expected.mean(), rtol=0.1, atol=0.05)


def test_the_cheapest_solver_is_found_in_ascending_cost(found: OptimalSteps) -> None:
    costs = [trial.candidate.evaluations for trial in found.trials]
    assert costs == list(range(1, len(costs) + 1))
    assert found.best is found.trials[-1]
    assert 2 <= found.best.candidate.evaluations <= 10
    assert not any(trial.passes(TOLERANCE) for trial in found.trials[:-1])
    assert found.trials[0].c2st > 0.05
    assert found.trials[0].rows < found.best.rows == ROWS
    assert found.best.c2st_error == pytest.approx(0.5 / np.sqrt(2 * ROWS))
    assert found.best.rms_deviation < 0.1 < found.trials[0].rms_deviation
    assert found.reference_evaluations > found.best.candidate.evaluations


def test_a_distance_that_the_classifier_does_not_see_is_enough_to_fail(found: OptimalSteps) -> None:
    best = found.best
    assert 0 < best.frechet <= 1.5 * best.frechet_floor
    assert not replace(best, frechet=1.6 * best.frechet_floor).passes(TOLERANCE)
    assert not replace(best, confirmation=3 * best.c2st_error).passes(TOLERANCE)
    assert not replace(best, c2st=1.1 * TOLERANCE).passes(TOLERANCE)
    rejected = found.trials[0].to_dict()
    assert rejected["frechet"] > rejected["frechet_floor"] > 0
    assert rejected["confirmation"] is None
    json.dumps(rejected, allow_nan=False)


def test_only_the_solver_of_the_file_changes(flow: Path, written: Path, found: OptimalSteps) -> None:
    assert not list(flow.parent.glob("*.tmp"))
    (before, old), (after, new) = read_flow(flow), read_flow(written)
    best = found.best.candidate
    assert old == METADATA
    assert (new["solver"], new["default_steps"], new["grid"]) == (best.solver, best.steps, list(best.grid))
    provenance = new["training"]
    assert provenance["note"] == "made by hand"
    assert provenance["evaluations_per_step"] * best.steps == best.evaluations
    said = provenance["optimal_steps"]
    assert said["replaced"] == {"solver": "euler", "default_steps": 40, "grid": [0, 1]}
    assert (said["files"], said["rows"], said["tolerance"], said["seed"]) == (["pairs.root"], ROWS, TOLERANCE, 1)
    assert said["best"]["confirmation"] == found.best.confirmation
    for key in METADATA.keys() - {"solver", "default_steps", "grid", "training"}:
        assert new[key] == old[key]

    def others(model: onnx.ModelProto) -> list[bytes]:
        return [node.SerializeToString() for node in model.graph.node if not node.name.startswith("solver/")]

    assert others(before) == others(after)
    assert before.graph.input == after.graph.input


def test_the_engine_samples_with_the_new_default(written: Path, found: OptimalSteps) -> None:
    opened, rate = flashsim.Flow(str(written)), np.full((4000, 1), 1.0, np.float32)
    assert opened.checksum is not None
    assert opened.default_steps == found.best.candidate.steps
    sample = opened.sample(rate)[:, 0]
    assert sample.mean() == pytest.approx(3, abs=0.03)
    assert sample.std() == pytest.approx(np.exp(-1.5), rel=0.15)


def test_the_search_repeats(flow: Path, data: Path, found: OptimalSteps) -> None:
    again = optimize_steps(flow, str(data), rows=ROWS, tolerance=TOLERANCE, maximum=1)
    assert again.best is None
    assert (again.trials[0].candidate, again.trials[0].c2st) == (found.trials[0].candidate, found.trials[0].c2st)


def test_an_unreachable_tolerance_writes_nothing(flow: Path, data: Path, tmp_path: Path) -> None:
    watched: list[Trial] = []
    output = tmp_path / "new.onnx"
    found = optimize_steps(flow, data, output, rows=ROWS, tolerance=TOLERANCE, maximum=1, watch=watched.append)
    assert found.best is None
    assert found.closest is found.trials[0] is watched[0]
    assert found.to_dict()["best"] is None
    assert not output.exists()


def without(path: Path, *fields: str) -> Path:
    model, metadata = read_flow(shrinking_flow(path))
    set_metadata(model, {key: value for key, value in metadata.items() if key not in fields})
    return write_model(model, path)


def one_shot(path: Path) -> Path:
    return without(path, "default_steps", "solver", "grid")


def unmarked(path: Path) -> Path:
    model, _ = read_flow(shrinking_flow(path))
    next(node for node in model.graph.node if node.op_type == "Loop").name = "Loop_7"
    return write_model(model, path)


def no_flow(path: Path) -> Path:
    graph = GraphBuilder()
    graph.output(graph.input("x", ["n", 1]), "y", ["n", 1])
    return write_model(graph.model("other"), path)


def half_a_flow(path: Path) -> Path:
    return without(path, "source", "target")


def no_model(path: Path) -> Path:
    path.write_bytes(b"this is no model at all")
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (one_shot, "flow 'shrinking' samples in one shot; it has no steps to optimise"),
        (unmarked, "bad.onnx: its graph has no marked velocity, .* Export it again"),
        (no_flow, "bad.onnx: not a flow: the model has no metadata under the key 'flashsim'"),
        (half_a_flow, "bad.onnx: metadata: source is missing"),
        (no_model, "bad.onnx: not an ONNX file"),
    ],
)
def test_other_files_are_refused(make: Callable[[Path], Path], message: str, data: Path, tmp_path: Path) -> None:
    path = make(tmp_path / "bad.onnx")
    content = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        optimize_steps(path, data, rows=ROWS, tolerance=TOLERANCE)
    assert path.read_bytes() == content


def test_samples_that_cannot_decide_are_refused(flow: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tolerance of 0.005 takes two samples of 20000 rows .* there are 1200 for"):
        optimize_steps(flow, data)
    with pytest.raises(ValueError, match=r"tolerance of 0.02 takes two samples of 1250 rows .* there are 100 for"):
        optimize_steps(flow, data, rows=100, tolerance=0.02)
    for tolerance in (0.0, -1.0, 0.7, float("nan")):
        with pytest.raises(ValueError, match=r"expected a number between 0 and 0\.5"):
            optimize_steps(flow, data, tolerance=tolerance)
    with pytest.raises(ValueError, match=r"absent\.root: cannot be opened"):
        optimize_steps(flow, tmp_path / "absent.root")
    with pytest.raises(FileNotFoundError):
        optimize_steps(tmp_path / "absent.onnx", data)
    with pytest.raises(FileNotFoundError, match=r"new\.onnx: there is no folder .*absent to write it in"):
        optimize_steps(flow, data, tmp_path / "absent" / "new.onnx")


@pytest.fixture
def run() -> Callable[..., object]:
    app = typer.Typer()
    app.command()(command)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.slow
def test_the_command_writes_in_place_and_prints_a_table(
    data: Path, found: OptimalSteps, tmp_path: Path, run: Callable
) -> None:
    target = shrinking_flow(tmp_path / "in_place.onnx")
    arguments = (target, "--data", data, "--rows", ROWS, "--tolerance", TOLERANCE)
    content = target.read_bytes()
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert "in_place.onnx exists. Choose another file with --out" in " ".join(refused.stderr.split())
    assert target.read_bytes() == content
    result = run(*arguments, "--overwrite")
    assert result.exit_code == 0, result.output
    best = found.best.candidate
    told = "".join(result.output.split())  # a path of any length breaks the line anywhere
    assert f"in_place.onnx:bydefault{best.steps}stepsof{best.solver}" in told
    assert read_flow(target)[1]["default_steps"] == best.steps
    assert [item.name for item in tmp_path.iterdir()] == ["in_place.onnx"]


def test_the_command_says_when_nothing_was_found(flow: Path, data: Path, run: Callable) -> None:
    content = flow.read_bytes()
    options = (flow, "--data", data, "--rows", ROWS, "--tolerance", TOLERANCE, "--maximum", 1, "--overwrite")
    result = run(*options)
    assert result.exit_code == 1
    assert f"Nothing was written: no solver came below a c2st of {TOLERANCE:g}." in " ".join(result.output.split())
    result = run(*options, "--json")
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["trials"]) == 1
    assert flow.read_bytes() == content
    assert run(flow).exit_code == 2


def test_the_picture_is_drawn(found: OptimalSteps, tmp_path: Path) -> None:
    plot_optimal_steps(found, tmp_path / "steps.png")
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")
