"""Event generation: Pythia, jets, particle history, the written file; see test_production.py for parts and jobs."""

from __future__ import annotations

import math
from typing import ClassVar

import awkward as ak
import numpy as np
import pytest
import uproot

from flashsim.generation import CONTEXT, PROCESSES, TARGETS, generate
from flashsim.generation.columns import BRANCHES
from flashsim.generation.gen import events as events_module
from flashsim.generation.gen import jets as jets_module
from flashsim.generation.gen.events import EventRecord, run_pythia
from flashsim.generation.gen.flavour import heavy_flavour
from flashsim.generation.gen.jets import cluster
from flashsim.generation.gen.particles import History, invisible_pt, prune

pytest.importorskip("pythia8mc")
fastjet = pytest.importorskip("fastjet")

NEUTRINOS = (12, 14, 16)
ROOT_TYPE = {
    "uint8": "UChar_t",
    "int16": "Short_t",
    "uint16": "UShort_t",
    "int32": "Int_t",
    "uint32": "UInt_t",
    "uint64": "ULong64_t",
    "float32": "Float_t",
}


pytestmark = pytest.mark.generation


@pytest.fixture(scope="module")
def ttbar_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("generation") / "ttbar.root"
    made = generate(path, "ttbar", events=300, seed=11, jobs=1, progress=False)
    assert made.path == path and made.events == 300 and made.sum_of_weights == 300.0
    return path


@pytest.fixture(scope="module")
def ttbar(ttbar_file):
    return uproot.open(ttbar_file)["Events"].arrays()


@pytest.fixture(scope="module")
def history():
    return History(run_pythia(PROCESSES["ttbar"], 12, 40))


@pytest.fixture(scope="module")
def jets(history):
    return cluster(history)


def delta_r(eta1, phi1, eta2, phi2):
    return np.hypot(eta1 - eta2, (phi1 - phi2 + math.pi) % (2 * math.pi) - math.pi)


