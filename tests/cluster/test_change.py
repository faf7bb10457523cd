"""Change under open-model load: no request is lost while pods, packages and nodes come and go.

Engines are emulated: they sleep instead of computing; packages, channels, pods and routes are real. Each load is seeded
Poisson arrivals without retries, from before the change to after it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from infra.cluster.instance import Instance
from infra.cluster.kubectl import Kubectl, wait_until
from scipy.stats import binomtest
from tests.cluster.course import Course
from tests.cluster.load import NOTHING
from tests.cluster.radiographs import radiograph, version
from tests.cluster.release import ROOT, Release
from tests.cluster.store import Store
from tests.cluster.values import GATEWAYS, ONE, TWO, emulated

Figure = Callable[[str, Any], None]
UnderLoad = Callable[..., AbstractContextManager[Course]]
STARTER = ROOT / "model_repo/starter"
CHANGE_S = 300
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


@pytest.fixture
def two(release: Release, detector: dict[str, str]) -> Release:
    """A release of two pods."""
    release.install("detector", {**emulated(detector), **TWO})
    release.ready()
    release.settled(2)
    return release


def nothing_is_lost(course: Course) -> None:
    """And the change fell into the load."""
    assert course.fell_into_the_load()
    assert course.lost == NOTHING, course.measured.broken


def test_a_rolling_update_loses_nothing(two: Release, detector: dict[str, str], under_load: UnderLoad):
    pods = {pod["metadata"]["uid"] for pod in two.pods()}
    with under_load(two) as course:
        two.install("detector", {**emulated(detector, queue=64), **TWO}, "upgrade")
        wait_until("new pods", lambda: not pods & {pod["metadata"]["uid"] for pod in two.pods()}, CHANGE_S)
        two.settled(2)
    nothing_is_lost(course)


def test_a_promotion_by_channel_loses_nothing_and_restarts_nothing(
    release: Release, versions: Store, detector: dict[str, str], under_load: UnderLoad
):
    model = {"name": "wrist", "reference": "wrist@stable", "repository": versions.repository}
    values = {**emulated(detector, reloadSeconds=1), **TWO, "model": model, "storage": versions.reader(release.space)}
    release.install("detector", values)
    release.ready()
    release.settled(2)
    pods = {pod["metadata"]["uid"] for pod in release.pods()}
    addresses = [f"http://{pod['status']['podIP']}:8080" for pod in release.pods()]
    assert {served(release, address) for address in addresses} == {"1"}
    with under_load(release) as course:
        versions.models("promote", "wrist:2", "--channel", "stable")
        wait_until("2 in both", lambda: {served(release, address) for address in addresses} == {"2"}, CHANGE_S)
    nothing_is_lost(course)
    assert {pod["metadata"]["uid"] for pod in release.pods()} == pods, "a pod was started again"


def served(release: Release, address: str) -> str:
    """The version that a pod serves, by its metadata; empty where it does not answer."""
    done = release.inside("curl", "-fsS", "--max-time", "10", f"{address}/v2/models/wrist")
    return str(json.loads(done.stdout)["versions"][0]) if done.returncode == 0 else ""


def test_evictions_go_one_at_a_time_and_lose_nothing(two: Release, under_load: UnderLoad):
    names = [pod["metadata"]["name"] for pod in two.pods()]
    with under_load(two) as course:
        # Side by side: one after the other, on a busy machine, the second might find a new pod ready.
        with ThreadPoolExecutor(len(names)) as pool:
            went = dict(zip(names, pool.map(two.space.evict, names), strict=True))
        assert sorted(went.values()) == [False, True], "the budget let both go at once, or neither"
        (left,) = [name for name, gone in went.items() if not gone]
        wait_until("the second's turn", lambda: two.space.evict(left), CHANGE_S)
        two.settled(2)
    nothing_is_lost(course)
    assert not set(names) & {pod["metadata"]["name"] for pod in two.pods()}


@pytest.mark.takes("cluster")
def test_the_drain_of_a_node_loses_nothing(
    two: Release, cluster: Instance, kubectl: Kubectl, figure: Figure, under_load: UnderLoad
):
    if cluster.wish().nodes < 2:
        pytest.skip("the cluster has one node: NODES=2")
    # Pods are spread where that is possible, which is a wish: a scheduler may set them side by side.
    (node, moved), *_ = Counter(pod["spec"]["nodeName"] for pod in two.pods()).most_common()
    figure("moved", moved)
    ours = f"--pod-selector=serving.kserve.io/inferenceservice={two.name}"
    try:
        with under_load(two) as course:
            kubectl("drain", node, ours, "--delete-emptydir-data", "--ignore-daemonsets", f"--timeout={CHANGE_S}s")
            two.settled(2)
    finally:
        kubectl("uncordon", node)
    nothing_is_lost(course)
    assert node not in {pod["spec"]["nodeName"] for pod in two.pods()}


def test_a_canary_gets_the_share_that_its_weight_says(
    release: Release, cluster: Instance, versions: Store, detector: dict[str, str], figure: Figure
):
    """Through the Gateway, counted by the model version that each record names."""
    host = "wrist.example.com"
    values = {
        **emulated(detector), **ONE, "storage": versions.reader(release.space),
        "model": {"name": "wrist", "reference": "wrist@stable", "repository": versions.repository},
        "route": {"enabled": True, "parentRefs": GATEWAYS, "hostnames": [host]},
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
