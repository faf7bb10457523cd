"""Many releases on many nodes: what the chart and KServe's controller cost, and what holds there.

The nodes are KWOK's: pods on them are placed and never run. API server, scheduler, controllers and webhooks are real.
Five hundred releases on a thousand nodes take ten minutes, so only where ``WIDE`` is set; thirty on sixty ask the same.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from infra.cluster.instance import Instance
from infra.cluster.kubectl import Kubectl, wait_until
from infra.cluster.program import Records
from infra.cluster.workshop import Workshop
from tests.cluster import kwok
from tests.cluster.place import Space
from tests.cluster.process import Usage, of_controller, stopped, usage
from tests.cluster.release import ROOT
from tests.cluster.values import TWO
from tools.helm import helm

Figure = Callable[[str, Any], None]
WHOLE = pytest.mark.skipif("WIDE" not in os.environ, reason="WIDE is not set: this takes ten minutes")
WATCHED = 10
"""Releases whose budgets are asked."""
READY_S = 600
SOON_S = 60
MODEL = "w000"
VALUES = {
    **TWO,
    "nodeSelector": kwok.LABEL,
    "tolerations": [kwok.TAINT],
    "topologySpread": {"whenUnsatisfiable": "DoNotSchedule"},
    # Else KServe makes a route for each, and the Gateway, which is no part of this, works all of them in each time.
    "commonLabels": {"networking.kserve.io/visibility": "cluster-local"},
}


@pytest.mark.takes("cluster")
@pytest.mark.parametrize(("releases", "nodes"), [(30, 60), pytest.param(500, 1000, marks=WHOLE)])
def test_releases_on_a_wide_cluster_are_ready_spread_and_guarded(
    releases: int,
    nodes: int,
    space: Space,
    cluster: Instance,
    shop: Workshop,
    kubectl: Kubectl,
    figure: Figure,
    tmp_path: Path,
):
    one = rendered(space, MODEL, tmp_path)
    assert renamed(one, "w123") == rendered(space, "w123", tmp_path), "a release is not another one with its name"
    figure("objects_a_release", len(list(yaml.safe_load_all(one))))
    with kwok.fake_nodes(cluster, shop, kubectl, nodes, tmp_path) as fake:
        before, started = used(cluster, kubectl), time.monotonic()
        space.kubectl.apply_text("\n---\n".join(renamed(one, f"w{number:03d}") for number in range(releases)))
        figure("seconds_to_apply", time.monotonic() - started)
        words = ("inferenceservices", f"--namespace={space.name}")
        wait_until("every release", lambda: kwok.ready(kubectl, *words) == releases, READY_S, every_s=kwok.LOOK_S)
        figure("seconds_to_all_ready", time.monotonic() - started)
        for name, after in used(cluster, kubectl).items():
            figure(f"{name}_cpu_s", after.cpu_s - before[name].cpu_s)
            figure(f"{name}_peak_mib", after.peak_mib)
        pods = by_release(space)
        assert len(pods) == releases
        zones = {node["metadata"]["name"]: zone(node) for node in kubectl.read("nodes")["items"]}
        for release, found in pods.items():
            places = [pod["spec"]["nodeName"] for pod in found]
            assert len(set(places)) == 2, f"{release} is not spread: {places}"
            assert len({zones[place] for place in places}) == 2, f"{release} is in one zone: {places}"
        for release in sorted(pods)[:: releases // WATCHED]:
            guarded(space, fake, *(pod["metadata"]["name"] for pod in pods[release]))


def rendered(space: Space, release: str, folder: Path) -> str:
    """What the chart makes of a release."""
    (folder / "values.yaml").write_text(yaml.safe_dump({**VALUES, "model": {"name": "wrist"}}))
    words = ["template", release, str(ROOT / "charts/detector"), "--values", str(folder / "values.yaml")]
    command = [str(helm(4)), *words, "--namespace", space.name, "--skip-tests"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    parts = [part for part in yaml.safe_load_all(text) if part]
    for part in parts:
        part["metadata"]["namespace"] = space.name
    return yaml.safe_dump_all(parts)


def renamed(manifests: str, release: str) -> str:
    """The same of another name; Helm itself would take two minutes for all."""
    return manifests.replace(MODEL, release)


def used(cluster: Instance, kubectl: Kubectl) -> dict[str, Usage]:
    """What each part of the control plane has used until now."""
    records = Records(cluster.folder / "processes")
    names = ("kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler")
    programs = {name: records.find(name) for name in names}
    found = {name.removeprefix("kube-"): usage(process.pid) for name, process in programs.items() if process}
    return {"kserve": usage(of_controller(kubectl)[0]), **found}


def by_release(space: Space) -> dict[str, list[dict[str, Any]]]:
    """The pods of each release."""
    found = defaultdict(list)
    for pod in space.read("pods")["items"]:
        found[pod["metadata"]["labels"]["serving.kserve.io/inferenceservice"]].append(pod)
    return found


def zone(node: dict[str, Any]) -> str:
    """Empty for a node without one."""
    return str(node["metadata"]["labels"].get("topology.kubernetes.io/zone", ""))


def guarded(space: Space, fake: subprocess.Popen[bytes], first: str, second: str) -> None:
    """One pod may go, the other only when there are two again; meanwhile no new one becomes ready."""
    with stopped(fake.pid):
        assert space.evict(first)
        assert not space.evict(second), "the budget let both go at once"
    wait_until("the second's turn", lambda: space.evict(second), SOON_S)
