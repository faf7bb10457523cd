"""An image archive is an OCI image layout: every blob under its digest, layers shared."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pytest
from infra.cluster.archive import Image, write_archive, write_layer


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/program").write_text("#!/bin/sh\n")
    (tmp_path / "files/program").chmod(0o755)
    layer = write_layer(tmp_path / "layer.tar", {"/opt/tool": tmp_path / "files"})
    images = [Image(f"localhost/{name}:1", [layer], ["/opt/tool/program"], {"A": "b"}, "65532:65532") for name in "xy"]
    write_archive(tmp_path / "images.tar", images)
    return tmp_path / "images.tar"


def blobs(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        streams = {entry.name: tar.extractfile(entry) for entry in tar}
        return {name: stream.read() for name, stream in streams.items() if stream}


def test_every_blob_has_the_digest_of_its_name(archive: Path):
    found = {name: body for name, body in blobs(archive).items() if name.startswith("blobs/")}
    assert all(name == f"blobs/sha256/{hashlib.sha256(body).hexdigest()}" for name, body in found.items())


def test_images_share_a_layer_that_both_have(archive: Path):
    index = json.loads(blobs(archive)["index.json"])
    assert [entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]] == [
        "localhost/x:1",
        "localhost/y:1",
    ]
    # One layer, one configuration and one manifest, for both images are equal but for their names.
    assert len([name for name in blobs(archive) if name.startswith("blobs/")]) == 3


def test_the_configuration_says_what_runs_and_as_whom(archive: Path):
    found = blobs(archive)
    index = json.loads(found["index.json"])
    manifest = json.loads(found["blobs/sha256/" + index["manifests"][0]["digest"].removeprefix("sha256:")])
    config = json.loads(found["blobs/sha256/" + manifest["config"]["digest"].removeprefix("sha256:")])
    assert config["config"] == {"Entrypoint": ["/opt/tool/program"], "Env": ["A=b"], "User": "65532:65532"}
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    assert len(config["history"]) == 1, "buildah counts them"


def test_files_are_owned_by_root_keep_their_mode_and_have_no_time(tmp_path: Path, archive: Path):
    with tarfile.open(tmp_path / "layer.tar") as tar:
        entry = tar.getmember("opt/tool/program")
    assert (entry.uid, entry.gid, entry.mode, entry.mtime) == (0, 0, 0o755, 0)
