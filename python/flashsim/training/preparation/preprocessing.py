"""The preparation of a whole row: GEN and RECO variables in physical units on one side, network inputs on the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from ...flows.graph import GraphBuilder
from ...toml_reader import ConfigError, suggest
from ..recipe.sections import VariableConfig
from .atoms import Dequantise, Present, Spike
from .elementary import Absolute, Angle, OneHot, Saturate, Standardise
from .functions import Arctanh, Log, Logit
from .gaussianise import Gaussianise
from .operation import Array, Operation, Row
from .relations import Difference, Ratio, Share

__all__ = ["OPERATIONS", "Preprocessing"]

OPERATIONS: dict[str, type[Operation]] = {
    operation.name: operation
    for operation in (
        Absolute, Angle, Arctanh, Dequantise, Difference, Gaussianise, Log, Logit, OneHot, Present, Ratio, Saturate,
        Share, Spike, Standardise,
    )
}  # fmt: skip

_ROWS_AT_ONCE = 8192
"""Rows prepared at once: all their columns fit into the cache."""


class Preprocessing:
    """The operations of every variable of a flow, fitted together and exported together.

    Args:
        context: context variables in the order of the columns.
        target: target variables in the order of the columns.
        where: name of the recipe in error messages.

    Raises:
        ConfigError: an operation, one of its keys or a variable it refers to is unknown or cannot be used there.

    Example:
        >>> import numpy as np
        >>> from flashsim.training.recipe.sections import VariableConfig
        >>> pt = VariableConfig("pt", (0.0, 1000.0), ({"op": "log"}, {"op": "standardise"}))
        >>> reco = VariableConfig("pt", (0.0, 1000.0), ({"op": "ratio", "to": "pt"}, {"op": "standardise"}))
        >>> prepared = Preprocessing([pt], [reco])
        >>> generator = np.random.default_rng(1)
        >>> gen = generator.uniform(20, 100, (500, 1))
        >>> jets = gen * generator.normal(1, 0.1, (500, 1))
        >>> prepared.fit(gen, jets, generator)
        >>> encoded = prepared.encode_target(gen, jets, generator)
        >>> bool(np.allclose(prepared.decode_target(gen, encoded), jets))
        True
    """

    def __init__(
        self, context: Sequence[VariableConfig], target: Sequence[VariableConfig], where: str = "config"
    ) -> None:
        self.context = tuple(context)
        self.target = tuple(target)
        self._where = where
        context_names = [variable.name for variable in self.context]
        target_names = [variable.name for variable in self.target]
        self._context_operations = [self._operations(variable, "context") for variable in self.context]
        self._target_operations = [self._operations(variable, "target") for variable in self.target]
        uses: dict[str, set[str]] = {name: set() for name in target_names}
        for variable, operations in zip(self.target, self._target_operations, strict=True):
            for operation in operations:
                self._check_reference(variable, operation.context_reference(), context_names, "context")
                for reference in operation.target_references():
                    self._check_reference(variable, reference, target_names, "target")
                    uses[variable.name].add(reference)
        try:
            order = list(TopologicalSorter(uses).static_order())
        except CycleError as error:
            raise ConfigError(f"{where}: target variables refer to each other: {' → '.join(error.args[1])}") from error
        self._decode_order = [target_names.index(name) for name in order]

    @property
    def context_features(self) -> int:
        """Number of columns that `encode_context` returns."""
        return sum(_features(chain) for chain in self._context_operations)

    @property
    def target_features(self) -> int:
        """Number of columns that `encode_target` returns: the number of target variables."""
        return len(self.target)

    def fit(self, context: Array, target: Array, generator: np.random.Generator) -> None:
        """Learn the constants of every operation from training rows in physical units.

        Args:
            context: shape [n, C].
            target: shape [n, T].
            generator: for the operations that spread atoms.

        Raises:
            ValueError: a variable is not finite, outside its range or constant, or its values cannot be prepared as
                declared; the message names the variable and counts the rows.
        """
        row = self._row(context, target)
        for (kind, variables, chains), columns in zip(self._sides(), (row.context, row.target), strict=True):
            for variable, operations in zip(variables, chains, strict=True):
                values = columns[variable.name]
                _check_training_values(values, variable, kind)
                for operation in operations:
                    with _named(kind, variable, operation):
                        operation.fit(values, row)
                        values = operation.forward(values, row, generator)

    def encode(self, context: Array, target: Array, generator: np.random.Generator) -> tuple[Array, Array]:
        """`encode_context` and `encode_target` of training rows.

        Raises:
            ValueError: an operation cannot prepare a value, or its result is not finite; the message names the
                variable and counts the rows.
        """
        encoded = self.encode_context(context), self.encode_target(context, target, generator)
        for (kind, variables, chains), columns in zip(self._sides(), encoded, strict=True):
            if np.isfinite(columns).all():
                continue
            widths = [_features(operations) for operations in chains]
            for variable, part in zip(variables, np.split(columns, np.cumsum(widths)[:-1], axis=1), strict=True):
                if wrong := int(np.count_nonzero(~np.isfinite(part).all(axis=1))):
                    raise ValueError(
                        f"{kind} variable {variable.name!r}: {wrong} of {len(part)} rows are not finite after "
                        f"{', '.join(operation['op'] for operation in variable.operations)}"
                    )
        return encoded

    def encode_context(self, context: Array) -> Array:
        """Network inputs, float32 of shape [n, `context_features`], of context rows in physical units."""
        encoded = np.empty((len(context), self.context_features), np.float32)
        unused = np.random.default_rng(0)
        for rows in _pieces(len(context)):
            row = self._row(context[rows])
            first = 0
            for variable, operations in zip(self.context, self._context_operations, strict=True):
                values = self._forward("context", variable, operations, row.context[variable.name], row, unused)
                last = first + _features(operations)
                encoded[rows, first:last] = values.reshape(len(values), -1)
                first = last
        return encoded

    def encode_target(self, context: Array, target: Array, generator: np.random.Generator) -> Array:
        """Values that the flow learns to sample, float32 of shape [n, T]; atoms are spread anew at every call."""
        encoded = np.empty((len(target), self.target_features), np.float32)
        for rows in _pieces(len(target)):
            row = self._row(context[rows], target[rows])
            for index, (variable, operations) in enumerate(zip(self.target, self._target_operations, strict=True)):
                values = row.target[variable.name]
                encoded[rows, index] = self._forward("target", variable, operations, values, row, generator)
        return encoded

    def decode_target(self, context: Array, encoded: Array) -> Array:
        """Physical values of shape [n, T] of network outputs, whole numbers rounded and ranges enforced."""
        gen = self._row(context, dtype=encoded.dtype).context
        decoded: dict[str, Array] = {}
        for index in self._decode_order:
            variable, row = self.target[index], Row(gen, decoded)
            values = encoded[:, index]
            for operation in reversed(self._target_operations[index]):
                values = operation.inverse(values, row)
            if variable.is_integer:
                values = np.rint(values)
            decoded[variable.name] = np.clip(values, *variable.range)
        return np.stack([decoded[variable.name] for variable in self.target], axis=1)

    def emit_context(self, graph: GraphBuilder, context: str) -> tuple[str, Row[str]]:
        """`encode_context` as nodes; returns its tensor and the physical context columns by name."""
        columns = graph.split(context, [1] * len(self.context))
        row = Row({variable.name: column for variable, column in zip(self.context, columns, strict=True)})
        encoded = []
        for variable, operations in zip(self.context, self._context_operations, strict=True):
            value = row.context[variable.name]
            for operation in operations:
                value = operation.emit_forward(graph, value, row)
            encoded.append(value)
        return graph.concatenate(encoded), row

    def emit_target(self, graph: GraphBuilder, encoded: str, row: Row[str]) -> str:
        """`decode_target` as nodes, given the physical context columns that `emit_context` returned."""
        columns = graph.split(encoded, [1] * len(self.target))
        decoded: dict[str, str] = {}
        for index in self._decode_order:
            variable, here = self.target[index], Row(row.context, decoded)
            value = columns[index]
            for operation in reversed(self._target_operations[index]):
                value = operation.emit_inverse(graph, value, here)
            if variable.is_integer:
                value = graph.node("Round", value)
            decoded[variable.name] = graph.node("Clip", value, *(graph.constant(limit) for limit in variable.range))
        return graph.concatenate([decoded[variable.name] for variable in self.target])

    def state(self) -> dict[str, Any]:
        """The fitted operations as plain numbers and lists, for `load_state`."""
        return {
            "context": [[operation.state() for operation in chain] for chain in self._context_operations],
            "target": [[operation.state() for operation in chain] for chain in self._target_operations],
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore operations saved with `state`."""
        for kind, chains in (("context", self._context_operations), ("target", self._target_operations)):
            for chain, saved in zip(chains, state[kind], strict=True):
                chain[:] = [OPERATIONS[item["op"]](**{k: v for k, v in item.items() if k != "op"}) for item in saved]

    def _row(self, context: Array, target: Array | None = None, dtype: Any = np.float64) -> Row[Array]:
        gen = {variable.name: context[:, index].astype(dtype) for index, variable in enumerate(self.context)}
        if target is None:
            return Row(gen)
        return Row(gen, {variable.name: target[:, index].astype(dtype) for index, variable in enumerate(self.target)})

    def _sides(self) -> Iterator[tuple[str, Sequence[VariableConfig], Sequence[Sequence[Operation]]]]:
        yield "context", self.context, self._context_operations
        yield "target", self.target, self._target_operations

    @staticmethod
    def _forward(
        kind: str,
        variable: VariableConfig,
        operations: Sequence[Operation],
        values: Array,
        row: Row[Array],
        generator: np.random.Generator,
    ) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):  # log(0) may be saturated; `encode` counts what remains
            for operation in operations:
                with _named(kind, variable, operation):
                    values = operation.forward(values, row, generator)
        return values

    def _operations(self, variable: VariableConfig, kind: str) -> list[Operation]:
        where = f"{self._where}: {kind} variable {variable.name!r}"
        operations: list[Operation] = []
        for declared in variable.operations:
            name = declared["op"]
            if name not in OPERATIONS:
                raise ConfigError(f"{where}: unknown operation {name!r}{suggest(name, OPERATIONS)}")
            operation = OPERATIONS[name]
            if not (operation.for_context if kind == "context" else operation.for_target):
                raise ConfigError(f"{where}: operation {name!r} cannot be used for a {kind} variable")
            if operations and operations[-1].features() > 1:
                raise ConfigError(f"{where}: operation {operations[-1].name!r} must be the last")
            keys = {key: value for key, value in declared.items() if key != "op"}
            for key in keys:
                if key not in operation.recipe_keys():
                    known = operation.recipe_keys() or ("none",)
                    raise ConfigError(f"{where}: operation {name!r}: unknown key {key!r}{suggest(key, known)}")
            for key in operation.required_keys():
                if key not in keys:
                    raise ConfigError(f"{where}: operation {name!r}: missing key {key!r}")
            try:
                operations.append(operation(**keys))
            except (TypeError, ValueError) as error:
                raise ConfigError(f"{where}: operation {name!r}: {error}") from error
        return operations

    def _check_reference(
        self, variable: VariableConfig, reference: str | None, known: Sequence[str], kind: str
    ) -> None:
        if reference is not None and reference not in known:
            raise ConfigError(
                f"{self._where}: target variable {variable.name!r}: {reference!r} is not a {kind} variable"
                f"{suggest(reference, known)}"
            )


def _features(operations: Sequence[Operation]) -> int:
    """Columns that a chain returns; only its last operation may return several."""
    return operations[-1].features() if operations else 1


def _pieces(rows: int) -> Iterator[slice]:
    for start in range(0, rows, _ROWS_AT_ONCE):
        yield slice(start, min(start + _ROWS_AT_ONCE, rows))


@contextmanager
def _named(kind: str, variable: VariableConfig, operation: Operation) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{kind} variable {variable.name!r}: {operation.name}: {error}") from error


def _check_training_values(values: Array, variable: VariableConfig, kind: str) -> None:
    low, high = np.float32(variable.range[0]), np.float32(variable.range[1])
    rounded = values.astype(np.float32)
    for wrong, what in (
        (~np.isfinite(values), "not finite"),
        ((rounded < low) | (rounded > high), f"outside [{variable.range[0]:g}, {variable.range[1]:g}]"),
    ):
        if count := int(np.count_nonzero(wrong)):
            raise ValueError(f"{kind} variable {variable.name!r}: {count} of {len(values)} rows are {what}")
    if values.min() == values.max():
        raise ValueError(
            f"{kind} variable {variable.name!r}: every training value is {values[0]:g}: leave the constant variable out"
        )
