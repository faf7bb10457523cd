"""Replicas follow an open-model load up and down again, and no request is lost: by the chart's HPA and by KEDA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from infra.cluster.instance import Instance
from tests.cluster.load import NOTHING, Measured, load
from tests.cluster.release import Release
from tests.cluster.values import emulated, real

Figure = Callable[[str, Any], None]
Timeline = Callable[[Measured, dict[str, float]], None]
DOWN_S = 300
QUICKLY = {
    "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]},
    "scaleDown": {
        "stabilizationWindowSeconds": 15,
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    },
}
"""Down after a quarter of a minute, so that the case sees it; the chart's own default waits five minutes."""
PROMETHEUS = "http://prometheus.monitoring.svc:9090"
SCRAPED = {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/metrics"}


@pytest.mark.slow
def test_replicas_follow_the_cpu_up_and_down_and_nothing_is_lost(
    release: Release, cluster: Instance, detector: dict[str, str], figure: Figure, timeline: Timeline, tmp_path: Path
):
    """The engine is real: it computes the starter.

    At the peak a pod takes more than twice what the target lets it, on a machine that needs 36 ms an image and on any
    slower one; after it, less than half, up to 80 ms an image.
    """
    autoscaling = {"class": "hpa", "minReplicas": 1, "maxReplicas": 3, "behavior": QUICKLY, "hpa": {"target": 80}}
    resources = {"requests": {"cpu": "100m", "memory": "400Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    values = {**real(detector, queue=4000), "resources": resources, "autoscaling": autoscaling}
    release.install("detector", values)
    release.ready()
    followed(release, cluster, figure, timeline, tmp_path, peak(6), size_px=640)


@pytest.mark.slow
def test_replicas_follow_the_queue_to_eight_and_down_by_keda(
    release: Release, cluster: Instance, detector: dict[str, str], figure: Figure, timeline: Timeline, tmp_path: Path
):
    """The engine is emulated: it sleeps 400 ms, so that eight pods fit on two cores."""
    keda = {"serverAddress": PROMETHEUS, "queueDepth": 2, "inFlight": 0}
    autoscaling = {"class": "keda", "minReplicas": 1, "maxReplicas": 8, "behavior": QUICKLY, "keda": keda}
    values = {
        **emulated(detector, ms=400, streams=1, queue=4000), "autoscaling": autoscaling, "podAnnotations": SCRAPED,
    }  # fmt: skip
    release.install("detector", values)
    release.ready()
    followed(release, cluster, figure, timeline, tmp_path, peak(10), size_px=128, most=8)


def peak(rate_per_s: float) -> dict[str, Any]:
    """Little, a minute of much, little again."""
    stages = ((0.5, 5), (rate_per_s, 60), (0.5, 15))
    return {"kind": "stages", "stages": [{"rate_per_s": rate, "duration_s": length} for rate, length in stages]}


def followed(
    release: Release,
    cluster: Instance,
    figure: Figure,
    timeline: Timeline,
    tmp_path: Path,
    arrivals: dict[str, Any],
    *,
    size_px: int,
    most: int = 2,
) -> None:
    """Replicas go up to ``most`` at least and come down to one again, and nothing is lost."""
    with load(
        cluster, release.address(), tmp_path / "load", rate_per_s=0, namespace=release.space.name, arrivals=arrivals,
        size_px=size_px, timeout_s=300,
    ) as (_, finish):  # fmt: skip
        measured = finish(lambda: replicas(release) == 1)
    timeline(measured, {})
    highest = max(asked for _, asked, _ in measured.replicas)
    figure("most_replicas", highest)
    figure("most_ready", max(ready for _, _, ready in measured.replicas))
    figure("answered", measured.counts["answered"])
    figure("emulated", measured.emulated)
    up = next((at for at, asked, _ in measured.replicas if asked > 1), None)
    assert up, "it never scaled up"
    figure("seconds_to_second_replica", up - measured.from_unix_s)
    assert measured.lost == NOTHING, measured.broken
    assert highest >= most
    assert measured.replicas[-1][1] == 1, "it did not come down again"


def replicas(release: Release) -> int:
    """What the Deployment asks for."""
    return int(release.space.read("deployment", "wrist-predictor")["spec"]["replicas"])
