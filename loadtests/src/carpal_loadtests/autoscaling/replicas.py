"""How many replicas a metric asks for: Kubernetes 1.34, pkg/controller/podautoscaler/replica_calculator.go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from carpal_loadtests.autoscaling.seen import Pod

Pairs = Sequence[tuple[int, int]]
"""Metric and request of each pod, in thousandths."""
CPU_INITIALISATION_S = 300.0
"""--horizontal-pod-autoscaler-cpu-initialization-period."""
READINESS_DELAY_S = 30.0
"""--horizontal-pod-autoscaler-initial-readiness-delay."""


@dataclass(frozen=True)
class Tolerance:
    """Shares that the ratio of found to wanted may lie above or below 1 without a change."""

    up: float = 0.1
    down: float = 0.1

    def covers(self, ratio: float) -> bool:
        """Whether a ratio is near enough to 1."""
        return 1 - self.down <= ratio <= 1 + self.up


class NoMetricsError(Exception):
    """No pod has a metric that counts; the controller then changes nothing."""


def by_utilization(pods: Sequence[Pod], replicas: int, target_percent: int, tolerance: Tolerance, now_s: float) -> int:
    """A Resource metric with a target of averageUtilization (CPU): GetResourceReplicas.

    Args:
        pods: that are not being deleted, with samples in thousandths of a core.
        replicas: what the Deployment asks for now.
        target_percent: of the request.
        tolerance: of the ratio.
        now_s: the time.

    Raises:
        NoMetricsError: no pod counts.
    """
    groups = _group(pods, now_s, cpu=True)
    fallback = max(100, target_percent)

    def ratio(values: Pairs) -> float:
        """Of (usage, request) pairs; the percentage is a whole number, as in the controller."""
        return (sum(value for value, _ in values) * 100 // sum(request for _, request in values)) / target_percent

    counted = [(value, pod.request_milli) for pod, value in groups.counted]
    missing = [pod.request_milli for pod in groups.missing]
    unready = [pod.request_milli for pod in groups.unready]
    return _settle(
        ratio,
        counted,
        full=[(request * fallback // 100, request) for request in missing],
        empty=[(0, request) for request in missing],
        unready=[(0, request) for request in unready],
        replicas=replicas,
        tolerance=tolerance,
    )


def by_average(pods: Sequence[Pod], replicas: int, target_milli: int, tolerance: Tolerance, now_s: float) -> int:
    """A Pods metric with a target of averageValue: calcPlainMetricReplicas.

    Raises:
        NoMetricsError: no pod counts.
    """
    groups = _group(pods, now_s, cpu=False)

    def ratio(values: Pairs) -> float:
        return (sum(value for value, _ in values) // len(values)) / target_milli

    return _settle(
        ratio,
        [(value, 1) for _, value in groups.counted],
        full=[(target_milli, 1) for _ in groups.missing],
        empty=[(0, 1) for _ in groups.missing],
        unready=[(0, 1) for _ in groups.unready],
        replicas=replicas,
        tolerance=tolerance,
    )


def by_total(total_milli: int, status_replicas: int, target_milli: int, tolerance: Tolerance) -> int:
    """An External metric with a target of averageValue, which is what KEDA makes: GetExternalPerPodMetricReplicas."""
    ratio = total_milli / (target_milli * status_replicas) if status_replicas else float("inf")
    return status_replicas if tolerance.covers(ratio) else ceil(total_milli / target_milli)


@dataclass(frozen=True)
class _Groups:
    counted: list[tuple[Pod, int]]
    unready: list[Pod]
    missing: list[Pod]


def _group(pods: Sequence[Pod], now_s: float, *, cpu: bool) -> _Groups:
    groups = _Groups([], [], [])
    for pod in pods:
        if pod.started_s is None:
            groups.unready.append(pod)
        elif pod.sample is None:
            groups.missing.append(pod)
        elif cpu and _cpu_means_nothing(pod, pod.started_s, now_s):
            groups.unready.append(pod)
        else:
            groups.counted.append((pod, pod.sample.value_milli))
    if not groups.counted:
        raise NoMetricsError
    return groups


def _cpu_means_nothing(pod: Pod, started_s: float, now_s: float) -> bool:
    """A pod that starts burns CPU for itself: its sample counts once a whole window lies after it became ready."""
    assert pod.sample is not None
    if started_s + CPU_INITIALISATION_S > now_s:
        return not pod.ready or pod.sample.at_s < pod.changed_s + pod.sample.window_s
    return not pod.ready and started_s + READINESS_DELAY_S > pod.changed_s


def _settle(
    ratio: Callable[[Pairs], float],
    counted: list[tuple[int, int]],
    *,
    full: list[tuple[int, int]],
    empty: list[tuple[int, int]],
    unready: list[tuple[int, int]],
    replicas: int,
    tolerance: Tolerance,
) -> int:
    """The part that all pod metrics share: what is not known is taken against the change, never for it."""
    first = ratio(counted)
    rising_unready = bool(unready) and first > 1
    if not rising_unready and not full:
        return replicas if tolerance.covers(first) else ceil(first * len(counted))
    values = list(counted)
    if first < 1:
        values += full
    elif first > 1:
        values += empty
    if rising_unready:
        values += unready
    again = ratio(values)
    wanted = ceil(again * len(values))
    turned = (first < 1 < again) or (first > 1 > again)
    against = (again < 1 and wanted > replicas) or (again > 1 and wanted < replicas)
    return replicas if tolerance.covers(again) or turned or against else wanted
