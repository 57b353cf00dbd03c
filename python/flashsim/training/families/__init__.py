"""Families of flows: the network, its loss, and its graph for ONNX."""
