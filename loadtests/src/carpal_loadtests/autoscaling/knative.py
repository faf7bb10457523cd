"""Knative's pod autoscaler: a slow window for steady load, a fast one for panic.

Knative Serving, pkg/autoscaler/scaling/autoscaler.go (Scale) and the defaults of config-autoscaler.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Annotated, Literal

from pydantic import Field, model_validator

from carpal.document import Document
from carpal_loadtests.autoscaling.seen import Pod, Totals

UTILISATION = 0.7
"""container-concurrency-target-percentage, and the same for requests a second."""


class KpaPolicy(Document):
    """Settings of a Knative revision and of config-autoscaler."""

    kind: Literal["kpa"] = "kpa"
    min_replicas: Annotated[int, Field(ge=0)] = Field(default=1, description="min-scale")
    max_replicas: Annotated[int, Field(ge=1)] = Field(default=10, description="max-scale")
    metric: Literal["in-flight", "rate"] = Field(default="in-flight", description="concurrency or rps")
    total: Annotated[float, Field(gt=0)] = Field(
        default=1.0,
        description="of the metric that one replica can carry: containerConcurrency, or the annotated target",
    )
    utilization: Annotated[float, Field(gt=0, le=1)] = Field(
        default=UTILISATION, description="share of total to aim at"
    )
    stable_s: Annotated[float, Field(ge=6, le=3600)] = Field(default=60.0, description="stable-window")
    panic_share: Annotated[float, Field(ge=0.01, le=1)] = Field(
        default=0.1, description="panic window, share of stable"
    )
    panic_threshold: Annotated[float, Field(ge=1.1)] = Field(
        default=2.0, description="panic-threshold-percentage / 100"
    )
    most_up: Annotated[float, Field(gt=1)] = Field(default=1000.0, description="max-scale-up-rate")
    most_down: Annotated[float, Field(gt=1)] = Field(default=2.0, description="max-scale-down-rate")
    burst: Annotated[float, Field(ge=-1)] = Field(default=211.0, description="target-burst-capacity")
    activation: Annotated[int, Field(ge=1)] = Field(default=1, description="activation-scale")
    delay_s: Annotated[float, Field(ge=0)] = Field(default=0.0, description="scale-down-delay")
    grace_s: Annotated[float, Field(ge=0)] = Field(default=30.0, description="scale-to-zero-grace-period")
    sync_s: Annotated[float, Field(gt=0)] = Field(default=2.0, description="tick of the autoscaler")

    @model_validator(mode="after")
    def _bounds_in_order(self) -> KpaPolicy:
        if self.min_replicas > self.max_replicas:
            raise ValueError(f"min_replicas {self.min_replicas} is more than max_replicas {self.max_replicas}")
        return self

    @property
    def target(self) -> float:
        """What a replica should have on average."""
        return max(0.01, self.total * self.utilization)


@dataclass(frozen=True)
class Scale:
    """One answer of the autoscaler."""

    replicas: int
    excess_burst: int
    """Negative: the activator stays in the path and queues for the whole revision."""


class Autoscaler:
    """The decision, given the means of both windows: what Knative calls an autoscaler."""

    def __init__(self, policy: KpaPolicy, *, now_s: float = 0.0, ready: int = 0) -> None:
        self.policy = policy
        self.panic_since_s: float | None = now_s if ready > 1 else None
        """None while it does not panic. It starts in panic where more than one pod runs, for lack of a history."""
        self._most = ready
        self._recent: deque[tuple[float, int]] = deque()

    def scale(self, now_s: float, ready: int, stable: float, panic: float) -> Scale:
        """What it wants.

        Args:
            now_s: the time.
            ready: pods that are ready.
            stable: mean of the metric over the stable window, summed over pods.
            panic: the same over the panic window.
        """
        policy, known = self.policy, max(1, ready)
        most, least = ceil(policy.most_up * known), floor(known / policy.most_down)
        by_stable, by_panic = ceil(stable / policy.target), ceil(panic / policy.target)
        wanted = self._activated(min(max(by_stable, least), most), by_stable)
        urgent = self._activated(min(max(by_panic, least), most), by_panic)
        self._panic(now_s, by_panic / known >= policy.panic_threshold)
        if self.panic_since_s is not None:
            self._most = max(self._most, wanted, urgent)
            wanted = self._most
        return Scale(self._delayed(now_s, wanted), self._excess(ready, panic))

    def _activated(self, wanted: int, raw: int) -> int:
        return max(wanted, self.policy.activation) if raw > 0 and self.policy.activation > 1 else wanted

    def _panic(self, now_s: float, over: bool) -> None:
        if over:
            self.panic_since_s = now_s
        elif self.panic_since_s is not None and self.panic_since_s + self.policy.stable_s < now_s:
            self.panic_since_s, self._most = None, 0

    def _delayed(self, now_s: float, wanted: int) -> int:
        """The most of the scale-down delay."""
        if self.policy.delay_s == 0:
            return wanted
        self._recent.append((now_s, wanted))
        while self._recent[0][0] <= now_s - self.policy.delay_s:
            self._recent.popleft()
        return max(one for _, one in self._recent)

    def _excess(self, ready: int, panic: float) -> int:
        burst = self.policy.burst
        if burst == 0:
            return 0
        return -1 if burst < 0 else floor(ready * self.policy.total - burst - panic)


class Kpa:
    """Autoscaler, windows of one-second buckets, and the bounds of the revision."""

    def __init__(self, policy: KpaPolicy) -> None:
        self.policy = policy
        self.autoscaler: Autoscaler | None = None
        self._buckets: deque[tuple[float, float]] = deque()
        self._zero_since_s: float | None = None

    def observe(self, now_s: float, value: float) -> None:
        """One second's mean of the metric, summed over pods; called once a second."""
        self._buckets.append((now_s, value))
        while self._buckets[0][0] <= now_s - self.policy.stable_s:
            self._buckets.popleft()

    def decide(self, now_s: float, replicas: int, pods: Sequence[Pod], totals: Totals) -> int:
        """The replicas that the Deployment is told."""
        del totals
        ready = sum(pod.ready for pod in pods)
        if self.autoscaler is None:
            self.autoscaler = Autoscaler(self.policy, now_s=now_s, ready=ready)
        if not self._buckets:
            return replicas
        panic_s = self.policy.stable_s * self.policy.panic_share
        found = self.autoscaler.scale(now_s, ready, self._mean(now_s, self.policy.stable_s), self._mean(now_s, panic_s))
        wanted = min(max(found.replicas, self.policy.min_replicas), self.policy.max_replicas)
        return self._graced(now_s, replicas, wanted)

    def _mean(self, now_s: float, window_s: float) -> float:
        """Over the buckets of the window that there are."""
        values = [value for at, value in self._buckets if at > now_s - window_s]
        return sum(values) / len(values) if values else 0.0

    def _graced(self, now_s: float, replicas: int, wanted: int) -> int:
        """The last pod goes only when nothing was wanted for the grace period."""
        if wanted > 0 or replicas == 0:
            self._zero_since_s = None
            return wanted
        self._zero_since_s = now_s if self._zero_since_s is None else self._zero_since_s
        return 0 if now_s - self._zero_since_s >= self.policy.grace_s else 1
