"""Makes a folder on the node for each claim of the class `local`, and removes it with its volume.

What kubernetes-sigs/sig-storage-lib does in Go, as one loop: a claim whose pod has a node gets a PersistentVolume on a
folder there; a released volume is removed with its folder. Run as a process of its own:
`python -m infra.cluster.provisioner KUBECONFIG FOLDER`.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.client import CoreV1Api
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from infra.cluster.kubectl import Object

PROVISIONER = "carpal.local/folders"
NODE_CHOSEN = "volume.kubernetes.io/selected-node"
PROVISIONER_CHOSEN = "volume.kubernetes.io/storage-provisioner"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
TICK_S = 1.0
CONFLICT, NOT_FOUND = 409, 404
OPEN_TO_ALL = 0o777
"""Pods run as users that are unknown here; a folder of hostPath kind gets no fsGroup."""


def wanted(claims: Sequence[Object]) -> list[Object]:
    """The claims that wait for a volume of this provisioner and whose node is chosen."""
    return [
        claim
        for claim in claims
        if claim["status"].get("phase") == "Pending"
        and claim["metadata"].get("annotations", {}).get(PROVISIONER_CHOSEN) == PROVISIONER
        and NODE_CHOSEN in claim["metadata"]["annotations"]
        and "deletionTimestamp" not in claim["metadata"]
    ]


def released(volumes: Sequence[Object]) -> list[Object]:
    """The volumes of this provisioner that no claim holds any more and whose policy is to go."""
    return [
        volume
        for volume in volumes
        if volume["metadata"].get("annotations", {}).get(PROVISIONED_BY) == PROVISIONER
        and volume["status"].get("phase") in ("Released", "Failed")
        and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    ]


def volume_for(claim: Object, folder: Path) -> Any:
    """The volume that a claim gets: bound to it from its birth, on the node of its first pod."""
    meta, spec = claim["metadata"], claim["spec"]
    name = f"pvc-{meta['uid']}"
    node = meta["annotations"][NODE_CHOSEN]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec["storageClassName"],
            "hostPath": {"path": str(folder / name), "type": "Directory"},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": meta["name"],
                "namespace": meta["namespace"],
                "uid": meta["uid"],
            },
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
                    ]
                }
            },
        },
    }


def provision(api: CoreV1Api, folder: Path) -> None:
    """Do once what is to be done now."""
    for claim in wanted(_items(api.list_persistent_volume_claim_for_all_namespaces)):
        volume = volume_for(claim, folder)
        place = Path(volume["spec"]["hostPath"]["path"])
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(OPEN_TO_ALL)
        with allowed(CONFLICT):
            api.create_persistent_volume(volume)
    for volume in released(_items(api.list_persistent_volume)):
        shutil.rmtree(volume["spec"]["hostPath"]["path"], ignore_errors=True)
        with allowed(NOT_FOUND):
            api.delete_persistent_volume(volume["metadata"]["name"])


@contextmanager
def allowed(status: int) -> Iterator[None]:
    """Take one refusal of the API server for done: somebody else was there first."""
    try:
        yield
    except ApiException as refused:
        if refused.status != status:
            raise


def _items(listing: Callable[..., Any]) -> list[Object]:
    """What a list call answers, as it was sent."""
    items: list[Object] = json.loads(listing(_preload_content=False).data)["items"]
    return items


def main(arguments: Sequence[str]) -> int:
    """Once a second, whatever the API server says meanwhile."""
    folder = Path(arguments[1])
    api = CoreV1Api(config.new_client_from_config(arguments[0]))
    while True:
        try:
            provision(api, folder)
        except (ApiException, HTTPError) as refused:
            sys.stderr.write(f"{refused}\n")
            sys.stderr.flush()
        time.sleep(TICK_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
