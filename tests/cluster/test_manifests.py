"""Every example of every chart: strict against the real CRDs, taken by the real API server, its pods `restricted`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from infra.cluster.kubectl import Kubectl
from infra.cluster.workshop import Workshop
from tests.cluster.place import Space
from tests.cluster.release import ROOT
from tests.cluster.schemas import write_schemas

Figure = Callable[[str, Any], None]
EXAMPLES = sorted(path.parent for path in ROOT.glob("charts/*/examples/*/values.yaml"))


@pytest.fixture(scope="session")
def schemas(kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where kubeconform finds the cluster's schemas."""
    return write_schemas(kubectl, tmp_path_factory.mktemp("schemas"))


def manifests() -> dict[str, list[dict[str, Any]]]:
    """What each example gives, by its name."""
    found = {}
    for example in EXAMPLES:
        files = sorted((example / "rendered").rglob("*.yaml"))
        parts = [part for file in files for part in yaml.safe_load_all(file.read_text()) if part]
        found[f"{example.parents[1].name} {example.name}"] = parts
    return found


def conforms(shop: Workshop, schemas: str, parts: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """What kubeconform says."""
    command = [str(shop.tools.path("kubeconform")), "-strict", "-summary", "-schema-location", schemas, "-"]
    return subprocess.run(command, input=yaml.safe_dump_all(parts), capture_output=True, text=True, check=False)


def test_every_example_conforms_to_the_schemas_of_the_cluster(shop: Workshop, schemas: str, figure: Figure):
    examples = manifests()
    done = conforms(shop, schemas, [part for parts in examples.values() for part in parts])
    figure("says", done.stdout.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout
    wrong = json.loads(json.dumps(next(part for part in examples["detector s3"] if part["kind"] == "InferenceService")))
    wrong["spec"]["predictor"]["maxReplica"] = 3
    assert "maxReplica" in conforms(shop, schemas, [wrong]).stdout


def test_every_example_is_taken_by_the_api_server(space: Space, figure: Figure):
    examples = manifests()
    # Pods are refused before anything else where their account is not there.
    space.apply(*(part for parts in examples.values() for part in parts if part["kind"] == "ServiceAccount"))
    for name, parts in examples.items():
        placed = [{**part, "metadata": {**part["metadata"], "namespace": space.name}} for part in parts]
        words = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
        done = space.kubectl.attempt(*words, text=yaml.safe_dump_all(placed))
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert "would violate PodSecurity" not in done.stderr, f"{name}: {done.stderr}"
    figure("examples", len(EXAMPLES))


def test_a_restricted_namespace_admits_every_pod(space: Space, figure: Figure):
    found = []
    for name, parts in manifests().items():
        for spec in (spec for part in parts for spec in pods(part)):
            for unneeded in ("serviceAccountName", "priorityClassName", "runtimeClassName"):
                spec.pop(unneeded, None)
            metadata = {"name": f"{name.replace(' ', '-')}-{len(found)}", "namespace": space.name}
            found.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    done = space.kubectl.attempt("create", "--dry-run=server", "-f", "-", text=yaml.safe_dump_all(found))
    assert done.returncode == 0, done.stderr
    taken = done.stdout.splitlines()
    figure("pods", len(taken))
    assert len(taken) == len(found) > len(EXAMPLES)


def pods(part: Any) -> Iterator[dict[str, Any]]:
    """Every pod specification in an object, wherever it stands; KServe's predictor is one with more keys."""
    if isinstance(part, dict):
        if "containers" in part and isinstance(part["containers"], list):
            ours = ("model", "minReplicas", "maxReplicas", "deploymentStrategy", "labels", "annotations", "scaleMetric")
            ours += ("scaleTarget", "containerConcurrency", "canaryTrafficPercent", "supportedModelFormats")
            ours += ("protocolVersions", "multiModel")
            yield {"restartPolicy": "Always", **{key: value for key, value in part.items() if key not in ours}}
            return
        for value in part.values():
            yield from pods(value)
    elif isinstance(part, list):
        for value in part:
            yield from pods(value)
