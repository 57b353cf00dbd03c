"""Report behind FlashSim: the filters before it in GEN events, as plain ROOT counts them, then those behind."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim
from gen_events import snapshot

cpp = flashsim._library.cpp()

FOLD_SIZE = 3


def cuts(report) -> list[tuple[str, int, int]]:
    return [(str(cut.GetName()), int(cut.GetAll()), int(cut.GetPass())) for cut in report]


def select(df):
    """Two named filters that are compiled when the graph is run, one without a name between them."""
    named = df.Define("ht", "Sum(GenJet_pt)").Filter("ht > 150", "ht").Filter("event % 5 != 0")
    return named.Filter("event % 3 != 0", "two of three")


def simulate(node, flow, **options):
    return node.FlashSim(flow, fold_size=FOLD_SIZE, **{"chunk_size": 40, **options})


def gen_cuts(files) -> list[tuple[str, int, int]]:
    """Of a dataframe on which nothing else is booked."""
    found = cuts(select(ROOT.RDataFrame("Events", files)).Report())
    assert 240 == found[0][1] > found[0][2] > found[1][1] > found[1][2] > 0
    return found


def test_cuts_before_and_behind(gen_dataset, threads, tiny_flow):
    sim = simulate(select(ROOT.RDataFrame("Events", gen_dataset)), tiny_flow)
    selected = sim.Filter("Jet_pt[0] > 60", "leading").Filter("foldIndex != 1").Filter("nJet > 4", "five jets")
    report, count, total = selected.Report(), sim.Count(), selected.Sum("nJet")
    assert not report.IsReady()
    arrays = sim.AsNumpy(["Jet_pt", "foldIndex", "nJet"])
    leading = np.array([pt[0] for pt in arrays["Jet_pt"]]) > 60
    five = leading & (arrays["foldIndex"] != 1) & (arrays["nJet"] > 4)
    assert len(leading) == count.GetValue() == FOLD_SIZE * gen_cuts(gen_dataset)[-1][2]
    behind = [
        ("leading", len(leading), leading.sum()),
        ("five jets", (leading & (arrays["foldIndex"] != 1)).sum(), five.sum()),
    ]
    assert cuts(report) == gen_cuts(gen_dataset) + behind
    assert total.GetValue() == arrays["nJet"][five].sum()
    again = selected.Report()
    assert cuts(again) == cuts(report)
    _, n_all, n_pass = gen_cuts(gen_dataset)[0]
    assert again.At("ht").GetEff() == pytest.approx(100 * n_pass / n_all)


@pytest.mark.parametrize("chunk_size", [0, 1, 7, 1000])
def test_any_chunk_size_gives_the_same_numbers(gen_files, two_threads, tiny_flow, chunk_size):
    sim = simulate(select(ROOT.RDataFrame("Events", gen_files["TTree"])), tiny_flow, chunk_size=chunk_size)
    assert cuts(sim.Define("x", "1").Report()) == gen_cuts(gen_files["TTree"])


def test_which_filters_are_told(gen_files, tiny_flow):
    """Those between the dataset and the node, on the first node all of its own graph: as ROOT has it."""
    df = ROOT.RDataFrame("Events", gen_files["TTree"])
    first = df.Filter("event > 0", "all")
    second = first.Filter("event % 2 == 0", "even")
    from_first, from_head = simulate(first, tiny_flow), simulate(df, tiny_flow)
    behind = from_first.Filter("nJet > 5", "jets")
    other = from_first.Filter("foldIndex == 0", "one fold")
    n_jets = FOLD_SIZE * 240, behind.Count().GetValue()
    reports = {
        "behind": (behind.Report(), [("all", 240, 240), ("jets", *n_jets)]),
        "other": (other.Define("y", "2").Report(), [("all", 240, 240), ("one fold", FOLD_SIZE * 240, 240)]),
        "sim": (from_first.Report(), [("all", 240, 240), ("jets", *n_jets), ("one fold", FOLD_SIZE * 240, 240)]),
        "of the head": (
            from_head.Filter("foldIndex > 0", "later").Report(),
            [("later", FOLD_SIZE * 240, (FOLD_SIZE - 1) * 240)],
        ),
        "upstream": (second.Report(), [("all", 240, 240), ("even", 240, second.Count().GetValue())]),
        "general": (ROOT.RDF.AsRNode(behind).Report(), [("all", 240, 240), ("jets", *n_jets)]),
    }
    for name, (report, expected) in reports.items():
        assert cuts(report) == expected, name
    assert list(behind.GetFilterNames()) == ["all", "jets"]
    assert list(simulate(first.Filter("event > 1"), tiny_flow).GetFilterNames()) == ["all", "Unnamed Filter"]
    assert list(from_head.GetFilterNames()) == []


def test_reports_in_compiled_code(gen_files, tiny_flow):
    ROOT.gInterpreter.Declare("""
    namespace ReportTest {
    std::string Report(ROOT::RDF::RNode sim)
    {
       auto report = sim.Filter([](int index) { return index < 2; }, {"foldIndex"}, "two folds").Report();
       std::string cuts;
       for (const auto &cut : report)
          cuts += cut.GetName() + " " + std::to_string(cut.GetPass()) + "/" + std::to_string(cut.GetAll()) + ";";
       return cuts;
    }
    }""")
    sim = simulate(ROOT.RDataFrame("Events", gen_files["RNTuple"]).Filter("event > 0", "all"), tiny_flow)
    assert str(ROOT.ReportTest.Report(ROOT.RDF.AsRNode(sim))) == "all 240/240;two folds 480/720;"


def test_results_upstream_keep_their_numbers(gen_dataset, threads, tiny_flow):
    def select_more(df):
        return (
            select(df)
            .Define("limit", "200.")
            .Vary("limit", "ROOT::RVecD{limit + 50}", 1)
            .Filter("ht > limit", "varied")
        )

    expected = cuts(select_more(ROOT.RDataFrame("Events", gen_dataset)).Report())
    gen = select_more(ROOT.RDataFrame("Events", gen_dataset))
    before, varied = gen.Report(), ROOT.RDF.Experimental.VariationsFor(gen.Count())
    sim = simulate(gen, tiny_flow)
    pending = gen.Report()
    report = sim.Filter("nJet > 0", "jets").Report()
    assert cuts(report)[:-1] == expected
    late = gen.Report()
    assert cuts(before) == cuts(pending) == cuts(late) == expected
    assert varied["nominal"] == expected[-1][2] > varied["limit:0"] > 0


def test_two_simulations_of_the_same_events(gen_dataset, threads, tiny_flow):
    gen = select(ROOT.RDataFrame("Events", gen_dataset))
    more = gen.Filter("event % 2 == 0", "even")
    one, two = simulate(gen, tiny_flow), simulate(more, tiny_flow, chunk_size=70, seed=2)
    reports = [one.Filter("foldIndex == 0", "first").Report(), two.Report(), gen.Report(), one.Report()]
    ROOT.RDF.RunGraphs(reports)
    expected = gen_cuts(gen_dataset)
    n_events = expected[-1][2]
    fold = ("first", FOLD_SIZE * n_events, n_events)
    even = ("even", n_events, more.Count().GetValue())
    assert [cuts(report) for report in reports] == [[*expected, fold], [*expected, even], expected, [*expected, fold]]
    assert cuts(two.Report()) == [*expected, even]


def test_variations_behind(gen_files, tiny_flow):
    sim = simulate(select(ROOT.RDataFrame("Events", gen_files["TTree"])), tiny_flow)
    varied = sim.Vary("Jet_pt", "ROOT::RVec<ROOT::RVecF>{Jet_pt * 0.5f, Jet_pt * 2.f}", ["down", "up"])
    hard = varied.Filter("Jet_pt[0] > 100", "hard")
    # Of its filters given as text, RDataFrame (6.40) takes varied reports on the general kind of node only.
    reports = ROOT.RDF.Experimental.VariationsFor(ROOT.RDF.AsRNode(hard).Report())
    expected = gen_cuts(gen_files["TTree"])
    passing = []
    for name, factor in (("nominal", 1.0), ("Jet_pt:down", 0.5), ("Jet_pt:up", 2.0)):
        found = cuts(reports[name])
        n_pass = sim.Filter(f"Jet_pt[0] * {factor}f > 100").Count().GetValue()
        assert found == [*expected, ("hard", FOLD_SIZE * expected[-1][2], n_pass)]
        passing.append(n_pass)
    assert len(set(passing)) == 3


def test_a_range_upstream(gen_files, tiny_flow):
    def make():
        return ROOT.RDataFrame("Events", gen_files["TTree"]).Filter("event % 2 == 0", "even").Range(20)

    expected = cuts(make().Report())
    assert 20 <= expected[0][1] < 240
    assert cuts(simulate(make(), tiny_flow).Report()) == expected


def test_a_range_that_ends_the_loop_early(gen_files, tiny_flow):
    """The GEN events that have been read by then are counted, once each."""
    gen = ROOT.RDataFrame("Events", gen_files["TTree"]).Filter("event % 2 == 0", "even")
    (found,) = cuts(simulate(gen, tiny_flow).Range(5).Report())
    assert found[1] % 40 == 0
    assert 40 <= found[1] < 240
    read = ROOT.RDataFrame("Events", gen_files["TTree"]).Range(found[1]).Filter("event % 2 == 0", "even")
    assert [found] == cuts(read.Report())


def test_after_a_failure_the_numbers_start_anew(gen_dataset, threads, tiny_flow):
    sim = simulate(select(ROOT.RDataFrame("Events", gen_dataset)), tiny_flow)
    failing = sim.Define("bad", 'if (genEvent > 130) throw std::runtime_error("stop"); return 1;').Sum("bad")
    with pytest.raises(Exception, match="stop"):
        failing.GetValue()
    del failing
    assert cuts(sim.Report()) == gen_cuts(gen_dataset)


def test_without_events(tmp_path, gen_files, threads, tiny_flow):
    columns = ["run", "luminosityBlock", "event", "GenJet_pt", "GenJet_eta"]
    none = ROOT.RDataFrame("Events", gen_files["TTree"]).Filter("false", "none")
    empty = snapshot(none, tmp_path / "empty.root", columns)
    assert cuts(simulate(none, tiny_flow).Filter("nJet > 0", "jets").Report()) == [("none", 240, 0), ("jets", 0, 0)]
    of_empty = ROOT.RDataFrame("Events", empty).Filter("event > 0", "all")
    assert cuts(simulate(of_empty, tiny_flow).Report()) == [("all", 0, 0)]


def test_inline_folds_are_entries_of_their_graph(gen_dataset, threads, tiny_flow):
    inline = select(ROOT.RDataFrame("Events", gen_dataset)).DefineFolds(tiny_flow, fold_size=FOLD_SIZE)
    expected = gen_cuts(gen_dataset)
    n_events = expected[-1][2]
    assert cuts(inline.Filter("nJet > 0", "jets").Report()) == [*expected, ("jets", n_events, n_events)]


def test_reports_of_tasks_can_be_cloned_and_added(gen_files, tiny_flow):
    """A task of a distributed run clones the report of the first, of which ROOT's own cannot do without errors."""
    sim = simulate(select(ROOT.RDataFrame("Events", gen_files["TTree"])), tiny_flow)
    nodes = [sim, sim.Filter("nJet > 3", "jets"), sim.Filter("nJet > 3", "jets").Filter("foldIndex > 0", "fold_size")]
    reports = [cpp.BookReport(ROOT.RDF.AsRNode(node)) for node in nodes]
    clones = [ROOT.Internal.RDF.CloneResultAndAction(report) for report in reports]
    again = [ROOT.Internal.RDF.CloneResultAndAction(clone) for clone in clones if cuts(clone)]
    for node, *made in zip(nodes, reports, clones, again, strict=True):
        assert [cuts(report) for report in made] == [cuts(node.Report())] * 3
    of_all, of_jets, also_of_jets = (cpp.MakeMergeable(reports[i].GetValue()) for i in (0, 1, 1))
    ROOT.Detail.RDF.MergeValues(of_jets, also_of_jets)
    expected = [(name, 2 * n_all, 2 * n_pass) for name, n_all, n_pass in cuts(reports[1])]
    assert cuts(of_jets.GetValue()) == expected
    with pytest.raises(Exception, match=r"different cuts, .*'two of three', 'jets' and 'ht', .* cannot be added"):
        ROOT.Detail.RDF.MergeValues(of_jets, of_all)
