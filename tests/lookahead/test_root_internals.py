"""Parts of ROOT's Internal and Detail namespaces in the look-ahead. A failure here means that ROOT has changed."""

from __future__ import annotations

import itertools

import ROOT

import flashsim
from gen_events import snapshot

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


def test_clusters_of_an_ntuple_are_complete(gen_files):
    descriptor = ROOT.RNTupleReader.Open("Events", gen_files["RNTuple"][0]).GetDescriptor()
    found = ((int(c.GetFirstEntryIndex()), int(c.GetNEntries())) for c in descriptor.GetClusterIterable())
    clusters = sorted((first, first + n) for first, n in found)
    assert clusters[0][0] == 0
    assert clusters[-1][1] == 240
    assert all(a[1] == b[0] for a, b in itertools.pairwise(clusters))


def test_only_a_range_draws_itself_as_a_diamond(gen_files):
    df = ROOT.RDataFrame("Events", gen_files["TTree"])

    def draw(node):
        return str(ROOT.RDF.SaveGraph(ROOT.RDF.AsRNode(node)))

    assert 'label="Range", style="filled", fillcolor="#9574b4", shape="diamond"' in draw(df.Range(3))
    assert "diamond" not in draw(df.Define("Range", "1").Filter("Range > 0", "Range"))


def test_graphs_forget_callbacks_and_compile_by_themselves(gen_files):
    """HasPendingActions and OnEntries rely on this: a result booked by name is not an action until it is compiled."""
    ROOT.gInterpreter.Declare("""
    #include <ROOT/RDF/RLoopManager.hxx>
    namespace RootInternalsTest {
    struct Access : ROOT::RDF::RInterfaceBase {
       static ROOT::Detail::RDF::RLoopManager &Get(const ROOT::RDF::RNode &node)
       {
          return *(node.*&Access::fLoopManager);
       }
    };
    std::size_t CountActions(ROOT::RDF::RNode node) { return Access::Get(node).GetAllActions().size(); }
    void Compile(ROOT::RDF::RNode node) { Access::Get(node).Jit(); }
    std::shared_ptr<int> CountCalls(ROOT::RDF::RNode node)
    {
       auto calls = std::make_shared<int>();
       Access::Get(node).RegisterCallback(10, [calls](unsigned int) { ++*calls; });
       return calls;
    }
    }""")
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    node = ROOT.RDF.AsRNode(df)
    result = df.Sum("event")
    assert ROOT.RootInternalsTest.CountActions(node) == 0
    ROOT.RootInternalsTest.Compile(node)
    assert ROOT.RootInternalsTest.CountActions(node) == 1
    calls = ROOT.RootInternalsTest.CountCalls(node)
    assert result.GetValue() > 0
    assert df.Count().GetValue() == 240
    assert calls.__deref__() == 24


def test_filters_count_anew_in_each_event_loop(gen_files, threads):
    """Basis of GetCuts and PutBehindCuts: the head adds nothing to a node's report, and all filters to its own."""
    ROOT.gInterpreter.Declare("""
    #include <ROOT/RDF/RLoopManager.hxx>
    namespace RootInternalsTest {
    struct NodeOf : ROOT::RDF::RNode {
       static const std::shared_ptr<ROOT::Detail::RDF::RNodeBase> &Get(const ROOT::RDF::RNode &node)
       {
          return (node.*&NodeOf::GetProxiedPtr)();
       }
    };
    ROOT::RDF::RCutFlowReport GetCuts(ROOT::RDF::RNode node, bool onlyBefore = true)
    {
       ROOT::RDF::RCutFlowReport report;
       const auto &filter = NodeOf::Get(node);
       filter->GetLoopManagerUnchecked()->Jit();
       onlyBefore ? filter->PartialReport(report) : filter->Report(report);
       return report;
    }
    }""")
    head = ROOT.RDF.AsRNode(ROOT.RDataFrame("Events", gen_files["TTree"]))
    node = ROOT.RDF.AsRNode(head.Filter("event >= 0", "all").Filter("GenJet_pt.size() > 0").Filter("false", "none"))

    def cuts(*arguments):
        report = ROOT.RootInternalsTest.GetCuts(*arguments)
        return [(str(cut.GetName()), int(cut.GetAll()), int(cut.GetPass())) for cut in report]

    assert cuts(node) == [("all", 0, 0), ("none", 0, 0)]
    assert node.Count().GetValue() == 0
    assert cuts(node) == cuts(head, False) == [("all", 240, 240), ("none", 240, 0)]
    ROOT.Internal.RDF.ChangeBeginAndEndEntries(node, 100, 130)
    assert head.Count().GetValue() == 30
    assert cuts(node) == [("all", 30, 30), ("none", 30, 0)]
    assert cuts(head) == []


