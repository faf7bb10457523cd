"""What metrics-server and Prometheus know of simulated replicas, and how late they know it.

metrics-server fetches the kubelet's last reading of a pod's CPU counter and gives the rate between the last two that
differ; of a container that was at least 10 s and less than one interval old when it was read it gives the rate since
its start (metrics-server 0.9, pkg/storage/pod.go). Prometheus finds the requests in flight at its look, and the rate
of answers between the last two.
"""

from __future__ import annotations

from dataclasses import dataclass

from carpal_loadtests.autoscaling.seen import Pod, Sample, Totals
from carpal_loadtests.simulation.fleet import Fleet
from carpal_loadtests.simulation.pod import SimPod
from carpal_loadtests.simulation.setup import Delays, Replica

FRESH_S = 10.0


@dataclass(frozen=True)
class _Count:
    """A counter at a time: of CPU, in thousandths of a core times seconds, or of answers."""

    at_s: float
    value: float


class Meter:
    """Looks at every pod once an interval, and shows what it found.

    Args:
        replica: what CPU a pod uses.
        delays: interval of the looks.
        metric: ``cpu``, ``in-flight`` or ``rate``.
    """

    def __init__(self, replica: Replica, delays: Delays, metric: str) -> None:
        self._replica = replica
        self._delays = delays
        self._metric = metric
        self._read: dict[SimPod, _Count] = {}
        self._looked: dict[SimPod, _Count] = {}
        self._samples: dict[SimPod, Sample] = {}

    def read(self, now_s: float, pod: SimPod) -> None:
        """The kubelet reads a pod's CPU counter; the pod has been advanced to now."""
        idle = (now_s - pod.created_s) * self._replica.cpu_idle_milli
        self._read[pod] = _Count(now_s, pod.busy_area * self._replica.cpu_busy_milli + idle)

    def look(self, now_s: float, fleet: Fleet) -> None:
        """Find what can be known of every pod now; the fleet has been advanced to now."""
        self._samples = {
            pod: sample for pod in fleet.pods if pod.created_s < now_s and (sample := self._sample(now_s, pod))
        }
        self._looked = {pod: count for pod in fleet.pods if (count := self._count(now_s, pod))}

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

    def _count(self, now_s: float, pod: SimPod) -> _Count | None:
        """The counter as a look finds it; None where there is none yet."""
        if self._metric == "cpu":
            return self._read.get(pod)
        return _Count(now_s, 1000.0 * pod.answered) if pod.created_s < now_s else None

    def _sample(self, now_s: float, pod: SimPod) -> Sample | None:
        if self._metric == "in-flight":
            return Sample(pod.in_flight * 1000, now_s, 0.0) if pod.ready_s <= now_s else None
        count, last = self._count(now_s, pod), self._looked.get(pod)
        if count is None:
            return None
        if self._metric == "cpu" and FRESH_S <= count.at_s - pod.created_s < self._delays.scrape_s:
            last = _Count(pod.created_s, 0.0)
        if last is None:
            return None
        if count.at_s == last.at_s:
            return self._samples.get(pod)
        span_s = count.at_s - last.at_s
        return Sample(round((count.value - last.value) / span_s), count.at_s, span_s)
