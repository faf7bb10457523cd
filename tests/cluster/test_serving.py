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
from tests.cluster.radiographs import radiograph
from tests.cluster.release import ROOT, Release
from tests.cluster.store import CARPAL, Store
from tests.cluster.values import ONE, real

CLIENT = Path(__file__).parent / "clients/kserve_client.py"
STARTER = ROOT / "model_repo/starter"
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
    url = f"{address}/v2/models/wrist/infer"
    curl = release.inside("curl", "-fsS", "--data-binary", f"@{image}", "-H", "Content-Type: image/png", url)
    assert curl.returncode == 0, curl.stderr
    grpc = f"{address.removeprefix('http://')}:8081"
    kserve = release.inside(sys.executable, str(CLIENT), address, grpc, "wrist", str(image))
    assert kserve.returncode == 0, kserve.stderr
    return {"curl": json.loads(curl.stdout), **json.loads(kserve.stdout)}


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
