"""Change under open-model load: no request is lost while pods, packages and nodes come and go.

Engines are emulated: they sleep instead of computing; packages, channels, pods and routes are real. Each load is seeded
Poisson arrivals without retries, from before the change to after it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from infra.cluster.instance import Instance
from infra.cluster.kubectl import Kubectl, wait_until
from scipy.stats import binomtest
from tests.cluster.load import NOTHING, Measured, load
from tests.cluster.radiographs import radiograph, version
from tests.cluster.release import ROOT, Release
from tests.cluster.store import Store
from tests.cluster.values import ONE, TWO, emulated

Figure = Callable[[str, Any], None]
Timeline = Callable[[Measured, dict[str, float]], None]
STARTER = ROOT / "model_repo/starter"
RATE_PER_S = 3.0
AFTER = 9
"""Requests that are still sent when a change is over."""
CHANGE_S = 300
ROUTE = {"enabled": True, "parentRefs": [{"name": "kserve-ingress-gateway", "namespace": "kserve"}]}
CANARY_SHARE = 10
REQUESTS = 300
UNLIKELY = 0.001
"""How seldom a route of the right weights may be called wrong."""


@pytest.fixture
def versions(store: Store) -> Store:
    """The starter as versions 1 and 2 of a package; stable is 1, candidate 2."""
    for number in ("1", "2"):
        store.models("publish", str(STARTER), "--name", "wrist", "--version", number)
    store.models("promote", "wrist:1", "--channel", "stable")
    store.models("promote", "wrist:2", "--channel", "candidate")
    return store


def conclude(measured: Measured, figure: Figure, began: float, ended: float) -> None:
    """The change fell into the load, and nothing was lost."""
    figure("answered", measured.counts["answered"])
    figure("seconds_of_change", ended - began)
    figure("emulated", measured.emulated)
    sent = [measured.from_unix_s + row["intended_s"] for row in measured.rows]
    assert min(sent) < began < ended < max(sent), "the change did not fall into the load"
    assert measured.lost == NOTHING, measured.broken


def test_a_rolling_update_loses_nothing(
    release: Release, cluster: Instance, detector: dict[str, str], figure: Figure, timeline: Timeline, tmp_path: Path
):
    release.install("detector", {**emulated(detector), **TWO})
    release.ready()
    release.settled(2)
    pods = {pod["metadata"]["uid"] for pod in release.pods()}
    with load(cluster, release.address(), tmp_path / "load", rate_per_s=RATE_PER_S, namespace=release.space.name) as (
        running,
        finish,
    ):
        began = time.time()
        release.install("detector", {**emulated(detector, queue=64), **TWO}, "upgrade")
        wait_until("new pods", lambda: not pods & {pod["metadata"]["uid"] for pod in release.pods()}, CHANGE_S)
        release.settled(2)
        ended = time.time()
        running.go_on(AFTER)
        measured = finish()
    timeline(measured, {"upgrade": began, "rolled out": ended})
    conclude(measured, figure, began, ended)


def test_a_promotion_by_channel_loses_nothing_and_restarts_nothing(
    release: Release, cluster: Instance, versions: Store, detector: dict[str, str], figure: Figure, tmp_path: Path
):
    model = {"name": "wrist", "reference": "wrist@stable", "repository": versions.repository}
    values = {**emulated(detector, reloadSeconds=1), **TWO, "model": model, "storage": versions.reader(release.space)}
    release.install("detector", values)
    release.ready()
    release.settled(2)
    pods = {pod["metadata"]["uid"] for pod in release.pods()}
    addresses = [f"http://{pod['status']['podIP']}:8080" for pod in release.pods()]
    assert {served(release, address) for address in addresses} == {"1"}
    with load(cluster, release.address(), tmp_path / "load", rate_per_s=RATE_PER_S, namespace=release.space.name) as (
        running,
        finish,
    ):
        began = time.time()
        versions.models("promote", "wrist:2", "--channel", "stable")
        wait_until("2 in both", lambda: {served(release, address) for address in addresses} == {"2"}, CHANGE_S)
        ended = time.time()
        running.go_on(AFTER)
        measured = finish()
    conclude(measured, figure, began, ended)
    assert {pod["metadata"]["uid"] for pod in release.pods()} == pods, "a pod was started again"


def served(release: Release, address: str) -> str:
    """The version that a pod serves, by its metadata; empty where it does not answer."""
    done = release.inside("curl", "-fsS", "--max-time", "10", f"{address}/v2/models/wrist")
    return str(json.loads(done.stdout)["versions"][0]) if done.returncode == 0 else ""


def evict(release: Release, pod: str) -> bool:
    """Ask for a pod to go, as the drain of its node does; whether the disruption budget let it."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": release.space.name}}
    path = f"/api/v1/namespaces/{release.space.name}/pods/{pod}/eviction"
    done = release.space.kubectl.attempt("create", "--raw", path, "-f", "-", text=json.dumps(body))
    if done.returncode:
        assert "disruption budget" in done.stderr, done.stderr
    return done.returncode == 0


