"""What policies came to under one load: figures, courses in bins, a ranking, and the best one's chart values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.arrivals import schedule
from carpal_loadtests.capacity.demand import ServiceTimes
from carpal_loadtests.simulation.chartvalues import values
from carpal_loadtests.simulation.run import Array, Cluster, Course, draw_service
from carpal_loadtests.simulation.setup import Policy, Setup

MOST_BINS = 240


class Bin(Document):
    """A stretch of the load."""

    at_s: float = Field(description="second at which it begins")
    sent_per_s: float
    replicas: float = Field(description="mean of pods asked for")
    ready: float = Field(description="mean of pods that answer")
    in_flight: float
    p50_ms: float | None = Field(description="of requests sent in it that were answered")
    p95_ms: float | None
    p99_ms: float | None
    refused: int


class PolicyOutcome(Document):
    """What one policy came to."""

    policy: Policy
    sent: int
    answered: int
    refused: int
    in_time_share: float = Field(description="of all that were sent: answered within the limit")
    p50_ms: float | None = Field(description="of answered requests")
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    meets: bool = Field(description="whether the share that must be in time is")
    mean_replicas: float
    most_replicas: int
    replica_hours: float
    changes: int = Field(description="how often the number of replicas changed")
    bins: tuple[Bin, ...]


class Simulated(Document):
    """A comparison of policies. Nothing in it was measured but the service times, and these may be emulated."""

    schema_: Literal["carpal.simulated/v1"] = Field(default="carpal.simulated/v1", alias="schema")
    setup: Setup
    service: ServiceTimes
    duration_s: float = Field(description="simulated seconds")
    bin_s: float
    outcomes: Mapping[str, PolicyOutcome]
    best: str | None = Field(description="of the policies that meet the objective the cheapest; None where none does")
    nearest: str = Field(description="the policy with the most in time")
    chart_values: Mapping[str, Any] | None = Field(description="of the best one, for charts/detector; None where none")


def simulate(setup: Setup, service: ServiceTimes) -> Simulated:
    """Run every policy against the same requests."""
    planned = schedule(setup.arrivals, warmup_s=0.0, seed=setup.seed)
    sent_s, end_s = planned.times, planned.duration_s
    takes_s = draw_service(service, len(sent_s), setup.seed)
    bin_s = max(1.0, float(np.ceil(end_s / MOST_BINS)))
    outcomes = {}
    for name, policy in setup.policies.items():
        outcomes[name] = conclude(run(setup, policy, sent_s, takes_s, end_s), policy, setup, bin_s)
    met = [name for name, one in outcomes.items() if one.meets]
    best = min(met, key=lambda name: outcomes[name].replica_hours) if met else None
    return Simulated(
        setup=setup,
        service=service,
        duration_s=end_s,
        bin_s=bin_s,
        outcomes=outcomes,
        best=best,
        nearest=max(outcomes, key=lambda name: outcomes[name].in_time_share),
        chart_values=values(setup.policies[best]) if best else None,
    )


def run(
    setup: Setup,
    policy: Policy,
    sent_s: Array,
    takes_s: Array,
    end_s: float,
    readings: Sequence[Sequence[float]] = (),
) -> Course:
    """One policy against given requests; with a real kubelet's times of reading, where they were recorded."""
    cluster = Cluster(
        policy,
        setup.replica,
        setup.delays,
        balancing=setup.balancing,
        seed=setup.seed,
        initial=setup.initial_replicas,
        readings=readings,
    )
    around_s = setup.replica.around_ms / 1000
    course = cluster.course(sent_s, np.maximum(takes_s - around_s, 0.0), end_s)
    return replace(course, latency_s=course.latency_s + around_s)


def conclude(course: Course, policy: Policy, setup: Setup, bin_s: float) -> PolicyOutcome:
    """Figures and bins of a course."""
    latency_ms = course.latency_s * 1000
    answered = latency_ms[~np.isnan(latency_ms)]
    in_time = int((answered <= setup.limit_ms).sum()) / max(len(latency_ms), 1)
    p50, p95, p99, top = quantiles(answered, (0.5, 0.95, 0.99, 1.0))
    return PolicyOutcome(
        policy=policy,
        sent=len(latency_ms),
        answered=len(answered),
        refused=len(latency_ms) - len(answered),
        in_time_share=in_time,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        max_ms=top,
        meets=in_time >= setup.share,
        mean_replicas=course.pod_s / course.end_s,
        most_replicas=int(course.replicas.max()),
        replica_hours=course.pod_s / 3600,
        changes=int((np.diff(course.replicas) != 0).sum()),
        bins=bins(course, bin_s),
    )


def bins(course: Course, bin_s: float) -> tuple[Bin, ...]:
    """The course in stretches of equal length."""
    edges = np.arange(0.0, course.end_s, bin_s)
    of_request = np.searchsorted(course.sent_s, [*edges, course.end_s])
    of_second = np.searchsorted(course.second_s, [*edges, course.end_s])
    made = []
    for number, at_s in enumerate(edges):
        latency_ms = course.latency_s[of_request[number] : of_request[number + 1]] * 1000
        seconds = slice(of_second[number], max(of_second[number + 1], of_second[number] + 1))
        answered = latency_ms[~np.isnan(latency_ms)]
        p50, p95, p99 = quantiles(answered, (0.5, 0.95, 0.99))
        made.append(
            Bin(
                at_s=float(at_s),
                sent_per_s=len(latency_ms) / min(bin_s, course.end_s - at_s),
                replicas=float(course.replicas[seconds].mean()),
                ready=float(course.ready[seconds].mean()),
                in_flight=float(course.in_flight[seconds].mean()),
                p50_ms=p50,
                p95_ms=p95,
                p99_ms=p99,
                refused=len(latency_ms) - len(answered),
            )
        )
    return tuple(made)


def quantiles(values_ms: Array, shares: tuple[float, ...]) -> list[float | None]:
    """By nearest rank, as those of measured runs; None of nothing."""
    if not len(values_ms):
        return [None] * len(shares)
    return [round(float(at), 3) for at in np.quantile(values_ms, shares, method="inverted_cdf")]
