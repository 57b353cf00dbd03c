"""Names a missing optional package before the first import."""

from __future__ import annotations

from importlib.util import find_spec

__all__: list[str] = []

for _package in ("awkward", "matplotlib", "mplhep", "onnx", "rich", "scipy", "torch", "uproot", "zuko"):
    if find_spec(_package) is None:
        raise ImportError(f'training needs {_package}: pip install "flashsim[train]"', name=_package)
