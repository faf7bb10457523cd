"""Faults under open-model load: what is lost is at most what was on the way, and everything heals within a stated time.

Engines are emulated: they sleep instead of computing. Kills are SIGKILL from the machine, which no program sees coming.
Where a pod's own process ends, requests come in by the Gateway, which offers a connection that nobody took to the next
pod; without one, callers of the Service are refused until the kubelet has noticed, about a second.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from signal import SIGKILL
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from infra.cluster.instance import Instance
from infra.cluster.kubectl import Kubectl, wait_until
from infra.cluster.program import Process, Records
from tests.cluster.course import AFTER, Course
from tests.cluster.load import NOTHING
from tests.cluster.process import of_controller, of_pod
from tests.cluster.release import ROOT, Release
from tests.cluster.store import Store
from tests.cluster.values import BY_GATEWAY, ONE, TWO, emulated

Figure = Callable[[str, Any], None]
UnderLoad = Callable[..., AbstractContextManager[Course]]
STARTER = ROOT / "model_repo/starter"
SLOWLY_MS = 1000
"""Of an engine, so that requests are on the way when a process is killed."""
HEALS_S = 90
"""From the fault until all is well again, and for each thing that is waited for meanwhile."""


@pytest.fixture
def two(release: Release, detector: dict[str, str]) -> Release:
    """A release of two pods."""
    release.install("detector", {**emulated(detector), **TWO})
    release.ready()
    release.settled(2)
    return release


@pytest.fixture
def behind_the_gateway(release: Release, detector: dict[str, str]) -> Release:
    """A release of two slow pods that is called by the Gateway."""
    release.install("detector", {**emulated(detector, ms=SLOWLY_MS), **TWO, **BY_GATEWAY})
    release.ready()
    release.settled(2)
    release.routed()
    return release


def restarts(release: Release) -> int:
    """How often containers of the release were started again."""
    found = [status for pod in release.pods() for status in pod["status"].get("containerStatuses", [])]
    return sum(status["restartCount"] for status in found)


def kill(pids: list[int]) -> None:
    """SIGKILL, and wait until the kernel has taken them down; the first may have taken the others with it."""
    assert pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)
    wait_until("the processes' end", lambda: not any(map(Process.of, pids)), HEALS_S)


def healed(course: Course) -> None:
    """In the stated time, and under load from before to after."""
    assert course.fell_into_the_load()
    assert course.ended - course.began <= HEALS_S


def only_what_was_on_the_way_is_lost(course: Course, since: float, until: float, figure: Figure) -> None:
    """Every request without an answer was on the way between two Unix times."""
    lost, way = course.lost_requests(), course.on_the_way(since, until)
    figure("on_the_way", len(way))
    figure("codes", sorted(lost.values()))
    healed(course)
    assert {index: code for index, code in lost.items() if index not in way} == {}


@pytest.mark.takes("gateway")
def test_a_killed_process_costs_what_was_on_the_way_in_it_and_comes_back(
    behind_the_gateway: Release, under_load: UnderLoad, figure: Figure
):
    two = behind_the_gateway
    with under_load(two, two.gateway()) as course:
        victims = of_pod(two.pods()[0], b"carpal")
        since = time.time()
        kill(victims)
        until = time.time()
        wait_until("the restart", lambda: restarts(two) > 0, HEALS_S)
        two.settled(2)
    only_what_was_on_the_way_is_lost(course, since, until, figure)


@pytest.mark.takes("cluster")
@pytest.mark.parametrize("program", ["containerd-1", "kubelet-1", "kube-apiserver"])
def test_a_killed_part_of_the_node_loses_nothing(
    two: Release, cluster: Instance, kubectl: Kubectl, program: str, under_load: UnderLoad
):
    records = Records(cluster.folder / "processes")
    with under_load(two) as course:
        before = records.find(program)
        assert before
        before.signal(SIGKILL)
        wait_until(f"{program} again", lambda: records.find(program) not in (None, before), HEALS_S)
        wait_until("the API server", lambda: kubectl.succeeds("get", "--raw", "/readyz"), HEALS_S)
        wait_until("the node", lambda: ready(kubectl), HEALS_S)
        two.settled(2)
    assert course.lost == NOTHING, course.measured.broken
    healed(course)
    assert restarts(two) == 0, "pods did not outlive it"


def ready(kubectl: Kubectl) -> bool:
    """Whether every node is."""
    nodes = kubectl.read("nodes")["items"]
    return all(
        ("Ready", "True") in [(one["type"], one["status"]) for one in node["status"]["conditions"]] for node in nodes
    )


@pytest.mark.takes("cluster")
def test_without_kserves_controller_requests_are_answered_and_later_releases_come_up(
    two: Release, kubectl: Kubectl, detector: dict[str, str], under_load: UnderLoad
):
    with under_load(two) as course:
        kill(of_controller(kubectl))
        wait_until("the controller", lambda: webhook(two, detector), HEALS_S)
        two.settled(2)
    assert course.lost == NOTHING, course.measured.broken
    healed(course)


def webhook(release: Release, detector: dict[str, str]) -> bool:
    """Whether an upgrade passes KServe's admission again."""
    try:
        release.install("detector", {**emulated(detector, queue=48), **TWO}, "upgrade")
    except AssertionError:
        return False
    return True


