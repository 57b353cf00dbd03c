"""Reads oversampled histograms from ROOT files, and writes them."""

from __future__ import annotations

import os
from typing import Any

from .._errors import translated
from .._library import root
from ..root_file import names_in, opened
from .operators import to_histogram

__all__ = ["read", "register"]


def read(file: Any, name: str) -> Any:
    """Reads an oversampled histogram written by its ``Write()``, or summed by ``hadd``.

    In the file it is a plain ``TH1D`` (``TH2D``, ...) called `name`, and beside it a folder ``<name>_folds`` of plain
    histograms with the fold information: any ROOT, ``hadd`` and uproot read and sum them correctly. This function puts
    them together again. It also reads histograms stored as objects, by ``WriteObject`` or by earlier versions.

    In Python, with flashsim imported, ``file.Get(name)``, ``file[name]`` and ``key.ReadObj()`` of a ``TFile`` do the
    same. In C++ it is ``FlashSim::ReadOversampledTH<FlashSim::OversampledTH1D>(file, "name")``.

    Parameters
    ----------
    file
        Path or URL of a ROOT file, or a ``TFile`` or ``TDirectory``.
    name
        Of the histogram: ``"mjj"``, ``"folder/mjj"``, ``"mjj;1"``.

    Returns
    -------
    FlashSim.OversampledTH1D or the like
        In no directory, owned by Python. If contents or errors were changed without the folds (by ``hadd`` with a plain
        histogram, say), it has no fold information, and all methods that need it raise an error.

    Raises
    ------
    FileNotFoundError, OSError
        If there is no such file, or it is not a ROOT file.
    ValueError
        If the file has no object of that name; the message lists the objects.
    RuntimeError
        If it is not an oversampled histogram.

    Examples
    --------
    >>> import ROOT, flashsim, tempfile
    >>> reco = ROOT.RDataFrame(20).Define("genEvent", "rdfentry_ / 10").Define("x", "1. * rdfentry_")
    >>> h = reco.OversampledTH1D(("mass", "", 4, 0, 20), "x", fold_size=10, covariance=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with ROOT.TFile(f"{folder}/h.root", "recreate"):
    ...         bytes_written = h.Write()
    ...     again = flashsim.read(f"{folder}/h.root", "mass")
    >>> again.Rebin(2).GetBinError(1), again.GetNGenEvents()
    (1.0, 2)
    """
    if isinstance(file, (str, os.PathLike)):
        with opened(os.fspath(file)) as folder:
            return read(folder, name)
    if not file.GetKey(name) and not file.Get(name):
        raise ValueError(f"{file.GetPath()}: there is no {name!r}. There is: {names_in(file)}.")
    with translated():
        histogram = root().FlashSim.Booking.ReadTH(file, name)
    root().SetOwnership(histogram, True)
    return histogram


def register() -> None:
    """Makes ``TFile.Get`` and ``TKey.ReadObj`` give oversampled histograms, and ``TFile.WriteObject`` write them.

    Otherwise, the first two would give the plain histogram, whose ``Rebin`` takes bins as independent; the third would
    write an object that only a ROOT with our library can read. For all other objects they stay unchanged.
    """
    ROOT = root()
    get, read_object, write_object = ROOT.TDirectoryFile.Get, ROOT.TKey.ReadObj, ROOT.TDirectory.WriteObject

    def get_oversampled(directory: Any, name: str) -> Any:
        if isinstance(name, str) and ROOT.FlashSim.IsOversampledTH(directory, name):
            with translated():
                return _as_root_owns_it(ROOT.FlashSim.Booking.GetTH(directory, name))
        return get(directory, name)

    def read_oversampled(key: Any) -> Any:
        directory, name = key.GetMotherDir(), f"{key.GetName()};{key.GetCycle()}"
        if directory and ROOT.FlashSim.IsOversampledTH(directory, name):
            with translated():
                return _as_root_owns_it(ROOT.FlashSim.Booking.GetTH(directory, name))
        return read_object(key)

    def write_oversampled(directory: Any, item: Any, *arguments: Any) -> Any:
        histogram = to_histogram(item)
        if not hasattr(type(histogram), "GetFoldSums"):
            return write_object(directory, item, *arguments)
        defaults: tuple[Any, ...] = ("", "", 0)
        name, option, size = (*arguments, *defaults[len(arguments) :])
        with ROOT.TDirectory.TContext(directory), translated():
            return histogram.Write(name, _write_option(option), size)

    get_oversampled.__doc__, read_oversampled.__doc__ = get.__doc__, read_object.__doc__
    write_oversampled.__doc__ = write_object.__doc__
    ROOT.TDirectoryFile.Get, ROOT.TKey.ReadObj = get_oversampled, read_oversampled
    ROOT.TDirectory.WriteObject = write_oversampled


def _write_option(words: str) -> int:
    """The option of ``TObject::Write`` for the words of ``TDirectory::WriteTObject``."""
    flags = {"singlekey": "kSingleKey", "overwrite": "kOverwrite", "writedelete": "kWriteDelete"}
    return sum(getattr(root().TObject, flag) for word, flag in flags.items() if word in words.lower())


def _as_root_owns_it(histogram: Any) -> Any:
    root().SetOwnership(histogram, not histogram.GetDirectory())
    return histogram
