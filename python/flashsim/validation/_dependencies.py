"""Names a missing optional package before the first import."""

from __future__ import annotations

from importlib.util import find_spec

__all__: list[str] = []

for _package in ("jinja2", "scipy", "sklearn"):
    if find_spec(_package) is None:
        raise ImportError(f'validating needs {_package}: pip install "flashsim[validate]"', name=_package)
