"""Several queries in one pass: matched pairs, efficiencies, unmatched RECO objects, numbers per event."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

import flashsim.data
from flashsim.pairs import (
    Column,
    CountedRows,
    DatasetError,
    Efficiency,
    GenObjects,
    Match,
    Matched,
    Pairs,
    PerEvent,
    Unmatched,
    read_pairs,
    read_queries,
)

PART, JET = Match("Electron_genPartIdx", "GenPart_pt"), Match("Electron_genJetIdx", "GenJet_pt")
GEN = (Column("pt", "GenPart_pt", 0, 1000), Column("pu", "pu", 0, 100))
GEN_JET = (Column("pu", "pu", 0, 100), Column("pt", "GenJet_pt", 0, 1000))
RECO = (Column("pt", "Electron_pt", 0, 1000), Column("iso", "Electron_iso", 0, 1))
EVENT = (Column("pu", "pu", 0, 100),)

QUERIES = {
    "pairs": Matched(GEN, RECO, PART.index),
    "pairs of jets": Matched(GEN_JET, RECO, JET.index, earlier=(PART,)),
    "efficiency": Efficiency(GEN, PART.index),
    "efficiency of jets": Efficiency(GEN_JET, JET.index, earlier=(PART,)),
    "fakes": Unmatched(EVENT, RECO, (PART, JET)),
    "fakes of one source": Unmatched((), RECO, (PART,)),
    "number of fakes": PerEvent(EVENT, (PART, JET)),
}

# An empty event; nothing of one kind; two RECO objects of one GEN object; partners in two sources; none at all.
EVENTS = {
    "GenPart_pt": [[], [50, 20, 30], [], [40, 41], [60]],
    "GenJet_pt": [[], [55], [], [45, 46], [70]],
    "Electron_pt": [[], [51, 52, 31, 9], [7], [], [61, 62, 8]],
    "Electron_iso": [[], [0.1, 0.2, 0.3, 0.4], [0.5], [], [0.6, 0.7, 0.8]],
    "Electron_genPartIdx": [[], [0, 0, 2, -1], [-1], [], [-1, 0, -3]],
    "Electron_genJetIdx": [[], [0, -1, 0, 0], [-1], [], [0, 0, -1]],
    "pu": [10, 20, 30, 40, 50],
}


def write_events(path: Path, events: dict[str, list], kind: str = "TTree", **changes: object) -> Path:
    columns = {
        name: ak.values_astype(ak.Array(values), np.int16 if name.endswith("Idx") else np.float32)
        for name, values in events.items()
    }
    columns["pu"] = ak.values_astype(columns["pu"], np.int32)
    with uproot.recreate(path) as file:
        make = file.mktree if kind == "TTree" else file.mkrntuple
        make("Events", {**columns, **changes})
    return path


def random_events(number: int, seed: int) -> dict[str, list]:
    generator = np.random.default_rng(seed)
    events: dict[str, list] = {name: [] for name in EVENTS}
    for _ in range(number):
        parts, jets, electrons = generator.integers(0, 4, 3)
        events["GenPart_pt"].append(generator.integers(1, 1000, parts).tolist())
        events["GenJet_pt"].append(generator.integers(1, 1000, jets).tolist())
        events["Electron_pt"].append(generator.integers(1, 1000, electrons).tolist())
        events["Electron_iso"].append(generator.uniform(0, 1, electrons).tolist())
        events["Electron_genPartIdx"].append(generator.integers(-2, parts, electrons).tolist())
        events["Electron_genJetIdx"].append(generator.integers(-2, jets, electrons).tolist())
        events["pu"].append(int(generator.integers(0, 100)))
    return events


def expected_of(events: dict[str, list]) -> dict[str, tuple[list, list, list]]:
    """Context, target or number, and event of each query's rows, by plain loops."""
    rows: dict[str, tuple[list, list, list]] = {name: ([], [], []) for name in QUERIES}

    def add(name: str, context: list, value: object, event: int) -> None:
        for column, item in zip(rows[name], (context, value, event), strict=True):
            column.append(item)

    for event, pu in enumerate(events["pu"]):
        here = {name: values[event] for name, values in events.items() if name != "pu"}
        parts, jets = Counter(), Counter()
        fakes = 0
        for electron, (part, jet) in enumerate(
            zip(here["Electron_genPartIdx"], here["Electron_genJetIdx"], strict=True)
        ):
            target = [here["Electron_pt"][electron], here["Electron_iso"][electron]]
            if part >= 0:
                parts[part] += 1
                add("pairs", [here["GenPart_pt"][part], pu], target, event)
                continue
            add("fakes of one source", [], target, event)
            if jet >= 0:
                jets[jet] += 1
                add("pairs of jets", [pu, here["GenJet_pt"][jet]], target, event)
            else:
                fakes += 1
                add("fakes", [pu], target, event)
        for part, pt in enumerate(here["GenPart_pt"]):
            add("efficiency", [pt, pu], parts[part], event)
        for jet, pt in enumerate(here["GenJet_pt"]):
            add("efficiency of jets", [pu, pt], jets[jet], event)
        add("number of fakes", [pu], fakes, event)
    return rows


