"""charts/loadtest on a real cluster: the verdict is the status of the Job, and the report is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from infra.cluster.instance import Instance
from infra.cluster.kubectl import wait_until
from infra.cluster.workshop import Workshop
from tests.cluster.environment import environment
from tests.cluster.release import Release
from tests.cluster.store import Store
from tests.cluster.values import ONE, emulated

Figure = Callable[[str, Any], None]
VERDICT_S = 300
SMALL = {"requests": {"cpu": "100m", "memory": "400Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}


@pytest.fixture
def tester(
    release: Release, cluster: Instance, shop: Workshop, tmp_path: Path
) -> Iterator[tuple[Release, dict[str, Any]]]:
    """A release of the load test to be, beside the detector's, and the values of its pods."""
    (tmp_path / "environment").mkdir()
    with environment(cluster, shop, release.space, tmp_path / "environment") as values:
        found = replace(release, name="load")
        yield found, {**values, "resources": SMALL, "model": "wrist"}
        found("uninstall", found.name, "--ignore-not-found")


def scenario(**slos: float) -> dict[str, Any]:
    """Six requests a second for five seconds; the generator may be late, because the machine is shared."""
    return {
        "schema": "carpal.scenario/v1", "name": "short", "seed": 3, "timeout_s": 30,
        "arrivals": {"kind": "poisson", "rate_per_s": 6, "duration_s": 5},
        "payloads": {"kind": "phantoms", "count": 2, "seed": 1, "size_px": 128, "format": "png8"},
        "slos": {"error_share": 0.0, **slos}, "validity": {"lag_p99_ms": 20000},
    }  # fmt: skip


def verdict(release: Release, job: str) -> str:
    """How the Job ended: Complete, or Failed with its message."""

    def conditions() -> list[dict[str, str]]:
        return list(release.space.read("job", job)["status"].get("conditions", []))

    wait_until("the verdict", lambda: {one["type"] for one in conditions()} & {"Complete", "Failed"}, VERDICT_S)
    (last,) = [one for one in conditions() if one["type"] in ("Complete", "Failed")]
    return f"{last['type']} {last.get('message', '')}".strip()


def test_the_verdict_is_the_jobs_status_and_the_report_is_in_the_store(
    release: Release, tester: tuple[Release, dict[str, Any]], store: Store, detector: dict[str, str], figure: Figure
):
    release.install("detector", {**emulated(detector), **ONE})
    release.ready()
    load, values = tester
    reader = store.reader(release.space)
    report = {"s3": f"s3://{store.bucket}/reports", **reader}
    values = {**values, "target": "http://wrist-predictor", "report": report}
    load.install("loadtest", {**values, "scenario": {"inline": scenario()}})
    load("test", load.name, "--timeout", "180s")
    assert verdict(load, "load-1").startswith("Complete")
    kept = {found["Key"] for found in store.client().list_objects_v2(Bucket=store.bucket)["Contents"]}
    assert "reports/load-1/result.json" in kept

    load.install("loadtest", {**values, "scenario": {"inline": scenario(p50_ms=0.001)}}, "upgrade")
    said = verdict(load, "load-2")
    figure("failed_says", said)
    assert said.startswith("Failed")
    assert "exit code 1" in said

    load("uninstall", load.name, "--wait")
    assert not {name for name in release.left() if "load" in name}


def test_a_target_that_is_not_there_is_a_run_that_was_not_made(
    release: Release, tester: tuple[Release, dict[str, Any]]
):
    load, values = tester
    load.install("loadtest", {**values, "target": "http://nobody", "scenario": {"inline": scenario()}})
    assert "exit code 2" in verdict(load, "load-1")
    assert "nobody" in load.space("logs", "job/load-1")
