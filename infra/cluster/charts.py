"""Renders the charts that third parties publish inside their Go modules, once for each set of values."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from tools.helm import helm

from infra.cluster.addons.addon import Site
from infra.cluster.cache import ensured
from infra.cluster.errors import ClusterError, NotBuiltError

MAJOR = 4


def render(site: Site, chart: Path, release: str, namespace: str, values: Mapping[str, Any]) -> str:
    """The manifests (YAML) of a chart with these values; helm runs only the first time.

    The folder of a Go module never changes under its version, so its path stands for its content.
    """
    kubernetes = site.versions["KUBERNETES_VERSION"]
    decides = json.dumps([str(chart), release, namespace, values, kubernetes], sort_keys=True)
    place = site.cache / "manifests" / f"{release}-{hashlib.sha256(decides.encode()).hexdigest()[:16]}"

    def run(folder: Path) -> None:
        words = [
            str(_helm()),
            "template",
            release,
            str(chart),
            f"--namespace={namespace}",
            f"--kube-version={kubernetes}",
        ]
        done = subprocess.run(
            [*words, "--values=-"], input=json.dumps(values), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ClusterError(
                f"helm template {release}: {done.stderr.strip()}", f"{chart.name} refuses its values", "report it"
            )
        (folder / "manifests.yaml").write_text(done.stdout, encoding="utf-8")

    ensured(place, run)
    return (place / "manifests.yaml").read_text(encoding="utf-8")


def _helm() -> Path:
    found = helm(MAJOR)
    if found is None:
        raise NotBuiltError(f"There is no Helm {MAJOR}", "it renders the charts of addons", "run make setup")
    return found


def documents(text: str) -> list[dict[str, Any]]:
    """The objects of a YAML stream, empty ones left out."""
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """The one object of that kind and name. Raises ClusterError where a new version of the chart has it no more."""
    for found in objects:
        if found["kind"] == kind and found["metadata"]["name"] == name:
            return found
    raise ClusterError(f"There is no {kind} {name}", "the chart of this version is another", "adapt the addon to it")


def without(objects: list[dict[str, Any]], kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    """All objects but those of these kinds."""
    return [found for found in objects if found["kind"] not in kinds]
