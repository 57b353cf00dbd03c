"""Operations with data they suit, and graphs of single operations, for the tests of the preparation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import onnxruntime

from flashsim.flows.graph import GraphBuilder
from flashsim.training.preparation.atoms import Dequantise, Present, Spike
from flashsim.training.preparation.elementary import Absolute, Angle, OneHot, Saturate, Standardise
from flashsim.training.preparation.functions import Arctanh, Log, Logit
from flashsim.training.preparation.gaussianise import Gaussianise
from flashsim.training.preparation.operation import Operation, Row
from flashsim.training.preparation.relations import Difference, Ratio, Share

__all__ = ["CONTEXT_CASES", "DATA", "ROW", "ROWS", "TARGET_CASES", "case_name", "run_graph"]

ROWS = 3001


def columns(seed: int = 1) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    count = generator.integers(0, 3, ROWS)
    spiked = np.where(generator.random(ROWS) < 0.3, 0.0, generator.beta(2, 5, ROWS))
    return {
        "gen": generator.uniform(-3, 3, ROWS),
        "positive": generator.exponential(30, ROWS) + 1,
        "azimuth": generator.uniform(-math.pi, math.pi, ROWS),
        "share": generator.beta(2, 5, ROWS),
        "spiked": spiked,
        "part": (1 - spiked) * generator.beta(5, 2, ROWS),
        "outside": np.where(generator.random(ROWS) < 0.3, -1.0, generator.exponential(1, ROWS) + 0.2),
        "middle": np.where(generator.random(ROWS) < 0.3, 0.5, generator.normal(0, 1, ROWS)),
        "topped": np.where(generator.random(ROWS) < 0.3, 1.0, generator.beta(2, 5, ROWS)),
        "count": count.astype(float),
        "identifier": generator.choice([0.0, 2.0, 6.0], ROWS),
        "energy": np.where(count > 0, generator.exponential(1, ROWS), 0.0),
        "code": generator.choice([-5.0, 0.0, 4.0, 21.0], ROWS),
    }


DATA = columns()
ROW = Row(
    {"gen": DATA["gen"], "azimuth": DATA["azimuth"], "positive": DATA["positive"]},
    {"count": DATA["count"], "spiked": DATA["spiked"], "share": DATA["share"]},
)

TARGET_CASES = [
    (Difference("gen"), "share"),
    (Difference("azimuth", period=2 * math.pi), "azimuth"),
    (Ratio("positive"), "positive"),
    (Ratio("positive", offset=2.0), "share"),
    (Share(after=["spiked"]), "part"),
    (Share(after=["spiked", "share"], total=3.0), "share"),
    (Log(), "positive"),
    (Log(offset=0.5), "spiked"),
    (Logit(), "share"),
    (Arctanh(), "share"),
    (Arctanh(bound=3.5), "gen"),
    (Standardise(), "positive"),
    (Saturate(), "positive"),
    (Gaussianise(knots=64), "positive"),
    (Dequantise(), "count"),
    (Dequantise(values=[0, 2, 6]), "identifier"),
    (Dequantise(values=[0, 2, 4, 6]), "identifier"),
    (Spike(0.0), "spiked"),
    (Spike(1.0, extent=0.2), "topped"),
    (Spike(-1.0), "outside"),
    (Spike(0.5), "middle"),
    (Present("count"), "energy"),
]
CONTEXT_CASES = [
    (Absolute(), "code"),
    (OneHot(categories=[0.0, 4.0, 21.0], other=0.0), "code"),
    (Log(), "positive"),
    (Log(offset=0.5), "spiked"),
    (Logit(), "share"),
    (Arctanh(bound=3.5), "gen"),
    (Angle(), "azimuth"),
    (Angle(period=6.0), "gen"),
    (Standardise(), "positive"),
    (Saturate(), "positive"),
    (Gaussianise(knots=64), "positive"),
]


def case_name(value: object) -> str:
    return value.name if isinstance(value, Operation) else str(value)


def run_graph(emit: Callable, values: np.ndarray, row: Row[np.ndarray]) -> np.ndarray:
    """Result of the nodes that ``emit(graph, values, row)`` adds, for float32 columns."""
    graph = GraphBuilder()
    feeds = {"values": values}
    names = {"values": graph.input("values", ["n", 1])}
    for kind, variables in (("context", row.context), ("target", row.target)):
        for name, column in variables.items():
            feeds[f"{kind}_{name}"] = column
            names[f"{kind}_{name}"] = graph.input(f"{kind}_{name}", ["n", 1])
    symbols = Row(
        {name: names[f"context_{name}"] for name in row.context},
        {name: names[f"target_{name}"] for name in row.target},
    )
    graph.output(emit(graph, names["values"], symbols), "result", ["n", "k"])
    session = onnxruntime.InferenceSession(graph.model("test").SerializeToString(), providers=["CPUExecutionProvider"])
    needed = {item.name for item in session.get_inputs()}
    feeds = {name: np.float32(column)[:, None] for name, column in feeds.items() if name in needed}
    return session.run(None, feeds)[0]
