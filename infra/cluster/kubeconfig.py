"""Kubeconfig files: which API server, which authority to trust, and as whom."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from infra.cluster.instance import written
from infra.cluster.pki import Authority, KeyPair


def write_kubeconfig(path: Path, cluster: str, server: str, authority: Authority, user: KeyPair) -> Path:
    """A file that carries its certificates, so that it works wherever it is copied; gives its path."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": _encoded(authority.pair.certificate),
                },
            }
        ],
        "users": [
            {
                "name": cluster,
                "user": {
                    "client-certificate-data": _encoded(user.certificate),
                    "client-key-data": _encoded(user.key),
                },
            }
        ],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
        "current-context": cluster,
    }
    return written(path, yaml.safe_dump(document, sort_keys=False), 0o600)


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
