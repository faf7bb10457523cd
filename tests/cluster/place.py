"""A namespace of a real cluster, for one case."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.cluster.kubectl import Kubectl, Object

RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
MOST = 20
"""Pods whose logs are shown."""
BASE = "localhost/carpal-base:1"


@dataclass(frozen=True)
class Space:
    """One namespace.

    Attributes:
        kubectl: the cluster's API server.
        name: of the namespace.
    """

    kubectl: Kubectl
    name: str

    def __call__(self, *arguments: str) -> str:
        """Run kubectl in the namespace."""
        return self.kubectl(f"--namespace={self.name}", *arguments)

    def read(self, *arguments: str) -> Any:
        """What ``kubectl get`` gives in the namespace."""
        return self.kubectl.read(*arguments, f"--namespace={self.name}")

    def apply(self, *objects: Object) -> None:
        """Have these objects in the namespace."""
        self.kubectl.apply(*({**item, "metadata": {**item["metadata"], "namespace": self.name}} for item in objects))

    def evict(self, pod: str) -> bool:
        """Ask for a pod to go, as the drain of its node does; whether the disruption budget let it."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.name}}
        path = f"/api/v1/namespaces/{self.name}/pods/{pod}/eviction"
        done = self.kubectl.attempt("create", "--raw", path, "-f", "-", text=json.dumps(body))
        assert done.returncode == 0 or "disruption budget" in done.stderr, done.stderr
        return done.returncode == 0

    def rights(self, account: str) -> tuple[dict[str, str], set[str]]:
        """What a service account may do: verbs by resource, and the verbs for addresses of the API server itself."""
        said = self("auth", "can-i", "--list", f"--as=system:serviceaccount:{self.name}:{account}")
        rows = [line.split() for line in said.splitlines()[1:]]
        resources = {row[0]: row[-1] for row in rows if not row[0].startswith("[")}
        return resources, {row[-1] for row in rows if row[0].startswith("[")}

    def state(self) -> str:
        """What a person would look at when something failed: objects, events and the ends of all logs."""
        pods = [item["metadata"]["name"] for item in self.read("pods")["items"]]
        words = [("get", "all"), ("get", "events", "--sort-by=.lastTimestamp")]
        words += [("logs", name, "--all-containers", "--prefix", "--tail=20") for name in pods[:MOST]]
        return "\n".join(self.kubectl.attempt(f"--namespace={self.name}", *word).stdout for word in words)

    def run(
        self, name: str, script: str, timeout_s: float, *, claims: Mapping[str, str] | None = None, image: str = BASE
    ) -> str:
        """Run a shell script in a pod to its end; gives what it printed.

        Args:
            name: of the pod.
            script: what it runs.
            timeout_s: that it may take, its start included.
            claims: of volumes, each with the path where it is mounted.
            image: that it runs in.
        """
        volumes = {
            claim: (path, {"persistentVolumeClaim": {"claimName": claim}}) for claim, path in (claims or {}).items()
        }
        self.apply(pod(name, ["sh", "-ec", script], volumes, image=image))
        self("wait", f"pod/{name}", "--for=jsonpath={.status.phase}=Succeeded", f"--timeout={timeout_s:.0f}s")
        return self("logs", name)


def pod(
    name: str,
    command: Sequence[str],
    volumes: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None,
    requests: Mapping[str, str] | None = None,
    *,
    image: str = BASE,
) -> dict[str, Any]:
    """A pod that Pod Security `restricted` admits.

    Args:
        name: of the pod and its label ``app``.
        command: what it runs.
        volumes: by name, each with its mount path and its source.
        requests: of processor and memory.
        image: which every node has; the cluster's base by default.
    """
    mounts = volumes or {}
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": list(command),
        "securityContext": RESTRICTED,
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, (path, _) in mounts.items()],
        "resources": {"requests": dict(requests or {"cpu": "10m", "memory": "16Mi"})},
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [{"name": volume, **source} for volume, (_, source) in mounts.items()],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def deployment(name: str, command: Sequence[str], requests: Mapping[str, str], replicas: int = 1) -> dict[str, Any]:
    """A Deployment of such pods."""
    spec = pod(name, command, requests=requests)["spec"] | {"restartPolicy": "Always"}
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def claim(name: str, size: str = "1Gi") -> dict[str, Any]:
    """A claim of the cluster's storage class: a volume on one node, where all pods that mount it run."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def service(name: str, port: int) -> dict[str, Any]:
    """A Service in front of the pods whose label ``app`` is its name."""
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
