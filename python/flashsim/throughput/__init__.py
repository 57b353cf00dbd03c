"""Events per day: the cost model of arXiv:2402.13684, a measurement of this machine, and a plan of a production."""

from __future__ import annotations

from .cost import (
    SCENARIOS,
    SPEEDS,
    Scenario,
    ScenarioThroughput,
    events_per_day,
    events_per_day_on_cores,
    throughput_on_cores,
    throughput_table,
)

__all__ = [
    "SCENARIOS",
    "SPEEDS",
    "Scenario",
    "ScenarioThroughput",
    "events_per_day",
    "events_per_day_on_cores",
    "throughput_on_cores",
    "throughput_table",
]
