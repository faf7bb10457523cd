"""A plan gives the least number that holds, every part of it with its reason, and refuses what no number can do."""

from __future__ import annotations

from typing import Any

import ciw
import numpy as np
import pytest

from carpal_loadtests.capacity.demand import Demand, ServiceTimes, Spike
from carpal_loadtests.capacity.plan import meets, perfect, plan, ride, smallest, steady
from carpal_loadtests.errors import CapacityError
from carpal_loadtests.scaling.laws import Coefficients


def demand(rate: float = 100, service_s: float = 0.08, cv: float = 0.1, limit_s: float = 0.3, **keys: Any) -> Demand:
    return Demand(rate_per_s=rate, service=ServiceTimes.typed(service_s, cv), limit_s=limit_s, **keys)


@pytest.mark.parametrize("balancing", ["random", "shared"])
def test_one_replica_less_misses_the_objective(balancing: str) -> None:
    asked = demand(balancing=balancing)
    found = smallest(asked, perfect)
    assert meets(asked, steady(asked, found, perfect))
    assert not meets(asked, steady(asked, found - 1, perfect))


def test_a_balancer_that_knows_who_is_free_needs_fewer_replicas_than_chance() -> None:
    assert smallest(demand(balancing="shared"), perfect) < smallest(demand(balancing="random"), perfect)


@pytest.mark.parametrize(("balancing", "servers", "rate"), [("random", 1, 8.0), ("shared", 6, 48.0)])
def test_the_share_that_is_late_is_within_a_quarter_of_a_simulation_and_never_too_hopeful(
    balancing: str, servers: int, rate: float
) -> None:
    asked = demand(rate=48, limit_s=0.2, cv=0.5, balancing=balancing)
    said = steady(asked, 6, perfect)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate)],
        service_distributions=[ciw.dists.Gamma(4, 0.02)],
        number_of_servers=[servers],
    )
    ciw.seed(4)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(40_000, method="Arrive")
    took = np.array([record.waiting_time + record.service_time for record in simulation.get_all_records()])
    seen = (took[2000:] > 0.2).mean()
    assert said.busy == pytest.approx(0.64)
    assert seen * 0.95 <= said.late_share <= seen * 1.25


def test_work_is_counted_exactly() -> None:
    assert plan(demand(rate=100, service_s=0.08)).steps[0].replicas == 8
    assert plan(demand(rate=100, service_s=0.08, slots=4)).steps[0].replicas == 2


def test_the_spare_one_may_be_lost() -> None:
    asked = demand(spare=2)
    made = plan(asked)
    assert [step.name for step in made.steps] == ["work", "objective", "spare"]
    assert made.replicas == made.steps[1].replicas + 2
    assert made.degraded.replicas == made.replicas - 2
    assert meets(asked, made.degraded)


def test_a_spike_is_a_balance_of_rates() -> None:
    asked = demand(rate=50, service_s=0.1, places=10, cv=0)
    load = ride(asked, Spike(rate_per_s=150, detection_s=3, startup_s=2), 10, perfect)
    assert load.capacity_per_s == pytest.approx(100)
    assert load.backlog == 100  # 50/s for 5 s are 250, and there are 100 places
    assert load.shed == pytest.approx(150)
    assert load.shed_per_s == pytest.approx(50)
    assert load.longest_wait_s == pytest.approx(1.0)
    assert load.drain_s == pytest.approx(100 / (load.replicas_after * 10 - 150))


def test_the_reserve_for_a_spike_is_the_least_that_refuses_nobody() -> None:
    spike = Spike(rate_per_s=200, detection_s=30, startup_s=30)
    asked = demand(rate=100, spike=spike, balancing="shared")
    made = plan(asked)
    assert made.steps[-1].name == "spike"
    assert made.replicas == made.steps[-1].replicas
    assert made.spike is not None
    assert (made.spike.shed, made.spike.longest_wait_s <= 0.22) == (0, True)
    fewer = ride(asked, spike, made.replicas - 1, perfect)
    assert fewer.shed > 0 or fewer.longest_wait_s > 0.22


def test_replicas_that_hinder_one_another_need_more_of_them() -> None:
    law = Coefficients(1, 0.01)
    made = plan(demand(balancing="shared"), efficiency=law.efficiency, measured_replicas=4)
    assert made.replicas > plan(demand(balancing="shared")).replicas
    assert made.steady.efficiency == pytest.approx(law.efficiency(made.replicas))
    assert "times the 4 whose scaling was measured" in made.warnings[0]


@pytest.mark.parametrize(
    ("asked", "law", "said"),
    [
        (demand(limit_s=0.08), Coefficients(1), "of requests take longer than 80 ms without any waiting"),
        (demand(rate=1000), Coefficients(1, 0.05), "no number of replicas answers 1000 a second"),
        (
            demand(rate=10, spike=Spike(rate_per_s=5000, detection_s=30, startup_s=5)),
            Coefficients(1, 0.01, 0.001),
            "no number of replicas rides out 5000 a second",
        ),
    ],
)
def test_what_no_number_can_do_is_refused(asked: Demand, law: Coefficients, said: str) -> None:
    with pytest.raises(CapacityError, match=said):
        plan(asked, efficiency=law.efficiency)


def test_cost_is_replicas_times_hours_over_images() -> None:
    made = plan(demand(rate=100, service_s=0.08, price_per_hour=0.5))
    assert made.cost is not None
    assert made.cost.per_hour == made.replicas * 0.5
    assert made.cost.per_million_images == pytest.approx(made.replicas * 0.5 / 0.36)
    assert made.cost.least_per_million_images == pytest.approx(8 * 0.5 / 0.36)
    assert plan(demand()).cost is None


def test_what_the_plan_does_not_know_is_said() -> None:
    emulated = demand().service.model_copy(update={"emulated": True, "scv": 1.5})
    said = plan(Demand(rate_per_s=20, service=emulated, limit_s=2)).warnings
    assert [line.split(":")[0] for line in said] == [
        "service times come from an emulated engine",
        "replicas are taken to scale perfectly",
        "service times vary much (scv 1.5)",
    ]
