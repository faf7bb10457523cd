"""Faults under open-model load: what is lost is at most what was on the way, and everything heals within a stated time.

Engines are emulated: they sleep instead of computing. Kills are SIGKILL from the machine, which no program sees coming.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from infra.cluster.instance import Instance
from infra.cluster.kubectl import Kubectl, wait_until
from infra.cluster.program import Records
from tests.cluster.load import NOTHING, Measured, load
from tests.cluster.release import ROOT, Release
from tests.cluster.store import Store
from tests.cluster.values import ONE, TWO, emulated

Figure = Callable[[str, Any], None]
Timeline = Callable[[Measured, dict[str, float]], None]
STARTER = ROOT / "model_repo/starter"
RATE_PER_S = 3.0
AFTER = 9
HEALS_S = 180


@pytest.fixture
def two(release: Release, detector: dict[str, str]) -> Release:
    """A release of two pods."""
    release.install("detector", {**emulated(detector), **TWO})
    release.ready()
    release.settled(2)
    return release


def restarts(release: Release) -> int:
    """How often containers of the release were started again."""
    found = [status for pod in release.pods() for status in pod["status"].get("containerStatuses", [])]
    return sum(status["restartCount"] for status in found)


def processes(pod: dict[str, Any], program: bytes) -> list[int]:
    """Ids on this machine of a pod's processes that run a program."""
    uid = pod["metadata"]["uid"]
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and uid in (folder / "cgroup").read_text():
                found += [int(folder.name)] * (program in (folder / "cmdline").read_bytes())
    return found


def kill(pids: list[int]) -> None:
    """SIGKILL; the first may have taken the others with it."""
    assert pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)


def on_the_way(measured: Measured, moment: float) -> int:
    """Requests that had been sent and not answered at a moment."""
    rows = [row for row in measured.rows if row["start_s"] is not None and row["end_s"] is not None]
    at = moment - measured.from_unix_s
    return sum(row["start_s"] <= at <= row["end_s"] for row in rows)


def test_a_killed_process_costs_what_was_on_the_way_in_it_and_comes_back(
    two: Release, cluster: Instance, figure: Figure, timeline: Timeline, tmp_path: Path
):
    with load(cluster, two.address(), tmp_path / "load", rate_per_s=RATE_PER_S, namespace=two.space.name) as (
        running,
        finish,
    ):
        victims = processes(two.pods()[0], b"carpal")
        began = time.time()
        kill(victims)
        wait_until("the restart", lambda: restarts(two) > 0, HEALS_S)
        two.settled(2)
        ended = time.time()
        running.go_on(AFTER)
        measured = finish()
    timeline(measured, {"kill -9": began, "two pods again": ended})
    figure("seconds_to_heal", ended - began)
    figure("lost", dict(measured.lost))
    figure("codes", measured.broken)
    figure("on_the_way", on_the_way(measured, began))
    figure("answered", measured.counts["answered"])
    # Refused connections until the kubelet sees the end and the endpoint goes: the container is gone at once.
    assert sum(measured.lost.values()) <= on_the_way(measured, began) + unnoticed(measured), measured.broken


def unnoticed(measured: Measured) -> int:
    """Requests that met nobody because the cluster had not yet noticed."""
    return sum(row["code"] == "transport.ConnectionRefusedError" for row in measured.rows)


@pytest.mark.parametrize("program", ["containerd-1", "kubelet-1", "kube-apiserver"])
def test_a_killed_part_of_the_node_loses_nothing(
    two: Release, cluster: Instance, kubectl: Kubectl, program: str, figure: Figure, tmp_path: Path
):
    records = Records(cluster.folder / "processes")
    with load(cluster, two.address(), tmp_path / "load", rate_per_s=RATE_PER_S, namespace=two.space.name) as (
        running,
        finish,
    ):
        before = records.find(program)
        assert before
        began = time.time()
        before.signal(SIGKILL)
        wait_until(f"{program} again", lambda: records.find(program) not in (None, before), HEALS_S)
        wait_until("the API server", lambda: kubectl.succeeds("get", "--raw", "/readyz"), HEALS_S)
        wait_until("the node", lambda: ready(kubectl), HEALS_S)
        two.settled(2)
        ended = time.time()
        running.go_on(AFTER)
        measured = finish()
    figure("seconds_to_heal", ended - began)
    figure("answered", measured.counts["answered"])
    assert measured.lost == NOTHING, measured.broken
    assert restarts(two) == 0, "pods did not outlive it"


def ready(kubectl: Kubectl) -> bool:
    """Whether every node is."""
    nodes = kubectl.read("nodes")["items"]
    return all(
        ("Ready", "True") in [(one["type"], one["status"]) for one in node["status"]["conditions"]] for node in nodes
    )


