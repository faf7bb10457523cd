"""infra/versions.env is read whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from infra.cluster.errors import VersionsError
from infra.cluster.versions import read_versions


def test_each_assignment_is_a_version(tmp_path: Path):
    path = tmp_path / "versions.env"
    path.write_text("# a comment\n\nETCD_VERSION=v3.6.4\nDEBIAN_RELEASE=bookworm\n")
    assert read_versions(path) == {"ETCD_VERSION": "v3.6.4", "DEBIAN_RELEASE": "bookworm"}


@pytest.mark.parametrize("line", ["ETCD_VERSION", "ETCD_VERSION=", "export ETCD_VERSION=1", "A=1\nA=2"])
def test_anything_else_is_refused_with_its_line(tmp_path: Path, line: str):
    path = tmp_path / "versions.env"
    path.write_text(line + "\n")
    with pytest.raises(VersionsError, match="Line"):
        read_versions(path)
