"""Policies are compared on the same requests; the cheapest that is good enough is named with its chart values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from carpal_loadtests.capacity.demand import ServiceTimes
from carpal_loadtests.simulation.outcome import bins, simulate
from carpal_loadtests.simulation.run import Course
from carpal_loadtests.simulation.setup import Setup


def setup(policies: dict[str, Any], **keys: Any) -> Setup:
    told = {
        "name": "test",
        "arrivals": {"kind": "poisson", "rate_per_s": 20, "duration_s": 120},
        "service": {"mean_ms": 80},
        "policies": policies,
        **keys,
    }
    return Setup.parse(told, source="the test")


SERVICE = ServiceTimes.typed(0.08, 0.1)
FIXED = {f"fixed-{count}": {"kind": "fixed", "replicas": count} for count in (1, 2, 4, 6, 8)}


def test_the_cheapest_that_meets_the_objective_is_best() -> None:
    found = simulate(setup(FIXED, limit_ms=400), SERVICE)
    met = [name for name, one in found.outcomes.items() if one.meets]
    assert met
    assert "fixed-1" not in met
    assert found.best == met[0]
    assert found.chart_values == {
        "mode": "Standard",
        "autoscaling": {"class": "none", "minReplicas": int(met[0][-1])},
    }
    shares = [one.in_time_share for one in found.outcomes.values()]
    assert shares == sorted(shares)
    assert found.outcomes["fixed-8"].replica_hours == pytest.approx(8 * 120 / 3600)


def test_where_none_is_good_enough_the_nearest_is_said_and_nothing_recommended() -> None:
    found = simulate(setup({"one": FIXED["fixed-1"], "two": FIXED["fixed-2"]}, limit_ms=90), SERVICE)
    assert (found.best, found.nearest, found.chart_values) == (None, "two", None)


def test_what_holds_no_slot_is_in_every_latency_and_in_no_queue() -> None:
    """One slot at 80 ms and 20 a second cannot keep up; where 60 of the 80 ms are the network, it can."""
    service = ServiceTimes.typed(0.08, 0.0)
    one = {"one": FIXED["fixed-1"]}
    found = simulate(setup(one, replica={"around_ms": 60, "places": 1000}), service).outcomes["one"]
    held = simulate(setup(one, replica={"places": 1000}), service).outcomes["one"]
    assert found.p50_ms is not None
    assert held.p50_ms is not None
    assert 80 <= found.p50_ms < 100
    assert held.p50_ms > 1000


def test_refused_requests_are_not_in_time() -> None:
    found = simulate(setup({"one": FIXED["fixed-1"]}, replica={"places": 1}, limit_ms=60_000), SERVICE)
    one = found.outcomes["one"]
    assert one.refused > 500
    assert one.in_time_share == pytest.approx(1 - one.refused / one.sent)


def test_bins_cover_every_request_and_every_second_once() -> None:
    sent = np.array([0.1, 0.2, 1.5, 9.9])
    second = np.arange(10.0)
    replicas = np.array([1] * 5 + [3] * 5)
    made = bins(
        Course(sent, np.array([0.1, np.nan, 0.3, 0.2]), second, replicas, replicas, replicas, 20.0, 10.0), bin_s=5.0
    )
    assert [(one.sent_per_s, one.replicas, one.refused) for one in made] == [(0.6, 1, 1), (0.2, 3, 0)]
    assert (made[0].p50_ms, made[0].p99_ms, made[1].p50_ms) == (100, 300, 200)
