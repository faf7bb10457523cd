"""The images of the application for the tests: built once for each state of their sources, on the cluster's base."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

from infra.cluster import base
from infra.cluster.engine import import_images, references
from infra.cluster.instance import Instance
from infra.cluster.network import Place
from infra.cluster.node import Node
from infra.cluster.workshop import Workshop
from tests.cluster.turns import held

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "out/test-cluster"
STORAGE = {"STORAGE_DRIVER": "overlay"}
DIGITS = 16
"""Of the digest that is an image's tag."""
COMMON = ("images", "requirements/build.txt", "requirements/sbom.txt", "model_repo")
SOURCES = {
    "detector": (*COMMON, "requirements/detector.txt", "services/detector"),
    "loadtest": (*COMMON, "requirements/loadtest.txt", "loadtests"),
}


def on_nodes(cluster: Instance, shop: Workshop, name: str) -> dict[str, str]:
    """Have an image on every node; gives the values of a chart that name it. Minutes the first time.

    Args:
        cluster: whose nodes.
        shop: with the base that the image stands on.
        name: detector or loadtest.
    """
    repository, tag = f"localhost/carpal-{name}", _state(name)
    with held("images"):
        for number in range(1, cluster.wish().nodes + 1):
            socket = Node(cluster, Place(number)).socket
            if f"{repository}:{tag}" not in references(socket):
                import_images(socket, _archive(shop, name, tag))
    return {"repository": repository, "tag": tag, "pullPolicy": "Never"}


def _archive(shop: Workshop, name: str, tag: str) -> Path:
    place = PLACE / f"{name}-{tag}.tar"
    if not place.is_file():
        PLACE.mkdir(parents=True, exist_ok=True)
        for older in PLACE.glob(f"{name}-*.tar"):
            older.unlink()
        environment = {**STORAGE, "BASE_IMAGE": base.REFERENCE, "TAG": tag, "ARCHIVES": str(PLACE)}
        _run(["buildah", "pull", "--quiet", f"oci-archive:{shop.base_file}"], environment)
        _run([str(ROOT / "images/build"), name], environment)
        (PLACE / f"carpal-{name}.tar").rename(place)
        _forget_older(f"localhost/carpal-{name}", tag)
    return place


def _forget_older(repository: str, tag: str) -> None:
    """Remove what was built here of earlier sources; a person's images have other tags."""
    listing = _run(["buildah", "images", "--noheading", "--format", "{{.Name}}:{{.Tag}}"], STORAGE)
    for found in listing.split():
        older = re.fullmatch(f"{re.escape(repository)}:([0-9a-f]{{{DIGITS}}})", found)
        if older and older[1] != tag:
            _run(["buildah", "rmi", found], STORAGE)


def _state(name: str) -> str:
    """Of everything that goes into the image, committed or not."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", *SOURCES[name]], cwd=ROOT, capture_output=True, check=True
    ).stdout
    digest = hashlib.sha256()
    for path in sorted(filter(None, listing.decode().split("\0"))):
        digest.update(path.encode() + b"\0" + (ROOT / path).read_bytes())
    return digest.hexdigest()[:DIGITS]


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}"
    return done.stdout
