"""A service that sheds keeps its goodput beyond its capacity; one that queues everything does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.check import Check
from carpal_loadtests.generator import Measurement
from carpal_loadtests.job import Summary
from carpal_loadtests.limits.overload import overload_checks, overloaded
from carpal_loadtests.machine import fingerprint
from carpal_loadtests.plan import make_plan
from carpal_loadtests.result import conclude
from carpal_loadtests.rows import Row
from carpal_loadtests.target import Target
from carpal_loadtests.telemetry import MEMORY, Sample

CAPACITY = 20
Checks = Callable[..., dict[str, Check]]


@pytest.fixture
def checks(scenario: Callable[..., Any], tmp_path: Path, summary: Summary) -> Checks:
    """The checks of a run at 0.8, 2, 0.8, 10 and 0.8 times the capacity, against a queue of so many places."""

    def run(queue: float, samples: Sequence[Sample] = ()) -> dict[str, Check]:
        planned = overloaded(scenario(), capacity_per_s=CAPACITY, times=(2, 10), stage_s=10)
        plan = make_plan(planned.model_copy(update={"seed": 3}), tmp_path)
        free, rows = 0.0, []
        for call in plan.calls():
            at = call.intended_s
            if (free - at) * CAPACITY * 1.05 > queue:
                rows.append(Row(call.index, at, at, at + 0.001, 429, "service.overloaded", Outcome.SHED, 1))
            else:
                free = max(free, at) + 1 / (CAPACITY * 1.05)
                rows.append(Row(call.index, at, at, free, 200, "", Outcome.ANSWERED, 1))
        target = Target(url="http://127.0.0.1:1", model="known", metadata={})
        result = conclude(plan, target, Measurement(rows, summary, False), fingerprint())
        found = overload_checks(result, rows, samples, capacity_per_s=CAPACITY, good_ms=600)
        return {check.name: check for check in found}

    return run


def test_a_service_that_sheds_holds_at_ten_times_its_capacity(checks: Checks) -> None:
    found = checks(queue=8)
    assert set(found) == {
        f"{times}.{what}" for times in ("2x", "10x") for what in ("goodput_per_s", "accepted_p99_ms", "recovery_s")
    }
    assert [check.reason for check in found.values() if not check.holds] == []


def test_a_service_that_queues_everything_does_not(checks: Checks) -> None:
    found = checks(queue=float("inf"))
    assert not found["10x.goodput_per_s"].holds
    assert not found["10x.accepted_p99_ms"].holds
    assert not found["10x.recovery_s"].holds


def test_memory_that_swells_under_overload_is_told(checks: Checks) -> None:
    def seen(after: float) -> list[Sample]:
        return [Sample(at, "local process", MEMORY, "", 1e8 if at < 10 else after) for at in range(40)]

    assert checks(queue=8, samples=seen(1.2e8))["memory_ratio"].holds
    assert not checks(queue=8, samples=seen(2e8))["memory_ratio"].holds
