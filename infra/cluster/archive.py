"""Container images as files (an OCI image layout in a tar), written without an engine: layers are tars already.

Only for images that are a set of files: nothing is run while one is made. The formats are those of the OCI image
specification 1.0; several images in one archive share their layers.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
INDEX = "application/vnd.oci.image.index.v1+json"
REFERENCE = "io.containerd.image.name"
"""The annotation by which containerd names what it imports."""

BLOCK_BYTES = 1 << 20
TAR_EPOCH = 0


@dataclass(frozen=True)
class Layer:
    """An uncompressed tar of files."""

    path: Path
    digest: str
    size_bytes: int


@dataclass(frozen=True)
class Image:
    """One image.

    Attributes:
        reference: full name with tag, such as ``localhost/carpal-base:1``.
        layers: the lowest first.
        entrypoint: words that a container runs.
        environment: its variables.
        user: ``uid:gid`` or empty for root.
    """

    reference: str
    layers: Sequence[Layer]
    entrypoint: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""


def layer_of(path: Path) -> Layer:
    """The layer that this tar is."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return Layer(path, digest.hexdigest(), path.stat().st_size)


def write_layer(path: Path, files: Mapping[str, Path]) -> Layer:
    """A layer of these files and folders, all owned by root, without times: equal content gives an equal digest.

    Args:
        path: the tar to write.
        files: absolute path in the image to the file or folder that goes there.
    """
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for place, source in sorted(files.items()):
            for found in [source, *(sorted(source.rglob("*")) if source.is_dir() else ())]:
                name = Path(place.lstrip("/")) / found.relative_to(source)
                tar.add(found, str(name), recursive=False, filter=_plain)
    return layer_of(path)


def write_archive(path: Path, images: Sequence[Image]) -> None:
    """One file with all of these images, for `ctr image import`."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        _add(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        for layer in _distinct(layer for image in images for layer in image.layers):
            tar.add(layer.path, f"blobs/sha256/{layer.digest}", recursive=False, filter=_plain)
        manifests = []
        for image in images:
            config = _blob(tar, CONFIG, _config(image))
            layers = [_descriptor(LAYER, layer.digest, layer.size_bytes) for layer in image.layers]
            manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
            manifests.append({**_blob(tar, MANIFEST, manifest), "annotations": {REFERENCE: image.reference}})
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        _add(tar, "index.json", json.dumps(index).encode())


def _config(image: Image) -> dict[str, Any]:
    run = {
        "Entrypoint": list(image.entrypoint),
        "Env": [f"{name}={value}" for name, value in image.environment.items()],
        "User": image.user,
    }
    diffs = [f"sha256:{layer.digest}" for layer in image.layers]
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": diffs},
        # Optional in the specification, but buildah refuses to build on an image whose layers have none.
        "history": [{"created_by": "infra/cluster"} for _ in diffs],
    }


def _blob(tar: tarfile.TarFile, media_type: str, document: Mapping[str, Any]) -> dict[str, Any]:
    body = json.dumps(document, sort_keys=True).encode()
    digest = hashlib.sha256(body).hexdigest()
    _add(tar, f"blobs/sha256/{digest}", body)
    return _descriptor(media_type, digest, len(body))


def _descriptor(media_type: str, digest: str, size_bytes: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size_bytes}


def _distinct(layers: Iterable[Layer]) -> list[Layer]:
    return list({layer.digest: layer for layer in layers}.values())


def _add(tar: tarfile.TarFile, name: str, body: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(body)
    tar.addfile(entry, io.BytesIO(body))


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = TAR_EPOCH
    return entry
