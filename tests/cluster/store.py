"""The cluster's object store as people meet it: packages published by carpal, read by a release with a Secret."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from infra.cluster.addons.objectstore import ACCESS_KEY, SECRET_KEY
from infra.cluster.instance import Instance
from tests.cluster.place import Space

CARPAL = Path(sys.executable).parent / "carpal"
INSIDE = "http://s3.storage.svc"
REGION = "us-east-1"
SECRET = "reader"


@dataclass(frozen=True)
class Store:
    """One bucket of a case's own.

    Attributes:
        cluster: whose store.
        bucket: its name.
        cache: folder for what carpal fetches here.
    """

    cluster: Instance
    bucket: str
    cache: Path

    @property
    def outside(self) -> str:
        """The address from this machine."""
        return f"http://127.0.0.1:{self.cluster.wish().ports['s3']}"

    @property
    def repository(self) -> str:
        """The repository of packages in the bucket."""
        return f"s3://{self.bucket}/models"

    def client(self) -> Any:
        """The bucket's API."""
        return boto3.client(
            "s3", endpoint_url=self.outside, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
            region_name=REGION,
        )  # fmt: skip

    def make(self) -> None:
        """Have the bucket, empty; one may be left of a run that was killed."""
        with suppress(self.client().exceptions.NoSuchBucket):
            self.remove()
        self.client().create_bucket(Bucket=self.bucket)

    def remove(self) -> None:
        """Leave nothing of it."""
        for found in self.client().list_objects_v2(Bucket=self.bucket).get("Contents", []):
            self.client().delete_object(Bucket=self.bucket, Key=found["Key"])
        self.client().delete_bucket(Bucket=self.bucket)

    def fetch(self, prefix: str, folder: Path) -> Path:
        """Copy everything below a prefix into a folder; gives the folder."""
        client = self.client()
        for found in client.list_objects_v2(Bucket=self.bucket, Prefix=f"{prefix}/").get("Contents", []):
            path = folder / found["Key"].removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(self.bucket, found["Key"], str(path))
        return folder

    def models(self, *words: str) -> str:
        """``carpal models`` on the repository, as a person outside runs it."""
        environment = {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": self.outside, "CARPAL_CACHE": str(self.cache), "PATH": "/usr/bin:/bin",
        }  # fmt: skip
        command = [str(CARPAL), "models", *words, "--repository", self.repository]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def reader(self, space: Space) -> dict[str, Any]:
        """Have the Secret in a namespace; gives the chart's values ``storage`` that name it."""
        keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        notes = {"s3-endpoint": "s3.storage.svc", "s3-usehttps": "0", "s3-region": REGION}
        metadata = {"name": SECRET, "annotations": {f"serving.kserve.io/{key}": said for key, said in notes.items()}}
        space.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": keys})
        return {"secretName": SECRET, "endpoint": INSIDE, "region": REGION}
