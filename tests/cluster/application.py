"""The image of the detector for the tests: built once for each state of its sources, on the cluster's base."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from infra.cluster import base
from infra.cluster.workshop import Workshop

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = "localhost/carpal-detector:test"
SOURCES = ("images", "requirements/detector.txt", "requirements/build.txt", "model_repo", "services/detector")


def detector_archive(shop: Workshop) -> Path:
    """A file with the image, made where there is none for these sources: minutes the first time.

    $CARPAL_DETECTOR_ARCHIVE names one that was made elsewhere.
    """
    given = os.environ.get("CARPAL_DETECTOR_ARCHIVE")
    if given:
        return Path(given)
    place = ROOT / f"out/test-cluster/detector-{_state()}.tar"
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        layer = base.base_layer(shop.cache, shop.versions["DEBIAN_RELEASE"])
        archive = base.base_archive(layer, place.parent / "base")
        buildah = ["buildah", "--storage-driver", "overlay"]
        _run([*buildah, "pull", "--quiet", f"docker-archive:{archive}"])
        _run([*buildah, "bud", "--quiet", "--layers", "--isolation", "chroot",
              "-v", "/etc/ssl/certs:/etc/ssl/certs:ro", "--build-arg", f"BASE_IMAGE={base.REFERENCE}",
              "--target", "detector", "--tag", REFERENCE, "--file", "images/Dockerfile", "."])  # fmt: skip
        unfinished = place.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        _run([*buildah, "push", "--quiet", REFERENCE, f"docker-archive:{unfinished}:{REFERENCE}"])
        unfinished.rename(place)
    return place


def _state() -> str:
    """Of everything that goes into the image, committed or not."""
    listing = subprocess.run(["git", "ls-files", "-z", *SOURCES], cwd=ROOT, capture_output=True, check=True).stdout
    digest = hashlib.sha256()
    for name in sorted(filter(None, listing.decode().split("\0"))):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()[:16]


def _run(command: list[str]) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
