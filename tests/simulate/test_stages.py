"""Stages: FlashSim on the result of FlashSim, conditioned on its objects; folds stay those of the GEN events."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim
import tiny_flows
from gen_events import snapshot

FOLD_SIZE, SEED = 4, 3
SECOND = {"pt": "Jet_pt", "eta": "Take(GenJet_eta, Jet_genJetIdx)"}
THIRD = {"pt": "Tau_pt * 2", "eta": "0.1f * Tau_nConstituents"}
KEYS = ["event", "foldIndex"]
COLUMNS = ["genEvent", "foldSize", "nJet", "Jet_pt", "Jet_isTight", "nTau", "Tau_pt", "Tau_isTight", "Tau_jetIdx"]


@pytest.fixture(scope="module")
def flows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flows")

    def write(name, source, collection):
        path = folder / f"{name}_{source}_{collection}.onnx"
        return tiny_flows.write_smearing_flow(path, name=name, source=source, collection=collection)

    return {
        "first": write("first", "GenJet", "Jet"),
        "second": write("second", "Jet", "Tau"),
        "third": write("third", "Tau", "Muon"),
        "first again": write("first", "Tau", "Muon"),
    }


def two_stages(gen, flows, **options):
    first = gen.FlashSim(flows["first"], FOLD_SIZE, SEED, **options)
    return first, first.FlashSim(flows["second"], seed=SEED, context=SECOND, **options)


def rows(sim, columns=COLUMNS):
    """{(event, fold index): bytes of the columns}, whatever the order of the entries."""
    arrays = sim.AsNumpy([*KEYS, *columns])
    keys = zip(*(arrays[name].tolist() for name in KEYS), strict=True)
    return {key: b"".join(np.asarray(arrays[name][i]).tobytes() for name in columns) for i, key in enumerate(keys)}


@pytest.fixture(scope="module")
def reference(flows, gen_files, tmp_path_factory):
    """The second stage on a file that holds the first."""
    first = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(flows["first"], FOLD_SIZE, SEED)
    path = snapshot(first, tmp_path_factory.mktemp("stages") / "first.root", cluster=30)
    second = ROOT.RDataFrame("Events", path).FlashSim(flows["second"], seed=SEED, context=SECOND)
    result = rows(second)
    assert len(result) == len(set(result.values())) == 240 * FOLD_SIZE
    return result


@pytest.mark.parametrize(("chunk_size", "block_size"), [(0, 0), (7, 1), (50, 30)])
def test_two_stages_are_the_first_written_and_simulated_from(
    flows, gen_dataset_or_tree, threads, chunk_size, block_size, reference
):
    gen = ROOT.RDataFrame("Events", gen_dataset_or_tree)
    _, second = two_stages(gen, flows, chunk_size=chunk_size, block_size=block_size)
    assert rows(second) == reference


def test_a_file_of_an_rntuple(flows, gen_files, threads, tmp_path, reference):
    first = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(flows["first"], FOLD_SIZE, SEED)
    path = snapshot(first, tmp_path / "first.root", ntuple=True)
    assert rows(ROOT.RDataFrame("Events", path).FlashSim(flows["second"], seed=SEED, context=SECOND)) == reference


def test_three_stages(flows, gen_dataset_or_tree, threads, tmp_path, reference):
    gen = ROOT.RDataFrame("Events", gen_dataset_or_tree)
    _, second = two_stages(gen, flows)
    third = second.FlashSim(flows["third"], seed=SEED, context=THIRD, chunk_size=11)
    found = rows(third, [*COLUMNS, "Muon_pt", "Muon_tauIdx"])
    assert rows(third) == reference
    from_file = ROOT.RDataFrame("Events", snapshot(second, tmp_path / "second.root"))
    assert (
        rows(from_file.FlashSim(flows["third"], seed=SEED, context=THIRD), [*COLUMNS, "Muon_pt", "Muon_tauIdx"])
        == found
    )


def test_folds_are_those_of_the_gen_events(flows, gen_dataset_or_tree):
    _, second = two_stages(ROOT.RDataFrame("Events", gen_dataset_or_tree), flows)
    arrays = second.AsNumpy(["genEvent", "foldIndex", "foldSize"])
    np.testing.assert_array_equal(arrays["genEvent"], np.repeat(np.arange(240), FOLD_SIZE))
    np.testing.assert_array_equal(arrays["foldIndex"], np.tile(np.arange(FOLD_SIZE), 240))
    assert set(arrays["foldSize"]) == {FOLD_SIZE}


def test_each_reco_event_has_noise_of_its_own(flows):
    """All RECO events of a fold have the same context here: only the noise differs."""
    gen = ROOT.RDataFrame(400).Define("GenJet_pt", "ROOT::RVecF(1, 50.f)").Define("GenJet_eta", "ROOT::RVecF(1)")
    context = {"pt": "GenJet_pt", "eta": "GenJet_eta"}
    first = gen.FlashSim(flows["first"], 2)
    for sim, value in (
        (first.FlashSim(flows["second"], context=context), "Tau_pt[0]"),
        (first.DefineFolds(flows["second"], context=context), "Tau_pt[0][0]"),
    ):
        arrays = sim.Define("noise", f"{value} - 50").AsNumpy(["noise", "Jet_pt"])
        noise = arrays["noise"].astype(float).reshape(400, 2)
        jets = np.array([pt[0] for pt in arrays["Jet_pt"]]).reshape(400, 2) - 50
        assert len(np.unique(noise)) > 790  # float32 at 50 GeV
        assert np.std(noise) == pytest.approx(1, abs=0.1)
        for other in (noise[:, 1], jets[:, 0], jets[:, 1]):
            assert abs(np.corrcoef(noise[:, 0], other)[0, 1]) < 4 / np.sqrt(400)


def test_filter_and_define_between_the_stages(flows, gen_dataset_or_tree, threads, reference):
    first = ROOT.RDataFrame("Events", gen_dataset_or_tree).FlashSim(flows["first"], FOLD_SIZE, SEED)
    cut = first.Define("leading", "nJet > 0 ? Jet_pt[0] : 0").Filter("leading > 60", "hard")
    second = cut.FlashSim(flows["second"], seed=SEED, context=SECOND)
    found = rows(second)
    kept = first.Filter("nJet > 0 && Jet_pt[0] > 60").AsNumpy(KEYS)
    assert set(found) == set(zip(*(kept[name].tolist() for name in KEYS), strict=True))
    assert 0 < len(found) < len(reference)
    assert all(reference[key] == row for key, row in found.items())
    assert second.Min("leading").GetValue() > 60


def test_results_of_all_stages_in_any_order(flows, gen_dataset_or_tree, threads):
    def book(gen):
        first, second = two_stages(gen, flows, chunk_size=40)
        behind = second.Filter("nTau > 1", "two taus").Define("softest", "Tau_pt[nTau - 1]")
        return [
            gen.Sum("genWeight"),
            gen.Histo1D("GenJet_pt"),
            first.Count(),
            first.Filter("nJet > 2").Mean("foldIndex"),
            behind.Mean("softest"),
            second.Count(),
            second.Sum("genWeight"),
            behind.OversampledTH1D(("h", "", 20, 0, 200), "softest", "genWeight"),
        ]

    def value(result):
        got = result.GetValue()
        return [got.GetBinContent(i) for i in range(22)] if hasattr(got, "GetBinContent") else float(got)

    alone = [value(book(ROOT.RDataFrame("Events", gen_dataset_or_tree))[i]) for i in range(8)]
    for order in (range(8), reversed(range(8)), [4, 0, 7, 2, 5, 1, 3, 6]):
        booked = book(ROOT.RDataFrame("Events", gen_dataset_or_tree))
        for i in order:
            assert value(booked[i]) == pytest.approx(alone[i], rel=1e-12), i
    booked = book(ROOT.RDataFrame("Events", gen_dataset_or_tree))
    ROOT.RDF.RunGraphs(booked)
    assert [value(result) for result in booked] == [pytest.approx(one, rel=1e-12) for one in alone]


def test_histograms_of_the_last_stage_know_the_folds(flows, gen_dataset_or_tree, threads):
    first, _ = two_stages(ROOT.RDataFrame("Events", gen_dataset_or_tree), flows)
    cut = first.Filter("nJet > 0 && Jet_pt[0] > 45")
    second = cut.FlashSim(flows["second"], seed=SEED, context=SECOND, block_size=20).Define("leading", "Tau_pt[0]")
    h = second.OversampledTH1D(("h", "", 10, 0, 200), "leading", "genWeight", covariance=True)
    arrays = second.AsNumpy(["genEvent", "leading", "genWeight"])
    fold = np.zeros((240, 10))
    for event, leading, weight in zip(*(arrays[n] for n in ("genEvent", "leading", "genWeight")), strict=True):
        if 0 <= leading < 200:
            fold[int(event), int(leading // 20)] += weight / FOLD_SIZE
    np.testing.assert_allclose(h.values(), fold.sum(axis=0), rtol=1e-6)
    np.testing.assert_allclose(h.covariance(), fold.T @ fold, rtol=1e-6, atol=1e-9)


def test_histograms_on_a_file_of_the_first_stage(flows, gen_files, threads, tmp_path):
    """Chunks of the file cut folds, which are joined."""
    first, second = two_stages(ROOT.RDataFrame("Events", gen_files["TTree"]), flows)
    path = snapshot(first, tmp_path / "first.root", cluster=30)

    def fill(node):
        node = node.Filter("nTau > 0").Define("leading", "Tau_pt[0]")
        return node.OversampledTH1D(("h", "", 10, 0, 200), "leading", "genWeight", covariance=True)

    wanted = fill(second)
    for chunk_size in (7, 50, 0):
        from_file = ROOT.RDataFrame("Events", path).FlashSim(
            flows["second"], seed=SEED, context=SECOND, chunk_size=chunk_size, block_size=5
        )
        found = fill(from_file)
        np.testing.assert_allclose(found.values(), wanted.values(), rtol=1e-12)
        np.testing.assert_allclose(found.covariance(), wanted.covariance(), rtol=1e-9, atol=1e-9)


def test_datasets_without_event_numbers(flows, threads):
    gen = ROOT.RDataFrame(30).Define("GenJet_pt", "ROOT::RVecF(2, 50.f)").Define("GenJet_eta", "ROOT::RVecF(2)")
    sim = gen.Filter("rdfentry_ % 3 != 0").FlashSim(flows["first"], 2).FlashSim(flows["second"], context=SECOND)
    arrays = sim.AsNumpy(["genEvent", "foldIndex", "Tau_pt"])
    by_event = {
        (int(e), int(f)): tuple(pt)
        for e, f, pt in zip(*(arrays[n] for n in ("genEvent", "foldIndex", "Tau_pt")), strict=True)
    }
    assert set(by_event) == {(e, f) for e in range(30) if e % 3 for f in range(2)}
    assert len(set(by_event.values())) == 40


def test_report_counts_what_each_stage_has_read(flows, gen_dataset_or_tree, threads):
    gen = ROOT.RDataFrame("Events", gen_dataset_or_tree).Filter("event % 2 == 0", "even")
    first, _ = two_stages(gen, flows, chunk_size=30)
    second = first.Filter("foldIndex > 0", "not the first").FlashSim(flows["second"], context=SECOND, seed=SEED)
    third = second.Filter("foldIndex < 3", "not the last").FlashSim(flows["third"], context=THIRD)
    last = third.Filter("nMuon >= 0", "any")
    assert [str(name) for name in last.GetFilterNames()] == ["even", "not the first", "not the last", "any"]
    report = last.Report()
    counted = {str(cut.GetName()): (int(cut.GetPass()), int(cut.GetAll())) for cut in report.GetValue()}
    assert counted == {
        "even": (120, 240), "not the first": (360, 480), "not the last": (240, 360), "any": (240, 240),
    }  # fmt: skip


def test_results_are_right_after_an_error(flows, gen_dataset_or_tree, threads, reference):
    gen = ROOT.RDataFrame("Events", gen_dataset_or_tree)
    first, second = two_stages(gen, flows, chunk_size=60)
    broken = first.FlashSim(
        flows["third"], context={"pt": "event % 100 == 99 ? -Jet_pt : Jet_pt", "eta": "0.f * Jet_pt"}
    )
    for _ in range(2):
        with pytest.raises(RuntimeError, match="context variable 'pt' of Tau 0"):
            broken.Mean("Muon_pt").GetValue()
    assert gen.Count().GetValue() == 240
    assert first.Count().GetValue() == 240 * FOLD_SIZE
    assert rows(second) == reference


def test_a_callback_asks_for_results_of_earlier_stages(flows, gen_dataset_or_tree, threads, reference):
    gen = ROOT.RDataFrame("Events", gen_dataset_or_tree)
    first, second = two_stages(gen, flows, chunk_size=40)
    other = first.FlashSim(flows["third"], seed=SEED, context={"pt": "Jet_pt", "eta": "0.f * Jet_pt"}, chunk_size=23)
    ROOT.gInterpreter.Declare("""
    #ifndef STAGES_ASK
    #define STAGES_ASK
    #include <mutex>
    struct StagesAsk {
       static inline std::vector<double> fSeen;
       static void At(ROOT::RDF::RResultPtr<ULong64_t> &counted, std::vector<ROOT::RDF::RResultPtr<ULong64_t>> asked)
       {
          fSeen.clear();
          counted.OnPartialResult(ROOT::RDF::RResultPtr<ULong64_t>::kOnce, [asked](ULong64_t &) mutable {
             for (auto &one : asked)
                fSeen.push_back(double(*one));
          });
       }
    };
    #endif
    """)
    counted = second.Count()
    asked = ROOT.std.vector["ROOT::RDF::RResultPtr<ULong64_t>"]([gen.Count(), first.Count(), other.Count()])
    ROOT.StagesAsk.At(counted, asked)
    try:
        assert counted.GetValue() == 240 * FOLD_SIZE
        assert list(ROOT.StagesAsk.fSeen) == [240, 240 * FOLD_SIZE, 240 * FOLD_SIZE]
    except RuntimeError as refusal:
        assert "was in use by another event" in str(refusal) or "inside the event loop" in str(refusal)
    assert rows(second) == reference


def test_a_range_between_the_stages(flows, gen_dataset_or_tree, reference):
    first = ROOT.RDataFrame("Events", gen_dataset_or_tree).FlashSim(flows["first"], FOLD_SIZE, SEED, chunk_size=20)
    second = first.Range(10, 110).FlashSim(flows["second"], seed=SEED, context=SECOND)
    found = rows(second)
    assert len(found) == 100
    assert all(reference[key] == row for key, row in found.items())
    _, whole = two_stages(ROOT.RDataFrame("Events", gen_dataset_or_tree), flows, chunk_size=20)
    assert whole.Range(30).Count().GetValue() == 30
    assert rows(whole) == reference


def test_samples_are_those_of_the_gen_events(flows, gen_files, threads):
    gen = ROOT.RDataFrame("Events", gen_files["TChain"])
    _, second = two_stages(gen, flows, chunk_size=30)
    marked = second.DefinePerSample("isFirst", 'rdfsampleinfo_.Contains("z.root") ? 1 : 0')
    assert marked.Filter("isFirst == 1").Count().GetValue() == 110 * FOLD_SIZE


def test_what_is_refused(flows, gen_files):
    gen = ROOT.RDataFrame("Events", gen_files["TTree"])
    first = gen.FlashSim(flows["first"], FOLD_SIZE, SEED)
    with pytest.raises(RuntimeError, match="fold size is 2, but the dataframe holds RECO events already"):
        first.FlashSim(flows["second"], 2, context=SECOND)
    for column in ("genEvent", "foldIndex", "foldSize"):
        with pytest.raises(RuntimeError, match=f"column '{column}' was redefined behind FlashSim"):
            first.Redefine(column, f"{column} + 0").FlashSim(flows["second"], context=SECOND)
    with pytest.raises(RuntimeError, match=r"already has a column 'foldIndex'.* a column of genEvent, foldIndex and"):
        gen.Define("foldIndex", "1").FlashSim(flows["first"])
    faked = gen.Define("foldIndex", "1.5").Define("genEvent", "event").Define("foldSize", "3")
    with pytest.raises(RuntimeError, match="column 'foldIndex' has type 'double', but identifies RECO events"):
        faked.FlashSim(flows["first"])
    second = first.FlashSim(flows["second"], seed=SEED, context=SECOND)
    with pytest.raises(RuntimeError, match=r"another flow with the name 'first' .* with the same seed"):
        second.FlashSim(flows["first again"], seed=SEED, context=THIRD)
    assert second.FlashSim(flows["first again"], seed=SEED + 1, context=THIRD).Count().GetValue() == 960


def test_a_variation_between_the_stages_is_refused_where_it_is_read(flows, gen_files):
    first = ROOT.RDataFrame("Events", gen_files["TTree"]).FlashSim(flows["first"], FOLD_SIZE, SEED)
    varied = first.Vary("Jet_pt", "ROOT::RVec<ROOT::RVecF>{Jet_pt * 0.9f, Jet_pt * 1.1f}", 2, "jes")
    with pytest.raises(RuntimeError, match=r"column 'Jet_pt', context variable 'pt' .* is varied upstream"):
        varied.FlashSim(flows["second"], context={"pt": "Jet_pt", "eta": "0.f * Jet_nConstituents"})
    second = first.FlashSim(flows["second"], seed=SEED, context=SECOND)
    assert flashsim.Flow(flows["second"]).source == "Jet"
    shifted = second.Vary("Tau_pt", "ROOT::RVec<ROOT::RVecF>{Tau_pt * 0.9f, Tau_pt * 1.1f}", 2, "tes")
    nominal = shifted.Filter("nTau > 0").Define("leading", "Tau_pt[0]").Mean("leading")
    assert len(ROOT.RDF.Experimental.VariationsFor(nominal).GetKeys()) == 3


def test_progress_counts_gen_events_in_any_stage(flows, gen_dataset_or_tree):
    _, second = two_stages(ROOT.RDataFrame("Events", gen_dataset_or_tree), flows, chunk_size=60)
    progress = flashsim._library.cpp().LoopProgress(ROOT.RDF.AsRNode(second))
    assert second.Count().GetValue() == 240 * FOLD_SIZE
    assert (progress.GetNDone(), progress.GetNTotal(), progress.GetNEvents()) == (240, 240, 240 * FOLD_SIZE)


def test_the_fold_size_of_all_stages_is_that_of_the_first(flows, gen_files):
    gen = ROOT.RDataFrame("Events", gen_files["TTree"])
    first, second = two_stages(gen, flows)
    third = second.FlashSim(flows["third"], seed=SEED, context=THIRD)
    sizes = [flashsim._library.cpp().GetFoldSize(ROOT.RDF.AsRNode(node)) for node in (gen, first, second, third)]
    assert sizes == [0, FOLD_SIZE, FOLD_SIZE, FOLD_SIZE]