@pytest.mark.takes("cluster")
def test_without_the_store_pods_serve_on_and_new_ones_wait_for_it(
    release: Release, cluster: Instance, store: Store, detector: dict[str, str], under_load: UnderLoad
):
    store.models("publish", str(STARTER), "--name", "wrist", "--version", "1")
    store.models("promote", "wrist:1", "--channel", "stable")
    model = {"name": "wrist", "reference": "wrist@stable", "repository": store.repository}
    values = {**emulated(detector, reloadSeconds=1), **ONE, "model": model, "storage": store.reader(release.space)}
    release.install("detector", values)
    release.ready()
    release.settled(1)
    records = Records(cluster.folder / "processes")
    with under_load(release) as course:
        before = records.find("s3")
        assert before
        before.signal(SIGKILL)
        course.running.go_on(AFTER)
        wait_until("the store", lambda: records.find("s3") not in (None, before) and reachable(store), HEALS_S)
        release.install("detector", {**values, **TWO}, "upgrade")
        release.settled(2)
    assert course.lost == NOTHING, course.measured.broken
    healed(course)


def reachable(store: Store) -> bool:
    """Whether the store answers."""
    with suppress(ClientError, BotoCoreError):
        return bool(store.client().list_objects_v2(Bucket=store.bucket)["Contents"])
    return False


def ready_pods(release: Release) -> list[str]:
    """Names of the release's pods that are ready."""

    def is_ready(pod: dict[str, Any]) -> bool:
        return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))

    return [pod["metadata"]["name"] for pod in release.pods() if is_ready(pod)]


def test_a_corrupt_package_is_refused_with_its_reason_and_the_old_pods_serve_on(
    release: Release, store: Store, detector: dict[str, str], under_load: UnderLoad
):
    for version in ("1", "2"):
        store.models("publish", str(STARTER), "--name", "wrist", "--version", version)
    store.client().put_object(Bucket=store.bucket, Key="models/wrist/2/model.onnx", Body=b"not what was published")
    model = {"name": "wrist", "reference": "wrist:1", "repository": store.repository}
    values = {**emulated(detector), **ONE, "model": model, "storage": store.reader(release.space)}
    release.install("detector", values)
    release.ready()
    release.settled(1)
    (good,) = ready_pods(release)
    with under_load(release) as course:
        release.install("detector", {**values, "model": {**model, "reference": "wrist:2"}}, "upgrade")
        wait_until("the refusal", lambda: "package.digest-mismatch" in log_of_others(release, good), HEALS_S)
        release("rollback", release.name, "1")
        wait_until("the good pod alone", lambda: [p["metadata"]["name"] for p in release.pods()] == [good], HEALS_S)
    assert course.lost == NOTHING, course.measured.broken
    healed(course)


def log_of_others(release: Release, good: str) -> str:
    """What pods beside the good one say, now and before their last start."""
    names = [pod["metadata"]["name"] for pod in release.pods() if pod["metadata"]["name"] != good]
    words = [("logs", name, *more) for name in names for more in ((), ("--previous",))]
    kubectl = release.space.kubectl
    return "".join(kubectl.attempt(f"--namespace={release.space.name}", *word).stdout for word in words)


# Each smaller than the service, so that the kernel takes the service when all of them are too much.
HOGS = (
    "for i in $(seq 24); do python3 -c 'import time; b = bytearray(b\"x\") * (90 << 20); time.sleep(600)' & done; wait"
)


@pytest.mark.takes("gateway")
def test_a_container_out_of_memory_is_ended_alone_and_comes_back(
    behind_the_gateway: Release, under_load: UnderLoad, figure: Figure
):
    two = behind_the_gateway
    victim = two.pods()[0]["metadata"]["name"]
    with under_load(two, two.gateway()) as course:
        two.space.kubectl.attempt(f"--namespace={two.space.name}", "exec", victim, "--", "sh", "-c", HOGS)
        wait_until("the restart", lambda: restarts(two) > 0, HEALS_S)
        two.settled(2)
    (killed,) = [end for end in ends(two) if end["reason"] == "OOMKilled"]
    # The API says whole seconds, and the kernel takes part of one to give so much memory back.
    moment = datetime.fromisoformat(killed["finishedAt"]).timestamp()
    only_what_was_on_the_way_is_lost(course, moment - 1, moment + 1, figure)


def ends(release: Release) -> list[dict[str, Any]]:
    """How containers of the release ended before their last start."""
    states = [status["lastState"] for pod in release.pods() for status in pod["status"]["containerStatuses"]]
    return [state["terminated"] for state in states if state]
