"""Which pods Prometheus is told of."""

from __future__ import annotations

from typing import Any

from infra.cluster.targets import targets


def pod(phase: str = "Running", **annotations: str) -> dict[str, Any]:
    asked = {"scrape": "true", "port": "8080"} | annotations
    meta = {
        "name": "one",
        "namespace": "default",
        "labels": {"serving.kserve.io/inferenceservice": "wrist"},
        "annotations": {f"prometheus.io/{key}": value for key, value in asked.items()},
    }
    return {"metadata": meta, "status": {"phase": phase, "podIP": "10.89.1.2"}}


def test_a_running_pod_that_asks_is_a_target_with_its_place_and_labels():
    (group,) = targets([pod(path="/other")])
    assert group["targets"] == ["10.89.1.2:8080"]
    assert group["labels"] == {
        "label_serving_kserve_io_inferenceservice": "wrist",
        "namespace": "default",
        "pod": "one",
        "__metrics_path__": "/other",
    }


def test_a_pod_that_does_not_ask_or_does_not_run_is_none():
    assert targets([pod(scrape="false"), pod("Pending"), {**pod(), "status": {"phase": "Running"}}]) == []
