"""What a machine needs for a cluster is said to a reader and to one who is refused: the same each time."""

from __future__ import annotations

from pathlib import Path

from infra.cluster.machine import PACKAGES

ROOT = Path(__file__).resolve().parents[2]


def test_the_guide_names_the_packages_that_a_refusal_names():
    guide = " ".join((ROOT / "docs/how-to/cluster.md").read_text().split())
    assert f"`{PACKAGES}`" in guide