class TestFile:
    def test_branches_have_the_types_of_nanoaod(self, ttbar_file):
        ROOT = pytest.importorskip("ROOT")
        frame = ROOT.RDataFrame("Events", str(ttbar_file))
        types = {str(name): str(frame.GetColumnType(name)) for name in frame.GetColumnNames()}
        expected = {}
        for branch in BRANCHES:
            number = ROOT_TYPE[branch.dtype]
            expected[branch.name] = f"ROOT::VecOps::RVec<{number}>" if branch.counter else number
        assert types == expected
        # The types that analyses of NanoAOD rely on, spelled out.
        assert types["GenJet_partonFlavour"] == "ROOT::VecOps::RVec<Short_t>"
        assert types["GenJet_hadronFlavour"] == "ROOT::VecOps::RVec<UChar_t>"
        assert types["GenPart_statusFlags"] == "ROOT::VecOps::RVec<UShort_t>"
        assert types["nJet"] == "Int_t" and types["event"] == "ULong64_t" and types["run"] == "UInt_t"

    def test_branches_are_documented_and_clusters_are_small(self, ttbar_file):
        tree = uproot.open(ttbar_file)["Events"]
        assert all(branch.title and branch.title != branch.name for branch in tree.branches)
        assert tree["Jet_pt"].title == "reconstructed transverse momentum [GeV]"

    def test_several_clusters(self, tmp_path, monkeypatch):
        from flashsim.generation import writer

        monkeypatch.setattr(writer, "CLUSTER_EVENTS", 20)
        generate(tmp_path / "out.root", "zjets", events=50, seed=1, jobs=1, progress=False)
        assert uproot.open(tmp_path / "out.root")["Events"]["nJet"].num_baskets == 3

    def test_event_identity(self, ttbar):
        assert ttbar.event.to_list() == list(range(1, 301))
        assert ttbar.luminosityBlock.to_list() == [1] * 250 + [2] * 50
        assert set(ttbar.run.to_list()) == {1}

    def test_jets_are_sorted_and_within_acceptance(self, ttbar):
        assert ak.all(ttbar.GenJet_pt >= 15.0) and ak.all(abs(ttbar.GenJet_eta) <= 5.0)
        assert ak.all(ttbar.GenJet_pt[:, :-1] >= ttbar.GenJet_pt[:, 1:])
        assert ak.all(ttbar.Jet_pt[:, :-1] >= ttbar.Jet_pt[:, 1:])
        assert ak.any(ttbar.Jet_genJetIdx[:, :-1] > ttbar.Jet_genJetIdx[:, 1:])

    def test_every_generated_jet_is_reconstructed_once(self, ttbar):
        assert ak.all(ttbar.nJet == ttbar.nGenJet)
        assert ak.all(ak.sort(ttbar.Jet_genJetIdx) == ak.local_index(ttbar.GenJet_pt))
        matched_eta = ttbar.GenJet_eta[ttbar.Jet_genJetIdx]
        matched_phi = ttbar.GenJet_phi[ttbar.Jet_genJetIdx]
        distance = delta_r(
            *(ak.flatten(v).to_numpy() for v in (ttbar.Jet_eta, ttbar.Jet_phi, matched_eta, matched_phi))
        )
        assert np.mean(distance < 0.15) > 0.97

    def test_stored_targets_are_inside_their_ranges(self, ttbar):
        for prefix, variables in (("GenJet", CONTEXT), ("Jet", TARGETS)):
            for variable in variables:
                values = ak.flatten(ttbar[f"{prefix}_{variable.name}"]).to_numpy()
                assert values.dtype == np.dtype(variable.dtype)
                assert values.min() >= variable.low and values.max() <= variable.high, variable.name
        total = sum(ttbar[f"Jet_{name}"] for name in ("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF"))
        assert ak.max(total) <= 1.0
        assert ak.all((ttbar.Jet_muEF == 0) == (ttbar.Jet_nMuons == 0))

    def test_flavours_of_top_events(self, ttbar):
        """Two b quarks in nearly all events, b and anti-b alike; W decays and radiation give the others."""
        flavour = ttbar.GenJet_partonFlavour
        assert set(np.unique(ak.flatten(abs(flavour)))) <= {0, 1, 2, 3, 4, 5, 21}
        assert ak.all((abs(flavour) == 5) == (ttbar.GenJet_hadronFlavour == 5))
        assert ak.all((abs(flavour) == 4) == (ttbar.GenJet_hadronFlavour == 4))
        assert 1.7 < ak.mean(ak.sum(abs(flavour) == 5, axis=1)) < 2.2
        b, anti_b = ak.sum(flavour == 5), ak.sum(flavour == -5)
        assert abs(b - anti_b) < 4 * math.sqrt(b + anti_b)
        central = ak.sum((abs(flavour) == 5) & (ttbar.GenJet_pt > 30) & (abs(ttbar.GenJet_eta) < 2.4), axis=1)
        assert 0.45 < ak.mean(central >= 2) < 0.8
        gluon, light = ak.mean(flavour == 21), ak.mean((abs(flavour) >= 1) & (abs(flavour) <= 3))
        assert 0.1 < gluon < 0.45 and 0.2 < light < 0.5

    def test_b_jets_are_tagged(self, ttbar):
        is_b = (ttbar.GenJet_hadronFlavour == 5)[ttbar.Jet_genJetIdx]
        central = (ttbar.Jet_pt > 30) & (abs(ttbar.Jet_eta) < 2.3)
        assert ak.mean(ttbar.Jet_btag[is_b & central] > 0.6) > 0.7
        assert ak.mean(ttbar.Jet_btag[~is_b & central] > 0.6) < 0.2


