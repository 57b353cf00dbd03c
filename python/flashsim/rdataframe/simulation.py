"""A call of ``FlashSim`` or ``DefineFolds`` as plain data, for local nodes and for tasks of distributed runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._errors import translated
from .._library import cpp, root
from ..flows.flow import Flow, check_fold_size, check_seed, to_steps
from ..flows.model import OutOfRange, to_out_of_range
from ..flows.probability import ProbabilityModel

__all__ = ["FlowLike", "Simulation"]

FlowLike = Flow | str | os.PathLike[str]


@dataclass
class Simulation:
    """Arguments of a simulation: plain data, if the flows are. See `flash_sim` for the fields."""

    flows: list[Any]
    """`FlowLike`; a distributed task gets references instead."""
    fold_size: int = 1
    seed: int = 0
    steps: int | dict[str, int] | None = None
    prefix: str | dict[str, str] = ""
    context: dict[str, str] | None = None
    replace: bool = False
    out_of_range: OutOfRange = "error"
    chunk_size: int = 0
    block_size: int = 0
    is_inline: bool = False
    """Whether RECO events are added to the entry of their GEN event, as ``DefineFolds`` does."""

    @classmethod
    def of(cls, flow: FlowLike | Sequence[FlowLike], *, is_inline: bool = False, **options: Any) -> Simulation:
        """The simulation of a call. Raises TypeError, ValueError if an argument is invalid."""
        simulation = cls(_as_list(flow, is_inline), is_inline=is_inline, **options)
        simulation.context = _to_expressions(simulation.context)
        if isinstance(simulation.steps, Mapping):
            simulation.steps = dict(simulation.steps)
        if isinstance(simulation.prefix, Mapping):
            simulation.prefix = dict(simulation.prefix)
        simulation._make_options()
        return simulation

    def book(self, node: Any, first_entries: Mapping[str, int] | None = None, is_part: bool = False) -> Any:
        """The node with RECO events.

        Parameters
        ----------
        node
            Of a local dataframe.
        first_entries
            Global number of the first entry of each file, if the node reads only some files of a dataset.
        is_part
            Whether the node reads a part of a dataset; the caller has then checked all files of the whole.
        """
        options = self._make_options()
        for file, entry in (first_entries or {}).items():
            options.fFirstEntries[file] = entry
        options.fCheckFiles = not is_part
        opened = [flow if isinstance(flow, Flow) else Flow(flow) for flow in self.flows]
        handles = root().std.vector["std::shared_ptr<const FlashSim::Flow>"]()
        for flow in opened:
            handles.push_back(flow._handle)
        with translated():
            if self.is_inline:
                return cpp().DefineFolds(root().RDF.AsRNode(node), handles[0], options)
            return cpp().Simulate(root().RDF.AsRNode(node), handles, options)

    def _make_options(self) -> Any:
        """The C++ ``SimulateOptions``, checked."""
        check_fold_size(self.fold_size)
        check_seed(self.seed)
        options = cpp().SimulateOptions()
        options.fFoldSize = int(self.fold_size)
        options.fSeed = int(self.seed)
        if isinstance(self.steps, Mapping):
            for flow, number in self.steps.items():
                options.fFlows[_check_text("a flow's name in steps", flow)].fSteps = _check_steps_of(flow, number)
        else:
            options.fSteps = to_steps(self.steps)
        if isinstance(self.prefix, Mapping):
            for flow, text in self.prefix.items():
                options.fFlows[_check_text("a flow's name in prefix", flow)].fPrefix = _check_prefix(text)
        else:
            options.fPrefix = _check_prefix(self.prefix)
        for variable, expression in (self.context or {}).items():
            options.fContext[variable] = expression
        if not isinstance(self.replace, (bool, np.bool_)):
            message = f"replace must be True or False, not {self.replace!r}."
            raise TypeError(message)
        options.fReplace = bool(self.replace)
        options.fOutOfRange = to_out_of_range(self.out_of_range)
        options.fChunkSize = _check_size("chunk_size", self.chunk_size)
        options.fBlockSize = _check_size("block_size", self.block_size)
        return options


def _as_list(flow: FlowLike | Sequence[FlowLike], is_inline: bool) -> list[FlowLike]:
    flows = list(flow) if isinstance(flow, Sequence) and not isinstance(flow, str) else [flow]
    for item in flows:
        if isinstance(item, ProbabilityModel):
            message = f"{item!r} gives probabilities and no samples; a flow is needed here."
            raise TypeError(message)
        if not isinstance(item, (Flow, str, os.PathLike)):
            message = f"flow must be a flow, its path, its name, or a list of such, not {item!r}."
            raise TypeError(message)
    if is_inline and len(flows) != 1:
        message = f"DefineFolds takes one flow, not {len(flows)}; call it once for each."
        raise ValueError(message)
    return flows


def _to_expressions(context: Mapping[str, str | float] | None) -> dict[str, str]:
    """The context as expressions; numbers become text."""
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
            message = f"context['{variable}'] is empty. Expected a column, an expression or a number."
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
        message = f"prefix must be letters, digits and underscores, as in column names, not {prefix!r}."
        raise ValueError(message)
    return text


def _check_text(what: str, text: Any) -> str:
    if not isinstance(text, str):
        message = f"{what} must be a string, not {text!r}."
        raise TypeError(message)
    return text


def _check_size(name: str, size: Any) -> int:
    if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 0:
        message = f"{name} must be a positive integer, or 0 for an automatic choice, not {size!r}."
        raise ValueError(message)
    return int(size)
