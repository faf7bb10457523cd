"""Replicas come when they are ready, go as a ReplicaSet lets them go, and share requests as a balancer would."""

from __future__ import annotations

import numpy as np
import pytest

from carpal_loadtests.simulation.fleet import Fleet
from carpal_loadtests.simulation.setup import Replica

REPLICA = Replica(slots=1, places=3, startup_s=20)


def fleet(count: int, balancing: str = "random") -> Fleet:
    made = Fleet(REPLICA, balancing, seed=1)
    made.begin(count)
    return made


def test_a_new_replica_answers_after_its_start_up() -> None:
    some = fleet(1)
    assert [pod.ready_s for pod in some.scale(10.0, 3)] == [30.0, 30.0]
    some.greet(29.0)
    assert (len(some.pods), len(some.ready)) == (3, 1)
    some.greet(30.0)
    assert len(some.ready) == 3


def test_what_is_not_ready_goes_first_then_the_youngest() -> None:
    some = fleet(1)
    some.scale(0.0, 2)
    some.greet(20.0)
    some.scale(25.0, 3)
    some.scale(26.0, 2)
    assert [pod.created_s for pod in some.pods] == [-3600.0, 0.0]
    some.scale(27.0, 1)
    assert [pod.created_s for pod in some.pods] == [-3600.0]


def test_a_gateway_asks_one_after_the_other() -> None:
    some = fleet(3, "turns")
    for _ in range(6):
        some.send(0.0, 5.0)
    assert [pod.in_flight for pod in some.ready] == [2, 2, 2]


def test_a_deleted_replica_finishes_what_it_has() -> None:
    some = fleet(2)
    answers = [some.send(0.0, 5.0) for _ in range(2)]
    some.scale(1.0, 1)
    assert all(answer is not None and answer >= 5.0 for answer in answers)
    assert len(some.ready) == 1


def test_without_a_ready_replica_nothing_is_taken() -> None:
    assert fleet(0).send(0.0, 1.0) is None


def test_the_least_loaded_gets_the_next_and_chance_does_not_look() -> None:
    fair, blind = fleet(4, "least"), fleet(4, "random")
    for some in (fair, blind):
        for _ in range(8):
            some.send(0.0, 100.0)
    assert [pod.in_flight for pod in fair.pods] == [2, 2, 2, 2]
    assert sorted(pod.in_flight for pod in blind.pods) != [2, 2, 2, 2]


@pytest.mark.parametrize("balancing", ["random", "least"])
def test_in_the_long_run_all_get_the_same(balancing: str) -> None:
    some = fleet(40, balancing)
    for number in range(8000):
        some.send(number * 0.01, 0.001)
    some.advance(100.0)
    assert np.std([pod.answered for pod in some.pods]) < 30
