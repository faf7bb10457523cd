"""The number of replicas, each part of it with its reason, and what happens when it is not enough."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Literal

from pydantic import Field

from carpal.document import Document
from carpal_loadtests.capacity.demand import Demand, Spike
from carpal_loadtests.capacity.queueing import bounded, waiting
from carpal_loadtests.errors import CapacityError

MOST_REPLICAS = 100_000
Efficiency = Callable[[int], float]


class Load(Document):
    """What N replicas do with a steady rate."""

    replicas: int
    busy: float = Field(description="share of their time that the slots work")
    late_share: float = Field(description="of requests that take longer than the limit, as if none were refused")
    mean_wait_s: float | None = Field(description="before a slot is free; None where they cannot keep up")
    refused_share: float = Field(description="that find every place taken; M/M/c/K, an upper bound")
    efficiency: float = Field(description="throughput of N replicas over N times that of one")


class SpikeLoad(Document):
    """What the replicas that are there do with a spike until more have come. A fluid: rates and no chance."""

    exposed_s: float = Field(description="from the rise to the first answer of a new replica")
    capacity_per_s: float
    backlog: float = Field(description="requests waiting when more replicas come")
    places: int = Field(description="how many can wait")
    shed_per_s: float = Field(description="refused a second once every place is taken")
    shed: float = Field(description="refused in all")
    longest_wait_s: float
    replicas_after: int = Field(description="that the spike's rate needs for the objective")
    drain_s: float | None = Field(description="until those have worked the backlog off; None where they cannot")


class Step(Document):
    """One part of the number, in the order in which they are added or compared."""

    name: Literal["work", "objective", "spare", "spike"]
    replicas: int
    reason: str


class Cost(Document):
    """What the replicas cost."""

    per_hour: float
    per_million_images: float = Field(description="at the rate of the demand, all replicas running")
    least_per_million_images: float = Field(description="if every slot always worked: what no plan can beat")
    currency: str


class Capacity(Document):
    """A capacity plan."""

    schema_: Literal["carpal.capacity/v1"] = Field(default="carpal.capacity/v1", alias="schema")
    demand: Demand
    replicas: int
    steps: tuple[Step, ...]
    steady: Load = Field(description="all replicas, the rate of the demand")
    degraded: Load = Field(description="with the spare ones lost")
    spike: SpikeLoad | None
    cost: Cost | None
    warnings: tuple[str, ...]


def perfect(replicas: int) -> float:
    """The efficiency of replicas that never wait for one another."""
    del replicas
    return 1.0


def plan(demand: Demand, *, efficiency: Efficiency = perfect, measured_replicas: int | None = None) -> Capacity:
    """Size for a demand.

    Args:
        demand: what is asked.
        efficiency: X(N) over N X(1), from the laws of scaling; replicas that scale perfectly by default.
        measured_replicas: the largest N that ``efficiency`` was measured at.

    Raises:
        CapacityError: no number of replicas meets the objective.
    """
    _refuse_hopeless(demand)
    needed = smallest(demand, efficiency)
    work = ceil(round(demand.rate_per_s * demand.service.mean_s / demand.slots, 9))
    steps = [
        Step(name="work", replicas=work, reason=_work_reason(demand)),
        Step(name="objective", replicas=needed, reason=_objective_reason(demand, needed, efficiency)),
    ]
    total = needed + demand.spare
    if demand.spare:
        reason = f"{demand.spare} may be lost, in a roll-out or with its node, and the objective still holds"
        steps.append(Step(name="spare", replicas=total, reason=reason))
    if demand.spike:
        enough = _smallest_for_spike(demand, demand.spike, efficiency)
        steps.append(Step(name="spike", replicas=enough, reason=_spike_reason(demand, demand.spike)))
        total = max(total, enough)
    return Capacity(
        demand=demand,
        replicas=total,
        steps=tuple(steps),
        steady=steady(demand, total, efficiency),
        degraded=steady(demand, max(total - demand.spare, 1), efficiency),
        spike=ride(demand, demand.spike, total, efficiency) if demand.spike else None,
        cost=_cost(demand, total),
        warnings=_warnings(demand, total, measured_replicas),
    )


def steady(demand: Demand, replicas: int, efficiency: Efficiency, *, rate_per_s: float | None = None) -> Load:
    """What a number of replicas does with a steady rate, by default that of the demand."""
    rate = demand.rate_per_s if rate_per_s is None else rate_per_s
    share = efficiency(replicas)
    service = demand.service.scaled(1 / share)
    queues = replicas if demand.balancing == "random" else 1
    servers = demand.slots * replicas // queues
    wait = waiting(rate / queues, service.mean_s, servers, service_scv=service.scv)
    late = sum(wait.later_than(demand.limit_s - taken) for taken in service.quantiles_s) / len(service.quantiles_s)
    places = demand.places * replicas // queues
    return Load(
        replicas=replicas,
        busy=rate * service.mean_s / (demand.slots * replicas),
        late_share=late,
        mean_wait_s=wait.mean_s if wait.mean_s < float("inf") else None,
        refused_share=bounded(rate / queues, service.mean_s, servers, places).refused,
        efficiency=share,
    )


def meets(demand: Demand, load: Load) -> bool:
    """Whether a load keeps the objective, the bound on refusals and the bound on work."""
    in_time = load.late_share <= 1 - demand.share + 1e-12
    return in_time and load.refused_share <= demand.refused_share and load.busy <= demand.most_busy


def smallest(demand: Demand, efficiency: Efficiency, *, rate_per_s: float | None = None) -> int:
    """The least number of replicas that meets the objective at a rate.

    Raises:
        CapacityError: no number does, because efficiency falls too fast.
    """
    rate = demand.rate_per_s if rate_per_s is None else rate_per_s
    start = max(ceil(round(rate * demand.service.mean_s / demand.slots / demand.most_busy, 9)), 1)
    found = _first(
        lambda replicas: meets(demand, steady(demand, replicas, efficiency, rate_per_s=rate)), start, efficiency
    )
    if found is None:
        raise CapacityError(
            f"no number of replicas answers {rate:g} a second in time",
            f"The search went up to {MOST_REPLICAS}, or to where more replicas do less by the law of scaling.",
            "Give each part of the load a service of its own, or allow a longer limit.",
        )
    return found


def _first(holds: Callable[[int], bool], start: int, efficiency: Efficiency) -> int | None:
    """The least number from ``start`` on for which something holds that more replicas only help, up to their peak."""
    failing, replicas = start - 1, start
    while not holds(replicas):
        failing, replicas = replicas, replicas + max(replicas // 8, 1)
        if replicas > MOST_REPLICAS or replicas * efficiency(replicas) < failing * efficiency(failing):
            return None
    while replicas - failing > 1:
        middle = (failing + replicas) // 2
        failing, replicas = (failing, middle) if holds(middle) else (middle, replicas)
    return replicas


def ride(demand: Demand, spike: Spike, replicas: int, efficiency: Efficiency) -> SpikeLoad:
    """What a number of replicas does with a spike until more have come."""
    capacity = _capacity_per_s(demand, replicas, efficiency)
    wanted = max(spike.rate_per_s - capacity, 0.0) * spike.exposed_s
    places = replicas * demand.places
    backlog = min(wanted, float(places))
    after = max(smallest(demand, efficiency, rate_per_s=spike.rate_per_s), replicas)
    gain_per_s = _capacity_per_s(demand, after, efficiency) - spike.rate_per_s
    return SpikeLoad(
        exposed_s=spike.exposed_s,
        capacity_per_s=capacity,
        backlog=backlog,
        places=places,
        shed_per_s=max(spike.rate_per_s - capacity, 0.0) if wanted > places else 0.0,
        shed=wanted - backlog,
        longest_wait_s=backlog / capacity,
        replicas_after=after,
        drain_s=backlog / gain_per_s if gain_per_s > 0 else None,
    )


def _capacity_per_s(demand: Demand, replicas: int, efficiency: Efficiency) -> float:
    return replicas * demand.slots * efficiency(replicas) / demand.service.mean_s


def _smallest_for_spike(demand: Demand, spike: Spike, efficiency: Efficiency) -> int:
    """The least number that neither sheds nor lets anyone wait beyond the limit."""
    room_s = demand.limit_s - demand.service.mean_s

    def rides(replicas: int) -> bool:
        capacity = _capacity_per_s(demand, replicas, efficiency)
        backlog = max(spike.rate_per_s - capacity, 0.0) * spike.exposed_s
        return backlog <= replicas * demand.places and backlog <= room_s * capacity

    found = _first(rides, 1, efficiency)
    if found is None:
        raise CapacityError(
            f"no number of replicas rides out {spike.rate_per_s:g} a second for {spike.exposed_s:g} s",
            "By the law of scaling that was given, more replicas do less before they do enough.",
            "Detect and start faster, allow more places or a longer limit, or shed.",
        )
    return found


def _refuse_hopeless(demand: Demand) -> None:
    late = sum(taken > demand.limit_s for taken in demand.service.quantiles_s) / len(demand.service.quantiles_s)
    if late > 1 - demand.share:
        raise CapacityError(
            f"{late:.1%} of requests take longer than {demand.limit_s * 1000:g} ms without any waiting",
            f"{demand.share:.1%} must be in time, and more replicas do not make one request faster.",
            "Make the request cheaper (a faster engine or variant), or allow a longer limit.",
        )


def _work_reason(demand: Demand) -> str:
    return (
        f"{demand.rate_per_s:g}/s of {demand.service.mean_s * 1000:.4g} ms are "
        f"{demand.rate_per_s * demand.service.mean_s:.4g} busy slots, {demand.slots} a replica"
    )


def _objective_reason(demand: Demand, needed: int, efficiency: Efficiency) -> str:
    load = steady(demand, needed, efficiency)
    return (
        f"{load.late_share:.2%} take longer than {demand.limit_s * 1000:g} ms where {1 - demand.share:.2%} may, "
        f"slots work {load.busy:.0%} of their time, {load.refused_share:.3%} are refused"
    )


def _spike_reason(demand: Demand, spike: Spike) -> str:
    return (
        f"{spike.rate_per_s:g}/s for the {spike.exposed_s:g} s until more replicas answer, "
        f"with nobody refused and nobody waiting beyond {demand.limit_s * 1000:g} ms"
    )


def _cost(demand: Demand, replicas: int) -> Cost | None:
    if demand.price_per_hour is None:
        return None
    per_hour = replicas * demand.price_per_hour
    return Cost(
        per_hour=per_hour,
        per_million_images=per_hour / 3600 / demand.rate_per_s * 1e6,
        least_per_million_images=demand.price_per_hour / 3600 * demand.service.mean_s / demand.slots * 1e6,
        currency=demand.currency,
    )


def _warnings(demand: Demand, replicas: int, measured_replicas: int | None) -> tuple[str, ...]:
    said = []
    if demand.service.emulated:
        said.append("service times come from an emulated engine: they say nothing of a model")
    if measured_replicas is None and replicas > 1:
        said.append("replicas are taken to scale perfectly: give --scaling to use what was measured")
    elif measured_replicas is not None and replicas > 2 * measured_replicas:
        said.append(
            f"{replicas} replicas are {replicas / measured_replicas:.3g} times the {measured_replicas} whose scaling "
            "was measured: the law may not hold there"
        )
    if demand.service.scv > 1:
        said.append(f"service times vary much (scv {demand.service.scv:.2g}): the approximation is rough, simulate it")
    return tuple(said)
