"""OHIF, the viewer that tests open carpal's reports in: ``python -m tools.ohif`` puts its build into the cache.

The npm package ``@ohif/app`` contains the finished build. infra/versions.env pins its version and the SHA-512 of its
archive. Nothing of the package is run here; Node.js is needed only for ``npm pack``.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from infra.cluster.cache import cache_folder, ensured
from infra.cluster.versions import read_versions

BUILD = "package/dist/"
_NOT_SERVED = (".map",)
"""Source maps: 40 MB that only a developer of OHIF opens."""


class FetchError(Exception):
    """The package is not served here, or it is not the pinned one."""


def build_folder(cache: Path | None = None) -> Path:
    """Where the build is, fetched or not yet; the name has version and archive digest in it."""
    pins = read_versions()
    digest = hashlib.sha256(pins["OHIF_INTEGRITY"].encode()).hexdigest()[:16]
    return (cache or cache_folder()) / "readers" / f"ohif-{pins['OHIF_VERSION']}-{digest}"


def fetch(pack: Callable[[str, Path], Path], cache: Path | None = None) -> Path:
    """Have the build in the cache; nothing is done if it is there.

    Args:
        pack: downloads a package, such as ``@ohif/app@3.13.2``, into a folder and returns its archive.
        cache: the folder of the cache, by default that of ``infra.cluster.cache``.

    Raises:
        FetchError: the archive is not the pinned one.
    """
    pins, place = read_versions(), build_folder(cache)

    def fill(folder: Path) -> None:
        archive = pack("@ohif/app@" + pins["OHIF_VERSION"], folder)
        if integrity(archive) != pins["OHIF_INTEGRITY"]:
            raise FetchError(
                f"{archive.name} is {integrity(archive)}, infra/versions.env pins {pins['OHIF_INTEGRITY']}"
            )
        with tarfile.open(archive) as package:
            for member in package:
                inside = member.name.removeprefix(BUILD)
                if member.isfile() and inside != member.name and not inside.endswith(_NOT_SERVED):
                    package.extract(member.replace(name=inside), folder, filter="data")
        archive.unlink()

    ensured(place, fill)
    return place


def integrity(archive: Path) -> str:
    """The digest of a file as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


def npm_pack(package: str, folder: Path) -> Path:
    """Download a package with npm. Raises FetchError if npm is missing or the registry does not serve it."""
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("there is no npm on the PATH; install Node.js (Debian: npm)")
    command = [npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), package]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise FetchError(f"npm pack {package} failed: {done.stderr.strip()[-400:]}")
    return folder / done.stdout.strip().splitlines()[-1]


def main() -> int:
    try:
        sys.stderr.write(f"OHIF is in {fetch(npm_pack)}\n")
    except FetchError as failure:
        sys.stderr.write(f"OHIF is not fetched: {failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
