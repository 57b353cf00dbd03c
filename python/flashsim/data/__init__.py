"""The files that are shipped with the package: flows and a sample to try them on."""

from __future__ import annotations

from pathlib import Path

__all__ = ["flows", "path"]

_FOLDER = Path(__file__).resolve().parent


def path(name: str) -> str:
    """Path of a shipped file.

    Parameters
    ----------
    name
        ``"ttbar.root"``: GEN events and target of some thousand simulated top-quark pairs (tree ``Events``);
        ``"jets.onnx"``: the flow that makes ``Jet`` from ``GenJet``.

    Raises
    ------
    FileNotFoundError
        If no file of that name is shipped; those that are, are listed.

    >>> import flashsim
    >>> flashsim.data.path("jets.onnx").endswith("jets.onnx")
    True
    """
    file = _FOLDER / name
    shipped = sorted(entry.name for entry in _FOLDER.iterdir() if entry.suffix in {".onnx", ".root"})
    if name not in shipped:
        message = f"flashsim ships no file '{name}'; there are {', '.join(shipped)}."
        raise FileNotFoundError(message)
    return str(file)


def flows() -> list[str]:
    """Names of the shipped flows.

    >>> import flashsim
    >>> flashsim.data.flows()
    ['jets', 'jets_spline']
    """
    return sorted(file.stem for file in _FOLDER.glob("*.onnx"))
