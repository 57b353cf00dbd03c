"""Batches for a training: every row once per pass, well mixed, events never split, one window in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from flashsim.pairs import Pairs
from flashsim.training.preparation.preprocessing import Preprocessing
from flashsim.training.recipe.sections import VariableConfig
from flashsim.training.rows import TrainingRows


def identity() -> Preprocessing:
    anything = (-1e9, 1e9)
    return Preprocessing([VariableConfig("row", anything, ())], [VariableConfig("twice", anything, ())])


def numbered(rows: int, per_event: int = 1) -> Pairs:
    """Row number i has context i and target 2 i."""
    number = np.arange(rows, dtype=np.float32)[:, None]
    return Pairs(number, 2 * number, event=np.arange(rows) // per_event)


def one_pass(rows: TrainingRows, size: int = 10, seed: int = 1) -> np.ndarray:
    batches = list(rows.batches(identity(), size, np.random.default_rng(seed)))
    assert [len(context) for context, _ in batches[:-1]] == [size] * (len(batches) - 1)
    assert len(batches) == -(-rows.training // size)
    context, target = (np.concatenate([batch[side].numpy() for batch in batches])[:, 0] for side in (0, 1))
    assert context.dtype == np.float32
    assert np.array_equal(target, 2 * context)
    return context


def held_out(rows: TrainingRows, size: int = 10) -> np.ndarray:
    return np.concatenate([context.numpy() for context, _ in rows.validation_batches(identity(), size)])[:, 0]


@pytest.mark.parametrize("window", [7, 64, 150, 1000, 100_000])
@pytest.mark.parametrize("size", [1, 10, 64, 5000])
def test_every_row_is_seen_once(window: int, size: int) -> None:
    rows = TrainingRows(numbered(1000, per_event=3), 0.2, seed=4, window=window)
    training, validation = one_pass(rows, size), held_out(rows, size)
    assert (len(training), len(validation)) == (rows.training, rows.validation)
    assert np.array_equal(np.sort(np.concatenate([training, validation])), np.arange(1000))
    assert not set(training // 3) & set(validation // 3)
    assert np.all(np.diff(validation) > 0)


def test_the_split_depends_on_seed_and_event_only() -> None:
    splits = [held_out(TrainingRows(numbered(1000), 0.2, seed=seed, window=window)) for seed, window in
              ((1, 1000), (1, 64), (2, 1000))]  # fmt: skip
    assert np.array_equal(splits[0], splits[1])
    assert not np.array_equal(splits[0], splits[2])
    longer = held_out(TrainingRows(numbered(1200), 0.2, seed=1))
    assert np.array_equal(longer[longer < 1000], splits[0])


@pytest.mark.parametrize("fraction", [0.05, 0.5])
def test_the_fraction_is_held_out(fraction: float) -> None:
    rows, events = 100_000, 20_000
    deviation = 5 * np.sqrt(events * fraction * (1 - fraction))
    for seed in (0, 1, 2, 2**40):
        assert abs(TrainingRows(numbered(rows, 5), fraction, seed).validation - fraction * rows) < 4 * deviation


def test_held_out_rows_come_from_everywhere() -> None:
    chosen = held_out(TrainingRows(numbered(20_000), 0.1, seed=3))
    counts = np.histogram(chosen, bins=20, range=(0, 20_000))[0]
    assert np.sum((counts - 100.0) ** 2 / 90.0) < 45  # 20 degrees of freedom: exceeded once in 1000


def test_a_window_that_holds_everything_is_shuffled_perfectly() -> None:
    """Places of rows in the pass are uniform and independent of the places of their former neighbours."""
    rows = TrainingRows(numbered(400), 0.01, seed=1, window=400)
    places = []
    for seed in range(300):
        order = one_pass(rows, 50, seed)
        place = np.empty(400)
        place[order.astype(int)] = np.arange(len(order)) / (len(order) - 1)
        places.append(place[order.min().astype(int) + np.array([0, 1, 2, 100])])
    correlation = np.corrcoef(np.array(places).T)
    assert np.abs(correlation[~np.eye(4, dtype=bool)]).max() < 4 / np.sqrt(300)
    assert np.abs(np.mean(places, axis=0) - 0.5).max() < 4 * np.sqrt(1 / 12 / 300)


def test_small_windows_still_mix_the_file() -> None:
    """64 blocks from anywhere make a window, so even one batch spans the whole file."""
    rows = TrainingRows(numbered(64_000), 0.1, seed=1, window=6400)
    first = next(iter(rows.batches(identity(), 512, np.random.default_rng(1))))[0].numpy()
    assert np.all(np.histogram(first, bins=4, range=(0, 64_000))[0] > 60)
    order = one_pass(rows, 512)
    assert abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < 0.1
    assert abs(np.corrcoef(order[1:], order[:-1])[0, 1]) < 0.1


def test_passes_differ_and_repeat_with_their_generator() -> None:
    rows = TrainingRows(numbered(500), 0.1, seed=1, window=200)
    generator = np.random.default_rng(7)
    passes = [np.concatenate([c.numpy() for c, _ in rows.batches(identity(), 10, generator)]) for _ in range(2)]
    assert not np.array_equal(passes[0], passes[1])
    assert np.array_equal(passes[0][:, 0], one_pass(rows, seed=7))
    assert np.array_equal(held_out(rows), held_out(rows))


def test_atoms_are_spread_anew_in_training_only() -> None:
    preprocessing = Preprocessing(
        [VariableConfig("row", (-1e9, 1e9), ())], [VariableConfig("count", (0.0, 9.0), ({"op": "dequantise"},))]
    )
    context = np.arange(300, dtype=np.float32)[:, None]
    rows = TrainingRows(Pairs(context, context % 4), 0.3, seed=1)
    rows.fit(preprocessing)

    def spread(batches) -> dict[float, float]:
        return {float(c): float(t) for context, target in batches for c, t in zip(context, target, strict=True)}

    generator = np.random.default_rng(2)
    first, second = (spread(rows.batches(preprocessing, 50, generator)) for _ in range(2))
    assert all(int(first[row]) == int(second[row]) == row % 4 for row in first)
    assert np.mean([first[row] != second[row] for row in first]) > 0.99
    assert spread(rows.validation_batches(preprocessing, 50)) == spread(rows.validation_batches(preprocessing, 50))


class Recorder(Preprocessing):
    """Keeps the rows that it is fitted on."""

    def fit(self, context, target, generator) -> None:
        self.fitted = context[:, 0]
        assert np.array_equal(target, 2 * context)


def test_fit_sees_training_rows_only_and_no_more_than_asked() -> None:
    rows = TrainingRows(numbered(20_000), 0.2, seed=5, window=640)
    anything = (-1e9, 1e9)
    samples = []
    for limit in (1_000_000, 4000, 4000):
        recorder = Recorder([VariableConfig("row", anything, ())], [VariableConfig("twice", anything, ())])
        rows.fit(recorder, limit)
        assert not set(recorder.fitted) & set(held_out(rows))
        samples.append(recorder.fitted)
    assert len(samples[0]) == rows.training
    assert abs(len(samples[1]) - 4000) < 5 * np.sqrt(4000)
    assert np.array_equal(samples[1], samples[2])
    assert abs(samples[1].mean() / 10_000 - 1) < 0.05


def test_values_that_cannot_be_prepared_are_named() -> None:
    """A row outside of the sample of `fit`: the first batch with it raises an error, no loss becomes nan."""
    variables = [VariableConfig("pt", (-10.0, 1e9), ({"op": "log"},))]
    preprocessing = Preprocessing(variables, variables)
    values = np.arange(1, 301, dtype=np.float32)[:, None]
    TrainingRows(Pairs(values, values), 0.1, seed=1).fit(preprocessing)
    values[[10, 20, 30]] = 0.0
    rows = TrainingRows(Pairs(values + 1, values), 0.1, seed=1)
    with pytest.raises(ValueError, match=r"target variable 'pt': \d of \d+ rows are not finite after log"):
        list(rows.batches(preprocessing, 10, np.random.default_rng(1)))


def test_too_few_events_are_refused() -> None:
    for pairs in (numbered(0), numbered(1), numbered(50, per_event=50)):
        with pytest.raises(ValueError, match=f"{len(pairs)} pairs are of too few events"):
            TrainingRows(pairs, 0.1, seed=1)
    for seed in range(20):
        rows = TrainingRows(numbered(3), 0.01, seed=seed)
        assert (rows.training, rows.validation) == (2, 1)


@pytest.mark.parametrize("task", ["construction", "fit", "training", "validation"])
def test_memory_is_one_window(tmp_path: Path, task: str) -> None:
    """Of mapped arrays of 19 MB, only windows of 0.3 MB are ever allocated."""
    count, width, window = 120_000, 40, 1920
    arrays = {}
    for name, shape, kind in (("c", (count, 1), np.float32), ("t", (count, width), np.float32), ("e", count, np.int64)):
        arrays[name] = np.memmap(tmp_path / name, kind, mode="w+", shape=shape)
    arrays["c"][:, 0] = np.arange(count)
    arrays["t"][:] = arrays["c"]
    arrays["e"][:] = np.arange(count)
    variables = [VariableConfig(f"x{i}", (-1e9, 1e9), ({"op": "standardise"},)) for i in range(width)]
    preprocessing = Preprocessing(variables[:1], variables)
    pairs = Pairs(arrays["c"], arrays["t"], event=arrays["e"])
    rows = TrainingRows(pairs, 0.1, seed=1, window=window)
    rows.fit(preprocessing, limit=1000)
    tasks = {
        "construction": lambda: [TrainingRows(pairs, 0.1, seed=1, window=window)],
        "fit": lambda: [rows.fit(preprocessing, limit=window)],
        "training": lambda: rows.batches(preprocessing, 256, np.random.default_rng(1)),
        "validation": lambda: rows.validation_batches(preprocessing, 256),
    }
    tracemalloc.start()
    try:
        for _ in tasks[task]():
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    one_window = window * (1 + width) * 8
    bookkeeping = 300 * len(range(0, count, window // 64))  # a slice and its two ends for every block
    assert peak < 4 * one_window + bookkeeping
    assert one_window + bookkeeping < 0.1 * pairs.target.nbytes
