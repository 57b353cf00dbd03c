"""The files of a flow: weights in files of their own, and the checksum that detects changes in them."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import flashsim
import tiny_flows
from flashsim.flows.file import CHECKSUM, data_files, read_flow, set_metadata, stamp, write_model

CONTEXT = np.array([[50.0, 0.1], [30.0, -1.0], [80.0, 2.0]], dtype=np.float32)
SHIPPED = flashsim.data.flows()


def flow_with_weights(path: Path) -> onnx.ModelProto:
    """The smearing flow with pt shifted by constants: an initializer (8) and one in the body of a Loop (2 x 16)."""
    tiny_flows.write_smearing_flow(path)
    model = onnx.load(str(path))
    graph = model.graph
    state = helper.make_tensor_value_info("state", onnx.TensorProto.FLOAT, ["n", 1])
    end = helper.make_tensor_value_info("end", onnx.TensorProto.FLOAT, ["n", 1])
    flag = helper.make_tensor_value_info("go_on", onnx.TensorProto.BOOL, [])
    body = helper.make_graph(
        [
            helper.make_node("Add", ["state", "inner"], ["end"]),
            helper.make_node("Identity", ["go_on"], ["still"]),
        ],
        "body",
        [helper.make_tensor_value_info("trip", onnx.TensorProto.INT64, []), flag, state],
        [helper.make_tensor_value_info("still", onnx.TensorProto.BOOL, []), end],
        [numpy_helper.from_array(np.full((1, 1), 16, dtype=np.float32), "inner")],
    )
    graph.initializer.extend([
        numpy_helper.from_array(np.full((1, 1), 8, dtype=np.float32), "shift"),
        numpy_helper.from_array(np.array(2), "trips"),
    ])  # fmt: skip
    concat = graph.node.pop()
    concat.input[0] = "shifted"
    graph.node.extend([
        helper.make_node("Add", ["smeared", "shift"], ["once"]),
        helper.make_node("Loop", ["trips", "", "once"], ["shifted"], body=body),
        concat,
    ])  # fmt: skip
    return model


def keep_outside(tensor: onnx.TensorProto, location: str, folder: Path | None = None, **place: int) -> None:
    """Moves the values of a tensor to a file, which is written if its folder is given."""
    if folder is not None:
        (folder / location).write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in {"location": location, **place}.items():
        tensor.external_data.add(key=key, value=str(value))


def inner_tensor(model: onnx.ModelProto) -> onnx.TensorProto:
    return next(node for node in model.graph.node if node.op_type == "Loop").attribute[0].g.initializer[0]


@pytest.fixture
def split_flow(tmp_path) -> Path:
    """A flow whose weights lie in two files beside it."""
    folder = tmp_path / "split"
    folder.mkdir()
    path = folder / "flow.onnx"
    model = flow_with_weights(path)
    keep_outside(model.graph.initializer[0], "flow.onnx.data", folder)
    keep_outside(inner_tensor(model), "body.data", folder)
    onnx.save(model, str(path))
    return path


def test_weights_beside_the_model(split_flow, tmp_path):
    whole = tmp_path / "whole.onnx"
    onnx.save(flow_with_weights(whole), str(whole))
    flow = flashsim.Flow(split_flow)
    assert flow.data_files == ["body.data", "flow.onnx.data"]
    sample = flow.sample(CONTEXT, 5, seed=2)
    np.testing.assert_array_equal(sample, flashsim.Flow(whole).sample(CONTEXT, 5, seed=2))
    plain = flashsim.Flow(tiny_flows.write_smearing_flow(tmp_path / "plain.onnx")).sample(CONTEXT, 5, seed=2)
    np.testing.assert_allclose(sample[..., 0], plain[..., 0] + 40, rtol=1e-6)


def test_a_shipped_flow_as_pytorch_would_write_it(tmp_path):
    path = tmp_path / "jets.onnx"
    onnx.save(
        onnx.load(flashsim.data.path("jets.onnx")), str(path), save_as_external_data=True, location="jets.onnx.data"
    )
    stamp(path)
    context = [[60, 0.5, 1, 9, 5, 0]]
    np.testing.assert_array_equal(flashsim.Flow(path).sample(context, 9), flashsim.Flow("jets").sample(context, 9))


def test_weights_in_the_current_folder(split_flow, monkeypatch):
    monkeypatch.chdir(split_flow.parent)
    assert flashsim.Flow("flow.onnx").data_files == ["body.data", "flow.onnx.data"]


def test_weights_in_a_subfolder(split_flow):
    (split_flow.parent / "weights").mkdir()
    model = onnx.load(str(split_flow))
    keep_outside(model.graph.initializer[0], "weights/w.data", split_flow.parent)
    onnx.save(model, str(split_flow))
    assert flashsim.Flow(split_flow).sample(CONTEXT).shape == (3, 1, 3)


@pytest.mark.parametrize("place", ["graph", "body"])
@pytest.mark.parametrize("location", ["../secret", "{folder}/secret", "sub/../../secret", "link", "linked/secret", ""])
def test_weights_outside_of_the_folder_are_refused(tmp_path, location, place):
    (tmp_path / "secret").write_bytes(np.float32(8).tobytes())
    folder = tmp_path / "flow"
    (folder / "sub").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path)
    path = folder / "flow.onnx"
    model = flow_with_weights(path)
    location = location.format(folder=tmp_path)
    keep_outside(model.graph.initializer[0] if place == "graph" else inner_tensor(model), location)
    onnx.save(model, str(path))
    with pytest.raises(RuntimeError, match=rf"'{location}', which is not in the model's own folder"):
        flashsim.Flow(path)


def test_weights_that_are_missing_or_too_short(split_flow):
    data = split_flow.parent / "body.data"
    content = data.read_bytes()
    data.unlink()
    with pytest.raises(RuntimeError, match=r"tensor 'inner' in the file 'body\.data', but there is no such file"):
        flashsim.Flow(split_flow)
    data.write_bytes(content)
    model = onnx.load(str(split_flow), load_external_data=False)
    keep_outside(inner_tensor(model), "body.data", offset=2, length=4)
    onnx.save(model, str(split_flow))
    with pytest.raises(RuntimeError, match=r"'body\.data', which is too short: it has 4 bytes"):
        flashsim.Flow(split_flow)


def test_an_address_in_memory_is_no_file(split_flow):
    """ONNX Runtime has a location of its own for values that lie in memory already."""
    model = onnx.load(str(split_flow), load_external_data=False)
    keep_outside(inner_tensor(model), "*/_ORT_MEM_ADDR_/*", offset=4096, length=4)
    onnx.save(model, str(split_flow))
    with pytest.raises(RuntimeError, match="but there is no such file"):
        flashsim.Flow(split_flow)


# ---------------------------------------------------------------------------------------------- checksums


def test_the_checksum_is_that_of_all_files(split_flow):
    assert flashsim.Flow(split_flow).checksum is None
    before = flashsim.Flow(split_flow).sample(CONTEXT, seed=4)
    checksum = stamp(split_flow).removeprefix("sha256:")
    flow = flashsim.Flow(split_flow)
    assert flow.checksum == checksum
    np.testing.assert_array_equal(flow.sample(CONTEXT, seed=4), before)
    content = split_flow.read_bytes().replace(checksum.encode(), b"0" * 64)
    content += b"".join((split_flow.parent / name).read_bytes() for name in ("body.data", "flow.onnx.data"))
    assert hashlib.sha256(content).hexdigest() == checksum
    assert stamp(split_flow) == f"sha256:{checksum}"


@pytest.mark.parametrize("size", [*range(0, 130, 9), 63, 64, 65, 119, 120, 100_000])
def test_files_of_any_length(tmp_path, size):
    path = tmp_path / "flow.onnx"
    write_flow_of(path, "x" * size)
    assert flashsim.Flow(path).checksum == checksum_of(path)


def write_flow_of(path: Path, note: str) -> None:
    tiny_flows.write_smearing_flow(path, training={"note": note})
    stamp(path)


def checksum_of(path: Path) -> str:
    content = path.read_bytes()
    place = content.index(b"sha256:") + len(b"sha256:")
    return hashlib.sha256(content[:place] + b"0" * 64 + content[place + 64 :]).hexdigest()


@pytest.mark.parametrize("name", SHIPPED)
def test_any_flipped_bit_is_noticed(tmp_path, name):
    content = Path(flashsim.data.path(f"{name}.onnx")).read_bytes()
    path = tmp_path / "flipped.onnx"
    generator = random.Random(name)
    for _ in range(150):
        flipped = bytearray(content)
        flipped[generator.randrange(len(flipped))] ^= 1 << generator.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(RuntimeError, match=r"flipped\.onnx"):
            flashsim.Flow(path)


def test_any_changed_character_of_the_checksum_is_noticed(tmp_path):
    path = tmp_path / "flow.onnx"
    write_flow_of(path, "")
    content = path.read_bytes()
    begin = content.index(b'"checksum"')
    for place in range(begin, content.index(b"}", begin)):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(RuntimeError, match=r"flow\.onnx"):
            flashsim.Flow(path)


def test_changes_of_weights_graph_and_contract_are_noticed(split_flow):
    stamp(split_flow)
    model, content = onnx.load(str(split_flow), load_external_data=False), split_flow.read_bytes()
    data = split_flow.parent / "body.data"
    data.write_bytes(np.float32(16.001).tobytes())
    with pytest.raises(RuntimeError, match=r"does not fit the checksum .* its files have changed .* flashsim stamp"):
        flashsim.Flow(split_flow)
    data.write_bytes(np.float32(16).tobytes())
    flashsim.Flow(split_flow)
    split_flow.write_bytes(content.replace(b"[0, 7000]", b"[0, 8000]"))
    with pytest.raises(RuntimeError, match="does not fit the checksum"):
        flashsim.Flow(split_flow)
    model.graph.node[0].name = "another"
    onnx.save(model, str(split_flow))
    with pytest.raises(RuntimeError, match="does not fit the checksum"):
        flashsim.Flow(split_flow)


@pytest.mark.parametrize("text", ["sha256:12", "md5:" + "0" * 64, "sha256:" + "A" * 64, 7])
def test_a_checksum_of_another_form(tmp_path, text):
    with pytest.raises(RuntimeError, match="'checksum' must be"):
        flashsim.Flow(tiny_flows.write_smearing_flow(tmp_path / "flow.onnx", checksum=text))


def test_a_checksum_that_is_written_twice(tmp_path):
    metadata = {"training": {"note": "1" * 64}, "checksum": "sha256:" + "1" * 64}
    with pytest.raises(RuntimeError, match="must be found once in the file"):
        flashsim.Flow(tiny_flows.write_smearing_flow(tmp_path / "flow.onnx", **metadata))


def test_written_flows_bear_a_checksum_and_the_model_in_memory_stays(tmp_path):
    path = tmp_path / "flow.onnx"
    model = flow_with_weights(path)
    before = model.SerializeToString()
    write_model(model, path)
    assert model.SerializeToString() == before
    assert flashsim.Flow(path).checksum == checksum_of(path)
    set_metadata(model, {**json.loads(model.metadata_props[0].value), "sort_by": ""})
    write_model(model, path)
    assert flashsim.Flow(path).sort_by == ""
    assert data_files(model) == []


def test_a_damaged_flow_is_not_read_to_be_written_anew(split_flow):
    stamp(split_flow)
    assert CHECKSUM not in read_flow(split_flow)[1]
    (split_flow.parent / "body.data").write_bytes(np.float32(17).tobytes())
    with pytest.raises(ValueError, match="does not fit the checksum"):
        read_flow(split_flow)


def test_stamp_refuses_what_is_no_flow(tmp_path):
    with pytest.raises(FileNotFoundError):
        stamp(tmp_path / "none.onnx")
    path = tiny_flows.write_flow(tmp_path / "flow.onnx", tiny_flows.smearing_nodes(), None)
    content = Path(path).read_bytes()
    with pytest.raises(ValueError, match="not a flow"):
        stamp(path)
    assert Path(path).read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["flow.onnx"]