def test_evictions_go_one_at_a_time_and_lose_nothing(
    release: Release, cluster: Instance, detector: dict[str, str], figure: Figure, timeline: Timeline, tmp_path: Path
):
    release.install("detector", {**emulated(detector), **TWO})
    release.ready()
    release.settled(2)
    first, second = (pod["metadata"]["name"] for pod in release.pods())
    with load(cluster, release.address(), tmp_path / "load", rate_per_s=RATE_PER_S, namespace=release.space.name) as (
        running,
        finish,
    ):
        began = time.time()
        assert evict(release, first)
        assert not evict(release, second), "the budget let both go at once"
        wait_until("the second's turn", lambda: evict(release, second), CHANGE_S)
        release.settled(2)
        ended = time.time()
        running.go_on(AFTER)
        measured = finish()
    timeline(measured, {"eviction": began, "two new pods": ended})
    conclude(measured, figure, began, ended)
    assert not {first, second} & {pod["metadata"]["name"] for pod in release.pods()}


def test_the_drain_of_a_node_loses_nothing(
    release: Release,
    cluster: Instance,
    kubectl: Kubectl,
    detector: dict[str, str],
    figure: Figure,
    timeline: Timeline,
    tmp_path: Path,
):
    if cluster.wish().nodes < 2:
        pytest.skip("the cluster has one node: NODES=2")
    release.install("detector", {**emulated(detector), **TWO})
    release.ready()
    release.settled(2)
    # Pods are spread where that is possible, which is a wish: a scheduler may set them side by side.
    (node, moved), *_ = Counter(pod["spec"]["nodeName"] for pod in release.pods()).most_common()
    figure("moved", moved)
    ours = f"--pod-selector=serving.kserve.io/inferenceservice={release.name}"
    try:
        with load(
            cluster, release.address(), tmp_path / "load", rate_per_s=RATE_PER_S, namespace=release.space.name
        ) as (running, finish):
            began = time.time()
            kubectl("drain", node, ours, "--delete-emptydir-data", "--ignore-daemonsets", f"--timeout={CHANGE_S}s")
            release.settled(2)
            ended = time.time()
            running.go_on(AFTER)
            measured = finish()
    finally:
        kubectl("uncordon", node)
    timeline(measured, {"drain": began, "two pods again": ended})
    conclude(measured, figure, began, ended)
    assert node not in {pod["spec"]["nodeName"] for pod in release.pods()}


def test_a_canary_gets_the_share_that_its_weight_says(
    release: Release, cluster: Instance, versions: Store, detector: dict[str, str], figure: Figure, tmp_path: Path
):
    """Through the Gateway, counted by the model version that each record names."""
    host = "wrist.example.com"
    values = {
        **emulated(detector), **ONE, "storage": versions.reader(release.space),
        "model": {"name": "wrist", "reference": "wrist@stable", "repository": versions.repository},
        "route": {**ROUTE, "hostnames": [host]},
        "canary": {"enabled": True, "weight": CANARY_SHARE, "reference": "wrist@candidate", "maxReplicas": 1},
    }  # fmt: skip
    release.install("detector", values)
    release.ready()
    release.ready("wrist-canary")
    url = f"http://127.0.0.1:{cluster.wish().ports['http']}/v2/models/wrist/infer"
    body = radiograph()
    wait_until("both behind the route", lambda: {version(url, body, host) for _ in range(20)} == {"1", "2"}, CHANGE_S)
    counts = Counter(version(url, body, host) for _ in range(REQUESTS))
    figure("canary_of_300", counts["2"])
    assert sum(counts.values()) == counts["1"] + counts["2"] == REQUESTS, counts
    # Traefik deals out by turns and begins anew whenever an endpoint changes, so the share is near and not exact.
    assert binomtest(counts["2"], REQUESTS, CANARY_SHARE / 100).pvalue > UNLIKELY, counts
