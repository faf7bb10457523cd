"""charts/detector on a real cluster: its life, and what its pods may do.

Engines are real where a figure says so, and sleep instead of computing where it says emulated. Names are short: the
namespace is part of the host name that KServe makes, of which a part may have 63 characters.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from infra.cluster import cli
from infra.cluster.instance import Instance
from infra.cluster.kubectl import wait_until
from infra.cluster.workshop import Workshop
from tests.cluster.application import REFERENCE, detector_archive
from tests.cluster.place import Space
from tests.cluster.release import ROOT, Release
from tools.helm import helm

Figure = Callable[[str, Any], None]
STARTER = ROOT / "model_repo/starter"
BUCKET = "charts"
IMAGE = {"repository": REFERENCE.partition(":")[0], "tag": REFERENCE.partition(":")[2], "pullPolicy": "Never"}
SMALL = {"requests": {"cpu": "100m", "memory": "400Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
EMULATED = {"image": IMAGE, "resources": SMALL, "server": {"engine": "emulated:50", "streams": 2}}
ONE = {"autoscaling": {"class": "none", "minReplicas": 1}}
TWO = {"autoscaling": {"class": "none", "minReplicas": 2}}
ROUTE = {"enabled": True, "parentRefs": [{"name": "kserve-ingress-gateway", "namespace": "kserve"}]}
NOBODY = Counter({"failed": 0, "dropped": 0, "open": 0, "shed": 0})


@pytest.fixture(scope="module", autouse=True)
def application(cluster: Instance, shop: Workshop) -> None:
    """The detector's image on every node."""
    assert cli.main(["--name", cluster.name, "load", str(detector_archive(shop))]) == 0


@pytest.fixture(params=[3, 4], ids=["helm-3", "helm-4"])
def either(request: pytest.FixtureRequest, cluster: Instance, space: Space, tmp_path: Path) -> Iterator[Release]:
    """A release to be, by each major of Helm."""
    yield from _release(request.param, cluster, space, tmp_path)


@pytest.fixture
def release(cluster: Instance, space: Space, tmp_path: Path) -> Iterator[Release]:
    """A release to be."""
    yield from _release(4, cluster, space, tmp_path)


def _release(major: int, cluster: Instance, space: Space, folder: Path) -> Iterator[Release]:
    program = helm(major)
    assert program, "make setup fetches Helm"
    found = Release(program, cluster, space, folder)
    yield found
    # The namespace goes after the test; without this its pods would wait for their drain in it.
    found("uninstall", found.name, "--ignore-not-found")


def test_a_release_lives_and_leaves_nothing(either: Release, figure: Figure):
    started = time.monotonic()
    either.install("detector", {**EMULATED, **ONE})
    either.ready()
    figure("seconds_to_ready", time.monotonic() - started)
    either("test", either.name, "--timeout", "180s")
    either.install("detector", {**EMULATED, **ONE, "server": {**EMULATED["server"], "queue": 64}}, "upgrade")
    either.ready()
    words = either.space.read("deployment", "wrist-predictor")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--queue=64" in words
    either("rollback", either.name, "1")
    either.space("rollout", "status", "deployment/wrist-predictor", "--timeout=180s")

    def rolled_back() -> bool:
        spec = either.space.read("deployment", "wrist-predictor")["spec"]["template"]["spec"]
        return "--queue=32" in spec["containers"][0]["args"]

    wait_until("the rollback", rolled_back, 60)
    either.ready()
    either("uninstall", either.name, "--wait")
    wait_until("nothing left", lambda: not either.left(), 120)


def test_a_pod_has_no_rights(release: Release):
    release.install("detector", {**EMULATED, **ONE})
    release.ready()
    (pod,) = [item for item in release.space.read("pods")["items"] if item["metadata"]["name"].startswith("wrist-")]
    mounts = [mount["mountPath"] for part in pod["spec"]["containers"] for mount in part["volumeMounts"]]
    assert not [path for path in mounts if "serviceaccount" in path]
    account = f"system:serviceaccount:{release.space.name}:{pod['spec']['serviceAccountName']}"
    rights = release.space("auth", "can-i", "--list", f"--as={account}")
    allowed = {
        line.split()[0] for line in rights.splitlines()[1:] if line.split()[0].startswith(("pods", "secrets", "*"))
    }
    assert allowed == set(), rights