class TestGenPart:
    def test_mothers_come_first_and_make_sense(self, ttbar):
        mother = ttbar.GenPart_genPartIdxMother
        assert ak.all(mother < ak.local_index(mother)) and ak.all(mother >= -1)
        identity = abs(ttbar.GenPart_pdgId)
        mother_identity = ak.where(mother >= 0, identity[ak.where(mother >= 0, mother, 0)], 0)
        hard = (ttbar.GenPart_statusFlags >> 7) & 1 == 1
        from_w = (identity <= 16) & hard & (mother_identity == 24)
        assert ak.all(ak.sum(from_w, axis=1) == 4)  # two decays of two W bosons
        w = (identity == 24) & (ttbar.GenPart_status == 22)
        assert ak.all(ak.sum(w, axis=1) == 2) and ak.all(mother_identity[w] == 6)

    def test_flags_of_the_hard_process(self, ttbar):
        flags, identity = ttbar.GenPart_statusFlags, abs(ttbar.GenPart_pdgId)
        last_top = (identity == 6) & ((flags >> 13) & 1 == 1)
        first_top = (identity == 6) & ((flags >> 12) & 1 == 1)
        assert ak.all(ak.sum(last_top, axis=1) == 2) and ak.all(ak.sum(first_top, axis=1) == 2)
        assert ak.all(((flags >> 8) & 1)[last_top] == 1) and ak.all((flags & 1)[last_top] == 1)
        hadron = (heavy_flavour(ak.flatten(ttbar.GenPart_pdgId).to_numpy().astype(np.int64)) != 0).sum()
        assert hadron > 2 * len(ttbar) * 0.95
        assert 15 < ak.mean(ttbar.nGenPart) < 60

    def test_against_a_walk_through_the_record(self, history):
        """Pointer doubling finds the same ancestry as following the mothers one by one."""
        record = history.record
        pruned = prune(history)
        kept = np.zeros(len(record.pdg_id), dtype=bool)
        kept[pruned.index] = True
        begin = np.cumsum(pruned.counts) - pruned.counts
        for index, mother in zip(pruned.index[:400], pruned.mother[:400], strict=True):
            hadrons = taus = 0
            nearest = -1
            step = int(record.mother[index])
            while step >= 0:
                if nearest < 0 and kept[step]:
                    nearest = step
                hadrons += bool(history.hadron[step])
                taus += bool(history.tau[step])
                step = int(record.mother[step])
            assert bool(history.from_hadron[index]) == (hadrons > 0)
            assert bool(history.from_tau[index]) == (taus > 0)
            event = record.event[index]
            assert (pruned.index[begin[event] + mother] if mother >= 0 else -1) == nearest
            flags = int(history.status_flags[index])
            assert bool(flags & 1) == (hadrons == 0 and taus == 0)
            assert bool(flags >> 2 & 1) == (taus > 0)

    def test_momentum_is_conserved_by_the_final_particles(self, history):
        record = history.record
        for component, total in ((record.px, 0.0), (record.py, 0.0), (record.energy, 13000.0)):
            sums = np.bincount(record.event[record.final], weights=component[record.final])
            assert np.allclose(sums, total, atol=0.05)

    def test_missing_momentum_balances_the_visible_particles(self, history):
        record = history.record
        visible = record.final & ~np.isin(record.absolute_id, NEUTRINOS)
        pt, phi = invisible_pt(record)
        for component, direction in ((record.px, np.cos(phi)), (record.py, np.sin(phi))):
            seen = np.bincount(record.event[visible], weights=component[visible])
            assert np.allclose(pt * direction, -seen, atol=0.05)
        assert pt.max() > 30.0

    def test_weak_decays_end_the_chain_of_heavy_hadrons(self, history):
        record = history.record
        last = np.flatnonzero(history.last_heavy)
        daughters = np.flatnonzero(np.isin(record.mother, last))
        parent_flavour = np.abs(history.last_heavy[record.mother[daughters]])
        assert len(last) > 2 * record.events * 0.95
        assert not np.any(np.abs(history.heavy[daughters]) == parent_flavour)
        # A b hadron from the string is traced to its b quark, not to the string's other end.
        primary = np.flatnonzero(
            (np.abs(record.status) >= 81) & (np.abs(record.status) <= 89) & (np.abs(history.heavy) == 5)
        )
        same_quark = record.pdg_id[record.mother[primary]] == history.heavy[primary]
        assert len(primary) >= record.events and np.mean(same_quark) > 0.9


def test_heavy_flavour_of_hadrons():
    flavour = {511: -5, -511: 5, 521: -5, 541: -5, 5122: 5, -5122: -5, 10511: -5, 20513: -5, 5142: 5}
    flavour |= {411: 4, -421: -4, 431: 4, 4122: 4, -4232: -4, 10411: 4, 4403: 0}
    flavour |= {443: 0, 553: 0, 100443: 0, 211: 0, 3122: 0, 2212: 0, 5: 0, 4: 0, 5101: 0, 21: 0, 13: 0}
    assert heavy_flavour(np.array(list(flavour))).tolist() == list(flavour.values())