def test_the_node_behind_cuts_passes_all_on_to_the_head(gen_files, tiny_flow):
    """PutBehindCuts makes a node unknown to ROOT: the graph is drawn, varied and ended early as without it."""
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).Filter("event >= 0", "all").FlashSim(tiny_flow, chunk_size=40)
    drawn = str(ROOT.RDF.SaveGraph(ROOT.RDF.AsRNode(sim.Filter("nJet > 0", "some jets"))))
    assert "some jets" in drawn
    assert "FlashSim::FoldSource" in drawn
    varied = sim.Vary("foldIndex", "ROOT::RVecI{1, 2}", ["one", "two"])
    sums = ROOT.RDF.Experimental.VariationsFor(varied.Sum("foldIndex"))
    assert [sums[name] for name in ("nominal", "foldIndex:one", "foldIndex:two")] == [0, 240, 480]
    ROOT.gInterpreter.Declare("namespace RootInternalsTest { int nEntries = 0; }")
    ends_early = sim.Define("n", "++RootInternalsTest::nEntries").Range(3).Max("n")
    assert ends_early.GetValue() == ROOT.RootInternalsTest.nEntries == 3


def test_graphs_count_their_children_while_they_run(gen_files):
    """Basis of IsRunning, SetRunningAside and Postpone."""
    ROOT.gInterpreter.Declare("""
    #include <ROOT/RDF/RActionBase.hxx>
    #include <ROOT/RDF/RLoopManager.hxx>
    namespace RootInternalsTest {
    ROOT::Detail::RDF::RLoopManager *graph = nullptr;
    struct Graph : ROOT::RDF::RInterfaceBase {
       static void Keep(ROOT::RDF::RNode node) { graph = (node.*&Graph::fLoopManager).get(); }
    };
    struct Children : ROOT::Detail::RDF::RNodeBase {
       static int Count() { return graph->*&Children::fNChildren; }
    };
    int CountActionsThatRan()
    {
       int n = 0;
       for (const auto *action : graph->GetAllActions())
          n += action->HasRun();
       return n;
    }
    }""")
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    ROOT.RootInternalsTest.Graph.Keep(ROOT.RDF.AsRNode(df))
    counted = df.Define("n", "RootInternalsTest::Children::Count()").Define(
        "ran", "RootInternalsTest::CountActionsThatRan()"
    )
    children, ran = counted.Mean("n"), counted.Mean("ran")
    assert ROOT.RootInternalsTest.Children.Count() == 0
    assert (children.GetValue(), ran.GetValue()) == (2, 0)
    assert (ROOT.RootInternalsTest.Children.Count(), ROOT.RootInternalsTest.CountActionsThatRan()) == (0, 2)


def test_trees_whose_branches_differ_are_read_wrongly(tmp_path):
    """Why EntryRangeControl looks at the types of all files. If this fails, ROOT has been mended."""
    files = []
    for element in ("int", "short"):
        df = ROOT.RDataFrame(3).Define("x", f"ROOT::RVec<{element}>{{{element}(rdfentry_), 5}}")
        files.append(snapshot(df, tmp_path / f"{element}.root", ["x"]))
    read = ROOT.RDataFrame("Events", files).Define("sum", "Sum(x)").AsNumpy(["sum"])["sum"]
    assert list(read[:3]) == [5, 6, 7]
    assert list(read[3:]) != [5, 6, 7]


def test_columns_of_the_source_are_told_from_those_of_their_name(gen_files, tiny_flow):
    """By Define, Redefine, Vary; an Alias, also of an alias, counts as its column."""
    sim = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(tiny_flow)

    def is_own(node, column="genEvent"):
        return bool(flashsim._library.cpp().IsGenEventOfFoldSource(ROOT.RDF.AsRNode(node), column))

    assert is_own(sim)
    assert is_own(sim.Filter("foldIndex == 0").Define("other", "genEvent"))
    assert is_own(sim.Alias("first", "genEvent").Alias("second", "first"), "second")
    redefined = sim.Redefine("genEvent", "genEvent / 2")
    assert not is_own(redefined)
    assert not is_own(redefined.Filter("foldIndex == 0").Alias("other", "genEvent"), "other")
    assert not is_own(sim.Vary("genEvent", "ROOT::RVec<ULong64_t>{0, 1}", 2, "number"))
    assert not is_own(sim.Vary("foldIndex", "ROOT::RVecI{0, 1}", 2), "foldIndex")
    assert is_own(sim.Vary("foldIndex", "ROOT::RVecI{0, 1}", 2))
    assert not is_own(ROOT.RDataFrame(3).Define("genEvent", "rdfentry_"))
