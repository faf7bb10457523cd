"""The base of every image that is made here without a registry: a small Debian with Python, by debootstrap."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from infra.cluster.archive import Image, Layer, layer_of, write_archive
from infra.cluster.cache import ensured
from infra.cluster.errors import BuildError

PACKAGES = ("python3", "python3-venv", "ca-certificates", "wget")
"""wget: the probes that KubeRay puts into pods call it."""

LEFT_OUT = (
    "./usr/share/doc/*/[!c]*", "./usr/share/man", "./usr/share/locale", "./usr/share/info", "./usr/share/lintian",
    "./var/cache", "./var/lib/apt/lists", "./var/log", "./dev/*", "./proc/*", "./sys/*", "./tmp/*",
)  # fmt: skip
"""Nothing that a program reads; Debian's copyright files stay."""

REFERENCE = "localhost/carpal-base:1"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
SECONDS = 75


def base_layer(cache: Path, release: str, say: Callable[[str], None] = lambda _: None) -> Layer:
    """The one layer of the base, made on the first call.

    Args:
        cache: the folder of all that is built.
        release: name of the Debian release.
        say: told what takes long.

    Raises BuildError where debootstrap fails.
    """
    decides = json.dumps([release, PACKAGES, LEFT_OUT])
    place = cache / "images" / f"base-{release}-{hashlib.sha256(decides.encode()).hexdigest()[:16]}"
    if not place.is_dir():
        say(f"base image: Debian {release} with Python by debootstrap, about {SECONDS} s")
    ensured(place, lambda folder: _make(folder, release))
    return layer_of(place / "layer.tar")


def base_archive(layer: Layer, place: Path) -> Path:
    """The base as an image in a file, for an engine that builds on it; gives the file."""
    ensured(place, lambda folder: write_archive(folder / "base.tar", [base_image(layer)]))
    return place / "base.tar"


def base_image(layer: Layer) -> Image:
    """The base as an image."""
    return Image(REFERENCE, [layer], [], ENVIRONMENT)


def _make(folder: Path, release: str) -> None:
    if shutil.which("debootstrap") is None:
        raise BuildError("There is no debootstrap", "it makes the base image", "apt-get install debootstrap")
    with tempfile.TemporaryDirectory(prefix="carpal-base-") as work:
        root = Path(work) / "root"
        _run(["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", release, str(root)])
        excluded = [f"--exclude={pattern}" for pattern in LEFT_OUT]
        _run(
            ["tar", "--sort=name", "--numeric-owner", "--mtime=@0", "--wildcards", *excluded,
             "-cf", str(folder / "layer.tar"), "-C", str(root), "."]
        )  # fmt: skip


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(
            f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-400:]}",
            "Debian's packages cannot be fetched, or this process is not root",
            "see the message, then make cluster-build",
        )
