"""The methods of this package on distributed dataframes.

Importing the package adds the methods alone; what they need of ROOT's distributed RDataFrame is changed by `enable`, at
the first call of one of them and on workers, so that those who do without them keep ROOT's own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..._errors import translated
from ..._library import root
from ...histograms import booking as histogram
from ...histograms import efficiency
from .. import methods as dataframe
from ..methods import as_list
from ..plain_histograms import PLAIN_HISTOGRAMS, warn_if_oversampled
from . import distrdf
from .first_entries import check_files, check_identity, first_entries
from .flows import FlowReference, make_reference, open_reference, send
from .worker import make_initialization

__all__ = ["enable", "register"]

_FLASH_SIM = "_flash_sim_on_part"
_DEFINE_FOLDS = "_define_folds_on_part"
_HISTOGRAM = "_oversampled_th_on_part"


def register() -> None:
    """Adds the methods to distributed nodes."""
    distrdf.register_methods(
        {
            "FlashSim": _make_transformation(dataframe.flash_sim, _FLASH_SIM),
            "DefineFolds": _make_transformation(dataframe.define_folds, _DEFINE_FOLDS, most=1),
            **{name: _make_histogram(method) for name, method in histogram.METHODS.items()},
            **efficiency.METHODS,
        }
    )


@functools.cache
def enable() -> None:
    """Adds what tasks call to local nodes, and changes what distributed runs need of ROOT."""
    dataframe.add_methods({_FLASH_SIM: _simulate_part, _DEFINE_FOLDS: _define_folds_on_part, _HISTOGRAM: _book_on_part})
    distrdf.call_before(PLAIN_HISTOGRAMS, lambda node, name: warn_if_oversampled(node, name, stacklevel=4))
    distrdf.add_preparation((_FLASH_SIM, _DEFINE_FOLDS, _HISTOGRAM), _prepare)
    distrdf.skip_empty_loops(root().FlashSim.IsAnythingBooked)
    distrdf.release_the_lock(_run_graph)
    distrdf.mend_report(_run_graph, root().FlashSim.BookReport, lambda report: root().FlashSim.MakeMergeable(report))
    distrdf.mend_snapshot()
    distrdf.mend_errors_of_merges()


def _make_transformation(
    method: Callable[..., Any], method_on_part: str, most: int | None = None
) -> Callable[..., Any]:
    """`method` for distributed nodes: what is wrong with its arguments is told at once, not by a worker.

    It takes `most` flows.
    """
    signature = inspect.signature(method)

    @functools.wraps(method)
    def add(*positional: Any, **keywords: Any) -> Any:
        bound = signature.bind(*positional, **keywords)
        bound.apply_defaults()
        options = dict(bound.arguments)
        node, flows = options.pop("node"), as_list(options.pop("flow"), most)
        dataframe.make_options(**options)
        options["context"] = dataframe.to_expressions(options["context"])
        if isinstance(options["steps"], Mapping):
            options["steps"] = dict(options["steps"])
        check_files(node.proxied_node.get_head())
        enable()
        return distrdf.add_transformation(node, method_on_part, [make_reference(flow) for flow in flows], options)

    return add


def _make_histogram(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def book(*positional: Any, **keywords: Any) -> Any:
        node, booking = histogram.Booking.parse(method, *positional, **keywords)
        enable()
        booking.book(node.proxied_node.rdf_node)  # on the client's own dataframe: only to tell what is wrong
        return distrdf.add_action(node, _HISTOGRAM, **vars(booking))

    return book


def _prepare(head: Any, operations: list[tuple[Any, Any]]) -> None:
    not_to_be_cloned = distrdf.graph_not_to_be_cloned(head)
    distrdf.set_initialization(head, lambda initialize: make_initialization(initialize, not_to_be_cloned))
    for operation, upstream in operations:
        if operation.name in (_FLASH_SIM, _DEFINE_FOLDS):
            references, *_ = operation.args
            send(head, references)
            check_identity(head, upstream)
            operation.kwargs["first_entries"] = first_entries(head)


def _simulate_part(
    node: Any, flows: list[FlowReference], options: dict[str, Any], first_entries: dict[str, int] | None = None
) -> Any:
    opened = [open_reference(reference) for reference in flows]
    return dataframe.simulate(node, opened, dataframe.make_options(**options, first_entries=first_entries))


def _define_folds_on_part(
    node: Any, flows: list[FlowReference], options: dict[str, Any], first_entries: dict[str, int] | None = None
) -> Any:
    made = dataframe.make_options(**options, first_entries=first_entries)
    made.fCheckFiles = False  # the client need not see them all, and workers have looked
    return dataframe.define_inline(node, open_reference(flows[0]), made)


def _book_on_part(node: Any, **booking: Any) -> Any:
    return histogram.Booking(**booking).book(node, is_part=True)


def _run_graph(result: Any) -> None:
    ROOT = root()
    ROOT.FlashSim.RunGraph.__release_gil__ = True
    handle = ROOT.RDF.RResultHandle(result)
    with translated():
        ROOT.FlashSim.RunGraph(handle)
