"""This checkout's virtual environment in pods: a small image, with the environment and its interpreter mounted.

The full images carry the same software, 7 GB of it for the trainer. The volumes are persistent ones, because Pod
Security `restricted` admits no path of the node.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.cluster import base
from infra.cluster.archive import Image, write_archive, write_layer
from infra.cluster.engine import import_images, references
from infra.cluster.instance import Instance
from infra.cluster.network import Place
from infra.cluster.node import Node
from infra.cluster.workshop import Workshop
from tests.cluster.place import Space
from tests.cluster.turns import held

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "localhost/carpal-environment"


@contextmanager
def environment(cluster: Instance, shop: Workshop, space: Space, folder: Path) -> Iterator[dict[str, Any]]:
    """Values of the charts trainer and loadtest with which their pods run this checkout."""
    places = {"checkout": ROOT, "interpreter": Path(sys.base_prefix)}
    tag = _on_nodes(cluster, shop, folder, list(places.values()))
    for name, path in places.items():
        space.kubectl.apply(_volume(space, name, path))
        space.apply(_claim(space, name))
    try:
        yield {
            "image": {"repository": REPOSITORY, "tag": tag, "pullPolicy": "Never"},
            "volumes": [{"name": n, "persistentVolumeClaim": {"claimName": n, "readOnly": True}} for n in places],
            "volumeMounts": [{"name": n, "mountPath": str(path), "readOnly": True} for n, path in places.items()],
        }
    finally:
        for name in places:
            space.kubectl("delete", "persistentvolume", f"{space.name}-{name}", "--wait=false")


def _on_nodes(cluster: Instance, shop: Workshop, folder: Path, mounts: list[Path]) -> str:
    """Have the image on every node; gives its tag, which says of what it is made."""
    tag = hashlib.sha256("\0".join([shop.base.digest, *map(str, mounts)]).encode()).hexdigest()[:16]
    reference = f"{REPOSITORY}:{tag}"
    with held("images"):
        sockets = [Node(cluster, Place(number)).socket for number in range(1, cluster.wish().nodes + 1)]
        if lacking := [socket for socket in sockets if reference not in references(socket)]:
            archive = _image(shop, reference, folder, mounts)
            for socket in lacking:
                import_images(socket, archive)
    return tag


def _image(shop: Workshop, reference: str, folder: Path, mounts: list[Path]) -> Path:
    """The base, with folders to mount at that everybody may pass through."""
    empty = folder / "empty"
    empty.mkdir(mode=0o755)
    parents = {str(parent): empty for mount in mounts for parent in (mount, *mount.parents) if str(parent) != "/"}
    layers = [shop.base, write_layer(folder / "mounts.tar", parents)]
    path = {"PATH": f"{Path(sys.prefix) / 'bin'}:{base.ENVIRONMENT['PATH']}", "HOME": "/tmp"}
    archive = folder / "environment.tar"
    write_archive(archive, [Image(reference, layers, [], {**base.ENVIRONMENT, **path}, "65532:65532")])
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
