"""Flows that travel to workers: the model and the files with its weights, complete or not at all. No cluster needed."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

import flashsim
import tiny_flows
from flashsim.flows.file import stamp
from flashsim.rdataframe.distributed import distrdf, flows

CONTEXT = np.array([[50.0, 0.1], [30.0, -1.0]], dtype=np.float32)


@pytest.fixture
def split_flow(tmp_path) -> Path:
    """A flow with all weights in files beside it, one of them in a subfolder."""
    folder = tmp_path / "client"
    (folder / "more").mkdir(parents=True)
    path = Path(tiny_flows.write_smearing_flow(folder / "flow.onnx"))
    model = onnx.load(str(path))
    model.graph.node[-1].input[0] = "shifted"
    nodes = list(model.graph.node)
    nodes.insert(-1, onnx.helper.make_node("Add", ["smeared", "first"], ["once"]))
    nodes.insert(-1, onnx.helper.make_node("Add", ["once", "second"], ["shifted"]))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for name, location, value in (("first", "flow.data", 8), ("second", "more/flow.data", 16)):
        (folder / location).write_bytes(np.float32(value).tobytes())
        tensor = model.graph.initializer.add(name=name, dims=[1, 1], data_type=onnx.TensorProto.FLOAT)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
    onnx.save(model, str(path))
    stamp(path)
    return path


@pytest.fixture
def worker(tmp_path, monkeypatch) -> Path:
    """The folder of a worker for received files."""
    folder = tmp_path / "worker"
    folder.mkdir()
    monkeypatch.setattr(distrdf, "cluster_of", lambda head: head)
    monkeypatch.setattr(distrdf, "send_file", lambda head, path: shutil.copy(path, folder))
    monkeypatch.setattr(flows, "_folder_of_received_files", lambda: folder)
    return folder


class Head(SimpleNamespace):
    """Stands for the head node of a distributed dataframe."""

    __hash__ = object.__hash__


def test_weights_travel_with_the_model(split_flow, worker):
    sample = flashsim.Flow(split_flow).sample(CONTEXT, 3, seed=1)
    reference = flows.make_reference(split_flow)
    assert reference["data"] == ("flow.data", "more/flow.data")
    head = Head()
    flows.send(head, [reference, reference])
    assert len(list(worker.iterdir())) == 3
    shutil.rmtree(split_flow.parent)
    opened = flows.open_reference(reference)
    assert opened.data_files == ["flow.data", "more/flow.data"]
    np.testing.assert_array_equal(opened.sample(CONTEXT, 3, seed=1), sample)


def test_other_weights_are_another_flow(split_flow, worker):
    reference = flows.make_reference(split_flow)
    data = split_flow.parent / "more" / "flow.data"
    data.write_bytes(np.float32(17).tobytes())
    stamp(split_flow)
    with pytest.raises(RuntimeError, match="is another one than that of the client"):
        flows.open_reference(reference)
    with pytest.raises(RuntimeError, match="has changed since FlashSim was called"):
        flows.send(Head(), [reference])
    assert flows.make_reference(split_flow)["sha256"] != reference["sha256"]


def test_weights_that_are_missing_on_the_worker(split_flow, worker):
    reference = flows.make_reference(split_flow)
    flows.send(Head(), [reference])
    (split_flow.parent / "flow.data").unlink()
    with pytest.raises(RuntimeError, match=r"flow\.onnx is there, but not its flow\.data"):
        flows.open_reference(reference)
    shutil.rmtree(split_flow.parent)
    next(worker.glob("*-1.data")).unlink()
    with pytest.raises(RuntimeError, match=r"more/flow\.data has not arrived"):
        flows.open_reference(reference)


def test_weights_that_arrive_damaged(split_flow, worker):
    reference = flows.make_reference(split_flow)
    flows.send(Head(), [reference])
    shutil.rmtree(split_flow.parent)
    next(worker.glob("*-0.data")).write_bytes(b"1234")
    with pytest.raises(RuntimeError, match=r"the copy of the flow .*is damaged"):
        flows.open_reference(reference)


def test_a_link_to_a_model_beside_its_weights(split_flow, tmp_path):
    """A link beside the weights stays a link: its folder is where the weights are."""
    store = tmp_path / "store"
    store.mkdir()
    shutil.move(split_flow, store / "model")
    split_flow.symlink_to(store / "model")
    reference = flows.make_reference(split_flow)
    assert Path(reference["path"]) == split_flow
    assert flows.open_reference(reference).data_files == ["flow.data", "more/flow.data"]
