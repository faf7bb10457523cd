"""A real cluster for the tests of this folder: the one that $CLUSTER names, or one brought up for them.

$TEST_KUBECONFIG names any other, on which the cases run that need no more than its API server, with the image that
$DETECTOR_IMAGE names; the others skip. It is not $KUBECONFIG, because that may lead to a cluster that people work with.

Not part of `make test`: `make test-cluster` runs it, as root, once `make cluster-build` has been run. Every case has a
namespace of its own that is removed after it, failed or not, and prints its figures beside its verdict. Cases run side
by side, and in turn where they take something that cannot be shared (turns.py).
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from infra.cluster import cli
from infra.cluster.instance import Instance, instance
from infra.cluster.kubectl import Kubectl
from infra.cluster.objects import namespace as namespace_object
from infra.cluster.workshop import Workshop, workshop
from tests.cluster import application, course, loadtest, turns
from tests.cluster.course import Course
from tests.cluster.environment import environment
from tests.cluster.load import Measured
from tests.cluster.place import Space
from tests.cluster.release import ROOT, Release
from tests.cluster.report import FOLDER, TIMELINE, Report
from tests.cluster.store import Store
from tools.helm import helm

PROFILES = ("ray", "gateway", "keda", "monitors")
NODES = 2
NAME = "test"
REPORT = Report()
OTHER = os.environ.get("TEST_KUBECONFIG")
WORKER = "PYTEST_XDIST_WORKER" in os.environ
"""Whether this process runs cases for another one, which has the cluster and writes the report."""
Figure = Callable[[str, Any], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that keep others waiting at a time when nobody waits."""
    items.sort(key=turns.order)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Bring the cluster up, or what is missing of it."""
    if WORKER or OTHER or session.config.option.collectonly:
        return
    asked = os.environ.get("PROFILES")
    profiles = PROFILES if asked is None else tuple(asked.split())
    words = [f"--nodes={os.environ.get('NODES', NODES)}", *(f"--profile={profile}" for profile in profiles)]
    started = time.monotonic()
    if status := cli.main(["--name", os.environ.get("CLUSTER", NAME), "up", *words]):
        _end(failed=True)  # pytest ends no session that did not start
        pytest.exit("there is no cluster to run the cases on", returncode=status)
    REPORT.keep("cluster", "seconds_up", round(time.monotonic() - started, 1))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Each case in its turn."""
    with turns.turn(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """What waits for the cluster waits here, so that it is no part of the time that a case takes."""
    done = yield
    turns.alone(item)
    return done


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One line a case, as it ends."""
    if report.when != "call" and report.passed:
        return
    line = REPORT.ended(report)
    if not WORKER:
        sys.stderr.write(f"\n{line}")
        sys.stderr.flush()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The report: every case with its figures, and where they come from. What was brought up for them goes."""
    if WORKER or session.config.option.collectonly:
        return
    try:
        REPORT.write(session.config.getoption("numprocesses", None) or 1)
    finally:  # a full disk must not keep the cluster
        if not _end(failed=session.testsfailed > 0):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _end(failed: bool) -> bool:
    """Take down what was brought up, and say whether it is gone.

    The logs of its programs stay beside the report where something failed.
    """
    if OTHER or "CLUSTER" in os.environ:
        return True
    shutil.rmtree(FOLDER / "logs", ignore_errors=True)
    if failed and instance(NAME).logs.is_dir():
        try:
            shutil.copytree(instance(NAME).logs, FOLDER / "logs")
        except OSError as refused:
            sys.stderr.write(f"\nthe logs of the cluster are not kept whole: {refused}\n")
    return cli.main(["--name", NAME, "down"]) == 0


@pytest.fixture(scope="session")
def shop() -> Workshop:
    """What was built."""
    return workshop()


@pytest.fixture(scope="session")
def cluster() -> Instance:
    """A cluster of `make cluster`."""
    if OTHER:
        pytest.skip("uses programs and the network of a cluster of make cluster, and TEST_KUBECONFIG names another one")
    return instance(os.environ.get("CLUSTER", NAME))


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """How the cluster's API server is reached, as administrator."""
    return Path(OTHER) if OTHER else request.getfixturevalue("cluster").kubeconfig


@pytest.fixture(scope="session")
def kubectl(kubeconfig: Path, shop: Workshop) -> Kubectl:
    """The cluster's API server."""
    return Kubectl(shop.tools.path("kubectl"), kubeconfig)


@pytest.fixture(scope="session")
def detector(request: pytest.FixtureRequest, shop: Workshop) -> dict[str, str]:
    """The chart's values ``image`` for the detector's image, which every node has or can fetch."""
    if not OTHER:
        return application.on_nodes(request.getfixturevalue("cluster"), shop, "detector")
    repository, _, tag = os.environ.get("DETECTOR_IMAGE", "").rpartition(":")
    if not repository:
        pytest.skip("DETECTOR_IMAGE names no image, as repository:tag, that the cluster of TEST_KUBECONFIG can fetch")
    return {"repository": repository, "tag": tag}


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
def either(request: pytest.FixtureRequest, kubeconfig: Path, space: Space, tmp_path: Path) -> Iterator[Release]:
    """A release to be, by each major of Helm."""
    yield from _release(request, request.param, kubeconfig, space, tmp_path)


@pytest.fixture
def release(request: pytest.FixtureRequest, kubeconfig: Path, space: Space, tmp_path: Path) -> Iterator[Release]:
    """A release to be."""
    yield from _release(request, 4, kubeconfig, space, tmp_path)


def _release(
    request: pytest.FixtureRequest, major: int, kubeconfig: Path, space: Space, folder: Path
) -> Iterator[Release]:
    program = helm(major)
    assert program, "make setup fetches Helm"
    found = Release(program, kubeconfig, lambda: request.getfixturevalue("cluster"), space, folder)
    yield found
    # What failed is shown before its namespace goes, and is left as it is until then.
    if not REPORT.failed(request.node.name):
        found("uninstall", found.name, "--ignore-not-found")


@pytest.fixture
def before(tmp_path: Path) -> Callable[[str], Path]:
    """``before(chart)``: its folder as it was before its last commit."""

    def find(chart: str) -> Path:
        log = ["git", "log", "--format=%H", "--max-count=2", "--", f"charts/{chart}"]
        commits = subprocess.run(log, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
        if len(commits) < 2:
            pytest.skip("this clone has no history of the chart: git fetch --unshallow")
        words = ["git", "archive", commits[1], f"charts/{chart}"]
        archive = subprocess.run(words, cwd=ROOT, capture_output=True, check=True)
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(tmp_path / "before", filter="data")
        return tmp_path / "before/charts" / chart

    return find


@pytest.fixture
def store(cluster: Instance, space: Space, tmp_path: Path) -> Iterator[Store]:
    """A bucket of the case's own."""
    found = Store(cluster, space.name, tmp_path / "cache")
    found.make()
    yield found
    found.remove()


@pytest.fixture
def tester(
    release: Release, cluster: Instance, shop: Workshop, tmp_path: Path
) -> Iterator[tuple[Release, dict[str, Any]]]:
    """A release of the load test to be, beside the detector's, and the values of its pods."""
    (tmp_path / "environment").mkdir()
    with environment(cluster, shop, release.space, tmp_path / "environment") as values:
        found = replace(release, name="load")
        yield found, {**values, "resources": loadtest.SMALL, "model": "wrist"}
        found("uninstall", found.name, "--ignore-not-found")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Keeps a figure of the case, for its line and for the report."""

    def keep(name: str, value: Any) -> None:
        request.node.user_properties.append((name, round(float(value), 2) if isinstance(value, float) else value))

    return keep


@pytest.fixture
def timeline(request: pytest.FixtureRequest) -> Callable[[Measured, dict[str, float]], None]:
    """Keeps the course of a load for the report: ``timeline(measured, {"what was done": unix_s})``."""

    def keep(measured: Measured, moments: dict[str, float]) -> None:
        request.node.user_properties.append((TIMELINE, json.dumps([asdict(measured), moments])))

    return keep


@pytest.fixture
def under_load(
    cluster: Instance, figure: Figure, timeline: Callable[..., None], tmp_path: Path
) -> Callable[..., AbstractContextManager[Course]]:
    """``with under_load(release) as course``: something is done to a release while requests come in.

    Its figures and its course are kept, whatever the case then asserts of them.
    """

    @contextmanager
    def run(release: Release, address: str | None = None) -> Iterator[Course]:
        with course.under_load(cluster, release, tmp_path / "load", address) as found:
            yield found
        for name, value in found.figures().items():
            figure(name, value)
        timeline(found.measured, {"begun": found.began, "all well": found.ended})

    return run
