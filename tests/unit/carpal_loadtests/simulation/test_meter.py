"""What a controller sees of CPU and requests is what was there at the last look, and no earlier."""

from __future__ import annotations

import pytest

from carpal_loadtests.simulation.fleet import Fleet
from carpal_loadtests.simulation.meter import Meter
from carpal_loadtests.simulation.setup import Delays, Replica

REPLICA = Replica(slots=1, places=50, startup_s=5, cpu_busy_milli=1000, cpu_idle_milli=0)


def read(meter: Meter, fleet: Fleet, now_s: float) -> None:
    """The kubelet reads every pod, which the next look finds."""
    fleet.advance(now_s)
    for pod in fleet.pods:
        meter.read(now_s, pod)


def look(meter: Meter, fleet: Fleet, now_s: float) -> None:
    fleet.advance(now_s)
    meter.look(now_s, fleet)


def values(meter: Meter, fleet: Fleet, now_s: float) -> list[int | None]:
    return [pod.sample.value_milli if pod.sample else None for pod in meter.seen(now_s, fleet)]


def test_cpu_is_the_rate_between_the_last_two_readings_that_were_looked_at() -> None:
    fleet, meter = Fleet(REPLICA, "random", 0), Meter(REPLICA, Delays(), "cpu")
    fleet.begin(1)
    read(meter, fleet, 0.0)
    look(meter, fleet, 2.0)
    fleet.send(3.0, 6.0)
    read(meter, fleet, 8.0)  # nobody looks at this one
    read(meter, fleet, 15.0)
    assert values(meter, fleet, 15.0) == [None]  # read, not yet looked at
    look(meter, fleet, 17.0)
    assert values(meter, fleet, 17.0) == [400]  # 6 of 15 s
    assert meter.totals().value_milli == 400
    (pod,) = meter.seen(17.0, fleet)
    assert pod.sample is not None
    assert (pod.sample.at_s, pod.sample.window_s) == (15.0, 15.0)


def test_a_look_that_finds_no_newer_reading_changes_nothing() -> None:
    fleet, meter = Fleet(REPLICA, "random", 0), Meter(REPLICA, Delays(), "cpu")
    fleet.begin(1)
    read(meter, fleet, 0.0)
    look(meter, fleet, 1.0)
    fleet.send(1.0, 5.0)
    read(meter, fleet, 10.0)
    look(meter, fleet, 16.0)
    look(meter, fleet, 31.0)
    assert values(meter, fleet, 31.0) == [500]
    read(meter, fleet, 35.0)
    look(meter, fleet, 46.0)
    assert values(meter, fleet, 46.0) == [0]


def test_a_container_that_is_ten_seconds_old_has_a_rate_since_its_start() -> None:
    fleet, meter = Fleet(REPLICA, "random", 0), Meter(REPLICA, Delays(), "cpu")
    fleet.scale(0.0, 1)
    fleet.greet(5.0)
    fleet.send(5.0, 6.0)
    read(meter, fleet, 12.0)
    look(meter, fleet, 14.0)
    assert values(meter, fleet, 14.0) == [500]
    young = Meter(REPLICA, Delays(), "cpu")
    read(young, fleet, 9.0)
    look(young, fleet, 14.0)
    assert values(young, fleet, 14.0) == [None]


def test_requests_in_flight_are_those_of_the_look() -> None:
    fleet, meter = Fleet(REPLICA, "random", 0), Meter(REPLICA, Delays(), "in-flight")
    fleet.begin(1)
    for _ in range(3):
        fleet.send(1.0, 10.0)
    look(meter, fleet, 2.0)
    fleet.send(3.0, 10.0)
    assert values(meter, fleet, 3.0) == [3000]


def test_a_rate_counts_answers() -> None:
    fleet, meter = Fleet(REPLICA, "random", 0), Meter(REPLICA, Delays(), "rate")
    fleet.begin(1)
    look(meter, fleet, 0.0)
    for number in range(30):
        fleet.send(number * 0.4, 0.1)
    look(meter, fleet, 15.0)
    assert values(meter, fleet, 15.0) == [2000]


def test_a_replica_that_is_gone_is_forgotten() -> None:
    fleet, meter = Fleet(REPLICA, "random", 0), Meter(REPLICA, Delays(), "in-flight")
    fleet.begin(2)
    look(meter, fleet, 1.0)
    fleet.scale(2.0, 1)
    look(meter, fleet, 16.0)
    assert len(values(meter, fleet, 16.0)) == 1
    assert meter.totals().value_milli == pytest.approx(0)
