"""RECO events per day of a machine: the cost model of arXiv:2402.13684, Table 2."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real

from ..flows.flow import check_fold_size

__all__ = [
    "SCENARIOS",
    "SPEEDS",
    "Scenario",
    "ScenarioThroughput",
    "check_at_least_zero",
    "check_positive",
    "events_per_day",
    "events_per_day_on_cores",
    "throughput_on_cores",
    "throughput_table",
]

_SECONDS_PER_DAY = 86_400
_MILLION = 1e6


@dataclass(frozen=True)
class Scenario:
    """A generator, its core-seconds per GEN event, and the fold size."""

    generator: str
    generator_seconds: float
    fold_size: int


SCENARIOS = (
    Scenario("Existing", 0, 1),
    Scenario("Simple", 0.02, 1),
    Scenario("Simple", 0.02, 10),
    Scenario("Average", 1, 1),
    Scenario("Average", 1, 10),
    Scenario("Accurate and slow", 20, 1),
    Scenario("Accurate and slow", 20, 10),
)
"""The rows of Table 2; "existing" GEN events need not be generated."""

SPEEDS = (1, 5, 10, 50, 100)
"""The columns of Table 2: objects that one GPU samples, in kHz."""


@dataclass(frozen=True)
class ScenarioThroughput:
    """Millions of RECO events per day in one scenario.

    Attributes
    ----------
    scenario
        The generator and the fold size.
    conventional
        With conventional simulation.
    simulated
        With a flow, for each speed.
    """

    scenario: Scenario
    conventional: float
    simulated: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """The rate with a flow divided by the rate of conventional simulation, for each speed."""
        return tuple(simulated / self.conventional for simulated in self.simulated)


def events_per_day(
    generator_seconds: float,
    fold_size: int,
    rate_khz: float | None = None,
    cores: float = 32,
    gpus: float = 4,
    objects_per_event: float = 20,
    conventional_seconds: float = 20,
) -> float:
    r"""Millions of RECO events per day of one node that generates on its cores and simulates on its GPUs.

    The defaults are the node of arXiv:2402.13684, Table 2: 32 cores, 4 GPUs, 20 objects in an event. All cores
    generate, then all GPUs sample. With a fold size of N and M objects on C cores and G GPUs of rate r, a RECO
    event takes

    .. math:: \frac{t_{gen}}{N C} + \frac{M}{G r} .

    Conventional simulation runs on the cores, once per RECO event, and takes :math:`(t_{conv} + t_{gen}/N) / C`.

    Parameters
    ----------
    generator_seconds
        Core-seconds to generate a GEN event; 0 for GEN events that exist.
    fold_size
        RECO events per GEN event.
    rate_khz
        Objects that one GPU samples in a millisecond (its speed in kHz); None for conventional simulation.
    cores, gpus
        Of the node. GPUs do not count in conventional simulation.
    objects_per_event
        Objects to sample in a RECO event.
    conventional_seconds
        Core-seconds of conventional simulation for a RECO event.

    Raises
    ------
    ValueError
        If a number makes no sense; it is named.

    Notes
    -----
    The model leaves out reading, writing and all other work beside generating and sampling. It assumes that sampling
    follows generation, as the table does. If they overlapped, the slower of the two would set the pace: at most twice
    as many events, where both take the same time.

    Examples
    --------
    A generator of 1 s per event and GPUs of 10 kHz, with one and with ten RECO events per GEN event; then conventional
    simulation:

    >>> from flashsim.throughput import events_per_day
    >>> round(events_per_day(1, 1, 10), 1), round(events_per_day(1, 10, 10), 1)
    (2.7, 23.8)
    >>> round(events_per_day(1, 10), 3)
    0.138
    """
    _check_generator(generator_seconds, fold_size)
    check_positive("cores", cores)
    check_positive("gpus", gpus)
    check_positive("objects_per_event", objects_per_event)
    check_positive("conventional_seconds", conventional_seconds)
    if rate_khz is None:
        return events_per_day_on_cores(generator_seconds, fold_size, conventional_seconds, cores)
    check_positive("rate_khz", rate_khz)
    seconds = generator_seconds / (fold_size * cores) + objects_per_event / (gpus * 1000 * rate_khz)
    return _SECONDS_PER_DAY / seconds / _MILLION


def events_per_day_on_cores(
    generator_seconds: float, fold_size: int, simulation_seconds: float, cores: float = 1
) -> float:
    """Millions of RECO events per day of a machine without GPUs: each core either generates or simulates.

    A RECO event takes ``generator_seconds / fold_size + simulation_seconds`` core-seconds, with any kind of simulation.

    Parameters
    ----------
    generator_seconds
        Core-seconds to generate a GEN event; 0 for GEN events that exist.
    fold_size
        RECO events per GEN event.
    simulation_seconds
        Core-seconds to simulate a RECO event; `flashsim.throughput.measure.measure` finds them.
    cores
        Of the machine.

    Raises
    ------
    ValueError
        If a number makes no sense; it is named.

    Notes
    -----
    Cores that share memory and clock with busy ones are slower than one alone: with seconds measured on one core, the
    result is an upper limit.

    Examples
    --------
    >>> from flashsim.throughput import events_per_day_on_cores
    >>> events_per_day_on_cores(generator_seconds=1, fold_size=10, simulation_seconds=0.1, cores=2)
    0.864
    """
    _check_generator(generator_seconds, fold_size)
    check_positive("simulation_seconds", simulation_seconds)
    check_positive("cores", cores)
    return _SECONDS_PER_DAY * cores / (generator_seconds / fold_size + simulation_seconds) / _MILLION


def throughput_table(
    speeds: Sequence[float] = SPEEDS,
    scenarios: Iterable[Scenario] = SCENARIOS,
    *,
    cores: float = 32,
    gpus: float = 4,
    objects_per_event: float = 20,
    conventional_seconds: float = 20,
) -> list[ScenarioThroughput]:
    """Table 2 of arXiv:2402.13684, or the same for another node: `events_per_day` for each scenario and speed.

    >>> from flashsim.throughput import throughput_table
    >>> first = throughput_table()[0]
    >>> round(first.conventional, 3), [round(number, 1) for number in first.simulated]
    (0.138, [17.3, 86.4, 172.8, 864.0, 1728.0])
    """

    def entry(scenario: Scenario, speed: float | None) -> float:
        return events_per_day(
            scenario.generator_seconds, scenario.fold_size, speed, cores, gpus, objects_per_event, conventional_seconds
        )

    return [
        ScenarioThroughput(scenario, entry(scenario, None), tuple(entry(scenario, speed) for speed in speeds))
        for scenario in scenarios
    ]


def throughput_on_cores(
    simulation_seconds: float,
    scenarios: Iterable[Scenario] = SCENARIOS,
    *,
    cores: float = 1,
    conventional_seconds: float = 20,
) -> list[ScenarioThroughput]:
    """The table for a machine without GPUs, with one speed: `events_per_day_on_cores` for each scenario.

    >>> from flashsim.throughput import throughput_on_cores
    >>> [round(ratio) for ratio in throughput_on_cores(0.001)[0].ratios]
    [20000]
    """

    def entry(scenario: Scenario, seconds: float) -> float:
        return events_per_day_on_cores(scenario.generator_seconds, scenario.fold_size, seconds, cores)

    check_positive("conventional_seconds", conventional_seconds)
    return [
        ScenarioThroughput(scenario, entry(scenario, conventional_seconds), (entry(scenario, simulation_seconds),))
        for scenario in scenarios
    ]


def check_positive(name: str, value: float) -> None:
    """Raises ValueError unless `value` is a finite number above 0."""
    if not (_is_finite(value) and value > 0):
        raise ValueError(f"{name} is {value!r}, expected a number above 0.")


def check_at_least_zero(name: str, value: float) -> None:
    """Raises ValueError unless `value` is a finite number, 0 or more."""
    if not (_is_finite(value) and value >= 0):
        raise ValueError(f"{name} is {value!r}, expected a number, 0 or more.")


def _check_generator(generator_seconds: float, fold_size: int) -> None:
    check_at_least_zero("generator_seconds", generator_seconds)
    check_fold_size(fold_size)


def _is_finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
