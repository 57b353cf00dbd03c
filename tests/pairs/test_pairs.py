"""Pairs of GEN and RECO objects: which rows are read, which are dropped and why, and how little memory it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from flashsim.pairs import Column, DatasetError, Matched, Pairs, columns_of_flow, read_pairs
from toy_jets import RECIPE

COLUMNS = Matched(
    context=(Column("pt", "GenJet_pt", 0, 1000),),
    target=(Column("pt", "Jet_pt", 0, 1000), Column("nMuons", "Jet_nMuons", 0, 255)),
    index="Jet_genJetIdx",
)


def write_events(path: Path, kind: str = "TTree", **changes: object) -> Path:
    columns = {
        "GenJet_pt": ak.Array([[50.0, 30.0], [], [90.0, 80.0, 20.0]]),
        "Jet_pt": ak.Array([[52.0, 33.0], [], [95.0, 71.0, 22.0]]),
        "Jet_nMuons": ak.values_astype(ak.Array([[1, 0], [], [0, 2, 0]]), np.uint8),
        "Jet_genJetIdx": ak.values_astype(ak.Array([[0, 1], [], [1, 0, 2]]), np.int16),
        **changes,
    }
    with uproot.recreate(path) as file:
        make = file.mktree if kind == "TTree" else file.mkrntuple
        make("Events", columns)
    return path


def write_many(path: Path, events: int, seed: int, objects: int = 3) -> Path:
    """Events with 0 … ``objects`` pairs, whose RECO objects are in the opposite order; pt counts the GEN objects."""
    generator = np.random.default_rng(seed)
    counts = generator.integers(0, objects + 1, events)
    pt = ak.unflatten(generator.integers(1, 1000, counts.sum()).astype(np.float32), counts)
    index = ak.local_index(pt)[:, ::-1]
    return write_events(path, GenJet_pt=pt, Jet_pt=pt[:, ::-1], Jet_nMuons=ak.zeros_like(index), Jet_genJetIdx=index)


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
def test_pairs_follow_the_index(tmp_path: Path, kind: str) -> None:
    path = write_events(tmp_path / "events.root", kind)
    pairs = read_pairs([path, path], COLUMNS)
    assert pairs.context[:5, 0].tolist() == [50, 30, 80, 90, 20]
    assert pairs.target[:5].tolist() == [[52, 1], [33, 0], [95, 0], [71, 2], [22, 0]]
    assert (len(pairs), pairs.events, pairs.files, pairs.dropped) == (10, 6, ["events.root", "events.root"], {})
    assert pairs.event.tolist() == [0, 0, 2, 2, 2, 3, 3, 5, 5, 5]
    assert [array.dtype for array in (pairs.context, pairs.target, pairs.event)] == [np.float32, np.float32, np.int64]
    assert pairs.checksum() != read_pairs(path, COLUMNS).checksum()


def test_unusable_rows_are_counted_by_reason(tmp_path: Path) -> None:
    broken = ak.Array([[np.nan, 33.0], [], [5000.0, 71.0, 22.0]])
    path = write_events(tmp_path / "events.root", Jet_pt=broken, Jet_genJetIdx=ak.Array([[0, -1], [], [1, 0, 2]]))
    with pytest.raises(DatasetError, match=r"2 of 4 rows are unusable.*Jet_pt not finite: 1 rows"):
        read_pairs([path], COLUMNS)
    pairs = read_pairs([path], COLUMNS, maximum_dropped_fraction=0.9)
    assert pairs.target[:, 0].tolist() == [71, 22]
    assert pairs.event.tolist() == [2, 2]
    assert pairs.dropped == {
        "Jet_genJetIdx below 0 (no GEN partner)": 1,
        "Jet_pt not finite": 1,
        "Jet_pt outside [0, 1000]": 1,
    }


def test_unmatched_rows_are_no_reason_to_refuse(tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.root", Jet_genJetIdx=ak.Array([[0, -1], [], [-1, -1, -1]]))
    assert read_pairs([path], COLUMNS).dropped == {"Jet_genJetIdx below 0 (no GEN partner)": 4}
    nobody = write_events(tmp_path / "nobody.root", Jet_genJetIdx=ak.Array([[-1, -1], [], [-1, -1, -1]]))
    with pytest.raises(DatasetError, match=r"no usable row in nobody.root \(Jet_genJetIdx below 0.*: 5 rows\)"):
        read_pairs([nobody], COLUMNS)
    with pytest.raises(DatasetError, match="no usable row in an empty list of files"):
        read_pairs([], COLUMNS)


def test_numbers_beyond_single_precision_are_not_finite(tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.root", Jet_pt=ak.Array([[52.0, 1e300], [], [95.0, 71.0, 22.0]]))
    assert read_pairs([path], COLUMNS, maximum_dropped_fraction=0.5).dropped == {"Jet_pt not finite": 1}


def test_the_ends_of_a_range_belong_to_it(tmp_path: Path) -> None:
    """Even where the end, written in double precision, lies just inside its single precision value."""
    column = Column("pt", "Jet_pt", 22.0, 3.1415927)
    path = write_events(tmp_path / "events.root", Jet_pt=ak.Array([[np.pi, 2.0], [], [1.0, 1.5, -1.0]]))
    pairs = read_pairs([path], replace(COLUMNS, target=(replace(column, low=-1.0),)))
    assert len(pairs) == 5


@pytest.mark.parametrize(
    ("changes", "columns", "message"),
    [
        (
            {"Jet_genJetIdx": ak.Array([[0, 1], [], [1, 0, 3]])},
            {},
            r"events.root: Jet_genJetIdx = \[1, 0, 3\] in an event with 3 objects \(entry 2, counted by GenJet_pt\)",
        ),
        ({}, {"tree": "Runs"}, r"events.root: no tree 'Runs'; the file holds .*Events"),
        ({}, {"target": (Column("e", "Jet_energy", 0, 1),)}, r"events.root: 'Events' has no branch 'Jet_energy'"),
        ({"Jet_pt": np.ones(3)}, {}, r"events.root: branch 'Jet_pt' is .*, expected a list of numbers per event"),
        (
            {"Jet_pt": ak.Array([[1.0], [], [1.0, 2.0, 3.0]])},
            {},
            r"events.root: branches 'Jet_genJetIdx' and 'Jet_pt' differ in their number of objects",
        ),
    ],
)
def test_unusable_files_are_named(tmp_path: Path, changes: dict, columns: dict, message: str) -> None:
    path = write_events(tmp_path / "events.root", **changes)
    with pytest.raises(DatasetError, match=message):
        read_pairs([path], replace(COLUMNS, **columns))


@pytest.mark.parametrize("content", [None, b"", b"no ROOT file at all, but long enough to look into" * 10])
@pytest.mark.parametrize("store", [None, "store"])
def test_what_is_no_root_file(tmp_path: Path, content: bytes | None, store: str | None) -> None:
    path = tmp_path / "absent.root"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"absent.root: cannot be opened"):
        read_pairs([path], COLUMNS, store=store and tmp_path / store)


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_a_truncated_file_is_named(tmp_path: Path, kept: float) -> None:
    path = write_many(tmp_path / "truncated.root", 3000, seed=1)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(DatasetError, match=r"truncated.root: cannot be"):
        read_pairs([path], COLUMNS)


def test_rows_stop_at_the_end_of_an_event(tmp_path: Path) -> None:
    files = [write_many(tmp_path / f"{seed}.root", 50, seed) for seed in (1, 2)]
    whole = read_pairs(files, COLUMNS)
    for rows in (1, 7, 40, 80, 81, len(whole), len(whole) + 5):
        for chunk in ("50 MB", 7):
            part = read_pairs(files, COLUMNS, rows=rows, chunk=chunk)
            last = whole.event[min(rows, len(whole)) - 1]
            expected = whole.event <= last
            assert np.array_equal(part.context, whole.context[expected])
            assert np.array_equal(part.event, whole.event[expected])
            assert part.events == (last + 1 if rows <= len(whole) else whole.events)
    assert read_pairs(files, COLUMNS, rows=1).files == ["1.root"]


def test_chunks_do_not_matter(tmp_path: Path) -> None:
    path = write_many(tmp_path / "events.root", 100, seed=3)
    assert read_pairs(path, COLUMNS, chunk=3).checksum() == read_pairs(path, COLUMNS).checksum()


def test_a_store_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [write_many(tmp_path / f"{seed}.root", 50, seed) for seed in (1, 2)]
    memory = read_pairs(files, COLUMNS)
    first = read_pairs(files, COLUMNS, store=tmp_path / "store", chunk=20)
    assert isinstance(first.context, np.memmap)
    assert not first.context.flags.writeable
    monkeypatch.setattr(uproot, "open", lambda *_: pytest.fail("ROOT was read again"))
    again = read_pairs(files, COLUMNS, store=tmp_path / "store")
    for pairs in (first, again):
        assert pairs.checksum() == memory.checksum()
        assert (pairs.files, pairs.events, pairs.dropped) == (memory.files, memory.events, memory.dropped)


def test_a_store_of_something_else_is_rewritten(tmp_path: Path) -> None:
    files = [write_many(tmp_path / f"{seed}.root", 50, seed) for seed in (1, 2)]
    store = tmp_path / "store"
    first = read_pairs(files, COLUMNS, store=store)
    checksum = first.checksum()
    fewer_columns = replace(COLUMNS, target=COLUMNS.target[:1])
    for asked, columns, rows in ((files[:1], COLUMNS, None), (files, fewer_columns, None), (files, COLUMNS, 10)):
        pairs = read_pairs(asked, columns, rows=rows, store=store)
        assert pairs.checksum() == read_pairs(asked, columns, rows=rows).checksum()
    write_many(files[0], 60, seed=9)
    assert read_pairs(files, COLUMNS, store=store).checksum() == read_pairs(files, COLUMNS).checksum()
    assert first.checksum() == checksum  # who has mapped the former arrays keeps them
    assert sorted(path.name for path in store.iterdir()) == [
        "context.float32", "event.int64", "pairs.json", "target.float32"
    ]  # fmt: skip


@pytest.mark.parametrize("harm", ["document", "array", "nothing", "list"])
def test_a_damaged_store_is_rewritten(tmp_path: Path, harm: str) -> None:
    path, store = write_many(tmp_path / "events.root", 50, seed=1), tmp_path / "store"
    checksum = read_pairs(path, COLUMNS, store=store).checksum()
    if harm == "array":
        with (store / "target.float32").open("r+b") as file:
            file.truncate(40)
    elif harm == "nothing":
        (store / "event.int64").unlink()
    else:
        (store / "pairs.json").write_text('{"made' if harm == "document" else "[]")
    assert read_pairs(path, COLUMNS, store=store).checksum() == checksum


def test_a_failed_reading_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    good, store = write_many(tmp_path / "good.root", 50, seed=1), tmp_path / "store"
    read_pairs(good, COLUMNS, store=store)
    bad = write_events(tmp_path / "bad.root", Jet_genJetIdx=ak.Array([[0, 1], [], [1, 0, 3]]))
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    with pytest.raises(DatasetError, match=r"bad.root"):
        read_pairs([good, bad], COLUMNS, store=store)
    assert {path.name: path.read_bytes() for path in store.iterdir()} == before


def test_too_many_dropped_rows_are_refused_from_a_store_too(tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.root", Jet_pt=ak.Array([[np.nan, 33.0], [], [50.0, 71.0, 22.0]]))
    for _ in range(2):
        with pytest.raises(DatasetError, match="1 of 5 rows are unusable"):
            read_pairs(path, COLUMNS, store=tmp_path / "store")
    assert len(read_pairs(path, COLUMNS, store=tmp_path / "store", maximum_dropped_fraction=0.5)) == 4


PEAK_MEMORY = """
import json, resource, sys
from flashsim.pairs import Column, Matched, read_pairs
columns = Matched(
    context=(Column("pt", "GenJet_pt", 0, 1000),),
    target=(Column("pt", "Jet_pt", 0, 1000), Column("nMuons", "Jet_nMuons", 0, 255)),
    index="Jet_genJetIdx",
)
read_pairs(sys.argv[1], columns)
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pairs = read_pairs(sys.argv[2:-1], columns, chunk="2 MB", store=sys.argv[-1])
end = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([len(pairs), (end - start) * 1024]))
"""


def test_reading_into_a_store_takes_the_memory_of_a_chunk(tmp_path: Path) -> None:
    """Peak memory of reading six files that make 60 MB of arrays; without a store these would be part of it."""
    pytest.importorskip("resource")
    small = write_many(tmp_path / "small.root", 1000, seed=1)
    large = write_many(tmp_path / "large.root", 60_000, seed=2, objects=15)
    command = [sys.executable, "-c", PEAK_MEMORY, small, *[large] * 6, tmp_path / "store"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    rows, grown = json.loads(result.stdout)
    arrays = rows * (3 * 4 + 8)
    assert arrays > 50e6
    assert grown < 0.5 * arrays


def test_columns_of_a_flow_are_named_as_in_nanoaod() -> None:
    def variable(name: str) -> dict:
        return {"name": name, "unit": "", "dtype": "float32", "range": [0, 3]}

    flow = {"collection": "Jet", "source": "GenJet", "context": [variable("pt")], "target": [variable("btag")]}
    expected = Matched((Column("pt", "GenJet_pt", 0.0, 3.0),), (Column("btag", "Jet_btag", 0.0, 3.0),), "Jet_genJetIdx")
    assert columns_of_flow(flow) == expected
    assert columns_of_flow(flow, index="Jet_mine", tree="Other") == replace(expected, index="Jet_mine", tree="Other")
    assert expected.branches == ["Jet_genJetIdx", "GenJet_pt", "Jet_btag"]


def test_pairs_made_by_hand() -> None:
    context, target = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
    pairs = Pairs(context, target, ["toys.root"], 3)
    assert (len(pairs), pairs.event.tolist(), pairs.events) == (4, [0, 1, 2, 3], 3)
    assert pairs.checksum() == Pairs(context, target).checksum()
    assert pairs.checksum() != Pairs(context, target, event=np.array([0, 0, 1, 2])).checksum()
    with pytest.raises(ValueError, match="4 rows of context, 3 of target and 4 event numbers"):
        Pairs(context, target[:3])
    first = pairs.head(3)
    assert (len(first), first.event.tolist(), first.events) == (3, [0, 1, 2], 3)
    assert pairs.head(9) is pairs
    with pytest.raises(ValueError, match="rows = 0"):
        pairs.head(0)


def test_a_recipe_declares_the_same_columns(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from flashsim import training
    from flashsim.training.dataset import columns_of_config

    recipe = tmp_path / "toys.toml"
    recipe.write_text(RECIPE)
    config = training.load_config(recipe)
    pt, muons = COLUMNS.target
    assert columns_of_config(config) == replace(COLUMNS, target=(replace(pt, high=2000), muons))
    path = write_events(tmp_path / "events.root", Jet_pt=ak.Array([[np.nan, 33.0], [], [50.0, 71.0, 22.0]]))
    lenient, strict = (
        replace(config, dataset=replace(config.dataset, maximum_dropped_fraction=fraction)) for fraction in (0.5, 0.1)
    )
    assert len(training.read_pairs([path], lenient)) == 4
    with pytest.raises(training.DatasetError, match=r"1 of 5 rows are unusable, more than .* = 0.1"):
        training.read_pairs([path], strict)
