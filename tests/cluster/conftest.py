"""A real cluster for the tests of this folder: the one that KUBECONFIG names, or one brought up for them.

Not part of `make test`: `make test-cluster` runs it, as root, once `make cluster-build` has been run. Every case has a
namespace of its own that is removed after it, failed or not, and prints its figures beside its verdict.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from infra.cluster import cli
from infra.cluster.base import REFERENCE
from infra.cluster.engine import references
from infra.cluster.instance import Instance, instance
from infra.cluster.kubectl import Kubectl
from infra.cluster.network import Place
from infra.cluster.node import Node
from infra.cluster.objects import namespace as namespace_object
from infra.cluster.workshop import Workshop, workshop
from tests.cluster.place import Space

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "out/test-cluster/report.json"
PROFILES = ("ray", "gateway")
FIGURES: dict[str, dict[str, Any]] = {}


@pytest.fixture(scope="session")
def shop() -> Workshop:
    """What was built."""
    return workshop()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Instance]:
    """A cluster of `make cluster`: one that $CLUSTER names stays up, one made for the tests goes with them."""
    name = os.environ.get("CLUSTER")
    found = instance(name or "test")
    profiles = [word for profile in _profiles() for word in ("--profile", profile)]
    started = time.monotonic()
    assert cli.main(["--name", found.name, "up", *profiles]) == 0
    FIGURES["cluster"] = {"up_s": round(time.monotonic() - started, 1), "kept": bool(name)}
    yield found
    if not name:
        assert cli.main(["--name", found.name, "down"]) == 0


@pytest.fixture(scope="session")
def kubectl(cluster: Instance, shop: Workshop) -> Kubectl:
    """The cluster's API server, as administrator."""
    return Kubectl(shop.tools.path("kubectl"), cluster.kubeconfig)


@pytest.fixture(scope="session")
def detector_image(cluster: Instance, shop: Workshop) -> tuple[str, str]:
    """The detector's image on the nodes, as repository and tag: $DETECTOR_TAG if it is there, else built anew."""
    repository, tag = "localhost/carpal-detector", os.environ.get("DETECTOR_TAG", "test")
    node = Node(cluster, Place(1))
    if f"{repository}:{tag}" not in references(node.socket) or "DETECTOR_TAG" not in os.environ:
        started = time.monotonic()
        storage = {"STORAGE_DRIVER": "overlay"}
        archives = ROOT / "out/images"
        base = ["buildah", "pull", "--quiet", f"oci-archive:{shop.base_file}"]
        subprocess.run(base, env={**os.environ, **storage}, check=True, capture_output=True)
        environment = {"BASE_IMAGE": REFERENCE, "TAG": tag, "ARCHIVES": str(archives)}
        subprocess.run([ROOT / "images/build", "detector"], env={**os.environ, **environment}, check=True)
        assert cli.main(["--name", cluster.name, "load", str(archives / "carpal-detector.tar")]) == 0
        FIGURES["detector_image"] = {"seconds": round(time.monotonic() - started, 1)}
    return repository, tag


@pytest.fixture
def space(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[Space]:
    """A namespace for one case, which admits only what Pod Security `restricted` allows."""
    # Short: KServe makes one DNS label, 63 characters at most, of a service's name and its namespace's.
    words = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))
    name = f"t-{words[:24]}-{zlib.crc32(request.node.name.encode()):08x}"
    kubectl("delete", "namespace", name, "--ignore-not-found")
    kubectl.apply(namespace_object(name, "restricted"))
    found = Space(kubectl, name)
    yield found
    if FIGURES.get(request.node.name, {}).get("outcome") == "failed":
        sys.stderr.write(f"\n{found.state()}\n")
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Keeps a figure of the case, for its line and for the report."""

    def keep(name: str, value: Any) -> None:
        FIGURES.setdefault(request.node.name, {})[name] = round(value, 2) if isinstance(value, float) else value

    return keep


def _profiles() -> tuple[str, ...]:
    asked = os.environ.get("PROFILES")
    return PROFILES if asked is None else tuple(asked.split())


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One line a case, as it ends."""
    if report.when != "call" and report.passed:
        return
    name = report.nodeid.partition("::")[2]
    FIGURES.setdefault(name, {}).update(outcome=report.outcome, seconds=round(report.duration, 1))
    said = ", ".join(f"{key} {value}" for key, value in FIGURES[name].items() if key not in ("outcome", "seconds"))
    words = name.removeprefix("test_").replace("_", " ")
    sys.stderr.write(f"\n{report.outcome:7} {report.duration:6.1f} s  {words}{': ' + said if said else ''}")
    sys.stderr.flush()


def pytest_sessionfinish() -> None:
    """The report: every case with its figures, and where they come from."""
    if FIGURES:
        revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
        conditions = {
            "revision": revision.stdout.strip(),
            "cores": os.cpu_count(),
            "load_1_min": os.getloadavg()[0],
            "provider": "native",
        }
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(json.dumps({"conditions": conditions, "cases": FIGURES}, indent=2) + "\n", encoding="utf-8")
