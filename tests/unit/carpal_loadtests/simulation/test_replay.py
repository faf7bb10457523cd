"""A comparison holds where replicas and p95 are near, and fails where either is not. The recordings are made up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.capacity.demand import ServiceTimes
from carpal_loadtests.errors import RecordingError
from carpal_loadtests.rows import Row
from carpal_loadtests.simulation.outcome import run
from carpal_loadtests.simulation.recording import Tick
from carpal_loadtests.simulation.replay import replay
from carpal_loadtests.simulation.run import draw_service
from carpal_loadtests.simulation.setup import Setup

STARTED = "2026-11-26T12:00:00+00:00"
ZERO = 1795694400.0
SERVICE = ServiceTimes.typed(0.08, 0.1)
SETUP = Setup.parse(
    {
        "name": "recorded",
        "arrivals": {"kind": "constant", "rate_per_s": 1, "duration_s": 1},
        "service": {"mean_ms": 80},
        "replica": {"startup_s": 10},
        "policies": {"cpu": {"kind": "hpa", "target": 60, "min_replicas": 2, "max_replicas": 20}},
    },
    source="the test",
)
POLICY = SETUP.policies["cpu"]


def recorded(seed: int = 9) -> tuple[list[Row], list[Tick]]:
    """A recording by the simulator itself, with other service times: what it says of its own kind must hold."""
    sent_s = np.concatenate([np.arange(0, 60, 0.1), np.arange(60, 240, 0.02)])
    course = run(SETUP, POLICY, sent_s, draw_service(SERVICE, len(sent_s), seed), 241.0)
    rows = [
        Row(index, at, at, None if np.isnan(took) else at + took, 200, "",
            Outcome.SHED if np.isnan(took) else Outcome.ANSWERED, 1)
        for index, (at, took) in enumerate(zip(sent_s.tolist(), course.latency_s.tolist(), strict=True))
    ]  # fmt: skip
    ticks = [Tick(ZERO + second, int(course.replicas[second]), int(course.ready[second])) for second in range(240)]
    return rows, ticks


def test_a_recording_of_the_same_rules_holds() -> None:
    rows, ticks = recorded()
    found = replay(SETUP, POLICY, SERVICE, rows, ticks, STARTED)
    assert max(look.recorded for look in found.looks) > 4
    assert found.within_one_share >= 0.95
    assert abs(found.p95_error) < 0.2
    assert found.holds


def test_replicas_or_p95_that_are_too_far_off_do_not() -> None:
    rows, ticks = recorded()
    more = [Tick(tick.unix_s, tick.replicas + 2 * (number % 10 == 0), 1) for number, tick in enumerate(ticks) if number]
    assert not replay(SETUP, POLICY, SERVICE, rows, more, STARTED).holds
    slow = replay(SETUP, POLICY, SERVICE.scaled(1.5), rows, ticks, STARTED)
    assert not slow.holds


@pytest.mark.parametrize(("started", "shift", "said"), [(None, 0, "when it began"), (STARTED, 9000, "0 looks fall")])
def test_what_cannot_be_laid_beside_one_another_is_refused(started: str | None, shift: float, said: str) -> None:
    rows, ticks = recorded()
    moved: list[Any] = [Tick(tick.unix_s + shift, tick.replicas, tick.ready) for tick in ticks]
    with pytest.raises(RecordingError, match=said):
        replay(SETUP, POLICY, SERVICE, rows, moved, started)
