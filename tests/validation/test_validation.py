"""Validation of flows as a whole: numbers, documents, and the errors of unusable data."""

from __future__ import annotations

import json

import awkward as ak
import numpy as np
import pytest
import uproot

pytest.importorskip("jinja2")
pytest.importorskip("scipy")
pytest.importorskip("sklearn")

import flashsim
import tiny_flows
from flashsim.pairs import DatasetError, Pairs
from flashsim.validation import Requirement, Tagger, Validation, broken, read_json, simulate, validate, write_json
from validation_samples import smearing_pairs, tagging_pairs, write_smearing_events, write_tagging_flow


@pytest.fixture(scope="module")
def tagging_flow(tmp_path_factory):
    return write_tagging_flow(tmp_path_factory.mktemp("flows") / "tagging.onnx")


@pytest.fixture(scope="module")
def perfect(tagging_flow):
    return validate(tagging_flow, tagging_pairs(8000, seed=5), repeat=4, classifier_repeat=1, label="perfect")


@pytest.fixture(scope="module")
def shifted(tagging_flow):
    pairs = tagging_pairs(8000, seed=5, separation=1.4, shift=1.0)
    return validate(tagging_flow, pairs, repeat=4, classifier_repeat=1, label="shifted")


def test_all_metrics_are_there(perfect):
    variables = ("pt", "btag", "nMuons")
    assert list(perfect.metrics) == [
        *(f"wasserstein/{name}" for name in variables),
        *(f"ks/{name}" for name in variables),
        "frechet",
        "covariance",
        "abc/btag",
        "c2st",
    ]
    assert (perfect.label, perfect.rows, perfect.events, perfect.seed) == ("perfect", 8000, 4000, 1)
    assert perfect.outside == {}
    assert perfect.training == {"note": "written by hand"}


def test_a_perfect_flow_is_at_the_floor(perfect):
    assert sum(not metric.at_floor for metric in perfect.metrics.values()) <= 1


def test_a_wrong_flow_is_found_out(perfect, shifted):
    for name in ("wasserstein/pt", "ks/pt", "frechet", "abc/btag", "c2st"):
        assert not shifted.metrics[name].at_floor, name
        assert perfect.metrics[name].at_floor, name
    deviation = shifted.samples.target[:, 0].std()
    assert shifted.metrics["wasserstein/pt"].value == pytest.approx(1 / deviation, abs=0.05)
    assert set(list(shifted.importance)[:3]) >= {"pt", "GEN pt"}


def test_validation_repeats_itself(tagging_flow, perfect):
    again = validate(tagging_flow, tagging_pairs(8000, seed=5), repeat=4, classifier_repeat=1)
    assert again.metrics == perfect.metrics
    other = validate(tagging_flow, tagging_pairs(8000, seed=5), seed=2, repeat=4, classifier_repeat=1)
    assert other.metrics != perfect.metrics


def test_rows_have_noise_of_their_own_in_every_piece(tiny_flow, monkeypatch):
    flow = flashsim.Flow(tiny_flow)
    context = np.tile(np.float32([[50, 0]]), (700, 1))
    told = []
    whole = simulate(flow, context, seed=3, progress=told.append)
    assert told == [700]
    assert len(np.unique(whole[:, 0])) > 690
    monkeypatch.setattr("flashsim.validation.samples._ROWS_AT_ONCE", 128)
    np.testing.assert_array_equal(simulate(flow, context, seed=3), whole)


def test_document_holds_everything_but_the_rows(perfect, shifted, tmp_path):
    write_json([perfect, shifted], tmp_path / "validation.json")
    for found, wanted in zip(read_json(tmp_path / "validation.json"), (perfect, shifted), strict=True):
        assert found.samples is None
        assert found.to_dict() == wanted.to_dict()
        assert found.metrics == wanted.metrics
        assert found.taggers == wanted.taggers
    document = json.loads((tmp_path / "validation.json").read_text())
    entry = document["validations"][1]["metrics"]["ks/pt"]
    assert entry["verdict"] == shifted.metrics["ks/pt"].verdict
    assert not entry["at_floor"]


def test_documents_that_are_none(tmp_path, perfect):
    path = tmp_path / "validation.json"
    path.write_text("[]")
    with pytest.raises(ValueError, match="not a document of validations"):
        read_json(path)
    document = perfect.to_dict()
    del document["files"], document["rows"]
    with pytest.raises(ValueError, match="a validation: files, rows missing"):
        Validation.from_dict(document)


def test_table_has_a_line_for_each_metric(shifted):
    table = shifted.table()
    assert table.row_count == len(shifted.metrics)
    assert "on shifted: 8000 rows of 4000 events" in table.title


def test_broken_requirements_are_named(shifted):
    requirements = [Requirement.parse(text) for text in ("ks=0.02", "wasserstein/pt=9", "frechet=2x")]
    lines = broken(shifted, requirements)
    assert [line.split(" = ")[0] for line in lines] == [
        *(name for name, metric in shifted.metrics.items() if metric.family == "ks" and metric.value > 0.02),
        "frechet",
    ]
    assert "2 × its floor" in lines[-1]
    assert "of shifted" in lines[0]
    with pytest.raises(
        ValueError, match=r"validation of shifted has no metric 'ks/mass'; its metrics are wasserstein/pt"
    ):
        broken(shifted, [Requirement("ks/mass", 1.0)])


def test_flow_without_taggers_says_so(tiny_flow):
    found = validate(tiny_flow, smearing_pairs(2000, seed=1), repeat=2, classifier_repeat=1)
    assert "No ROC curves" in found.notes[0]
    assert not any(name.startswith("abc") for name in found.metrics)
    # A constant target: nothing to scale with, nothing to compare.
    assert found.metrics["wasserstein/nConstituents"].value == 0
    assert found.metrics["wasserstein/nConstituents"].at_floor


