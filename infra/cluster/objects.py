"""The few Kubernetes objects that every addon needs, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.cluster.kubectl import Object


def namespace(name: str, level: str = "privileged") -> Object:
    """A namespace that enforces a level of the Pod Security Standards."""
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def outside_service(
    name: str,
    space: str,
    address: str,
    ports: Mapping[str, tuple[int, int]],
    cluster_ip: str | None = None,
    protocols: Mapping[str, str] | None = None,
) -> list[Object]:
    """A Service in front of a program that is no pod.

    Args:
        name: of the Service.
        space: its namespace.
        address: where the program listens.
        ports: name of each port to the port of the Service and the port of the program.
        cluster_ip: the address of the Service; any by default.
        protocols: of the ports that are not TCP.
    """
    protocol = protocols or {}
    service: dict[str, Any] = {
        "ports": [
            {"name": port, "port": outer, "targetPort": inner, "protocol": protocol.get(port, "TCP")}
            for port, (outer, inner) in ports.items()
        ]
    }
    if cluster_ip:
        service["clusterIP"] = cluster_ip
    meta = {"name": name, "namespace": space, "labels": {"app.kubernetes.io/name": name}}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": name,
                "namespace": space,
                "labels": {
                    "kubernetes.io/service-name": name,
                    "endpointslice.kubernetes.io/managed-by": "carpal-cluster",
                },
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": [
                {"name": port, "port": inner, "protocol": protocol.get(port, "TCP")}
                for port, (_, inner) in ports.items()
            ],
        },
    ]


def administrator(name: str, space: str) -> list[Object]:
    """A service account that may do everything, for operators whose own roles are not what is tried here."""
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": space}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"carpal-{space}-{name}"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": space}],
        },
    ]


def deployment(
    name: str,
    space: str,
    image: str,
    arguments: Sequence[str],
    *,
    command: Sequence[str] = (),
    environment: Sequence[Mapping[str, Any]] = (),
    ports: Mapping[str, int] | None = None,
    probe: Mapping[str, Any] | None = None,
    volumes: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None,
) -> Object:
    """A Deployment of one pod with one container, under the service account of its own name.

    Args:
        name: of the Deployment, its label, container and service account.
        space: its namespace.
        image: reference of the image, which is on the node already.
        arguments: of the entry point.
        command: in place of the image's entry point.
        environment: variables, as a container spec lists them.
        ports: by name.
        probe: what says that it is ready, as a container spec says it.
        volumes: by name, each with its mount path and its source.
    """
    labels = {"app.kubernetes.io/name": name}
    mounts = volumes or {}
    container: dict[str, Any] = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": list(arguments),
        "env": list(environment),
        "ports": [{"name": port, "containerPort": number} for port, number in (ports or {}).items()],
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}},
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, (path, _) in mounts.items()],
    }
    if command:
        container["command"] = list(command)
    if probe:
        container["readinessProbe"] = {"periodSeconds": 1, "failureThreshold": 60, **probe}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": space, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": name,
                    "containers": [container],
                    "volumes": [{"name": volume, **source} for volume, (_, source) in mounts.items()],
                },
            },
        },
    }
