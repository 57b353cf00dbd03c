"""flashsim.snapshot: a file that is there as a whole or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import ROOT

import flashsim
import tiny_flows

COLUMNS = ["event", "foldIndex", "Jet_pt"]


def make_gen(entries: int = 50):
    df = ROOT.RDataFrame(entries).Define("event", "rdfentry_")
    return df.Define("GenJet_pt", "ROOT::RVecF(1 + event % 3, 50)").Define("GenJet_eta", "ROOT::RVecF(1 + event % 3)")


@pytest.fixture(params=["TTree", "RNTuple"])
def options(request):
    made = ROOT.RDF.RSnapshotOptions()
    made.fOutputFormat = getattr(ROOT.RDF.ESnapshotOutputFormat, f"k{request.param}")
    return made


def events_of(df) -> list:
    arrays = df.AsNumpy(COLUMNS)
    pts = [tuple(np.asarray(pt)) for pt in arrays["Jet_pt"]]
    return sorted(zip(arrays["event"].tolist(), arrays["foldIndex"].tolist(), pts, strict=True))


def test_holds_what_snapshot_would_write(options, threads, tiny_flow, tmp_path):
    sim = make_gen().FlashSim(tiny_flow, fold_size=2)
    written = flashsim.snapshot(sim, "Events", tmp_path / "out.root", COLUMNS, options=options)
    assert sorted(str(name) for name in written.GetColumnNames()) == sorted(COLUMNS)
    assert events_of(written) == events_of(sim)
    assert [file.name for file in tmp_path.iterdir()] == ["out.root"]
    assert not options.fLazy  # the user's


@pytest.mark.parametrize("columns", [None, "Jet_.*", ("Jet_pt", "foldIndex")], ids=str)
def test_columns(columns, tiny_flow, tmp_path):
    sim = make_gen().FlashSim(tiny_flow)
    written = {str(name) for name in flashsim.snapshot(sim, "Events", tmp_path / "a.root", columns).GetColumnNames()}
    there = {str(name) for name in sim.GetColumnNames()}
    wanted = {None: there, "Jet_.*": {name for name in there if name.startswith("Jet_")}}
    assert written == wanted.get(columns, set(columns or ()))


def test_of_any_dataframe_and_without_entries(options, threads, tmp_path):
    path = str(tmp_path / "none.root")
    flashsim.snapshot(ROOT.RDataFrame(3).Define("x", "1.").Filter("x > 2"), "Events", path, ["x"], options=options)
    with ROOT.TFile.Open(path) as file:
        assert file.GetKey("Events")


def test_refuses_to_overwrite(tmp_path, tiny_flow):
    path = tmp_path / "out.root"
    path.write_text("precious")
    sim = make_gen().FlashSim(tiny_flow)
    with pytest.raises(FileExistsError, match=rf"{path} exists\. Give another name, or overwrite=True"):
        flashsim.snapshot(sim, "Events", path, COLUMNS)
    assert path.read_text() == "precious"
    assert flashsim.snapshot(sim, "Events", path, COLUMNS, overwrite=True).Count().GetValue() == 50


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_failure_leaves_what_was_there(options, threads, overwrite, tiny_flow, tmp_path):
    path = tmp_path / "out.root"
    if overwrite:
        path.write_text("precious")
    ill = make_gen(500).Redefine("GenJet_pt", "event == 450 ? GenJet_pt * NAN : GenJet_pt")
    sim = ill.FlashSim(tiny_flow, chunk_size=50, block_size=20)
    with pytest.raises(RuntimeError, match=r"context variable 'pt'.* is nan") as caught:
        flashsim.snapshot(sim, "Events", path, COLUMNS, options=options, overwrite=overwrite)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["precious"] * overwrite
    # Nothing stays booked, though the traceback is kept.
    with pytest.raises(RuntimeError):
        sim.Define("n", "Jet_pt.size()").Sum("n").GetValue()
    assert len(list(tmp_path.iterdir())) == overwrite
    assert caught.value


REFUSED = [
    ({"fLazy": True}, "out.root", ValueError, "Leave fLazy False"),
    ({"fMode": "UPDATE"}, "out.root", ValueError, "have the mode 'UPDATE'"),
    ({}, "root://server//out.root", ValueError, "is not a local file"),
    ({}, "no/out.root", FileNotFoundError, "the folder .*no does not exist"),
]


def test_an_error_that_is_kept_does_not_keep_the_file_of_snapshot_open(options, threads, tiny_flow, tmp_path):
    path = tmp_path / "out.root"
    sim = make_gen().FlashSim(tiny_flow, context={"pt": "GenJet_pt * (event == 40 ? -1 : 1)"})
    with pytest.raises(RuntimeError, match="entry 40, context variable 'pt'") as kept:
        sim.Snapshot("Events", str(path), COLUMNS, options)
    assert kept.value.__traceback__ is not None
    assert path.resolve() not in [link.resolve() for link in Path("/proc/self/fd").iterdir()]


@pytest.mark.parametrize(("fields", "path", "error", "message"), REFUSED, ids=[case[3] for case in REFUSED])
def test_what_is_refused(fields, path, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ROOT.RDF.RSnapshotOptions()
    for name, value in fields.items():
        setattr(options, name, value)
    with pytest.raises(error, match=message):
        flashsim.snapshot(make_gen(), "Events", path, ["event"], options=options)
    assert not list(tmp_path.iterdir())


def test_distributed_nodes_are_refused(tmp_path):
    from serial_backend import Serial

    with pytest.raises(TypeError, match="call Snapshot of the distributed dataframe"):
        flashsim.snapshot(Serial().make_dataframe(3).Define("x", "1"), "Events", tmp_path / "out.root")


def test_entries_that_are_missing_in_the_file(tmp_path, monkeypatch):
    """ROOT prints that a disk is full, and continues."""
    module = sys.modules["flashsim.rdataframe.snapshot"]
    write = module._write
    monkeypatch.setattr(module, "_write", lambda *arguments: write(*arguments) + 1)
    with pytest.raises(OSError, match=r"holds 3 of 4 entries, and is removed: check the free space on the disk"):
        flashsim.snapshot(ROOT.RDataFrame(3).Define("x", "1"), "Events", tmp_path / "out.root", ["x"])
    assert not list(tmp_path.iterdir())


def test_a_kill_leaves_nothing_under_the_name(tmp_path):
    code = """
import sys, ROOT, flashsim
df = ROOT.RDataFrame(1 << 40).Define("GenJet_pt", "ROOT::RVecF(1, 50)").Define("GenJet_eta", "ROOT::RVecF(1)")
flashsim.snapshot(df.FlashSim(sys.argv[1]), "Events", sys.argv[2], ["Jet_pt"])
"""
    flow = tiny_flows.write_smearing_flow(tmp_path / "flow.onnx")
    path = tmp_path / "out.root"
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, flow, str(path)])
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and not any(part.stat().st_size > 0 for part in tmp_path.glob("*.partial")):
            assert process.poll() is None
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not path.exists()
    assert [part.name.startswith("out.root.") for part in tmp_path.glob("*.partial")] == [True]
