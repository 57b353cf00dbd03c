"""GEN events that come again where they must not: whole ones, single ones among many, and from thread to thread."""

from __future__ import annotations

import re

import numpy as np
import pytest
import ROOT

import flashsim  # noqa: F401
from identified_rows import MODEL, failure
from samples import implicit_multi_threading, make_rows, select

ROOT.gInterpreter.Declare("""
#include <atomic>
#include <bitset>
#include <chrono>
#include <memory>
#include <thread>

namespace Reappearing {

/// A filter that lets rows pass once all threads have one, so that no thread takes the tasks of the others.
struct Meeting {
   explicit Meeting(int n) : fExpected(n) {}
   int fExpected;
   std::chrono::steady_clock::time_point fEnd = std::chrono::steady_clock::now() + std::chrono::seconds(5);
   std::shared_ptr<std::atomic<unsigned long>> fSlots = std::make_shared<std::atomic<unsigned long>>(0);
   bool operator()(unsigned int slot) const
   {
      *fSlots |= 1UL << slot;
      while (std::bitset<64>(*fSlots).count() < std::size_t(fExpected) && std::chrono::steady_clock::now() < fEnd)
         std::this_thread::yield();
      return true;
   }
};

} // namespace Reappearing
""")


def assert_noticed(rows, capfd):
    message = failure(ROOT.RDF.FromNumpy(rows).OversampledTH1D(MODEL, "x", "w"), capfd)
    assert re.search(r"OversampledTH1D 'h': .*appears again .*contiguous=False", message)


def insert(rows, index, place):
    """The rows with those of an index once more, before the given place."""
    return select(rows, np.insert(np.arange(len(rows["x"])), place, index))


@pytest.mark.parametrize("kept", [1.0, 0.6], ids=["complete", "incomplete"])
def test_part_of_a_sample_that_is_read_twice(kept, threads, capfd):
    """Only their numbers reveal that GEN events reappear: none has more RECO events than its fold size."""
    rows = make_rows(fold_size=2)
    rows = select(rows, np.random.default_rng(4).uniform(size=len(rows["x"])) < kept)
    assert_noticed(insert(rows, np.arange(60, 80), len(rows["x"]) - 40), capfd)


def test_some_complete_events_come_again_among_many(threads, capfd):
    """More GEN events than are remembered, all complete: a sample of them must do."""
    assert_noticed(insert(make_rows(n_gen=20_000, fold_size=1), np.arange(100, 140), 19_000), capfd)


@pytest.mark.parametrize("cut", [100, 4000, 9000, 13_000, 14_000])
def test_one_fold_that_is_cut_among_many(cut, threads, capfd):
    """Up to 16384 incomplete GEN events are all remembered, however many complete ones there are."""
    rows = make_rows(n_gen=30_000, fold_size=2)
    keep = np.ones(60_000, dtype=bool)
    keep[1:24_000:2] = False  # one RECO event of each of the first 12 000
    keep[2 * cut : 2 * cut + 2] = True
    kept = np.flatnonzero(keep)
    place = int(np.flatnonzero(kept == 2 * cut + 1)[0])
    order = np.insert(np.delete(kept, place), len(kept) - 1001, kept[place])
    assert order[-1000] == 59_000  # it comes between two GEN events, not within one
    assert_noticed(select(rows, order), capfd)


@pytest.mark.parametrize("place", [100, 0], ids=["in the middle", "at the start"])
@pytest.mark.parametrize("fold_size", [1, 2], ids=["complete", "incomplete"])
def test_threads_compare_what_they_have_seen(fold_size, place, capfd):
    """FromNumpy makes a task for each thread; a GEN event comes in the middle of one and anywhere in the other."""
    rows = select(make_rows(n_gen=400, fold_size=fold_size), slice(None, None, fold_size))
    index = np.arange(400)
    index[200 + place] = index[90]
    with implicit_multi_threading(2):
        df = ROOT.RDF.FromNumpy(select(rows, index)).Filter(ROOT.Reappearing.Meeting(2), ["rdfslot_"])
        message = failure(df.OversampledTH1D(MODEL, "x", "w"), capfd)
    assert re.search(r"OversampledTH1D 'h': .*appears again .*contiguous=False", message)
