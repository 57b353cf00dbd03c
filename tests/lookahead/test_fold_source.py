"""FoldSource: looking ahead on every kind of input, and leaving the upstream graph as it was."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim
from gen_events import snapshot

cpp = flashsim._library.cpp()


def make_folds(node, fold_size=2, chunk_size=0, block_size=50):
    options = cpp.FoldSourceOptions()
    options.fFoldSize = fold_size
    options.fChunkSize = chunk_size
    options.fBlockSize = block_size
    return cpp.MakeFolds(ROOT.RDF.AsRNode(node), options)


def test_actions_booked_upstream_see_the_whole_dataset(gen_dataset, threads):
    df = ROOT.RDataFrame("Events", gen_dataset)
    before = df.Count()
    folds = make_folds(df, chunk_size=50)
    after = df.Filter("event % 2 == 0").Count()
    assert folds.Count().GetValue() == 480
    assert before.GetValue() == 240
    assert after.GetValue() == 120
    assert df.Count().GetValue() == 240


def test_the_range_is_restored_after_each_loop(gen_dataset, threads):
    df = ROOT.RDataFrame("Events", gen_dataset)
    folds = make_folds(df, chunk_size=100)
    for _ in range(2):
        assert folds.Count().GetValue() == 480
        assert df.Count().GetValue() == 240


def test_entries_are_in_the_order_of_events_and_folds(gen_dataset):
    folds = make_folds(ROOT.RDataFrame("Events", gen_dataset), fold_size=3, chunk_size=70)
    arrays = folds.AsNumpy(["genEvent", "foldIndex", "foldSize"])
    np.testing.assert_array_equal(arrays["genEvent"], np.repeat(np.arange(240), 3))
    np.testing.assert_array_equal(arrays["foldIndex"], np.tile(np.arange(3), 240))
    assert set(arrays["foldSize"]) == {3}


@pytest.mark.parametrize("ntuple", [False, True], ids=["TTree", "RNTuple"])
def test_a_restricted_dataset_stays_restricted(gen_files, threads, ntuple):
    """A dataset spec with a global range, as a user or a distributed task would give."""
    spec = ROOT.RDF.Experimental.RDatasetSpec()
    files = gen_files["RNTuple"] if ntuple else gen_files["TChain"]
    spec.AddSample(("sample", "Events", ROOT.std.vector["std::string"](files)))
    spec.WithGlobalRange((90, 171))
    df = ROOT.RDataFrame(spec)
    folds = make_folds(df, fold_size=3, chunk_size=20)
    entries = np.sort(folds.AsNumpy(["genEvent"])["genEvent"])
    np.testing.assert_array_equal(entries, np.repeat(np.arange(90, 171), 3))
    assert df.Count().GetValue() == 81
    assert folds.Count().GetValue() == 243


def test_empty_source(threads):
    df = ROOT.RDataFrame(1000).Define("x", "double(rdfentry_)")
    folds = make_folds(df.Filter("x > 500"), fold_size=3, chunk_size=77)
    arrays = folds.AsNumpy(["x", "genEvent"])
    np.testing.assert_array_equal(np.sort(arrays["x"]), np.repeat(np.arange(501, 1000), 3))
    np.testing.assert_array_equal(arrays["x"], arrays["genEvent"])
    assert df.Count().GetValue() == 1000


def test_sources_without_ranges_are_one_chunk(tmp_path, threads):
    path = tmp_path / "data.csv"
    path.write_text("x,y\n" + "\n".join(f"{i},{i * 0.5}" for i in range(100)) + "\n")
    df = ROOT.RDF.FromCSV(str(path))
    folds = make_folds(df.Filter("x % 2 == 0"), fold_size=2, chunk_size=10)
    assert folds.Sum("y").GetValue() == 2 * sum(0.5 * i for i in range(0, 100, 2))
    assert df.Count().GetValue() == 100


def test_an_in_memory_tree(tmp_path):
    numbers = np.arange(300, dtype=np.int64)
    df = ROOT.RDF.FromNumpy({"x": numbers})
    assert make_folds(df, fold_size=2).Sum("x").GetValue() == 2 * numbers.sum()
    tree = ROOT.TTree("t", "in memory")
    value = np.zeros(1, dtype=np.float64)
    tree.Branch("v", value, "v/D")
    for i in range(50):
        value[0] = i
        tree.Fill()
    assert make_folds(ROOT.RDataFrame(tree), fold_size=2, chunk_size=7).Sum("v").GetValue() == 2 * sum(range(50))


def test_a_tree_with_a_friend(gen_files, tmp_path, threads):
    ROOT.DisableImplicitMT()
    whole = ROOT.RDataFrame("Events", gen_files["TTree"]).Define("weight2", "2. * event")
    friend = ROOT.TChain("Events")
    friend.Add(snapshot(whole, tmp_path / "friend.root", ["weight2"]))
    if threads > 1:
        ROOT.EnableImplicitMT(threads)
    chain = ROOT.TChain("Events")
    for file in gen_files["TChain"]:
        chain.Add(file)
    chain.AddFriend(friend, "extra")
    folds = make_folds(ROOT.RDataFrame(chain), fold_size=2, chunk_size=60)
    arrays = folds.AsNumpy(["event", "weight2", "genEvent"])
    np.testing.assert_array_equal(arrays["weight2"], 2.0 * arrays["event"])
    np.testing.assert_array_equal(np.sort(arrays["genEvent"]), np.repeat(np.arange(240), 2))


@pytest.mark.slow
def test_columns_of_every_type_pass_unchanged(tmp_path, threads):
    ROOT.gInterpreter.Declare("struct FlashSimTestPoint { float x; int n; };")
    df = (
        ROOT.RDataFrame(40)
        .Define("i", "int(rdfentry_) - 7")
        .Define("flag", "i % 3 == 0")
        .Define("letter", "char('a' + i % 5)")
        .Define("big", "ULong64_t(1) << 63 | rdfentry_")
        .Define("text", 'std::string(rdfentry_ % 4, "x"[0])')
        .Define("bools", "ROOT::RVec<bool>{flag, true, false}")
        .Define("doubles", "ROOT::RVecD(rdfentry_ % 3, 0.1 * i)")
        .Define("nested", "ROOT::RVec<ROOT::RVecI>{ROOT::RVecI(2, i), ROOT::RVecI{}}")
        .Define("words", 'std::vector<std::string>{"a", text}')
        .Define("point", "FlashSimTestPoint{float(i), i}")
        .Define("vector", "ROOT::Math::PtEtaPhiMVector(1. + rdfentry_, 0.5, i, 0.)")
    )
    checks = {
        "i": "i == int(genEvent) - 7",
        "flag": "flag == (i % 3 == 0)",
        "letter": "letter == char('a' + i % 5)",
        "big": "big == (ULong64_t(1) << 63 | genEvent)",
        "text": 'text == std::string(genEvent % 4, "x"[0])',
        "bools": "bools.size() == 3 && bools[0] == flag && bools[1] && !bools[2]",
        "doubles": "doubles.size() == genEvent % 3 && All(doubles == 0.1 * i)",
        "nested": "nested.size() == 2 && nested[0].size() == 2 && nested[0][1] == i && nested[1].empty()",
        "words": 'words.size() == 2 && words[0] == "a" && words[1] == text',
        "point": "point.x == float(i) && point.n == i",
        "vector": "std::abs(vector.Pt() - (1. + genEvent)) < 1e-9",
    }
    folds = make_folds(df, fold_size=3, chunk_size=11)
    counts = {name: folds.Filter(expression).Count() for name, expression in checks.items()}
    assert {name: count.GetValue() for name, count in counts.items()} == dict.fromkeys(checks, 120)


def test_own_columns_may_not_be_there_already(gen_files):
    df = ROOT.RDataFrame("Events", gen_files["TTree"]).Define("foldIndex", "1")
    with pytest.raises(Exception, match="already has a column 'foldIndex'"):
        make_folds(df)


def test_a_file_given_twice_is_refused_only_where_it_is_ambiguous(gen_files):
    twice = gen_files["TTree"] * 2
    assert make_folds(ROOT.RDataFrame("Events", twice)).Count().GetValue() == 960
    ROOT.EnableImplicitMT(2)
    try:
        with pytest.raises(Exception, match=r"holds the file '.*tree\.root' twice"):
            make_folds(ROOT.RDataFrame("Events", twice)).Count().GetValue()
    finally:
        ROOT.DisableImplicitMT()


def test_many_small_files(gen_files, tmp_path):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    files = [snapshot(df.Range(10 * i, 10 * i + 10), tmp_path / f"{(7 * i) % 24}.root", ["event"]) for i in range(24)]
    for n in (1, 2):
        if n > 1:
            ROOT.EnableImplicitMT(n)
        arrays = make_folds(ROOT.RDataFrame("Events", files), fold_size=2).AsNumpy(["event", "genEvent"])
        np.testing.assert_array_equal(arrays["event"] - arrays["event"].min(), arrays["genEvent"])
        assert len(set(arrays["genEvent"])) == 240
    ROOT.DisableImplicitMT()
