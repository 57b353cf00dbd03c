"""The methods of this package on distributed dataframes.

Importing the package only adds the methods. `enable` changes ROOT's distributed RDataFrame for them, at the first call
of one of them and on workers: without such a call, ROOT's own stays unchanged.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ..._errors import translated
from ..._library import root
from ...histograms import booking as histogram
from ...histograms import efficiency
from .. import methods
from ..plain_histograms import PLAIN_HISTOGRAMS, warn_if_oversampled
from ..simulation import Simulation
from . import distrdf, patches
from .first_entries import check_files, check_identity, first_entries
from .flows import FlowReference, make_reference, open_reference, send
from .worker import make_initialization

__all__ = ["enable", "register"]

_SIMULATION = "_simulate_on_part"
_HISTOGRAM = "_oversampled_th_on_part"


def register() -> None:
    """Adds the methods to distributed nodes."""
    distrdf.register_methods(
        {
            "FlashSim": _make_simulation(methods.flash_sim),
            "DefineFolds": _make_simulation(methods.define_folds, is_inline=True),
            **{name: _make_histogram(method) for name, method in histogram.METHODS.items()},
            **efficiency.METHODS,
        }
    )


@functools.cache
def enable() -> None:
    """Adds the methods for tasks to local nodes, and changes ROOT's distributed RDataFrame for them."""
    methods.add_methods({_SIMULATION: _simulate_on_part, _HISTOGRAM: _book_on_part})
    distrdf.call_before(PLAIN_HISTOGRAMS, lambda node, name: warn_if_oversampled(node, name, stacklevel=4))
    distrdf.add_preparation((_SIMULATION, _HISTOGRAM), _prepare)
    distrdf.skip_empty_loops(root().FlashSim.IsAnythingBooked)
    distrdf.run_without_gil(_run_graph)
    distrdf.translate_errors_of_merges()
    patches.patch_report(_run_graph, root().FlashSim.BookReport, lambda report: root().FlashSim.MakeMergeable(report))
    patches.patch_snapshot()


def _make_simulation(method: Callable[..., Any], *, is_inline: bool = False) -> Callable[..., Any]:
    """`method` for distributed nodes: wrong arguments raise at the call, not on a worker."""
    signature = inspect.signature(method)

    @functools.wraps(method)
    def add(*positional: Any, **keywords: Any) -> Any:
        options = dict(signature.bind(*positional, **keywords).arguments)
        node = options.pop("node")
        simulation = Simulation.of(options.pop("flow"), is_inline=is_inline, **options)
        check_files(node.proxied_node.get_head())
        enable()
        simulation.flows = [make_reference(flow) for flow in simulation.flows]
        return distrdf.add_transformation(node, _SIMULATION, **vars(simulation))

    return add


def _make_histogram(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def book(*positional: Any, **keywords: Any) -> Any:
        node, booking = histogram.Booking.parse(method, *positional, **keywords)
        enable()
        booking.book(node.proxied_node.rdf_node)  # on the client's own dataframe: only to raise errors early
        return distrdf.add_action(node, _HISTOGRAM, **vars(booking))

    return book


def _prepare(head: Any, operations: list[tuple[Any, Any]]) -> None:
    rebooked = patches.graph_to_rebook(head)
    distrdf.set_initialization(head, lambda initialize: make_initialization(initialize, rebooked))
    for operation, upstream in operations:
        if operation.name == _SIMULATION:
            send(head, operation.kwargs["flows"])
            check_identity(head, upstream)
            operation.kwargs["first_entries"] = first_entries(head)


def _simulate_on_part(
    node: Any, flows: list[FlowReference], first_entries: dict[str, int] | None = None, **options: Any
) -> Any:
    opened = [open_reference(reference) for reference in flows]
    return Simulation(opened, **options).book(node, first_entries, is_part=True)


def _book_on_part(node: Any, **booking: Any) -> Any:
    return histogram.Booking(**booking).book(node, is_part=True)


def _run_graph(result: Any) -> None:
    ROOT = root()
    ROOT.FlashSim.RunGraph.__release_gil__ = True
    handle = ROOT.RDF.RResultHandle(result)
    with translated():
        ROOT.FlashSim.RunGraph(handle)
