"""How near a simulation comes to a recording: the same requests, the same policy, replicas and p95 side by side.

The bar: replicas equal within one at 95 % of the looks, p95 within 20 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.answers import Outcome
from carpal_loadtests.capacity.demand import ServiceTimes
from carpal_loadtests.errors import RecordingError
from carpal_loadtests.rows import Row
from carpal_loadtests.simulation.outcome import run
from carpal_loadtests.simulation.recording import Tick
from carpal_loadtests.simulation.run import Array, draw_service
from carpal_loadtests.simulation.setup import Delays, FixedPolicy, Policy, Setup

LEAST_WITHIN_ONE = 0.95
MOST_P95_ERROR = 0.20


class Look(Document):
    """Recorded and simulated replicas at one second of the run."""

    at_s: float
    recorded: int
    simulated: int


class Replayed(Document):
    """A recording beside its simulation."""

    schema_: Literal["carpal.replayed/v1"] = Field(default="carpal.replayed/v1", alias="schema")
    policy: Policy
    looks: tuple[Look, ...]
    within_one_share: float = Field(description="of the looks: replicas differ by one at most")
    recorded_p95_ms: float
    simulated_p95_ms: float
    p95_error: float = Field(description="simulated less recorded, over recorded")
    holds: bool = Field(description="within one at 95 % of the looks, and p95 within 20 %")


def replay(setup: Setup, policy: Policy, service: ServiceTimes, rows: Sequence[Row], ticks: Sequence[Tick]) -> Replayed:
    """Simulate the requests of a run and compare with what was recorded meanwhile.

    Args:
        setup: pods, delays and balancing; its arrivals are not used.
        policy: that was in force.
        service: measured apart, in a light run.
        rows: of the recorded run.
        ticks: of the recorded run.

    Raises:
        RecordingError: run and recording do not overlap, or nothing was answered.
    """
    sent_s = np.array(sorted(row.intended_s for row in rows))
    end_s = float(sent_s.max()) + 1.0 if len(sent_s) else 0.0
    during = [tick for tick in ticks if 0 <= tick.at_s < end_s]
    took_ms = [row.latency_s * 1000 for row in rows if row.outcome is Outcome.ANSWERED and row.latency_s is not None]
    if not during or not took_ms:
        raise RecordingError(
            f"{len(during)} looks fall into the run, and {len(took_ms)} of its requests were answered",
            "Requests and replicas of one run are compared.",
            "Record a run that is not stopped before its first answer.",
        )
    initial = setup.model_copy(
        update={"initial_replicas": during[0].replicas, "delays": in_step(setup.delays, policy, during)}
    )
    course = run(initial, policy, sent_s, draw_service(service, len(sent_s), setup.seed), end_s)
    looks = tuple(
        Look(
            at_s=tick.at_s,
            recorded=tick.replicas,
            simulated=int(course.replicas[min(int(tick.at_s), len(course.replicas) - 1)]),
        )
        for tick in during
    )
    within = sum(abs(look.recorded - look.simulated) <= 1 for look in looks) / len(looks)
    recorded_ms, simulated_ms = _p95(np.array(took_ms)), _p95(course.latency_s * 1000)
    error = simulated_ms / recorded_ms - 1
    return Replayed(
        policy=policy,
        looks=looks,
        within_one_share=within,
        recorded_p95_ms=recorded_ms,
        simulated_p95_ms=simulated_ms,
        p95_error=error,
        holds=within >= LEAST_WITHIN_ONE and abs(error) <= MOST_P95_ERROR,
    )


def in_step(delays: Delays, policy: Policy, ticks: Sequence[Tick]) -> Delays:
    """The delays with the autoscaler's clock set by the first change that was recorded; as they are without one.

    A controller decides every so many seconds since its own start, which nobody chose and nothing else tells. The
    change lies between two looks, and is taken to be in the middle.
    """
    changes = ((last.at_s + now.at_s) / 2 for last, now in pairwise(ticks) if now.replicas != last.replicas)
    first_s = next(changes, None)
    if first_s is None or isinstance(policy, FixedPolicy):
        return delays
    return delays.model_copy(update={"sync_phase_s": first_s % policy.sync_s})


def _p95(values_ms: Array) -> float:
    return float(np.quantile(values_ms[~np.isnan(values_ms)], 0.95, method="inverted_cdf"))
