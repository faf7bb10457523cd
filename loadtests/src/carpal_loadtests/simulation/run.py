"""Runs one policy against one load: requests in order, and between them whatever the cluster does by its clocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nextafter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from carpal_loadtests.autoscaling.hpa import Hpa, HpaPolicy
from carpal_loadtests.autoscaling.keda import Keda, KedaPolicy
from carpal_loadtests.autoscaling.knative import Kpa, KpaPolicy
from carpal_loadtests.autoscaling.seen import Pod, Totals
from carpal_loadtests.capacity.demand import ServiceTimes
from carpal_loadtests.simulation.agenda import Agenda
from carpal_loadtests.simulation.fleet import Fleet
from carpal_loadtests.simulation.kubelet import Kubelet
from carpal_loadtests.simulation.meter import Meter
from carpal_loadtests.simulation.pod import SimPod
from carpal_loadtests.simulation.setup import Delays, FixedPolicy, Policy, Replica

Array = NDArray[np.float64]
# What happens at the same instant happens in this order: a pod that becomes ready is seen by the look of that instant.
READY, READ, LOOK, SECOND, SYNC = range(5)
SYNC_TAKES_S = 0.015
"""An HPA is queued again when its sync is over (podautoscaler, processNextWorkItem), so that syncs come this much later
than their interval says, 10 to 20 ms in the recordings: a window of three of them does not hold the third sync ago."""


class Controller(Protocol):
    """An autoscaler."""

    def decide(self, now_s: float, replicas: int, pods: Sequence[Pod], totals: Totals) -> int:
        """The replicas that the Deployment is told."""


@dataclass(frozen=True)
class Course:
    """What happened, request by request and second by second.

    Attributes:
        sent_s: when each request was sent.
        latency_s: from then to its answer; nan where it was refused.
        second_s: 0, 1, 2 …
        replicas, ready, in_flight: at each second: pods asked for, pods that answer, requests in them.
        pod_s: pods that existed, integrated over the time of the load.
        end_s: of the load.
    """

    sent_s: Array
    latency_s: Array
    second_s: Array
    replicas: NDArray[np.int64]
    ready: NDArray[np.int64]
    in_flight: NDArray[np.int64]
    pod_s: float
    end_s: float


class Cluster:
    """Fleet, kubelet, meter and controller on one clock.

    Args:
        policy: that decides.
        replica: what each pod is.
        delays: how old everything is that the policy sees.
        balancing: how requests are given to pods.
        seed: of balancing and of the kubelet's times.
        initial: pods at second 0; None for the policy's least.
        readings: a real kubelet's, if its times are to be kept to: see ``Kubelet``.
    """

    def __init__(
        self,
        policy: Policy,
        replica: Replica,
        delays: Delays,
        *,
        balancing: str,
        seed: int,
        initial: int | None,
        readings: Sequence[Sequence[float]] = (),
    ) -> None:
        self.fleet = Fleet(replica, balancing, seed)
        self._meter = Meter(replica, delays, "cpu" if isinstance(policy, FixedPolicy) else policy.metric)
        self._kubelet = Kubelet(delays.housekeeping_s, seed, readings) if delays.housekeeping_s else None
        self._controller = controller(policy)
        self._kpa = self._controller if isinstance(self._controller, Kpa) else None
        self._waiting: list[tuple[int, float, float]] = []
        self._flows: dict[SimPod, float] = {}
        self._latency_s: Array = np.empty(0)
        self.pod_s = 0.0
        self._counted_s = 0.0
        self.seconds: list[tuple[float, int, int, int]] = []
        self._agenda = Agenda()
        self._agenda.every(0.0, 1.0, SECOND, self._second)
        if isinstance(policy, FixedPolicy):
            self.fleet.begin(policy.replicas)
            return
        self.fleet.begin(policy.min_replicas if initial is None else initial)
        # Two looks before the load, so that the first decision knows what there was.
        self._agenda.every(delays.scrape_phase_s - 2 * delays.scrape_s, delays.scrape_s, LOOK, self._look)
        takes_s = 0.0 if isinstance(policy, KpaPolicy) else SYNC_TAKES_S
        self._agenda.every(delays.sync_phase_s, policy.sync_s + takes_s, SYNC, self._sync)
        for pod in self.fleet.pods:
            self._read_from(-4 * delays.scrape_s, pod)

    def course(self, sent_s: Array, service_s: Array, end_s: float) -> Course:
        """Send everything and let the cluster go on until the end of the load."""
        latency_s = self._latency_s = np.full(len(sent_s), np.nan)
        for index, (at_s, takes_s) in enumerate(zip(sent_s.tolist(), service_s.tolist(), strict=True)):
            self._agenda.run_to(at_s)
            answer_s = self.fleet.send(at_s, takes_s)
            if answer_s is not None:
                latency_s[index] = answer_s - at_s
            elif self._kpa is not None and not self.fleet.ready:
                self._waiting.append((index, at_s, takes_s))  # the activator holds what no pod can take yet
        self._agenda.run_to(nextafter(end_s, 0.0))
        self._count_pods(end_s)
        at, replicas, ready, in_flight = (np.array(column) for column in zip(*self.seconds, strict=True))
        return Course(sent_s, latency_s, at, replicas, ready, in_flight, self.pod_s, end_s)

    def _read_from(self, from_s: float, pod: SimPod) -> None:
        """Let the kubelet read a pod as long as it is there; not where a look reads it."""
        if self._kubelet is None:
            return
        readings = self._kubelet.readings(from_s)

        def read(now_s: float) -> None:
            if pod in self.fleet.pods:
                pod.advance(now_s)
                self._meter.read(now_s, pod)
                self._agenda.at(next(readings), READ, read)

        self._agenda.at(next(readings), READ, read)

    def _become_ready(self, now_s: float) -> None:
        self.fleet.greet(now_s)
        self._release(now_s)

    def _look(self, now_s: float) -> None:
        self.fleet.advance(now_s)
        if self._kubelet is None:
            for pod in self.fleet.pods:
                self._meter.read(now_s, pod)
        self._meter.look(now_s, self.fleet)

    def _sync(self, now_s: float) -> None:
        assert self._controller is not None
        pods = self._meter.seen(now_s, self.fleet)
        wanted = self._controller.decide(now_s, len(self.fleet.pods), pods, self._meter.totals())
        if wanted == len(self.fleet.pods):
            return
        self._count_pods(now_s)
        made = self.fleet.scale(now_s, wanted)
        for pod in made:
            self._read_from(now_s, pod)
        for pod in made[:1]:  # they become ready together
            self._agenda.at(pod.ready_s, READY, self._become_ready)

    def _second(self, now_s: float) -> None:
        self.fleet.advance(now_s)
        in_flight = sum(pod.in_flight for pod in self.fleet.ready) + len(self._waiting)
        self.seconds.append((now_s, len(self.fleet.pods), len(self.fleet.ready), in_flight))
        if self._kpa is not None:
            self._kpa.observe(now_s, self._flow(self._kpa.policy.metric == "in-flight"))

    def _flow(self, concurrency: bool) -> float:
        """What queue-proxies and activator report of the last second: mean of requests in flight, or answers."""
        before = self._flows
        self._flows = {pod: pod.in_flight_area if concurrency else pod.answered for pod in self.fleet.pods}
        flow = sum(now - before.get(pod, 0.0) for pod, now in self._flows.items())
        return flow + (len(self._waiting) if concurrency else 0)

    def _release(self, now_s: float) -> None:
        """Give the activator's requests to pods that have become ready."""
        held, self._waiting = self._waiting, []
        for index, sent_s, takes_s in held:
            answer_s = self.fleet.send(now_s, takes_s)
            if answer_s is None:
                self._waiting.append((index, sent_s, takes_s))
            else:
                self._latency_s[index] = answer_s - sent_s

    def _count_pods(self, now_s: float) -> None:
        self.pod_s += len(self.fleet.pods) * (now_s - self._counted_s)
        self._counted_s = now_s


def controller(policy: Policy) -> Controller | None:
    """The autoscaler of a policy; None where replicas are fixed."""
    if isinstance(policy, HpaPolicy):
        return Hpa(policy)
    if isinstance(policy, KpaPolicy):
        return Kpa(policy)
    return Keda(policy) if isinstance(policy, KedaPolicy) else None


def draw_service(service: ServiceTimes, count: int, seed: int) -> Array:
    """Service times of requests, drawn from the measured distribution."""
    return np.random.default_rng([seed, 3]).choice(np.array(service.quantiles_s), count)
