"""KEDA's ScaledObject: it switches between nothing and something itself, and leaves the rest to an HPA that it makes.

KEDA 2.21, pkg/scaling/executor/scale_scaledobjects.go (RequestScale) and the HPA of pkg/scaling/resolver: every
polling interval the scaler is asked whether it is active; from 0 it goes to the least replicas, back to 0 (or to the
idle count) only when it was inactive for the cooldown period. Between 1 and the most the HPA decides on an External
metric with averageValue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from carpal.document import Document
from carpal_loadtests.autoscaling.behavior import Memory
from carpal_loadtests.autoscaling.hpa import Behavior, HpaPolicy, reconcile
from carpal_loadtests.autoscaling.replicas import by_total
from carpal_loadtests.autoscaling.seen import Pod, Totals


class KedaPolicy(Document):
    """Settings of a ScaledObject with one Prometheus trigger."""

    kind: Literal["keda"] = "keda"
    min_replicas: Annotated[int, Field(ge=0)] = Field(default=1, description="minReplicaCount; KEDA's own default is 0")
    max_replicas: Annotated[int, Field(ge=1)] = Field(
        default=10, description="maxReplicaCount; KEDA's own default is 100"
    )
    metric: Literal["in-flight", "rate"] = Field(default="in-flight", description="what the query sums over all pods")
    target: Annotated[float, Field(gt=0)] = Field(default=1.0, description="threshold: of the metric a replica")
    activation: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="activationThreshold; above it is active"
    )
    polling_s: Annotated[float, Field(gt=0)] = Field(default=30.0, description="pollingInterval; of activation only")
    cooldown_s: Annotated[float, Field(ge=0)] = Field(default=300.0, description="cooldownPeriod; of the way to 0 only")
    behavior: Behavior | None = Field(default=None, description="of the HPA that KEDA makes")
    sync_s: Annotated[float, Field(gt=0)] = Field(default=15.0, description="of the HPA that KEDA makes")

    @model_validator(mode="after")
    def _bounds_in_order(self) -> KedaPolicy:
        if self.min_replicas > self.max_replicas:
            raise ValueError(f"min_replicas {self.min_replicas} is more than max_replicas {self.max_replicas}")
        return self

    @property
    def hpa(self) -> HpaPolicy:
        """The HPA that KEDA makes; it never goes below 1."""
        return HpaPolicy(
            min_replicas=max(self.min_replicas, 1),
            max_replicas=self.max_replicas,
            metric=self.metric,
            target=self.target,
            behavior=self.behavior,
            sync_s=self.sync_s,
        )


class Keda:
    """Operator and HPA of one ScaledObject."""

    def __init__(self, policy: KedaPolicy) -> None:
        self.policy = policy
        self.memory = Memory()
        self._hpa = policy.hpa
        self._last_active_s: float | None = None
        self._next_poll_s = 0.0

    def decide(self, now_s: float, replicas: int, pods: Sequence[Pod], totals: Totals) -> int:
        """The replicas that the Deployment is told at a sync of the HPA; polls of the operator fall on syncs."""
        if now_s >= self._next_poll_s:
            self._next_poll_s = now_s + self.policy.polling_s
            replicas = self._activate(now_s, replicas, totals)
        if replicas == 0:
            return 0
        target_milli = round(self.policy.target * 1000)

        def wanted() -> int:
            return by_total(totals.value_milli, len(pods), target_milli, self._hpa.tolerance)

        return reconcile(self.memory, self._hpa, now_s, replicas, wanted)

    def _activate(self, now_s: float, replicas: int, totals: Totals) -> int:
        active = totals.value_milli > self.policy.activation * 1000
        if active:
            self._last_active_s = now_s
            return max(replicas, self.policy.min_replicas, 1) if replicas == 0 else replicas
        if self.policy.min_replicas > 0 or replicas == 0:
            return replicas
        # Never active: scaled by somebody else, and there is nothing to cool down from.
        cooled = self._last_active_s is None or self._last_active_s + self.policy.cooldown_s < now_s
        return 0 if cooled else replicas
