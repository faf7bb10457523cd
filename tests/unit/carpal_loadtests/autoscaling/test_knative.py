"""The golden vectors of Knative's own autoscaler_test.go, and what surrounds the decision."""

from __future__ import annotations

from math import floor
from typing import Any

import pytest
from pydantic import ValidationError

from carpal_loadtests.autoscaling.knative import Autoscaler, Kpa, KpaPolicy
from carpal_loadtests.autoscaling.seen import Pod, Totals

UTILISATION = 0.75
STABLE_S = 60.0


def autoscaler(target: float, burst: float = 101, **keys: Any) -> Autoscaler:
    """As newTestAutoscaler of Knative makes it."""
    settings = {
        "total": target / UTILISATION,
        "utilization": UTILISATION,
        "burst": burst,
        "most_up": 10,
        "most_down": 10,
    }
    return Autoscaler(KpaPolicy(**{**settings, **keys}))


def excess(target: float, burst: float, panic: float, pods: float) -> int:
    return floor(target / UTILISATION * pods - burst - panic)


@pytest.mark.parametrize(
    ("target", "burst", "ready", "stable", "panic", "keys", "wanted"),
    [
        (181, -1, 1, 21, 26, {}, 1),
        (10, 0, 1, 50, 49, {}, 5),
        (10, 100, 1, 50, 50, {}, 5),
        (10, 100, 5, 50, 50, {}, 5),
        (10, 101, 1, 50, 10, {}, 5),
        (10, 98, 8, 100, 100, {}, 10),
        (10, 98, 8, 50, 50, {}, 5),
        (1, 1982, 2, 3, 3.1, {"most_up": 1.1}, 3),
        (10, 1982, 100, 1, 1, {"most_down": 1.1}, 90),
        (10, 84, 1, 50, 100, {}, 10),
        (10, 75, 1, 0, 0, {"activation": 2}, 0),
        (10, 75, 1, 1, 0, {"activation": 2}, 2),
        (10, 61, 100, 1, 1, {}, 10),
        (10, 81, 0, 1000, 888, {}, 10),
    ],
)
def test_one_decision(
    target: float, burst: float, ready: int, stable: float, panic: float, keys: dict[str, Any], wanted: int
) -> None:
    found = autoscaler(target, burst, **keys).scale(0.0, ready, stable, panic)
    assert found.replicas == wanted
    expected = {0: 0, -1: -1}.get(int(burst), excess(target, burst, panic, ready))
    assert abs(found.excess_burst - expected) <= 1  # Knative's test allows one, for rounding


def test_panic_ends_a_whole_stable_window_after_it_was_last_over() -> None:
    scaler = autoscaler(1, 98)
    assert scaler.scale(0.0, 10, 11, 25).replicas == 25
    assert scaler.panic_since_s == 0.0
    assert scaler.scale(STABLE_S / 2, 40, 30, 41).replicas == 41
    assert scaler.panic_since_s == 0.0
    assert scaler.scale(STABLE_S + 2, 55, 50, 56).replicas == 50
    assert scaler.panic_since_s is None


def test_panic_is_extended_while_it_is_over() -> None:
    scaler = autoscaler(1, 98)
    assert scaler.scale(0.0, 10, 11, 25).replicas == 25
    assert scaler.scale(STABLE_S / 2, 40, 30, 80).replicas == 80
    assert scaler.panic_since_s == STABLE_S / 2


def test_an_exponential_rise_is_followed_step_by_step() -> None:
    scaler = autoscaler(1)
    for at, (ready, load) in enumerate([(1, 6), (6, 36), (36, 216), (216, 1296), (1296, 1296)]):
        assert scaler.scale(float(at), ready, load, load).replicas == load


def test_nothing_goes_down_in_panic() -> None:
    scaler = autoscaler(10, 93)
    assert scaler.scale(0.0, 1, 100, 100).replicas == 10
    assert scaler.scale(0.0, 10, 100, 1000).replicas == 100
    assert scaler.scale(30.0, 10, 1, 1).replicas == 100
    assert scaler.scale(61.0, 10, 1, 1).replicas == 1


def test_the_larger_window_counts_in_panic() -> None:
    for stable, panic, wanted in ((50, 30, 50), (20, 30, 30)):
        scaler = autoscaler(1, 100)
        scaler.panic_since_s = -5.0
        assert scaler.scale(0.0, 5, stable, panic).replicas == wanted


def test_a_delay_holds_the_highest_of_its_window() -> None:
    scaler = autoscaler(10, delay_s=300, panic_threshold=100)
    steps = [(2, 40, 4), (300, 0, 4), (302, 0, 0), (540, 40, 4), (600, 30, 4), (660, 0, 4), (840, 0, 3), (900, 0, 0)]
    for at, load, wanted in steps:
        assert scaler.scale(float(at), 0, load, load).replicas == wanted, at


def test_it_starts_in_panic_where_more_than_one_pod_runs() -> None:
    assert [Autoscaler(KpaPolicy(), ready=ready).panic_since_s for ready in (0, 1, 2)] == [None, None, 0.0]


def pods(count: int) -> list[Pod]:
    return [Pod(started_s=-1000, ready=True, changed_s=-900) for _ in range(count)]


def test_windows_are_means_of_seconds_and_panic_sees_the_last_six() -> None:
    kpa = Kpa(KpaPolicy(total=1, max_replicas=100))
    replicas = 1
    for second in range(60):
        kpa.observe(float(second), 0.5)
    assert kpa.decide(60.0, replicas, pods(1), Totals()) == 1
    for second in range(60, 66):
        kpa.observe(float(second), 7.0)
    assert kpa.decide(66.0, replicas, pods(1), Totals()) == 10


def test_the_last_pod_goes_after_the_grace_period() -> None:
    kpa = Kpa(KpaPolicy(total=1, min_replicas=0))
    kpa.observe(0.0, 0.0)
    assert [kpa.decide(at, 1, pods(1), Totals()) for at in (0.0, 28.0, 30.0)] == [1, 1, 0]


def test_without_data_nothing_is_decided() -> None:
    assert Kpa(KpaPolicy()).decide(0.0, 3, pods(3), Totals()) == 3


def test_bounds_that_cross_are_refused() -> None:
    with pytest.raises(ValidationError, match="min_replicas 5 is more than max_replicas 2"):
        KpaPolicy(min_replicas=5, max_replicas=2)
