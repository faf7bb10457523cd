"""What metrics-server and Prometheus know of simulated replicas, and how late they know it.

metrics-server keeps two looks at a pod's CPU counter and gives the rate between them; of a container that is at least
10 s and less than one interval old it gives the rate since its start (metrics-server 0.9, pkg/storage/pod.go).
Prometheus finds the requests in flight at its look, and the rate of answers between the last two.
"""

from __future__ import annotations

from dataclasses import dataclass

from carpal_loadtests.autoscaling.seen import Pod, Sample, Totals
from carpal_loadtests.simulation.fleet import Fleet
from carpal_loadtests.simulation.pod import SimPod
from carpal_loadtests.simulation.setup import Delays, Replica

FRESH_S = 10.0


@dataclass(frozen=True)
class _Look:
    at_s: float
    cpu_milli_s: float
    answered: int
    in_flight: int


class Meter:
    """Reads every pod, and shows later what it read.

    Args:
        replica: what CPU a pod uses.
        delays: interval and age of the looks.
        metric: ``cpu``, ``in-flight`` or ``rate``.
    """

    def __init__(self, replica: Replica, delays: Delays, metric: str) -> None:
        self._replica = replica
        self._delays = delays
        self._metric = metric
        self._last: dict[SimPod, _Look] = {}
        self._found: dict[SimPod, Sample] = {}
        self._samples: dict[SimPod, Sample] = {}

    def read(self, now_s: float, fleet: Fleet) -> None:
        """Look at every pod; the fleet has been advanced to now. What is found is known after ``publish``."""
        alive = set(fleet.pods)
        self._last = {pod: look for pod, look in self._last.items() if pod in alive}
        self._found = {pod: sample for pod, sample in self._found.items() if pod in alive}
        for pod in fleet.pods:
            if pod.created_s >= now_s:
                continue
            look = _Look(now_s, self._cpu(pod, now_s), pod.answered, pod.in_flight)
            sample = self._sample(pod, look)
            self._last[pod] = look
            if sample is not None:
                self._found[pod] = sample

    def publish(self) -> None:
        """Let controllers know what the last look found."""
        self._samples = dict(self._found)

    def seen(self, now_s: float, fleet: Fleet) -> list[Pod]:
        """The pods as the controller is shown them."""
        return [
            Pod(
                started_s=pod.created_s,
                ready=pod.ready_s <= now_s,
                changed_s=pod.ready_s if pod.ready_s <= now_s else pod.created_s,
                request_milli=self._replica.cpu_request_milli,
                sample=self._samples.get(pod),
            )
            for pod in fleet.pods
        ]

    def totals(self) -> Totals:
        """The sum over pods, as a query gives it."""
        return Totals(sum(sample.value_milli for sample in self._samples.values()))

    def _cpu(self, pod: SimPod, at_s: float) -> float:
        """The pod's CPU counter, in thousandths of a core times seconds."""
        return pod.busy_area * self._replica.cpu_busy_milli + (at_s - pod.created_s) * self._replica.cpu_idle_milli

    def _sample(self, pod: SimPod, look: _Look) -> Sample | None:
        last = self._last.get(pod)
        if self._metric == "in-flight":
            return Sample(look.in_flight * 1000, look.at_s, 0.0) if pod.ready_s <= look.at_s else None
        if last is None:
            age_s = look.at_s - pod.created_s
            fresh = self._metric == "cpu" and FRESH_S <= age_s < self._delays.scrape_s
            return Sample(round(look.cpu_milli_s / age_s), look.at_s, age_s) if fresh else None
        span_s = look.at_s - last.at_s
        if self._metric == "rate":
            return Sample(round(1000 * (look.answered - last.answered) / span_s), look.at_s, span_s)
        return Sample(round((look.cpu_milli_s - last.cpu_milli_s) / span_s), look.at_s, span_s)
