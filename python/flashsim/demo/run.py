"""The effect of oversampling on an uncertainty: the W-mass pseudo-analysis on the shipped sample and flow."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .. import data
from .._library import root
from .._machine import available_cores
from ..histograms.booking import oversampled_th1d
from ..rdataframe.methods import flash_sim
from ..rdataframe.plain_histograms import silenced
from ..rdataframe.progress import progress
from .picture import draw
from .result import SPECTRA, Demo, Spectrum, Stage
from .w_mass import w_candidate, w_mass_model

__all__ = ["output_files", "run_demo"]

_PREFIX = "Flash"  # the sample has Jet_* columns of its own, the target
_WITH_FOLDS = "with_folds"
_MAY_BE_SELECTED = "nGenJet >= 4"  # RECO jets come from one GEN jet each: no event with four good jets is lost


def output_files(output_dir: str | os.PathLike[str] = ".") -> tuple[Path, Path]:
    """The histograms and the picture that `run_demo` writes; it replaces existing files."""
    return Path(output_dir, "flashsim-demo.root"), Path(output_dir, "flashsim-demo.png")


def run_demo(
    output_dir: str | os.PathLike[str] = ".",
    events: int | None = None,
    fold_size: int = 10,
    threads: int | None = None,
    seed: int = 1,
) -> Demo:
    """Simulates the shipped GEN events once and `fold_size` times, and compares the W peak with that of the target.

    Parameters
    ----------
    output_dir
        Folder for ``flashsim-demo.root`` and ``flashsim-demo.png``; created if it does not exist.
    events
        Number of GEN events, from the first on; by default, and at most, all of the sample.
    fold_size
        RECO events per GEN event in the oversampled simulation, at least 2.
    threads
        By default two, or one where there is one core.
    seed
        Another seed gives other RECO events.

    Raises
    ------
    ValueError
        If a number is too small.
    OSError
        If the output cannot be written.

    Examples
    --------
    >>> from flashsim.demo import run_demo
    >>> demo = run_demo("demo", events=500)  # doctest: +SKIP
    >>> demo.spectra["oversampled"].peak_error() > demo.spectra["oversampled_naive"].peak_error()  # doctest: +SKIP
    True
    """
    for name, number, least in (("events", events, 1), ("fold_size", fold_size, 2), ("threads", threads, 1)):
        if number is not None and number < least:
            raise ValueError(f"{name} is {number}, expected at least {least}.")
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with _threads(threads or min(2, available_cores())):
        compilation = _compile(fold_size, seed)
        stages, histograms = _simulate(_gen_events(events), fold_size, seed)
    file, picture = output_files(folder)
    _write(histograms, file)
    demo = Demo(
        fold_size, [compilation, *stages], {name: _spectrum(histograms[name]) for name in SPECTRA}, file, picture
    )
    draw(demo, picture)
    return demo


def _compile(fold_size: int, seed: int) -> Stage:
    """Runs the analysis on one event: the code that ROOT compiles for it serves the others too."""
    start = time.perf_counter()
    _simulate(_gen_events(1), fold_size, seed, "compilation: ")
    return Stage("compilation", 0, 0, time.perf_counter() - start)


def _simulate(gen: Any, fold_size: int, seed: int, stage: str = "") -> tuple[list[Stage], dict[str, Any]]:
    """Runs the same analysis three times: the stages, and the histograms by name. Names of bars begin with `stage`."""
    results = {"target": w_candidate(gen).Histo1D(_model("target"), "W_mass")}
    stages = [_run(gen, "target", 1, stage)]

    once = flash_sim(gen, "jets", fold_size=1, seed=seed, prefix=_PREFIX)
    results["one_to_one"] = w_candidate(once, _PREFIX).Histo1D(_model("one_to_one"), f"{_PREFIX}W_mass")
    stages.append(_run(once, "FlashSim ×1", 1, stage))

    often = flash_sim(gen, "jets", fold_size=fold_size, seed=seed, prefix=_PREFIX)
    selected = w_candidate(often, _PREFIX).Define("foldWeight", "1. / foldSize")
    with silenced():
        naive = selected.Histo1D(_model("oversampled_naive"), f"{_PREFIX}W_mass", "foldWeight")
    results["oversampled_naive"] = naive
    results[_WITH_FOLDS] = oversampled_th1d(selected, _model(_WITH_FOLDS), f"{_PREFIX}W_mass")
    stages.append(_run(often, f"FlashSim ×{fold_size}", fold_size, stage))

    histograms = {name: result.GetValue() for name, result in results.items()}
    # For readers without FlashSim: a plain TH1D.
    histograms["oversampled"] = root().TH1D(histograms[_WITH_FOLDS])
    histograms["oversampled"].SetName(_model("oversampled")[0])
    return stages, histograms


def _model(name: str) -> tuple[str, str, int, float, float]:
    return w_mass_model(f"W_mass_{name}")


def _run(node: Any, name: str, fold_size: int, stage: str) -> Stage:
    start = time.perf_counter()
    reco_events = int(progress(node, stage + name).Count().GetValue())
    return Stage(name, reco_events // fold_size, reco_events, time.perf_counter() - start)


def _gen_events(events: int | None) -> Any:
    gen = root().RDataFrame("Events", data.path("ttbar.root"))
    if events is not None:
        gen = gen.Filter(f"event <= {events}")  # the sample numbers them 1, 2, ...; Range() is not for several threads
    return gen.Filter(_MAY_BE_SELECTED)


def _spectrum(histogram: Any) -> Spectrum:
    axis = histogram.GetXaxis()
    bins = range(1, axis.GetNbins() + 1)
    return Spectrum(
        edges=np.array([axis.GetBinLowEdge(b) for b in (*bins, len(bins) + 1)]),
        contents=np.array([histogram.GetBinContent(b) for b in bins]),
        errors=np.array([histogram.GetBinError(b) for b in bins]),
    )


def _write(histograms: Mapping[str, Any], path: Path) -> None:
    with root().TFile.Open(str(path), "RECREATE") as file:
        for histogram in histograms.values():
            file.WriteObject(histogram, histogram.GetName())


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Runs event loops in this number of threads, and restores ROOT's setting."""
    before = _get_threads()
    _set_threads(number)
    try:
        yield
    finally:
        _set_threads(before)


def _get_threads() -> int:
    return int(root().GetThreadPoolSize()) if root().IsImplicitMTEnabled() else 1


def _set_threads(number: int) -> None:
    if number == _get_threads():
        return
    if root().IsImplicitMTEnabled():
        root().DisableImplicitMT()
    if number > 1:
        root().EnableImplicitMT(number)
