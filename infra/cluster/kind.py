"""The provider `kind`: for machines that have Docker. Thin on purpose; with a real Docker it was run by nobody here.

It brings the nodes; storage class, metrics-server, KServe and the rest are installed by their own projects' ways,
because images built here cannot be assumed on a machine that has a registry.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.cluster.errors import ClusterError, InstanceError, MachineError
from infra.cluster.instance import Instance, Wish, written
from infra.cluster.provider import Part, Say

WAIT = "90s"


@dataclass(frozen=True)
class Kind:
    """Calls the `kind` command.

    Attributes:
        versions: of third-party software.
    """

    versions: Mapping[str, str]

    def up(self, instance: Instance, wish: Wish, say: Say) -> None:
        if wish.profiles:
            raise InstanceError(
                f"kind installs no {', '.join(wish.profiles)}",
                "this provider brings nodes alone",
                "leave --profile out and install it in its own project's way, or use --provider native",
            )
        image = self.versions["KIND_NODE"]
        if instance.name not in _kind("get", "clusters").split():
            say(f"kind makes a cluster of {wish.nodes} from {image}")
            config = written(instance.folder / "kind.yaml", _config(wish.nodes))
            words = (f"--name={instance.name}", f"--image={image}", f"--config={config}", f"--wait={WAIT}")
            _kind("create", "cluster", *words)
        instance.remember(wish)
        written(instance.kubeconfig, _kind("get", "kubeconfig", f"--name={instance.name}"), 0o600)

    def down(self, instance: Instance, say: Say) -> None:
        _kind("delete", "cluster", f"--name={instance.name}")
        shutil.rmtree(instance.folder, ignore_errors=True)
        say(f"{instance.name} is down")

    def status(self, instance: Instance) -> Sequence[Part]:
        nodes = _kind("get", "nodes", f"--name={instance.name}").split()
        return [Part(node, "running", "a container of Docker") for node in nodes]

    def load(self, instance: Instance, archive: Path) -> None:
        _kind("load", "image-archive", str(archive), f"--name={instance.name}")

    def inside(self, instance: Instance, words: Sequence[str]) -> list[str]:
        return ["docker", "exec", f"{instance.name}-control-plane", *words]


def _config(nodes: int) -> str:
    roles = ["control-plane", *["worker"] * (nodes - 1)]
    lines = ["kind: Cluster", "apiVersion: kind.x-k8s.io/v1alpha4", "nodes:", *(f"- role: {role}" for role in roles)]
    return "\n".join(lines) + "\n"


def _kind(*words: str) -> str:
    try:
        done = subprocess.run(["kind", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        raise MachineError(
            "There is no `kind` on PATH",
            "the provider kind calls it",
            "install kind and Docker, or use --provider native",
        ) from missing
    if done.returncode:
        raise ClusterError(f"kind {' '.join(words)}: {done.stderr.strip()}", "kind refused it", "see its message")
    return done.stdout
