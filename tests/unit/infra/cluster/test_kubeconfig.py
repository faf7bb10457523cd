"""A kubeconfig carries all that it needs."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml
from infra.cluster.kubeconfig import write_kubeconfig
from infra.cluster.pki import Authority


def test_it_carries_its_certificates_and_is_for_its_owner_alone(tmp_path: Path):
    authority = Authority(tmp_path, "ca")
    user = authority.issue("admin", "admin")
    path = write_kubeconfig(tmp_path / "config", "test", "https://127.0.0.1:1", authority, user)
    document = yaml.safe_load(path.read_text())
    assert document["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1"
    carried = base64.b64decode(document["users"][0]["user"]["client-certificate-data"])
    assert carried == user.certificate.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
