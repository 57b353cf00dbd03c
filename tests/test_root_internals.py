"""What the look-ahead needs of ROOT's Internal and Detail namespaces. A failure here means that ROOT has changed."""

from __future__ import annotations

import itertools

import ROOT

import flashsim

flashsim._library.cpp()


def test_labels_of_the_sources(gen_files):
    label = ROOT.Internal.RDF.GetDataSourceLabel
    assert label(ROOT.RDF.AsRNode(ROOT.RDataFrame("Events", gen_files["TTree"]))) == "TTreeDS"
    assert label(ROOT.RDF.AsRNode(ROOT.RDataFrame("Events", gen_files["RNTuple"]))) == "RNTupleDS"


def test_a_graph_can_be_run_again_on_another_range(gen_dataset, threads):
    df = ROOT.RDataFrame("Events", gen_dataset)
    node = ROOT.RDF.AsRNode(df)
    assert df.Count().GetValue() == 240
    ROOT.Internal.RDF.ChangeBeginAndEndEntries(node, 100, 130)
    assert df.Count().GetValue() == 30
    ROOT.Internal.RDF.ChangeBeginAndEndEntries(node, 0, 240)
    assert df.Count().GetValue() == 240


def test_the_range_of_an_empty_source_can_be_changed(threads):
    df = ROOT.RDataFrame(100)
    ROOT.Internal.RDF.ChangeEmptyEntryRange(ROOT.RDF.AsRNode(df), (20, 30))
    assert df.Count().GetValue() == 10


def test_cluster_boundaries_are_global_and_complete(gen_dataset):
    node = ROOT.RDF.AsRNode(ROOT.RDataFrame("Events", gen_dataset))
    clusters = sorted((int(c.first), int(c.second)) for c in ROOT.Internal.RDF.GetDatasetGlobalClusterBoundaries(node))
    assert clusters[0][0] == 0
    assert clusters[-1][1] == 240
    assert all(a[1] == b[0] for a, b in itertools.pairwise(clusters))


def test_a_range_draws_itself_as_range(gen_files):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    assert 'label="Range"' in str(ROOT.RDF.SaveGraph(ROOT.RDF.AsRNode(df.Range(3))))
    assert 'label="Range"' not in str(ROOT.RDF.SaveGraph(ROOT.RDF.AsRNode(df.Define("Range", "1").Filter("Range > 0"))))


def test_columns_of_the_source_are_told_from_those_of_their_name(gen_files, tiny_flow):
    """By Define, Redefine, Vary; an Alias, of an alias too, is what it stands for."""
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(tiny_flow)

    def is_own(node, column="genEvent"):
        return bool(flashsim._library.cpp().IsGenEventOfFoldSource(ROOT.RDF.AsRNode(node), column))

    assert is_own(sim)
    assert is_own(sim.Filter("fold == 0").Define("other", "genEvent"))
    assert is_own(sim.Alias("first", "genEvent").Alias("second", "first"), "second")
    redefined = sim.Redefine("genEvent", "genEvent / 2")
    assert not is_own(redefined)
    assert not is_own(redefined.Filter("fold == 0").Alias("other", "genEvent"), "other")
    assert not is_own(sim.Vary("genEvent", "ROOT::RVec<ULong64_t>{0, 1}", 2, "number"))
    assert not is_own(sim.Vary("fold", "ROOT::RVecI{0, 1}", 2), "fold")
    assert is_own(sim.Vary("fold", "ROOT::RVecI{0, 1}", 2))
    assert not is_own(ROOT.RDataFrame(3).Define("genEvent", "rdfentry_"))
