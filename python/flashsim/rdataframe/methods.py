"""The methods that RDataFrame nodes gain: FlashSim, DefineFolds, OversampledTH1D and its like."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._errors import translated
from .._library import cpp, root
from ..flows.flow import Flow, OutOfRange, check_fold_size, check_seed, to_out_of_range, to_steps
from ..histograms.booking import METHODS
from ..histograms.efficiency import METHODS as EFFICIENCIES

__all__ = [
    "FlowLike",
    "add_methods",
    "as_list",
    "define_folds",
    "define_inline",
    "flash_sim",
    "make_options",
    "register",
    "simulate",
    "to_expressions",
]

FlowLike = Flow | str | os.PathLike[str]


def flash_sim(
    node: Any,
    flow: FlowLike | Sequence[FlowLike],
    fold_size: int = 1,
    seed: int = 0,
    steps: int | Mapping[str, int] | None = None,
    prefix: str = "",
    *,
    context: Mapping[str, str | float] | None = None,
    replace: bool = False,
    out_of_range: OutOfRange = "error",
    chunk_size: int = 0,
    block_size: int = 0,
) -> Any:
    """Simulates RECO events from the GEN events of a dataframe: ``node.FlashSim(flow, fold_size=10)``.

    The result has `fold_size` entries for each entry of the node, with all its columns unchanged and, for each flow,
    ``n<C>`` (int), ``<C>_<target>`` (an RVec of the declared type, sorted as the flow says: jets by pt, descending)
    and ``<C>_<source>Idx`` (``Jet_genJetIdx``: which GEN object it comes from), where C is the flow's collection; and
    ``foldIndex`` (int, 0 ... N-1), ``genEvent`` (ULong64_t, entry number of the GEN event: unique, ascending) and
    ``foldSize`` (int, N).

    Parameters
    ----------
    node
        Any RDataFrame node on a TTree, TChain, RNTuple or empty source; also of a distributed RDataFrame.
    flow
        A flow, its path, the name of a shipped one (``"jets"``), or a list of flows with different collections and
        names.
    fold_size
        RECO events per GEN event (N), the oversampling factor.
    seed
        Another seed gives other RECO events. Two calls with one seed give a flow the same random numbers.
    steps
        ODE steps, by default the flow's own: a number for all flows that take steps, or a dictionary with a number
        under the name of a flow.
    prefix
        Put before the names of the new columns: ``"Flash"`` gives ``FlashJet_pt`` and ``nFlashJet``.
    context
        Where context variables come from if not from ``<source>_<variable>``: a column, an RDataFrame expression or a
        number, under the variable's name, or under ``"<flow>.<variable>"``, which is needed where several flows have a
        variable of that name.
    replace
        Hides a collection of the node that has the name of the flow's: with Jet, ``nJet``, all ``Jet_...`` and indices
        into it, ``..._jetIdx...``. Upstream they stay.
    out_of_range
        What becomes of context and samples outside of the ranges and types that the flow declares: ``"error"``, or
        ``"clip"``, which takes the nearest value that it allows, and prints at the end of the event loop how often
        (see also ``Flow.clipped``). A millionth of a range's width beyond its ends is taken for rounding.
    chunk_size
        Entries of the node's dataset that are read at a time; 0: chosen. Does not change the result.
    block_size
        Objects that are simulated in one task; 0: chosen. Does not change the result.

    Returns
    -------
    RDataFrame
        A node whose entries are RECO events. It is an ordinary RDataFrame: Filter, Define, Vary, Snapshot, ...

    Raises
    ------
    FileNotFoundError, TypeError, ValueError, RuntimeError
        Before the event loop: flows that are missing, broken or of one name, columns that are missing, varied upstream
        or in the way, invalid arguments. During the event loop: context collections of different length, context or
        samples that are NaN or out of range. The culprit is named.

    Notes
    -----
    *Lazy*: nothing is read before an event loop starts; a flow whose columns nobody reads is never run. Slots sample
    in parallel under ``ROOT.EnableImplicitMT()``. Random numbers depend on seed, flow name and the event's (run,
    luminosityBlock, event) alone (or on its entry number where the dataset lacks these columns): a RECO event is the
    same bit for bit in any file, order, partition and number of threads. See root-project/root #16739 and
    arXiv:2402.13684.

    *Report* tells the named filters before FlashSim, too: they count GEN events, each once; those behind count RECO
    events. (``Print`` divides all by the GEN events of the first filter, so that its cumulative efficiency behind
    FlashSim is `folds` times too high.) If a ``Range`` ends the event loop early, the GEN events that have been read by
    then are counted.

    On a distributed node, ``FileNotFoundError`` and the like are raised by the call, and what goes wrong on a worker by
    the result; the first run counts the entries of the dataset's files.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> df = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(100)
    >>> sim = df.Filter("nGenJet >= 4").FlashSim("jets", fold_size=5, seed=1, prefix="Flash")
    >>> mean = sim.Filter("nFlashJet > 0").Define("leading", "FlashJet_pt[0]").Mean("leading")
    >>> 20 < mean.GetValue() < 500
    True
    """
    options = make_options(
        fold_size,
        seed,
        steps,
        prefix,
        context,
        replace=replace,
        out_of_range=out_of_range,
        chunk_size=chunk_size,
        block_size=block_size,
    )
    return simulate(node, as_list(flow), options)


def define_folds(
    node: Any,
    flow: FlowLike,
    fold_size: int = 1,
    seed: int = 0,
    steps: int | Mapping[str, int] | None = None,
    prefix: str = "",
    *,
    context: Mapping[str, str | float] | None = None,
    out_of_range: OutOfRange = "error",
) -> Any:
    """Adds `fold_size` RECO samples of each GEN event to the same entry: ``node.DefineFolds(flow, fold_size=10)``.

    This is the inline mode.

    It is for graphs that must stay one graph: there is no look-ahead, and the flow runs for one event at a time, which
    costs several times more per object unless `fold_size` is large. The new columns are ``n<C>`` (int, for each RECO
    event) and, indexed [fold index][object], ``<C>_<target>`` and ``<C>_<source>Idx`` (RVecs of RVecs). The RECO events
    equal those of ``FlashSim`` bit for bit.

    Parameters and errors as for ``FlashSim``; in addition, RuntimeError if the dataset lacks run, luminosityBlock and
    event while ROOT runs several threads, since entries have no lasting number then (root-project/root #12190). With
    ``out_of_range="clip"`` the first value of a variable is told at once, and how many there were when the dataframe
    goes. Lazy.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> df = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(10)
    >>> inline = df.DefineFolds("jets", fold_size=4, prefix="Flash")
    >>> int(inline.Define("size", "FlashJet_pt.size()").Max("size").GetValue())
    4
    """
    (one,) = as_list(flow, most=1)
    return define_inline(node, one, make_options(fold_size, seed, steps, prefix, context, out_of_range=out_of_range))


def register() -> None:
    """Adds the methods to all RDataFrame nodes, those of classes already in use too."""
    add_methods({"FlashSim": flash_sim, "DefineFolds": define_folds, **METHODS, **EFFICIENCIES})


def add_methods(methods: Mapping[str, Callable[..., Any]]) -> None:
    """Adds methods to all RDataFrame nodes, those that there are already too."""
    for name, method in methods.items():
        setattr(root().RDF.RInterfaceBase, name, method)


def as_list(flow: FlowLike | Sequence[FlowLike], most: int | None = None) -> list[FlowLike]:
    """One flow or several, as a list. Raises TypeError, ValueError if there are more than `most`."""
    flows = list(flow) if isinstance(flow, Sequence) and not isinstance(flow, str) else [flow]
    for item in flows:
        if not isinstance(item, (Flow, str, os.PathLike)):
            message = f"flow must be a flow, its path, its name, or a list of such, not {item!r}."
            raise TypeError(message)
    if most is not None and len(flows) != most:
        message = f"DefineFolds takes one flow, not {len(flows)}; call it once for each."
        raise ValueError(message)
    return flows


def simulate(node: Any, flows: Sequence[FlowLike], options: Any) -> Any:
    """`flash_sim` with the options of `make_options`."""
    handles = root().std.vector["std::shared_ptr<const FlashSim::Flow>"]()
    for flow in flows:
        handles.push_back(_open(flow)._handle)
    with translated():
        return cpp().Simulate(root().RDF.AsRNode(node), handles, options)


def define_inline(node: Any, flow: FlowLike, options: Any) -> Any:
    """`define_folds` with the options of `make_options`."""
    with translated():
        return cpp().DefineFolds(root().RDF.AsRNode(node), _open(flow)._handle, options)


def _open(flow: FlowLike) -> Flow:
    return flow if isinstance(flow, Flow) else Flow(flow)


def make_options(
    fold_size: int = 1,
    seed: int = 0,
    steps: int | Mapping[str, int] | None = None,
    prefix: str = "",
    context: Mapping[str, str | float] | None = None,
    *,
    replace: bool = False,
    out_of_range: OutOfRange = "error",
    chunk_size: int = 0,
    block_size: int = 0,
    first_entries: Mapping[str, int] | None = None,
) -> Any:
    """The C++ ``SimulateOptions``, checked; see there for `first_entries`. Raises TypeError, ValueError."""
    check_fold_size(fold_size)
    check_seed(seed)
    options = cpp().SimulateOptions()
    options.fFoldSize = int(fold_size)
    options.fSeed = int(seed)
    if isinstance(steps, Mapping):
        for flow, number in steps.items():
            options.fStepsOf[_check_text("a flow's name in steps", flow)] = _check_steps_of(flow, number)
    else:
        options.fSteps = to_steps(steps)
    options.fPrefix = _check_prefix(prefix)
    for variable, expression in to_expressions(context).items():
        options.fContext[variable] = expression
    if not isinstance(replace, (bool, np.bool_)):
        message = f"replace must be True or False, not {replace!r}."
        raise TypeError(message)
    options.fReplace = bool(replace)
    options.fOutOfRange = to_out_of_range(out_of_range)
    options.fChunkSize = _check_size("chunk_size", chunk_size)
    options.fBlockSize = _check_size("block_size", block_size)
    for file, entry in (first_entries or {}).items():
        options.fFirstEntries[file] = entry
    return options


def to_expressions(context: Mapping[str, str | float] | None) -> dict[str, str]:
    """The `context` of `flash_sim` with numbers written as text. Raises TypeError, ValueError."""
    if context is None:
        return {}
    if not isinstance(context, Mapping):
        message = (
            "context must be a dictionary from a variable's name to a column, an expression or a number, as in "
            f"{{'nMuon': 0}}, not {context!r}."
        )
        raise TypeError(message)
    return {_check_text("a key of context", key): _to_expression(key, value) for key, value in context.items()}


def _to_expression(variable: str, value: Any) -> str:
    if isinstance(value, str):
        if not value.strip():
            message = f"context['{variable}'] is empty: a column, an expression or a number was expected."
            raise ValueError(message)
        return value
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            message = f"context['{variable}'] is {value!r}; the flow needs finite numbers."
            raise ValueError(message)
        return repr(float(value))
    what = "1 or 0 instead of" if isinstance(value, (bool, np.bool_)) else "a column, an expression or a number, not"
    message = f"context['{variable}'] must be {what} {value!r}."
    raise TypeError(message)


def _check_steps_of(flow: str, steps: Any) -> int:
    if steps is None:
        message = f"steps['{flow}'] is None; leave a flow out for its default."
        raise ValueError(message)
    return to_steps(steps)


def _check_prefix(prefix: Any) -> str:
    text = _check_text("prefix", prefix)
    if text and not (text.isidentifier() and text.isascii()):
        message = f"prefix must be letters, digits and underscores, as column names are, not {prefix!r}."
        raise ValueError(message)
    return text


def _check_text(what: str, text: Any) -> str:
    if not isinstance(text, str):
        message = f"{what} must be a string, not {text!r}."
        raise TypeError(message)
    return text


def _check_size(name: str, size: Any) -> int:
    if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 0:
        message = f"{name} must be a positive integer, or 0 to have it chosen, not {size!r}."
        raise ValueError(message)
    return int(size)
