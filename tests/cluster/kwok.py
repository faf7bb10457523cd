"""Fake nodes by KWOK: API server, scheduler and controllers are real, kubelets and containers are not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from infra.cluster import gomodule
from infra.cluster.instance import Instance
from infra.cluster.kubectl import Kubectl, wait_until
from infra.cluster.network import Place
from infra.cluster.node import Node
from infra.cluster.workshop import Workshop

MODULE = "sigs.k8s.io/kwok"
STAGES = ("node/fast/node-initialize.yaml", "pod/fast/pod-ready.yaml", "pod/fast/pod-delete.yaml")
LABEL = {"type": "kwok"}
TAINT = {"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}
ZONES = ("a", "b", "c")
CAPACITY = {"cpu": "32", "memory": "256Gi", "pods": "110"}
LEASE_S = 120
"""Of a node, renewed four times as often. KWOK's own 40 s make a hundred writes a second of a thousand nodes."""
READY_S = 300
SELECTOR = "--selector=type=kwok"
LOOK_S = 3.0
"""Between two looks: an answer about a thousand objects is megabytes."""
CONDITIONS = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'


@contextmanager
def fake_nodes(
    cluster: Instance, shop: Workshop, kubectl: Kubectl, count: int, folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """So many ready nodes in three zones, on which pods that tolerate them are running as soon as they are placed.

    Gives KWOK's process: while it is stopped no pod becomes ready and none goes.
    """
    stages = gomodule.module_folder(MODULE, shop.versions["KWOK_VERSION"]) / "kustomize/stage"
    config = folder / "kwok.yaml"
    config.write_text("\n---\n".join((stages / name).read_text() for name in STAGES))
    words = [
        str(shop.tools.path("kwok")),
        f"--config={config}",
        f"--kubeconfig={cluster.folder / 'kubeconfigs/carpal-administrator.yaml'}",
        f"--manage-nodes-with-annotation-selector={TAINT['key']}={TAINT['value']}",
        f"--node-lease-duration-seconds={LEASE_S}",
        "--cidr=10.200.0.0/16",
    ]
    with (folder / "kwok.log").open("w") as log:
        process = subprocess.Popen(Node(cluster, Place(1)).namespaces.inside(words), stdout=log, stderr=log)
    try:
        nodes = [_node(number) for number in range(count)]
        kubectl("create", "-f", "-", text=yaml.dump_all(nodes, Dumper=yaml.CSafeDumper))
        wait_until("every fake node", lambda: ready(kubectl, "nodes", SELECTOR) == count, READY_S, every_s=LOOK_S)
        yield process
    finally:
        # Pods of a node that is gone are taken away by the control plane, without a kubelet's word.
        kubectl("delete", "node", SELECTOR, "--wait=false")
        process.kill()
        process.wait()
        wait_until("their end", lambda: not kubectl.read("nodes", SELECTOR)["items"], READY_S, every_s=LOOK_S)


def ready(kubectl: Kubectl, *words: str) -> int:
    """How many objects are Ready; `kubectl wait` asks for one after the other, which takes minutes for a thousand."""
    return kubectl("get", *words, f"--output=jsonpath={CONDITIONS}").split().count("True")


def _node(number: int) -> dict[str, Any]:
    name = f"fake-{number:04d}"
    labels = {**LABEL, "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": ZONES[number % len(ZONES)]}
    metadata = {"name": name, "labels": labels, "annotations": {TAINT["key"]: TAINT["value"]}}
    status = {"capacity": CAPACITY, "allocatable": CAPACITY}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"taints": [TAINT]}, "status": status}
