"""Base class of the invertible operations between physical values and the network."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from ...flows.graph import GraphBuilder

__all__ = ["Array", "Operation", "Row", "fitted"]

Array = npt.NDArray[Any]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Row(Generic[Value]):
    """Variables that an operation may refer to: context and target in physical units, by name.

    A value is an array of shape [n] in numpy and the name of a tensor of shape [n, 1] in a graph.
    """

    context: Mapping[str, Value]
    target: Mapping[str, Value] = field(default_factory=dict)


def fitted(default: Any) -> Any:
    """A field learnt by `Operation.fit`: stored with the operation, unknown to recipes."""
    return field(default=default, metadata={"fitted": True})


class Operation(ABC):
    """One step of the preparation of one variable, declared in the recipe, inverted inside the exported graph.

    Life cycle: construction from the recipe, `fit` once on the training data, then `forward`, `inverse` and the two
    ``emit`` methods in any order, any number of times. In numpy a variable is an array of shape [n] ([n, k] after a
    one-hot encoding), in a graph a tensor of shape [n, 1] ([n, k]).

    A subclass is a dataclass: its fields are the keys a recipe may give, except those declared with `fitted`.
    """

    name: ClassVar[str]
    for_context: ClassVar[bool] = True
    for_target: ClassVar[bool] = True

    @classmethod
    def recipe_keys(cls) -> tuple[str, ...]:
        """Keys that a recipe may give."""
        return tuple(item.name for item in dataclasses.fields(cls) if not item.metadata.get("fitted"))  # type: ignore[arg-type]

    @classmethod
    def required_keys(cls) -> tuple[str, ...]:
        """Keys that a recipe must give."""
        missing = dataclasses.MISSING
        return tuple(
            item.name
            for item in dataclasses.fields(cls)  # type: ignore[arg-type]
            if item.default is missing and item.default_factory is missing
        )

    def context_reference(self) -> str | None:
        """Context variable that the operation refers to."""
        return None

    def target_references(self) -> tuple[str, ...]:
        """Target variables that the operation refers to, which are therefore decoded first."""
        return ()

    def features(self) -> int:
        """Columns that `forward` returns per variable."""
        return 1

    def fit(self, values: Array, row: Row[Array]) -> None:  # noqa: B027
        """Learn the constants of the operation; raises ValueError if these values cannot be prepared with it."""

    @abstractmethod
    def forward(self, values: Array, row: Row[Array], generator: np.random.Generator) -> Array:
        """Towards the network."""

    def inverse(self, values: Array, row: Row[Array]) -> Array:
        """Towards physical units."""
        raise NotImplementedError(f"operation {self.name!r} cannot be undone")

    def emit_forward(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        """`forward` as nodes."""
        raise NotImplementedError(f"operation {self.name!r} is for target variables only")

    def emit_inverse(self, graph: GraphBuilder, values: str, row: Row[str]) -> str:
        """`inverse` as nodes."""
        raise NotImplementedError(f"operation {self.name!r} cannot be undone")

    def state(self) -> dict[str, Any]:
        """The operation with all its constants, as plain numbers and lists."""
        return {"op": self.name, **dataclasses.asdict(self)}  # type: ignore[call-overload]
