"""A real cluster for the tests of this folder: the one that $CLUSTER names, or one brought up for them.

Not part of `make test`: `make test-cluster` runs it, as root, once `make cluster-build` has been run. Every case has a
namespace of its own that is removed after it, failed or not, and prints its figures beside its verdict.
"""

from __future__ import annotations

import os
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from infra.cluster import cli
from infra.cluster.instance import Instance, instance
from infra.cluster.kubectl import Kubectl
from infra.cluster.objects import namespace as namespace_object
from infra.cluster.workshop import Workshop, workshop
from tests.cluster import application
from tests.cluster.load import Measured
from tests.cluster.place import Space
from tests.cluster.release import Release
from tests.cluster.report import Report
from tests.cluster.store import Store
from tools.helm import helm

PROFILES = ("ray", "gateway", "keda")
NODES = 2
REPORT = Report()
Figure = Callable[[str, Any], None]


@pytest.fixture(scope="session")
def shop() -> Workshop:
    """What was built."""
    return workshop()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Instance]:
    """A cluster of `make cluster`: one that $CLUSTER names stays up, one made for the tests goes with them."""
    name = os.environ.get("CLUSTER")
    found = instance(name or "test")
    asked = os.environ.get("PROFILES")
    profiles = PROFILES if asked is None else tuple(asked.split())
    words = [f"--nodes={os.environ.get('NODES', NODES)}", *(f"--profile={profile}" for profile in profiles)]
    started = time.monotonic()
    assert cli.main(["--name", found.name, "up", *words]) == 0
    REPORT.keep("cluster", "seconds_up", round(time.monotonic() - started, 1))
    yield found
    if not name:
        assert cli.main(["--name", found.name, "down"]) == 0


@pytest.fixture(scope="session")
def kubectl(cluster: Instance, shop: Workshop) -> Kubectl:
    """The cluster's API server, as administrator."""
    return Kubectl(shop.tools.path("kubectl"), cluster.kubeconfig)


@pytest.fixture(scope="session")
def detector(cluster: Instance, shop: Workshop) -> dict[str, str]:
    """The chart's values ``image`` for the detector's image, which is on every node."""
    return application.on_nodes(cluster, shop, "detector")


@pytest.fixture
def space(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[Space]:
    """A namespace for one case, which admits only what Pod Security `restricted` allows."""
    # Short: KServe makes one DNS label, 63 characters at most, of a service's name and its namespace's.
    words = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))
    name = f"t-{words[:24].strip('-')}-{zlib.crc32(request.node.name.encode()):08x}"
    kubectl("delete", "namespace", name, "--ignore-not-found")
    kubectl.apply(namespace_object(name, "restricted"))
    found = Space(kubectl, name)
    yield found
    if REPORT.failed(request.node.name):
        sys.stderr.write(f"\n{found.state()}\n")
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(params=[3, 4], ids=["helm-3", "helm-4"])
def either(request: pytest.FixtureRequest, cluster: Instance, space: Space, tmp_path: Path) -> Iterator[Release]:
    """A release to be, by each major of Helm."""
    yield from _release(request, request.param, cluster, space, tmp_path)


@pytest.fixture
def release(request: pytest.FixtureRequest, cluster: Instance, space: Space, tmp_path: Path) -> Iterator[Release]:
    """A release to be."""
    yield from _release(request, 4, cluster, space, tmp_path)


def _release(
    request: pytest.FixtureRequest, major: int, cluster: Instance, space: Space, folder: Path
) -> Iterator[Release]:
    program = helm(major)
    assert program, "make setup fetches Helm"
    found = Release(program, cluster, space, folder)
    yield found
    # What failed is shown before its namespace goes, and is left as it is until then.
    if not REPORT.failed(request.node.name):
        found("uninstall", found.name, "--ignore-not-found")


@pytest.fixture
def store(cluster: Instance, space: Space, tmp_path: Path) -> Iterator[Store]:
    """A bucket of the case's own."""
    found = Store(cluster, space.name, tmp_path / "cache")
    found.make()
    yield found
    found.remove()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Keeps a figure of the case, for its line and for the report."""

    def keep(name: str, value: Any) -> None:
        REPORT.keep(request.node.name, name, round(value, 2) if isinstance(value, float) else value)

    return keep


@pytest.fixture
def timeline(request: pytest.FixtureRequest) -> Callable[[Measured, dict[str, float]], None]:
    """Keeps the course of a load for the report: ``timeline(measured, {"what was done": unix_s})``."""

    def keep(measured: Measured, moments: dict[str, float]) -> None:
        REPORT.timelines[request.node.name] = (measured, moments)

    return keep


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One line a case, as it ends."""
    if report.when != "call" and report.passed:
        return
    line = REPORT.ended(report.nodeid.partition("::")[2], report.outcome, report.duration)
    sys.stderr.write(f"\n{line}")
    sys.stderr.flush()


def pytest_sessionfinish() -> None:
    """The report: every case with its figures, and where they come from."""
    REPORT.write()
