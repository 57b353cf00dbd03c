"""Initialisation of a worker before its tasks: it loads this package, or raises the reason for a failure."""

from __future__ import annotations

import builtins
import os
import platform
import types
from collections.abc import Callable
from functools import partial
from typing import Any

__all__ = ["describe_worker", "make_initialization", "make_task"]


def make_initialization(initialize: Callable[[], None], rebooked: Any = None) -> Callable[[], None]:
    """The function that workers call before each task: it runs the user's `initialize` and loads the package.

    `rebooked` names a graph that each task must book again (see `patches.graph_to_rebook`). The function raises
    RuntimeError, naming the worker, if the package is missing or its version differs from the client's.
    """
    from ..._version import __version__

    return partial(_by_value(_load_package), initialize, __version__, rebooked, os.getpid())


def make_task(initialize: Callable[[], None], function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``function(task)`` for workers, after `make_initialization`; `function` is one of this package's."""
    return partial(_by_value(_run), make_initialization(initialize), function.__module__, function.__qualname__)


def describe_worker() -> str:
    """This process, for errors that the client reads."""
    return f"worker on {platform.node()} (process {os.getpid()})"


def _load_package(initialize: Callable[[], None], wanted: str, rebooked: Any, client: int) -> None:
    import os
    import platform
    import sys

    initialize()
    worker = f"worker on {platform.node()} (process {os.getpid()}, {sys.executable})"
    try:
        import flashsim
    except ImportError as error:
        message = (
            f"FlashSim: the {worker} cannot load the package flashsim: {error}. Install flashsim {wanted} there, in "
            "the environment that runs the workers."
        )
        raise RuntimeError(message) from error
    if flashsim.__version__ != wanted:
        message = (
            f"FlashSim: the {worker} has flashsim {flashsim.__version__}, and the client {wanted}. Install the same "
            "version on both."
        )
        raise RuntimeError(message)
    flashsim.distributed.enable()
    if os.getpid() != client:
        from flashsim.rdataframe.plain_histograms import silence

        silence()  # the client has warned already
    if rebooked is not None:
        from flashsim.rdataframe.distributed.patches import drop_cached_graph

        drop_cached_graph(rebooked)


def _run(load: Callable[[], None], module: str, function: str, task: Any) -> Any:
    from importlib import import_module

    load()
    return getattr(import_module(module), function)(task)


def _by_value(function: Callable[..., Any]) -> Callable[..., Any]:
    """A copy that is sent as code rather than by name, so that it runs without the package.

    The function must therefore import all that it needs.
    """
    copy = types.FunctionType(function.__code__, {"__builtins__": builtins, "__name__": "__main__"}, function.__name__)
    copy.__module__ = "__main__"  # cloudpickle sends functions of __main__ as code
    return copy
