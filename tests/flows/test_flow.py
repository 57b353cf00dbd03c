"""flashsim.Flow: the contract, sampling, and every way in which a file may break."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import ROOT
from onnx import TensorProto, helper

import flashsim
import tiny_flows

SHIPPED = sorted(path.stem for path in Path(flashsim.data.path("jets.onnx")).parent.glob("*.onnx"))
CONTEXT = np.array([[50.0, 0.1], [30.0, -1.0], [80.0, 2.0]], dtype=np.float32)


def test_the_shipped_flow_tells_its_contract():
    flow = flashsim.Flow("jets")
    assert (flow.name, flow.collection, flow.source, flow.sort_by) == ("jets", "Jet", "GenJet", "pt")
    assert [variable.name for variable in flow.context] == ["pt", "eta", "phi", "mass", "partonFlavour", "nMuon"]
    assert len(flow.target) == 16
    types = {variable.name: variable.dtype for variable in flow.target}
    assert types["pt"] == "float32"
    assert types["jetId"] == types["nConstituents"] == types["nSVs"] == "uint8"
    assert flow.default_steps >= 1
    assert flow.metadata["checksum"] == f"sha256:{flow.checksum}"
    assert flow.data_files == []
    assert flow.solver in {"euler", "midpoint", "heun", "rk4"}
    assert flow.metadata["training"]


def test_the_shipped_flows_fit_the_published_schema():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(flashsim.__file__).parent / "flows" / "flow.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for name in SHIPPED:
        jsonschema.validate(flashsim.Flow(name).metadata, schema)
    jsonschema.validate(tiny_flows.smearing_metadata(), schema)


def test_samples_are_what_the_graph_says(tiny_flow):
    flow = flashsim.Flow(tiny_flow)
    sample = flow.sample(CONTEXT, fold_size=4, seed=3)
    assert sample.shape == (3, 4, 3)
    assert sample.dtype == np.float32
    noise = sample[:, :, 0] - CONTEXT[:, None, 0]
    assert len(np.unique(noise)) == 12
    assert (sample[:, :, 1] == 3).all()
    assert set(np.unique(sample[:, :, 2])) <= {0, 1}


def test_samples_repeat_with_the_seed_and_differ_without(tiny_flow):
    flow = flashsim.Flow(tiny_flow)
    np.testing.assert_array_equal(flow.sample(CONTEXT, 2, seed=1), flow.sample(CONTEXT, 2, seed=1))
    assert (flow.sample(CONTEXT, 2, seed=1)[..., 0] != flow.sample(CONTEXT, 2, seed=2)[..., 0]).all()


def test_a_larger_fold_size_leaves_the_first_reco_events_alone(tiny_flow):
    flow = flashsim.Flow(tiny_flow)
    np.testing.assert_array_equal(flow.sample(CONTEXT, 3), flow.sample(CONTEXT, 7)[:, :3])


def test_event_keys_decide_the_noise(tiny_flow):
    flow = flashsim.Flow(tiny_flow)
    keys = np.array([[1, 1, 10, 0], [1, 1, 10, 1], [1, 2, 11, 0]])
    sample = flow.sample(CONTEXT, 2, event_keys=keys)
    permutation = [2, 0, 1]
    np.testing.assert_array_equal(
        flow.sample(CONTEXT[permutation], 2, event_keys=keys[permutation]), sample[permutation]
    )


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("batch", [1, 2, 7, 255, 256, 257, 2048])
def test_a_row_has_the_same_bits_in_any_batch(batch, name):
    flow = flashsim.Flow(name)
    steps = flow.default_steps and 2
    generator = np.random.default_rng(1)
    n = 2048
    context = np.column_stack([
        generator.uniform(15, 300, n), generator.uniform(-4, 4, n), generator.uniform(-3, 3, n),
        generator.uniform(2, 30, n), generator.choice([0, 1, 4, 5, 21, -5], n), generator.integers(0, 2, n),
    ])  # fmt: skip
    keys = np.zeros((n, 4), dtype=np.uint64)
    keys[:, 2] = np.arange(n)
    whole = flow.sample(context, event_keys=keys, steps=steps)
    order = generator.permutation(n)[:batch]
    np.testing.assert_array_equal(flow.sample(context[order], event_keys=keys[order], steps=steps), whole[order])


def test_an_empty_context_gives_an_empty_sample(tiny_flow):
    assert flashsim.Flow(tiny_flow).sample(np.empty((0, 2)), fold_size=3).shape == (0, 3, 3)


def test_a_shipped_flow_samples_in_one_shot():
    continuous, one_shot = flashsim.Flow("jets"), flashsim.Flow("jets_spline")
    assert (one_shot.default_steps, one_shot.solver) == (None, None)
    assert one_shot.context == continuous.context
    assert one_shot.target == continuous.target
    with pytest.raises(RuntimeError, match="steps"):
        one_shot.sample([[60, 0.5, 1, 9, 5, 0]], steps=3)


def test_steps_change_the_sample():
    flow = flashsim.Flow("jets")
    context = [[60, 0.5, 1, 9, 5, 0]]
    assert not np.array_equal(flow.sample(context, steps=1), flow.sample(context, steps=8))
    np.testing.assert_array_equal(flow.sample(context), flow.sample(context, steps=flow.default_steps))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"context": [[1, 2, 3]]}, r"shape \[n, 2\] \(pt, eta\), not \[1, 3\]"),
        ({"context": [1, 2]}, r"shape \[n, 2\]"),
        ({"context": [[1, 2], [3, np.nan]]}, "row 1 of the context has eta = nan"),
        ({"fold_size": 0}, "fold_size must be an integer and at least 1, not 0"),
        ({"fold_size": 1.5}, "fold_size must be an integer"),
        ({"seed": -1}, "seed must be an integer from 0"),
        ({"steps": 0}, "steps must be an integer and at least 1"),
        ({"event_keys": [[1, 2, 3]]}, r"event_keys must have shape \[3, 4\]"),
    ],
)
def test_bad_arguments_are_named(tiny_flow, arguments, message):
    with pytest.raises(ValueError, match=message):
        flashsim.Flow(tiny_flow).sample(**({"context": CONTEXT} | arguments))


def test_steps_for_a_flow_without(tiny_flow):
    flow = flashsim.Flow(tiny_flow)
    assert flow.default_steps is None
    assert flow.solver is None
    with pytest.raises(RuntimeError, match="samples in one shot"):
        flow.sample(CONTEXT, steps=3)


def test_the_number_of_steps_is_bounded():
    with pytest.raises(RuntimeError, match=r"steps = 1000001 .* 1000000 is the most"):
        flashsim.Flow("jets").sample([[60, 0.5, 1, 9, 5, 0]], steps=1000001)


# ---------------------------------------------------------------------------------------------- files that are no flows


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no flow .*nowhere\.onnx"):
        flashsim.Flow(tmp_path / "nowhere.onnx")


def test_a_name_that_is_not_shipped():
    with pytest.raises(FileNotFoundError, match=r"'muons'.*shipped flows \(jets, jets_spline\)\.$"):
        flashsim.Flow("muons")


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 1000, b"ROOT" + b"\xff" * 100])
def test_files_that_are_not_onnx(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match=r"broken\.onnx"):
        flashsim.Flow(path)


def test_shipped_names_are_known_in_cpp():
    cpp = flashsim._library.cpp()
    assert Path(str(cpp.FindFlow("jets"))).samefile(flashsim.data.path("jets.onnx"))
    assert Path(str(cpp.FindFlow("jets_spline.onnx"))).samefile(flashsim.data.path("jets_spline.onnx"))
    node = ROOT.RDF.AsRNode(ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(5))
    options = cpp.SimulateOptions()
    options.fFoldSize, options.fPrefix = 2, "Flash"
    assert cpp.Simulate(node, "jets", options).Count().GetValue() == 10
    with pytest.raises(Exception, match=r"no flow 'muons': no such file, .* shipped flows \(jets, jets_spline\)"):
        cpp.Simulate(node, "muons", options)
    for missing in ("", "folder/jets"):
        with pytest.raises(Exception, match=f"no flow '{missing}': no such file\\."):
            cpp.FindFlow(missing)


def test_a_folder_of_flows_for_cpp(tmp_path, monkeypatch):
    tiny_flows.write_smearing_flow(tmp_path / "muons.onnx")
    monkeypatch.setenv("FLASHSIM_DATA", str(tmp_path))
    assert str(flashsim._library.cpp().FindFlow("muons")) == str(tmp_path / "muons.onnx")


def test_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"flow .* it is a folder"):
        flashsim.Flow(tmp_path)


def test_a_folder_named_like_a_shipped_flow_does_not_hide_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jets").mkdir()
    assert flashsim.Flow("jets").name == "jets"


def test_truncated_and_damaged_files_never_crash(tmp_path):
    content = Path(flashsim.data.path("jets.onnx")).read_bytes()
    generator = random.Random(7)
    path = tmp_path / "damaged.onnx"
    refused = 0
    for attempt in range(60):
        damaged = bytearray(content)
        if attempt % 2 == 0:
            damaged = damaged[: generator.randrange(len(damaged))]
        else:
            # The graph's structure lies at the ends of the file, the weights between.
            for _ in range(8):
                at = generator.choice([generator.randrange(3000), len(damaged) - 1 - generator.randrange(6000)])
                damaged[at] = generator.randrange(256)
        path.write_bytes(damaged)
        try:
            flashsim.Flow(path).sample([[60, 0.5, 1, 9, 5, 0]], steps=1)
        except RuntimeError as error:
            refused += 1
            assert "damaged.onnx" in str(error)
    assert refused > 20


# ---------------------------------------------------------------------------------------------- broken contracts

BROKEN_TENSORS = {
    "inputs must be": {"rename": {"noise": "z"}},
    "it must have one output, 'sample'": {"rename": {"sample": "y"}},
    r"'noise' has shape \[n, 3\]": {"noise": ("n", 3)},
    r"'context' has shape \[n, 5\].*context variables = 2": {"context": ("n", 5)},
    r"'sample' has shape \[n, 4\].*target variables = 3": {"sample": ("n", 4)},
    r"'noise' has shape \[2\]": {"noise": (2,)},
    r"'noise' has shape \[16, 2\]": {"noise": (16, 2), "context": (16, 2), "sample": (16, 3)},
    "'context' must hold float32, but holds float64": {"types": {"context": TensorProto.DOUBLE}},
    "'steps' must hold int64, but holds float32": {"steps": (), "types": {"steps": TensorProto.FLOAT}},
    r"'steps' has shape \[1\]": {"steps": (1,)},
    "'steps' and the metadata field 'default_steps' go together": {"steps": ()},
}


@pytest.mark.parametrize("message", BROKEN_TENSORS)
def test_tensors_that_break_the_contract(tmp_path, message):
    change = dict(BROKEN_TENSORS[message])
    sample = change.get("sample", ("n", 3))
    types = change.get("types", {})
    # Zeros with as many rows as the noise keep the graph itself valid, whatever the broken tensor.
    nodes = [
        helper.make_node("Shape", ["noise"], ["rows"], start=0, end=1),
        helper.make_node("Constant", [], ["width"], value_ints=[sample[-1]]),
        helper.make_node("Concat", ["rows", "width"], ["shape"], axis=0),
        helper.make_node("ConstantOfShape", ["shape"], ["sample"]),
    ]
    path = tmp_path / "flow.onnx"
    rename = change.pop("rename", {})
    tiny_flows.write_flow(path, nodes, tiny_flows.smearing_metadata(), types=types, **{
        key: value for key, value in change.items() if key != "types"
    })  # fmt: skip
    if rename:
        import onnx

        model = onnx.load(str(path))
        for tensor in [*model.graph.input, *model.graph.output]:
            tensor.name = rename.get(tensor.name, tensor.name)
        for node in model.graph.node:
            node.input[:] = [rename.get(name, name) for name in node.input]
            node.output[:] = [rename.get(name, name) for name in node.output]
        onnx.save(model, str(path))
    with pytest.raises(RuntimeError, match=message):
        flashsim.Flow(path)


def without(field):
    return {key: value for key, value in tiny_flows.smearing_metadata().items() if key != field}


def with_variable(field, **changes):
    metadata = tiny_flows.smearing_metadata()
    metadata[field][1] = {key: value for key, value in (metadata[field][1] | changes).items() if value is not None}
    return metadata


BROKEN_METADATA = [
    (None, "has no metadata under the key 'flashsim'"),
    ("{", "are not valid JSON"),
    ("[1]", "must be a JSON object"),
    (without("schema"), "'schema' is missing"),
    (tiny_flows.smearing_metadata() | {"schema": 3}, "'schema' is 3, but this version"),
    (tiny_flows.smearing_metadata() | {"schema": "1"}, "'schema' must be an integer"),
    (tiny_flows.smearing_metadata() | {"name": ""}, "'name' must not be empty"),
    (tiny_flows.smearing_metadata() | {"collection": "J t"}, "'collection' must be a valid column name"),
    (tiny_flows.smearing_metadata() | {"source": 3}, "'source' must be a string, but is 3"),
    (tiny_flows.smearing_metadata() | {"sort_by": "mass"}, "'sort_by' names 'mass', which is no target"),
    (tiny_flows.smearing_metadata() | {"noise_dimension": -2}, "'noise_dimension' must be an integer from 1"),
    (tiny_flows.smearing_metadata() | {"noise_dimension": 1e300}, "'noise_dimension' must be an integer from 1"),
    (tiny_flows.smearing_metadata() | {"context": []}, "'context' must be a non-empty array"),
    (tiny_flows.smearing_metadata() | {"target": {}}, "'target' must be a non-empty array"),
    (with_variable("target", dtype="float16"), r"'target\[1\].dtype' must be one of float32, .* is 'float16'"),
    (with_variable("context", name="pt"), r"'context\[1\].name' repeats 'pt'"),
    (with_variable("context", name="0eta"), r"'context\[1\].name' must be a valid column name"),
    (with_variable("target", unit=None), r"'target\[1\].unit' is missing"),
    (with_variable("target", range=[3, 1]), r"'target\[1\].range' must be \[smallest, largest\]"),
    (with_variable("target", range=["a", 1]), r"'target\[1\].range' must be"),
    (tiny_flows.smearing_metadata() | {"default_steps": 3}, "'solver' is missing"),
]


@pytest.mark.parametrize(("metadata", "message"), BROKEN_METADATA)
def test_metadata_that_break_the_contract(tmp_path, metadata, message):
    path = tiny_flows.write_flow(tmp_path / "flow.onnx", tiny_flows.smearing_nodes(), metadata)
    with pytest.raises(RuntimeError, match=message) as error:
        flashsim.Flow(path)
    assert "flow.onnx" in str(error.value)


def test_deeply_nested_metadata_do_not_crash(tmp_path):
    metadata = json.dumps(without("training"))[:-1] + ', "training": ' + "[" * 100000 + "]" * 100000 + "}"
    path = tiny_flows.write_flow(tmp_path / "flow.onnx", tiny_flows.smearing_nodes(), metadata)
    with pytest.raises(RuntimeError, match="nested more than 32 levels deep"):
        flashsim.Flow(path)


# ---------------------------------------------------------------------------------------------- samples that are NaN


def nan_nodes(threshold):
    """pt is NaN where noise[0] lies above the threshold."""
    return [
        helper.make_node("Constant", [], ["threshold"], value_floats=[threshold]),
        helper.make_node("Constant", [], ["nan"], value_floats=[float("nan")]),
        helper.make_node("Split", ["noise"], ["z0", "z1"], axis=1, num_outputs=2),
        helper.make_node("Greater", ["z0", "threshold"], ["isBad"]),
        helper.make_node("Abs", ["z0"], ["positive"]),
        helper.make_node("Where", ["isBad", "nan", "positive"], ["pt"]),
        helper.make_node("Sub", ["z0", "z0"], ["zero"]),
        helper.make_node("Concat", ["pt", "zero", "zero"], ["sample"], axis=1),
    ]


def test_nan_samples_are_drawn_again_and_counted(tmp_path):
    flow = flashsim.Flow(tiny_flows.write_expression_flow(tmp_path / "flow.onnx", nan_nodes(1.0)))
    context = np.ones((2000, 2))
    sample = flow.sample(context)
    assert np.isfinite(sample).all()
    # Each draw is bad with probability 0.1587; the redraws of n objects number n p / (1 - p) on average.
    expected = 2000 * 0.1587 / (1 - 0.1587)
    assert abs(flow.redrawn - expected) < 5 * np.sqrt(expected / (1 - 0.1587))
    np.testing.assert_array_equal(flow.sample(context), sample)


def test_samples_that_stay_nan_are_an_error(tmp_path):
    flow = flashsim.Flow(tiny_flows.write_expression_flow(tmp_path / "flow.onnx", nan_nodes(-50.0)))
    with pytest.raises(
        RuntimeError, match=r"gave NaN or infinity .* times for object 4 of run 1, luminosityBlock 2, event 3"
    ):
        flow.sample([[1, 1]], event_keys=[[1, 2, 3, 4]])
