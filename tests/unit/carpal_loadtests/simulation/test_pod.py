"""A simulated pod is a queue with slots and places, exact to the instant."""

from __future__ import annotations

import pytest

from carpal_loadtests.simulation.pod import SimPod


def test_requests_are_served_in_order_by_the_slots_that_are_free() -> None:
    pod = SimPod(0.0, 0.0, slots=2, places=4)
    assert [pod.take(0.0, 1.0) for _ in range(4)] == [1.0, 1.0, 2.0, 2.0]
    assert pod.take(1.5, 1.0) == 3.0
    assert pod.in_flight == 3


def test_what_finds_no_place_is_refused_until_one_is_free() -> None:
    pod = SimPod(0.0, 0.0, slots=1, places=1)
    assert [pod.take(0.0, 1.0) for _ in range(3)] == [1.0, 2.0, None]
    assert pod.take(1.0, 1.0) == 3.0


def test_areas_are_integrals() -> None:
    pod = SimPod(0.0, 0.0, slots=1, places=9)
    pod.take(0.0, 2.0)
    pod.take(1.0, 2.0)
    pod.advance(10.0)
    assert pod.busy_area == pytest.approx(4.0)  # two requests of 2 s
    assert pod.in_flight_area == pytest.approx(2.0 + 3.0)  # one for 2 s, one from 1 to 4
    assert (pod.answered, pod.in_flight) == (2, 0)


def test_nothing_starts_before_the_pod_is_ready() -> None:
    assert SimPod(0.0, 5.0, slots=1, places=1).take(1.0, 1.0) == 6.0
