"""A HorizontalPodAutoscaler (autoscaling/v2) of one metric: Kubernetes 1.34, reconcileAutoscaler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from carpal.document import Document
from carpal_loadtests.autoscaling.behavior import (
    DOWN,
    UP,
    Memory,
    Rules,
    limit,
    limit_plain,
    stabilise,
    stabilise_plain,
)
from carpal_loadtests.autoscaling.replicas import NoMetricsError, Tolerance, by_average, by_utilization
from carpal_loadtests.autoscaling.seen import Pod, Totals

Metric = Literal["cpu", "in-flight", "rate"]


class Behavior(Document):
    """Both directions; what is left out is what Kubernetes fills in."""

    up: Rules = UP
    down: Rules = DOWN


class HpaPolicy(Document):
    """Settings of an HPA."""

    kind: Literal["hpa"] = "hpa"
    min_replicas: Annotated[int, Field(ge=1)] = Field(default=1, description="minReplicas")
    max_replicas: Annotated[int, Field(ge=1)] = Field(default=10, description="maxReplicas")
    metric: Metric = Field(
        default="cpu", description="cpu: percent of the request; in-flight, rate: a replica's mean, by a Pods metric"
    )
    target: Annotated[float, Field(gt=0)] = Field(
        default=80, description="percent for cpu, requests for in-flight, requests a second for rate"
    )
    behavior: Behavior | None = Field(
        default=None, description="None: no behavior in the HPA, so at most twice the replicas or four at a time"
    )
    sync_s: Annotated[float, Field(gt=0)] = Field(
        default=15.0, description="--horizontal-pod-autoscaler-sync-period of the controller manager"
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> HpaPolicy:
        if self.min_replicas > self.max_replicas:
            raise ValueError(f"min_replicas {self.min_replicas} is more than max_replicas {self.max_replicas}")
        return self

    @property
    def tolerance(self) -> Tolerance:
        """Of both directions."""
        return Tolerance(self.behavior.up.tolerance, self.behavior.down.tolerance) if self.behavior else Tolerance()


class Hpa:
    """The controller of one HPA, with its memory."""

    def __init__(self, policy: HpaPolicy) -> None:
        self.policy = policy
        self.memory = Memory()

    def decide(self, now_s: float, replicas: int, pods: Sequence[Pod], totals: Totals) -> int:
        """The replicas that the Deployment is told, which may be those it has.

        Args:
            now_s: the time.
            replicas: what the Deployment asks for now.
            pods: with samples of the policy's metric.
            totals: not looked at; KEDA's is the HPA of a total.
        """
        del totals
        target_milli = round(self.policy.target * 1000)

        def wanted() -> int:
            if self.policy.metric == "cpu":
                return by_utilization(pods, replicas, round(self.policy.target), self.policy.tolerance, now_s)
            return by_average(pods, replicas, target_milli, self.policy.tolerance, now_s)

        try:
            return reconcile(self.memory, self.policy, now_s, replicas, wanted)
        except NoMetricsError:
            return replicas


def reconcile(memory: Memory, policy: HpaPolicy, now_s: float, replicas: int, wanted: Callable[[], int]) -> int:
    """Bounds, metric, stabilisation, rate; remembers what it changed.

    Args:
        memory: of this HPA.
        policy: its settings.
        now_s: the time.
        replicas: what the Deployment asks for now.
        wanted: asks the metric; not called where the bounds decide.

    Raises:
        NoMetricsError: from ``wanted``.
    """
    if not memory.recommendations:
        memory.recommend(now_s, replicas)
    bounds = (policy.min_replicas, policy.max_replicas)
    if replicas == 0 and policy.min_replicas:
        return 0  # somebody switched it off
    if not bounds[0] <= replicas <= bounds[1]:
        decided = min(max(replicas, bounds[0]), bounds[1])
    elif policy.behavior is None:
        decided = limit_plain(replicas, stabilise_plain(memory, now_s, wanted()), bounds)
    else:
        up, down = policy.behavior.up, policy.behavior.down
        steady = stabilise(memory, now_s, replicas, wanted(), up, down)
        decided = limit(memory, now_s, replicas, steady, up, down, bounds)
    if decided != replicas:
        memory.change(now_s, replicas, decided)
    return decided