def test_without_kserves_controller_requests_are_answered_and_later_releases_come_up(
    two: Release, cluster: Instance, kubectl: Kubectl, detector: dict[str, str], figure: Figure, tmp_path: Path
):
    with load(cluster, two.address(), tmp_path / "load", rate_per_s=RATE_PER_S, namespace=two.space.name) as (
        running,
        finish,
    ):
        began = time.time()
        selector = "--selector=control-plane=kserve-controller-manager"
        (controller,) = kubectl.read("pods", "--namespace=kserve", selector)["items"]
        kill(processes(controller, b"manager"))
        wait_until("the controller", lambda: webhook(two, detector), HEALS_S)
        two.settled(2)
        ended = time.time()
        running.go_on(AFTER)
        measured = finish()
    figure("seconds_to_heal", ended - began)
    figure("answered", measured.counts["answered"])
    assert measured.lost == NOTHING, measured.broken


def webhook(release: Release, detector: dict[str, str]) -> bool:
    """Whether an upgrade passes KServe's admission again."""
    try:
        release.install("detector", {**emulated(detector, queue=48), **TWO}, "upgrade")
    except AssertionError:
        return False
    return True


def test_without_the_store_pods_serve_on_and_new_ones_wait_for_it(
    release: Release, cluster: Instance, store: Store, detector: dict[str, str], figure: Figure, tmp_path: Path
):
    store.models("publish", str(STARTER), "--name", "wrist", "--version", "1")
    store.models("promote", "wrist:1", "--channel", "stable")
    model = {"name": "wrist", "reference": "wrist@stable", "repository": store.repository}
    values = {**emulated(detector, reloadSeconds=1), **ONE, "model": model, "storage": store.reader(release.space)}
    release.install("detector", values)
    release.ready()
    release.settled(1)
    records = Records(cluster.folder / "processes")
    with load(cluster, release.address(), tmp_path / "load", rate_per_s=RATE_PER_S, namespace=release.space.name) as (
        running,
        finish,
    ):
        began = time.time()
        before = records.find("s3")
        assert before
        before.signal(SIGKILL)
        running.go_on(AFTER)
        wait_until("the store", lambda: records.find("s3") not in (None, before) and reachable(store), HEALS_S)
        release.install("detector", {**values, **TWO}, "upgrade")
        release.settled(2)
        ended = time.time()
        running.go_on(AFTER)
        measured = finish()
    figure("seconds_to_heal", ended - began)
    figure("answered", measured.counts["answered"])
    assert measured.lost == NOTHING, measured.broken


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
    release: Release, cluster: Instance, store: Store, detector: dict[str, str], figure: Figure, tmp_path: Path
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
    with load(cluster, release.address(), tmp_path / "load", rate_per_s=RATE_PER_S, namespace=release.space.name) as (
        running,
        finish,
    ):
        began = time.time()
        release.install("detector", {**values, "model": {**model, "reference": "wrist:2"}}, "upgrade")
        wait_until("the refusal", lambda: "package.digest-mismatch" in log_of_others(release, good), HEALS_S)
        release("rollback", release.name, "1")
        wait_until("the good pod alone", lambda: [p["metadata"]["name"] for p in release.pods()] == [good], HEALS_S)
        ended = time.time()
        running.go_on(AFTER)
        measured = finish()
    figure("seconds_of_change", ended - began)
    figure("answered", measured.counts["answered"])
    assert measured.lost == NOTHING, measured.broken


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


def test_a_container_out_of_memory_is_ended_alone_and_comes_back(
    two: Release, cluster: Instance, figure: Figure, timeline: Timeline, tmp_path: Path
):
    victim = two.pods()[0]["metadata"]["name"]
    with load(cluster, two.address(), tmp_path / "load", rate_per_s=RATE_PER_S, namespace=two.space.name) as (
        running,
        finish,
    ):
        began = time.time()
        two.space.kubectl.attempt(f"--namespace={two.space.name}", "exec", victim, "--", "sh", "-c", HOGS)
        wait_until("the restart", lambda: restarts(two) > 0, HEALS_S)
        two.settled(2)
        ended = time.time()
        running.go_on(AFTER)
        measured = finish()
    timeline(measured, {"out of memory": began, "two pods again": ended})
    figure("seconds_to_heal", ended - began)
    figure("lost", dict(measured.lost))
    figure("codes", measured.broken)
    figure("answered", measured.counts["answered"])
    states = [status["lastState"] for pod in two.pods() for status in pod["status"]["containerStatuses"]]
    assert "OOMKilled" in [state["terminated"]["reason"] for state in states if state]
    # The moment of the kill is between the first hog and the restart; the most that was ever on the way bounds it.
    most = max(on_the_way(measured, began + step / 10) for step in range(int(10 * (ended - began)) + 1))
    assert sum(measured.lost.values()) <= most + unnoticed(measured), measured.broken
