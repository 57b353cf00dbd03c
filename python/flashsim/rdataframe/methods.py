"""The new methods of RDataFrame nodes: FlashSim, DefineFolds, OversampledTH1D and others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._library import root
from ..flows.model import OutOfRange
from ..histograms.booking import METHODS
from ..histograms.efficiency import METHODS as EFFICIENCIES
from .simulation import FlowLike, Simulation

__all__ = ["FlowLike", "add_methods", "define_folds", "flash_sim", "register"]


def flash_sim(
    node: Any,
    flow: FlowLike | Sequence[FlowLike],
    fold_size: int = 1,
    seed: int = 0,
    steps: int | Mapping[str, int] | None = None,
    prefix: str | Mapping[str, str] = "",
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
    and ``<C>_<source>Idx`` (``Jet_genJetIdx``: which GEN object it comes from), where C is the flow's collection, or
    ``<C>_<target>`` alone, a number, for a flow whose level is ``"event"``; and ``foldIndex`` (int, 0 ... N-1),
    ``genEvent`` (ULong64_t, entry number of the GEN event: unique, ascending) and ``foldSize`` (int, N).

    Parameters
    ----------
    node
        Any RDataFrame node on a TTree, TChain, RNTuple or empty source; also of a distributed RDataFrame.
    flow
        A flow, its path, the name of a shipped one (``"jets"``), or a list of flows with different names and
        collections (or prefixes).
    fold_size
        RECO events per GEN event (N), the oversampling factor.
    seed
        Another seed gives other RECO events. Two calls with one seed give a flow the same random numbers.
    steps
        ODE steps, by default the flow's own: a number for all flows that take steps, or a dictionary with a number
        under the name of a flow.
    prefix
        Prefix of the names of the new columns: ``"Flash"`` gives ``FlashJet_pt`` and ``nFlashJet``. Or a dictionary
        with a prefix under the name of a flow; the others get none. With it, two flows may make the same collection.
    context
        Sources of context variables other than ``<source>_<variable>``: a column, an RDataFrame expression or a number,
        by the variable's name. If several flows have a variable of that name, by ``"<flow>.<variable>"``.
    replace
        Hides a collection of the node that has the name of the flow's: with Jet, ``nJet``, all ``Jet_...`` and indices
        into it, ``..._jetIdx...``. Upstream they stay.
    out_of_range
        For context and samples outside of the ranges and types that the flow declares: ``"error"``, or ``"clip"``,
        which takes the nearest allowed value and prints their number at the end of the event loop (see also
        ``Flow.clipped``). A millionth of a range's width beyond its ends counts as rounding.
    chunk_size
        Entries of the node's dataset that are read at a time; 0: chosen. Does not change the result.
    block_size
        Rows that the flow with most objects is given in one task; 0: chosen. Does not change the result.

    Returns
    -------
    RDataFrame
        A node whose entries are RECO events. It is an ordinary RDataFrame: Filter, Define, Vary, Snapshot, ...

    Raises
    ------
    FileNotFoundError, TypeError, ValueError, RuntimeError
        Before the event loop: flows that are missing, broken or of the same name; columns that are missing, varied
        upstream or already defined; invalid arguments. During the event loop: context collections of different length,
        context or samples that are NaN or out of range. The message names the culprit.

    Notes
    -----
    *Lazy*: nothing is read before an event loop starts; a flow whose columns are not read is never run. Slots sample in
    parallel under ``ROOT.EnableImplicitMT()``. Random numbers depend on seed, flow name and the event's (run,
    luminosityBlock, event) alone (or on its entry number where the dataset lacks these columns): a RECO event is the
    same bit for bit in any file, order, partition and number of threads. See root-project/root #16739 and
    arXiv:2402.13684.

    *Stages*: a node behind ``FlashSim`` may be simulated again, for objects that depend on reconstructed ones:
    ``sim.Filter("nJet > 1").FlashSim(taus, context={"jet_pt": "Jet_pt"})``. Each RECO event is given the new objects.
    `fold_size` is that of the first stage and left out; ``genEvent``, ``foldIndex`` and ``foldSize`` are carried
    through. A file that Snapshot has written of a stage serves as well, with the same bits. Memory is bounded.

    *Report* includes the named filters before FlashSim: they count GEN events, each once; those behind count RECO
    events. (``Print`` divides all by the GEN events of the first filter: its cumulative efficiency behind FlashSim is
    `fold_size` times too high.) If a ``Range`` ends the event loop early, the GEN events read so far are counted.

    On a distributed node, the call raises ``FileNotFoundError`` and the like, and the result raises the errors of
    workers. The first run counts the entries of the dataset's files.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> df = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(100)
    >>> sim = df.Filter("nGenJet >= 4").FlashSim("jets", fold_size=5, seed=1, prefix="Flash")
    >>> mean = sim.Filter("nFlashJet > 0").Define("leading", "FlashJet_pt[0]").Mean("leading")
    >>> 20 < mean.GetValue() < 500
    True
    """
    simulation = Simulation.of(
        flow,
        fold_size=fold_size,
        seed=seed,
        steps=steps,
        prefix=prefix,
        context=context,
        replace=replace,
        out_of_range=out_of_range,
        chunk_size=chunk_size,
        block_size=block_size,
    )
    return simulation.book(node)


def define_folds(
    node: Any,
    flow: FlowLike,
    fold_size: int = 1,
    seed: int = 0,
    steps: int | Mapping[str, int] | None = None,
    prefix: str | Mapping[str, str] = "",
    *,
    context: Mapping[str, str | float] | None = None,
    out_of_range: OutOfRange = "error",
) -> Any:
    """Adds `fold_size` RECO samples of each GEN event to the same entry: ``node.DefineFolds(flow, fold_size=10)``.

    This is the inline mode.

    It is for graphs that must stay one graph. It has no look-ahead: the flow runs for one event at a time, which costs
    several times more per object unless `fold_size` is large. The new columns are ``n<C>`` (int, for each RECO event)
    and, indexed [fold index][object], ``<C>_<target>`` and ``<C>_<source>Idx`` (RVecs of RVecs). The RECO events equal
    those of ``FlashSim`` bit for bit.

    Parameters and errors as for ``FlashSim``; in addition, RuntimeError if the dataset lacks run, luminosityBlock and
    event while ROOT runs several threads, since entries have no lasting number then (root-project/root #12190). With
    ``out_of_range="clip"`` the first value of a variable is printed at once, and their number when the dataframe is
    deleted. Lazy.

    Examples
    --------
    >>> import ROOT, flashsim
    >>> df = ROOT.RDataFrame("Events", flashsim.data.path("ttbar.root")).Range(10)
    >>> inline = df.DefineFolds("jets", fold_size=4, prefix="Flash")
    >>> int(inline.Define("size", "FlashJet_pt.size()").Max("size").GetValue())
    4
    """
    simulation = Simulation.of(
        flow,
        fold_size=fold_size,
        seed=seed,
        steps=steps,
        prefix=prefix,
        context=context,
        out_of_range=out_of_range,
        is_inline=True,
    )
    return simulation.book(node)


def register() -> None:
    """Adds the methods to all RDataFrame nodes, including classes in use."""
    add_methods({"FlashSim": flash_sim, "DefineFolds": define_folds, **METHODS, **EFFICIENCIES})


def add_methods(methods: Mapping[str, Callable[..., Any]]) -> None:
    """Adds methods to all RDataFrame nodes, existing ones included."""
    for name, method in methods.items():
        setattr(root().RDF.RInterfaceBase, name, method)
