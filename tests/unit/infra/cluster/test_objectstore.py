"""The object stores of two clusters have nothing in common: SeaweedFS's sockets in /tmp are named by port alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from infra.cluster.addons.objectstore import with_own_tmp


def test_a_program_has_a_tmp_of_its_own(tmp_path: Path):
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mount namespaces need root, as a cluster does")
    own = tmp_path / "own"
    own.mkdir()
    subprocess.run(with_own_tmp(own, ["touch", f"/tmp/{tmp_path.name}-socket"]), check=True)
    assert [path.name for path in own.iterdir()] == [f"{tmp_path.name}-socket"]
    assert not Path(f"/tmp/{tmp_path.name}-socket").exists()
