"""An HPA holds bounds, metric, windows and rates together, and remembers."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from carpal_loadtests.autoscaling.hpa import Behavior, Hpa, HpaPolicy
from carpal_loadtests.autoscaling.seen import Pod, Sample, Totals

NOTHING = Totals()


def pods(count: int, cpu_milli: int) -> list[Pod]:
    return [Pod(started_s=-1000, ready=True, changed_s=-900, sample=Sample(cpu_milli, 0.0)) for _ in range(count)]


def test_it_follows_a_load_up_at_once_and_down_after_five_minutes() -> None:
    hpa, replicas, seen = Hpa(HpaPolicy(max_replicas=20)), 2, []
    for tick in range(25):
        now = 15.0 * tick
        work_milli = 8000 if tick < 3 else 1000
        replicas = hpa.decide(now, replicas, pods(replicas, min(work_milli // replicas, 2000)), NOTHING)
        seen.append(replicas)
    assert seen[:3] == [4, 8, 10]
    assert set(seen[3:23]) == {10}
    assert seen[23:] == [2, 2]


def test_bounds_come_before_metrics() -> None:
    hpa = Hpa(HpaPolicy(min_replicas=3, max_replicas=5))
    assert hpa.decide(0.0, 9, pods(9, 5000), NOTHING) == 5
    assert hpa.decide(15.0, 1, pods(1, 0), NOTHING) == 3


def test_it_leaves_a_deployment_alone_that_somebody_scaled_to_nothing() -> None:
    assert Hpa(HpaPolicy()).decide(0.0, 0, [], NOTHING) == 0


def test_without_metrics_it_changes_nothing() -> None:
    assert Hpa(HpaPolicy()).decide(0.0, 2, [Pod(started_s=None, ready=False, changed_s=0)] * 2, NOTHING) == 2


def test_requests_in_flight_are_a_mean_a_replica() -> None:
    hpa = Hpa(HpaPolicy(metric="in-flight", target=2, behavior=Behavior()))
    assert hpa.decide(0.0, 2, pods(2, 6000), NOTHING) == 6


def test_a_new_hpa_begins_with_the_replicas_that_there_are() -> None:
    """Kubernetes records the present number as its first recommendation, so a first look takes nothing down."""
    assert Hpa(HpaPolicy()).decide(0.0, 6, pods(6, 10), NOTHING) == 6


def test_bounds_that_cross_are_refused() -> None:
    with pytest.raises(ValidationError, match="min_replicas 5 is more than max_replicas 2"):
        HpaPolicy(min_replicas=5, max_replicas=2)