class TestJets:
    def test_sum_of_constituents(self, history, jets):
        record = history.record
        px, py, pz, energy = (
            np.bincount(jets.constituent_jet, weights=component[jets.constituent], minlength=len(jets.pt))
            for component in (record.px, record.py, record.pz, record.energy)
        )
        assert len(jets.pt) == jets.counts.sum() > 4 * record.events
        assert np.allclose(np.hypot(px, py), jets.pt, rtol=1e-9)
        assert np.allclose(np.arcsinh(pz / jets.pt), jets.eta, atol=1e-9)
        assert np.allclose(np.arctan2(py, px), jets.phi, atol=1e-9)
        assert np.allclose(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0), jets.mass**2, atol=1e-4)

    def test_constituents(self, history, jets):
        record = history.record
        assert np.all(record.final[jets.constituent])
        assert not np.any(np.isin(record.absolute_id[jets.constituent], NEUTRINOS))
        assert len(np.unique(jets.constituent)) == len(jets.constituent)
        event_of_jet = np.repeat(np.arange(record.events), jets.counts)
        assert np.array_equal(record.event[jets.constituent], event_of_jet[jets.constituent_jet])
        muons = [np.sum(record.absolute_id[jets.constituent[jets.constituent_jet == j]] == 13) for j in range(80)]
        assert jets.muons[:80].tolist() == muons and jets.muons.sum() > 0

    def test_ghosts_do_not_change_the_jets(self, history, jets, monkeypatch):
        """Clustering the visible particles alone, with FastJet's other interface, gives the same jets."""
        record = history.record
        monkeypatch.setattr(jets_module, "LEPTON_FRACTION", math.inf)
        all_jets = cluster(history)
        definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4)
        for event in range(5):
            visible = record.final & (record.event == event) & ~np.isin(record.absolute_id, NEUTRINOS)
            momenta = zip(*(c[visible].tolist() for c in (record.px, record.py, record.pz, record.energy)), strict=True)
            sequence = fastjet.ClusterSequence([fastjet.PseudoJet(*momentum) for momentum in momenta], definition)
            expected = sorted((j.pt() for j in sequence.inclusive_jets(15.0) if abs(j.eta()) < 5.0), reverse=True)
            begin = all_jets.counts[:event].sum()
            assert np.allclose(all_jets.pt[begin : begin + all_jets.counts[event]], expected, rtol=1e-9)

    def test_hadron_flavour_is_near_a_heavy_hadron(self, history, jets):
        record = history.record
        event_of_jet = np.repeat(np.arange(record.events), jets.counts)
        jet_energy = np.bincount(jets.constituent_jet, weights=record.energy[jets.constituent])
        jet_rapidity = np.arctanh(jets.pt * np.sinh(jets.eta) / jet_energy)
        for flavour in (4, 5):
            for jet in np.flatnonzero(jets.hadron_flavour == flavour):
                near = (np.abs(history.last_heavy) == flavour) & (record.event == event_of_jet[jet])
                rapidity = np.arctanh(record.pz[near] / record.energy[near])
                distance = delta_r(rapidity, record.phi[near], jet_rapidity[jet], jets.phi[jet])
                assert distance.min() < 0.6
        isolated = np.flatnonzero((np.abs(history.last_heavy) == 5) & (record.pt > 40) & (np.abs(record.eta) < 4))
        found = []
        for hadron in isolated:
            near = event_of_jet == record.event[hadron]
            distance = delta_r(record.eta[hadron], record.phi[hadron], jets.eta[near], jets.phi[near])
            found.append(jets.hadron_flavour[near][distance.argmin()] == 5)
        assert len(found) > 30 and np.mean(found) > 0.95
        b_jets = jets.hadron_flavour == 5
        quark = (record.absolute_id == 5) & history.last_copy & (record.pt > 20.0)
        signs = []
        for jet in np.flatnonzero(b_jets & (jets.pt > 30)):
            near = np.flatnonzero(quark & (record.event == event_of_jet[jet]))
            distance = delta_r(record.eta[near], record.phi[near], jets.eta[jet], jets.phi[jet])
            if len(near) and distance.min() < 0.2:
                signs.append(record.pdg_id[near[distance.argmin()]] == jets.parton_flavour[jet])
        assert len(signs) > 20 and np.mean(signs) > 0.95

    def test_jets_of_w_bosons_carry_the_flavour_of_its_quarks(self, history, jets):
        record = history.record
        event_of_jet = np.repeat(np.arange(record.events), jets.counts)
        quarks = np.flatnonzero((np.abs(record.status) == 23) & (record.absolute_id <= 3) & (record.pt > 30))
        correct = []
        for quark in quarks:
            near = np.flatnonzero(event_of_jet == record.event[quark])
            distance = delta_r(record.eta[quark], record.phi[quark], jets.eta[near], jets.phi[near])
            if distance.min(initial=9.0) < 0.15:
                correct.append(jets.parton_flavour[near[distance.argmin()]] == record.pdg_id[quark])
        assert len(correct) > 20 and np.mean(correct) > 0.85

    def test_lone_leptons_are_no_jets(self, tmp_path, monkeypatch):
        generate(tmp_path / "clean.root", "zjets", events=60, seed=3, jobs=1, progress=False)
        monkeypatch.setattr(jets_module, "LEPTON_FRACTION", math.inf)
        generate(tmp_path / "all.root", "zjets", events=60, seed=3, jobs=1, progress=False)
        clean, everything = (uproot.open(tmp_path / f"{name}.root")["Events"].arrays() for name in ("clean", "all"))
        flags = clean.GenPart_statusFlags
        identity = abs(clean.GenPart_pdgId)
        leptons = ((identity == 11) | (identity == 13)) & (clean.GenPart_status == 1) & (flags & 1 == 1)
        leptons = leptons & (clean.GenPart_pt > 20) & (abs(clean.GenPart_eta) < 4.5)

        def overlaps(events):
            pairs = ak.cartesian(
                {
                    "lepton": ak.zip({"pt": clean.GenPart_pt, "eta": clean.GenPart_eta, "phi": clean.GenPart_phi})[
                        leptons
                    ],
                    "jet": ak.zip({"pt": events.GenJet_pt, "eta": events.GenJet_eta, "phi": events.GenJet_phi}),
                }
            )
            lepton, jet = ak.unzip(ak.flatten(pairs))
            near = delta_r(*(ak.to_numpy(v) for v in (lepton.eta, lepton.phi, jet.eta, jet.phi))) < 0.2
            return int(np.sum(near & ak.to_numpy(lepton.pt > 0.8 * jet.pt)))

        assert overlaps(everything) > 60
        assert overlaps(clean) == 0
        # Jets without a lone lepton are all still there.
        assert 0.3 < ak.mean(clean.nGenJet) < ak.mean(everything.nGenJet) - 1.0


