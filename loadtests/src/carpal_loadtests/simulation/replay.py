"""How near a simulation comes to a recording: the same requests, the same policy, replicas and p95 side by side.

The bar: replicas equal within one at 95 % of the looks, p95 within 20 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.answers import Outcome
from carpal_loadtests.capacity.demand import ServiceTimes
from carpal_loadtests.errors import RecordingError
from carpal_loadtests.rows import Row
from carpal_loadtests.simulation.outcome import run
from carpal_loadtests.simulation.recording import Recording
from carpal_loadtests.simulation.run import Array, draw_service
from carpal_loadtests.simulation.setup import Delays, FixedPolicy, Policy, Setup

LEAST_WITHIN_ONE = 0.95
MOST_P95_ERROR = 0.20
REPEATS = 9
"""Near full load a few long service times more or less move p95 by a fifth: one draw is chance."""


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
    repeats_p95_ms: tuple[float, ...] = Field(
        description="p95 with other service times of the same distribution, in order; the middle one is compared"
    )
    p95_error: float = Field(description="simulated less recorded, over recorded")
    holds: bool = Field(description="within one at 95 % of the looks, and p95 within 20 %")


def replay(setup: Setup, policy: Policy, service: ServiceTimes, rows: Sequence[Row], recording: Recording) -> Replayed:
    """Simulate the requests of a run and compare with what was recorded meanwhile.

    Args:
        setup: pods, delays and balancing; its arrivals are not used.
        policy: that was in force.
        service: measured apart, in a light run.
        rows: of the recorded run.
        recording: of that run; its clocks are kept to, its replicas are what is compared.

    Raises:
        RecordingError: run and recording do not overlap, or nothing was answered.
    """
    sent_s = np.array(sorted(row.intended_s for row in rows))
    end_s = float(sent_s.max()) + 1.0 if len(sent_s) else 0.0
    during = [tick for tick in recording.ticks if 0 <= tick.at_s < end_s]
    took_ms = [row.latency_s * 1000 for row in rows if row.outcome is Outcome.ANSWERED and row.latency_s is not None]
    if not during or not took_ms:
        raise RecordingError(
            f"{len(during)} looks fall into the run, and {len(took_ms)} of its requests were answered",
            "Requests and replicas of one run are compared.",
            "Record a run that is not stopped before its first answer.",
        )
    initial = setup.model_copy(
        update={"initial_replicas": during[0].replicas, "delays": in_step(setup.delays, policy, recording)}
    )
    courses = sorted(
        (
            run(
                initial.model_copy(update={"seed": seed}),
                policy,
                sent_s,
                draw_service(service, len(sent_s), seed),
                end_s,
                readings=recording.readings_s,
            )
            for seed in range(setup.seed, setup.seed + REPEATS)
        ),
        key=lambda course: _p95(course.latency_s),
    )
    course = courses[REPEATS // 2]
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
        repeats_p95_ms=tuple(_p95(one.latency_s * 1000) for one in courses),
        p95_error=error,
        holds=within >= LEAST_WITHIN_ONE and abs(error) <= MOST_P95_ERROR,
    )


def in_step(delays: Delays, policy: Policy, recording: Recording) -> Delays:
    """The delays with the clocks set as they were recorded; as they are where nothing was.

    An autoscaler decides every so many seconds since its own start, and metrics-server looks every so many since its:
    nobody chose these times, and half an interval between them is half an interval of waiting.
    """
    if isinstance(policy, FixedPolicy):
        return delays
    return delays.model_copy(
        update={
            "sync_phase_s": phase(recording.decided_s, policy.sync_s, delays.sync_phase_s),
            "scrape_phase_s": phase(recording.looked_s, delays.scrape_s, delays.scrape_phase_s),
        }
    )


def phase(times_s: Sequence[float], every_s: float, otherwise_s: float) -> float:
    """The second of the first tick of a clock, of times near to its ticks: their mean on its circle."""
    if not times_s:
        return otherwise_s
    turn = np.exp(2j * np.pi * np.array(times_s) / every_s).mean()
    return float(np.angle(turn) / (2 * np.pi) * every_s % every_s)


def _p95(values_ms: Array) -> float:
    return float(np.quantile(values_ms[~np.isnan(values_ms)], 0.95, method="inverted_cdf"))
