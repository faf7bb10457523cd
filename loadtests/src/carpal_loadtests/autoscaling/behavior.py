"""How fast an HPA may move: stabilisation windows and rate policies.

The rules of Kubernetes 1.34, pkg/controller/podautoscaler/horizontal.go: stabilizeRecommendationWithBehaviors,
calculateScaleUpLimitWithScalingRules, calculateScaleDownLimitWithBehaviors and convertDesiredReplicasWithBehaviorRate;
without ``behavior`` stabilizeRecommendation and convertDesiredReplicasWithRules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from carpal.document import Document

DOWN_WINDOW_S = 300.0
"""--horizontal-pod-autoscaler-downscale-stabilization."""
UP_FACTOR, UP_LEAST = 2, 4
"""Without ``behavior``: at most twice the replicas, or four."""


class Policy(Document):
    """How much may change within a period."""

    type: Literal["Pods", "Percent"] = Field(description="what value counts")
    value: Annotated[int, Field(ge=1)] = Field(description="most that may change within the period")
    period_s: Annotated[int, Field(ge=1, le=1800)] = Field(description="periodSeconds")


class Rules(Document):
    """One direction of ``behavior``, with Kubernetes' names."""

    stabilization_s: Annotated[int, Field(ge=0, le=3600)] = Field(description="stabilizationWindowSeconds")
    select: Literal["Max", "Min", "Disabled"] = Field(default="Max", description="selectPolicy; Max: the fastest one")
    policies: Annotated[tuple[Policy, ...], Field(min_length=1)] = Field(description="of which one is selected")
    tolerance: Annotated[float, Field(ge=0)] = Field(default=0.1, description="share off the target that is ignored")


UP = Rules(
    stabilization_s=0,
    policies=(Policy(type="Pods", value=4, period_s=15), Policy(type="Percent", value=100, period_s=15)),
)
"""What Kubernetes fills in where ``behavior`` says nothing of scaleUp."""
DOWN = Rules(stabilization_s=300, policies=(Policy(type="Percent", value=100, period_s=15),))
"""The same for scaleDown."""


@dataclass
class Memory:
    """What an HPA remembers: recommendations as they were made, and changes as they were carried out."""

    recommendations: list[tuple[float, int]] = field(default_factory=list)
    added: list[tuple[float, int]] = field(default_factory=list)
    removed: list[tuple[float, int]] = field(default_factory=list)

    def recommend(self, now_s: float, replicas: int) -> None:
        """Remember a recommendation before anything limited it."""
        self.recommendations = [(at, one) for at, one in self.recommendations if at >= now_s - 3600]
        self.recommendations.append((now_s, replicas))

    def change(self, now_s: float, before: int, after: int) -> None:
        """Remember a change that was carried out."""
        events = self.added if after > before else self.removed
        events[:] = [(at, one) for at, one in events if at > now_s - 1800]
        events.append((now_s, abs(after - before)))

    def at_period_start(self, now_s: float, replicas: int, period_s: float) -> int:
        """How many replicas there were when a period that ends now began."""
        return replicas - _sum_after(self.added, now_s - period_s) + _sum_after(self.removed, now_s - period_s)


def stabilise(memory: Memory, now_s: float, replicas: int, desired: int, up: Rules, down: Rules) -> int:
    """Hold back a change that earlier recommendations within the window did not ask for; remembers ``desired``.

    A recommendation as old as the window to the instant is outside of it.
    """
    least, most = desired, desired
    for at, one in memory.recommendations:
        if at > now_s - up.stabilization_s:
            least = min(least, one)
        if at > now_s - down.stabilization_s:
            most = max(most, one)
    memory.recommend(now_s, desired)
    return min(max(replicas, least), most)


def stabilise_plain(memory: Memory, now_s: float, desired: int) -> int:
    """Without ``behavior``: the highest recommendation of the last 300 s; remembers ``desired``."""
    recent = [one for at, one in memory.recommendations if at >= now_s - DOWN_WINDOW_S]
    memory.recommend(now_s, desired)
    return max([desired, *recent])


def limit(
    memory: Memory, now_s: float, replicas: int, desired: int, up: Rules, down: Rules, bounds: tuple[int, int]
) -> int:
    """Keep to the rate policies and to the least and most replicas."""
    least, most = bounds
    if desired > replicas:
        return min(desired, most, max(_up_limit(memory, now_s, replicas, up), replicas))
    if desired < replicas:
        return max(desired, least, min(_down_limit(memory, now_s, replicas, down), replicas))
    return desired


def limit_plain(replicas: int, desired: int, bounds: tuple[int, int]) -> int:
    """Without ``behavior``: at most twice the replicas or four, and within the bounds."""
    least, most = bounds
    if desired < least:
        return least
    return min(desired, most, max(UP_FACTOR * replicas, UP_LEAST))


def _up_limit(memory: Memory, now_s: float, replicas: int, rules: Rules) -> int:
    if rules.select == "Disabled":
        return replicas
    proposals = []
    for policy in rules.policies:
        start = memory.at_period_start(now_s, replicas, policy.period_s)
        raised = start + policy.value if policy.type == "Pods" else ceil(start * (1 + policy.value / 100))
        proposals.append(raised)
    return min(proposals) if rules.select == "Min" else max(proposals)


def _down_limit(memory: Memory, now_s: float, replicas: int, rules: Rules) -> int:
    if rules.select == "Disabled":
        return replicas
    proposals = []
    for policy in rules.policies:
        start = memory.at_period_start(now_s, replicas, policy.period_s)
        lowered = start - policy.value if policy.type == "Pods" else int(start * (1 - policy.value / 100))
        proposals.append(lowered)
    return max(proposals) if rules.select == "Min" else min(proposals)


def _sum_after(events: list[tuple[float, int]], cutoff_s: float) -> int:
    return sum(change for at, change in events if at > cutoff_s)
