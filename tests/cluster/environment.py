"""This checkout's virtual environment in pods: a small image, with the environment and its interpreter mounted.

The full images carry the same software, 7 GB of it for the trainer. The volumes are persistent ones, because Pod
Security `restricted` admits no path of the node.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.cluster import base
from infra.cluster.archive import Image, write_archive, write_layer
from infra.cluster.engine import import_images
from infra.cluster.instance import Instance
from infra.cluster.network import Place
from infra.cluster.node import Node
from infra.cluster.workshop import Workshop
from tests.cluster.place import Space

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = "localhost/carpal-environment:test"


@contextmanager
def environment(cluster: Instance, shop: Workshop, space: Space, folder: Path) -> Iterator[dict[str, Any]]:
    """Values of the charts trainer and loadtest with which their pods run this checkout."""
    places = {"checkout": ROOT, "interpreter": Path(sys.base_prefix)}
    archive = _image(shop, folder, list(places.values()))
    for number in range(1, cluster.wish().nodes + 1):
        import_images(Node(cluster, Place(number)).socket, archive)
    for name, path in places.items():
        space.kubectl.apply(_volume(space, name, path))
        space.apply(_claim(space, name))
    repository, _, tag = REFERENCE.partition(":")
    try:
        yield {
            "image": {"repository": repository, "tag": tag, "pullPolicy": "Never"},
            "volumes": [{"name": n, "persistentVolumeClaim": {"claimName": n, "readOnly": True}} for n in places],
            "volumeMounts": [{"name": n, "mountPath": str(path), "readOnly": True} for n, path in places.items()],
        }
    finally:
        for name in places:
            space.kubectl("delete", "persistentvolume", f"{space.name}-{name}", "--wait=false")


def _image(shop: Workshop, folder: Path, mounts: list[Path]) -> Path:
    """The base, with folders to mount at that everybody may pass through."""
    empty = folder / "empty"
    empty.mkdir(mode=0o755)
    parents = {str(parent): empty for mount in mounts for parent in (mount, *mount.parents) if str(parent) != "/"}
    layers = [shop.base, write_layer(folder / "mounts.tar", parents)]
    path = {"PATH": f"{Path(sys.prefix) / 'bin'}:{base.ENVIRONMENT['PATH']}", "HOME": "/tmp"}
    archive = folder / "environment.tar"
    write_archive(archive, [Image(REFERENCE, layers, [], {**base.ENVIRONMENT, **path}, "65532:65532")])
    return archive


def _volume(space: Space, name: str, path: Path) -> dict[str, Any]:
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadOnlyMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "claimRef": {"namespace": space.name, "name": name},
        "hostPath": {"path": str(path), "type": "Directory"},
    }
    metadata = {"name": f"{space.name}-{name}"}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def _claim(space: Space, name: str) -> dict[str, Any]:
    spec = {
        "accessModes": ["ReadOnlyMany"],
        "storageClassName": "",
        "volumeName": f"{space.name}-{name}",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}
