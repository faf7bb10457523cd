"""A load test as charts/loadtest runs it: a scenario that a shared machine can send, and the verdict of its Job."""

from __future__ import annotations

from typing import Any

from infra.cluster.kubectl import wait_until
from tests.cluster.release import Release

VERDICT_S = 300
SMALL = {"requests": {"cpu": "100m", "memory": "400Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}


def scenario(**slos: float) -> dict[str, Any]:
    """Six requests a second for five seconds; the generator may be late, because the machine is shared."""
    return {
        "schema": "carpal.scenario/v1", "name": "short", "seed": 3, "timeout_s": 30,
        "arrivals": {"kind": "poisson", "rate_per_s": 6, "duration_s": 5},
        "payloads": {"kind": "phantoms", "count": 2, "seed": 1, "size_px": 128, "format": "png8"},
        "slos": {"error_share": 0.0, **slos}, "validity": {"lag_p99_ms": 20000},
    }  # fmt: skip


def verdict(release: Release, job: str) -> str:
    """How the Job ended: Complete, or Failed and why."""

    def conditions() -> list[dict[str, str]]:
        return list(release.space.read("job", job)["status"].get("conditions", []))

    wait_until("the verdict", lambda: {one["type"] for one in conditions()} & {"Complete", "Failed"}, VERDICT_S)
    (last,) = [one for one in conditions() if one["type"] in ("Complete", "Failed")]
    return "Complete" if last["type"] == "Complete" else f"Failed: {last['message']}"
