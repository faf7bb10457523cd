"""A policy as values of charts/detector, so that what was simulated can be installed."""

from __future__ import annotations

from typing import Any

from carpal_loadtests.autoscaling.behavior import Rules
from carpal_loadtests.autoscaling.hpa import Behavior, HpaPolicy
from carpal_loadtests.autoscaling.knative import KpaPolicy
from carpal_loadtests.simulation.setup import FixedPolicy, Policy


def values(policy: Policy) -> dict[str, Any] | None:
    """The part of a values file that sets a policy; None where the chart has no such setting.

    The chart's HPA measures cpu (or memory), its KEDA trigger requests in flight in a pod.
    """
    if isinstance(policy, FixedPolicy):
        return {"mode": "Standard", "autoscaling": {"class": "none", "minReplicas": policy.replicas}}
    bounds = {"minReplicas": policy.min_replicas, "maxReplicas": policy.max_replicas}
    if isinstance(policy, KpaPolicy):
        metric = "concurrency" if policy.metric == "in-flight" else "rps"
        kpa = {"metric": metric, "target": policy.total}
        return {"mode": "Knative", "autoscaling": {"class": "kpa", **bounds, "kpa": kpa}}
    behavior = {} if policy.behavior is None else {"behavior": _behavior(policy.behavior)}
    if isinstance(policy, HpaPolicy):
        if policy.metric != "cpu":
            return None
        hpa = {"metric": "cpu", "target": round(policy.target)}
        return {"mode": "Standard", "autoscaling": {"class": "hpa", **bounds, "hpa": hpa, **behavior}}
    if policy.metric != "in-flight" or policy.min_replicas == 0:
        return None
    keda = {"inFlight": policy.target, "queueDepth": 0}
    return {"mode": "Standard", "autoscaling": {"class": "keda", **bounds, "keda": keda, **behavior}}


def _behavior(behavior: Behavior) -> dict[str, Any]:
    return {"scaleUp": _rules(behavior.up), "scaleDown": _rules(behavior.down)}


def _rules(rules: Rules) -> dict[str, Any]:
    """With Kubernetes' names."""
    return {
        "stabilizationWindowSeconds": rules.stabilization_s,
        "selectPolicy": rules.select,
        "policies": [{"type": one.type, "value": one.value, "periodSeconds": one.period_s} for one in rules.policies],
    }