def with_random_indices(file: Path, copy: Path) -> Path:
    with uproot.open(file) as content:
        events = content["Events"].arrays(["GenJet_pt", "Jet_pt", "GenMET_pt"])
    number = np.repeat(ak.to_numpy(ak.num(events.GenJet_pt)), ak.num(events.Jet_pt))
    index = np.random.default_rng(1).integers(-1, number).astype(np.int16)
    with uproot.recreate(copy) as content:
        branches = {name: events[name] for name in events.fields}
        content.mktree("Events", {**branches, "Jet_genJetIdx": ak.unflatten(index, ak.num(events.Jet_pt))})
    return copy


def value_of(rows: Pairs | CountedRows) -> np.ndarray:
    return rows.target if isinstance(rows, Pairs) else rows.number


def check(found: list[Pairs | CountedRows], events: dict[str, list]) -> None:
    for (name, rows), result in zip(expected_of(events).items(), found, strict=True):
        context, value, event = rows
        assert np.array_equal(result.context, np.array(context, np.float32).reshape(len(event), -1)), name
        assert np.array_equal(value_of(result), np.array(value, value_of(result).dtype)), name
        assert result.event.tolist() == event, name
        assert result.events == len(events["pu"])


def are_the_same(one: Pairs | CountedRows, other: Pairs | CountedRows) -> bool:
    return one.checksum() == other.checksum() and all(
        getattr(one, name) == getattr(other, name) for name in ("files", "events", "dropped", "objects")
    )


@pytest.mark.parametrize("kind", ["TTree", "RNTuple"])
def test_all_queries_at_once(tmp_path: Path, kind: str) -> None:
    found = read_queries([write_events(tmp_path / "events.root", EVENTS, kind)], list(QUERIES.values()))
    check(found, EVENTS)
    results = dict(zip(QUERIES, found, strict=True))
    assert [type(result) for result in found] == [Pairs, Pairs, GenObjects, GenObjects, Pairs, Pairs, CountedRows]
    efficiency = results["efficiency"]
    assert efficiency.number.tolist() == [2, 0, 1, 0, 0, 1]
    assert efficiency.reconstructed.tolist() == [True, False, True, False, False, True]
    assert (efficiency.number.dtype, efficiency.reconstructed.dtype) == (np.int32, bool)
    of_parts = {"gen": 6, "reconstructed": 3, "reco": 8, "duplicates": 1, "earlier": 0, "unmatched": 4}
    of_jets = {"gen": 4, "reconstructed": 2, "reco": 8, "duplicates": 0, "earlier": 4, "unmatched": 2}
    of_both = {"gen": 10, "reconstructed": 5, "reco": 8, "duplicates": 1, "earlier": 0, "unmatched": 2}
    assert results["pairs"].objects == efficiency.objects == results["fakes of one source"].objects == of_parts
    assert results["pairs of jets"].objects == results["efficiency of jets"].objects == of_jets
    assert results["fakes"].objects == results["number of fakes"].objects == of_both
    assert results["pairs"].dropped == {"Electron_genPartIdx below 0 (no GEN partner)": 4}
    assert results["pairs of jets"].dropped == {
        "Electron_genPartIdx 0 or above (another GEN partner)": 4,
        "Electron_genJetIdx below 0 (no GEN partner)": 2,
    }
    assert results["fakes"].dropped == {"Electron_genPartIdx or Electron_genJetIdx 0 or above (has a GEN partner)": 6}
    assert efficiency.dropped == results["number of fakes"].dropped == {}


