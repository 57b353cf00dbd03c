"""Loads ROOT, the C++ library and, at the first flow, ONNX Runtime."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "WITHOUT_ROOT",
    "cpp",
    "is_root_wanted",
    "namespace",
    "onnxruntime_library",
    "onnxruntime_version",
    "root",
]

_PACKAGE = Path(__file__).resolve().parent

WITHOUT_ROOT = "FLASHSIM_WITHOUT_ROOT"
"""Environment variable: if it is set and not empty, importing the package does not load ROOT."""


def is_root_wanted() -> bool:
    """Whether importing the package adds its methods to RDataFrame.

    False without ROOT, as on a machine that only trains, or if `WITHOUT_ROOT` is set, as in worker processes that only
    generate. Functions that need ROOT then raise an error when they are called.
    """
    return not os.environ.get(WITHOUT_ROOT) and importlib.util.find_spec("ROOT") is not None


@cache
def root() -> Any:
    """The module ROOT, with libFlashSim loaded and its headers known to the interpreter.

    Raises
    ------
    ImportError
        If ROOT is missing, or the library does not load into this ROOT.
    """
    try:
        with warnings.catch_warnings():
            if _is_command_line():
                # Wheels warn at each start. The warning stays for users who import ROOT, but not for those of commands.
                warnings.filterwarnings("ignore", r"\s*This distribution of ROOT is in alpha stage", UserWarning)
            import ROOT
    except ImportError as error:
        message = "flashsim needs ROOT's Python module: `pip install ROOT`, or source thisroot.sh of an installation."
        raise ImportError(message) from error
    library = _PACKAGE / "lib" / "libFlashSim.so"
    if not library.exists():
        message = (
            f"{library} is missing: flashsim holds a compiled library and must be installed "
            "(`pip install .`), not imported from its sources."
        )
        raise ImportError(message)
    ROOT.gInterpreter.AddIncludePath(str(_PACKAGE / "include"))
    if ROOT.gSystem.Load(str(library)) < 0:
        message = f"{library} does not load into ROOT {ROOT.gROOT.GetVersion()}; reinstall flashsim for this ROOT."
        raise ImportError(message)
    return ROOT


@cache
def namespace(name: str) -> Any:
    """``ROOT.<name>``, for frequent calls: the module ROOT needs some 50 µs for each look-up of a name."""
    return getattr(root(), name)


@cache
def cpp() -> Any:
    """The C++ namespace FlashSim, ready to open flows."""
    library = onnxruntime_library()
    flashsim = namespace("FlashSim")
    flashsim.HearInterrupts(True)
    if library is not None:
        flashsim.SetOnnxRuntimeLibrary(str(library))
    return flashsim


def _is_command_line() -> bool:
    """Whether this process is ``flashsim`` or ``python -m flashsim.cli``, or was started by one of them."""
    name = sys.argv[0] if sys.argv else ""
    if name == "-m":  # as long as Python looks for the module
        return "flashsim.cli" in sys.orig_argv
    return Path(name).name == "flashsim" or Path(name) == _PACKAGE / "cli" / "__main__.py"


def onnxruntime_library() -> Path | None:
    """The shared library inside the installed ``onnxruntime`` package, or None if there is none.

    The package itself is not imported: the C++ side loads its library. The packages of the CPU and the GPU wheel both
    have this name.
    """
    package = importlib.util.find_spec("onnxruntime")
    if package is None or not package.submodule_search_locations:
        return None
    folder = Path(next(iter(package.submodule_search_locations))) / "capi"
    candidates = sorted(folder.glob("libonnxruntime.so*")) + sorted(folder.glob("libonnxruntime*.dylib"))
    return candidates[0] if candidates else None


def onnxruntime_version() -> str:
    """Version of the ONNX Runtime that runs the flows, as in ``"1.31.1"``.

    >>> import flashsim
    >>> flashsim.onnxruntime_version().count(".")
    2
    """
    return str(cpp().GetOnnxRuntimeVersion())
