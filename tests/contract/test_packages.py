"""What a machine needs for a cluster is said to a reader, to one who is refused and to CI: the same each time."""

from __future__ import annotations

import re
from pathlib import Path

from infra.cluster.machine import PACKAGES

ROOT = Path(__file__).resolve().parents[2]


def test_the_guide_names_the_packages_that_a_refusal_names():
    guide = " ".join((ROOT / "docs/how-to/cluster.md").read_text().split())
    assert f"`{PACKAGES}`" in guide


def test_ci_installs_the_packages_that_a_refusal_names():
    installed = re.findall(r"missing\+=\(([^)]*)\)", (ROOT / ".ci/run").read_text())
    assert set(PACKAGES.split()) <= set(" ".join(installed).split())
