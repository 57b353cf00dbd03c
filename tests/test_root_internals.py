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
