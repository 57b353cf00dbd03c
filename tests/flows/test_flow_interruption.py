"""Ctrl-C ends a flow in the middle of its graph, and leaves it fit for use."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import tiny_flows


def write_slow_flow(path: Path) -> str:
    """pt = GenJet_pt negated a thousand million times for each step: a trip count that the graph computes."""
    state, end = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in ("state", "end"))
    trip = helper.make_tensor_value_info("trip", TensorProto.INT64, [])
    go_on, still = (helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("go_on", "still"))
    nodes = [helper.make_node("Neg", ["state"], ["end"]), helper.make_node("Identity", ["go_on"], ["still"])]
    body = helper.make_graph(nodes, "body", [trip, go_on, state], [still, end])
    thousand_million = numpy_helper.from_array(np.array(10**9))
    columns = numpy_helper.from_array(np.array([0, 1, 1]))
    graph = [
        helper.make_node("Constant", [], ["many"], value=thousand_million),
        helper.make_node("Constant", [], ["one"], value=numpy_helper.from_array(np.array(1))),
        helper.make_node("Constant", [], ["columns"], value=columns),
        helper.make_node("Sub", ["steps", "one"], ["more"]),
        helper.make_node("Mul", ["more", "many"], ["trips"]),
        helper.make_node("Loop", ["trips", "", "context"], ["looped"], body=body),
        helper.make_node("Gather", ["looped", "columns"], ["sample"], axis=1),
    ]
    metadata = tiny_flows.smearing_metadata() | {"default_steps": 1, "solver": "euler"}
    return tiny_flows.write_flow(path, graph, metadata, steps=())


PROGRAM = """
import signal, sys, threading, time, numpy as np, ROOT, flashsim
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background inherits as ignored
flow, where = sys.argv[1:]
opened = flashsim.Flow(flow)
quick = opened.sample([[50, 1]])
if where == "two threads":
    ROOT.EnableImplicitMT(2)
gen = ROOT.RDataFrame(4000).Define("GenJet_pt", "ROOT::RVecF{50}").Define("GenJet_eta", "ROOT::RVecF{1}")
if where != "sample":
    gen.FlashSim(flow).Define("x", "Jet_pt[0]").Max("x").GetValue()
    slow = gen.FlashSim(flow, steps=2, block_size=64).Define("x", "Jet_pt[0]").Max("x")
print("ready", flush=True)
try:
    opened.sample([[50, 1]], steps=2) if where == "sample" else slow.GetValue()
    print("ended")
except (KeyboardInterrupt, flashsim._library.cpp().Interrupted):
    print("interrupted", flush=True)
assert (opened.sample([[50, 1]]) == quick).all()
if where != "sample":
    assert gen.FlashSim(flow).Define("x", "Jet_pt[0]").Max("x").GetValue() == 50
print("usable", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["sample", "one thread", "two threads"])
def test_ctrl_c_stops_a_loop_in_the_graph(tmp_path, where):
    flow = write_slow_flow(tmp_path / "flow.onnx")
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, flow, where], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(3)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            start = time.monotonic()
            assert process.stdout.readline() == "interrupted\n"
            assert time.monotonic() - start < 10  # two seconds on a machine that has nothing else to do
            assert process.stdout.readline() == "usable\n"
            assert process.wait(60) == 0
        finally:
            process.kill()
