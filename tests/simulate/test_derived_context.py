"""Context variables derived from several columns, in RDataFrame's strings, against loops in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import ROOT

import flashsim
import tiny_flows

N_EVENTS = 200
MISSING = 10.0
flashsim._library.cpp()


def delta_phi(a, b):
    return (a - b + np.pi) % (2 * np.pi) - np.pi


def delta_r(jet, lepton):
    return np.hypot(jet["eta"] - lepton["eta"], delta_phi(jet["phi"], lepton["phi"]))


@pytest.fixture(scope="module")
def events():
    """Jets and leptons of random events, some without; a lepton in five has a jet that is its copy."""
    rng = np.random.default_rng(5)
    made = []
    for _ in range(N_EVENTS):
        leptons = [
            {"pt": rng.exponential(20) + 5, "eta": rng.normal(0, 1.5), "phi": rng.uniform(-np.pi, np.pi)}
            for _ in range(rng.integers(0, 4))
        ]
        jets = [
            {"pt": rng.exponential(30) + 15, "eta": rng.normal(0, 2), "phi": rng.uniform(-np.pi, np.pi)}
            for _ in range(rng.integers(0, 7))
        ]
        for lepton in leptons:
            if rng.random() < 0.2:
                jets.append({"pt": lepton["pt"] * 1.0002, "eta": lepton["eta"] + 0.002, "phi": lepton["phi"]})
            elif rng.random() < 0.2:  # near, but no copy
                jets.append({"pt": lepton["pt"] * 1.1, "eta": lepton["eta"], "phi": lepton["phi"] - 0.002})
        made.append(
            (
                [{k: float(np.float32(v)) for k, v in jet.items()} for jet in jets],
                [{k: float(v) for k, v in lepton.items()} for lepton in leptons],
            )
        )
    return made


@pytest.fixture(scope="module")
def frame(events):
    """Jets are floats, leptons doubles."""
    columns = {"entry": np.arange(N_EVENTS)}
    ROOT.gInterpreter.Declare("""
    #ifndef DERIVED_CONTEXT_TEST
    #define DERIVED_CONTEXT_TEST
    namespace DerivedContextTest {
    std::vector<std::vector<double>> columns[6];
    void Set(int column, const std::vector<std::vector<double>> &values) { columns[column] = values; }
    template <typename T>
    ROOT::RVec<T> Get(int column, ULong64_t entry)
    {
       return ROOT::RVec<T>(columns[column][entry].begin(), columns[column][entry].end());
    }
    } // namespace DerivedContextTest
    #endif
    """)
    df = ROOT.RDataFrame(len(columns["entry"]))
    for i, name in enumerate(("pt", "eta", "phi")):
        for j, (collection, kind) in enumerate((("Jet", "float"), ("Lepton", "double"))):
            column = ROOT.std.vector["std::vector<double>"]()
            for event in events:
                column.push_back(ROOT.std.vector["double"]([obj[name] for obj in event[j]]))
            ROOT.DerivedContextTest.Set(2 * i + j, column)
            df = df.Define(f"{collection}_{name}", f"DerivedContextTest::Get<{kind}>({2 * i + j}, rdfentry_)")
    return df


def values(frame, expression):
    """[event][object] of an expression."""
    return [np.asarray(x) for x in frame.Define("value", expression).AsNumpy(["value"])["value"]]


def nth_nearest(jet, others, limit, n):
    order = sorted((delta_r(jet, other), i) for i, other in enumerate(others) if delta_r(jet, other) < limit)
    return order[n][1] if len(order) > n else -1


@pytest.mark.parametrize(("limit", "n"), [(np.inf, 0), (1.5, 0), (np.inf, 1), (2.0, 2)])
def test_nth_nearest(frame, events, limit, n):
    arguments = f"{limit}, {n}" if np.isfinite(limit) else f"std::numeric_limits<double>::infinity(), {n}"
    found = values(frame, f"FlashSim::NearestIndex(Jet_eta, Jet_phi, Lepton_eta, Lepton_phi, {arguments})")
    expected = [[nth_nearest(jet, leptons, limit, n) for jet in jets] for jets, leptons in events]
    assert [list(of_event) for of_event in found] == expected
    assert {-1, 0, 1} <= {index for of_event in expected for index in of_event}


def test_nearest_of_the_own_collection(frame, events):
    found = values(frame, "FlashSim::NearestOtherIndex(Jet_eta, Jet_phi)")
    expected = []
    for jets, _ in events:
        far = [sorted((delta_r(jet, other), j) for j, other in enumerate(jets) if j != i) for i, jet in enumerate(jets)]
        expected.append([order[0][1] if order else -1 for order in far])
    assert [list(of_event) for of_event in found] == expected


@pytest.mark.parametrize(("expression", "oracle"), [
    ("FlashSim::TakeOr(Lepton_pt, nearest, 10)", lambda jet, lepton: lepton["pt"]),
    ("FlashSim::DeltaEtaTo(Jet_eta, Lepton_eta, nearest, 10)", lambda jet, lepton: jet["eta"] - lepton["eta"]),
    ("FlashSim::DeltaPhiTo(Jet_phi, Lepton_phi, nearest, 10)", lambda jet, lep: delta_phi(jet["phi"], lep["phi"])),
    ("FlashSim::DeltaRTo(Jet_eta, Jet_phi, Lepton_eta, Lepton_phi, nearest, 10)", delta_r),
])  # fmt: skip
def test_variables_of_the_nearest(frame, events, expression, oracle):
    node = frame.Define("nearest", "FlashSim::NearestIndex(Jet_eta, Jet_phi, Lepton_eta, Lepton_phi, 2.)")
    found = values(node, expression)
    for (jets, leptons), of_event in zip(events, found, strict=True):
        nearest = [nth_nearest(jet, leptons, 2.0, 0) for jet in jets]
        expected = [MISSING if i < 0 else oracle(jet, leptons[i]) for jet, i in zip(jets, nearest, strict=True)]
        np.testing.assert_allclose(of_event, expected, rtol=1e-6, atol=1e-7)


def test_counts_and_sums(frame, events):
    within = values(frame, "FlashSim::CountWithin(Jet_eta, Jet_phi, Lepton_eta, Lepton_phi, 1.)")
    cleaned = values(frame, "FlashSim::IsNoCopy(Jet_pt, Jet_eta, Jet_phi, Lepton_pt, Lepton_eta, Lepton_phi)")
    sums = frame.Define("ht", "FlashSim::SumPt(Jet_pt, Jet_eta, 30, 2.4)").AsNumpy(["ht"])["ht"]
    copies = 0
    for i, (jets, leptons) in enumerate(events):
        assert list(within[i]) == [sum(delta_r(jet, lepton) < 1 for lepton in leptons) for jet in jets]
        is_copy = [
            any(delta_r(jet, lep) <= 0.01 and abs(jet["pt"] - lep["pt"]) <= 0.001 * lep["pt"] for lep in leptons)
            for jet in jets
        ]
        assert list(cleaned[i]) == [int(not copy) for copy in is_copy]
        copies += sum(is_copy)
        expected = sum(jet["pt"] for jet in jets if jet["pt"] > 30 and abs(jet["eta"]) < 2.4)
        assert sums[i] == pytest.approx(expected, rel=1e-6)
    assert copies > 20


def test_bits():
    flags = np.array([0, 1, 8192, 8193, 12288, 32767], dtype=np.int32)
    df = (
        ROOT.RDataFrame(1)
        .Define("flags", "ROOT::RVecI{0, 1, 8192, 8193, 12288, 32767}")
        .Define("small", "ROOT::RVec<short>{-1, 2}")
    )
    for bit in (0, 12, 13, 31):
        (found,) = values(df, f"FlashSim::HasBit(flags, {bit})")
        assert list(found) == list((flags >> bit) & 1)
    (found,) = values(df, "FlashSim::HasBit(small, 15)")
    assert list(found) == [1, 0]
    with pytest.raises(Exception, match="bit 16 of numbers of 16 bits"):
        df.Define("bad", "FlashSim::HasBit(small, 16)").Sum("bad").GetValue()


def test_differences_of_phi_have_one_range():
    cpp = flashsim._library.cpp()
    angles = np.concatenate([np.linspace(-9, 9, 73), np.pi * np.arange(-3, 4)])
    for a in angles:
        for b in (0.0, 1.0, -np.pi):
            found = cpp.PhiDifference(float(a), float(b))
            assert -np.pi <= found < np.pi
            assert np.exp(1j * found) == pytest.approx(np.exp(1j * (a - b)), abs=1e-12)


def test_errors_say_what_was_given(frame):
    with pytest.raises(Exception, match=r"NearestIndex was given collections of . and . values for the same objects"):
        frame.Define("bad", "FlashSim::NearestIndex(Jet_eta, Lepton_phi, Lepton_eta, Lepton_phi)").Sum("bad").GetValue()
    with pytest.raises(Exception, match=r"the index 50 into a collection of . values"):
        bad = frame.Define("bad", "FlashSim::TakeOr(Lepton_pt, ROOT::RVecI(1, 50), 0)")
        bad.Sum("bad").GetValue()


def test_as_context_of_a_flow(frame, tmp_path):
    flow = tiny_flows.write_echo_flow(tmp_path / "echo.onnx", source="Jet", collection="Echo")
    context = {
        "phi": "FlashSim::DeltaPhiTo(Jet_phi, Lepton_phi, "
        "FlashSim::NearestIndex(Jet_eta, Jet_phi, Lepton_eta, Lepton_phi), 0)",
        "partonFlavour": "FlashSim::IsNoCopy(Jet_pt, Jet_eta, Jet_phi, Lepton_pt, Lepton_eta, Lepton_phi)",
    }  # fmt: skip
    sim = frame.FlashSim(flow, 2, context=context).Define("wanted", context["phi"])
    arrays = sim.AsNumpy(["Echo_phi", "wanted", "Echo_jetIdx"])
    for phi, wanted, index in zip(*arrays.values(), strict=True):
        np.testing.assert_array_equal(np.asarray(phi), np.asarray(wanted)[np.asarray(index)])