def test_the_first_of_three_sources_takes_first(tmp_path: Path) -> None:
    index = ak.values_astype(ak.Array([[], [0, 0, 0, 0], [-1], [], [0, 0, 0]]), np.int16)
    path = write_events(tmp_path / "events.root", EVENTS, Electron_third=index)
    third = Match("Electron_third", JET.source)
    pairs, gen, numbers = read_queries(
        path,
        [
            Matched(GEN_JET, RECO, third.index, earlier=(PART, JET)),
            Efficiency(GEN_JET, third.index, earlier=(PART, JET)),
            PerEvent(EVENT, (PART, JET, third)),
        ],
    )
    assert pairs.target[:, 0].tolist() == [8]
    assert gen.number.tolist() == [0, 0, 0, 1]
    assert numbers.number.tolist() == [0, 0, 1, 0, 0]
    assert gen.objects == {"gen": 4, "reconstructed": 1, "reco": 8, "duplicates": 0, "earlier": 6, "unmatched": 1}


@pytest.mark.parametrize("chunk", ["50 MB", 7])
def test_random_events(tmp_path: Path, chunk: str | int) -> None:
    events = [random_events(60, seed) for seed in (1, 2)]
    files = [write_events(tmp_path / f"{number}.root", part) for number, part in enumerate(events)]
    found = read_queries(files, list(QUERIES.values()), chunk=chunk)
    check(found, {name: events[0][name] + events[1][name] for name in EVENTS})
    for result in found:
        number = result.objects
        assert number["gen"] >= number["reconstructed"] > 0
        assert number["duplicates"] > 0
        parts = ("reconstructed", "duplicates", "earlier", "unmatched")
        assert (
            number["reco"]
            == sum(number[part] for part in parts)
            == ak.count(ak.Array(events[0]["Electron_pt"])) + (ak.count(ak.Array(events[1]["Electron_pt"])))
        )


@pytest.mark.parametrize("rows", [None, 1, 20, 55])
def test_a_result_does_not_depend_on_the_other_queries(tmp_path: Path, rows: int | None) -> None:
    files = [write_events(tmp_path / f"{seed}.root", random_events(40, seed)) for seed in (3, 4)]
    together = read_queries(files, list(QUERIES.values()), rows=rows, chunk=11)
    is_cut = []
    for query, result in zip(QUERIES.values(), together, strict=True):
        (alone,) = read_queries(files, [query], rows=rows)
        assert are_the_same(alone, result)
        is_cut.append(rows is not None and len(result) >= rows)
        if is_cut[-1]:
            assert len(result) < rows + 4
            assert result.events == result.event[-1] + 1
        else:
            assert result.events == 80
    assert all(is_cut) == (rows in (1, 20))
    assert are_the_same(read_pairs(files, QUERIES["pairs"], rows=rows), together[0])


