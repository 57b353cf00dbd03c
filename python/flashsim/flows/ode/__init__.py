"""Differential equations of continuous flows, as nodes of an ONNX graph and in numpy; torch is not needed."""

from __future__ import annotations

from importlib.util import find_spec

__all__: list[str] = []

if find_spec("onnx") is None:
    raise ImportError("taking the graph of a flow apart needs onnx: pip install onnx", name="onnx")
