"""Closed forms agree with published values and with a discrete-event simulation that shares no code with them."""

from __future__ import annotations

from math import exp, inf, lgamma, log
from typing import Any

import ciw
import numpy as np
import pytest

from carpal_loadtests.capacity.queueing import bounded, erlang_b, erlang_c, waiting

CUSTOMERS = 50_000
WITHIN = 0.05


def simulate(rate: float, service: Any, servers: int, places: float = inf) -> list[Any]:
    """Records of customers in a queue, without the first ones, which found it empty."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate)],
        service_distributions=[service],
        number_of_servers=[servers],
        queue_capacities=[places],
    )
    ciw.seed(11)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(CUSTOMERS, method="Arrive")
    records: list[Any] = simulation.get_all_records()
    return [record for record in records if record.arrival_date > 2000 / rate]


@pytest.mark.parametrize(
    ("load", "servers", "share"), [(1, 2, 1 / 3), (2, 3, 4 / 9), (8, 10, 0.40918), (80, 100, 0.019646), (0.8, 1, 0.8)]
)
def test_erlang_c_has_its_known_values(load: float, servers: int, share: float) -> None:
    assert erlang_c(load, servers) == pytest.approx(share, rel=1e-4)


def test_erlang_b_has_its_known_values_also_where_factorials_would_overflow() -> None:
    assert erlang_b(1, 1) == 0.5
    assert erlang_b(2, 3) == pytest.approx(4 / 19)
    assert erlang_b(990, 1000) == pytest.approx(bounded(990, 1, 1000, 0).refused, rel=1e-9)


def test_more_load_than_servers_waits_for_ever() -> None:
    assert erlang_c(2, 2) == 1
    assert waiting(10, 0.2, 2).mean_s == inf
    assert waiting(10, 0.2, 2).later_than(3600) == 1


def test_nothing_is_in_time_that_is_late_before_it_waits() -> None:
    assert waiting(1, 0.1, 4).later_than(-0.001) == 1
    assert waiting(0, 0.1, 4, service_scv=0).later_than(0.0) == 0


def test_one_server_with_constant_service_waits_half_as_long_as_with_exponential() -> None:
    """Pollaczek and Khinchine: exact for one server."""
    assert waiting(8, 0.1, 1, service_scv=0).mean_s == pytest.approx(waiting(8, 0.1, 1).mean_s / 2)
    assert waiting(8, 0.1, 1, service_scv=2).mean_s == pytest.approx(waiting(8, 0.1, 1).mean_s * 1.5)


@pytest.mark.parametrize(("servers", "busy", "scv"), [(1, 0.7, 1.0), (4, 0.65, 1.0), (2, 0.7, 0.0), (2, 0.6, 0.25)])
def test_the_wait_is_within_five_percent_of_the_simulation(servers: int, busy: float, scv: float) -> None:
    service = ciw.dists.Deterministic(1.0)
    if scv:
        service = ciw.dists.Exponential(1.0) if scv == 1 else ciw.dists.Gamma(1 / scv, scv)
    records = simulate(servers * busy, service, servers)
    seen = np.array([record.waiting_time for record in records])
    said = waiting(*drawn(records), servers, service_scv=scv)
    assert said.mean_s == pytest.approx(seen.mean(), rel=WITHIN)
    assert said.delayed == pytest.approx((seen > 1e-9).mean(), rel=WITHIN)
    assert said.later_than(2 * said.mean_s) == pytest.approx((seen > 2 * said.mean_s).mean(), rel=2 * WITHIN)


def drawn(records: list[Any]) -> tuple[float, float]:
    """The rate and the mean service time that the simulation happened to draw: 1 % more load waits 3 to 5 % longer."""
    arrivals = [record.arrival_date for record in records]
    served = [record.service_time for record in records if record.record_type == "service"]
    return len(arrivals) / (max(arrivals) - min(arrivals)), float(np.mean(served))


@pytest.mark.parametrize(("servers", "busy"), [(2, 0.5), (4, 0.8), (8, 0.75), (16, 0.85), (4, 0.95), (40, 0.9)])
def test_the_wait_for_constant_service_is_within_one_percent_of_the_exact_one(servers: int, busy: float) -> None:
    """Allen and Cunneen's formula alone is up to 8 % low here."""
    assert waiting(servers * busy, 1.0, servers, service_scv=0).mean_s == pytest.approx(
        crommelin(servers * busy, servers), rel=0.01
    )


def crommelin(rate: float, servers: int, most: int = 400) -> float:
    """E[W] of M/D/c with a service time of 1, from the chain of the number in the system one service time apart."""
    arrivals = np.array([exp(k * log(rate) - rate - lgamma(k + 1)) for k in range(most)])
    chances = np.eye(1, most)[0]
    change = 1.0
    while change > 1e-13:
        before, left = chances, np.zeros(most)
        left[0], left[1 : most - servers] = chances[: servers + 1].sum(), chances[servers + 1 :]
        chances = np.convolve(left, arrivals)[:most]
        change = float(np.abs(chances - before).sum())
    return float(np.maximum(np.arange(most) - servers, 0) @ chances) / rate


def test_a_bounded_queue_refuses_and_waits_as_in_the_simulation() -> None:
    records = simulate(5.0, ciw.dists.Exponential(1.0), 4, places=3)
    refused = np.array([record.record_type == "rejection" for record in records])
    waits = [record.waiting_time for record in records if record.record_type == "service"]
    said = bounded(*drawn(records), 4, 3)
    assert said.refused == pytest.approx(refused.mean(), rel=WITHIN)
    assert said.mean_wait_s == pytest.approx(np.mean(waits), rel=WITHIN)
    assert said.busy == pytest.approx(5.0 * (1 - refused.mean()) / 4, rel=WITHIN)


def test_a_bounded_queue_of_service_times_that_vary_less_refuses_less_than_is_said() -> None:
    records = simulate(4.0, ciw.dists.Deterministic(1.0), 4, places=4)
    seen = np.mean([record.record_type == "rejection" for record in records])
    assert 0 < seen < bounded(4.0, 1.0, 4, 4).refused


def test_without_bound_and_without_load_a_bounded_queue_is_the_others() -> None:
    assert bounded(8, 0.1, 1, 5000).mean_wait_s == pytest.approx(waiting(8, 0.1, 1).mean_s)
    assert bounded(0, 0.1, 1, 5).refused == 0
