"""Device of a training: a CPU, or a GPU if there is one."""

from __future__ import annotations

import torch

__all__ = ["choose_device"]

_REMEDY = "Use --device cpu, or install a torch that supports it (https://pytorch.org)"


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name, if this machine and this torch have it.

    Args:
        name: ``"auto"`` (a CUDA GPU if there is one, else the CPU), ``"cpu"``, ``"cuda"``, ``"cuda:1"`` for the second
            GPU, or ``"mps"`` (the GPU of a Mac, which small networks do not always profit from).

    Raises:
        ValueError: an unknown name, or a device that does not exist.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if gpus else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not (kind == "cuda" and index.isdecimal())):
        raise ValueError(f"device {name!r} is not one of auto, cpu, cuda, cuda:N, mps")
    if kind == "cuda" and int(index or 0) >= gpus:
        raise ValueError(f"device {name!r}: torch {torch.__version__} finds {gpus} CUDA GPUs here. {_REMEDY}")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ValueError(f"device 'mps': torch {torch.__version__} finds no Apple GPU here. {_REMEDY}")
    return torch.device(name)
