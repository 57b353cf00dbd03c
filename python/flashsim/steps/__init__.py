"""The solver and the steps of a continuous flow: how few evaluations give the samples of many.

`flashsim.steps.optimise` needs ``pip install "flashsim[validate]"``; grids and converged samples need onnx alone.
"""
