"""A package in an object store becomes an endpoint, and every client gets the record that `carpal convert` makes.

The engine is real: it computes the starter.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from infra.cluster.instance import Instance
from infra.cluster.kubectl import wait_until
from infra.cluster.workshop import Workshop
from tests.cluster.environment import environment
from tests.cluster.place import claim, deployment, service
from tests.cluster.radiographs import radiograph
from tests.cluster.release import ROOT, Release
from tests.cluster.store import CARPAL, Store
from tests.cluster.values import ONE, real

CLIENT = Path(__file__).parent / "clients/kserve_client.py"
NETWORK = ROOT / "tests/integration/clients/kserve_network.py"
STARTER = ROOT / "model_repo/starter"
PUBLISH = """
starter=$(python -c 'from carpal.packages.reference import starter_path; print(starter_path())')
carpal models publish "$starter" --name wrist --version 1 --promote stable --repository /models/repository
"""
PUBLISHED_S = 120
PORTS = {"v2": 8000, "grpc-v2": 8001}
SCHEMES = {"v2": "http", "grpc-v2": "grpc"}
TAKEN_S = 60
Figure = Callable[[str, Any], None]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A radiograph, drawn."""
    path = tmp_path / "wrist.png"
    path.write_bytes(radiograph())
    return path


@pytest.fixture
def published(store: Store) -> Store:
    """The starter, published."""
    store.models("publish", str(STARTER), "--name", "wrist", "--version", "1")
    return store


def test_a_package_in_s3_becomes_a_ready_inferenceservice_that_answers_everybody_alike(
    release: Release, published: Store, detector: dict[str, str], image: Path, figure: Figure
):
    """Fetched by the service itself."""
    model = {"name": "wrist", "reference": "wrist:1", "repository": published.repository}
    answers = serve(release, published, {**real(detector), "model": model}, figure, image)
    alone = convert(image)
    assert alone["findings"], "the phantom has nothing that could differ"
    for client, record in answers.items():
        assert essence(record) == essence(alone), client


def test_a_package_in_s3_becomes_ready_through_kserves_own_initializer(
    release: Release, published: Store, detector: dict[str, str], image: Path, figure: Figure
):
    model = {"name": "wrist", "storageUri": f"{published.repository}/wrist/1"}
    answers = serve(release, published, {**real(detector), "model": model}, figure, image)
    assert essence(answers["curl"]) == essence(convert(image))


def test_a_package_on_a_volume_becomes_a_ready_inferenceservice(
    release: Release, cluster: Instance, detector: dict[str, str], image: Path, figure: Figure
):
    """Published there by the image itself."""
    release.space.apply(claim("models"))
    own = "{repository}:{tag}".format(**detector)
    release.space.run("publisher", PUBLISH, PUBLISHED_S, claims={"models": "/models"}, image=own)
    model = {"name": "wrist", "reference": "wrist@stable", "repository": "pvc://models/repository"}
    started = time.monotonic()
    release.install("detector", {**real(detector), **ONE, "model": model})
    release.ready()
    figure("seconds_to_ready", time.monotonic() - started)
    assert essence(by_curl(release, image)) == essence(convert(image))


def test_a_network_on_another_server_gives_the_same_record_over_rest_and_grpc(
    release: Release,
    cluster: Instance,
    shop: Workshop,
    detector: dict[str, str],
    image: Path,
    figure: Figure,
    tmp_path: Path,
):
    """Transformer mode: KServe's own server has model.onnx of the starter and computes, as Triton would."""
    (tmp_path / "environment").mkdir()
    with environment(cluster, shop, release.space, tmp_path / "environment") as pods:
        release.space.apply(*network(pods))
        verb, alone = "install", convert(image)
        for protocol, port in PORTS.items():
            started = time.monotonic()
            other = {"predictor": f"network:{port}", "protocol": protocol, "model": "wrist"}
            release.install("detector", {**real(detector), **ONE, "transformer": other}, verb)
            engine = f"--engine=remote:{SCHEMES[protocol]}://network:{port}/wrist"
            wait_until("the Deployment", lambda engine=engine: engine in release.arguments(), TAKEN_S)
            release.ready()
            figure(f"seconds_to_ready_{protocol}", time.monotonic() - started)
            record = by_curl(release, image)
            assert (record["model"]["engine"], record["model"]["precision"]) == ("remote", "unknown")
            assert essence(record) == essence(alone)
            verb = "upgrade"
        release("uninstall", release.name, "--wait")


def network(pods: dict[str, Any]) -> list[dict[str, Any]]:
    """A server of the Open Inference Protocol that has a network and knows nothing of images."""
    words = [str(STARTER / "model.onnx"), "wrist", *map(str, PORTS.values()), "/tmp/slow"]
    found = deployment("network", [sys.executable, str(NETWORK), *words], {"cpu": "100m", "memory": "512Mi"})
    spec = found["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    spec["volumes"] += pods["volumes"]
    container["volumeMounts"] += pods["volumeMounts"]
    container["image"] = "{repository}:{tag}".format(**pods["image"])
    way_in = service("network", PORTS["v2"])
    way_in["spec"]["ports"] += [{"name": "grpc", "port": PORTS["grpc-v2"]}]
    return [found, way_in]


def serve(
    release: Release, store: Store, values: dict[str, Any], figure: Figure, image: Path
) -> dict[str, dict[str, Any]]:
    """Install, wait, and give the record of an image by each client."""
    started = time.monotonic()
    release.install("detector", {**values, **ONE, "storage": store.reader(release.space)})
    release.ready()
    figure("seconds_to_ready", time.monotonic() - started)
    return answers(release, image)


def answers(release: Release, image: Path) -> dict[str, dict[str, Any]]:
    """The record by curl, and by KServe's own Python client over REST and gRPC, from inside the cluster's network."""
    address = release.address()
    grpc = f"{address.removeprefix('http://')}:8081"
    kserve = release.inside(sys.executable, str(CLIENT), address, grpc, "wrist", str(image))
    assert kserve.returncode == 0, kserve.stderr
    return {"curl": by_curl(release, image), **json.loads(kserve.stdout)}


def by_curl(release: Release, image: Path) -> dict[str, Any]:
    """The record by curl."""
    url = f"{release.address()}/v2/models/wrist/infer"
    done = release.inside("curl", "-fsS", "--data-binary", f"@{image}", "-H", "Content-Type: image/png", url)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def convert(image: Path) -> dict[str, Any]:
    """The record that carpal makes of an image without any service."""
    command = [str(CARPAL), "convert", str(image), "--model", str(STARTER), "--to", "jsonl"]
    out = image.parent / "alone"
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads((out / "records.jsonl").read_text())
    return record


def essence(record: dict[str, Any]) -> dict[str, Any]:
    """What a record says of the image: without where the image lay, when it was read and how long it took."""
    return {key: record[key] for key in ("findings", "quality", "preprocessing") if key in record}
