"""Flows of events: one row for each RECO event, columns of single numbers."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim
import tiny_flows
import tiny_models

FOLD_SIZE, SEED = 3, 9
CONTEXT = {"pt": "GenMET_pt", "eta": "0.5f * nGenJet / 10"}
COLUMNS = ["MET_pt", "MET_nConstituents", "MET_isTight"]


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    return tiny_models.write_event_flow(tmp_path_factory.mktemp("events") / "met.onnx")


def gen(files):
    return ROOT.RDataFrame("Events", files).Define("GenMET_pt", "20.f + event % 50")


@pytest.fixture(scope="module")
def reference(flow, gen_files):
    """{(event, fold index): row}, sampled in Python with the noise keys of the events."""
    df = gen(gen_files["TTree"]).Define("second", CONTEXT["eta"])
    arrays = df.AsNumpy(["run", "luminosityBlock", "event", "GenMET_pt", "second"])
    context = np.stack([arrays["GenMET_pt"], arrays["second"]], axis=1).astype(np.float32)
    names = ("run", "luminosityBlock", "event")
    keys = np.stack([*(arrays[name] for name in names), np.zeros(len(context))], axis=1).astype(np.uint64)
    sample = flashsim.Flow(flow).sample(context, fold_size=FOLD_SIZE, seed=SEED, event_keys=keys)
    return {(int(event), fold): sample[i, fold] for i, event in enumerate(arrays["event"]) for fold in range(FOLD_SIZE)}


def rows(sim):
    arrays = sim.AsNumpy(["event", "foldIndex", *COLUMNS])
    values = zip(*(arrays[name].tolist() for name in COLUMNS), strict=True)
    return dict(zip(zip(arrays["event"].tolist(), arrays["foldIndex"].tolist(), strict=True), values, strict=True))


def check(found, reference):
    assert found.keys() == reference.keys()
    for key, row in reference.items():
        assert found[key] == tuple(row)


@pytest.mark.parametrize(("chunk_size", "block_size"), [(0, 0), (7, 1), (50, 20)])
def test_each_reco_event_has_a_row_of_its_own(flow, gen_dataset_or_tree, threads, reference, chunk_size, block_size):
    sim = gen(gen_dataset_or_tree).FlashSim(
        flow, FOLD_SIZE, SEED, context=CONTEXT, chunk_size=chunk_size, block_size=block_size
    )
    check(rows(sim), reference)
    assert len({row[0] for row in reference.values()}) == len(reference)


def test_the_columns_are_single_numbers(flow, gen_files):
    sim = gen(gen_files["TTree"]).FlashSim(flow, context=CONTEXT)
    types = {str(name): str(sim.GetColumnType(name)) for name in sim.GetColumnNames() if "MET" in str(name)}
    assert types == {
        "MET_pt": "float", "MET_nConstituents": "unsigned char", "MET_isTight": "bool", "GenMET_pt": "float",
    }  # fmt: skip


def test_beside_a_flow_of_objects_both_stay_the_same(flow, gen_files, tmp_path, threads, reference):
    jets = tiny_flows.write_smearing_flow(tmp_path / "jets.onnx")
    df = gen(gen_files["TTree"])
    context = {f"met.{variable}": expression for variable, expression in CONTEXT.items()}
    both = df.FlashSim([jets, flow], FOLD_SIZE, SEED, context=context)
    check(rows(both), reference)
    columns = ["event", "foldIndex", "Jet_pt"]
    alone = df.FlashSim(jets, FOLD_SIZE, SEED).AsNumpy(columns)
    beside = both.Filter("MET_pt > 0 || true").AsNumpy(columns)

    def by_event(arrays):
        return {(e, f): list(pt) for e, f, pt in zip(*(arrays[name] for name in columns), strict=True)}

    assert by_event(beside) == by_event(alone)


def test_inline_folds_have_the_same_numbers(flow, gen_files, reference):
    node = gen(gen_files["TTree"]).DefineFolds(flow, FOLD_SIZE, SEED, context=CONTEXT)
    assert not node.HasColumn("nMET")
    arrays = node.AsNumpy(["event", *COLUMNS])
    found = {
        (int(event), fold): tuple(arrays[name][i][fold] for name in COLUMNS)
        for i, event in enumerate(arrays["event"])
        for fold in range(FOLD_SIZE)
    }
    check(found, reference)


def test_a_histogram_knows_the_folds(flow, gen_files, reference):
    sim = gen(gen_files["TTree"]).FlashSim(flow, FOLD_SIZE, SEED, context=CONTEXT)
    h = sim.OversampledTH1D(("h", "", 5, 0, 100), "MET_pt")
    probabilities = np.zeros((len(reference) // FOLD_SIZE, 5))
    numbers = {event: i for i, event in enumerate(dict.fromkeys(event for event, _ in reference))}
    for (event, _), row in reference.items():
        if 0 <= row[0] < 100:
            probabilities[numbers[event], int(row[0] // 20)] += 1 / FOLD_SIZE
    np.testing.assert_allclose(h.values(), probabilities.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(h.variances(), (probabilities**2).sum(axis=0), rtol=1e-12)


def test_a_collection_as_context_is_refused(flow, gen_files):
    message = (
        r"column 'GenJet_pt' is a collection, but flow 'met' simulates events: each of its context variables takes one "
        r"number .*context=\{'ht': 'Sum\(GenJet_pt\)'\}"
    )
    for method in ("FlashSim", "DefineFolds"):
        with pytest.raises(RuntimeError, match=message):
            getattr(gen(gen_files["TTree"]), method)(flow, context=CONTEXT | {"pt": "GenJet_pt"})


def test_a_value_out_of_range_names_the_event(flow, gen_files):
    sim = gen(gen_files["TTree"]).FlashSim(flow, context=CONTEXT | {"pt": "event == 17 ? -5.f : GenMET_pt"})
    with pytest.raises(RuntimeError, match=r"event 17, context variable .pt. .* is -5; flow .met. takes"):
        sim.Mean("MET_pt").GetValue()
