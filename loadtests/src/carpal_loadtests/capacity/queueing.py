"""Closed forms for queues: Erlang B and C, M/M/c/K, and the two-moment approximation for other service times.

All rates are a second, all times seconds. ``load`` is a = rate x service time (erlangs), ``servers`` is c.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, lgamma, log, sqrt


def erlang_b(load: float, servers: int) -> float:
    """The share refused by c servers without a queue (Erlang 1917), by the stable recursion."""
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked


def erlang_c(load: float, servers: int) -> float:
    """The share that has to wait for one of c servers (Erlang 1917); 1 where the load is more than they can do."""
    if load >= servers:
        return 1.0
    blocked = erlang_b(load, servers)
    return blocked / (1 - load / servers * (1 - blocked))


@dataclass(frozen=True)
class Waiting:
    """How long requests wait before they are served; the tail is exponential for those that wait at all."""

    delayed: float
    """P(W > 0)."""
    mean_s: float
    """E[W] over all requests; infinite where the servers cannot keep up."""

    def later_than(self, seconds: float) -> float:
        """P(W > t); 1 for a t below 0, which is a request that is late before it waits."""
        if seconds < 0 or self.mean_s == inf:
            return 1.0
        if self.mean_s == 0:
            return 0.0
        return self.delayed * exp(-seconds * self.delayed / self.mean_s)


def waiting(rate_per_s: float, service_s: float, servers: int, *, service_scv: float = 1.0) -> Waiting:
    """Waiting of Poisson arrivals for c servers with any service time: M/G/c.

    M/M/c is exact. Else E[W] lies between those of M/M/c and M/D/c by the squared coefficient of variation, which is
    Allen and Cunneen's (1 + scv) / 2 with Cosmetatos' correction of the deterministic end (Cosmetatos, Operational
    Research Quarterly 27, 1976; Allen, Probability, Statistics and Queueing Theory, 1990, section 5.3). Above a scv of
    1 it is Allen and Cunneen's alone. P(W > 0) is taken from M/M/c, which it hardly differs from.

    Args:
        rate_per_s: of arrivals.
        service_s: mean service time.
        servers: how many serve at once.
        service_scv: variance of the service time over its squared mean; 0 is constant, 1 exponential.
    """
    load = rate_per_s * service_s
    if load >= servers:
        return Waiting(1.0, inf)
    delayed = erlang_c(load, servers)
    exponential_s = delayed * service_s / (servers - load)
    if service_scv >= 1:
        return Waiting(delayed, exponential_s * (1 + service_scv) / 2)
    constant_s = exponential_s * _deterministic(load / servers, servers)
    return Waiting(delayed, service_scv * exponential_s + (1 - service_scv) * constant_s)


def _deterministic(busy: float, servers: int) -> float:
    """E[W] of M/D/c over that of M/M/c: 1/2 with Cosmetatos' correction, and c / (c + 1) where almost nobody waits."""
    if busy == 0:
        return servers / (servers + 1)
    correction = (1 - busy) * (servers - 1) * (sqrt(4 + 5 * servers) - 2) / (16 * busy * servers)
    return 0.5 * (1 + min(correction, (servers - 1) / (servers + 1)))


@dataclass(frozen=True)
class Bounded:
    """A queue with a last place: M/M/c/K."""

    refused: float
    """The share of arrivals that find no place."""
    mean_wait_s: float
    """Of those that are let in."""
    busy: float
    """Share of the servers' time that is worked."""


def bounded(rate_per_s: float, service_s: float, servers: int, places: int) -> Bounded:
    """M/M/c/K with K = servers + places; for service times that vary less it refuses more than happens.

    Args:
        rate_per_s: of arrivals; may be more than the servers can do.
        service_s: mean service time.
        servers: how many serve at once.
        places: how many may wait.
    """
    load = rate_per_s * service_s
    if load == 0:
        return Bounded(0.0, 0.0, 0.0)
    weights = [count * log(load) - lgamma(count + 1) for count in range(servers + 1)]
    for _ in range(places):
        weights.append(weights[-1] + log(load / servers))
    top = max(weights)
    chances = [exp(weight - top) for weight in weights]
    total = sum(chances)
    refused = chances[-1] / total
    queued = sum(waiting * chance for waiting, chance in enumerate(chances[servers:])) / total
    accepted_per_s = rate_per_s * (1 - refused)
    return Bounded(refused, queued / accepted_per_s, accepted_per_s * service_s / servers)
