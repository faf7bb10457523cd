"""Persistent volumes: the default StorageClass `local`, served by a provisioner that makes folders on a node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.cluster.addons.addon import Site
from infra.cluster.program import Program, python_program

PROVISIONER = "carpal.local/folders"
STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": PROVISIONER,
    "volumeBindingMode": "WaitForFirstConsumer",
    "reclaimPolicy": "Delete",
}


class Storage:
    """The class and its provisioner (infra/cluster/provisioner.py)."""

    name = "storage"
    ports: Mapping[str, int] = {}

    def programs(self, site: Site) -> Sequence[Program]:
        folder = site.instance.part("volumes")
        config = site.control.administrator()
        return [python_program("provisioner", "infra.cluster.provisioner", config, folder)]

    def install(self, site: Site) -> None:
        site.kubectl.apply(STORAGE_CLASS)

    def wait(self, site: Site) -> None:
        """Nothing: a claim waits for its provisioner."""