@pytest.mark.parametrize("indices", ["of the file", "drawn at random"])
def test_numbers_of_the_shipped_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indices: str) -> None:
    """Against loops over the same file; the file is opened once. All of its jets have a partner of their own."""
    file = Path(flashsim.data.path("ttbar.root"))
    if indices == "drawn at random":
        file = with_random_indices(file, tmp_path / "random.root")
    column = Column("pt", "GenJet_pt", 0, 13000)
    target, index = (Column("pt", "Jet_pt", 0, 13000),), Match("Jet_genJetIdx", "GenJet_pt")
    event = (Column("met", "GenMET_pt", 0, 13000),)
    opened = []
    monkeypatch.setattr(uproot, "open", lambda path, open=uproot.open: opened.append(path) or open(path))
    pairs, gen, numbers = read_queries(
        file,
        [Matched((column,), target, index.index), Efficiency((column,), index.index), PerEvent(event, (index,))],
        chunk="200 kB",
    )
    assert opened == [str(file)]

    with uproot.open(file) as content:
        events = content["Events"].arrays(["GenJet_pt", "Jet_pt", "Jet_genJetIdx", "GenMET_pt"])
    n_gen, n_reco = ak.count(events.GenJet_pt), ak.count(events.Jet_pt)
    claims, context, fakes = [], [], []
    for jets, pointers in zip(events.GenJet_pt.to_list(), events.Jet_genJetIdx.to_list(), strict=True):
        claims += [pointers.count(number) for number in range(len(jets))]
        context += [jets[number] for number in pointers if number >= 0]
        fakes.append(sum(number < 0 for number in pointers))
    assert gen.number.tolist() == claims
    assert np.array_equal(gen.context[:, 0], ak.to_numpy(ak.flatten(events.GenJet_pt)))
    assert np.array_equal(pairs.context[:, 0], np.array(context, np.float32))
    assert numbers.number.tolist() == fakes
    assert np.array_equal(numbers.context[:, 0], ak.to_numpy(events.GenMET_pt))
    assert n_gen == len(gen) == gen.reconstructed.sum() + (~gen.reconstructed).sum()
    duplicates = np.maximum(gen.number - 1, 0).sum()
    assert n_reco == gen.reconstructed.sum() + duplicates + numbers.number.sum()
    assert len(pairs) == gen.reconstructed.sum() + duplicates
    assert (duplicates > 0 and sum(fakes) > 0) == (indices == "drawn at random")
    assert gen.objects == pairs.objects == numbers.objects
    assert gen.objects == {
        "gen": n_gen,
        "reconstructed": gen.reconstructed.sum(),
        "reco": n_reco,
        "duplicates": duplicates,
        "earlier": 0,
        "unmatched": sum(fakes),
    }


def test_unusable_rows(tmp_path: Path) -> None:
    """Of GEN objects, of RECO objects without partner, of events: each counts where it is a row."""
    changes = {"GenPart_pt": [[], [np.nan, 20, 30], [], [40, 5000], [60]]}
    changes["Electron_pt"] = [[], [51, 52, 31, -9], [7], [], [61, 62, 8]]
    path = write_events(tmp_path / "events.root", {**EVENTS, **changes, "pu": [10, 20, 101, 40, 50]})
    queries = [QUERIES[name] for name in ("pairs", "efficiency", "fakes of one source", "fakes", "number of fakes")]
    with pytest.raises(DatasetError, match=r"2 of 4 rows are unusable.*GenPart_pt not finite: 2 rows"):
        read_queries(path, queries)
    pairs, gen, fakes, others, numbers = read_queries(path, queries, maximum_dropped_fraction=0.9)
    assert pairs.target[:, 0].tolist() == [31, 62]
    assert gen.number.tolist() == [0, 1, 0, 1]
    assert (gen.event.tolist(), gen.context[:, 0].tolist()) == ([1, 1, 3, 4], [20, 30, 40, 60])
    assert gen.dropped == {"GenPart_pt not finite": 1, "GenPart_pt outside [0, 1000]": 1}
    assert gen.objects["gen"] == 6  # whatever was dropped
    assert fakes.target[:, 0].tolist() == [7, 61, 8]
    assert others.target[:, 0].tolist() == [8]
    assert numbers.number.tolist() == [0, 0, 0, 1]
    assert numbers.event.tolist() == [0, 1, 3, 4]
    assert numbers.dropped == {"pu outside [0, 100]": 1}
    with pytest.raises(DatasetError, match=r"1 of 5 rows are unusable, more than .* 0.1: pu outside \[0, 100\]"):
        read_queries(path, queries[-1:], maximum_dropped_fraction=0.1)


def test_a_query_without_rows_is_named(tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.root", {**EVENTS, "Electron_genPartIdx": [[], [0, 0, 2, 1], [], [], [0]],
        "Electron_genJetIdx": [[], [0, 0, 0, 0], [], [], [0]], "Electron_pt": [[], [1, 2, 3, 4], [], [], [5]],
        "Electron_iso": [[], [0, 0, 0, 0], [], [], [0]]})  # fmt: skip
    with pytest.raises(DatasetError, match=r"no usable row in events.root .*has a GEN partner.*, read from .*Electron"):
        read_queries(path, [QUERIES["pairs"], QUERIES["fakes"]])
    assert read_queries(path, [QUERIES["number of fakes"]])[0].number.tolist() == [0] * 5


