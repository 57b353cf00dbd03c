"""Rows of context and the objects made of them where each RECO event has its own: another number in each of a fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import ROOT

import flashsim
import tiny_flows

cpp = flashsim._library.cpp()
SOURCES = Path(__file__).parents[2] / "cpp"
N_EVENTS, FOLD_SIZE, SEED = 5, 4, 3


@pytest.fixture(scope="module", autouse=True)
def test_rows():
    """Private headers, as later stages of a simulation use them: a provider whose objects are numbered by their pt."""
    ROOT.gInterpreter.AddIncludePath(str(SOURCES))
    assert ROOT.gInterpreter.Declare("""
    #include "FlashSim/simulate/detail/SampleObjects.hxx"
    namespace TestRows {
    struct Provider : FlashSim::RowProvider {
       bool fIsSameInFold = false;
       std::size_t GetNVariables() const override { return 3; }
       bool IsCollection(std::size_t variable) const override { return variable == 0; }
       bool IsSameInFold() const override { return fIsSameInFold; }
       std::size_t GetSize(std::size_t variable, std::size_t event, std::size_t fold) const override
       {
          return variable == 0 ? (event + 2 * fold) % 4 : 1;
       }
       void
       CopyTo(std::size_t variable, std::size_t event, std::size_t fold, float *out, std::size_t stride) const override
       {
          for (std::size_t i = 0; i < GetSize(variable, event, fold); ++i)
             out[i * stride] = variable == 0 ? 1000 * event + 100 * fold + i : variable == 1 ? 0.25f : float(fold);
       }
    };
    FlashSim::ContextRows
    MakeRows(const FlashSim::DeclaredRanges &ranges, const Provider &provider, int nEvents, int foldSize)
    {
       FlashSim::ContextRows rows;
       for (int event = 0; event < nEvents; ++event)
          rows.AppendFold(ranges, provider, event, {event + 50u, 1, 2, false}, 10, foldSize);
       return rows;
    }
    } // namespace TestRows
    """)


@pytest.fixture(scope="module")
def ranges(tmp_path_factory):
    """A flow whose samples are its context, sorted by pt: the last object comes first."""
    path = tiny_flows.write_echo_flow(tmp_path_factory.mktemp("rows") / "echo.onnx", sort_by="pt")
    return cpp.DeclaredRanges(cpp.OpenFlow(path), cpp.EOutOfRange.kError, ["pt", "phi", "partonFlavour"])


def sizes():
    return [[(event + 2 * fold) % 4 for fold in range(FOLD_SIZE)] for event in range(N_EVENTS)]


def test_each_reco_event_of_a_fold_has_rows_of_its_own(ranges):
    rows = ROOT.TestRows.MakeRows(ranges, ROOT.TestRows.Provider(), N_EVENTS, FOLD_SIZE)
    expected = [
        (1000 * event + 100 * fold + obj, 0.25, fold, event + 50, 10 + fold, obj)
        for event in range(N_EVENTS)
        for fold in range(FOLD_SIZE)
        for obj in range(sizes()[event][fold])
    ]
    context = np.array(list(rows.GetContext())).reshape(-1, 3)
    found = [
        (*(float(x) for x in values), key.fEvent.fEvent, key.fFoldIndex, key.fObject)
        for values, key in zip(context, rows.GetNoise(), strict=True)
    ]
    assert found == expected
    assert list(rows.GetOffsets()) == [0, *np.cumsum(np.ravel(sizes()))]


def test_one_context_for_the_whole_fold_is_that_of_its_first_event(ranges):
    provider = ROOT.TestRows.Provider()
    provider.fIsSameInFold = True
    rows = ROOT.TestRows.MakeRows(ranges, provider, N_EVENTS, FOLD_SIZE)
    number = [of_fold[0] for of_fold in sizes()]
    assert list(rows.GetOffsets()) == [0, *np.cumsum(np.repeat(number, FOLD_SIZE))]
    context = np.array(list(rows.GetContext())).reshape(-1, 3)
    expected = [
        1000 * event + obj for event in range(N_EVENTS) for _ in range(FOLD_SIZE) for obj in range(number[event])
    ]
    assert context[:, 0].tolist() == expected
    assert [key.fFoldIndex for key in rows.GetNoise()] == [
        10 + fold for event in range(N_EVENTS) for fold in range(FOLD_SIZE) for _ in range(number[event])
    ]


def test_objects_are_sorted_within_their_reco_event(ranges):
    rows = ROOT.TestRows.MakeRows(ranges, ROOT.TestRows.Provider(), N_EVENTS, FOLD_SIZE)
    objects = cpp.ObjectTable()
    cpp.SampleObjects(ranges, rows, SEED, 0, objects)
    assert objects.GetNRecoEvents() == N_EVENTS * FOLD_SIZE
    for event in range(N_EVENTS):
        for fold in range(FOLD_SIZE):
            reco_event, size = event * FOLD_SIZE + fold, sizes()[event][fold]
            assert objects.GetSize(reco_event) == size
            pt = [1000 * event + 100 * fold + obj for obj in range(size)]
            assert list(objects.GetTarget["float"](0, reco_event)) == pt[::-1]
            assert list(objects.GetSourceIndex(reco_event)) == list(range(size))[::-1]


def test_a_table_without_events():
    assert cpp.ObjectTable().GetNRecoEvents() == 0
