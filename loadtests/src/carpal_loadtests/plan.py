"""A scenario made concrete: the requests in order, what each carries, and where they go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from carpal.records.record import Finding
from carpal_loadtests.answers import Expected
from carpal_loadtests.arrivals import Schedule, choices, part, schedule
from carpal_loadtests.errors import ScenarioError
from carpal_loadtests.payloads import Payload, gather
from carpal_loadtests.scenario import Scenario


@dataclass(frozen=True)
class Call:
    """One request of the plan."""

    index: int
    intended_s: float
    payload: int
    """Its place among the plan's payloads."""


@dataclass(frozen=True)
class Plan:
    """What one run sends."""

    scenario: Scenario
    schedule: Schedule
    payloads: Sequence[Payload]
    chosen: NDArray[np.int64]
    """Of each request, the place of its payload."""
    target: str = ""
    """Base URL; HOST:PORT for gRPC."""
    model: str = "MODEL"
    digest: str | None = None
    """Of the package behind the model, as the target declares it."""
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    """Expected, by digest of the payload."""

    @property
    def expected(self) -> Expected:
        """Whose records are answers."""
        return Expected(self.model, self.digest)

    def calls(self, worker: int = 0, workers: int = 1) -> Iterator[Call]:
        """The requests that one worker sends, in order."""
        times = self.schedule.times
        for index in part(len(times), worker, workers):
            yield Call(index, float(times[index]), int(self.chosen[index]))


def make_plan(scenario: Scenario, base: Path) -> Plan:
    """The requests of a scenario; where they go is not known yet.

    Args:
        scenario: what is asked for.
        base: the folder that its paths are relative to.

    Raises:
        PayloadError: nothing to send.
        TraceError: a trace that cannot be replayed.
        ScenarioError: no request would be sent in the measurement, so there would be nothing to judge.
    """
    payloads = gather(scenario.payloads, base, bad_share=scenario.bad_share)
    times = schedule(scenario.arrivals, warmup_s=scenario.warmup_s, seed=scenario.seed, base=base)
    if len(times.times) == times.planned_in_warmup:
        raise ScenarioError(
            f"{scenario.name} sends no request in its {times.duration_s:g} s of measurement",
            f"Its arrivals are {scenario.arrivals.kind} {scenario.arrivals.said}, and nothing can be judged.",
            "Raise the rate, or make the measurement longer.",
        )
    return Plan(scenario, times, payloads, choices(len(times.times), weights(payloads), seed=scenario.seed))


def weights(payloads: Sequence[Payload]) -> NDArray[np.float64]:
    """How often each payload is drawn, against the others."""
    return np.array([payload.weight for payload in payloads])
