"""A weighted route of the Gateway API splits requests as it says."""

from __future__ import annotations

import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from infra.cluster.addons.ingress import GATEWAY, SPACE
from infra.cluster.instance import Instance
from infra.cluster.kubectl import wait_until
from tests.cluster.place import Space, deployment, service

READY_S = 120
REQUESTS = 100
HOST = "split.example.com"
WEIGHTS = {"stable": 80, "canary": 20}
Figure = Callable[[str, Any], None]


def ask(port: int) -> str:
    """Which of the two answered; empty where none did."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/hostname", headers={"Host": HOST})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode().partition("-")[0]
    except OSError:
        return ""


@pytest.mark.takes("cluster")  # Traefik deals out by turns, and begins anew whenever an endpoint of any route changes
def test_a_route_with_weights_splits_a_hundred_requests(space: Space, cluster: Instance, figure: Figure):
    server = ["python3", "-m", "http.server", "8000", "--directory", "/etc"]
    for name in WEIGHTS:
        space.apply(deployment(name, server, {"cpu": "10m"}), service(name, 8000))
    backends = [{"name": name, "port": 8000, "weight": weight} for name, weight in WEIGHTS.items()]
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "split"},
        "spec": {
            "parentRefs": [{"name": GATEWAY, "namespace": SPACE}],
            "hostnames": [HOST],
            "rules": [{"backendRefs": backends}],
        },
    }
    space.apply(route)
    for name in WEIGHTS:
        space("rollout", "status", f"deployment/{name}", f"--timeout={READY_S}s")
    port = cluster.wish().ports["http"]
    wait_until("both backends behind the route", lambda: {ask(port) for _ in range(10)} == set(WEIGHTS), READY_S)
    counts = Counter(ask(port) for _ in range(REQUESTS))
    figure("canary_of_100", counts["canary"])
    assert dict(counts) == WEIGHTS
