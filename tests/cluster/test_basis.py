"""The cluster is a cluster: nodes, names, volumes, usage."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from infra.cluster.instance import Instance
from infra.cluster.kubectl import Kubectl, wait_until
from infra.cluster.workshop import Workshop
from tests.cluster.place import Space, claim, deployment, service

READY_S = 120
SERVER = ["python3", "-m", "http.server", "8000", "--directory", "/etc"]
BUSY = ["python3", "-c", "import time\nwhile True: sum(range(200_000)), time.sleep(0.02)"]
"""About a sixth of a core, which is three times what it requests."""
SCALE_S = 240
Figure = Callable[[str, Any], None]


def test_every_node_is_ready_at_the_pinned_version(kubectl: Kubectl, cluster: Instance, shop: Workshop):
    nodes = kubectl.read("nodes")["items"]
    assert len(nodes) == cluster.wish().nodes
    for node in nodes:
        assert node["status"]["nodeInfo"]["kubeletVersion"] == shop.versions["KUBERNETES_VERSION"]
        assert ("Ready", "True") in [(entry["type"], entry["status"]) for entry in node["status"]["conditions"]]


def test_a_pod_finds_a_service_by_its_name(space: Space, figure: Figure):
    space.apply(deployment("server", SERVER, {"cpu": "10m"}), service("server", 8000))
    space("rollout", "status", "deployment/server", f"--timeout={READY_S}s")
    started = time.monotonic()
    # Not at once: the proxy of a node takes up once a second what became ready.
    ask = f"wget -q -T 5 -O- http://server.{space.name}.svc.cluster.local:8000/hostname"
    said = space.run("client", f"until {ask}; do sleep 0.2; done", READY_S)
    figure("seconds_to_answer", time.monotonic() - started)
    assert said.strip().startswith("server-")


def test_a_claim_gets_a_volume_that_outlives_its_pod_and_goes_with_the_claim(space: Space, kubectl: Kubectl):
    space.apply(claim("data", "1Mi"))
    space.run("writer", "echo kept > /data/file", READY_S, claims={"data": "/data"})
    assert space.run("reader", "cat /data/file", READY_S, claims={"data": "/data"}) == "kept\n"
    volume = space.read("persistentvolumeclaim", "data")["spec"]["volumeName"]
    space("delete", "pod", "--all")
    space("delete", "persistentvolumeclaim", "data")
    wait_until("the volume's end", lambda: not kubectl.succeeds("get", "persistentvolume", volume), READY_S)


def test_usage_reaches_an_autoscaler_which_acts_on_it(space: Space, figure: Figure):
    space.apply(deployment("busy", BUSY, {"cpu": "50m"}))
    target = {"type": "Utilization", "averageUtilization": 50}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "busy"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "busy"},
            "minReplicas": 1,
            "maxReplicas": 2,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }
    space.apply(scaler)
    started = time.monotonic()
    wait_until("the second replica", lambda: space.read("deployment", "busy")["spec"]["replicas"] == 2, SCALE_S)
    figure("seconds_to_two_replicas", time.monotonic() - started)