@pytest.mark.parametrize("name", QUERIES)
def test_an_index_out_of_range_is_an_error_of_every_query(tmp_path: Path, name: str) -> None:
    later = {key: EVENTS[key] + EVENTS[key] for key in EVENTS}
    later["Electron_genPartIdx"] = [*later["Electron_genPartIdx"][:-1], [-1, 1, -3]]
    message = r"events.root: Electron_genPartIdx = \[-1, 1, -3\] in an event with 1 objects \(entry 9, .* GenPart_pt\)"
    for chunk in ("50 MB", 3):
        with pytest.raises(DatasetError, match=message):
            read_queries(write_events(tmp_path / "events.root", later), [QUERIES[name]], chunk=chunk)


SCALARS = np.ones(5, np.float32)
ONE_MORE = ak.Array([[], [1.0], [], [], []])


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("efficiency", {"Electron_genPartIdx": SCALARS}, "branch 'Electron_genPartIdx' is float32 in entries 0 to 4, "
         "expected a list of numbers per event"),
        ("efficiency", {"GenPart_pt": SCALARS}, r"no branch of the context \(GenPart_pt, pu\) has a list per event"),
        ("number of fakes", {"GenJet_pt": SCALARS}, "branch 'GenJet_pt' is .*, expected a list of numbers per event"),
        ("number of fakes", {"pu": ONE_MORE}, "branch 'pu' is .*, expected one number per event"),
        ("fakes", {"pu": ONE_MORE}, "branch 'pu' is .*, expected one number per event"),
        ("pairs", {"pu": ONE_MORE}, "branches 'GenPart_pt' and 'pu' differ .*, first in entry 1"),
        ("pairs", {"Electron_iso": ONE_MORE}, "'Electron_genPartIdx' and 'Electron_iso' differ .* first in entry 1"),
        ("efficiency of jets", {"Electron_genPartIdx": ak.values_astype(ONE_MORE, np.int16)},
         "'Electron_genJetIdx' and 'Electron_genPartIdx' differ"),
        ("efficiency", {"Electron_genPartIdx": ak.Array([[], [0, 0, 2.0, -1], [-1], [], [-1, 0, -3]])},
         "branch 'Electron_genPartIdx' is .*, expected whole numbers"),
    ],
)  # fmt: skip
def test_branches_of_another_shape_are_named(tmp_path: Path, name: str, changes: dict, message: str) -> None:
    path = write_events(tmp_path / "events.root", EVENTS, **changes)
    with pytest.raises(DatasetError, match=rf"events.root: .*{message}"):
        read_queries(path, [QUERIES["pairs of jets"], QUERIES[name]][name != "pairs of jets" :])


def test_a_branch_has_lists_in_all_files_or_in_none(tmp_path: Path) -> None:
    """A context that counts for the objects of one event in one file, and for one object in another, is a mistake."""
    files = [
        write_events(tmp_path / "lists.root", {**EVENTS, "GenJet_pt": EVENTS["GenPart_pt"]}),
        write_events(tmp_path / "numbers.root", EVENTS, GenJet_pt=SCALARS),
    ]
    query = Matched((*GEN, Column("jet", "GenJet_pt", 0, 1000)), RECO, PART.index)
    assert len(read_queries(files[:1], [query])[0]) == len(read_queries(files[1:], [query])[0]) == 4
    message = r"numbers.root: branch 'GenJet_pt' has one number per event, and a list in earlier files"
    with pytest.raises(DatasetError, match=message):
        read_queries(files, [query])


