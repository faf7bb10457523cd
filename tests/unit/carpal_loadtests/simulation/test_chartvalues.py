"""A policy becomes values that the chart of the detector takes: its own schema says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from carpal_loadtests.autoscaling.hpa import Behavior, HpaPolicy
from carpal_loadtests.autoscaling.keda import KedaPolicy
from carpal_loadtests.autoscaling.knative import KpaPolicy
from carpal_loadtests.simulation.chartvalues import values
from carpal_loadtests.simulation.setup import FixedPolicy, Policy

SCHEMA = json.loads((Path(__file__).resolve().parents[4] / "charts/detector/values.schema.json").read_text())


@pytest.mark.parametrize(
    "policy",
    [
        FixedPolicy(replicas=3),
        HpaPolicy(min_replicas=2, max_replicas=9, target=65, behavior=Behavior()),
        HpaPolicy(),
        KpaPolicy(min_replicas=2, total=2),
        KedaPolicy(min_replicas=2, target=2, behavior=Behavior()),
    ],
    ids=lambda policy: policy.kind,
)
def test_the_chart_takes_them(policy: Policy) -> None:
    made = values(policy)
    assert made is not None
    jsonschema.validate(made, without_required(SCHEMA))


def without_required(schema: Any) -> Any:
    """The schema for a part of the values: the rest comes from the chart's own file."""
    if isinstance(schema, dict):
        return {
            key: without_required(value)
            for key, value in schema.items()
            if key != "required" or not isinstance(value, list)
        }
    return [without_required(value) for value in schema] if isinstance(schema, list) else schema


def test_numbers_and_names_are_kubernetes_own() -> None:
    made = values(HpaPolicy(min_replicas=2, max_replicas=9, target=65, behavior=Behavior()))
    assert made is not None
    scaling = made["autoscaling"]
    assert (scaling["class"], scaling["minReplicas"], scaling["maxReplicas"]) == ("hpa", 2, 9)
    assert scaling["hpa"] == {"metric": "cpu", "target": 65}
    assert scaling["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
    assert scaling["behavior"]["scaleUp"]["policies"][0] == {"type": "Pods", "value": 4, "periodSeconds": 15}


@pytest.mark.parametrize("policy", [HpaPolicy(metric="rate"), KedaPolicy(metric="rate"), KedaPolicy(min_replicas=0)])
def test_what_the_chart_has_no_setting_for_gets_no_values(policy: Policy) -> None:
    assert values(policy) is None