def test_rare_signal_leaves_the_curve_out(tagging_flow):
    pairs = tagging_pairs(2000, seed=5)
    pairs.context[60:, 1] = 21
    found = validate(tagging_flow, pairs, repeat=2, classifier_repeat=1)
    assert "No ROC curve of btag" in found.notes[0]
    assert "signal rows" in found.notes[0]


def test_tagger_of_choice(tagging_flow):
    pairs = tagging_pairs(4000, seed=5)
    tagger = Tagger("btag", signal=(5,), background=(21,), lowest_efficiency=0.5)
    found = validate(tagging_flow, pairs, repeat=2, classifier_repeat=1, taggers=[tagger])
    assert found.taggers == [(tagger, (0.5, 1.0))]
    with pytest.raises(ValueError, match=r"tagger 'qgl' needs the target 'qgl'.*the flow has pt, btag"):
        validate(tagging_flow, pairs, taggers=[Tagger("qgl")])


def test_files_are_read_as_the_flow_names_them(tiny_flow, tmp_path):
    path = write_smearing_events(tmp_path / "events.root", 1200)
    found = validate(tiny_flow, [path, path], rows=2000, repeat=2, classifier_repeat=1)
    assert found.files == ["events.root", "events.root"]
    assert 2000 <= found.rows <= 2001
    assert validate(tiny_flow, path, repeat=2, classifier_repeat=1).files == ["events.root"]


def test_training_data_are_noticed(tmp_path):
    training = {"files": ["other.root", "events.root"]}
    flow = tiny_flows.write_smearing_flow(tmp_path / "trained.onnx", training=training)
    path = write_smearing_events(tmp_path / "events.root", 1200)
    found = validate(flow, [path], repeat=2, classifier_repeat=1)
    assert "trained on events.root, by its metadata: this is not a validation" in found.notes[-1]
    assert found.training == training


def test_unusable_rows_are_counted(tiny_flow, tmp_path):
    path = write_smearing_events(tmp_path / "events.root", 1200, not_finite=[14, 15])
    found = validate(tiny_flow, [path], repeat=2, classifier_repeat=1)
    assert found.dropped == {"Jet_pt not finite": 2}


def test_missing_branches_are_named(tiny_flow, tmp_path):
    path = tmp_path / "events.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {"GenJet_pt": ak.Array([[1.0]]), "Jet_pt": ak.Array([[1.0]])})
    with pytest.raises(DatasetError, match=r"events.root.*GenJet_eta"):
        validate(tiny_flow, [path])


def test_too_few_rows_or_events(tiny_flow):
    with pytest.raises(ValueError, match=r"40 rows of 20 events are too few.*1000 rows of 100 events"):
        validate(tiny_flow, smearing_pairs(40, seed=1))
    few = smearing_pairs(2000, seed=1)
    few.event[:] = np.arange(2000) // 100
    with pytest.raises(ValueError, match="2000 rows of 20 events are too few"):
        validate(tiny_flow, few)
    few.event[:] = np.maximum(0, np.arange(2000) - 1800)
    with pytest.raises(ValueError, match="a few events hold most of the rows"):
        validate(tiny_flow, few)


def test_pairs_of_another_flow(tiny_flow):
    pairs = Pairs(np.ones((2000, 3), np.float32), np.ones((2000, 3), np.float32))
    with pytest.raises(ValueError, match=r"context of the pairs has shape \[2000, 3\], flow 'tiny' needs \[n, 2\]"):
        validate(tiny_flow, pairs)


def test_flows_and_numbers_that_cannot_be(tiny_flow, tmp_path):
    pairs = smearing_pairs(2000, seed=1)
    with pytest.raises(ValueError, match="flow 'tiny' samples in one shot: it takes no steps"):
        validate(tiny_flow, pairs, steps=4)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.onnx"):
        validate("nowhere.onnx", pairs)
    path = tmp_path / "none.onnx"
    path.write_text("no flow")
    with pytest.raises(RuntimeError, match=r"none\.onnx"):
        validate(path, pairs)
    with pytest.raises(ValueError, match="repeat = 1"):
        validate(tiny_flow, pairs, repeat=1)
    with pytest.raises(ValueError, match="seed must be"):
        validate(tiny_flow, pairs, seed=-1)


def test_flow_that_gives_the_impossible(tmp_path):
    metadata = tiny_flows.smearing_metadata()
    metadata["target"][0]["range"] = [0, 60]
    flow = tiny_flows.write_flow(tmp_path / "narrow.onnx", tiny_flows.smearing_nodes(), metadata)
    found = validate(flow, smearing_pairs(2000, seed=1), repeat=2, classifier_repeat=1)
    assert found.outside == {"pt": int(np.sum(found.samples.flow[:, 0] == 60))}
    assert found.outside["pt"] > 100


def test_context_that_the_flow_does_not_take(tmp_path):
    metadata = tiny_flows.smearing_metadata()
    metadata["context"][0]["range"] = [0, 40]
    flow = tiny_flows.write_flow(tmp_path / "narrow.onnx", tiny_flows.smearing_nodes(), metadata)
    pairs = smearing_pairs(2000, seed=1)
    outside = int(np.sum(pairs.context[:, 0] > 40))
    with pytest.raises(ValueError, match=rf"flow '{metadata['name']}' declares: pt \({outside} rows\)"):
        validate(flow, pairs, repeat=2, classifier_repeat=1)
