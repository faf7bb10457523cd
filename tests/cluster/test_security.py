"""What a release may do and what it shows: no rights, no token, no secret in what people read, a policy that fits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from infra.cluster.addons.objectstore import SECRET_KEY
from infra.cluster.kubectl import wait_until
from infra.cluster.objects import namespace as namespace_object
from tests.cluster.place import Space
from tests.cluster.release import EVERYBODYS, ROOT, Release
from tests.cluster.store import Store
from tests.cluster.values import ONE, emulated

Figure = Callable[[str, Any], None]
STARTER = ROOT / "model_repo/starter"
ANSWER_S = 120


@pytest.fixture
def stored(release: Release, store: Store, detector: dict[str, str]) -> Release:
    """A release that reads its package from the store by a Secret, behind a NetworkPolicy."""
    store.models("publish", str(STARTER), "--name", "wrist", "--version", "1")
    model = {"name": "wrist", "reference": "wrist:1", "repository": store.repository}
    policy = {
        "enabled": True,
        "egress": [{"ports": [{"port": 80, "protocol": "TCP"}, {"port": 8333, "protocol": "TCP"}]}],
    }
    storage = store.reader(release.space)
    values = {**emulated(detector), **ONE, "model": model, "storage": storage, "networkPolicy": policy}
    release.install("detector", values)
    release.ready()
    return release


def test_a_pod_has_no_token_and_its_account_no_rights(stored: Release, figure: Figure):
    (pod,) = stored.pods()
    mounts = [mount["mountPath"] for part in pod["spec"]["containers"] for mount in part["volumeMounts"]]
    assert not [path for path in mounts if "serviceaccount" in path]
    (name,) = {pod["spec"]["serviceAccountName"]}
    assert name == "wrist"
    rights, addresses = stored.space.rights(name)
    assert set(rights) == EVERYBODYS
    assert addresses == {"[get]"}
    bindings = stored.space.kubectl.read("rolebindings,clusterrolebindings", "--all-namespaces")["items"]
    bound = [s for binding in bindings for s in binding.get("subjects", []) if s.get("namespace") == stored.space.name]
    assert not bound
    figure("rights", len(EVERYBODYS))


def test_no_secret_is_in_values_manifests_objects_or_logs(stored: Release):
    shown = {
        "helm": stored("get", "all", stored.name),
        "logs": "".join(stored.space("logs", pod["metadata"]["name"], "--all-containers") for pod in stored.pods()),
        "events": stored.space("get", "events", "--output=yaml"),
        "objects": stored.space(
            "get", "all,configmaps,inferenceservices,servingruntimes,networkpolicies", "--output=yaml"
        ),
    }
    assert shown["logs"], "there are no logs to look into"
    assert not [where for where, text in shown.items() if SECRET_KEY in text]


def test_an_image_says_what_is_in_it(stored: Release, figure: Figure):
    (pod,) = stored.pods()
    said = json.loads(stored.space("exec", pod["metadata"]["name"], "--", "cat", "/opt/carpal/sbom.cdx.json"))
    found = {(part["name"].lower().replace("_", "-"), part["version"]) for part in said["components"]}
    lock = (ROOT / "requirements/detector.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9._-]+)==([^ ]+) \\$", lock, flags=re.MULTILINE))
    figure("packages", len(found))
    assert pinned
    assert pinned <= found
    assert {"carpal", "carpal-detector"} <= {name for name, _ in found}


def test_the_policy_selects_the_pods_and_whether_it_is_enforced_is_said(stored: Release, figure: Figure):
    """Packets are asked, and the answer is a figure, not a promise.

    The plain bridge plugin enforces none, and an agent that does needs nft_queue in the kernel.
    """
    policy = stored.space.read("networkpolicy", "wrist")
    labels = policy["spec"]["podSelector"]["matchLabels"]
    (pod,) = stored.pods()
    assert labels.items() <= pod["metadata"]["labels"].items()
    assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    other = Space(stored.space.kubectl, f"{stored.space.name[:50]}-x")
    other.kubectl.apply(namespace_object(other.name, "restricted"))
    try:
        script = f"wget -q -T 10 -t 1 -O- {stored.address()}/v2/health/ready && echo reached || echo refused"
        figure("enforced", "refused" in other.run("stranger", script, ANSWER_S))
    finally:
        other.kubectl("delete", "namespace", other.name, "--wait=false")


def test_a_missing_secret_is_named_by_what_people_look_at(release: Release, detector: dict[str, str], figure: Figure):
    model = {"name": "wrist", "reference": "wrist:1", "repository": "s3://nowhere/models"}
    storage = {"secretName": "not-there", "endpoint": "http://s3.storage.svc", "region": "us-east-1"}
    notes = release.install("detector", {**emulated(detector), **ONE, "model": model, "storage": storage})
    assert "kubectl get secret not-there" in notes

    def said() -> str:
        states = [status["state"] for pod in release.pods() for status in pod["status"].get("containerStatuses", [])]
        return next((message for state in states if "not-there" in (message := reason(state))), "")

    figure("says", wait_until("the reason", said, ANSWER_S))


def reason(state: dict[str, Any]) -> str:
    """Why a container waits; empty where it does not."""
    return str(state.get("waiting", {}).get("message", ""))
