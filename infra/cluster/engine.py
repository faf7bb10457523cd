"""Brings image archives into a node's containerd."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.cluster.errors import ClusterError
from infra.cluster.kubectl import wait_until

NAMESPACE = "k8s.io"
READY_S = 60.0


def _ctr(socket: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["ctr", f"--address={socket}", f"--namespace={NAMESPACE}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def wait_for_engine(socket: Path) -> None:
    """Until containerd answers."""
    wait_until("containerd", lambda: _ctr(socket, "version").returncode == 0, READY_S)


def import_images(socket: Path, archive: Path) -> None:
    """Have the images of an archive on the node; what is there already costs only the reading."""
    done = _ctr(socket, "images", "import", str(archive))
    if done.returncode:
        raise ClusterError(
            f"{archive.name} cannot be imported: {done.stderr.strip()}",
            "it is no image archive, or the disk is full",
            "make it again, then try again",
        )


def references(socket: Path) -> set[str]:
    """Names of all images on the node."""
    return set(_ctr(socket, "images", "list", "--quiet").stdout.split())
