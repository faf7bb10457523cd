"""Which claims get a volume, what volume, and which volumes go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.cluster.provisioner import (
    NODE_CHOSEN,
    PROVISIONED_BY,
    PROVISIONER,
    PROVISIONER_CHOSEN,
    released,
    volume_for,
    wanted,
)


def claim(phase: str = "Pending", **annotations: str) -> dict[str, Any]:
    chosen = {PROVISIONER_CHOSEN: PROVISIONER, NODE_CHOSEN: "node-1"} | annotations
    spec = {
        "resources": {"requests": {"storage": "1Gi"}},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "local",
    }
    meta = {"name": "data", "namespace": "default", "uid": "17", "annotations": {k: v for k, v in chosen.items() if v}}
    return {"metadata": meta, "spec": spec, "status": {"phase": phase}}


def volume(phase: str, policy: str = "Delete", by: str = PROVISIONER) -> dict[str, Any]:
    spec = {"persistentVolumeReclaimPolicy": policy, "hostPath": {"path": "/volumes/pvc-17"}}
    return {
        "metadata": {"name": "pvc-17", "annotations": {PROVISIONED_BY: by}},
        "spec": spec,
        "status": {"phase": phase},
    }


def test_a_pending_claim_whose_pod_has_a_node_is_wanted():
    assert wanted([claim()]) == [claim()]


def test_a_claim_without_a_node_or_of_another_class_or_bound_already_is_not():
    others = [claim("Bound"), claim(**{NODE_CHOSEN: ""}), claim(**{PROVISIONER_CHOSEN: "example.org/other"})]
    assert wanted(others) == []


def test_a_claim_that_is_going_is_not_wanted():
    going = claim()
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert wanted([going]) == []


def test_a_volume_is_bound_to_its_claim_and_its_node_from_birth():
    found = volume_for(claim(), Path("/volumes"))
    assert found["spec"]["claimRef"]["uid"] == "17"
    assert found["spec"]["hostPath"]["path"] == "/volumes/pvc-17"
    assert found["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] == [
        "node-1"
    ]


def test_only_released_volumes_of_ours_that_may_go_are_removed():
    kept = [volume("Bound"), volume("Released", policy="Retain"), volume("Released", by="example.org/other")]
    assert released([volume("Released"), *kept]) == [volume("Released")]