def test_a_missing_branch_of_any_query(tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.root", EVENTS)
    queries = [replace(QUERIES["number of fakes"], matches=(replace(PART, source="GenTau_pt"),)), QUERIES["pairs"]]
    with pytest.raises(DatasetError, match=r"events.root: 'Events' has no branch 'GenTau_pt'"):
        read_queries(path, queries)


def test_calls_that_cannot_be_meant(tmp_path: Path) -> None:
    path, query = write_events(tmp_path / "events.root", EVENTS), QUERIES["pairs"]
    with pytest.raises(ValueError, match="queries of the trees Events, Other: read one tree at a time"):
        read_queries(path, [query, replace(query, tree="Other")])
    with pytest.raises(ValueError, match="1 stores for 2 queries"):
        read_queries(path, [query, query], stores=[None])
    with pytest.raises(ValueError, match=r"the store .*one is named for two queries"):
        read_queries(path, [query, query], stores=[tmp_path / "one", tmp_path / "two" / ".." / "one"])
    with pytest.raises(ValueError, match="names no match"):
        read_queries(path, [PerEvent(EVENT, ())])
    with pytest.raises(TypeError, match="is not a query: expected one of Matched, Efficiency"):
        read_queries(path, [PART])
    assert read_queries(path, []) == []


def test_stores_of_several_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored rows are not read again, missing ones are read alone, and all rows are those in memory."""
    files = [write_events(tmp_path / f"{seed}.root", random_events(40, seed)) for seed in (5, 6)]
    queries, stores = list(QUERIES.values()), [tmp_path / name for name in QUERIES]
    memory = read_queries(files, queries)
    first = read_queries(files, queries, stores=stores, chunk=7)
    (tmp_path / "number of fakes" / "number.int32").unlink()
    read = []
    iterate = uproot.TTree.iterate
    monkeypatch.setattr(uproot.TTree, "iterate", lambda tree, branches, **keywords: read.append(branches) or iterate(
        tree, branches, **keywords))  # fmt: skip
    second = read_queries(files, queries, stores=stores)
    assert read == [QUERIES["number of fakes"].branches] * 2
    third = read_queries(files, queries, stores=[*stores[:-1], None])
    assert len(read) == 4
    for results in (first, second, third):
        assert all(are_the_same(one, other) for one, other in zip(memory, results, strict=True))
    assert isinstance(second[-1].number, np.memmap)
    assert sorted(path.name for path in stores[2].iterdir()) == [
        "context.float32", "event.int64", "number.int32", "pairs.json"
    ]  # fmt: skip


def test_a_store_of_another_kind_of_query_is_rewritten(tmp_path: Path) -> None:
    path, store = write_events(tmp_path / "events.root", EVENTS), tmp_path / "store"
    for name in ("efficiency", "number of fakes", "efficiency of jets", "fakes", "efficiency"):
        (result,) = read_queries(path, [QUERIES[name]], stores=[store])
        assert are_the_same(result, read_queries(path, [QUERIES[name]])[0])


def test_a_failure_leaves_all_stores_as_they_were(tmp_path: Path) -> None:
    good = write_events(tmp_path / "good.root", random_events(40, 7))
    queries, stores = list(QUERIES.values()), [tmp_path / "stores" / name for name in QUERIES]
    read_queries(good, queries, stores=stores)
    before = {path: path.read_bytes() for path in (tmp_path / "stores").rglob("*") if path.is_file()}
    bad = write_events(tmp_path / "bad.root", {**EVENTS, "Electron_genJetIdx": [[], [1, 0, 0, 0], [-1], [], [0, 0, 0]]})
    with pytest.raises(DatasetError, match=r"bad.root: Electron_genJetIdx = \[1, 0, 0, 0\]"):
        read_queries([good, bad], queries, stores=stores)
    assert {path: path.read_bytes() for path in (tmp_path / "stores").rglob("*") if path.is_file()} == before


def test_rows_of_numbers_made_by_hand() -> None:
    rows = GenObjects(np.ones((4, 2), np.float32), np.array([0, 1, 2, 0], np.int32), event=np.array([0, 0, 1, 2]))
    first = rows.head(3)
    assert (type(first), len(first), first.reconstructed.tolist()) == (GenObjects, 3, [False, True, True])
    assert first.events == 2
    assert first.checksum() != rows.checksum()
    with pytest.raises(ValueError, match="4 rows of context, 3 of number and 4 event numbers"):
        CountedRows(rows.context, rows.number[:3])