class TestProcesses:
    @pytest.mark.parametrize("name", sorted(PROCESSES))
    def test_runs(self, name, tmp_path):
        made = generate(tmp_path / "out.root", name, events=10, seed=4, jobs=1, progress=False)
        events = uproot.open(made)["Events"].arrays()
        assert len(events) == 10 and made.process == name and ak.sum(events.nGenJet) == made.jets > 0
        if name == "zjets":
            leptons = np.isin(ak.flatten(abs(events.GenPart_pdgId)).to_numpy(), (11, 13))
            assert leptons.sum() >= 20

    def test_qcd_weights_undo_the_bias(self, tmp_path):
        made = generate(tmp_path / "out.root", "qcd", events=60, seed=4, jobs=1, progress=False)
        events = uproot.open(made)["Events"].arrays()
        outgoing = events.GenPart_pt[events.GenPart_status == 23]
        assert ak.all(ak.num(outgoing) == 2)
        pt_hat = ak.to_numpy(outgoing[:, 0]).astype(float)
        # The selection is enhanced by (pT-hat / 30 GeV)^4, so the weight is its inverse.
        identity = abs(events.GenPart_pdgId[events.GenPart_status == 23])
        heavy = ak.to_numpy(ak.any((identity == 4) | (identity == 5), axis=1))
        weight = ak.to_numpy(events.genWeight)
        assert np.allclose(weight[~heavy], (30.0 / pt_hat[~heavy]) ** 4, rtol=1e-3)
        # The kinematics of heavy quarks is adapted to their mass after pT-hat was chosen.
        assert np.allclose(weight, (30.0 / pt_hat) ** 4, rtol=0.1)
        assert pt_hat.min() > 29.9 and np.ptp(np.log(pt_hat)) > 1.0
        assert made.sum_of_weights == pytest.approx(float(ak.sum(events.genWeight)), rel=1e-6)


def test_events_that_pythia_gives_up_on_are_replaced(monkeypatch):
    """A batch that comes back short is filled up; one that stays empty is an error, not an endless loop."""
    import pythia8mc

    class Reluctant:
        asked: ClassVar[list[int]] = []
        most = 3

        def __init__(self, *arguments):
            self.genuine = pythia8mc_pythia(*arguments)
            self.readString, self.init = self.genuine.readString, self.genuine.init

        def nextBatch(self, count, errorMode):
            self.asked.append(count)
            return self.genuine.nextBatch(min(count, self.most), errorMode=errorMode)

    pythia8mc_pythia = pythia8mc.Pythia
    monkeypatch.setattr(pythia8mc, "Pythia", Reluctant)
    record = run_pythia(PROCESSES["zjets"], 5, 7)
    assert isinstance(record, EventRecord) and record.events == 7 and Reluctant.asked == [7, 4, 1]
    assert np.array_equal(record.pdg_id[record.offsets[:-1]], np.full(7, 90))
    monkeypatch.setattr(Reluctant, "most", 0)
    monkeypatch.setattr(events_module, "_ATTEMPTS", 2)
    with pytest.raises(RuntimeError, match="7 of 7 events are missing"):
        run_pythia(PROCESSES["zjets"], 5, 7)
