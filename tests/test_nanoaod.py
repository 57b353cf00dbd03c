"""Real CMS NanoAOD: 40 Drell-Yan events from the test samples of the coffea project, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import ROOT

NANOAOD = Path(__file__).resolve().parents[2] / "shared" / "data" / "nano_dy.root"

pytestmark = pytest.mark.skipif(not NANOAOD.exists(), reason=f"no NanoAOD file at {NANOAOD}")


def test_real_nanoaod_goes_through_the_shipped_flow(threads):
    df = ROOT.RDataFrame("Events", str(NANOAOD))
    with pytest.raises(
        RuntimeError, match="takes 'nMuon' from column 'GenJet_nMuon', which the dataframe does not have"
    ):
        df.FlashSim("jets", prefix="Flash")
    sim = df.FlashSim("jets", folds=5, seed=1, prefix="Flash", context={"nMuon": "ROOT::RVecI(nGenJet, 0)"})
    columns = [
        "event",
        "fold",
        "nGenJet",
        "nFlashJet",
        "FlashJet_pt",
        "FlashJet_phi",
        "FlashJet_jetId",
        "FlashJet_genJetIdx",
    ]
    arrays = sim.AsNumpy([*columns, "GenJet_pt", "GenJet_phi", "GenJet_hadronFlavour", "LHEScaleWeight"])
    assert len(arrays["event"]) == 200
    np.testing.assert_array_equal(arrays["nGenJet"], arrays["nFlashJet"])
    response = []
    for i in range(200):
        index = np.asarray(arrays["FlashJet_genJetIdx"][i])
        assert sorted(index) == list(range(arrays["nGenJet"][i]))
        pt = np.asarray(arrays["FlashJet_pt"][i])
        assert (np.diff(pt) <= 0).all()
        response += list(pt / np.asarray(arrays["GenJet_pt"][i])[index])
        assert set(np.asarray(arrays["FlashJet_jetId"][i])) <= {0, 2, 6}
        assert (np.abs(np.asarray(arrays["FlashJet_phi"][i])) <= np.float32(np.pi)).all()
    assert len(response) > 500
    assert 0.7 < np.median(response) < 1.3


def test_all_columns_of_real_nanoaod_can_be_carried_along(tmp_path):
    df = ROOT.RDataFrame("Events", str(NANOAOD))
    sim = df.FlashSim("jets", folds=2, prefix="Flash", steps=1, context={"nMuon": "ROOT::RVecI(nGenJet, 0)"})
    path = str(tmp_path / "everything.root")
    sim.Snapshot("Events", path)
    back = ROOT.RDataFrame("Events", path)
    assert back.Count().GetValue() == 80
    for column in ["MET_pt", "Muon_pt", "LHEScaleWeight", "GenPart_pdgId"]:
        original = df.AsNumpy([column])[column]
        copy = back.AsNumpy([column])[column]
        for i in range(80):
            np.testing.assert_array_equal(np.asarray(copy[i]), np.asarray(original[i // 2]))
