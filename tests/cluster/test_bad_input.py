"""What is wrong or missing is said by a refusal before anything is installed, or by the commands that NOTES names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from infra.cluster.instance import Instance
from infra.cluster.kubectl import Kubectl, wait_until
from tests.cluster.release import Release
from tests.cluster.values import ONE, emulated

Figure = Callable[[str, Any], None]
SAID_S = 120
REASON = re.compile(r"error: (?P<what>.+) \[(?P<code>repository\.[a-z-]+)\]\n\s+(?P<why>.+)\n\s+(?P<remedy>.+)\n")
TOO_OLD = "v1.29.0"
NOBODY = {"name": "wrist", "reference": "wrist:1", "repository": "s3://nowhere/models"}
TAKEN_AWAY = "podmonitors.monitoring.coreos.com"
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}


@pytest.mark.parametrize(("what", "values", "said"), [
    ("no quota", {}, "exceeded quota"),
    ("no volume", {"model": {**NOBODY, "repository": "pvc://not-there/models"}}, "not-there"),
    ("no node that fits", {"nodeSelector": {"accelerator": "none-here"}}, "node"),
], ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "")  # fmt: skip
def test_what_keeps_pods_from_starting_is_shown_by_the_events_that_notes_name(
    release: Release, detector: dict[str, str], what: str, values: dict[str, Any], said: str, figure: Figure
):
    if what == "no quota":
        release.space.apply(QUOTA)
    notes = release.install("detector", {**emulated(detector), **ONE, **values})
    reason = re.compile(f".*{re.escape(said)}.*")
    line = wait_until("the reason", lambda: reason.search(release.asked(notes, "kubectl get events")), SAID_S)
    figure("says", re.sub(r"\s+", " ", line[0])[-120:])


def test_a_store_that_nobody_can_reach_is_said_with_its_code_and_a_remedy_by_the_logs_that_notes_name(
    release: Release, detector: dict[str, str], figure: Figure
):
    release.space.apply({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "reader"},
        "stringData": {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"},
    })  # fmt: skip
    storage = {"secretName": "reader", "endpoint": "http://nobody.storage.svc:9", "region": "us-east-1"}
    notes = release.install("detector", {**emulated(detector), **ONE, "model": NOBODY, "storage": storage})
    # What was seen is what is judged: the next start of the container begins an empty log.
    said = wait_until("the reason", lambda: REASON.search(release.asked(notes, "kubectl logs")), SAID_S)
    figure("says", " ".join(said.group("what", "why", "remedy")))
    assert said["code"] == "repository.unreachable"


@pytest.mark.parametrize(("chart", "values"), [
    ("detector", {}), ("trainer", {"data": {"phantoms": 9}, "runs": {"claimName": "r"}}), ("loadtest", {"target": "http://x"}),
])  # fmt: skip
def test_a_kubernetes_that_is_too_old_is_refused(release: Release, chart: str, values: dict[str, Any]):
    """Helm asks the cluster for its version; here it is told one, because this cluster is new enough."""
    other = replace(release, name="old")
    with pytest.raises(AssertionError, match="incompatible with Kubernetes"):
        other.install(chart, values, "template", "--kube-version", TOO_OLD)
    assert not release.left()


@pytest.mark.parametrize(("chart", "values", "said"), [
    ("detector", {}, "which KServe brings: install KServe"),
    ("trainer", {"data": {"phantoms": 9}, "runs": {"claimName": "r"}}, "which KubeRay brings: install KubeRay"),
])  # fmt: skip
def test_a_cluster_without_what_a_chart_builds_on_is_refused(
    release: Release, chart: str, values: dict[str, Any], said: str
):
    """Helm asks the cluster for its kinds; here it is told of one that has none but Kubernetes' own."""
    other = replace(release, name="bare")
    with pytest.raises(AssertionError, match=said):
        other.install(chart, values, "template", "--api-versions", "apiregistration.k8s.io/v1")
    assert not release.left()


@pytest.mark.takes("cluster")
def test_a_kind_that_the_cluster_itself_lacks_is_refused_and_nothing_is_installed(
    release: Release, cluster: Instance, kubectl: Kubectl, detector: dict[str, str]
):
    """Taken away for a moment: one that no controller here watches."""
    kind = kubectl.read("customresourcedefinition", TAKEN_AWAY)
    kubectl("delete", "customresourcedefinition", TAKEN_AWAY)
    try:
        values = {**emulated(detector), **ONE, "monitoring": {"podMonitor": {"enabled": True}}}
        assert "which the Prometheus operator brings: install it" in release.refused("detector", values)
        assert not release.left()
    finally:
        kubectl.apply({**kind, "metadata": {"name": TAKEN_AWAY, "annotations": kind["metadata"]["annotations"]}})
        kubectl("wait", "--for=condition=Established", f"customresourcedefinition/{TAKEN_AWAY}", f"--timeout={SAID_S}s")
