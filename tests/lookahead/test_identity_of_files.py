"""Files of one dataset of which some have run, luminosityBlock and event and others have not: refused in any order."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
import ROOT

import distributed_cases as cases
import flashsim
from gen_events import GEN_COLUMNS, snapshot

IDENTITY = ["run", "luminosityBlock", "event"]


@pytest.fixture(scope="module")
def files_of(tmp_path_factory):
    """Two halves of 40 GEN events by format, with all columns; and without `event`, and without all three."""
    folder = tmp_path_factory.mktemp("files")
    source = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root"))
    found = {}
    for ntuple in (False, True):
        for i, (first, last) in enumerate(((0, 20), (20, 40))):
            for kind, lacking in (("with", []), ("no event", ["event"]), ("without", IDENTITY)):
                columns = [column for column in GEN_COLUMNS if column not in lacking]
                path = folder / f"{kind}{i}{'n' if ntuple else 't'}.root".replace(" ", "_")
                found[ntuple, kind, i] = snapshot(source.Range(first, last), path, columns, ntuple=ntuple)
    return found


@pytest.fixture(params=[False, True], ids=["TTree", "RNTuple"])
def half(request, files_of):
    return lambda kind, i: files_of[request.param, kind, i]


MIXED = [("with", "without"), ("without", "with"), ("with", "no event"), ("no event", "with")]


def check_message(error, half, kinds):
    kinds = dict(zip(kinds, range(2), strict=True))
    (lacking,) = set(kinds) - {"with"}
    text = str(error.value)
    column = "event" if lacking == "no event" else "(run|event)"
    files = f"'{half('with', kinds['with'])}' has the column '{column}', and '{half(lacking, kinds[lacking])}' lacks it"
    assert re.search(files, text)
    assert "Simulate the files apart, or Define" in text


@pytest.mark.parametrize("kinds", MIXED, ids=" then ".join)
def test_look_ahead(half, kinds, threads, tiny_flow):
    sim = ROOT.RDataFrame("Events", [half(kind, i) for i, kind in enumerate(kinds)]).FlashSim(tiny_flow, fold_size=2)
    with pytest.raises(Exception, match="of the dataset's files") as error:
        sim.Sum("nJet").GetValue()
    check_message(error, half, kinds)


@pytest.mark.parametrize("kinds", MIXED, ids=" then ".join)
def test_inline_mode(half, kinds, threads, tiny_flow):
    df = ROOT.RDataFrame("Events", [half(kind, i) for i, kind in enumerate(kinds)])
    with pytest.raises(RuntimeError, match="of the dataset's files") as error:
        df.DefineFolds(tiny_flow, fold_size=2)
    check_message(error, half, kinds)


@pytest.mark.parametrize(
    ("kinds", "inline"),
    [(("with", "without"), False), (("no event", "with"), False), (("with", "no event"), True)],
    ids=["look-ahead", "look-ahead, no event", "inline"],
)
def test_distributed(half, kinds, inline, tiny_flow, dask_client):
    """Of two parts, each would have one file, and find nothing wrong with it."""
    df = cases.Cluster(dask_client, 2).open("Events", [half(kind, i) for i, kind in enumerate(kinds)])
    node = df.DefineFolds(tiny_flow, fold_size=2) if inline else df.FlashSim(tiny_flow, fold_size=2)
    with pytest.raises(Exception, match="of the dataset's files") as error:
        node.Count().GetValue()
    check_message(error, half, kinds)


def leading(df, flow):
    sim = df.FlashSim(flow, fold_size=2).Filter("nJet > 0").Define("pt", "Jet_pt[0]")
    arrays = sim.AsNumpy(["genEvent", "foldIndex", "pt"])
    order = np.lexsort((arrays["foldIndex"], arrays["genEvent"]))
    return arrays["pt"][order]


@pytest.mark.parametrize("kind", ["with", "no event", "without"])
def test_files_that_agree(half, kind, threads, tiny_flow):
    files = [half(kind, 0), half(kind, 1)]
    whole = leading(ROOT.RDataFrame("Events", files), tiny_flow)
    if kind == "with":
        parts = [leading(ROOT.RDataFrame("Events", file), tiny_flow) for file in files]
        np.testing.assert_array_equal(whole, np.concatenate(parts))
    elif kind == "no event":
        np.testing.assert_array_equal(
            whole, leading(ROOT.RDataFrame("Events", [half("without", i) for i in (0, 1)]), tiny_flow)
        )
    assert len(whole) > 60


@pytest.mark.parametrize("kinds", [("without", "with"), ("with", "without")], ids=" then ".join)
def test_columns_that_are_defined_upstream(half, kinds, threads, tiny_flow):
    """Then files do not matter. Define gives columns that the first file lacks, Redefine those that it has."""
    df = ROOT.RDataFrame("Events", [half(kind, i) for i, kind in enumerate(kinds)])
    define = df.Redefine if kinds[0] == "with" else df.Define
    numbered = define("event", "static_cast<ULong64_t>(1000 * GenJet_pt[0])")
    for name in ("run", "luminosityBlock"):
        numbered = (numbered.Redefine if kinds[0] == "with" else numbered.Define)(name, "1u")
    first = ROOT.RDataFrame("Events", half("without", 0)).Define("run", "1u").Define("luminosityBlock", "1u")
    first = first.Define("event", "static_cast<ULong64_t>(1000 * GenJet_pt[0])")
    pts = leading(numbered, tiny_flow)
    np.testing.assert_array_equal(pts[: len(pts) // 3], leading(first, tiny_flow)[: len(pts) // 3])


def test_columns_of_a_friend(files_of, tmp_path, tiny_flow):
    """The files of the dataset lack them all, and the friend has them for all."""
    source = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(40)
    friend = snapshot(source, tmp_path / "friend.root", IDENTITY)
    chain, of_friend = ROOT.TChain("Events"), ROOT.TChain("Events")
    for i in (0, 1):
        chain.Add(files_of[False, "without", i])
    of_friend.Add(friend)
    chain.AddFriend(of_friend)
    whole = leading(ROOT.RDataFrame("Events", [files_of[False, "with", i] for i in (0, 1)]), tiny_flow)
    np.testing.assert_array_equal(leading(ROOT.RDataFrame(chain), tiny_flow), whole)


def with_friend(files, friend_files):
    chain, friend = ROOT.TChain("Events"), ROOT.TChain("Events")
    for file in files:
        chain.Add(file)
    for file in friend_files:
        friend.Add(file)
    chain.AddFriend(friend, "other")
    df = ROOT.RDataFrame(chain)
    df.chains = chain, friend  # which a dataframe does not keep
    return df


@pytest.mark.parametrize("inline", [False, True], ids=["look-ahead", "inline"])
@pytest.mark.parametrize("kinds", [("without", "with"), ("with", "without")], ids=" then ".join)
def test_friends(files_of, kinds, inline, tiny_flow):
    """A column is read from the dataset's own files first, and from a friend's in those that lack it."""
    mixed = [files_of[False, kind, i] for i, kind in enumerate(kinds)]
    complete = [files_of[False, "with", i] for i in (0, 1)]
    for files, friend_files in ((mixed, complete), ([files_of[False, "without", i] for i in (0, 1)], mixed)):
        df = with_friend(files, friend_files)
        with pytest.raises(Exception, match="of the dataset's files") as error:
            df.DefineFolds(tiny_flow) if inline else df.FlashSim(tiny_flow, fold_size=2).Sum("nJet").GetValue()
        assert str(mixed[0]) in str(error.value)
        assert str(mixed[1]) in str(error.value)
    df = with_friend(complete, mixed)
    whole = leading(ROOT.RDataFrame("Events", complete), tiny_flow)
    np.testing.assert_array_equal(leading(df, tiny_flow), whole)


def test_columns_that_never_identify(files_of, tiny_flow):
    """Two of the three, in some files only: events have their entry numbers, in any order of files."""
    files = [files_of[False, "no event", 0], files_of[False, "without", 1]]
    for i in (0, 1):
        pts = leading(ROOT.RDataFrame("Events", [files[i], files[1 - i]]), tiny_flow)
        plain = leading(ROOT.RDataFrame("Events", [files_of[False, "without", (i + k) % 2] for k in (0, 1)]), tiny_flow)
        np.testing.assert_array_equal(pts, plain)


def test_gen_events_of_one_identity_are_pointed_out(files_of, tiny_flow):
    """In a process of its own, as it is said once in a process; in loops that run without Python's lock, too."""
    code = f"""
import ROOT, flashsim
from flashsim.rdataframe.distributed.nodes import _run_graph
for change in ("event", "event / 2"):
    df = ROOT.RDataFrame("Events", {files_of[False, "with", 0]!r}).Redefine("event", f"ULong64_t({{change}})")
    for run in (_run_graph, lambda result: result.GetValue()):
        run(df.FlashSim({tiny_flow!r}, fold_size=2).Sum("nJet"))
    print("--- done", flush=True)
"""
    command = [sys.executable, "-W", "always", "-c", code]
    output = subprocess.check_output(command, stderr=subprocess.STDOUT, text=True)
    first, second, _ = output.split("--- done")
    assert "have the same run" not in first
    assert second.count("have the same run 1, luminosityBlock 1 and event 1, and so the same random numbers") == 1
    assert 'group=("run", "luminosityBlock", "event")' in second
