"""A package in an object store becomes an endpoint, by the chart and through KServe."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from infra.cluster.addons import objectstore
from infra.cluster.instance import Instance
from tests.cluster.place import Space
from tools.helm import helm

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT / "model_repo/starter"
BUCKET = "models"
READY_S = 240
Figure = Callable[[str, Any], None]


@pytest.fixture
def package(cluster: Instance, space: Space) -> str:
    """The starter in the object store, and the Secret by which the namespace reads it; gives its address."""
    store = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{cluster.wish().ports['s3']}",
        aws_access_key_id=objectstore.ACCESS_KEY,
        aws_secret_access_key=objectstore.SECRET_KEY,
        region_name="us-east-1",
    )
    # A cluster that is kept has it from the run before.
    with suppress(store.exceptions.BucketAlreadyOwnedByYou):
        store.create_bucket(Bucket=BUCKET)
    for path in STARTER.iterdir():
        store.upload_file(str(path), BUCKET, f"starter/1/{path.name}")
    annotations = {"s3-endpoint": "s3.storage.svc.cluster.local", "s3-usehttps": "0", "s3-region": "us-east-1"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "store", "annotations": {f"serving.kserve.io/{k}": v for k, v in annotations.items()}},
        "stringData": {
            "AWS_ACCESS_KEY_ID": objectstore.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": objectstore.SECRET_KEY,
        },
    }
    space.apply(secret)
    return f"s3://{BUCKET}/starter/1"


def test_a_package_in_s3_becomes_a_ready_inferenceservice(
    space: Space, package: str, detector_image: tuple[str, str], figure: Figure, tmp_path: Path
):
    repository, tag = detector_image
    values = {
        "image": {"repository": repository, "tag": tag},
        "model": {"name": "starter", "storageUri": package},
        "storage": {"secretName": "store"},
        "autoscaling": {"class": "none", "minReplicas": 1},
        "resources": {"requests": {"cpu": "200m", "memory": "512Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
    }
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    install = [str(helm(4)), "install", "wrist", str(ROOT / "charts/detector"), f"--namespace={space.name}"]
    started = time.monotonic()
    done = subprocess.run(
        [*install, f"--kubeconfig={space.kubectl.kubeconfig}", f"--values={tmp_path / 'values.yaml'}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    space("wait", "inferenceservice/wrist", "--for=condition=Ready", f"--timeout={READY_S}s")
    figure("seconds_to_ready", time.monotonic() - started)
